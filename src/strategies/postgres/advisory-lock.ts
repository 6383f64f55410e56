/**
 * `advisory-lock`: `pg_advisory_xact_lock` for both accounts, then SELECT and UPDATE.
 *
 * The database keeps a lock on a number that means something only to the program. The locks are taken in the order of
 * account numbers, each in a statement of its own (a planner may reorder calls within one), and the end of the
 * transaction lets them go, also where the connection breaks. The SELECT is a later statement, so that it sees what
 * the previous holder has committed.
 */
import { legsInOrder } from "../sql/rule.js";
import type { PostgresStrategy } from "./postgres-strategy.js";
import { TAKE_ADVISORY_LOCK } from "./statements.js";
import { inTransaction, selectThenUpdate } from "./transaction.js";

export const advisoryLock: PostgresStrategy = {
  name: "advisory-lock",
  place: "postgres",
  safe: true,
  guarantee:
    "No account is overspent and no change is lost, as long as every writer takes the lock: the rows themselves are " +
    "not protected.",
  cost: "Seven round trips and one commit a transfer; transfers that share an account wait, each holding a connection.",
  whenToUse: "To protect something that is no row: a sequence of statements, a job, a call to another service.",
  whenNot: "When the protected thing is a row, which has a lock of its own; behind a pooler that shares sessions.",
  attempt: (database, transfer, gap) =>
    inTransaction(database.pool, async (client) => {
      for (const { account } of legsInOrder(transfer)) {
        await client.query(TAKE_ADVISORY_LOCK, [database.lockNamespace, account]);
      }
      return selectThenUpdate(database, client, transfer, gap);
    }),
};
