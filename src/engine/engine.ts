/**
 * The coordinator: takes batches in order, has them executed, numbers them, and passes their journal to the store.
 *
 * It knows memory, kernel and workers, and the store only by its interface. Batches execute strictly one after the
 * other; what overlaps is filling the next ones, executing this one, and committing those before. A batch is handed to the
 * workers while the one before it executes, where they need no word from this thread between the two: it may be busy
 * filling a third.
 */
import { findMetadata } from "../core/account-chunk.js";
import { ACCOUNTS_A_CHUNK, AccountTable } from "../core/accounts.js";
import { AssetRegistry } from "../core/assets.js";
import { writeExpiryChunk } from "../core/chunk-header.js";
import { LedgerError } from "../core/errors.js";
import { Identifiers } from "../core/identifiers.js";
import { JournalReader, type RecordedTransfer } from "../core/journal.js";
import { instantiateKernel, type Kernel } from "../core/kernel.js";
import * as layout from "../core/layout.js";
import type { MemoryPlan } from "../core/memory.js";
import { nextTurn } from "../core/turns.js";
import type { MemoryRange, Store, StoreDescription } from "../stores/store.js";
import { Committer, type JobName } from "./committer.js";
import type { Crew } from "./crew.js";
import { type ExecutionOutcome, Executor, TURN_LENGTH } from "./executor.js";
import { type BatchNeed, needOfRows } from "./need.js";
import { ACCOUNT_TEXT_MAX, Room, type TransferNeed } from "./room.js";

/** `parallel`: a pool of worker threads. `event-loop`: the same kernel on the calling thread, in short slices. */
export type Mode = "parallel" | "event-loop";

export interface EngineOptions {
  readonly mode: Mode;
  /** Worker threads, at least 1; ignored by the event loop. */
  readonly workers: number;
  /** Those of them that execute what the calling thread fills meanwhile, which takes a core itself. Default: all. */
  readonly workersBesideCaller?: number | undefined;
  /** Why the snapshot was not used, where it should have been. */
  readonly snapshotDamage?: LedgerError | undefined;
}

/** The job that a batch's rows belong to. */
export interface BatchJob {
  /** 64-bit halves of the hash of the job's name; not both zero. */
  readonly low: bigint;
  readonly high: bigint;
  /** Goes to the store with the batch, so that it is there as long as the batch's rows are. */
  readonly name: JobName;
  /** 1-based row of the batch's first record. */
  readonly firstRow: bigint;
}

/** What the parts of a chain have in common that takes more than a batch. */
export interface ChainOfPart {
  /** Transfers from this sequence on are legs of the chain. */
  readonly firstSequence: number;
  /** Clock reading of its first part, nanoseconds; undefined for that one itself. */
  readonly timestamp: bigint | undefined;
}

/** What the coordinator must know of a batch besides its records. */
export interface BatchRequest {
  /** Slices in use; their counts are in the slice table, or the parser finds them. */
  readonly slices: number;
  /** Asset the amounts are written in, where all are in the same. */
  readonly asset?: number;
  readonly job?: BatchJob;
  /** PLAN_* bits but PLAN_SERIAL. */
  readonly plan?: number;
  /** A recorded rejection that the batch's records get instead of being executed: they broke a chain. */
  readonly refusal?: number;
  /** The chain that the batch is a part of. */
  readonly chain?: ChainOfPart;
  /** All flags of the batch's records, where the caller knows them. */
  readonly flags?: number;
  /** Transfers that {@link Engine.room} has promised room for, which the batch gives back. Default: it asks for itself. */
  readonly promised?: TransferNeed;
}

/** A batch that has been executed; its context holds the results until it is released. */
export interface ExecutedBatch {
  /** Resolves once everything the batch recorded is on disk. */
  readonly durable: Promise<void>;
}

/** Accounts that batches create have none. */
const NO_METADATA: ReadonlyMap<number, Uint8Array> = new Map();
/** Journal chunks kept at hand for comparing ids with them. */
const CACHED_CHUNKS = 16;
/** A batch of which more than this share was decided in order makes the next ones run serially… */
const SERIAL_SHARE = 0.5;
/** …until a parallel one is tried again after this many. */
const SERIAL_RUN = 16;
/** Candidates confirmed before the event loop gets its turn. */
const CONFIRM_RUN = 4096;
/** Pending transfers that expire before the event loop gets its turn; a chunk says so of at most as many. */
const EXPIRY_RUN = 4096;
/** A batch with one of these is decided in order: what they do depends on records before them, or on those behind. */
const ORDERED_FLAGS =
  layout.TRANSFER_LINKED | layout.TRANSFER_PENDING | layout.TRANSFER_RESOLVES | layout.TRANSFER_CLOSING;

