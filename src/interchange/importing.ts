/** Importing: an export becomes the ledger that it was written from, or nothing. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { stateDigest } from "../core/digest.js";
import { LedgerError } from "../core/errors.js";
import type { Engine } from "../engine/engine.js";
import { openEngine } from "../engine/open.js";
import { checkCallbacks, checkNames } from "../engine/query-options.js";
import { saveSnapshot } from "../engine/snapshot.js";
import { cannotRead } from "../settlement/input-window.js";
import { openSqliteStore } from "../stores/sqlite.js";
import type { Store } from "../stores/store.js";
import type { InterchangeSummary } from "./exporting.js";
import { openFolder } from "./folder.js";
import { invalidExport } from "./manifest.js";
import { Place } from "./place.js";
import { Rebuild, TableReader } from "./rebuild.js";
import { balanceRow } from "./rows.js";
import type { RowSource } from "./sink.js";
import { BALANCES } from "./tables.js";

/** Options of {@link importLedger}. */
export interface ImportOptions {
  /** Called now and then with how many transfers are rebuilt. */
  readonly onProgress?: (progress: { readonly transfers: number; readonly totalTransfers: number }) => void;
  /** Stops the import, which leaves nothing behind and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Makes the ledger in a new file at `path` that the export at `from`, a folder or a SQLite file, was written from: the same
 * accounts, transfers, sequences, timestamps, jobs and used ids, and the same digest. Every transfer is executed again and
 * must end as its row says; balances and digest must be those that were exported.
 *
 * Throws `cannot_create` where something is at `path` already, `cannot_read`, `invalid_argument`, and `invalid_export` with
 * file, row and column where the export was changed; then nothing is left behind. Memory grows as that of a ledger of that size does.
 */
export async function importLedger(
  from: string,
  path: string,
  options: ImportOptions = {},
): Promise<InterchangeSummary> {
  checkArguments(from, path, options);
  const start = performance.now();
  const source = await openSource(from);
  try {
    const place = await Place.reserve(path, "database");
    try {
      const file = join(place.folder, "ledger.db");
      await rebuild(source, file, options);
      await check(source, file);
      options.signal?.throwIfAborted();
      await place.take(file);
    } catch (error) {
      await place.clear();
      throw error;
    }
  } finally {
    await source.close();
  }
  const { digest, tables } = source.manifest;
  const { accounts, transfers } = tables;
  return { accounts: accounts.rows, transfers: transfers.rows, digest, durationMs: performance.now() - start };
}

function checkArguments(from: string, path: string, options: ImportOptions): void {
  for (const [name, value] of Object.entries({ from, path })) {
    if (typeof value === "string" && value !== "" && value !== ":memory:") continue;
    throw new LedgerError("invalid_argument", `'${name}' must be the path of a file or folder, not '${String(value)}'`);
  }
  checkNames("importLedger", options, ["onProgress", "signal"]);
  checkCallbacks("importLedger", options, ["onProgress"]);
}

async function openSource(from: string): Promise<RowSource> {
  if (!existsSync(from)) throw cannotRead(from, Object.assign(new Error(), { code: "ENOENT" }));
  const stats = statSync(from);
  if (stats.isDirectory()) return openFolder(from);
  // SQLite would wait at a pipe, and no signal would end that.
  if (!stats.isFile()) throw cannotRead(from, new Error("it is not a regular file: name a folder or a file"));
  const { openSqlite } = await import("./sqlite.js");
  return openSqlite(from);
}

/** Opens the file with an engine on it, for one action. */
async function withEngine(
  file: string,
  { manifest }: RowSource,
  mode: "create" | "existing",
  action: (engine: Engine, store: Store) => Promise<void>,
): Promise<void> {
  const store = await openSqliteStore(file, { mode });
  try {
    const { accounts, transfers } = manifest.tables;
    const capacities = {
      accounts: Math.max(1, accounts.rows),
      transfers: Math.max(1, transfers.rows),
      pendings: Math.max(1, manifest.reservations),
      contexts: 1,
      chunks: 1,
    };
    const engine = await openEngine(store, { mode: "event-loop", workers: 1, capacities });
    await action(engine, store);
  } finally {
    await store.close();
  }
}

async function rebuild(source: RowSource, file: string, { onProgress, signal }: ImportOptions): Promise<void> {
  const totalTransfers = source.manifest.tables.transfers.rows;
  await withEngine(file, source, "create", (engine, store) =>
    new Rebuild(engine, store, source).run((transfers) => {
      signal?.throwIfAborted();
      onProgress?.({ transfers, totalTransfers });
    }),
  );
}

/** Opens the ledger as everybody will, compares what it comes to with what was exported, and makes opening it fast. */
async function check(source: RowSource, file: string): Promise<void> {
  await withEngine(file, source, "existing", async (engine, store) => {
    await checkBalances(source, engine);
    const digest = stateDigest(engine.accounts);
    if (digest !== source.manifest.digest) {
      throw invalidExport(
        `the rows give a ledger with the digest ${digest}, and the manifest says ${source.manifest.digest}: it was changed ` +
          "after the ledger was exported; export it again",
        { expected: source.manifest.digest, found: digest },
      );
    }
    await saveSnapshot(engine, store);
  });
}

async function checkBalances(source: RowSource, { accounts, assets }: Engine): Promise<void> {
  const reader = await TableReader.open(source, BALANCES);
  try {
    for (const slot of accounts.slotsById()) {
      const { row, number, name } = reader;
      const expected = balanceRow(accounts.read(slot), assets.get(accounts.asset(slot)).scale);
      if (row === undefined) throw invalidExport(`${name}: account '${expected[0]}' is missing`, { file: name });
      for (const [place, { name: column }] of BALANCES.columns.entries()) {
        if (row[place] === expected[place]) continue;
        throw invalidExport(
          `${name}, row ${number}, column '${column}': it is '${row[place]}', and the transfers give '${expected[place]}'`,
          { file: name, row: number, column },
        );
      }
      await reader.next();
    }
    if (reader.row !== undefined) {
      throw invalidExport(`${reader.name}, row ${reader.number}: there is no account '${reader.row[0]}'`, {
        file: reader.name,
        row: reader.number,
      });
    }
    reader.check();
  } finally {
    await reader.close();
  }
}
