/** The public ledger: opening it, creating accounts and transfers, reading, closing. */
import { resolve } from "node:path";
import { parseAsset } from "./core/assets.js";
import { invalid, typeOf } from "./core/checks.js";
import { stateDigest } from "./core/digest.js";
import { LedgerError } from "./core/errors.js";
import type { JsonValue } from "./core/metadata.js";
import type {
  Account,
  AccountResult,
  HistoryOptions,
  HistoryPage,
  NewAccount,
  NewTransfer,
  PointInTime,
  Transfer,
  TransferFilter,
  TransferPage,
  TransferResult,
} from "./core/types.js";
import { type Batch, Batches } from "./engine/batches.js";
import { Calls } from "./engine/calls.js";
import { createAccounts } from "./engine/create-accounts.js";
import type { Engine, Mode } from "./engine/engine.js";
import { openEngine } from "./engine/open.js";
import { Queries } from "./engine/queries.js";
import { checkCallbacks, checkNames } from "./engine/query-options.js";
import { readableSnapshot, saveSnapshot, snapshotSize } from "./engine/snapshot.js";
import { type ExportOptions, exportLedger, type InterchangeSummary } from "./interchange/exporting.js";
import { type LedgerOptions, readOptions } from "./options.js";
import { type Reversal, type Reversible, reverse } from "./settlement/reversal.js";
import {
  checkFileOptions,
  type JobTarget,
  runJob,
  type SettleFileOptions,
  type SettleFileSummary,
} from "./settlement/run-job.js";
import {
  type SettleOptions,
  type SettleSummary,
  StreamSettlement,
  type StreamTarget,
} from "./settlement/stream-settlement.js";
import { openSqliteStore } from "./stores/sqlite.js";
import { IN_MEMORY } from "./stores/sqlite-protocol.js";
import type { Store } from "./stores/store.js";

const CONTEXTS = 4;
/** Window that files are read through; a row may take 1 MiB of it. */
const INPUT_WINDOW_SIZE = 32 * 1024 * 1024;
/** A snapshot is written at close if it is small, or if replaying what it saves would take longer than writing it. */
const SNAPSHOT_SIZE_SMALL = 64 * 1024 * 1024;
const SNAPSHOT_TRANSFERS = 500_000;

function ledgerClosed(): LedgerError {
  return new LedgerError("ledger_closed", "the ledger is closed: open it again");
}

/**
 * Opens the ledger in the file at `path`, or makes one; `:memory:` for one that is gone when closed.
 *
 * Opening reads the last snapshot and replays what was recorded after it; a snapshot that is damaged only makes it
 * slower (see {@link Ledger.snapshotDamage}). Throws `ledger_locked` where another
 * process has the file open, `not_a_ledger` where the file is something else, `journal_corrupt` where it was damaged.
 */
export async function openLedger(path: string, options: LedgerOptions = {}): Promise<Ledger> {
  const { ledger } = await openLedgerFor(path, options, {});
  return ledger;
}

/** What the command line knows of a job before it opens the ledger. */
export interface Expectations {
  /** New accounts and transfers that there must be room for. */
  readonly accounts?: number;
  readonly transfers?: number;
  /** The file must exist. */
  readonly mustExist?: boolean;
  /** Nobody minds that the calling thread waits for the disk, which saves starting a thread that does. */
  readonly onCallingThread?: boolean;
}

/** A ledger that is open, with what it is made of. */
export interface OpenedLedger {
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly store: Store;
}

