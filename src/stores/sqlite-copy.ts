/**
 * A private copy of a ledger's file, for trying something out: what is done to it is done to nothing else, and it is
 * gone when it is closed. The file itself is only read, and need not exist.
 */
import { constants, copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Database } from "better-sqlite3";
import { LedgerError } from "../core/errors.js";
import { openError, sqliteCode } from "./sqlite-errors.js";
import { connect } from "./sqlite-held.js";
import { checkFile, openFile } from "./sqlite-open.js";
import type { SqliteFileOptions } from "./sqlite-protocol.js";

/** A file that is open, and how to be rid of it once it is closed. */
export interface OpenedCopy {
  readonly path: string;
  readonly database: Database;
  readonly remove: () => void;
}

/**
 * Opens a copy of the file, in a folder of its own beside it: on the same disk, where the ledger would have to grow as
 * much, and where some file systems copy without copying.
 *
 * Throws what opening the file itself would, and `store_failed` where the copy can't be made.
 */
export function openCopy(options: SqliteFileOptions): OpenedCopy {
  const { path } = options;
  const size = checkFile(options);
  let folder: string | undefined;
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    folder = mkdtempSync(`${path}.dry-run-`);
    const copy = join(folder, basename(path));
    if (size > 0) copyUnchanging(path, copy);
    return { path: copy, database: openFile({ ...options, path: copy, mode: "create" }), remove };
  } catch (error) {
    remove();
    if (error instanceof LedgerError) throw error;
    throw new LedgerError(
      "store_failed",
      `a private copy of '${path}' can't be made beside it: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error, details: { path } },
    );
  }
}

/** Copies the file, and what SQLite left beside it, while nobody changes either. */
function copyUnchanging(path: string, target: string): void {
  const before = stateOfJournal(path);
  const database = connect(path, { readonly: true, timeout: 0, fileMustExist: true });
  try {
    const isLocked = lockForReading(path, database);
    // The ledger itself comes last: closing it gives up the lock.
    for (const suffix of ["-wal", "-journal", ""]) {
      if (existsSync(path + suffix)) copyFileSync(path + suffix, target + suffix, constants.COPYFILE_FICLONE);
    }
    if (!isLocked && stateOfJournal(path) !== before) {
      throw new LedgerError(
        "ledger_locked",
        `'${path}' was opened by another process while it was copied: wait for that process, or ask it`,
        { details: { path } },
      );
    }
  } finally {
    database.close();
  }
}

/**
 * Keeps every other process from writing until the connection is closed. False where a crash left a transaction to be
 * rolled back, which the copy will be: then nobody has the file open, and whoever opens it changes the rollback file.
 * Throws `ledger_locked`.
 */
function lockForReading(path: string, database: Database): boolean {
  try {
    database.exec("BEGIN");
    database.exec("PRAGMA schema_version");
    return true;
  } catch (error) {
    if (sqliteCode(error) === "SQLITE_READONLY_ROLLBACK") return false;
    throw openError(path, error);
  }
}

function stateOfJournal(path: string): string {
  const stats = statSync(`${path}-journal`, { throwIfNoEntry: false });
  return stats === undefined ? "" : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}