/** A batch that is handed over while the one before it executes. */
interface Ahead {
  /** Its clock reading. */
  readonly timestamp: bigint;
  /** Settled once every batch before it is over. */
  readonly before: Promise<unknown>;
}

const NANOSECONDS_A_SECOND = 1_000_000_000n;
const NEVER: Promise<boolean> = Promise.resolve(false);

interface RecentChunk {
  readonly firstSequence: number;
  readonly count: number;
  readonly address: number;
}

/** One ledger's coordinator. */
export class Engine {
  readonly memory: WebAssembly.Memory;
  readonly plan: MemoryPlan;
  readonly kernel: Kernel;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly ids: Identifiers;
  readonly accounts: AccountTable;
  readonly assets: AssetRegistry;
  readonly room: Room;
  readonly mode: Mode;
  readonly workers: number;
  /** Why the snapshot could not be used when the ledger was opened; the journal was replayed instead. */
  readonly snapshotDamage: LedgerError | undefined;
  readonly #workersBesideCaller: number;
  readonly #words: Int32Array;
  readonly #store: Store;
  readonly #executor: Executor;
  /** Undefined on the event loop. */
  readonly #crew: Crew | undefined;
  readonly #committer: Committer;
  readonly #freeContexts: number[];
  readonly #contextWaiters: ((context: number) => void)[] = [];
  /** What the ring of chunk buffers holds at each position: chunks recorded and still readable. */
  readonly #ring: (RecentChunk | undefined)[];
  #ringHead = 0;
  #ringFree: number;
  readonly #ringWaiters: (() => void)[] = [];
  readonly #cache: (RecentChunk | undefined)[] = new Array(CACHED_CHUNKS).fill(undefined);
  #cacheNext = 0;
  #nextSequence: number;
  #pendingCount = 0;
  /** Number of the next chunk that is handed to the store. */
  #nextChunk: number;
  #lastTimestamp: bigint;
  /** Clock reading of the batch that was handed over last. */
  #executedAt = 0n;
  #serialLeft = 0;
  #executing: number | undefined;
  /** The next batch's turn; see SB_TURN. */
  #nextTurn = 0;
  /** The turn behind the last batch that the workers have. */
  #boundary = 0;
  #order: Promise<unknown> = Promise.resolve();
  /** Resolves as soon as it is known whether a batch may be handed over before what was asked for last is over. */
  #mayFollow = NEVER;
  #failure: LedgerError | undefined;
  /** While memory is being rebuilt, nothing in it means anything. */
  #isRestoring = false;

  /** `CrewOfThreads` makes the workers of `parallel` mode; undefined on the event loop. */
  constructor(
    store: Store,
    memory: WebAssembly.Memory,
    plan: MemoryPlan,
    options: EngineOptions,
    CrewOfThreads: typeof Crew | undefined,
  ) {
    this.memory = memory;
    this.plan = plan;
    this.mode = options.mode;
    this.workers = options.mode === "parallel" ? options.workers : 1;
    this.#workersBesideCaller = Math.min(this.workers, options.workersBesideCaller ?? this.workers);
    this.snapshotDamage = options.snapshotDamage;
    this.kernel = instantiateKernel(memory);
    this.ids = new Identifiers(this.kernel, memory);
    this.bytes = new Uint8Array(memory.buffer);
    this.view = new DataView(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
    this.#store = store;
    this.assets = new AssetRegistry(store.description.assets);
    this.accounts = new AccountTable(memory, plan, (number) => this.assets.get(number).code);
    this.room = new Room(this);
    this.#executor = new Executor(memory, this.kernel);
    this.#committer = new Committer(
      (group) => store.commit(group),
      (error) => this.#poison(error),
    );
    this.#freeContexts = Array.from({ length: plan.contextCount }, (_, i) => plan.contexts + i * layout.CONTEXT_SIZE);
    this.#ring = new Array(plan.chunkCount).fill(undefined);
    this.#ringFree = plan.chunkCount;
    this.#nextSequence = store.description.transferCount + 1;
    this.#nextChunk = store.description.chunkCount;
    this.#lastTimestamp = store.description.lastTimestamp;
    if (CrewOfThreads !== undefined) {
      this.#crew = new CrewOfThreads(memory, options.workers, (cause) => this.#workerFailed(cause));
    }
  }

