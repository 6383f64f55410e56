/**
 * `redis-lock` and `redlock`: a lock outside the database around the unsafe pair of SELECT and UPDATE.
 *
 * Both accounts' locks are asked for in the order of their numbers. Whoever gets none of the two, or only one, lets go
 * and begins again after a random wait: nobody waits while holding. Before writing, the lease is compared with the
 * clock, as careful programs do. That catches a pause before the question. A pause behind it, or in the database, goes
 * unseen, and then two write: `parallel-ledger race` shows it. The cautions are in `../redis/lock.ts` and
 * `../redis/redlock.ts`.
 */

import { hasExpired, type Lease, type LeaseLock } from "../redis/lease.js";
import { legsInOrder } from "../sql/rule.js";
import type { Strategy } from "../strategy.js";
import { CONFLICT } from "../until-decided.js";
import type { PostgresStrategy } from "./postgres-strategy.js";
import { inTransaction, selectThenUpdate } from "./transaction.js";

/** The terms of a lock on one Redis. */
export const REDIS_LOCK: Strategy & { readonly place: "postgres" } = {
  name: "redis-lock",
  place: "postgres",
  safe: true,
  guarantee:
    "No account is overspent as long as every writer takes the lock and none is paused between its last look at the " +
    "clock and its commit for what is left of the lease. One Redis that restarts without its data voids it.",
  cost:
    "Five round trips and one commit in the database, four more to Redis, another server to run; transfers that share " +
    "an account poll for their turn.",
  whenToUse: "To save work: so that two processes rarely do the same thing, where twice is harmless.",
  whenNot: "For correctness. The database can refuse what is late; the lock can't.",
};

/** The terms of a lock on several. */
export const REDLOCK: Strategy & { readonly place: "postgres" } = {
  name: "redlock",
  place: "postgres",
  safe: true,
  guarantee:
    "That of redis-lock, and a minority of the servers may fail. It rests on clocks that don't jump and on servers that " +
    "don't forget a key within its lease.",
  cost: "Five round trips and one commit in the database, four more to each of three or five Redis servers at once.",
  whenToUse: "Where redis-lock would do, and one Redis going away must not stop everything.",
  whenNot: "For correctness: more servers make the lock more available, not more exclusive.",
};

/** The strategy that protects the unsafe pair by this lock, under the terms given. The lock stays the caller's. */
export function underLock(terms: typeof REDIS_LOCK, lock: LeaseLock): PostgresStrategy {
  return {
    ...terms,
    async attempt(database, transfer, gap) {
      const leases: Lease[] = [];
      try {
        for (const { account } of legsInOrder(transfer)) {
          const lease = await lock.tryAcquire(`${database.schema}:account:${account}`);
          if (lease === undefined) return CONFLICT;
          leases.push(lease);
        }
        return await inTransaction(database.pool, (client) =>
          selectThenUpdate(database, client, transfer, gap, { mayWrite: () => !leases.some(hasExpired) }),
        );
      } finally {
        // A lease that can't be given back runs out by itself.
        await Promise.allSettled(leases.map((lease) => lock.release(lease)));
      }
    },
  };
}
