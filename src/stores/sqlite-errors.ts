/** What SQLite reports, said in the ledger's words. */
import SQLite from "better-sqlite3";
import { LedgerError, type LedgerErrorOptions } from "../core/errors.js";

/** The extended code (`SQLITE_FULL`, `SQLITE_IOERR_FSYNC`) of an error of SQLite's, or undefined for any other. */
export function sqliteCode(error: unknown): string | undefined {
  return error instanceof SQLite.SqliteError ? error.code : undefined;
}

/** Whether SQLite found the file's own structure broken. */
function isCorruption(code: string): boolean {
  return code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB");
}

/** The error of a file that can't be opened. Leaves a {@link LedgerError} as it is. */
export function openError(path: string, cause: unknown): LedgerError {
  if (cause instanceof LedgerError) return cause;
  const code = sqliteCode(cause);
  const details = { path, sqliteCode: code };
  if (code?.startsWith("SQLITE_BUSY")) {
    return new LedgerError(
      "ledger_locked",
      `'${path}' is open already, in this process or another one, and a ledger has one owner at a time: ` +
        "close it there, or ask that process",
      { cause, details },
    );
  }
  if (code !== undefined && isCorruption(code)) {
    return damagedFile(path, `${code}: ${messageOf(cause)}`, { cause, details });
  }
  return new LedgerError("cannot_open", `cannot open '${path}' as a ledger (${code ?? "error"}: ${messageOf(cause)})`, {
    cause,
    details,
  });
}

/** The error of a file that holds what can't be. */
export function damagedFile(
  path: string,
  what: string,
  options: LedgerErrorOptions = { details: { path } },
): LedgerError {
  return new LedgerError(
    "journal_corrupt",
    `'${path}' is damaged (${what}): restore a copy of the file, and check the disk`,
    options,
  );
}

/** The error of a read. Leaves a {@link LedgerError} as it is. */
export function readError(path: string, cause: unknown): LedgerError {
  if (cause instanceof LedgerError) return cause;
  const code = sqliteCode(cause);
  if (code !== undefined && isCorruption(code)) return openError(path, cause);
  return new LedgerError("store_failed", `reading '${path}' failed (${code ?? "error"}: ${messageOf(cause)})`, {
    cause,
    details: { path, sqliteCode: code },
  });
}

/** The error of a write, after which the store writes no more. Leaves a {@link LedgerError} as it is. */
export function writeError(path: string, cause: unknown): LedgerError {
  if (cause instanceof LedgerError) return cause;
  const code = sqliteCode(cause);
  const advice =
    code === "SQLITE_FULL"
      ? "free some space on its disk"
      : code?.startsWith("SQLITE_IOERR")
        ? "check the disk and the system's log"
        : "see the cause";
  return new LedgerError(
    "store_failed",
    `writing '${path}' failed (${code ?? "error"}: ${messageOf(cause)}). What was acknowledged before is on disk, what ` +
      `was not is rolled back, and nothing more is written: close the ledger, ${advice}, and open it again`,
    { cause, details: { path, sqliteCode: code } },
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
