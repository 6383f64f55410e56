/**
 * Settling a file: rows are parsed, executed and journaled batch by batch, and the results file grows only by what is
 * on disk. Memory grows with accounts and ids, never with the file.
 */

import { LedgerError } from "../core/errors.js";
import type { Job } from "../core/job.js";
import * as layout from "../core/layout.js";
import type { BatchTarget } from "../engine/atomic.js";
import { type ChainParts, makeChain } from "../engine/chains.js";
import type { BatchRequest, Engine } from "../engine/engine.js";
import type { Store } from "../stores/store.js";
import { needsOrder } from "./columns.js";
import { configureParser } from "./configuration.js";
import { Deliveries } from "./deliveries.js";
import type { MappedColumns } from "./header.js";
import { type ByteSource, InputWindow } from "./input-window.js";
import type { NetPositions } from "./net.js";
import type { OutputFile } from "./output.js";
import { failedResults } from "./refusal.js";
import type { RowProblem } from "./row-problem.js";
import { Tally } from "./tally.js";

export interface FileJob {
  /** Executes the job's batches. */
  readonly target: BatchTarget;
  /** Runs `action` while nobody else's batches are executed. */
  readonly takeTurn: <Outcome>(action: (turn: BatchTarget) => Promise<Outcome>) => Promise<Outcome>;
  /** The rows: what follows the header. */
  readonly source: ByteSource;
  readonly columns: MappedColumns;
  readonly delimiter: string;
  /** Number of the asset the amounts are written in. */
  readonly asset: number;
  readonly job: Job;
  /** Flags of accounts to create where rows name unknown ones; undefined: such rows are rejected. */
  readonly createFlags: number | undefined;
  /** Receives a line per row, in order; undefined: none is written. */
  readonly results: OutputFile | undefined;
  /** Count what each account paid and received; none where nobody asks. */
  readonly net: readonly NetPositions[];
  readonly onProgress?: (progress: FileProgress) => void;
  readonly signal?: AbortSignal;
}

export interface FileProgress {
  readonly rows: number;
  readonly bytes: number;
  /** Byte length of the whole file, undefined for a stream. */
  readonly totalBytes: number | undefined;
}

/** What a job did. */
export interface FileSummary {
  readonly rows: number;
  /** Rows whose outcome this same job had recorded before. */
  readonly replayed: number;
  /** Rows that are `ok` and were not replayed. */
  readonly made: number;
  /** Rows by number of result. */
  readonly counts: readonly number[];
  /** The first rows that could not be read. */
  readonly problems: readonly RowProblem[];
}

/** A batch is cut for this share of its capacity, so that rows shorter than usual still fit. */
const FILL_SHARE = 0.9;
const NOTHING: Uint8Array = new Uint8Array();
/** A row is taken to be at least this long before any was seen. */
const ROW_SIZE_GUESS_MIN = 8;

/** Runs the job. */
export async function settleFile(engine: Engine, store: Store, file: FileJob): Promise<FileSummary> {
  const settlement = new FileSettlement(engine, store, file);
  return settlement.run();
}

