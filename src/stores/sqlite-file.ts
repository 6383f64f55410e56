/**
 * The side of the SQLite store that has the file. SQLite blocks, and the caller must not, so it runs in a thread of its own;
 * only where all is in memory may it share the caller's. Chunks are read from and written to the engine's shared memory.
 */
import { createHash } from "node:crypto";
import type { Database, Statement } from "better-sqlite3";
import { AccountTable } from "../core/accounts.js";
import { LedgerError } from "../core/errors.js";
import { jobOfName } from "../core/job.js";
import { SqliteAccounts } from "./sqlite-accounts.js";
import { openCopy } from "./sqlite-copy.js";
import { damagedFile, readError, writeError } from "./sqlite-errors.js";
import { prepare } from "./sqlite-held.js";
import { SqliteHistory } from "./sqlite-history.js";
import { type JournalHead, SqliteJournal } from "./sqlite-journal.js";
import { closeFile, openFile } from "./sqlite-open.js";
import {
  IN_MEMORY,
  OPENING,
  type SqliteFileOptions,
  type StoreCall,
  type StoreFailure,
  type StorePort,
  type StoreReply,
  type StoreRequest,
} from "./sqlite-protocol.js";
import { SqliteQueries } from "./sqlite-queries.js";
import { type NamedRange, SqliteSnapshot } from "./sqlite-snapshot.js";
import type {
  AccountTables,
  CommitGroup,
  FoundTransfers,
  MemoryRange,
  SnapshotRequest,
  Store,
  StoreDescription,
  StoredAsset,
  StoredChunk,
  TransferQuery,
} from "./store.js";

/** What each call returns here, where nothing has to be waited for. */
type Synchronous = {
  [Call in StoreCall]: (...values: Parameters<Store[Call]>) => Awaited<ReturnType<Store[Call]>>;
};

/** Where nobody has asked for anything for so long, what commits have left to do is done. */
const IDLE_MS = 250;

/** A half of the seed, as `meta` has it. */
const SEED = /^[0-9a-f]{16}$/;

/** Opens the file, says how that went, and then answers requests until one of them is to close. */
export function serveStore(port: StorePort, options: SqliteFileOptions): void {
  let file: SqliteFile;
  try {
    file = new SqliteFile(options);
  } catch (error) {
    port.postMessage({ id: OPENING, failure: failureOf(error) } satisfies StoreReply);
    return;
  }
  port.postMessage({ id: OPENING, value: file.description } satisfies StoreReply);
  let idle: NodeJS.Timeout | undefined;
  const restLater = (): void => {
    idle = setTimeout(() => {
      if (file.rest()) restLater();
    }, IDLE_MS).unref();
  };
  port.on("message", ({ id, call, values }: StoreRequest) => {
    let reply: StoreReply;
    try {
      const method = file[call] as (...values: readonly unknown[]) => unknown;
      reply = { id, value: method.apply(file, [...values]) };
    } catch (error) {
      reply = { id, failure: failureOf(error) };
    }
    port.postMessage(reply);
    if (call === "commit") file.tend();
    clearTimeout(idle);
    if (call === "close") port.close();
    else restLater();
  });
}

function failureOf(error: unknown): StoreFailure {
  if (error instanceof LedgerError) {
    return { code: error.code, message: error.message, details: error.details, cause: error.cause };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "store_failed", message: `the store failed: ${message}`, details: {}, cause: error };
}

/** Checksums of the first asset, of the first two, and so on: nothing else in the file says what amounts are amounts of. */
function checksumsOfAssets(assets: readonly StoredAsset[]): string[] {
  const hash = createHash("sha256");
  return assets.map(({ code, scale }, index) => {
    hash.update(`${index === 0 ? "[" : ","}${JSON.stringify([code, scale])}`);
    return hash.copy().update("]").digest("hex");
  });
}

