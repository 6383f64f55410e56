/** The accounts' rows: derived, so that the file can be read with any SQLite tool, and refreshed with each snapshot. */
import type { Database, Statement } from "better-sqlite3";
import { readId } from "../core/identifiers.js";
import {
  AC_ASSET,
  AC_CODE,
  AC_CREDITS_POSTED,
  AC_DEBITS_POSTED,
  AC_FLAGS,
  AC_ID_KIND,
  AC_KEY,
  AC_VERSION,
  ACCOUNT_COLD_SIZE,
  ACCOUNT_FLAGS_KNOWN,
  ACCOUNT_SIZE,
  AO_CREDITS_PENDING,
  AO_DEBITS_PENDING,
  AO_ID_TEXT,
} from "../core/layout.js";
import type { SnapshotRequest } from "./store.js";

/** Where the accounts lie in memory, and how many there are. */
export type AccountTables = Pick<SnapshotRequest, "accountCount" | "accounts" | "accountsCold" | "accountText">;

const INTEGER_MAX = 2n ** 63n - 1n;

export class SqliteAccounts {
  readonly #database: Database;
  readonly #insert: Statement<unknown[]>;
  readonly #update: Statement<unknown[]>;
  /** By slot, the version that the account's row was written with. Loaded by the first refresh. */
  #writtenVersions: Float64Array | undefined;
  /** Accounts that have a row: the slots below this one. */
  #writtenCount = 0;

  constructor(database: Database) {
    this.#database = database;
    this.#insert = database.prepare("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#update = database.prepare(
      `UPDATE accounts SET debits_posted = ?, credits_posted = ?, debits_pending = ?, credits_pending = ?,
         balance = ?, version = ? WHERE slot = ?`,
    );
  }

  /**
   * Writes the rows of the accounts that are new or have changed since the last refresh. `assets` are the codes in
   * the order of their numbers, from 1. The caller has a transaction open.
   */
  refresh(memory: SharedArrayBuffer, tables: AccountTables, assets: readonly string[]): void {
    const { accountCount, accounts, accountsCold, accountText } = tables;
    const versions = this.#versionsFor(accountCount);
    const view = new DataView(memory);
    const bytes = new Uint8Array(memory);
    for (let slot = 0; slot < accountCount; slot++) {
      const account = accounts + slot * ACCOUNT_SIZE;
      const version = Number(view.getBigUint64(account + AC_VERSION, true));
      const isNew = slot >= this.#writtenCount;
      if (!isNew && version === versions[slot]) continue;
      const cold = accountsCold + slot * ACCOUNT_COLD_SIZE;
      const debitsPosted = readAmount(view, account + AC_DEBITS_POSTED);
      const creditsPosted = readAmount(view, account + AC_CREDITS_POSTED);
      const amounts = [
        column(debitsPosted),
        column(creditsPosted),
        column(readAmount(view, cold + AO_DEBITS_PENDING)),
        column(readAmount(view, cold + AO_CREDITS_PENDING)),
        column(creditsPosted - debitsPosted),
      ];
      if (isNew) {
        const text = accountText + view.getUint32(cold + AO_ID_TEXT, true);
        this.#insert.run(
          slot,
          readId(bytes, view.getUint8(account + AC_ID_KIND), account + AC_KEY, text),
          assets[view.getUint16(account + AC_ASSET, true) - 1] ?? "",
          view.getUint16(account + AC_CODE, true),
          view.getUint16(account + AC_FLAGS, true) & ACCOUNT_FLAGS_KNOWN,
          ...amounts,
          version,
        );
      } else {
        this.#update.run(...amounts, version, slot);
      }
      versions[slot] = version;
    }
    this.#writtenCount = accountCount;
  }

  /** The versions written, with room for `accountCount`. */
  #versionsFor(accountCount: number): Float64Array {
    let versions = this.#writtenVersions;
    if (versions === undefined) {
      const rows = this.#database
        .prepare<[], [number, number]>("SELECT slot, version FROM accounts ORDER BY slot")
        .raw();
      versions = new Float64Array(accountCount);
      for (const [slot, version] of rows.iterate()) {
        versions[slot] = version;
        this.#writtenCount = slot + 1;
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

function readAmount(view: DataView, address: number): bigint {
  return view.getBigUint64(address, true) | (view.getBigUint64(address + 8, true) << 64n);
}

/** An amount as the column holds it: SQLite's integers end at 63 bits and a sign. */
function column(amount: bigint): bigint | string {
  return amount <= INTEGER_MAX && amount >= -INTEGER_MAX ? amount : amount.toString();
}
