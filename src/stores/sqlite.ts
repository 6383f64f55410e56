/** The SQLite store as its caller sees it: every call is a message to the server that has the file. */
import { resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { builtFile } from "../core/built.js";
import { LedgerError } from "../core/errors.js";
import { HISTORY_RUN_LOG2 } from "../core/layout.js";
import { inNextTurn } from "../core/turns.js";
import {
  IN_MEMORY,
  OPENING,
  type SqliteFileOptions,
  type StoreCall,
  type StorePort,
  type StoreReply,
  type StoreRequest,
} from "./sqlite-protocol.js";
import type { NamedRange } from "./sqlite-snapshot.js";
import type {
  AccountTables,
  CommitGroup,
  FoundTransfers,
  MemoryRange,
  SnapshotRequest,
  Store,
  StoreDescription,
  StoredChunk,
  TransferQuery,
} from "./store.js";

/**
 * Runs of the history index, as a power of two of transfers, and how many of them may wait: 16 MB in either case. Sorting and
 * writing one takes some 100 ms of a file's, and some 5 in memory, where the calling thread may have to do it between calls.
 */
const HISTORY_OF_FILE = { historyRunLog2: HISTORY_RUN_LOG2, historyRunsWaiting: 2 };
const HISTORY_IN_MEMORY = { historyRunLog2: 14, historyRunsWaiting: 64 };

export interface SqliteStoreOptions {
  /** `create` (the default) makes a ledger where there is no file or an empty one; `existing` refuses to. */
  readonly mode?: "create" | "existing";
  /** Works on a private copy of the file, which is gone when it is closed; the file is only read, and need not exist. */
  readonly copy?: boolean;
  /**
   * Does without a thread of its own, which takes longer to start than anything else there is to opening a ledger. A disk
   * blocks the caller then: for `:memory:`, and for programs that have little to do and end.
   */
  readonly onCallingThread?: boolean;
  /** Bytes that the file may grow to; a commit beyond them fails as on a full disk. Default: no limit. */
  readonly sizeMax?: number;
  /**
   * Transfers of a run of the history index, as a power of two, 4 to 19 (the default). A ledger opened with another
   * one than before builds its index again; smaller runs are for tests. In memory, where sorting a run blocks the caller,
   * they have 2^14 by default.
   */
  readonly historyRunLog2?: number;
}

/**
 * Opens the ledger's file at `path`, or makes it; `:memory:` keeps everything in memory. The file is locked until
 * {@link Store.close}.
 *
 * Throws `ledger_locked` where it is open already, `not_a_ledger` and `ledger_too_new` where it is something else,
 * `cannot_open` where the system or the path is in the way, `journal_corrupt` where the journal's end is missing,
 * `store_failed` where a copy can't be made, `invalid_option` where an option is misspelt or out of range.
 */
export async function openSqliteStore(path: string, options: SqliteStoreOptions = {}): Promise<Store> {
  checkOptions(options);
  const { onCallingThread = false } = options;
  const file: SqliteFileOptions = {
    path: path === IN_MEMORY ? path : resolve(path),
    mode: options.mode ?? "create",
    isCopy: options.copy === true && path !== IN_MEMORY,
    sizeMax: options.sizeMax,
    ...(onCallingThread && path === IN_MEMORY ? HISTORY_IN_MEMORY : HISTORY_OF_FILE),
    ...(options.historyRunLog2 === undefined ? {} : { historyRunLog2: options.historyRunLog2 }),
  };
  const server = onCallingThread ? await LocalServer.of(file) : new ThreadServer(file);
  const store = new SqliteStore(file.path, server);
  await store.opened;
  return store;
}

function checkOptions(options: SqliteStoreOptions): void {
  const {
    mode = "create",
    copy = false,
    onCallingThread = false,
    sizeMax = 1,
    historyRunLog2 = HISTORY_RUN_LOG2,
    ...unknown
  } = options;
  const [misspelt] = Object.keys(unknown);
  if (misspelt !== undefined) {
    throw invalidOption(
      `'${misspelt}' is none: expected 'mode', 'copy', 'onCallingThread', 'sizeMax' or 'historyRunLog2'`,
    );
  }
  if (mode !== "create" && mode !== "existing") {
    throw invalidOption(`'mode' must be 'create' or 'existing', not '${String(mode)}'`);
  }
  if (typeof copy !== "boolean") throw invalidOption(`'copy' must be true or false, not ${String(copy)}`);
  if (typeof onCallingThread !== "boolean") {
    throw invalidOption(`'onCallingThread' must be true or false, not ${String(onCallingThread)}`);
  }
  if (!Number.isInteger(historyRunLog2) || historyRunLog2 < 4 || historyRunLog2 > HISTORY_RUN_LOG2) {
    throw invalidOption(`'historyRunLog2' must be a whole number from 4 to ${HISTORY_RUN_LOG2}, not ${historyRunLog2}`);
  }
  if (!(sizeMax > 0)) throw invalidOption(`'sizeMax' must be a number of bytes above 0, not ${sizeMax}`);
}

function invalidOption(reason: string): LedgerError {
  return new LedgerError("invalid_option", `invalid option of the SQLite store: ${reason}`);
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: LedgerError) => void;
}

