/** The statements of a bank in PostgreSQL: its table, and every SQL text that a strategy sends. */
import { accountColumns, canBeCredited, canBeDebited, refusalOf } from "../sql/rule.js";

/** SQL texts for one bank, whose table lies in a schema of its own. */
export interface Statements {
  readonly create: string;
  readonly insert: string;
  readonly readAll: string;
  readonly drop: string;
  /** $1 amount, $2 debit account, $3 credit account. Both rows, in the order of their numbers. */
  readonly read: string;
  /** The same, and both rows locked in that order. */
  readonly readForUpdate: string;
  /** $1 amount, $2 account. Writes without asking: the check was made before, by whoever read. */
  readonly debit: string;
  readonly credit: string;
  /** $1 amount, $2 account. Writes only where the rule allows it, and returns the row then. */
  readonly debitWhereAllowed: string;
  readonly creditWhereAllowed: string;
  /** $1 amount, $2 account, $3 version. Writes only where the row still is as it was read, and returns it then. */
  readonly debitWhereUnchanged: string;
  readonly creditWhereUnchanged: string;
}

/** $1 namespace, $2 account: waits for the lock, which the end of the transaction lets go. */
export const TAKE_ADVISORY_LOCK = "SELECT pg_advisory_xact_lock($1, $2)";

/**
 * There is no `CHECK (limited AND balance >= 0)` in the table, on purpose: it would keep the unsafe strategy from
 * failing. In a table of your own it is the cheapest guard there is.
 */
export function statementsFor(schema: string): Statements {
  const accounts = `${schema}.accounts`;
  const read = `SELECT id, balance, version, ${refusalOf("$2", "$1")} AS refusal
    FROM ${accounts} WHERE id IN ($2, $3) ORDER BY id`;
  const debit = `UPDATE ${accounts} SET balance = balance - $1, version = version + 1 WHERE id = $2`;
  const credit = `UPDATE ${accounts} SET balance = balance + $1, version = version + 1 WHERE id = $2`;
  return {
    create: `CREATE SCHEMA ${schema}; CREATE TABLE ${accounts} (${accountColumns({ money: "bigint", boolean: "boolean" })})`,
    insert: `INSERT INTO ${accounts} (id, balance, limited)
      SELECT * FROM unnest($1::integer[], $2::bigint[], $3::boolean[])`,
    readAll: `SELECT balance, version, limited FROM ${accounts} ORDER BY id`,
    drop: `DROP SCHEMA IF EXISTS ${schema} CASCADE`,
    read,
    readForUpdate: `${read} FOR UPDATE`,
    debit,
    credit,
    debitWhereAllowed: `${debit} AND ${canBeDebited("$1")} RETURNING balance`,
    creditWhereAllowed: `${credit} AND ${canBeCredited("$1")} RETURNING balance`,
    debitWhereUnchanged: `${debit} AND version = $3 RETURNING balance`,
    creditWhereUnchanged: `${credit} AND version = $3 RETURNING balance`,
  };
}
