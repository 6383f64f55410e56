/** Settling a stream: transfers go into batches as they come, and results out in order, once they are on disk. */
import type { BatchResults } from "../core/batch.js";
import { readTransfer } from "../core/checks.js";
import { BATCH_CAPACITY } from "../core/layout.js";
import { inNextTurn } from "../core/turns.js";
import type { NewTransfer } from "../core/types.js";
import type { Batch } from "../engine/batches.js";
import { makeLongChain } from "../engine/chains.js";
import type { Engine } from "../engine/engine.js";
import type { Store } from "../stores/store.js";
import { Deliveries } from "./deliveries.js";

/** Options of {@link Ledger.settle}. */
export interface SettleOptions {
  /** Called after each batch that is on disk, in order; the settlement waits for what it returns. */
  readonly onResults?: (results: BatchResults, firstIndex: number) => void | Promise<void>;
  /** Called after each batch that is on disk. */
  readonly onProgress?: (progress: { readonly transfers: number; readonly milliseconds: number }) => void;
  /** Stops taking transfers; what was taken is finished, then the settlement rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a settlement did. */
export interface SettleSummary {
  readonly transfers: number;
  /** Number of transfers by result. */
  readonly results: Readonly<Record<string, number>>;
  readonly durationMs: number;
}

/** What a settlement needs of the ledger beside its engine. */
export interface StreamTarget {
  /** Begins a batch that may be submitted while the ledger closes; errors count its transfers from `firstIndex` on. */
  beginBatch(firstIndex: number): Promise<Batch>;
  /** Has closing wait for `run`, and returns it. */
  awaitAtClose<T>(run: Promise<T>): Promise<T>;
}

type TransferSource =
  | AsyncIterable<NewTransfer | readonly NewTransfer[]>
  | Iterable<NewTransfer | readonly NewTransfer[]>;

/** Settles one stream. */
export class StreamSettlement {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #target: StreamTarget;
  readonly #options: SettleOptions;
  /** Raised by the caller's signal, and by closing. */
  readonly #signal: AbortSignal;
  readonly #start = performance.now();
  readonly #counts = new Map<string, number>();
  readonly #deliveries = new Deliveries(() => this.#end());
  /** Transfers that went into batches. */
  #taken = 0;
  /** Transfers whose results are on disk. */
  #settled = 0;
  #batch: Batch | undefined;
  /** A transfer with those before it that are chained to it: they go into one batch, if one holds them. */
  #together: NewTransfer[] = [];
  /** Resolves once the last chain is made that no batch holds. */
  #chain: Promise<void> = Promise.resolve();
  /** No batch may follow: one was refused or failed, or results could not be delivered. */
  #isOver = false;
  /** Nothing more is taken: what the source gives now came too late. */
  #isEnding = false;
  /** The source has ended, and everything that it gave went into batches. */
  #hasTakenAll = false;
  /** Ends the wait for the source. */
  #wake!: () => void;
  readonly #woken = new Promise<void>((resolve) => {
    // A source that is not waited for sees the end itself first.
    this.#wake = () => inNextTurn(resolve);
  });

  constructor(engine: Engine, store: Store, target: StreamTarget, options: SettleOptions, signal: AbortSignal) {
    this.#engine = engine;
    this.#store = store;
    this.#target = target;
    this.#options = options;
    this.#signal = signal;
  }

  async run(source: TransferSource): Promise<SettleSummary> {
    try {
      await this.#target.awaitAtClose(this.#takeAll(source));
    } finally {
      // Closing does not wait for the reader of results, who may be the one that closes.
      await this.#deliveries.all();
    }
    // Closing stops nothing of a settlement that has taken everything.
    if (this.#options.signal?.aborted === true || !this.#hasTakenAll) this.#signal.throwIfAborted();
    return {
      transfers: this.#taken,
      results: Object.fromEntries(this.#counts),
      durationMs: performance.now() - this.#start,
    };
  }

  /** Takes what the source gives until it ends or must not be waited for any more, and finishes what was taken. */
  async #takeAll(source: TransferSource): Promise<void> {
    this.#signal.addEventListener("abort", this.#wake);
    if (this.#signal.aborted) this.#wake();
    try {
      await Promise.race([this.#take(source), this.#woken]);
    } finally {
      this.#isEnding = true;
      this.#submit();
      await this.#chain;
    }
  }

  async #take(source: TransferSource): Promise<void> {
    for await (const item of source) {
      if (this.#isStopped) return;
      for (const transfer of Array.isArray(item) ? (item as readonly NewTransfer[]) : [item as NewTransfer]) {
        this.#together.push(transfer);
        if (transfer?.linked !== true && !this.#addNow()) await this.#add();
        if (this.#isEnding) return;
      }
    }
    // A chain that the source does not end: its results say so.
    if (this.#together.length > 0 && !this.#isStopped && !this.#addNow()) await this.#add();
    this.#hasTakenAll = this.#together.length === 0;
  }

  get #isStopped(): boolean {
    return this.#signal.aborted || this.#isOver;
  }

  /** Ends the settlement, as no batch may follow what has failed. */
  #end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** Adds what belongs together to the batch, if there is one that has room for all of it. */
  #addNow(): boolean {
    const batch = this.#batch;
    if (batch === undefined || batch.length + this.#together.length > BATCH_CAPACITY) return false;
    for (const transfer of this.#together) {
      batch.add(transfer);
      this.#taken++;
    }
    this.#together = [];
    if (batch.isFull) this.#submit();
    return true;
  }

  /** Adds what belongs together to the next batch, or makes it as a chain of its own. */
  async #add(): Promise<void> {
    if (this.#together.length > BATCH_CAPACITY) return this.#addChain();
    if (this.#batch !== undefined) this.#submit();
    this.#batch = await this.#begin();
    this.#addNow();
  }

  /** Begins a batch; undefined where nothing more is taken by the time that there is a place for it. */
  async #begin(): Promise<Batch | undefined> {
    await this.#deliveries.waitForReader();
    const batch = await this.#target.beginBatch(this.#taken);
    if (!this.#isEnding) return batch;
    batch.discard();
    return undefined;
  }

  /** Has the batch executed, and its results delivered. Throws `transfers_full`. */
  #submit(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    if (this.#isOver) {
      batch.discard();
      return;
    }
    const { room } = this.#engine;
    if (!room.hasTransfers(batch.length)) {
      this.#isOver = true;
      batch.discard();
      throw room.transfersFull(batch.length);
    }
    const results = batch.submit();
    results.catch(() => this.#end());
    this.#deliver(results, this.#taken - batch.length);
  }

  /** Makes a chain that no batch holds, behind everything before it. */
  async #addChain(): Promise<void> {
    for (const [index, transfer] of this.#together.entries()) readTransfer(transfer, this.#taken + index);
    this.#submit();
    // Nothing is made behind a batch that was refused.
    await this.#deliveries.all();
    if (this.#isEnding) return;
    this.#chain = this.#makeChain();
    await this.#chain;
  }

  async #makeChain(): Promise<void> {
    for (const results of await makeLongChain(this.#engine, this.#store, this.#together)) {
      this.#deliver(results, this.#taken);
      this.#taken += results.length;
    }
    this.#together = [];
  }

  #deliver(results: BatchResults | Promise<BatchResults>, firstIndex: number): void {
    this.#deliveries.add(async () => {
      const found = await results;
      for (const [name, count] of found.counts()) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
      this.#settled += found.length;
      await this.#options.onResults?.(found, firstIndex);
      this.#options.onProgress?.({ transfers: this.#settled, milliseconds: performance.now() - this.#start });
    });
  }
}