/** Whoever has the file. */
interface Server {
  /** Begins: `heard` gets each reply, `ended` is called once none will come any more. Only then are questions asked. */
  start(heard: (reply: StoreReply) => void, ended: (cause: unknown) => void): void;
  ask(request: StoreRequest): void;
  /** Keeps the process alive, or no longer does. */
  hold(isHeld: boolean): void;
}

/** A thread of its own. */
class ThreadServer implements Server {
  readonly #worker: Worker;

  constructor(options: SqliteFileOptions) {
    this.#worker = new Worker(builtFile("workers/store.cjs"), { name: "ledger-store", workerData: options });
  }

  start(heard: (reply: StoreReply) => void, ended: (cause: unknown) => void): void {
    let failure: unknown;
    this.#worker.on("message", heard);
    this.#worker.on("error", (cause) => {
      failure = cause;
    });
    this.#worker.on("exit", (code) => ended(failure ?? new Error(`the thread exited with code ${code}`)));
  }

  ask(request: StoreRequest): void {
    this.#worker.postMessage(request);
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.#worker.ref();
    else this.#worker.unref();
  }
}

/** The calling thread: each request is carried out in a turn of the event loop of its own. */
class LocalServer implements Server {
  readonly #serve: (port: StorePort) => void;
  #listener: (request: StoreRequest) => void = () => {};

  private constructor(serve: (port: StorePort) => void) {
    this.#serve = serve;
  }

  /** SQLite is loaded where it is needed on this thread, and only there. */
  static async of(options: SqliteFileOptions): Promise<LocalServer> {
    const { serveStore } = await import("./sqlite-file.js");
    return new LocalServer((port) => serveStore(port, options));
  }

  start(heard: (reply: StoreReply) => void, ended: (cause: unknown) => void): void {
    this.#serve({
      postMessage: heard,
      on: (_, listener) => {
        this.#listener = listener;
      },
      close: () => ended(undefined),
    });
  }

  ask(request: StoreRequest): void {
    inNextTurn(() => this.#listener(request));
  }

  /** What waits for its turn keeps the process alive anyway. */
  hold(): void {}
}

class SqliteStore implements Store {
  /** Settled once the server has opened the file, or refused to. */
  readonly opened: Promise<void>;
  readonly #path: string;
  readonly #server: Server;
  readonly #exited: Promise<void>;
  /** Calls not yet answered, by id. While there are any, the process is kept alive. */
  readonly #pending = new Map<number, Pending>();
  #lastId = OPENING;
  #description: StoreDescription | undefined;
  #closed: Promise<void> | undefined;
  /** Why nothing more can be asked. */
  #ended: LedgerError | undefined;

