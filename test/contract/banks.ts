/** Every strategy in every place, on real servers: what the contract is asked of. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { startServers } from "../../src/servers/servers.js";
import { openMemoryBank } from "../../src/strategies/memory/bank.js";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";
import { openThreadBank } from "../../src/strategies/memory/threads.js";
import { openPostgresBank } from "../../src/strategies/postgres/bank.js";
import { REDIS_LOCK, REDLOCK, underLock } from "../../src/strategies/postgres/redis-lock.js";
import { POSTGRES_STRATEGIES } from "../../src/strategies/postgres/strategies.js";
import type { LeaseLock } from "../../src/strategies/redis/lease.js";
import { openRedisLock } from "../../src/strategies/redis/lock.js";
import { openRedlock } from "../../src/strategies/redis/redlock.js";
import { openSqliteBank } from "../../src/strategies/sqlite/bank.js";
import { SQLITE_STRATEGIES } from "../../src/strategies/sqlite/strategies.js";
import type { Bank, OpeningAccount, Strategy } from "../../src/strategies/strategy.js";

export interface BankCase {
  readonly name: string;
  readonly strategy: Strategy;
  /** Undefined where a server that this needs is missing. */
  readonly open: ((accounts: readonly OpeningAccount[]) => Promise<Bank>) | undefined;
}

const REDLOCK_NODES = 3;
/** Far longer than any transfer takes here, also on a busy machine. */
const LEASE_MS = 30_000;

const servers = await startServers({ postgres: true, redisNodes: REDLOCK_NODES });
const folder = mkdtempSync(join(tmpdir(), "parallel-ledger-"));
const locks: LeaseLock[] = [];
afterAll(async () => {
  for (const lock of locks) await lock.close();
  await servers.stop();
  rmSync(folder, { recursive: true, force: true });
});
for (const { name, reason } of servers.missing) console.warn(`SKIPPED: strategies that need ${name}: ${reason}`);

export const POSTGRES_URL = servers.postgres?.url;

const memory = MEMORY_STRATEGIES.flatMap((strategy): BankCase[] => [
  {
    name: `memory ${strategy.name}, on the event loop`,
    strategy,
    open: async (accounts) => openMemoryBank(strategy, accounts),
  },
  {
    name: `memory ${strategy.name}, on worker threads`,
    strategy,
    open: (accounts) => openThreadBank(strategy, accounts, { threads: 2 }),
  },
]);

let files = 0;
const sqlite = SQLITE_STRATEGIES.map(
  (strategy): BankCase => ({
    name: `sqlite ${strategy.name}`,
    strategy,
    open: (accounts) => openSqliteBank(strategy, accounts, { path: join(folder, `bank-${++files}.db`) }),
  }),
);

const postgres = POSTGRES_STRATEGIES.map(
  (strategy): BankCase => ({
    name: `postgres ${strategy.name}`,
    strategy,
    open:
      POSTGRES_URL === undefined
        ? undefined
        : (accounts) => openPostgresBank(strategy, accounts, { url: POSTGRES_URL }),
  }),
);

async function locked(terms: typeof REDIS_LOCK, lock: Promise<LeaseLock> | undefined): Promise<BankCase> {
  const name = `postgres ${terms.name}`;
  if (lock === undefined || POSTGRES_URL === undefined) return { name, strategy: terms, open: undefined };
  const opened = await lock;
  locks.push(opened);
  const strategy = underLock(terms, opened);
  return { name, strategy, open: (accounts) => openPostgresBank(strategy, accounts, { url: POSTGRES_URL }) };
}

const [node] = servers.redis;
const redis = [
  await locked(REDIS_LOCK, node && openRedisLock(node.url, LEASE_MS)),
  await locked(
    REDLOCK,
    servers.redis.length < REDLOCK_NODES
      ? undefined
      : openRedlock(
          servers.redis.map(({ url }) => url),
          LEASE_MS,
        ),
  ),
];

export const BANK_CASES: readonly BankCase[] = [...memory, ...sqlite, ...postgres, ...redis];
