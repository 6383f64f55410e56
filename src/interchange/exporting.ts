/**
 * Exporting a ledger: everything it was told, in tables that any tool reads, and that {@link importLedger} makes the
 * same ledger of.
 *
 * Balances and digest are those of one moment between two batches. Accounts and transfers until that moment are read
 * from the journal afterwards, while later batches execute.
 */

import { findMetadata } from "../core/account-chunk.js";
import { stateDigest } from "../core/digest.js";
import { LedgerError } from "../core/errors.js";
import { isReservation, JournalReader } from "../core/journal.js";
import * as layout from "../core/layout.js";
import type { Engine } from "../engine/engine.js";
import { checkCallbacks, checkNames } from "../engine/query-options.js";
import type { Store } from "../stores/store.js";
import { FolderSink } from "./folder.js";
import { EXPORT_FORMATS, type ExportFormat, type Manifest, manifestOf } from "./manifest.js";
import { Place } from "./place.js";
import { balanceRow, RowMaker } from "./rows.js";
import type { RowSink } from "./sink.js";
import {
  ACCOUNTS,
  BALANCES,
  EXPIRIES,
  linesOf,
  type Row,
  TABLES,
  type Table,
  type TableName,
  TableSum,
  TRANSFERS,
} from "./tables.js";

/** Options of {@link Ledger.export}. */
export interface ExportOptions {
  /** `csv` (default) and `ndjson` make a folder of files, `sqlite` makes one file. */
  readonly format?: ExportFormat;
  /** Called now and then with how many transfers are written. */
  readonly onProgress?: (progress: { readonly transfers: number; readonly totalTransfers: number }) => void;
  /** Stops the export, which leaves nothing behind and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What was exported or imported. */
export interface InterchangeSummary {
  readonly accounts: number;
  readonly transfers: number;
  /** The ledger's state digest. */
  readonly digest: string;
  readonly durationMs: number;
}

/** Rows made at a time. */
const BLOCK_ROWS = 1024;
/** Chunks read at a time take so many bytes at most. */
const CHUNKS_SIZE = 4 * layout.CHUNK_BUFFER_SIZE;

/** See {@link Ledger.export}. */
export async function exportLedger(
  engine: Engine,
  store: Store,
  path: string,
  options: ExportOptions = {},
): Promise<InterchangeSummary> {
  checkOptions(path, options);
  const { format = "csv" } = options;
  const start = performance.now();
  const place = await Place.reserve(path, format === "sqlite" ? "database" : "folder");
  const sink = await beginSink(place, format);
  try {
    const run = new Export(engine, store, sink, options);
    const manifest = await run.write(format);
    await sink.finish(manifest);
    const { accounts, transfers } = manifest.tables;
    return {
      accounts: accounts.rows,
      transfers: transfers.rows,
      digest: manifest.digest,
      durationMs: performance.now() - start,
    };
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function beginSink(place: Place, format: ExportFormat): Promise<RowSink> {
  if (format !== "sqlite") return FolderSink.begin(place, format);
  const { SqliteSink } = await import("./sqlite.js");
  return SqliteSink.begin(place);
}

function checkOptions(path: string, options: ExportOptions): void {
  checkNames("export", options, ["format", "onProgress", "signal"]);
  checkCallbacks("export", options, ["onProgress"]);
  const { format = "csv" } = options;
  if (typeof path !== "string" || path === "") {
    throw new LedgerError("invalid_argument", `an export needs the path to write to, not '${String(path)}'`);
  }
  if (!EXPORT_FORMATS.includes(format)) {
    throw new LedgerError(
      "invalid_argument",
      `'format' must be one of ${EXPORT_FORMATS.join(", ")}, not '${String(format)}'`,
    );
  }
}

class Export {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #sink: RowSink;
  readonly #options: ExportOptions;
  readonly #rows: RowMaker;
  readonly #sums: Readonly<Record<TableName, TableSum>>;
  #reservations = 0;
  /** Names of jobs by their hash. */
  readonly #jobs = new Map<string, string>();

  constructor(engine: Engine, store: Store, sink: RowSink, options: ExportOptions) {
    this.#engine = engine;
    this.#store = store;
    this.#sink = sink;
    this.#options = options;
    this.#rows = new RowMaker(engine.accounts, engine.assets);
    this.#sums = Object.fromEntries(TABLES.map((table) => [table.name, new TableSum(table)])) as Record<
      TableName,
      TableSum
    >;
  }

  /** Writes all rows; returns what the manifest says of them. */
  async write(format: ExportFormat): Promise<Manifest> {
    const { digest, chunkCount, transferCount } = await this.#engine.exclusively(() => this.#writeBalances());
    await this.#writeJournal(chunkCount, transferCount);
    const assets: Manifest["assets"][number][] = [];
    for (let number = 1; number <= this.#engine.assets.count; number++) assets.push(this.#engine.assets.get(number));
    const tables = Object.fromEntries(
      Object.entries(this.#sums).map(([name, sum]) => [name, { rows: sum.rows, sha256: sum.digest() }]),
    ) as Manifest["tables"];
    return manifestOf({ format, digest, assets, reservations: this.#reservations, tables });
  }

  async #put(table: Table, rows: readonly Row[]): Promise<void> {
    this.#options.signal?.throwIfAborted();
    if (rows.length === 0) return;
    const lines = linesOf(rows);
    this.#sums[table.name].add(rows.length, lines);
    await this.#sink.write(table, rows, lines);
  }

  /** Writes what the ledger comes to, and says how much of the journal that is. Call it exclusively. */
  async #writeBalances(): Promise<{ digest: string; chunkCount: number; transferCount: number }> {
    const { accounts, assets } = this.#engine;
    await this.#engine.flush();
    let rows: Row[] = [];
    for (const slot of accounts.slotsById()) {
      rows.push(balanceRow(accounts.read(slot), assets.get(accounts.asset(slot)).scale));
      if (rows.length < BLOCK_ROWS) continue;
      await this.#put(BALANCES, rows);
      rows = [];
    }
    await this.#put(BALANCES, rows);
    const chunkCount = await this.#store.chunkCount();
    return { digest: stateDigest(accounts), chunkCount, transferCount: this.#engine.transferCount };
  }

  async #writeJournal(chunkCount: number, totalTransfers: number): Promise<void> {
    const memory = new SharedArrayBuffer(CHUNKS_SIZE);
    const view = new DataView(memory);
    const reader = new JournalReader(new Uint8Array(memory));
    let next = 0;
    while (next < chunkCount) {
      for (const { chunk, address } of await this.#store.copyChunks(next, memory)) {
        if (chunk >= chunkCount) return;
        next = chunk + 1;
        const timestamp = view.getBigUint64(address + layout.CH_TIMESTAMP, true);
        switch (view.getUint16(address + layout.CH_KIND, true)) {
          case layout.CHUNK_KIND_ACCOUNTS:
            await this.#writeAccounts(view, address, timestamp);
            break;
          case layout.CHUNK_KIND_TRANSFERS:
            await this.#writeTransfers(reader, address);
            break;
          case layout.CHUNK_KIND_EXPIRY:
            await this.#writeExpiry(view.getUint32(address + layout.CH_ROW_COUNT, true), timestamp);
            break;
        }
      }
      this.#options.onProgress?.({ transfers: this.#sums.transfers.rows, totalTransfers });
    }
  }

  async #writeAccounts(view: DataView, chunk: number, timestamp: bigint): Promise<void> {
    const count = view.getUint32(chunk + layout.CH_RECORD_COUNT, true);
    const first = this.#sums.accounts.rows;
    const after = this.#sums.transfers.rows;
    const rows = Array.from({ length: count }, (_, i) =>
      this.#rows.account(first + i, after, timestamp, metadataOf(view, chunk, first + i)),
    );
    await this.#put(ACCOUNTS, rows);
  }

  async #writeExpiry(count: number, timestamp: bigint): Promise<void> {
    const number = this.#sums.expiries.rows + 1;
    const after = this.#sums.transfers.rows;
    await this.#put(EXPIRIES, [[String(number), String(after), String(timestamp), String(count)]]);
  }

  async #writeTransfers(reader: JournalReader, chunk: number): Promise<void> {
    const rows: Row[] = [];
    for (let position = 0; position < reader.count(chunk); position++) {
      const recorded = reader.read(chunk, position);
      const { job } = recorded;
      if (isReservation(recorded)) this.#reservations++;
      rows.push(
        this.#rows.transfer(
          recorded,
          job === undefined ? undefined : (this.#jobs.get(job) ?? (await this.#jobName(job))),
        ),
      );
    }
    await this.#put(TRANSFERS, rows);
  }

  async #jobName(hash: string): Promise<string> {
    const name = await this.#store.jobName(hash);
    if (name === undefined) {
      throw new LedgerError(
        "journal_corrupt",
        `the journal names a job ${hash} that the table 'jobs' does not have: restore a copy`,
      );
    }
    this.#jobs.set(hash, name);
    return name;
  }
}

/** The metadata of the account in `slot` as JSON, empty where it has none. */
function metadataOf(view: DataView, chunk: number, slot: number): string {
  const found = findMetadata(view, chunk, slot);
  if (found === undefined) return "";
  const shared = new Uint8Array(view.buffer, view.byteOffset + found.address, found.byteLength);
  return Buffer.from(shared).toString();
}