  /** Resolves once every worker is running. */
  async ready(): Promise<void> {
    await this.#crew?.ready();
  }

  /** Transfers recorded so far; the next one's sequence is one more. */
  get transferCount(): number {
    return this.#nextSequence - 1;
  }

  /** Transfers recorded so far that were pending, resolved or not. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Takes note of the pending transfers that memory holds: of all that the store has, and no others. */
  countPendings(): void {
    this.#pendingCount = this.view.getUint32(layout.SUPERBLOCK + layout.SB_PENDING_COUNT, true);
  }

  /** The error after which nothing is accepted any more, if there was one. */
  get failure(): LedgerError | undefined {
    return this.#failure;
  }

  /** Takes a batch context to fill; waits where all are in use. Give it back by {@link releaseContext}. */
  async acquireContext(): Promise<number> {
    const context =
      this.#freeContexts.pop() ?? (await new Promise<number>((resolve) => this.#contextWaiters.push(resolve)));
    return context;
  }

  releaseContext(context: number): void {
    const left = this.#crew?.left(context);
    if (left === undefined) this.#freeContext(context);
    else void left.then(() => this.#freeContext(context));
  }

  /** Resolves once no worker looks at the context any more, so that its holder may fill it again. */
  async hasLeft(context: number): Promise<void> {
    await this.#crew?.left(context);
  }

  #freeContext(context: number): void {
    const waiter = this.#contextWaiters.shift();
    if (waiter === undefined) this.#freeContexts.push(context);
    else waiter(context);
  }

