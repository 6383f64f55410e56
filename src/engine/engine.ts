/**
 * The coordinator: takes batches in order, has them executed, numbers them, and passes their journal to the store.
 *
 * It knows memory, kernel and workers, and the store only by its interface. Batches execute strictly one after the
 * other; what overlaps is filling the next one, executing this one, and committing those before.
 */
import { Piscina } from "piscina";
import { findMetadata } from "../core/account-chunk.js";
import { ACCOUNTS_A_CHUNK, AccountTable } from "../core/accounts.js";
import { AssetRegistry } from "../core/assets.js";
import { builtFile } from "../core/built.js";
import { writeExpiryChunk } from "../core/chunk-header.js";
import { LedgerError } from "../core/errors.js";
import { Identifiers } from "../core/identifiers.js";
import { JournalReader, type RecordedTransfer } from "../core/journal.js";
import { instantiateKernel, type Kernel } from "../core/kernel.js";
import * as layout from "../core/layout.js";
import type { MemoryPlan } from "../core/memory.js";
import type { MemoryRange, Store, StoreDescription } from "../stores/store.js";
import { Committer, type JobName } from "./committer.js";
import { type EngineWorkerData, type ExecutionOutcome, Executor, NO_CONTEXT } from "./executor.js";
import { type BatchNeed, needOfRows } from "./need.js";
import { ACCOUNT_TEXT_MAX, Room, type TransferNeed } from "./room.js";

/** `parallel`: a pool of worker threads. `event-loop`: the same kernel on the calling thread, in short slices. */
export type Mode = "parallel" | "event-loop";

export interface EngineOptions {
  readonly mode: Mode;
  /** Worker threads, at least 1; ignored by the event loop. */
  readonly workers: number;
  /** Why the snapshot was not used, where it should have been. */
  readonly snapshotDamage?: LedgerError | undefined;
}

/** The job that a batch's rows belong to. */
export interface BatchJob {
  /** 64-bit halves of the hash of the job's name; not both zero. */
  readonly low: bigint;
  readonly high: bigint;
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
  readonly #words: Int32Array;
  readonly #store: Store;
  readonly #executor: Executor;
  readonly #pool: Piscina | undefined;
  readonly #committer: Committer;
  readonly #freeContexts: number[];
  readonly #contextWaiters: ((context: number) => void)[] = [];
  /** By context: settled once no worker looks at it any more. */
  readonly #leaving = new Map<number, Promise<unknown>>();
  /** What the ring of chunk buffers holds at each position: chunks recorded and still readable. */
  readonly #ring: (RecentChunk | undefined)[];
  #ringHead = 0;
  #ringFree: number;
  readonly #ringWaiters: (() => void)[] = [];
  readonly #cache: (RecentChunk | undefined)[] = new Array(CACHED_CHUNKS).fill(undefined);
  #cacheNext = 0;
  #nextSequence: number;
  /** Number of the next chunk that is handed to the store. */
  #nextChunk: number;
  #lastTimestamp: bigint;
  #serialLeft = 0;
  #executing: number | undefined;
  #order: Promise<unknown> = Promise.resolve();
  #unsavedJobs: JobName[] = [];
  #failure: LedgerError | undefined;
  /** While memory is being rebuilt, nothing in it means anything. */
  #isRestoring = false;

