/** The accounts' rows: derived, so that the file can be read with any SQLite tool, and refreshed with each snapshot. */
import type { Database, Statement } from "better-sqlite3";
import type { AccountTable } from "../core/accounts.js";
import { ACCOUNTS_INDEX } from "./schema.js";
import { prepare } from "./sqlite-held.js";

const INTEGER_MAX = 2n ** 63n - 1n;
/**
 * Where this share of the rows is new, the index of ids is built anew behind them: by sorting, which takes a fifth of
 * the time that finding each id's place takes.
 */
const BULK_SHARE = 0.25;
const COLUMNS = 13;
/** Rows of one statement: a call a row costs as much again as what SQLite does for it. */
const ROWS_AT_ONCE = 20;
const ROWS_READ_AT_ONCE = 10_000;

type Value = bigint | number | string;

export class SqliteAccounts {
  readonly #database: Database;
  readonly #insertOne: Statement<unknown[]>;
  readonly #insertMany: Statement<unknown[]>;
  readonly #update: Statement<unknown[]>;
  /** By slot, the version that the account's row was written with. Loaded by the first refresh. */
  #writtenVersions: Float64Array | undefined;
  /** Accounts that have a row: the slots below this one. */
  #writtenCount = 0;

  constructor(database: Database) {
    this.#database = database;
    const row = `(${new Array(COLUMNS).fill("?").join(", ")})`;
    this.#insertOne = prepare(database, `INSERT INTO accounts VALUES ${row}`);
    this.#insertMany = prepare(database, `INSERT INTO accounts VALUES ${new Array(ROWS_AT_ONCE).fill(row).join(", ")}`);
    this.#update = prepare(
      database,
      `UPDATE accounts SET flags = ?, debits_posted = ?, credits_posted = ?, debits_pending = ?, credits_pending = ?,
         balance = ?, version = ? WHERE slot = ?`,
    );
  }

  /**
   * Writes the rows of the first `accountCount` accounts that are new or have changed since the last refresh. The
   * caller has a transaction open.
   */
  refresh(accounts: AccountTable, accountCount: number): void {
    const versions = this.#versionsFor(accountCount);
    for (let slot = 0; slot < this.#writtenCount; slot++) {
      const version = accounts.version(slot);
      if (version === versions[slot]) continue;
      const values: Value[] = [accounts.flags(slot)];
      pushAmounts(values, accounts, slot);
      this.#update.run(...values, version, slot);
      versions[slot] = version;
    }
    const isBulk = accountCount - this.#writtenCount > BULK_SHARE * accountCount;
    if (isBulk) this.#database.exec("DROP INDEX IF EXISTS accounts_id");
    this.#insertFrom(accounts, this.#writtenCount, accountCount, versions);
    if (isBulk) this.#database.exec(ACCOUNTS_INDEX);
    this.#writtenCount = accountCount;
  }

  /** Writes the rows of the slots `from`…`to` − 1, which have none yet. */
  #insertFrom(accounts: AccountTable, from: number, to: number, versions: Float64Array): void {
    let values: Value[] = [];
    for (let slot = from; slot < to; slot++) {
      pushRow(values, accounts, slot);
      versions[slot] = accounts.version(slot);
      if (values.length < ROWS_AT_ONCE * COLUMNS) continue;
      // As arguments: better-sqlite3 takes half as long again over an array.
      this.#insertMany.run(...values);
      values = [];
    }
    for (let at = 0; at < values.length; at += COLUMNS) this.#insertOne.run(...values.slice(at, at + COLUMNS));
  }

  /** Slot of the first of so many accounts whose row differs, or which has none, or a row more than there are accounts. */
  differing(accounts: AccountTable, accountCount: number): number | undefined {
    const select = prepare<[number], Value[]>(
      this.#database,
      `SELECT * FROM accounts WHERE slot > ? ORDER BY slot LIMIT ${ROWS_READ_AT_ONCE}`,
    )
      .raw()
      .safeIntegers();
    let slot = 0;
    for (let last = Number.MIN_SAFE_INTEGER; ; ) {
      const rows = select.all(last);
      for (const row of rows) {
        const expected: Value[] = [];
        if (slot < accountCount) pushRow(expected, accounts, slot);
        const isSame = expected.every((value, i) => (typeof value === "number" ? BigInt(value) : value) === row[i]);
        if (slot === accountCount || !isSame) return slot;
        last = slot++;
      }
      if (rows.length === 0) return slot < accountCount ? slot : undefined;
    }
  }

  /** The versions written, with room for `accountCount`. */
  #versionsFor(accountCount: number): Float64Array {
    let versions = this.#writtenVersions;
    if (versions === undefined) {
      versions = new Float64Array(accountCount);
      const select = prepare<[number], [number, number]>(
        this.#database,
        `SELECT slot, version FROM accounts WHERE slot >= ? ORDER BY slot LIMIT ${ROWS_READ_AT_ONCE}`,
      ).raw();
      let isSound = true;
      for (let rows = select.all(0); isSound && rows.length > 0; rows = select.all(this.#writtenCount)) {
        for (const [slot, version] of rows) {
          isSound &&= slot === this.#writtenCount && slot < accountCount;
          versions[this.#writtenCount++] = version;
        }
      }
      // Where rows are missing, too many, or out of order, all of them are written again.
      if (!isSound) {
        this.#database.exec("DELETE FROM accounts");
        this.#writtenCount = 0;
      }
    } else if (versions.length < accountCount) {
      const grown = new Float64Array(accountCount);
      grown.set(versions);
      versions = grown;
    }
    this.#writtenVersions = versions;
    return versions;
  }
}

/** Adds an account as its row has it. */
function pushRow(values: Value[], accounts: AccountTable, slot: number): void {
  const asset = accounts.assetCode(accounts.asset(slot));
  values.push(slot, accounts.id(slot), asset, accounts.code(slot));
  values.push(column(accounts.userData(slot)), column(accounts.overdraftLimit(slot)), accounts.flags(slot));
  pushAmounts(values, accounts, slot);
  values.push(accounts.version(slot));
}

/** Adds totals and balance as the columns hold them. */
function pushAmounts(values: Value[], accounts: AccountTable, slot: number): void {
  const { debitsPosted, creditsPosted, debitsPending, creditsPending } = accounts.totals(slot);
  values.push(column(debitsPosted), column(creditsPosted), column(debitsPending), column(creditsPending));
  values.push(column(creditsPosted - debitsPosted));
}

/** An amount as the column holds it: SQLite's integers end at 63 bits and a sign. */
function column(amount: bigint): bigint | string {
  return amount <= INTEGER_MAX && amount >= -INTEGER_MAX ? amount : amount.toString();
}
