/**
 * What a resource can do about a client whose lock has expired without its knowing. The resource is a row in PostgreSQL;
 * each guard is the pair of statements that read and write it.
 */
import type { Pool } from "pg";

/** What a client has read, and writes on the strength of. */
export interface Reading {
  readonly balance: string;
  readonly version: string;
}

/** The row, by the name of its table; who asks, by the fencing token of their lock. */
export interface Access {
  readonly pool: Pool;
  readonly table: string;
  readonly fence: number;
}

export interface Guard {
  readonly name: string;
  /** Whether clients take the lock before they read. */
  readonly takesLock: boolean;
  /** Whether the resource is told the fencing token. */
  readonly showsToken: boolean;
  /** Reads; undefined where the resource refuses. */
  read(access: Access): Promise<Reading | undefined>;
  /** Withdraws the amount; the new balance, or undefined where the resource refuses. */
  withdraw(access: Access, amount: bigint, seen: Reading): Promise<string | undefined>;
}

const SELECT = "SELECT balance, version FROM";
const WITHDRAW = "SET balance = balance - $1, version = version + 1";

async function one<Row extends object>(pool: Pool, text: string, values: unknown[]): Promise<Row | undefined> {
  const { rows } = await pool.query<Row>(text, values);
  return rows[0];
}

async function balanceAfter(pool: Pool, text: string, values: unknown[]): Promise<string | undefined> {
  return (await one<{ balance: string }>(pool, `${text} RETURNING balance`, values))?.balance;
}

/** The resource trusts whoever comes: only the lock stands between two writers, and a lease has an end. */
const none: Guard = {
  name: "no guard",
  takesLock: true,
  showsToken: false,
  read: ({ pool, table }) => one(pool, `${SELECT} ${table}`, []),
  withdraw: ({ pool, table }, amount) => balanceAfter(pool, `UPDATE ${table} ${WITHDRAW}`, [amount]),
};

/**
 * The resource remembers the greatest token that has written, and refuses a smaller one. That stops a late write behind
 * the successor's. It does not stop one that comes before: the successor has read by then, but a resource that looks at
 * tokens only when it is written to does not know that.
 */
const tokenOnWrites: Guard = {
  ...none,
  name: "token on writes",
  showsToken: true,
  withdraw: ({ pool, table, fence }, amount) =>
    balanceAfter(pool, `UPDATE ${table} ${WITHDRAW}, fence = $2 WHERE fence <= $2`, [amount, fence]),
};

/** The resource is told the token on reading, too. From the successor's read on, its predecessor can't write. */
const tokenOnReadsAndWrites: Guard = {
  ...tokenOnWrites,
  name: "token on reads and writes",
  read: ({ pool, table, fence }) =>
    one(pool, `UPDATE ${table} SET fence = $1 WHERE fence <= $1 RETURNING balance, version`, [fence]),
};

/** The resource writes only where nothing has changed since it was read. Nobody takes a lock. */
const version: Guard = {
  name: "version, no lock",
  takesLock: false,
  showsToken: false,
  read: none.read,
  withdraw: ({ pool, table }, amount, seen) =>
    balanceAfter(pool, `UPDATE ${table} ${WITHDRAW} WHERE version = $2`, [amount, seen.version]),
};

export const GUARDS = { none, tokenOnWrites, tokenOnReadsAndWrites, version } as const;

export type GuardName = keyof typeof GUARDS;

/** A new table with one row. */
export function createTable(table: string, balance: bigint): string {
  return `CREATE TABLE ${table} AS
    SELECT ${balance}::bigint AS balance, 0::bigint AS version, 0::bigint AS fence`;
}