  constructor(store: Store, memory: WebAssembly.Memory, plan: MemoryPlan, options: EngineOptions) {
    this.memory = memory;
    this.plan = plan;
    this.mode = options.mode;
    this.workers = options.mode === "parallel" ? options.workers : 1;
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
    if (options.mode === "parallel") {
      const workerData: EngineWorkerData = { memory, workers: options.workers };
      this.#pool = new Piscina({
        filename: builtFile("workers/engine.js").href,
        minThreads: options.workers,
        maxThreads: options.workers,
        concurrentTasksPerWorker: 1,
        workerData,
      });
      // A worker that fails between batches is replaced by the pool; one that fails in a batch rejects its task.
      this.#pool.on("error", () => {});
    }
  }

  /** Resolves once every worker is running, so that a caller who blocks this thread can't keep one from starting. */
  async ready(): Promise<void> {
    const pool = this.#pool;
    if (pool === undefined) return;
    const met = await Promise.all(Array.from({ length: this.workers }, () => pool.run(NO_CONTEXT)));
    if (met.some((outcome) => outcome !== "done")) {
      throw new LedgerError("worker_failed", `the ${this.workers} worker threads did not start within ten seconds`);
    }
  }

  /** Transfers recorded so far; the next one's sequence is one more. */
  get transferCount(): number {
    return this.#nextSequence - 1;
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
    const left = this.#leaving.get(context);
    if (left === undefined) this.#freeContext(context);
    else void left.then(() => this.#freeContext(context));
  }

  /** Resolves once no worker looks at the context any more, so that its holder may fill it again. */
  async hasLeft(context: number): Promise<void> {
    await this.#leaving.get(context);
  }

  #freeContext(context: number): void {
    const waiter = this.#contextWaiters.shift();
    if (waiter === undefined) this.#freeContexts.push(context);
    else waiter(context);
  }

  /** Names a job with the store's next group. */
  nameJob(job: JobName): void {
    this.#unsavedJobs.push(job);
  }

  /** Runs `action` alone, after everything asked for before and before everything after. */
  exclusively<T>(action: () => Promise<T>): Promise<T> {
    const run = this.#order.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
      return action();
    });
    this.#order = run.catch(() => {});
    return run;
  }

  /**
   * Executes the batch in `context` in its turn. Resolves once it is executed, not yet durable.
   *
   * Throws `transfers_full` or `accounts_full` before anything happens where the memory has no room for the batch.
   * Throws `worker_failed` or `store_failed` where a thread died; the ledger must then be opened again.
   */
  execute(context: number, request: BatchRequest): Promise<ExecutedBatch> {
    return this.exclusively(() => this.#execute(context, request));
  }

  /** {@link execute} for a caller whose turn it is: from within {@link exclusively}. */
  executeInTurn(context: number, request: BatchRequest): Promise<ExecutedBatch> {
    return this.#execute(context, request);
  }

  async #execute(context: number, request: BatchRequest): Promise<ExecutedBatch> {
    const serial = this.#writeScalars(context, request);
    const promised = request.promised ?? this.#promiseRoom(context, request);
    try {
      const expired = await this.#expirePendings(context);
      const position = await this.#reserveChunks(request.slices);
      this.view.setUint32(context + layout.CX_CHUNK_FIRST, position, true);
      const accountsBefore = this.accounts.count;
      const outcome = await this.#runToEnd(context, serial);
      if (outcome === "aborted") throw this.#failure ?? this.#impossible("a batch was aborted without reason");
      const fault = this.view.getUint32(context + layout.CX_OUT_FAULT, true);
      if (fault !== 0) throw this.#impossible(`a batch had less room for accounts than was there (fault ${fault})`);
      this.#adaptPlan(context, serial);
      const created = await this.#writeAccountChunks(accountsBefore, NO_METADATA);
      const chunks = this.#collectChunks(context, position, request.slices);
      const durable = this.#commit(
        [...expired, ...created.chunks, ...chunks],
        expired.length + request.slices + created.buffers,
      );
      return { durable };
    } finally {
      // At once with the sequences taken: nothing that is asked in between counts them twice, or not at all.
      this.room.release(promised);
    }
  }

  /** Ends the pending transfers whose time has run out at the batch's clock, and journals that they did. */
  async #expirePendings(context: number): Promise<MemoryRange[]> {
    const timestamp = this.view.getBigUint64(context + layout.CX_TIMESTAMP, true);
    const chunks: MemoryRange[] = [];
    while (this.view.getBigUint64(layout.SUPERBLOCK + layout.SB_NEXT_EXPIRY, true) <= timestamp) {
      const expired = this.kernel.expirePendings(timestamp, EXPIRY_RUN);
      // All that were due may have been resolved.
      if (expired === 0) continue;
      const address = this.#bufferAddress(await this.#reserveChunks(1));
      chunks.push({ address, byteLength: writeExpiryChunk(this.view, address, expired, timestamp) });
      if (expired === EXPIRY_RUN) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return chunks;
  }

  #impossible(what: string): LedgerError {
    return this.#poison(new LedgerError("internal", `${what}: a bug; open the ledger again`));
  }

  /** Runs the batch, and asks the journal about ids in between where it must be asked. */
  async #runToEnd(context: number, serial: boolean): Promise<ExecutionOutcome> {
    this.#executing = context;
    try {
      let outcome = await this.#run(context, serial);
      while (outcome === "candidates") {
        await this.#confirmCandidates(context);
        outcome = await this.#run(context, serial);
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

  /** Writes everything the stages read; returns whether the plan is serial. */
  #writeScalars(context: number, request: BatchRequest): boolean {
    const { view } = this;
    for (let stage = 0; stage < layout.STAGE_COUNT; stage++) {
      const word = context + layout.CX_STAGES + stage * layout.STAGE_STRIDE;
      view.setUint32(word + layout.STAGE_NEXT, 0, true);
      view.setUint32(word + layout.STAGE_DONE, 0, true);
    }
    const isOrdered = ((request.flags ?? 0) & ORDERED_FLAGS) !== 0 || ((request.plan ?? 0) & layout.PLAN_ORDERED) !== 0;
    const serial = isOrdered || this.workers === 1 || this.#serialLeft > 0;
    const set = (field: number, value: number): void => view.setUint32(context + field, value, true);
    set(layout.CX_SLICES_USED, request.slices);
    set(
      layout.CX_PLAN,
      (request.plan ?? 0) | (serial ? layout.PLAN_SERIAL : 0) | (isOrdered ? layout.PLAN_ORDERED : 0),
    );
    view.setBigUint64(context + layout.CX_TIMESTAMP, request.chain?.timestamp ?? this.#timestamp(), true);
    view.setBigUint64(context + layout.CX_BASE_SEQUENCE, BigInt(this.#nextSequence), true);
    view.setBigUint64(context + layout.CX_FIRST_ROW, request.job?.firstRow ?? 0n, true);
    set(layout.CX_OUT_CONTESTED, 0);
    set(layout.CX_OUT_FAULT, 0);
    set(layout.CX_CONFIRMED, 0);
    set(layout.CX_REFUSAL, request.refusal ?? 0);
    set(layout.CX_CHAIN_FIRST, request.chain?.firstSequence ?? 0);
    view.setBigUint64(context + layout.CX_JOB_LOW, request.job?.low ?? 0n, true);
    view.setBigUint64(context + layout.CX_JOB_HIGH, request.job?.high ?? 0n, true);
    set(layout.CX_ASSET, request.asset ?? 0);
    return serial;
  }

  /** Nanoseconds since 1970 that never go back within a ledger's life. */
  #timestamp(): bigint {
    const now = BigInt(Date.now()) * 1_000_000n;
    if (now > this.#lastTimestamp) this.#lastTimestamp = now;
    return this.#lastTimestamp;
  }

  async #run(context: number, serial: boolean): Promise<ExecutionOutcome> {
    if (this.#pool === undefined) return this.#executor.runSliced(context);
    const pool = this.#pool;
    const tasks = Array.from(
      { length: serial ? 1 : this.workers },
      () => pool.run(context) as Promise<ExecutionOutcome>,
    );
    // The batch is over when the first worker says so; the others have nothing left to do but may still be looking.
    const left = Promise.allSettled(tasks);
    this.#leaving.set(context, left);
    let isOver = false;
    // One that dies when the batch is over leaves nothing undone; the pool replaces it.
    const orFailure = (cause: unknown): ExecutionOutcome => (isOver ? "done" : this.#workerFailed(cause));
    try {
      const outcome = await Promise.race(tasks.map((task) => task.catch(orFailure)));
      // This context runs again: whoever still looks must not meet ids half confirmed, nor stay behind unnoticed.
      if (outcome === "candidates") await left;
      return outcome;
    } catch (failure) {
      await left;
      throw failure;
    } finally {
      isOver = true;
    }
  }

  #workerFailed(cause: unknown): never {
    throw this.#poison(
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
    this.#unsavedJobs = [];
    this.#nextSequence = stored.transferCount + 1;
    this.#nextChunk = stored.chunkCount;
    this.assets.keepUnsaved(stored.assets.length);
    await rebuild();
    this.#isRestoring = false;
  }

  #adaptPlan(context: number, serial: boolean): void {
    if (serial) {
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
    while (this.#ringFree < count) {
      await new Promise<void>((resolve) => this.#ringWaiters.push(resolve));
      if (this.#failure !== undefined) throw this.#failure;
    }
    const first = this.#ringHead;
    this.#ringHead = (first + count) % this.plan.chunkCount;
    this.#ringFree -= count;
    this.#lastAtHand = undefined;
    for (let i = 0; i < count; i++) this.#ring[(first + i) % this.plan.chunkCount] = undefined;
    return first;
  }

  /** The chunks that the batch's slices wrote; advances the sequence. */
  #collectChunks(context: number, position: number, slices: number): MemoryRange[] {
    const chunks: MemoryRange[] = [];
    for (let slice = 0; slice < slices; slice++) {
      const byteLength = this.sliceField(context, slice, layout.SL_CHUNK_SIZE);
      if (byteLength === 0) continue;
      const address = this.#bufferAddress(position + slice);
      const count = this.view.getUint32(address + layout.CH_RECORD_COUNT, true);
      this.#ring[(position + slice) % this.plan.chunkCount] = { firstSequence: this.#nextSequence, count, address };
      this.#nextSequence += count;
      chunks.push({ address, byteLength });
    }
    return chunks;
  }

  /** Hands chunks to the store; their buffers are free again once they are on disk. */
  #commit(chunks: readonly MemoryRange[], buffers: number): Promise<void> {
    const jobs = this.#unsavedJobs;
    this.#unsavedJobs = [];
    this.#nextChunk += chunks.length;
    const durable = this.#committer.add(chunks, this.assets.takeUnsaved(), jobs, () => {
      this.#ringFree += buffers;
      for (const waiter of this.#ringWaiters.splice(0)) waiter();
    });
    // Whoever awaits it sees the failure; nobody has to.
    durable.catch(() => {});
    return durable;
  }

  /** Journals the accounts from slot `from` on. */
  async #writeAccountChunks(
    from: number,
    metadata: ReadonlyMap<number, Uint8Array>,
  ): Promise<{ chunks: MemoryRange[]; buffers: number }> {
    const chunks: MemoryRange[] = [];
    let buffers = 0;
    const count = this.accounts.count;
    for (let slot = from; slot < count; slot += ACCOUNTS_A_CHUNK) {
      const address = this.#bufferAddress(await this.#reserveChunks(1));
      buffers++;
      const end = Math.min(count, slot + ACCOUNTS_A_CHUNK);
      chunks.push({ address, byteLength: this.accounts.writeChunk(slot, end, address, this.#timestamp(), metadata) });
    }
    return { chunks, buffers };
  }

  /**
   * Journals accounts created since slot `from`; resolves once they are on disk. Call it exclusively, right after
   * creating them, for at most {@link ACCOUNTS_A_CHUNK} at a time that fit one chunk with their `metadata`.
   */
  async commitAccounts(from: number, metadata: ReadonlyMap<number, Uint8Array>): Promise<{ durable: Promise<void> }> {
    const { chunks, buffers } = await this.#writeAccountChunks(from, metadata);
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
      if (++run % CONFIRM_RUN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
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
      if (++run % CONFIRM_RUN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
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
    if (context === undefined) return;
    if (this.#pool === undefined) {
      // On the event loop the batch is between two of its slices: run the rest now.
      this.#executor.run(context);
      return;
    }
    // No worker touches a balance while candidates await the journal; otherwise wait for the last stage.
    this.#executor.waitForBoundary(context);
  }

  /** Ends the pool. Nothing may be executing. */
  async close(): Promise<void> {
    await this.#pool?.close({ force: true });
  }
}
