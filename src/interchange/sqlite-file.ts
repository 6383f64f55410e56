/**
 * The side of exports in SQLite that runs on a thread of its own: ordinary tables and indexes, which any tool opens.
 *
 * Amounts are TEXT, as decimals, and beside each column `NAME` of amounts an INTEGER `NAME_minor` has it in minor units,
 * for sums: NULL where it takes more than 63 bits. `docs/export.md` documents the schema.
 */
import { workerData } from "node:worker_threads";
import type { Database, Statement } from "better-sqlite3";
import { connect, prepare } from "../stores/sqlite-held.js";
import { type Column, type Row, TABLES, type Table, type TableName } from "./tables.js";

export interface SqliteWorkerData {
  readonly path: string;
  readonly isNew: boolean;
}

export type SqliteFileTask =
  | { readonly task: "create" }
  | { readonly task: "insert"; readonly table: TableName; readonly rows: readonly Row[] }
  | {
      readonly task: "finish";
      readonly manifest: string;
      readonly assets: readonly { readonly code: string; readonly scale: number }[];
    }
  | { readonly task: "manifest" }
  | { readonly task: "read"; readonly table: TableName; readonly from: bigint | undefined };

export interface SqliteRows {
  readonly rows: readonly Row[];
  /** The `from` of the next rows, undefined where there are none. */
  readonly next: bigint | undefined;
}

/** Rows read at a time. */
const READ_ROWS = 1024;
const INTEGER_LIMIT = 1n << 63n;
/** The first row that a table can have: one in front of the exported ones must be found, too. */
const FIRST_ROW = -INTEGER_LIMIT;

const INDEXES = `
  CREATE UNIQUE INDEX accounts_id ON accounts (id);
  CREATE UNIQUE INDEX transfers_id ON transfers (id);
  CREATE INDEX transfers_debit ON transfers (debit);
  CREATE INDEX transfers_credit ON transfers (credit);
  CREATE INDEX transfers_job ON transfers (job, row);
  CREATE UNIQUE INDEX balances_id ON balances (id);
`;

// Piscina hands over its own data and ours as a pair.
const { path, isNew } = (Array.isArray(workerData) ? workerData[1] : workerData) as SqliteWorkerData;
const database = connect(path, isNew ? {} : { readonly: true, fileMustExist: true });
const statements = new Map<TableName, Statement<unknown[]>>();

/** Does what is asked of the file, one task at a time. */
export function serveSqliteFile(request: SqliteFileTask): unknown {
  try {
    return serve(request);
  } catch (cause) {
    // What SQLite throws is no Error to structured clone, which leaves its message behind.
    throw new Error((cause as Error).message);
  }
}

function serve(request: SqliteFileTask): unknown {
  switch (request.task) {
    case "create":
      return create(database);
    case "insert":
      return insert(tableOf(request.table), request.rows);
    case "finish":
      return finish(request.manifest, request.assets);
    case "manifest":
      return readManifests();
    case "read":
      return read(tableOf(request.table), request.from);
  }
}

function tableOf(name: TableName): Table {
  return TABLES.find((table) => table.name === name)!;
}

function create(database: Database): void {
  // Nobody has the file before it is whole, so there is nothing to roll back to, and the disk is waited for once.
  database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; BEGIN");
  database.exec("CREATE TABLE ledger (manifest TEXT NOT NULL)");
  database.exec("CREATE TABLE assets (number INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, scale INTEGER NOT NULL)");
  for (const table of TABLES) {
    const definitions = table.columns.flatMap((column, i) => definitionsOf(column, i === 0));
    database.exec(`CREATE TABLE ${table.name} (${definitions.join(", ")})`);
  }
}

function definitionsOf({ name, kind }: Column, isFirst: boolean): string[] {
  switch (kind) {
    case "integer":
      return [`"${name}" INTEGER${isFirst ? " PRIMARY KEY" : ""}`];
    case "flag":
      return [`"${name}" INTEGER NOT NULL`];
    case "nanoseconds":
      return [`"${name}" INTEGER NOT NULL`];
    case "amount":
      return [`"${name}" TEXT`, `"${name}_minor" INTEGER`];
    case "text":
      return [`"${name}" TEXT`];
  }
}

function insert(table: Table, rows: readonly Row[]): void {
  let statement = statements.get(table.name);
  if (statement === undefined) {
    const places = table.columns.map(({ kind }) => (kind === "amount" ? "?, ?" : "?"));
    statement = prepare(database, `INSERT INTO ${table.name} VALUES (${places.join(", ")})`);
    statements.set(table.name, statement);
  }
  for (const row of rows) statement.run(...table.columns.flatMap((column, i) => valuesOf(column, row[i]!)));
}

function valuesOf({ kind }: Column, field: string): (string | number | bigint | null)[] {
  if (kind === "flag") return [field === "true" ? 1 : 0];
  if (field === "") return kind === "amount" ? [null, null] : [null];
  if (kind === "integer" || kind === "nanoseconds") return [BigInt(field)];
  if (kind === "text") return [field];
  const minor = BigInt(field.replace(".", ""));
  return [field, minor < INTEGER_LIMIT && minor > -INTEGER_LIMIT ? minor : null];
}

function finish(manifest: string, assets: readonly { readonly code: string; readonly scale: number }[]): void {
  prepare(database, "INSERT INTO ledger VALUES (?)").run(manifest);
  const insertAsset = prepare(database, "INSERT INTO assets VALUES (?, ?, ?)");
  for (const [i, { code, scale }] of assets.entries()) insertAsset.run(i + 1, code, scale);
  database.exec(`${INDEXES} COMMIT`);
  database.close();
}

function readManifests(): string {
  const [manifest, ...others] = prepare<[], string>(database, "SELECT manifest FROM ledger").pluck().all();
  if (others.length > 0) throw new Error("its table 'ledger' has more than one row");
  return manifest ?? "";
}

function read(table: Table, from: bigint = FIRST_ROW): SqliteRows {
  let statement = statements.get(table.name);
  if (statement === undefined) {
    const names = table.columns.map(({ name }) => `"${name}"`);
    const sql = `SELECT rowid, ${names.join(", ")} FROM ${table.name} WHERE rowid >= ? ORDER BY rowid LIMIT ${READ_ROWS}`;
    statement = prepare<unknown[]>(database, sql).raw().safeIntegers();
    statements.set(table.name, statement);
  }
  const found = statement.all(from) as [bigint, ...unknown[]][];
  const rows = found.map(([, ...values]) => values.map((value, i) => fieldOf(table.columns[i]!, value)));
  const next = found.length < READ_ROWS ? INTEGER_LIMIT : found.at(-1)![0] + 1n;
  return { rows, next: next === INTEGER_LIMIT ? undefined : next };
}

function fieldOf({ kind }: Column, value: unknown): string {
  if (kind === "flag" && value === 1n) return "true";
  if (value === null || (kind === "flag" && value === 0n)) return "";
  return String(value);
}
