/** The statements of a bank in SQLite: the same table and the same texts as in PostgreSQL, as far as the two agree. */
import type { Database, Statement } from "better-sqlite3";
import type { TransferResultCode } from "../../core/results.js";
import { accountColumns, canBeCredited, canBeDebited, refusalOf } from "../sql/rule.js";

export const CREATE_TABLE = `CREATE TABLE accounts (${accountColumns({ money: "integer", boolean: "integer" })}) STRICT`;

/** A row that `read` returns. Integers arrive as `bigint`. */
export interface AccountRow {
  readonly id: bigint;
  readonly version: bigint;
  readonly refusal: TransferResultCode | null;
}

type Leg = Statement<[{ readonly amount: bigint; readonly account: number }]>;
type VersionedLeg = Statement<[{ readonly amount: bigint; readonly account: number; readonly version: bigint }]>;

/** Prepared statements of one connection. Writing reports the number of rows changed: 0 or 1. */
export interface Statements {
  readonly insert: Statement<[{ readonly account: number; readonly balance: bigint; readonly limited: number }]>;
  readonly readAll: Statement<[], { balance: bigint; version: bigint; limited: bigint }>;
  /** Both rows, in the order of their numbers. */
  readonly read: Statement<[{ readonly amount: bigint; readonly debit: number; readonly credit: number }], AccountRow>;
  readonly debitWhereAllowed: Leg;
  readonly creditWhereAllowed: Leg;
  readonly debitWhereUnchanged: VersionedLeg;
  readonly creditWhereUnchanged: VersionedLeg;
}

export function prepareStatements(database: Database): Statements {
  const debit = "UPDATE accounts SET balance = balance - $amount, version = version + 1 WHERE id = $account";
  const credit = "UPDATE accounts SET balance = balance + $amount, version = version + 1 WHERE id = $account";
  return {
    insert: database.prepare("INSERT INTO accounts (id, balance, limited) VALUES ($account, $balance, $limited)"),
    readAll: database.prepare("SELECT balance, version, limited FROM accounts ORDER BY id"),
    read: database.prepare(
      `SELECT id, version, ${refusalOf("$debit", "$amount")} AS refusal
        FROM accounts WHERE id IN ($debit, $credit) ORDER BY id`,
    ),
    debitWhereAllowed: database.prepare(`${debit} AND ${canBeDebited("$amount")}`),
    creditWhereAllowed: database.prepare(`${credit} AND ${canBeCredited("$amount")}`),
    debitWhereUnchanged: database.prepare(`${debit} AND version = $version`),
    creditWhereUnchanged: database.prepare(`${credit} AND version = $version`),
  };
}
