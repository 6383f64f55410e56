/** Exports as one plain SQLite file, written and read on a thread of its own: SQLite blocks, and the caller must not. */
import { access, open } from "node:fs/promises";
import { basename, join } from "node:path";
import { Piscina } from "piscina";
import { builtFile } from "../core/built.js";
import { LedgerError } from "../core/errors.js";
import { cannotRead } from "../settlement/input-window.js";
import { invalidExport, type Manifest, readManifest } from "./manifest.js";
import type { Place } from "./place.js";
import type { RowSink, RowSource } from "./sink.js";
import type { SqliteFileTask, SqliteRows, SqliteWorkerData } from "./sqlite-file.js";
import type { Row, Table } from "./tables.js";

/** A thread that holds the file, and does one task after the other. */
function startThread(data: SqliteWorkerData): Piscina {
  return new Piscina({
    filename: builtFile("workers/interchange.js").href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 1,
    workerData: data,
  });
}

export class SqliteSink implements RowSink {
  readonly #place: Place;
  readonly #path: string;
  readonly #thread: Piscina;

  private constructor(place: Place) {
    this.#place = place;
    this.#path = join(place.folder, "export.sqlite");
    this.#thread = startThread({ path: this.#path, isNew: true });
  }

  static async begin(place: Place): Promise<SqliteSink> {
    const sink = new SqliteSink(place);
    try {
      await sink.#run({ task: "create" });
      return sink;
    } catch (error) {
      await sink.discard();
      throw error;
    }
  }

  async write(table: Table, rows: readonly Row[]): Promise<void> {
    await this.#run({ task: "insert", table: table.name, rows });
  }

  async finish(manifest: Manifest): Promise<void> {
    await this.#run({ task: "finish", manifest: JSON.stringify(manifest), assets: manifest.assets });
    await this.#thread.close({ force: true });
    // SQLite was told not to wait for the disk, page by page: once, at the end, is enough.
    const file = await open(this.#path, "r+");
    try {
      await file.sync();
    } catch (cause) {
      throw this.#failed(cause);
    } finally {
      await file.close();
    }
    await this.#place.take(this.#path);
  }

  async discard(): Promise<void> {
    await this.#thread.close({ force: true });
    await this.#place.clear();
  }

  async #run(task: SqliteFileTask): Promise<void> {
    try {
      await this.#thread.run(task);
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #failed(cause: unknown): LedgerError {
    const { path } = this.#place;
    const { message } = cause as Error;
    return new LedgerError("cannot_write", `${path} can't be written: ${message}`, { cause, details: { path } });
  }
}

/** Opens the export in a SQLite file. Throws `cannot_read` and `invalid_export`. */
export async function openSqlite(path: string): Promise<RowSource> {
  await access(path).catch((cause: unknown) => {
    throw cannotRead(path, cause);
  });
  const thread = startThread({ path, isNew: false });
  const run = async <Value>(task: SqliteFileTask): Promise<Value> => {
    try {
      return (await thread.run(task)) as Value;
    } catch (cause) {
      throw invalidExport(`${path}: it can't be read as an export in SQLite: ${(cause as Error).message}`, { path });
    }
  };
  try {
    const where = `${basename(path)}, table 'ledger'`;
    const manifest = readManifest(await run<string>({ task: "manifest" }), where);
    if (manifest.format !== "sqlite") {
      throw invalidExport(`${where}: "format" is '${manifest.format}', expected 'sqlite'`, { path });
    }
    return {
      manifest,
      nameOf: ({ name }) => `${basename(path)}, table '${name}'`,
      async *rows(table) {
        let from: SqliteRows["next"];
        do {
          const { rows, next }: SqliteRows = await run({ task: "read", table: table.name, from });
          yield* rows;
          from = next;
        } while (from !== undefined);
      },
      close: () => thread.close({ force: true }),
    };
  } catch (error) {
    await thread.close({ force: true });
    throw error;
  }
}
