/**
 * Settling a file: rows are parsed, executed and journaled batch by batch, and the results file grows only by what is
 * on disk. Memory grows with accounts and ids, never with the file.
 */

import { OK, RESULT_CODE_LIMIT } from "../core/codes.js";
import { LedgerError } from "../core/errors.js";
import type { Job } from "../core/job.js";
import * as layout from "../core/layout.js";
import type { BatchTarget } from "../engine/atomic.js";
import type { Engine } from "../engine/engine.js";
import { needsOrder } from "./columns.js";
import { configureParser } from "./configuration.js";
import type { MappedColumns } from "./header.js";
import { type ByteSource, InputWindow } from "./input-window.js";
import type { NetPositions } from "./net.js";
import type { OutputFile } from "./output.js";
import { type RowProblem, rowProblem } from "./row-problem.js";

export interface FileJob {
  /** Executes the job's batches. */
  readonly target: BatchTarget;
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

const PROBLEMS_MAX = 5;
/** A batch is cut for this share of its capacity, so that rows shorter than usual still fit. */
const FILL_SHARE = 0.9;
/** A row is taken to be at least this long before any was seen. */
const ROW_SIZE_GUESS_MIN = 8;

/** Runs the job. */
export async function settleFile(engine: Engine, file: FileJob): Promise<FileSummary> {
  const settlement = new FileSettlement(engine, file);
  return settlement.run();
}

class FileSettlement {
  readonly #engine: Engine;
  readonly #file: FileJob;
  readonly #window: InputWindow;
  readonly #counts = new Array<number>(RESULT_CODE_LIMIT).fill(0);
  readonly #problems: RowProblem[] = [];
  #rows = 0;
  #replayed = 0;
  #made = 0;
  #rowSize = 0;
  #skipping = 0;
  /** Resolves once every result so far is written; rejects with the first failure. */
  #written: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(engine: Engine, file: FileJob) {
    this.#engine = engine;
    this.#file = file;
    this.#window = new InputWindow(file.source, engine.bytes, engine.plan.input, engine.plan.inputSize);
  }

  async run(): Promise<FileSummary> {
    const { results, job } = this.#file;
    this.#configure();
    await results?.write("row,id,result,sequence\n");
    this.#engine.nameJob({ hash: job.hash, name: job.name });
    try {
      for (;;) {
        if (this.#failure !== undefined) break;
        this.#file.signal?.throwIfAborted();
        // More than the longest row must be at hand, whatever the rows before were like.
        await this.#window.fill(Math.max(layout.ROW_SIZE_MAX + layout.PAGE_SIZE, this.#batchSize()));
        if (this.#window.available === 0 && this.#window.isFinal) break;
        if (!(await this.#settleBatch())) break;
      }
    } finally {
      await this.#written;
    }
    return {
      rows: this.#rows,
      replayed: this.#replayed,
      made: this.#made,
      counts: this.#counts,
      problems: this.#problems,
    };
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
    const engine = this.#engine;
    const { asset, job, target } = this.#file;
    const context = await target.acquireContext();
    let text: Uint8Array[];
    let durable: Promise<void>;
    let count: number;
    const start = this.#window.start;
    try {
      const slices = this.#cutSlices(context);
      const executing = target.execute(context, {
        slices,
        asset,
        job: { low: job.low, high: job.high, firstRow: BigInt(this.#rows + 1) },
        plan: this.#plan,
      });
      this.#window.readAhead();
      ({ durable } = await executing);
      count = this.#tally(context);
      text = this.#takeResults(context);
      this.#skipping = engine.view.getUint32(context + layout.CX_SKIPPING, true);
      this.#window.consumeTo(engine.view.getUint32(context + layout.CX_OUT_CONSUMED, true));
    } finally {
      target.releaseContext(context);
    }
    const consumed = this.#window.start - start;
    if (count > 0) this.#rowSize = consumed / count;
    this.#rows += count;
    this.#deliver(durable, text, this.#rows);
    if (count === 0 && consumed === 0) {
      if (this.#window.isFinal) return false;
      throw new LedgerError(
        "internal",
        `${this.#file.source.name}: no row was found in ${this.#window.available} bytes`,
      );
    }
    return true;
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

  /** Counts the batch's results and amounts, and keeps the first problems; returns the number of rows. */
  #tally(context: number): number {
    const engine = this.#engine;
    let rows = 0;
    for (let slice = 0; slice < layout.SLICE_COUNT; slice++) {
      const count = engine.sliceField(context, slice, layout.SL_COUNT);
      const first = slice * layout.SLICE_CAPACITY;
      for (let index = first; index < first + count; index++, rows++) {
        const result = engine.bytes[context + layout.CX_RESULT + index]!;
        this.#counts[result]!++;
        if (result === OK) {
          if (engine.bytes[context + layout.CX_DETAIL + index] !== layout.DETAIL_REPLAYED) this.#made++;
        } else if (this.#problems.length < PROBLEMS_MAX) {
          const problem = rowProblem(engine, context, index, this.#rows + rows + 1, this.#file.columns.names);
          if (problem !== undefined) this.#problems.push(problem);
        }
      }
      this.#replayed += engine.sliceField(context, slice, layout.SL_REPLAYED);
      for (const net of this.#file.net) net.add(context, first, count);
    }
    return rows;
  }

  /** Copies the formatted results out of the context. */
  #takeResults(context: number): Uint8Array[] {
    if (this.#file.results === undefined) return [];
    const text: Uint8Array[] = [];
    for (let slice = 0; slice < layout.SLICE_COUNT; slice++) {
      const from = context + layout.CX_RESULT_TEXT + slice * layout.RESULT_AREA_SIZE;
      const byteLength = this.#engine.sliceField(context, slice, layout.SL_RESULT_TEXT_SIZE);
      text.push(this.#engine.bytes.slice(from, from + byteLength));
    }
    return text;
  }

  /** Writes results once they are on disk, in order, while later batches execute. */
  #deliver(durable: Promise<void>, text: readonly Uint8Array[], rows: number): void {
    const { results, source, onProgress } = this.#file;
    const bytes = this.#window.bytesRead;
    this.#written = this.#written.then(async () => {
      await durable;
      for (const part of text) await results?.write(part);
      onProgress?.({ rows, bytes, totalBytes: source.byteLength });
    });
    this.#written.catch((error) => {
      this.#failure = error;
    });
  }
}