/** A ledger's file, open and locked. */
export class SqliteFile implements Synchronous {
  readonly description: StoreDescription;
  readonly #path: string;
  /** Rows of the table `meta` that stay as they are. */
  readonly #meta: ReadonlyMap<string, string>;
  readonly #database: Database;
  readonly #journal: SqliteJournal;
  readonly #snapshot: SqliteSnapshot;
  readonly #accounts: SqliteAccounts;
  readonly #history: SqliteHistory;
  readonly #queries: SqliteQueries;
  readonly #assets: StoredAsset[];
  readonly #insertAsset: Statement<unknown[]>;
  readonly #vouchForAssets: Statement<[string]>;
  readonly #insertJob: Statement<unknown[]>;
  readonly #selectJob: Statement<[string], string>;
  readonly #remove: () => void;
  #memory: WebAssembly.Memory | undefined;
  /** Where the journal and the assets were at each `begin` of which it is not decided yet whether what followed is kept. */
  readonly #before: { readonly head: JournalHead; readonly assetCount: number }[] = [];
  readonly #isTemporary: boolean;
  readonly #historyRunsWaiting: number;
  /** Set by the first write that failed; what the disk holds is then no longer known for sure. */
  #failure: LedgerError | undefined;

  constructor(options: SqliteFileOptions) {
    this.#historyRunsWaiting = options.historyRunsWaiting;
    this.#isTemporary = options.isCopy || options.path === IN_MEMORY;
    const opened = options.isCopy
      ? openCopy(options)
      : { path: options.path, database: openFile(options), remove: () => {} };
    const { path, database, remove } = opened;
    this.#path = path;
    this.#database = database;
    this.#remove = remove;
    try {
      this.#journal = new SqliteJournal(database);
      this.#meta = new Map(prepare<[], [string, string]>(database, "SELECT key, value FROM meta").raw().all());
      const seeds = [this.#meta.get("seed_low"), this.#meta.get("seed_high")];
      if (!seeds.every((seed) => seed !== undefined && SEED.test(seed)))
        throw damagedFile(path, "it has lost its seed");
      this.#snapshot = new SqliteSnapshot(database, seeds.join());
      this.#accounts = new SqliteAccounts(database);
      this.#history = new SqliteHistory(database, this.#journal, options.historyRunLog2, (action) =>
        this.#write(action),
      );
      this.#queries = new SqliteQueries(database, this.#journal, this.#history);
      this.#insertAsset = prepare(database, "INSERT INTO assets VALUES (?, ?, ?)");
      this.#insertJob = prepare(database, "INSERT INTO jobs VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING");
      this.#selectJob = prepare<[string], string>(database, "SELECT name FROM jobs WHERE hash = ?").pluck();
      this.#vouchForAssets = prepare(database, "INSERT OR REPLACE INTO meta VALUES ('assets', ?)");
      this.#assets = prepare<[], StoredAsset>(database, "SELECT code, scale FROM assets ORDER BY number").all();
      // An earlier release adds assets without one: until the next is added, it is that of those before them, or missing.
      const checksum = this.#meta.get("assets");
      if (checksum !== undefined && !checksumsOfAssets(this.#assets).includes(checksum)) {
        throw damagedFile(path, "its assets are not those that were written");
      }
      this.description = this.#describe();
    } catch (error) {
      database.close();
      remove();
      throw readError(this.#path, error);
    }
  }

  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  commit(group: CommitGroup): void {
    const chunks = group.chunks.map((range) => this.#bytes(range));
    const head = this.#write(() => {
      for (const { code, scale } of group.assets) {
        this.#insertAsset.run(this.#assets.length + 1, code, scale);
        this.#assets.push({ code, scale });
      }
      if (group.assets.length > 0) this.#vouchForAssets.run(checksumsOfAssets(this.#assets).at(-1)!);
      for (const { hash, name } of group.jobs) this.#insertJob.run(hash, name, this.#journal.head.chunkCount);
      return this.#journal.append(chunks);
    });
    this.#journal.head = head;
    this.#history.gather(chunks);
  }

  /** After a commit was acknowledged: writes what can't wait until nothing else is to be done. */
  tend(): void {
    this.#writeHistory(this.#historyRunsWaiting);
  }

  /** While nothing else is to be done: writes a part of what waits for that, and says whether more is left. */
  rest(): boolean {
    if (this.#failure !== undefined || this.#history.fullCount === 0) return false;
    this.#writeHistory(this.#history.fullCount - 1);
    return this.#history.fullCount > 0;
  }

  #writeHistory(kept: number): void {
    try {
      this.#history.writeFull(kept);
    } catch {
      // The index is derived: what is missing is built when somebody asks for it. A write that failed has been noted,
      // and the next commit says so.
    }
  }

  begin(): void {
    this.#change(this.#before.length === 0 ? "BEGIN IMMEDIATE" : "SAVEPOINT unit");
    this.#before.push({ head: this.#journal.head, assetCount: this.#assets.length });
  }

  keep(): void {
    this.#change(this.#before.length === 1 ? "COMMIT" : "RELEASE unit");
    this.#before.pop();
  }

  undo(): StoreDescription {
    // SQLite may have rolled back by itself, where it could not write.
    const isInner = this.#before.length > 1;
    if (this.#database.inTransaction) this.#database.exec(isInner ? "ROLLBACK TO unit; RELEASE unit" : "ROLLBACK");
    const before = this.#before.pop();
    if (before !== undefined) {
      this.#journal.head = before.head;
      this.#assets.length = before.assetCount;
    }
    this.#history.restart();
    return this.#describe();
  }

  readChunks(chunk: number, range: MemoryRange): StoredChunk[] {
    return this.#read(() => this.#journal.read(chunk, this.#bytes(range), range.address));
  }

  copyChunks(chunk: number, target: SharedArrayBuffer): StoredChunk[] {
    return this.#read(() => this.#journal.read(chunk, new Uint8Array(target), 0));
  }

  chunkCount(): number {
    return this.#journal.head.chunkCount;
  }

  readChunkOf(sequence: number, range: MemoryRange): StoredChunk | undefined {
    return this.#read(() => this.#journal.readHolder(sequence, this.#bytes(range), range.address));
  }

  findTransfers(query: TransferQuery): FoundTransfers {
    return this.#read(() => this.#queries.find(query));
  }

  prepareHistory(): boolean {
    return this.#read(() => this.#history.prepare());
  }

  sumTransfers(slot: number, after: number, through: number): bigint {
    return this.#read(() => this.#queries.sum(slot, after, through));
  }

  sequenceAt(timestamp: bigint): number {
    return this.#read(() => this.#journal.sequenceAt(timestamp));
  }

  checkHistory(run: number): boolean | undefined {
    return this.#read(() => this.#history.isSound(run));
  }

  checkNames(): void {
    this.#read(() => {
      for (const [hash, name] of prepare<[], [string, string]>(this.#database, "SELECT hash, name FROM jobs")
        .raw()
        .all()) {
        // Earlier releases took half of a surrogate pair: hashed as one character, and read back as three.
        const names = [name, name.replaceAll("\ufffd\ufffd\ufffd", "\ufffd")];
        if (!names.some((each) => jobOfName(each).hash === hash))
          throw damagedFile(this.#path, `the job ${hash} is not called '${name}'`);
      }
      const nameless = prepare<[], string>(
        this.#database,
        "SELECT job FROM journal WHERE job IS NOT NULL AND job NOT IN (SELECT hash FROM jobs) LIMIT 1",
      );
      const job = nameless.pluck().get();
      if (job !== undefined) throw damagedFile(this.#path, `the name of the job ${job} is missing`);
    });
  }

  checkStructure(): void {
    const found = this.#read(() => prepare<[], string>(this.#database, "PRAGMA integrity_check(1)").pluck().get());
    if (found !== "ok") throw damagedFile(this.#path, String(found));
  }

  differingAccount(tables: AccountTables, accountCount: number): number | undefined {
    return this.#read(() => this.#accounts.differing(this.#accountTable(tables), accountCount));
  }

  readSnapshot(regions: readonly NamedRange[]): void {
    this.#read(() => this.#snapshot.read(this.#attached().buffer, regions));
  }

  writeSnapshot(request: SnapshotRequest): void {
    const { layoutVersion, transferCount, accountCount, digest } = request;
    const head = this.#journal.head;
    if (transferCount !== head.transferCount || accountCount !== head.accountCount) {
      throw new LedgerError(
        "snapshot_too_early",
        `a snapshot of ${transferCount} transfers and ${accountCount} accounts was asked for, and the journal holds ` +
          `${head.transferCount} and ${head.accountCount}: commit the rest first`,
      );
    }
    const regions = request.regions.map(({ name, byteLength }) => ({ name, byteLength }));
    const description = { layoutVersion, chunkCount: head.chunkCount, transferCount, accountCount, digest, regions };
    const memory = this.#attached();
    const accounts = this.#accountTable(request);
    this.#write(() => {
      this.#snapshot.write(memory.buffer, description, request.regions);
      this.#accounts.refresh(accounts, accountCount);
    });
  }

  #accountTable({ accounts, accountsCold, accountText: text }: AccountTables): AccountTable {
    const assetCode = (number: number): string => this.#assets[number - 1]?.code ?? "";
    return new AccountTable(this.#attached(), { accounts, accountsCold, text }, assetCode);
  }

  jobName(hash: string): string | undefined {
    return this.#read(() => this.#selectJob.get(hash));
  }

  close(): void {
    if (this.#failure === undefined) this.#writeHistory(0);
    // After a failure, the rollback file may be what repairs the ledger when it is opened next: it stays.
    try {
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
      if (this.#failure === undefined) closeFile(this.#database);
      else this.#database.close();
    } finally {
      this.#remove();
    }
  }

  #describe(): StoreDescription {
    const { chunkCount, transferCount, accountCount, accountTextSize, pendingCount } = this.#journal.head;
    return {
      seedLow: BigInt(`0x${this.#meta.get("seed_low")}`),
      seedHigh: BigInt(`0x${this.#meta.get("seed_high")}`),
      chunkCount,
      transferCount,
      accountCount,
      accountTextSize,
      pendingCount,
      lastTimestamp: this.#journal.lastTimestamp,
      assets: [...this.#assets],
      ...this.#snapshot.describe(),
      isTemporary: this.#isTemporary,
    };
  }

  #read<Value>(read: () => Value): Value {
    try {
      return read();
    } catch (error) {
      throw readError(this.#path, error);
    }
  }

  /**
   * Runs `write` in one transaction, durable when this returns, or as part of the one that was begun. After a failure,
   * every later one is refused.
   */
  #write<Value>(write: () => Value): Value {
    return this.#orFail(() => this.#database.transaction(write).immediate());
  }

  #change(statement: "BEGIN IMMEDIATE" | "SAVEPOINT unit" | "RELEASE unit" | "COMMIT"): void {
    this.#orFail(() => this.#database.exec(statement));
  }

  #orFail<Value>(write: () => Value): Value {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return write();
    } catch (error) {
      this.#failure = writeError(this.#path, error);
      throw this.#failure;
    }
  }

  #bytes({ address, byteLength }: MemoryRange): Uint8Array {
    return new Uint8Array(this.#attached().buffer, address, byteLength);
  }

  #attached(): WebAssembly.Memory {
    if (this.#memory === undefined) {
      throw new LedgerError("store_failed", "the store was given no memory: call attach() first");
    }
    return this.#memory;
  }
}
