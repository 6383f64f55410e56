/** A bank in PostgreSQL: accounts in a schema of their own, transfers over a pool of connections. */
import { randomBytes, randomInt } from "node:crypto";
import { openPostgresPool } from "../../servers/clients.js";
import { checkTransfer } from "../check-transfer.js";
import type { Attempt, Bank, BankAccount, OpeningAccount, StrategyTransfer, TransferOptions } from "../strategy.js";
import { untilDecided } from "../until-decided.js";
import type { PostgresDatabase, PostgresStrategy } from "./postgres-strategy.js";
import { statementsFor } from "./statements.js";

export interface PostgresBankOptions {
  /** Where the server is, as in `DATABASE_URL`. */
  readonly url: string;
  /** Connections, at most. Default 10, the pool's own default. */
  readonly connections?: number;
}

const CONNECTIONS_DEFAULT = 10;
const ROWS_AN_INSERT = 10_000;
const LOCK_NAMESPACES = 2 ** 31;

/** Where a bank is, for others who want to work on its accounts: plain data, which may go to another thread. */
export interface PostgresBankAddress {
  readonly url: string;
  readonly schema: string;
  readonly lockNamespace: number;
  readonly accountCount: number;
}

/** A bank in PostgreSQL. Whoever opened it drops its accounts by `close`; whoever attached to it leaves them. */
export interface PostgresBankHandle extends Bank {
  readonly address: PostgresBankAddress;
}

class PostgresBank implements PostgresBankHandle {
  readonly address: PostgresBankAddress;
  readonly #strategy: PostgresStrategy;
  readonly #database: PostgresDatabase;
  readonly #isOwner: boolean;

  constructor(strategy: PostgresStrategy, database: PostgresDatabase, address: PostgresBankAddress, isOwner: boolean) {
    this.address = address;
    this.#strategy = strategy;
    this.#database = database;
    this.#isOwner = isOwner;
  }

  async transfer(transfer: StrategyTransfer, options?: TransferOptions): Promise<Attempt> {
    const refusal = checkTransfer(transfer, this.address.accountCount);
    if (refusal !== undefined) return { result: refusal, conflicts: 0 };
    return untilDecided((gap) => this.#strategy.attempt(this.#database, transfer, gap), options);
  }

  async accounts(): Promise<readonly BankAccount[]> {
    const { pool, statements } = this.#database;
    const { rows } = await pool.query<{ balance: string; version: string; limited: boolean }>(statements.readAll);
    return rows.map(({ balance, version, limited }) => ({
      balance: BigInt(balance),
      version: BigInt(version),
      limited,
    }));
  }

  async close(): Promise<void> {
    const { pool, statements } = this.#database;
    try {
      if (this.#isOwner) await pool.query(statements.drop);
    } finally {
      await pool.end();
    }
  }
}

/**
 * Opens a bank with these accounts, numbered from 0, under the strategy. Its schema is new and is dropped by `close`.
 * Throws `peer_missing` where the package `pg` is not installed.
 */
export async function openPostgresBank(
  strategy: PostgresStrategy,
  accounts: readonly OpeningAccount[],
  options: PostgresBankOptions,
): Promise<PostgresBankHandle> {
  const address: PostgresBankAddress = {
    url: options.url,
    schema: `parallel_ledger_${randomBytes(6).toString("hex")}`,
    lockNamespace: randomInt(LOCK_NAMESPACES),
    accountCount: accounts.length,
  };
  const database = await connect(address, options.connections);
  const { pool, statements } = database;
  const bank = new PostgresBank(strategy, database, address, true);
  try {
    await pool.query(statements.create);
    for (let first = 0; first < accounts.length; first += ROWS_AN_INSERT) {
      const some = accounts.slice(first, first + ROWS_AN_INSERT);
      const columns = [some.map((_, i) => first + i), some.map((row) => row.balance), some.map((row) => row.limited)];
      await pool.query(statements.insert, columns);
    }
  } catch (error) {
    await bank.close().catch(() => {});
    throw error;
  }
  return bank;
}

/** Works on the accounts of a bank that somebody else has opened and keeps open. */
export async function attachPostgresBank(
  strategy: PostgresStrategy,
  address: PostgresBankAddress,
  connections?: number,
): Promise<PostgresBankHandle> {
  return new PostgresBank(strategy, await connect(address, connections), address, false);
}

async function connect(
  { url, schema, lockNamespace }: PostgresBankAddress,
  connections = CONNECTIONS_DEFAULT,
): Promise<PostgresDatabase> {
  const pool = await openPostgresPool(url, connections);
  return { pool, statements: statementsFor(schema), schema, lockNamespace };
}
