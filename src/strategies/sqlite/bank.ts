/**
 * A bank in a SQLite file of its own.
 *
 * Write-ahead log and `synchronous = FULL`: a transfer's promise resolves when its commit has been flushed to disk, and
 * survives a power cut from then on. (With `NORMAL`, which is faster, the last commits of a write-ahead log do not.)
 */
import { existsSync } from "node:fs";
import SQLite from "better-sqlite3";
import { LedgerError } from "../../core/errors.js";
import { checkTransfer } from "../check-transfer.js";
import type { Attempt, Bank, BankAccount, OpeningAccount, StrategyTransfer, TransferOptions } from "../strategy.js";
import { untilDecided } from "../until-decided.js";
import type { SqliteDatabase, SqliteStrategy } from "./sqlite-strategy.js";
import { CREATE_TABLE, prepareStatements } from "./statements.js";

export interface SqliteBankOptions {
  /** A file that does not exist yet. It stays when the bank is closed. */
  readonly path: string;
}

class SqliteBank implements Bank {
  readonly #strategy: SqliteStrategy;
  readonly #database: SqliteDatabase;
  readonly #accountCount: number;

  constructor(strategy: SqliteStrategy, database: SqliteDatabase, accountCount: number) {
    this.#strategy = strategy;
    this.#database = database;
    this.#accountCount = accountCount;
  }

  async transfer(transfer: StrategyTransfer, options?: TransferOptions): Promise<Attempt> {
    const refusal = checkTransfer(transfer, this.#accountCount);
    if (refusal !== undefined) return { result: refusal, conflicts: 0 };
    return untilDecided((gap) => this.#strategy.attempt(this.#database, transfer, gap), options);
  }

  async accounts(): Promise<readonly BankAccount[]> {
    return this.#database.statements.readAll
      .all()
      .map(({ balance, version, limited }) => ({ balance, version, limited: limited === 1n }));
  }

  async close(): Promise<void> {
    this.#database.connection.close();
  }
}

/** Opens a bank with these accounts, numbered from 0, under the strategy. */
export async function openSqliteBank(
  strategy: SqliteStrategy,
  accounts: readonly OpeningAccount[],
  { path }: SqliteBankOptions,
): Promise<Bank> {
  if (existsSync(path)) {
    throw new LedgerError(
      "invalid_argument",
      `'${path}' exists already: a bank's file is made anew, name another path`,
      {
        details: { path },
      },
    );
  }
  const connection = new SQLite(path);
  try {
    connection.defaultSafeIntegers(true);
    connection.pragma("journal_mode = WAL");
    connection.pragma("synchronous = FULL");
    connection.exec(CREATE_TABLE);
    const statements = prepareStatements(connection);
    connection.transaction(() => {
      accounts.forEach(({ balance, limited }, account) => {
        statements.insert.run({ account, balance, limited: Number(limited) });
      });
    })();
    return new SqliteBank(strategy, { connection, statements }, accounts.length);
  } catch (error) {
    connection.close();
    throw error;
  }
}
