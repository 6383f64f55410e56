/** Every strategy in every place, on real servers: what the contract is asked of. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { startServers } from "../../src/servers/servers.js";
import { openPostgresBank } from "../../src/strategies/postgres/bank.js";
import { POSTGRES_STRATEGIES } from "../../src/strategies/postgres/strategies.js";
import { openSqliteBank } from "../../src/strategies/sqlite/bank.js";
import { SQLITE_STRATEGIES } from "../../src/strategies/sqlite/strategies.js";
import type { Bank, OpeningAccount, Strategy } from "../../src/strategies/strategy.js";

export interface BankCase {
  readonly name: string;
  readonly strategy: Strategy;
  /** Undefined where a server that this needs is missing. */
  readonly open: ((accounts: readonly OpeningAccount[]) => Promise<Bank>) | undefined;
}

const servers = await startServers({ postgres: true, redisNodes: 0 });
const folder = mkdtempSync(join(tmpdir(), "parallel-ledger-"));
afterAll(async () => {
  await servers.stop();
  rmSync(folder, { recursive: true, force: true });
});
for (const { name, reason } of servers.missing) console.warn(`SKIPPED: strategies that need ${name}: ${reason}`);

export const POSTGRES_URL = servers.postgres?.url;

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

export const BANK_CASES: readonly BankCase[] = [...sqlite, ...postgres];