  /** Runs `action` alone, after everything asked for before and before everything after. */
  exclusively<T>(action: () => Promise<T>): Promise<T> {
    const run = this.#order.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return action();
    });
    this.#order = run.catch(() => {});
    this.#mayFollow = NEVER;
    return run;
  }

  /**
   * Executes the batch in `context` in its turn. Resolves once it is executed, not yet durable.
   *
   * Throws `transfers_full` or `accounts_full` before anything happens where the memory has no room for the batch.
   * Throws `worker_failed` or `store_failed` where a thread died; the ledger must then be opened again.
   */
  execute(context: number, request: BatchRequest): Promise<ExecutedBatch> {
    const before = this.#order;
    const mayFollow = this.#mayFollow;
    let say!: (may: boolean) => void;
    this.#mayFollow = new Promise((resolve) => {
      say = resolve;
    });
    const run = this.#executeBehind(before, mayFollow, say, context, request);
    this.#order = run.catch(() => {});
    return run;
  }

  /** Executes the batch when what was asked for `before` it is over, or hands it over now where it may follow. */
  async #executeBehind(
    before: Promise<unknown>,
    mayFollow: Promise<boolean>,
    say: (may: boolean) => void,
    context: number,
    request: BatchRequest,
  ): Promise<ExecutedBatch> {
    try {
      const follows = await mayFollow;
      const timestamp = this.timestamp();
      const ahead = follows && this.#canFollow(request, timestamp) ? { timestamp, before } : undefined;
      if (ahead === undefined) await before;
      if (this.#failure !== undefined) throw this.#failure;
      return await this.#execute(context, request, ahead, say);
    } finally {
      say(false);
    }
  }

  /** Whether this thread has nothing to do between such batches, but for what {@link #canFollow} asks. */
  #mayPair(request: BatchRequest): boolean {
    const { promised, plan = 0, chain, refusal } = request;
    return (
      this.#crew !== undefined && promised !== undefined && plan === 0 && chain === undefined && refusal === undefined
    );
  }

  /** Whether the batch needs nothing of this thread between the batch that executes and itself. */
  #canFollow(request: BatchRequest, timestamp: bigint): boolean {
    // What the batch before makes pending has a second at least.
    const isSoon = timestamp < this.#executedAt + NANOSECONDS_A_SECOND;
    return this.#mayPair(request) && this.#ringFree >= request.slices && isSoon && !this.#isExpiryDue(timestamp);
  }

  /** {@link execute} for a caller whose turn it is: from within {@link exclusively}. */
  executeInTurn(context: number, request: BatchRequest): Promise<ExecutedBatch> {
    return this.#execute(context, request);
  }

  async #execute(
    context: number,
    request: BatchRequest,
    ahead?: Ahead,
    sayWhetherNextMayFollow: (may: boolean) => void = () => {},
  ): Promise<ExecutedBatch> {
    const timestamp = ahead?.timestamp ?? request.chain?.timestamp ?? this.timestamp();
    const workers = this.#writeScalars(context, request, timestamp);
    const promised = request.promised ?? this.#promiseRoom(context, request);
    try {
      const expired = ahead === undefined ? await this.#expirePendings(timestamp) : [];
      if (ahead === undefined) await this.#waitForChunks(request.slices);
      const position = this.#takeChunks(request.slices);
      this.view.setUint32(context + layout.CX_CHUNK_FIRST, position, true);
      const accountsBefore = this.accounts.count;
      const mayBeFollowed = this.#mayPair(request);
      this.#executedAt = timestamp;
      const outcome = await this.#runToEnd(context, workers, ahead, () => sayWhetherNextMayFollow(mayBeFollowed));
      // Its journal comes behind that of the batches before it, and not at all where one of them failed.
      await ahead?.before;
      if (this.#failure !== undefined) throw this.#failure;
      if (outcome === "aborted") throw this.#impossible("a batch was aborted without reason");
      if (this.view.getBigUint64(context + layout.CX_BASE_SEQUENCE, true) !== BigInt(this.#nextSequence)) {
        throw this.#impossible(`a batch's sequences do not begin at ${this.#nextSequence}`);
      }
      const fault = this.view.getUint32(context + layout.CX_OUT_FAULT, true);
      if (fault !== 0) throw this.#impossible(`a batch had less room for accounts than was there (fault ${fault})`);
      this.#adaptPlan(context);
      const created = await this.#writeAccountChunks(accountsBefore, NO_METADATA, timestamp);
      const chunks = this.#collectChunks(context, position, request.slices);
      const durable = this.#commit(
        [...expired, ...created.chunks, ...chunks],
        expired.length + request.slices + created.buffers,
        request.job === undefined ? [] : [request.job.name],
      );
      return { durable };
    } finally {
      // At once with what was recorded: nothing that is asked in between counts it twice, or not at all.
      this.room.release(promised);
    }
  }

  /** Ends the pending transfers whose time has run out at the batch's clock, and journals that they did. */
  async #expirePendings(timestamp: bigint): Promise<MemoryRange[]> {
    const chunks: MemoryRange[] = [];
    while (this.#isExpiryDue(timestamp)) {
      const expired = this.kernel.expirePendings(timestamp, EXPIRY_RUN);
      // All that were due may have been resolved.
      if (expired === 0) continue;
      const address = this.#bufferAddress(await this.#reserveChunks(1));
      chunks.push({ address, byteLength: writeExpiryChunk(this.view, address, expired, timestamp) });
      if (expired === EXPIRY_RUN) await nextTurn();
    }
    return chunks;
  }

  #isExpiryDue(timestamp: bigint): boolean {
    return this.view.getBigUint64(layout.SUPERBLOCK + layout.SB_NEXT_EXPIRY, true) <= timestamp;
  }

  #impossible(what: string): LedgerError {
    return this.#poison(new LedgerError("internal", `${what}: a bug; open the ledger again`));
  }

  /** Runs the batch, and asks the journal about ids in between where it must be asked. */
  async #runToEnd(
    context: number,
    workers: number,
    ahead: Ahead | undefined,
    onOnlyOneBefore: () => void,
  ): Promise<ExecutionOutcome> {
    if (this.#crew === undefined) this.#executing = context;
    if (ahead === undefined) this.view.setUint32(layout.SUPERBLOCK + layout.SB_NEXT_SEQUENCE, this.#nextSequence, true);
    this.view.setInt32(context + layout.CX_TURN, this.#nextTurn, true);
    this.#nextTurn = (this.#nextTurn + TURN_LENGTH) | 0;
    try {
      let running = this.#run(context, workers, ahead !== undefined);
      let isPostponed = false;
      const sayUnlessPostponed = (): void => {
        if (!isPostponed) onOnlyOneBefore();
      };
      // The next batch must not come before this one to any worker, where this one must be handed over again.
      if (ahead === undefined) onOnlyOneBefore();
      else void ahead.before.then(sayUnlessPostponed);
      isPostponed = (await running) === "postponed";
      if (isPostponed) {
        await ahead?.before;
        if (this.#failure !== undefined) return "aborted";
        running = this.#run(context, workers);
        onOnlyOneBefore();
      }
      let outcome = await running;
      while (outcome === "candidates") {
        // What it repeats may be of the batch before, whose journal is known once that is over here too.
        await ahead?.before;
        if (this.#failure !== undefined) return "aborted";
        await this.#confirmCandidates(context);
        // Who waits for this batch's end would not let go of the worker that it needs.
        while (this.#crew?.ahead !== undefined) await this.#crew.ahead;
        if (this.#failure !== undefined) return "aborted";
        this.#executor.resume(context);
        outcome = await this.#run(context, workers);
      }
      return outcome;
    } catch (cause) {
      // Part of the batch is in memory, and nobody knows which: nothing may be built on it.
      throw this.#poison(
        cause instanceof LedgerError
          ? cause
          : new LedgerError("internal", `a batch failed in the middle: ${cause}; open the ledger again`, { cause }),
      );
    } finally {
      this.#executing = undefined;
    }
  }

  /**
   * Makes sure of room for the batch before anything happens, and returns how many transfers it is promised room for.
   * The most that a parsed batch could need is asked for first, and what it does need only where that is not there.
   */
  #promiseRoom(context: number, { slices, plan = 0 }: BatchRequest): TransferNeed {
    const isParsed = (plan & layout.PLAN_PARSE) !== 0;
    const transfers = isParsed ? slices * layout.SLICE_CAPACITY : this.countRecords(context);
    const pendings = (plan & layout.PLAN_ORDERED) !== 0 ? transfers : 0;
    const accounts = (plan & layout.PLAN_CREATE) !== 0 ? 2 * transfers : 0;
    let need: BatchNeed = { transfers, pendings, accounts, textSize: accounts * ACCOUNT_TEXT_MAX };
    const { room } = this;
    const fits = room.hasTransfers(transfers) && room.hasPendings(pendings) && room.hasAccounts(need);
    if (!fits && isParsed) need = needOfRows(this, context, slices);
    room.checkAccounts(need);
    room.promise(need);
    return need;
  }

  /** Writes everything the stages read; returns how many workers are to run them. */
  #writeScalars(context: number, request: BatchRequest, timestamp: bigint): number {
    const { view } = this;
    for (let stage = 0; stage < layout.STAGE_COUNT; stage++) {
      const word = context + layout.CX_STAGES + stage * layout.STAGE_STRIDE;
      view.setUint32(word + layout.STAGE_NEXT, 0, true);
      view.setUint32(word + layout.STAGE_DONE, 0, true);
    }
    const isOrdered = ((request.flags ?? 0) & ORDERED_FLAGS) !== 0 || ((request.plan ?? 0) & layout.PLAN_ORDERED) !== 0;
    const isParsed = ((request.plan ?? 0) & layout.PLAN_PARSE) !== 0;
    const workers = isParsed ? this.workers : this.#workersBesideCaller;
    const serial = isOrdered || workers === 1 || this.#serialLeft > 0;
    const set = (field: number, value: number): void => view.setUint32(context + field, value, true);
    set(layout.CX_SLICES_USED, request.slices);
    set(
      layout.CX_PLAN,
      (request.plan ?? 0) | (serial ? layout.PLAN_SERIAL : 0) | (isOrdered ? layout.PLAN_ORDERED : 0),
    );
    view.setBigUint64(context + layout.CX_TIMESTAMP, timestamp, true);
    view.setBigUint64(context + layout.CX_FIRST_ROW, request.job?.firstRow ?? 0n, true);
    set(layout.CX_OUT_CONTESTED, 0);
    set(layout.CX_OUT_FAULT, 0);
    set(layout.CX_CONFIRMED, 0);
    set(layout.CX_REFUSAL, request.refusal ?? 0);
    set(layout.CX_CHAIN_FIRST, request.chain?.firstSequence ?? 0);
    view.setBigUint64(context + layout.CX_JOB_LOW, request.job?.low ?? 0n, true);
    view.setBigUint64(context + layout.CX_JOB_HIGH, request.job?.high ?? 0n, true);
    set(layout.CX_ASSET, request.asset ?? 0);
    return serial ? 1 : workers;
  }

  /** Nanoseconds since 1970 that never go back within a ledger's life: the clock of a batch that begins now. */
  timestamp(): bigint {
    const now = BigInt(Date.now()) * 1_000_000n;
    if (now > this.#lastTimestamp) this.#lastTimestamp = now;
    return this.#lastTimestamp;
  }

  async #run(context: number, workers: number, isAhead = false): Promise<ExecutionOutcome> {
    if (this.#crew === undefined) return this.#executor.runSliced(context);
    this.#boundary = (this.view.getInt32(context + layout.CX_TURN, true) + TURN_LENGTH) | 0;
    return this.#crew.run(context, workers, isAhead);
  }

  #workerFailed(cause: unknown): LedgerError {
    return this.#poison(
      new LedgerError(
        "worker_failed",
        "a worker thread died while it executed a batch: nothing of the batch was kept; open the ledger again",
        { cause },
      ),
    );
  }

  /** Refuses everything from now on and lets waiting workers go. */
  #poison(error: LedgerError): LedgerError {
    this.#failure ??= error;
    const word = (layout.SUPERBLOCK + layout.SB_ABORT) >>> 2;
    Atomics.store(this.#words, word, 1);
    for (const waiter of this.#ringWaiters.splice(0)) waiter();
    return this.#failure;
  }

  /** Refuses everything from now on, because of what went wrong outside of a batch. */
  fail(cause: unknown): LedgerError {
    return this.#poison(
      cause instanceof LedgerError
        ? cause
        : new LedgerError("internal", `the ledger's memory can't be trusted any more: ${cause}; open it again`, {
            cause,
          }),
    );
  }

  /**
   * Forgets everything that memory holds, and has `rebuild` fill it with what the store has. Call it exclusively, with
   * nothing on its way to the store.
   */
  async restore(stored: StoreDescription, rebuild: () => Promise<void>): Promise<void> {
    this.#isRestoring = true;
    this.#ring.fill(undefined);
    this.#cache.fill(undefined);
    this.#lastAtHand = undefined;
    this.#serialLeft = 0;
    this.#nextSequence = stored.transferCount + 1;
    this.#nextChunk = stored.chunkCount;
    this.assets.keepUnsaved(stored.assets.length);
    await rebuild();
    this.countPendings();
    this.#isRestoring = false;
  }

  #adaptPlan(context: number): void {
    if ((this.view.getUint32(context + layout.CX_PLAN, true) & layout.PLAN_SERIAL) !== 0) {
      if (this.#serialLeft > 0) this.#serialLeft--;
      return;
    }
    const decided = this.view.getUint32(context + layout.CX_OUT_CONTESTED, true);
    if (decided > SERIAL_SHARE * this.countRecords(context)) this.#serialLeft = SERIAL_RUN;
  }

  /** Records of the batch, parsed or filled. */
  countRecords(context: number): number {
    let count = 0;
    const slices = this.view.getUint32(context + layout.CX_SLICES_USED, true);
    for (let slice = 0; slice < slices; slice++) count += this.sliceField(context, slice, layout.SL_COUNT);
    return count;
  }

  sliceField(context: number, slice: number, field: number): number {
    return this.view.getUint32(context + layout.CX_SLICES + slice * layout.SLICE_ENTRY_SIZE + field, true);
  }

  // --- the ring of chunk buffers -------------------------------------------------------------------------------

  #bufferAddress(position: number): number {
    return this.plan.chunks + (position % this.plan.chunkCount) * layout.CHUNK_BUFFER_SIZE;
  }

  /** Takes `count` consecutive buffers and returns the first one's position; waits for the store where needed. */
  async #reserveChunks(count: number): Promise<number> {
    await this.#waitForChunks(count);
    return this.#takeChunks(count);
  }

  /** Resolves once so many buffers are free; throws where the store failed. */
  async #waitForChunks(count: number): Promise<void> {
    while (this.#ringFree < count) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#ringWaiters.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Takes `count` consecutive buffers, which are free, and returns the first one's position. */
  #takeChunks(count: number): number {
    const first = this.#ringHead;
    this.#ringHead = (first + count) % this.plan.chunkCount;
    this.#ringFree -= count;
    this.#lastAtHand = undefined;
    for (let i = 0; i < count; i++) this.#ring[(first + i) % this.plan.chunkCount] = undefined;
    return first;
  }

  /** The chunks that the batch's slices wrote; counts what they record. */
  #collectChunks(context: number, position: number, slices: number): MemoryRange[] {
    const chunks: MemoryRange[] = [];
    for (let slice = 0; slice < slices; slice++) {
      const byteLength = this.sliceField(context, slice, layout.SL_CHUNK_SIZE);
      if (byteLength === 0) continue;
      const address = this.#bufferAddress(position + slice);
      const count = this.view.getUint32(address + layout.CH_RECORD_COUNT, true);
      this.#ring[(position + slice) % this.plan.chunkCount] = { firstSequence: this.#nextSequence, count, address };
      this.#nextSequence += count;
      this.#pendingCount += this.view.getUint32(address + layout.CH_PENDING_COUNT, true);
      chunks.push({ address, byteLength });
    }
    return chunks;
  }

  /** Hands chunks to the store; their buffers are free again once they are on disk. */
  #commit(chunks: readonly MemoryRange[], buffers: number, jobs: readonly JobName[] = []): Promise<void> {
    this.#nextChunk += chunks.length;
    const durable = this.#committer.add(chunks, this.assets.takeUnsaved(), jobs, () => {
      this.#ringFree += buffers;
      for (const waiter of this.#ringWaiters.splice(0)) waiter();
    });
    // Whoever awaits it sees the failure; nobody has to.
    durable.catch(() => {});
    return durable;
  }

  /** Journals the accounts from slot `from` on, at the clock of the batch that created them: no chunk goes back in time. */
  async #writeAccountChunks(
    from: number,
    metadata: ReadonlyMap<number, Uint8Array>,
    timestamp: bigint,
  ): Promise<{ chunks: MemoryRange[]; buffers: number }> {
    const chunks: MemoryRange[] = [];
    let buffers = 0;
    const count = this.accounts.count;
    for (let slot = from; slot < count; slot += ACCOUNTS_A_CHUNK) {
      const address = this.#bufferAddress(await this.#reserveChunks(1));
      buffers++;
      const end = Math.min(count, slot + ACCOUNTS_A_CHUNK);
      chunks.push({ address, byteLength: this.accounts.writeChunk(slot, end, address, timestamp, metadata) });
    }
    return { chunks, buffers };
  }

  /**
   * Journals accounts created since slot `from`; resolves once they are on disk. Call it exclusively, right after
   * creating them, for at most {@link ACCOUNTS_A_CHUNK} at a time that fit one chunk with their `metadata`. `timestamp` is
   * the clock reading of what comes behind them in the same turn, if anything does.
   */
  async commitAccounts(
    from: number,
    metadata: ReadonlyMap<number, Uint8Array>,
    timestamp: bigint = this.timestamp(),
  ): Promise<{ durable: Promise<void> }> {
    const { chunks, buffers } = await this.#writeAccountChunks(from, metadata, timestamp);
    return { durable: this.#commit(chunks, buffers) };
  }

  /** Number of the chunk that accounts get which are created now. Ask it exclusively. */
  get nextChunk(): number {
    return this.#nextChunk;
  }

  /** Text of the metadata of the account in `slot`, undefined where it has none. Call it exclusively. */
  async metadata(slot: number): Promise<string | undefined> {
    const chunk = this.accounts.metadataChunk(slot);
    if (chunk === undefined) return undefined;
    await this.flush();
    const { range } = this.#takeCachePlace();
    const [stored] = await this.#store.readChunks(chunk, range);
    const found = stored === undefined ? undefined : findMetadata(this.view, stored.address, slot);
    if (found === undefined) {
      throw this.#impossible(`chunk ${chunk} should have the metadata of account '${this.accounts.id(slot)}'`);
    }
    return Buffer.from(this.bytes.slice(found.address, found.address + found.byteLength)).toString();
  }

  /** Resolves once everything executed so far is on disk. */
  flush(): Promise<void> {
    return this.#committer.flush();
  }

  // --- ids that may have been used before ----------------------------------------------------------------------

  async #confirmCandidates(context: number): Promise<void> {
    let index = 0;
    let run = 0;
    for (;;) {
      index = this.kernel.nextCandidate(context, index);
      if (index < 0) break;
      let sequence = this.kernel.candidateSequence(context, index) >>> 0;
      while (sequence !== 0) {
        const chunk = this.#chunkAtHand(sequence) ?? (await this.#fetchChunk(sequence));
        sequence = this.kernel.confirm(context, index, chunk.address) >>> 0;
      }
      if (++run % CONFIRM_RUN === 0) await nextTurn();
    }
    if ((this.view.getUint32(context + layout.CX_PLAN, true) & layout.PLAN_ORDERED) !== 0) {
      await this.#confirmResolving(context);
    }
    this.view.setUint32(context + layout.CX_CONFIRMED, 1, true);
  }

  /** Finds out whether what is to be posted or voided, and was never pending, is another transfer of the journal. */
  async #confirmResolving(context: number): Promise<void> {
    const { kernel, bytes } = this;
    let run = 0;
    for (let index = kernel.nextResolving(context, 0); index >= 0; index = kernel.nextResolving(context, index + 1)) {
      const record = context + layout.CX_RECORDS + index * layout.RECORD_SIZE;
      const kind = bytes[record + layout.TR_PENDING_KIND]!;
      for (let skipped = 0; ; skipped++) {
        const sequence = kernel.findTransfer(record + layout.TR_PENDING_ID, kind, skipped) >>> 0;
        if (sequence === 0) break;
        // One of this batch, which will say so itself.
        if (sequence >= this.#nextSequence) continue;
        const chunk = this.#chunkAtHand(sequence) ?? (await this.#fetchChunk(sequence));
        if (kernel.confirmResolving(context, index, chunk.address, sequence) !== 0) break;
      }
      if (++run % CONFIRM_RUN === 0) await nextTurn();
    }
  }

  /** The transfer that was recorded with this sequence. Call it exclusively. */
  async recorded(sequence: number): Promise<RecordedTransfer> {
    const { address, firstSequence } = this.#chunkAtHand(sequence) ?? (await this.#fetchChunk(sequence));
    return new JournalReader(this.bytes).read(address, sequence - firstSequence);
  }

  #lastAtHand: RecentChunk | undefined;

  #chunkAtHand(sequence: number): RecentChunk | undefined {
    const holds = (chunk: RecentChunk | undefined): chunk is RecentChunk =>
      chunk !== undefined && sequence >= chunk.firstSequence && sequence < chunk.firstSequence + chunk.count;
    if (holds(this.#lastAtHand)) return this.#lastAtHand;
    this.#lastAtHand = this.#cache.find(holds) ?? this.#ring.find(holds);
    return this.#lastAtHand;
  }

  /** A place for a chunk of the store's; what was there is forgotten. */
  #takeCachePlace(): { slot: number; range: MemoryRange } {
    const slot = this.#cacheNext;
    this.#cacheNext = (slot + 1) % CACHED_CHUNKS;
    this.#cache[slot] = undefined;
    this.#lastAtHand = undefined;
    const address = this.plan.exchange + slot * layout.CHUNK_BUFFER_SIZE;
    return { slot, range: { address, byteLength: layout.CHUNK_BUFFER_SIZE } };
  }

  /** Reads a chunk from the store: it is older than everything in the ring, so it is on disk. */
  async #fetchChunk(sequence: number): Promise<RecentChunk> {
    const { slot, range } = this.#takeCachePlace();
    const stored = await this.#store.readChunkOf(sequence, range);
    if (stored === undefined) {
      throw this.#poison(
        new LedgerError("internal", `the index names transfer ${sequence}, and the journal does not have it`),
      );
    }
    const chunk = {
      firstSequence: Number(this.view.getBigUint64(range.address + layout.CH_FIRST_SEQUENCE, true)),
      count: this.view.getUint32(range.address + layout.CH_RECORD_COUNT, true),
      address: range.address,
    };
    this.#cache[slot] = chunk;
    return chunk;
  }

  // --- reading balances ----------------------------------------------------------------------------------------

  /**
   * Returns at a batch boundary: if a batch is changing balances right now, waits for its end, which is some
   * milliseconds away at most. Reads that follow in the same turn see every batch as a whole or not at all. Throws `busy`
   * while what was not kept is being taken back.
   */
  waitForBoundary(): void {
    if (this.#isRestoring) {
      throw new LedgerError("busy", "a job that was not kept is being taken back: await it, then read again");
    }
    const context = this.#executing;
    // On the event loop a batch is between two of its slices: run the rest now.
    if (context !== undefined) this.#executor.run(context);
    if (this.#crew !== undefined) this.#executor.waitForBoundary(this.#boundary);
  }

  /** Ends the pool. Nothing may be executing. */
  async close(): Promise<void> {
    await this.#crew?.close();
  }
}
