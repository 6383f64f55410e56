/** The race under every strategy, wherever its balances live: on one event loop, on threads, in databases. */
import { join } from "node:path";
import type { Servers } from "../servers/servers.js";
import { openMemoryBank } from "../strategies/memory/bank.js";
import { MEMORY_STRATEGIES } from "../strategies/memory/strategies.js";
import { openThreadBank } from "../strategies/memory/threads.js";
import { openPostgresBank } from "../strategies/postgres/bank.js";
import { REDIS_LOCK, REDLOCK, underLock } from "../strategies/postgres/redis-lock.js";
import { POSTGRES_STRATEGIES } from "../strategies/postgres/strategies.js";
import type { LeaseLock } from "../strategies/redis/lease.js";
import { openRedisLock } from "../strategies/redis/lock.js";
import { openRedlock } from "../strategies/redis/redlock.js";
import { openSqliteBank } from "../strategies/sqlite/bank.js";
import { SQLITE_STRATEGIES } from "../strategies/sqlite/strategies.js";
import type { Bank } from "../strategies/strategy.js";
import type { RaceCase } from "./race-case.js";
import { strategyRace } from "./two-withdrawals.js";

export const REDLOCK_NODES = 3;
/** Longer than any of these races takes: the lease that runs out has races of its own. */
const LEASE_MS = 30_000;
const THREADS = 2;

export function eventLoopRaces(): RaceCase[] {
  return MEMORY_STRATEGIES.map((strategy) =>
    strategyRace("event loop", strategy, async (accounts) => openMemoryBank(strategy, accounts)),
  );
}

export function threadRaces(): RaceCase[] {
  return MEMORY_STRATEGIES.map((strategy) =>
    strategyRace("worker threads", strategy, (accounts) => openThreadBank(strategy, accounts, { threads: THREADS })),
  );
}

/** The files are made in `folder`, which is the caller's to remove. */
export function sqliteRaces(folder: string): RaceCase[] {
  return SQLITE_STRATEGIES.map((strategy) =>
    strategyRace("SQLite", strategy, (accounts) =>
      openSqliteBank(strategy, accounts, { path: join(folder, `${strategy.name}.db`) }),
    ),
  );
}

export function postgresRaces(url: string): RaceCase[] {
  return POSTGRES_STRATEGIES.map((strategy) =>
    strategyRace("PostgreSQL", strategy, (accounts) => openPostgresBank(strategy, accounts, { url })),
  );
}

/** As many of them as there are Redis servers for. */
export function redisLockRaces(url: string, redis: Servers["redis"]): RaceCase[] {
  const urls = redis.map((server) => server.url);
  const races: RaceCase[] = [];
  if (urls.length > 0) races.push(lockRace(url, REDIS_LOCK, () => openRedisLock(urls[0]!, LEASE_MS)));
  if (urls.length >= REDLOCK_NODES) races.push(lockRace(url, REDLOCK, () => openRedlock(urls, LEASE_MS)));
  return races;
}

function lockRace(url: string, terms: typeof REDIS_LOCK, openLock: () => Promise<LeaseLock>): RaceCase {
  return strategyRace("PostgreSQL", terms, async (accounts): Promise<Bank> => {
    const lock = await openLock();
    const bank = await openPostgresBank(underLock(terms, lock), accounts, { url });
    return {
      transfer: (transfer, options) => bank.transfer(transfer, options),
      accounts: () => bank.accounts(),
      async close() {
        await bank.close();
        await lock.close();
      },
    };
  });
}
