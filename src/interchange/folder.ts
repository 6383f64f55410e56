/** Exports as a folder: a CSV or NDJSON file a table, and `ledger.json`. */
import { createReadStream } from "node:fs";
import { chmod, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { LedgerError } from "../core/errors.js";
import { cannotRead } from "../settlement/input-window.js";
import { OutputFile } from "../settlement/output.js";
import { fieldsOf, objectOf } from "./json-rows.js";
import { type ExportFormat, invalidExport, type Manifest, readManifest } from "./manifest.js";
import type { Place } from "./place.js";
import type { RowSink, RowSource } from "./sink.js";
import { headerOf, type Row, TABLES, type Table, type TableName } from "./tables.js";

export const MANIFEST_FILE = "ledger.json";
/** Characters gathered before they are written. */
const BLOCK_LENGTH = 256 * 1024;
/** More than any row takes: its longest field is an account's metadata. */
const LINE_LENGTH_MAX = 1024 * 1024;
const FOLDER_MODE = 0o777;

function fileOf(table: Table, format: ExportFormat): string {
  return `${table.name}.${format}`;
}

export class FolderSink implements RowSink {
  readonly #place: Place;
  readonly #format: "csv" | "ndjson";
  readonly #files = new Map<TableName, OutputFile>();
  readonly #gathered = new Map<TableName, string>();

  private constructor(place: Place, format: "csv" | "ndjson") {
    this.#place = place;
    this.#format = format;
  }

  static async begin(place: Place, format: "csv" | "ndjson"): Promise<FolderSink> {
    const sink = new FolderSink(place, format);
    try {
      for (const table of TABLES) {
        sink.#files.set(table.name, await OutputFile.create(join(place.folder, fileOf(table, format))));
        sink.#gathered.set(table.name, format === "csv" ? headerOf(table) : "");
      }
      return sink;
    } catch (error) {
      await sink.discard();
      throw error;
    }
  }

  async write(table: Table, rows: readonly Row[], lines: string): Promise<void> {
    const text = this.#format === "csv" ? lines : rows.map((row) => `${objectOf(table, row)}\n`).join("");
    const gathered = this.#gathered.get(table.name)! + text;
    const isFull = gathered.length >= BLOCK_LENGTH;
    this.#gathered.set(table.name, isFull ? "" : gathered);
    if (isFull) await this.#files.get(table.name)!.write(gathered);
  }

  async finish(manifest: Manifest): Promise<void> {
    for (const [name, file] of this.#files) {
      await file.write(this.#gathered.get(name)!);
      await file.finish();
      this.#files.delete(name);
    }
    const file = await OutputFile.create(join(this.#place.folder, MANIFEST_FILE));
    await file.write(`${JSON.stringify(manifest, null, 2)}\n`);
    await file.finish();
    // A folder made to work in is its owner's alone; this one is as any that a program makes.
    await chmod(this.#place.folder, FOLDER_MODE & ~process.umask());
    await this.#place.take(this.#place.folder);
  }

  async discard(): Promise<void> {
    for (const file of this.#files.values()) await file.discard();
    await this.#place.clear();
  }
}

/** Opens the export in a folder. Throws `cannot_read` and `invalid_export`. */
export async function openFolder(folder: string): Promise<RowSource> {
  const path = join(folder, MANIFEST_FILE);
  await checkRegular(path);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw cannotRead(path, cause);
  });
  const manifest = readManifest(text, path);
  const { format } = manifest;
  if (format === "sqlite") {
    throw invalidExport(`${path}: "format" is 'sqlite', which is one file, not a folder: expected 'csv' or 'ndjson'`);
  }
  const nameOf = (table: Table): string => fileOf(table, format);
  for (const table of TABLES) await checkRegular(join(folder, nameOf(table)));
  return {
    manifest,
    nameOf,
    rows: (table) => (format === "csv" ? csvRows : ndjsonRows)(join(folder, nameOf(table)), table, nameOf(table)),
    close: async () => {},
  };
}

/** Throws `cannot_read` where there is no such file, and for a pipe, at which reading would wait. */
async function checkRegular(path: string): Promise<void> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw cannotRead(path, cause);
  });
  if (!stats.isFile()) throw cannotRead(path, new Error("it is not a regular file"));
}

async function* csvRows(path: string, table: Table, name: string): AsyncGenerator<Row> {
  // Loaded where it is needed: the package is loaded sooner, and most programs import nothing.
  const { CsvError, parse } = await import("csv-parse");
  // Whatever number of fields a record has, this says better what is wrong with it.
  const parser = parse({ bom: true, relax_column_count: true });
  const file = createReadStream(path);
  file.on("error", (error) => parser.destroy(error));
  const expected = headerOf(table).trimEnd();
  let number = -1;
  try {
    for await (const record of file.pipe(parser) as AsyncIterable<string[]>) {
      number++;
      if (number === 0) {
        if (record.join(",") === expected) continue;
        throw invalidExport(`${name}: the header is '${record.join(",")}', expected '${expected}'`, { file: name });
      }
      if (record.length !== table.columns.length) {
        const what = `it has ${record.length} fields, expected ${table.columns.length}`;
        throw invalidExport(`${name}, row ${number}: ${what}`, { file: name, row: number });
      }
      yield record;
    }
  } catch (error) {
    if (error instanceof CsvError) {
      // The parser is ahead of what was taken from it; its header is a record, too.
      const row = Number(error.records);
      throw invalidExport(`${name}, row ${row}: ${error.message}`, { file: name, row });
    }
    throw readErrorOf(path, error);
  } finally {
    file.destroy();
  }
  if (number < 0) throw invalidExport(`${name}: it is empty, expected the header '${expected}'`, { file: name });
}

async function* ndjsonRows(path: string, table: Table, name: string): AsyncGenerator<Row> {
  let number = 1;
  const complain = (what: string, column?: string): LedgerError => {
    const at = column === undefined ? "" : `, field '${column}'`;
    return invalidExport(`${name}, row ${number}${at}: ${what}`, { file: name, row: number, column });
  };
  for await (const line of linesIn(path, complain)) {
    yield fieldsOf(table, line, complain);
    number++;
  }
}

/** The file's lines. `readline` would end some at U+2028, too, which JSON holds as it is. */
async function* linesIn(path: string, complain: (what: string) => LedgerError): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const block of createReadStream(path, "utf8") as AsyncIterable<string>) {
      const lines = (rest + block).split("\n");
      rest = lines.pop()!;
      yield* lines;
      // What has no line ends would be looked through again with every block.
      if (rest.length > LINE_LENGTH_MAX) throw complain(`it has more than ${LINE_LENGTH_MAX} characters, no row has`);
    }
  } catch (error) {
    throw readErrorOf(path, error);
  }
  if (rest !== "") yield rest;
}

/** The system's error as ours; one that somebody else threw while reading is passed on. */
function readErrorOf(path: string, error: unknown): unknown {
  return error instanceof Error && "syscall" in error ? cannotRead(path, error) : error;
}
