/** Where the data lives: the same transfers through one interface, in memory, in a file, in a server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Servers } from "../servers/servers.js";
import { openMemoryBank } from "../strategies/memory/bank.js";
import { MEMORY_STRATEGIES } from "../strategies/memory/strategies.js";
import { openPostgresBank } from "../strategies/postgres/bank.js";
import type { PostgresStrategy } from "../strategies/postgres/postgres-strategy.js";
import { REDIS_LOCK, REDLOCK, underLock } from "../strategies/postgres/redis-lock.js";
import { POSTGRES_STRATEGIES } from "../strategies/postgres/strategies.js";
import type { LeaseLock } from "../strategies/redis/lease.js";
import { openRedisLock } from "../strategies/redis/lock.js";
import { openRedlock } from "../strategies/redis/redlock.js";
import { openSqliteBank } from "../strategies/sqlite/bank.js";
import { SQLITE_STRATEGIES } from "../strategies/sqlite/strategies.js";
import type { Bank, OpeningAccount, Strategy } from "../strategies/strategy.js";
import { seedOf } from "./coordination.js";
import type { Measuring, Side } from "./measuring.js";
import { runBank } from "./run-bank.js";
import { auditedBank } from "./work.js";
import { CONTENTIONS, makeWorkload, openingAccounts } from "./workload.js";

/** Minor units that accounts open with: so few that some debits must be refused. */
const OPENING = 500;

/** Far longer than a transfer takes: what is measured is a lock that works, not one that expires. */
const LEASE_MS = 10_000;
/** Redlock asks for a majority of independent servers: fewer than three have none to lose. */
export const REDLOCK_NODES = 3;

/** A strategy in one place, how to open a bank under it, and how many transfers a repetition makes. */
interface Placed {
  readonly strategy: Strategy;
  readonly operations: number;
  readonly open: (accounts: readonly OpeningAccount[]) => Promise<Bank>;
}

export async function measurePlaces(measuring: Measuring, servers: Servers): Promise<void> {
  const { plan } = measuring;
  const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-compare-"));
  const locks = await openLocks(measuring, servers);
  try {
    for (const contention of ["uniform", "hot-scarce"] as const) {
      const workload = makeWorkload({
        contention,
        accounts: plan.durableAccounts,
        transfers: Math.max(plan.loopTransfers, plan.durableTransfers),
        seed: seedOf(measuring, `places ${contention}`),
        opening: OPENING,
      });
      measuring.note(workload, `${CONTENTIONS[contention]}; all open with ${OPENING} minor units`);
      const banks: Bank[] = [];
      try {
        const sides: Side[] = [];
        for (const placed of placesOf(measuring, servers, locks, join(folder, contention))) {
          const bank = await placed.open(openingAccounts(workload));
          banks.push(bank);
          sides.push(sideOf(measuring, placed, bank, workload));
        }
        await measuring.sides(workload.name, sides);
      } finally {
        for (const bank of banks) await bank.close();
      }
    }
  } finally {
    for (const { lock } of locks) await lock.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface OpenLock {
  readonly terms: typeof REDIS_LOCK;
  readonly lock: LeaseLock;
}

/** The locks that there are servers for. */
async function openLocks(measuring: Measuring, { postgres, redis }: Servers): Promise<OpenLock[]> {
  if (postgres === undefined || redis[0] === undefined) return [];
  const locks = [{ terms: REDIS_LOCK, lock: await openRedisLock(redis[0].url, LEASE_MS) }];
  if (redis.length < REDLOCK_NODES) {
    measuring.skip(
      REDLOCK.name,
      `it takes ${REDLOCK_NODES} Redis servers: name them in REDIS_URL, separated by commas`,
    );
    return locks;
  }
  const urls = redis.map(({ url }) => url);
  return [...locks, { terms: REDLOCK, lock: await openRedlock(urls, LEASE_MS) }];
}

function sideOf(
  { plan: { concurrency } }: Measuring,
  { strategy, operations }: Placed,
  bank: Bank,
  workload: ReturnType<typeof makeWorkload>,
): Side {
  const { name, accounts } = workload;
  return {
    cell: {
      part: "places",
      strategy: strategy.name,
      place: strategy.place,
      way: "event-loop",
      threads: 1,
      concurrency,
      workload: name,
      accounts,
      operations,
    },
    run: () => auditedBank(bank, () => runBank(bank, workload, { concurrency, operations })),
  };
}

function placesOf({ plan }: Measuring, { postgres }: Servers, locks: readonly OpenLock[], prefix: string): Placed[] {
  const { concurrency, loopTransfers, durableTransfers, lockedTransfers } = plan;
  const inPostgres = (strategy: PostgresStrategy, operations: number): Placed => ({
    strategy,
    operations,
    open: (accounts) => openPostgresBank(strategy, accounts, { url: postgres!.url, connections: concurrency }),
  });
  return [
    ...MEMORY_STRATEGIES.map(
      (strategy): Placed => ({
        strategy,
        operations: loopTransfers,
        open: async (accounts) => openMemoryBank(strategy, accounts),
      }),
    ),
    ...SQLITE_STRATEGIES.map(
      (strategy): Placed => ({
        strategy,
        operations: durableTransfers,
        open: (accounts) => openSqliteBank(strategy, accounts, { path: `${prefix}-${strategy.name}.db` }),
      }),
    ),
    ...(postgres === undefined ? [] : POSTGRES_STRATEGIES).map((strategy) => inPostgres(strategy, durableTransfers)),
    ...locks.map(({ terms, lock }) => inPostgres(underLock(terms, lock), lockedTransfers)),
  ];
}
