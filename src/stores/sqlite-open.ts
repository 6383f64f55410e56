/** Opening a ledger's file, or refusing to, without ever changing a file that is somebody else's. */
import { accessSync, closeSync, constants, existsSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Database } from "better-sqlite3";
import { LedgerError } from "../core/errors.js";
import { APPLICATION_ID, configure, createTables, FILE_PAGE_SIZE, FILE_VERSION, upgradeTables } from "./schema.js";
import { openError, sqliteCode } from "./sqlite-errors.js";
import { connect, readPragma } from "./sqlite-held.js";
import { IN_MEMORY, type SqliteFileOptions } from "./sqlite-protocol.js";

/** What tells a ledger's file from any other. */
interface Identity {
  readonly applicationId: number;
  readonly fileVersion: number;
}

/**
 * Opens the file, locks it against every other process, and makes a ledger of it where it is new or empty.
 * Throws `cannot_open`, `not_a_ledger`, `ledger_too_new`, `ledger_locked` or `journal_corrupt`.
 */
export function openFile(options: SqliteFileOptions): Database {
  const { path, sizeMax } = options;
  const size = checkFile(options);
  let database: Database | undefined;
  try {
    database = connect(path, { timeout: 0 });
    configure(database);
    // Takes the lock that EXCLUSIVE locking keeps until the file is closed.
    database.exec("BEGIN EXCLUSIVE");
    const identity = readIdentity(database);
    // Another process may have made something of an empty file before it was locked.
    const isEmpty = size === 0 && identity.applicationId === 0 && identity.schemaVersion === 0;
    if (isEmpty) createTables(database);
    else checkIdentity(path, identity);
    if (!isEmpty && identity.fileVersion < FILE_VERSION) upgradeTables(database);
    database.exec("COMMIT");
    if (sizeMax !== undefined) database.exec(`PRAGMA max_page_count = ${Math.floor(sizeMax / FILE_PAGE_SIZE)}`);
    return database;
  } catch (error) {
    database?.close();
    throw openError(path, error);
  }
}

/**
 * Checks, without changing anything, that the file can be opened and is a ledger, or can be made one. Returns its size,
 * 0 where there is none. Throws `cannot_open`, `not_a_ledger`, `ledger_too_new`, `ledger_locked` or `journal_corrupt`.
 */
export function checkFile(options: SqliteFileOptions): number {
  const { path } = options;
  const size = path === IN_MEMORY ? 0 : checkPath(options);
  if (size > 0) checkIdentity(path, identify(path));
  return size;
}

/** Closes the file, and leaves nothing beside it. */
export function closeFile(database: Database): void {
  try {
    // SQLite removes the rollback file only under NORMAL locking, which begins with the next read.
    database.exec("PRAGMA locking_mode = NORMAL");
    database.exec("PRAGMA user_version");
    database.exec("PRAGMA journal_mode = DELETE");
  } finally {
    database.close();
  }
}

/** Refuses what SQLite would report less clearly, or not at all. Returns the file's size, 0 where there is none. */
function checkPath({ path, mode }: SqliteFileOptions): number {
  // better-sqlite3 trims its path, and would open another file.
  if (path !== path.trim()) {
    throw cannotOpen(path, "its name ends in white space: rename it");
  }
  const folder = dirname(path);
  let stats: Stats | undefined;
  try {
    if (!existsSync(folder)) throw cannotOpen(path, `the folder '${folder}' does not exist: create it first`);
    stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined && mode === "existing") {
      throw cannotOpen(path, "there is no such file: check the path");
    }
    if (stats !== undefined && !stats.isFile()) {
      throw cannotOpen(path, `it is ${stats.isDirectory() ? "a directory" : "not a regular file"}: name a file`);
    }
    if (stats !== undefined) accessSync(path, constants.R_OK | constants.W_OK);
    // SQLite keeps its rollback file in the same folder.
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw cannotOpen(path, `this process may not read and write it and its folder (${reason})`, cause);
  }
  return stats?.size ?? 0;
}

function cannotOpen(path: string, reason: string, cause?: unknown): LedgerError {
  return new LedgerError("cannot_open", `cannot open '${path}': ${reason}`, { cause, details: { path } });
}

/** Reads what the file is, through a connection that leaves the file and its folder as they are. */
function identify(path: string): Identity {
  // A connection that may write removes what it puts beside a file in WAL mode; but where another's crash left a log
  // or a hot journal, only one that may not write is sure to leave it alone.
  const readonly = existsSync(`${path}-wal`) || existsSync(`${path}-journal`);
  let database: Database | undefined;
  try {
    database = connect(path, { readonly, timeout: 0, fileMustExist: true });
    return readIdentity(database);
  } catch (error) {
    const code = sqliteCode(error);
    if (code === "SQLITE_READONLY_ROLLBACK") return identifyHot(path);
    if (code === "SQLITE_NOTADB") throw notALedger(path, "found a file that is not an SQLite database");
    throw openError(path, error);
  } finally {
    database?.close();
  }
}

/**
 * Reads what a file with a hot journal is, from its bytes. Nowhere else: closing a file that this process has open
 * elsewhere gives up its POSIX locks on it. A hot journal proves that nobody has the file open.
 */
function identifyHot(path: string): Identity {
  const header = Buffer.alloc(100);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  return { fileVersion: header.readInt32BE(60), applicationId: header.readInt32BE(68) };
}

function readIdentity(database: Database): Identity & { readonly schemaVersion: number } {
  return {
    // This one reads the file first: a file that is no database is found out here.
    fileVersion: readPragma(database, "user_version"),
    applicationId: readPragma(database, "application_id"),
    schemaVersion: readPragma(database, "schema_version"),
  };
}

function checkIdentity(path: string, { applicationId, fileVersion }: Identity): void {
  if (applicationId !== APPLICATION_ID) {
    throw notALedger(
      path,
      `expected an SQLite database with the application id ${APPLICATION_ID}, found ${applicationId}`,
    );
  }
  if (fileVersion > FILE_VERSION) {
    throw new LedgerError(
      "ledger_too_new",
      `'${path}' has file version ${fileVersion}, and this release reads up to ${FILE_VERSION}: install a newer one`,
      { details: { path, expected: FILE_VERSION, found: fileVersion } },
    );
  }
}

function notALedger(path: string, found: string): LedgerError {
  return new LedgerError("not_a_ledger", `'${path}' is not a ledger (${found}) and was left as it is: check the path`, {
    details: { path },
  });
}