  constructor(path: string, server: Server) {
    this.#path = path;
    this.#server = server;
    this.opened = this.#expect(OPENING).then((description) => {
      this.#description = description as StoreDescription;
    });
    this.#exited = new Promise((resolve) => {
      server.start(
        (reply) => this.#settle(reply),
        (cause) => {
          this.#end(cause);
          resolve();
        },
      );
    });
  }

  get description(): StoreDescription {
    return this.#description!;
  }

  attach(memory: WebAssembly.Memory): Promise<void> {
    return this.#call("attach", memory);
  }

  commit(group: CommitGroup): Promise<void> {
    return this.#call("commit", group);
  }

  begin(): Promise<void> {
    return this.#call("begin");
  }

  keep(): Promise<void> {
    return this.#call("keep");
  }

  undo(): Promise<StoreDescription> {
    return this.#call("undo");
  }

  readChunks(chunk: number, range: MemoryRange): Promise<readonly StoredChunk[]> {
    return this.#call("readChunks", chunk, range);
  }

  copyChunks(chunk: number, target: SharedArrayBuffer): Promise<readonly StoredChunk[]> {
    return this.#call("copyChunks", chunk, target);
  }

  chunkCount(): Promise<number> {
    return this.#call("chunkCount");
  }

  readChunkOf(sequence: number, range: MemoryRange): Promise<StoredChunk | undefined> {
    return this.#call("readChunkOf", sequence, range);
  }

  findTransfers(query: TransferQuery): Promise<FoundTransfers> {
    return this.#call("findTransfers", query);
  }

  prepareHistory(): Promise<boolean> {
    return this.#call("prepareHistory");
  }

  sumTransfers(slot: number, after: number, through: number): Promise<bigint> {
    return this.#call("sumTransfers", slot, after, through);
  }

  sequenceAt(timestamp: bigint): Promise<number> {
    return this.#call("sequenceAt", timestamp);
  }

  checkHistory(run: number): Promise<boolean | undefined> {
    return this.#call("checkHistory", run);
  }

  checkNames(): Promise<void> {
    return this.#call("checkNames");
  }

  checkStructure(): Promise<void> {
    return this.#call("checkStructure");
  }

  differingAccount(tables: AccountTables, accountCount: number): Promise<number | undefined> {
    return this.#call("differingAccount", tables, accountCount);
  }

  readSnapshot(regions: readonly NamedRange[]): Promise<void> {
    return this.#call("readSnapshot", regions);
  }

  writeSnapshot(request: SnapshotRequest): Promise<void> {
    return this.#call("writeSnapshot", request);
  }

  jobName(hash: string): Promise<string | undefined> {
    return this.#call("jobName", hash);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // A thread that has died holds no file any more: there is nothing left to close.
    if (this.#ended !== undefined) return this.#exited;
    const closing = this.#call("close");
    this.#ended = new LedgerError("ledger_closed", `the ledger '${this.#path}' is closed: open it again`);
    await closing;
    this.#server.hold(true);
    await this.#exited;
  }

  async #call<Call extends StoreCall>(
    call: Call,
    ...values: Parameters<Store[Call]>
  ): Promise<Awaited<ReturnType<Store[Call]>>> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = ++this.#lastId;
    const answer = this.#expect(id);
    this.#server.ask({ id, call, values });
    return (await answer) as Awaited<ReturnType<Store[Call]>>;
  }

  #expect(id: number): Promise<unknown> {
    this.#server.hold(true);
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
  }

  #settle({ id, value, failure }: StoreReply): void {
    const pending = this.#pending.get(id)!;
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#server.hold(false);
    if (failure === undefined) {
      pending.resolve(value);
    } else {
      const { code, message, details, cause } = failure;
      pending.reject(new LedgerError(code, message, { details, cause }));
    }
  }

  /** The server is gone. Where nobody asked it to go, whoever waits for it is told. */
  #end(cause: unknown): void {
    const error = new LedgerError(
      "store_failed",
      `the thread of '${this.#path}' ended unexpectedly (${cause instanceof Error ? cause.message : String(cause)}). ` +
        "What was acknowledged is safe; what was not may or may not be on disk: open the ledger again",
      { cause },
    );
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