/** {@link openLedger} with room for what is expected. */
export async function openLedgerFor(
  path: string,
  options: LedgerOptions,
  expected: Expectations,
): Promise<OpenedLedger> {
  if (typeof path !== "string" || path === "") {
    throw invalid(`openLedger needs the path of a file, or '${IN_MEMORY}', not '${String(path)}'`, { path });
  }
  const { mode, workers, workersBesideCaller, dryRun } = readOptions(options);
  const assets = (options.assets ?? []).map(parseAsset);
  const fileMode = expected.mustExist === true ? "existing" : "create";
  const onCallingThread = expected.onCallingThread ?? (mode === "event-loop" && path === IN_MEMORY);
  const store = await openSqliteStore(path, { mode: fileMode, copy: dryRun, onCallingThread });
  try {
    const capacities = { ...options.capacity, contexts: CONTEXTS, input: INPUT_WINDOW_SIZE };
    const engine = await openEngine(store, { mode, workers, workersBesideCaller, capacities, expected });
    try {
      for (const asset of assets) engine.assets.register(asset);
    } catch (error) {
      await engine.close();
      throw error;
    }
    const place = path === IN_MEMORY ? path : resolve(path);
    return { ledger: new Ledger(engine, store, place), engine, store };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** A ledger that is open. Made by {@link openLedger}. */
export class Ledger {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #queries: Queries;
  readonly #batches: Batches;
  readonly #calls: Calls;
  #closed: Promise<void> | undefined;
  /** What closing waits for. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** What closing stops. */
  readonly #stops = new Set<AbortController>();

  /** Of the file, so that no job's output takes its place. */
  readonly #path: string;

  /** @internal Use {@link openLedger}. */
  constructor(engine: Engine, store: Store, path: string = IN_MEMORY) {
    this.#path = path;
    this.#engine = engine;
    this.#store = store;
    this.#queries = new Queries(store, engine);
    this.#calls = new Calls(engine, store);
    // One context less than there are: calls always have one.
    this.#batches = new Batches(engine, CONTEXTS - 1);
  }

  get mode(): Mode {
    return this.#engine.mode;
  }

  /** Worker threads, 1 in event-loop mode. */
  get workers(): number {
    return this.#engine.workers;
  }

  get accountCount(): number {
    return this.#engine.accounts.count;
  }

  /** Transfers recorded, which is also the last sequence. May be ahead of the disk by the batches under way. */
  get transferCount(): number {
    return this.#engine.transferCount;
  }

  /**
   * What was wrong with the snapshot that should have made opening fast, if anything was: the journal was replayed
   * instead, so nothing is lost, and closing writes the snapshot anew. `snapshot_corrupt` or `snapshot_differs`.
   */
  get snapshotDamage(): LedgerError | undefined {
    return this.#engine.snapshotDamage;
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw ledgerClosed();
    if (this.#engine.failure !== undefined) throw this.#engine.failure;
  }

  /** Begins a call, which closing waits for. */
  #begin<T>(call: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    return this.#awaitAtClose(call());
  }

  #awaitAtClose<T>(run: Promise<T>): Promise<T> {
    this.#underWay.add(run);
    const end = (): void => void this.#underWay.delete(run);
    run.then(end, end);
    return run;
  }

  /** Runs what the caller's signal stops, and closing. */
  async #stoppable<T>(signal: AbortSignal | undefined, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
    this.#stops.add(stop);
    try {
      return await action(stop.signal);
    } finally {
      this.#stops.delete(stop);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /**
   * Creates accounts, in order. Resolves with a result each once they are on disk; an account that exists as asked
   * for is `exists`. Throws, with nothing created, `invalid_argument`, `asset_scale_differs` where the ledger keeps an
   * asset with another scale, and `accounts_full` where there is no room for those that are new.
   */
  async createAccounts(accounts: readonly NewAccount[]): Promise<AccountResult[]> {
    return this.#begin(() => createAccounts(this.#engine, accounts));
  }

  /** Metadata of an account as it went in: undefined where it has none, or where there is no such account. */
  async metadata(account: string): Promise<JsonValue | undefined> {
    const text = await this.#begin(async () => {
      checkString(account, "the account's id");
      return this.#engine.exclusively(async () => {
        const slot = this.#engine.ids.findAccount(account);
        return slot === undefined ? undefined : this.#engine.metadata(slot);
      });
    });
    return text === undefined ? undefined : (JSON.parse(text) as JsonValue);
  }

  /**
   * Makes transfers, in order. Resolves with a result each, in the same order, once all of them are on disk.
   *
   * Calls made while a batch executes share the next one. Throws `invalid_argument` (nothing was made) where a field
   * has the wrong type; an id or amount that can't be is a result. Throws `transfers_full` (nothing was made) where
   * the memory has no room for all of them.
   */
  async createTransfers(transfers: readonly NewTransfer[]): Promise<TransferResult[]> {
    return this.#begin(() => this.#calls.make(transfers));
  }

  /**
   * Begins a batch that writes straight into shared memory, for callers with millions of transfers. Waits while
   * three others are being filled or executed: end each by `submit` or `discard`.
   */
  async batch(): Promise<Batch> {
    this.#checkOpen();
    return this.#batches.begin(0, () => this.#checkOpen());
  }

  /**
   * Settles a stream of transfers, or of arrays of them, in order, with as many batches under way as keep every
   * thread busy; memory does not grow with the stream, but for a chain's transfers, which are held until its last one.
   *
   * Resolves once everything is on disk. Throws `invalid_argument` at the first transfer that has the wrong types; what
   * came before it and before its chain is settled. A source that is waited for is left alone where something else ends
   * the settlement.
   */
  async settle(
    source: AsyncIterable<NewTransfer | readonly NewTransfer[]> | Iterable<NewTransfer | readonly NewTransfer[]>,
    options: SettleOptions = {},
  ): Promise<SettleSummary> {
    this.#checkOpen();
    checkSource(source);
    checkNames("settle", options, ["onResults", "onProgress", "signal"]);
    checkCallbacks("settle", options, ["onResults", "onProgress"]);
    const target: StreamTarget = {
      beginBatch: (firstIndex) => this.#batches.begin(firstIndex, () => {}),
      awaitAtClose: (run) => this.#awaitAtClose(run),
    };
    return this.#stoppable(options.signal, (signal) =>
      new StreamSettlement(this.#engine, this.#store, target, options, signal).run(source),
    );
  }

  /**
   * Runs a settlement job over files: see {@link SettleFileOptions}. A second run of the same job changes nothing and
   * writes the same results file; one that was interrupted, by a crash too, resumes. One job runs at a time.
   *
   * Throws, before anything changes, `cannot_read`, `cannot_write`, `missing_column`, `invalid_header`,
   * `invalid_accounts`, `unknown_asset`, `invalid_argument`.
   */
  async settleFile(options: SettleFileOptions): Promise<SettleFileSummary> {
    return this.#begin(async () => {
      checkFileOptions(options);
      return this.#stoppable(options.signal, (signal) => this.#settleFile({ ...options, signal }));
    });
  }

  #settleFile(options: SettleFileOptions & { readonly signal: AbortSignal }): Promise<SettleFileSummary> {
    const target: JobTarget = {
      createAccounts: (accounts) => createAccounts(this.#engine, accounts),
      createTransfers: (transfers) => this.#calls.make(transfers),
    };
    const run = this.#job.then(() => {
      options.signal.throwIfAborted();
      return runJob(this.#engine, this.#store, target, options, this.#path);
    });
    this.#job = run.catch(() => {});
    return run;
  }

  #job: Promise<unknown> = Promise.resolve();

  /**
   * The account with this id as of the last batch that was executed, or undefined. It may be ahead of the disk by
   * the batches under way: await their results to be sure. Blocks for some milliseconds while a batch executes.
   */
  account(id: string): Account | undefined {
    this.#checkOpen();
    checkString(id, "the account's id");
    this.#engine.waitForBoundary();
    const slot = this.#engine.ids.findAccount(id);
    return slot === undefined ? undefined : this.#engine.accounts.read(slot);
  }

  /**
   * All accounts in the order of their ids' bytes. See {@link account} for what each shows; all of them are of the same
   * moment where nothing is awaited between one and the next.
   */
  *accounts(): Generator<Account> {
    this.#checkOpen();
    this.#engine.waitForBoundary();
    for (const slot of this.#engine.accounts.slotsById()) {
      // Whoever awaits something between two accounts may come back in the middle of a batch, or after a failure.
      this.#checkOpen();
      this.#engine.waitForBoundary();
      yield this.#engine.accounts.read(slot);
    }
  }

  /**
   * The recorded transfer with this id, made or rejected, or undefined: a transfer that was refused without being
   * recorded has left nothing. Sees every batch executed before its turn comes, so whatever a call has reported before,
   * and resolves once all of them are on disk.
   */
  async transfer(id: string): Promise<Transfer | undefined> {
    return this.#begin(async () => {
      checkString(id, "the transfer's id");
      return this.#queries.transfer(id);
    });
  }

  /**
   * Entries of an account, newest first: the transfers that changed its posted balance, each with the balance
   * after it. A page at a time: its cursor leads to the next one, and stays good while the ledger grows.
   *
   * See {@link transfer} for what it sees. The first call after opening reads what the history index lacks from the
   * journal; where a ledger has none yet that takes about a second for 5,000,000 transfers. Throws `unknown_account`,
   * and `invalid_argument` where an option or a cursor can't be used.
   */
  async history(account: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    return this.#begin(async () => {
      checkString(account, "the account's id");
      return this.#queries.history(account, options);
    });
  }

  /**
   * The account's posted balance as it was, inclusive: after the transfer of that sequence, or after everything
   * recorded at that time or before. 0n before its first entry; at a point that has not come yet, what it is now.
   *
   * Sees and throws what {@link history} does. Costs a look at each run of the history index from there to now, and
   * at most 127 transfers.
   */
  async balanceAt(account: string, at: PointInTime): Promise<bigint> {
    return this.#begin(async () => {
      checkString(account, "the account's id");
      return this.#queries.balanceAt(account, at);
    });
  }

  /**
   * Recorded transfers that the filter leaves, newest first, made or rejected: a page at a time, as with {@link history}.
   *
   * With an account it looks at that account's transfers only. Without one it reads the journal backwards, about 10,000
   * transfers a millisecond, until the page is full: bounds keep that short. Throws `invalid_argument` where the filter
   * or its cursor can't be used.
   */
  async transfers(filter: TransferFilter = {}): Promise<TransferPage> {
    return this.#begin(() => this.#queries.transfers(filter));
  }

  /**
   * Takes back what a job, or what single transfers have done: the opposite of each transfer that moved something, newest
   * first, and a void of each that still reserves something. All of it is made, or nothing. Done twice, it finds
   * everything done; after rows were added to the job, it takes back those.
   *
   * Throws `unknown_job` and `unknown_transfer` where there is none, and `invalid_argument` where neither is named. A limit
   * that forbids one of them is a result, after which nothing is recorded, so that it can be tried again.
   */
  async reverse(what: Reversible): Promise<Reversal> {
    return this.#begin(() => reverse(this.#engine, this.#store, this.#queries, what));
  }

  /** SHA-256 over all accounts in the order of their ids: equal digests mean equal ledgers. See {@link account}. */
  digest(): string {
    this.#checkOpen();
    this.#engine.waitForBoundary();
    return stateDigest(this.#engine.accounts);
  }

  /**
   * Writes everything the ledger was told, and what it comes to, to `path`: a folder of CSV or NDJSON files, or one SQLite
   * file. `importLedger` makes the same ledger of it; `docs/export.md` documents every column. Memory does not grow with the
   * ledger.
   *
   * It holds every batch executed before its turn comes, and none after. The ledger stands still while balances are
   * written, about a second for 500,000 accounts; later batches execute while the rest is. Throws `invalid_argument`,
   * `cannot_create` where something is at `path` already, and `cannot_write`; then nothing is left behind.
   */
  async export(path: string, options: ExportOptions = {}): Promise<InterchangeSummary> {
    return this.#begin(() => exportLedger(this.#engine, this.#store, path, options));
  }

  /**
   * Finishes the calls and batches under way, saves a snapshot where that makes the next opening faster, and closes the
   * file. Settlements stop as their signal would stop them, and reject with `ledger_closed`. A batch that is still
   * being filled can't be submitted any more.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = ledgerClosed();
    this.#batches.refuse(closed);
    for (const stop of this.#stops) stop.abort(closed);
    try {
      while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
      await this.#engine.exclusively(() => this.#engine.flush());
      if (this.#needsSnapshot()) await this.#saveSnapshot();
    } catch (error) {
      // A ledger that has failed still closes; its failure was reported to whoever used it.
      if (this.#engine.failure === undefined) throw error;
    } finally {
      await this.#engine.close();
      await this.#store.close();
    }
  }

  #needsSnapshot(): boolean {
    const isDamaged = this.snapshotDamage !== undefined;
    const snapshot = isDamaged ? undefined : readableSnapshot(this.#store.description);
    const isStale =
      isDamaged ||
      (snapshot?.transferCount ?? 0) !== this.transferCount ||
      (snapshot?.accountCount ?? 0) !== this.accountCount;
    const isWorthwhile =
      snapshotSize(this.#engine) <= SNAPSHOT_SIZE_SMALL ||
      this.transferCount - (snapshot?.transferCount ?? 0) >= SNAPSHOT_TRANSFERS;
    return isStale && isWorthwhile && !this.#store.description.isTemporary;
  }

  async #saveSnapshot(): Promise<void> {
    try {
      await saveSnapshot(this.#engine, this.#store);
    } catch (error) {
      // Where the file's very pages of the snapshot are damaged, it can't be replaced either. Nothing needs it.
      if (this.snapshotDamage === undefined) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function checkString(value: unknown, what: string): void {
  if (typeof value !== "string") throw invalid(`${what} must be a string, not ${typeOf(value)}`);
}

function checkSource(source: unknown): void {
  if (typeof source === "object" && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source))
    return;
  throw invalid(`expected an iterable of transfers, or of arrays of them, not ${typeOf(source)}`);
}
