/**
 * What better-sqlite3 hands out, kept for as long as its thread lives.
 *
 * Since Node.js 24.19, the process aborts when an object of better-sqlite3 12 is collected while no JavaScript runs, as
 * in an idle moment or when its thread ends (`RemoveEnvironmentCleanupHook`, "Assertion failed: (env) != nullptr").
 * What stays reachable is not collected. A store's thread makes a few dozen such objects and ends when the ledger is
 * closed, so nothing adds up; for that, no statement is prepared twice, and none is iterated or run by `pragma`, which
 * make objects that can't be kept.
 */
import SQLite, { type Database, type Options, type Statement } from "better-sqlite3";

const held: object[] = [];

function hold<Kept extends object>(object: Kept): Kept {
  held.push(object);
  return object;
}

/** Opens a connection. */
export function connect(path: string, options: Options): Database {
  return hold(new SQLite(path, options));
}

/** Prepares a statement. */
export function prepare<Values extends unknown[], Row = unknown>(
  database: Database,
  sql: string,
): Statement<Values, Row> {
  return hold(database.prepare<Values, Row>(sql));
}

/** Reads a setting. */
export function readPragma(database: Database, name: string): number {
  return prepare<[], number>(database, `PRAGMA ${name}`).pluck().get()!;
}