class FileSettlement {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #file: FileJob;
  readonly #window: InputWindow;
  readonly #tally: Tally;
  #rowSize = 0;
  #skipping = 0;
  readonly #deliveries = new Deliveries(() => {
    this.#hasFailed = true;
  });
  /** Whether results could not be written, or are of a batch that did not get to the disk. */
  #hasFailed = false;

  constructor(engine: Engine, store: Store, file: FileJob) {
    this.#engine = engine;
    this.#store = store;
    this.#file = file;
    this.#window = new InputWindow(file.source, engine.bytes, engine.plan.input, engine.plan.inputSize);
    this.#tally = new Tally(engine, file.columns.names, file.net);
  }

  async run(): Promise<FileSummary> {
    const { results } = this.#file;
    this.#configure();
    await results?.write("row,id,result,sequence\n");
    try {
      for (;;) {
        await this.#deliveries.waitForReader();
        if (this.#hasFailed) break;
        this.#file.signal?.throwIfAborted();
        if (!(await this.#fillWindow())) break;
        if (!(await this.#settleBatch())) break;
      }
    } finally {
      await this.#deliveries.all();
    }
    const { rows, replayed, made, counts, problems } = this.#tally;
    return { rows, replayed, made, counts, problems };
  }

  /** Reads what a batch takes. Returns false at the end of the input. */
  async #fillWindow(): Promise<boolean> {
    // More than the longest row must be at hand, whatever the rows before were like.
    await this.#window.fill(Math.max(layout.ROW_SIZE_MAX + layout.PAGE_SIZE, this.#batchSize()));
    return this.#window.available > 0 || !this.#window.isFinal;
  }

  #configure(): void {
    const { asset, createFlags, job, delimiter, columns } = this.#file;
    configureParser(this.#engine, {
      columns,
      scale: this.#engine.assets.get(asset).scale,
      delimiter,
      asset,
      createFlags: createFlags ?? 0,
      idPrefix: job.idPrefix,
    });
  }

  /** How batches are executed. */
  get #plan(): number {
    const { createFlags, columns } = this.#file;
    const create = createFlags === undefined ? 0 : layout.PLAN_CREATE;
    const ordered = needsOrder(columns.names) ? layout.PLAN_ORDERED : 0;
    return layout.PLAN_PARSE | layout.PLAN_FORMAT | create | ordered;
  }

  /** Bytes that about fill a batch. */
  #batchSize(): number {
    const rowSize = this.#rowSize === 0 ? this.#guessRowSize() : this.#rowSize;
    const size = Math.floor(rowSize * layout.BATCH_CAPACITY * FILL_SHARE);
    return Math.min(size, this.#engine.plan.inputSize / 2);
  }

  #guessRowSize(): number {
    const sample = this.#window.view().subarray(0, layout.PAGE_SIZE);
    let lines = 1;
    for (const byte of sample) if (byte === 10) lines++;
    return Math.max(ROW_SIZE_GUESS_MIN, sample.length / lines);
  }

  /** Executes one batch. Returns false at the end of the input. */
  async #settleBatch(): Promise<boolean> {
    const { target } = this.#file;
    const context = await target.acquireContext();
    let text = NOTHING;
    let durable: Promise<void>;
    let consumed = 0;
    let isChainOpen: boolean;
    try {
      const executing = target.execute(context, this.#nextBatch(context, 0));
      this.#window.readAhead();
      ({ durable } = await executing);
      isChainOpen = this.#isChainOpen(context);
      if (!isChainOpen) {
        consumed = this.#take(context, this.#tally);
        text = this.#takeResults(context);
      }
    } finally {
      target.releaseContext(context);
    }
    // Nothing of it was made.
    if (isChainOpen) return this.#settleChain();
    this.#deliver(durable, text);
    return consumed > 0 || this.#checkEnd();
  }

  /** The next batch, of the bytes at hand, which follows `before` rows that are not counted yet. */
  #nextBatch(context: number, before: number): BatchRequest {
    const { asset, job } = this.#file;
    return {
      slices: this.#cutSlices(context),
      asset,
      job: {
        low: job.low,
        high: job.high,
        name: { hash: job.hash, name: job.name },
        firstRow: BigInt(this.#tally.rows + before + 1),
      },
      plan: this.#plan,
    };
  }

  /** Whether the batch is one chain that may go on behind it. */
  #isChainOpen(context: number): boolean {
    return this.#engine.view.getUint32(context + layout.CX_OUT_CHAIN_OPEN, true) !== 0;
  }

  /** Counts the batch's rows and leaves the bytes that it was read from behind; returns how many these are. */
  #take(context: number, tally: Tally): number {
    const { view } = this.#engine;
    const { start } = this.#window;
    const count = tally.add(context);
    this.#skipping = view.getUint32(context + layout.CX_SKIPPING, true);
    this.#window.consumeTo(view.getUint32(context + layout.CX_OUT_CONSUMED, true));
    const consumed = this.#window.start - start;
    if (count > 0) this.#rowSize = consumed / count;
    return consumed;
  }

  /** Where no byte could be consumed: the end of the input, and so false. */
  #checkEnd(): false {
    if (this.#window.isFinal) return false;
    throw new LedgerError("internal", `${this.#file.source.name}: no row was found in ${this.#window.available} bytes`);
  }

  /**
   * Makes the chain that begins with the next row and fits no batch. Its results are written once it is known what
   * becomes of it; until then they wait in a file of their own.
   */
  async #settleChain(): Promise<true> {
    const { results, takeTurn } = this.#file;
    const rows = this.#tally.fork();
    const held = await results?.fork();
    try {
      const parts = this.#chainParts(rows, async (text) => held?.write(text));
      const breaker = await takeTurn((turn) => makeChain(this.#engine, this.#store, turn, parts));
      if (breaker === undefined) this.#tally.join(rows);
      else this.#tally.joinFailed(rows, breaker);
      await this.#deliveries.all();
      if (held !== undefined) {
        await results!.join(held, breaker === undefined ? (lines) => lines : failedResults(breaker));
      }
      this.#deliver(Promise.resolve(), NOTHING);
    } finally {
      await held?.discard();
    }
    return true;
  }

  /** Reads a chain part by part, and counts its rows as if each were alone. */
  #chainParts(rows: Tally, write: (text: Uint8Array) => Promise<void>): ChainParts {
    let isOpen = true;
    let isOver = false;
    return {
      fill: async (context) => {
        this.#file.signal?.throwIfAborted();
        if (isOver || !(await this.#fillWindow())) return undefined;
        const request = this.#nextBatch(context, rows.rows);
        this.#window.readAhead();
        return request;
      },
      take: async (context) => {
        isOpen = this.#isChainOpen(context);
        const consumed = this.#take(context, rows);
        isOver = !isOpen || (consumed === 0 && !this.#checkEnd());
        await write(this.#takeResults(context));
      },
      get isOpen() {
        return isOpen;
      },
    };
  }

  /** Cuts the bytes at hand into slices; rows that straddle a cut belong to the slice they begin in. */
  #cutSlices(context: number): number {
    const { view } = this.#engine;
    const { start, available, isFinal } = this.#window;
    const size = Math.min(available, this.#batchSize());
    const slices = layout.SLICE_COUNT;
    const sliceSize = Math.ceil(size / slices);
    for (let slice = 0; slice < slices; slice++) {
      const entry = context + layout.CX_SLICES + slice * layout.SLICE_ENTRY_SIZE;
      view.setUint32(entry + layout.SL_INPUT_START, start + Math.min(size, slice * sliceSize), true);
      view.setUint32(entry + layout.SL_INPUT_END, start + Math.min(size, (slice + 1) * sliceSize), true);
    }
    view.setUint32(context + layout.CX_INPUT_START, start, true);
    view.setUint32(context + layout.CX_INPUT_END, start + size, true);
    view.setUint32(context + layout.CX_INPUT_LIMIT, this.#window.end, true);
    view.setUint32(context + layout.CX_INPUT_FINAL, isFinal ? 1 : 0, true);
    view.setUint32(context + layout.CX_SKIPPING, this.#skipping, true);
    return slices;
  }

  /** Copies the formatted results out of the context: into one piece, as each that is written costs this thread a turn. */
  #takeResults(context: number): Uint8Array {
    if (this.#file.results === undefined) return NOTHING;
    const parts: Uint8Array[] = [];
    for (let slice = 0; slice < layout.SLICE_COUNT; slice++) {
      const from = context + layout.CX_RESULT_TEXT + slice * layout.RESULT_AREA_SIZE;
      const byteLength = this.#engine.sliceField(context, slice, layout.SL_RESULT_TEXT_SIZE);
      parts.push(this.#engine.bytes.subarray(from, from + byteLength));
    }
    return Buffer.concat(parts);
  }

  /** Writes results once they are on disk, in order, while later batches execute. */
  #deliver(durable: Promise<void>, text: Uint8Array): void {
    const { results, source, onProgress } = this.#file;
    const { rows } = this.#tally;
    const bytes = this.#window.bytesRead;
    this.#deliveries.add(async () => {
      await durable;
      await results?.write(text);
      onProgress?.({ rows, bytes, totalBytes: source.byteLength });
    });
  }
}
