/**
 * The stages of a batch and who may run which part of them: the same code for every worker thread and for the
 * event loop.
 *
 * A stage is a number of units. A unit is claimed by compare-and-swap on the stage's `next` word, so it is executed
 * exactly once a batch, by whoever is free; a stage is over once its `done` word has counted every unit. Nobody waits
 * for a particular thread: one that arrives late finds everything claimed and moves on, and one that never arrives is
 * not missed.
 */
import { LedgerError } from "../core/errors.js";
import type { Kernel } from "../core/kernel.js";
import {
  ACCOUNT_PARTITIONS,
  CX_CONFIRMED,
  CX_PLAN,
  CX_SLICES_USED,
  CX_STAGES,
  CX_TURN,
  ID_PARTITIONS,
  PLAN_ORDERED,
  PLAN_PARSE,
  PLAN_SERIAL,
  SB_ABORT,
  SB_TURN,
  STAGE_BEGIN,
  STAGE_CLASSIFY,
  STAGE_COUNT,
  STAGE_DECIDE,
  STAGE_DEDUPE,
  STAGE_DONE,
  STAGE_ENCODE,
  STAGE_END,
  STAGE_NEXT,
  STAGE_PARSE,
  STAGE_RELEASE,
  STAGE_RESOLVE,
  STAGE_STITCH,
  STAGE_STRIDE,
  SUPERBLOCK,
} from "../core/layout.js";
import { nextTurn } from "../core/turns.js";

/**
 * `candidates`: the batch stopped after dedupe until the journal has been asked. `postponed`: nothing of it was begun,
 * because the batch before it stopped. `aborted`: another worker died.
 */
export type ExecutionOutcome = "done" | "candidates" | "postponed" | "aborted";

/** What the pool hands to every worker when it starts. */
export interface EngineWorkerData {
  readonly memory: WebAssembly.Memory;
  readonly kernel: WebAssembly.Module;
  /** Workers of the pool. */
  readonly workers: number;
}

/** A worker's task instead of a context: meet the other workers. */
export const NO_CONTEXT = 0;

/** Id partitions are claimed by fours: single ones are over too quickly. */
const ID_PARTITIONS_A_UNIT = 4;
/** Looks at the `done` word before a waiting thread lets the system suspend it; about 10 microseconds. */
const SPINS_MAX = 2000;
/** A suspended waiter looks for an abort at least this often. */
const WAIT_MS_MAX = 20;
const BOUNDARY_MS_MAX = 1000;
/** The event loop gets its turn at least this often. */
const EVENT_LOOP_SLICE_MS = 1;

const TURN = (SUPERBLOCK + SB_TURN) >>> 2;
/** What a batch adds to its turn when it stops for the journal, and when it is over. */
const STOPPED = 1;
export const TURN_LENGTH = 2;

/** Runs batches on the calling thread, alone or together with other threads' executors. */
export class Executor {
  readonly #kernel: Kernel;
  readonly #words: Int32Array;

  constructor(memory: WebAssembly.Memory, kernel: Kernel) {
    this.#kernel = kernel;
    this.#words = new Int32Array(memory.buffer);
  }

  /**
   * Runs the batch with whoever else does, once the batch before it is over, until nothing is left to do. Blocks; for
   * worker threads.
   */
  run(context: number): ExecutionOutcome {
    const refusal = this.#waitForTurn(context);
    if (refusal !== undefined) return refusal;
    for (let stage = 0; stage < STAGE_COUNT; stage++) {
      const units = this.#units(context, stage);
      for (let unit = this.#claim(context, stage, units); unit >= 0; unit = this.#claim(context, stage, units)) {
        this.#execute(context, stage, unit);
        this.#finish(context, stage, units);
      }
      if (!this.#waitUntilDone(context, stage, units)) return "aborted";
      if (stage === STAGE_DEDUPE && this.#mustConfirm(context)) {
        // Everyone who runs the batch finds the same, and says the same.
        this.#setTurn(this.#field(context, CX_TURN) + STOPPED);
        return "candidates";
      }
    }
    return "done";
  }

  /** Runs the batch on the event loop, which gets a turn at least every millisecond. */
  async runSliced(context: number): Promise<ExecutionOutcome> {
    let turnStart = performance.now();
    for (let stage = 0; stage < STAGE_COUNT; stage++) {
      const units = this.#units(context, stage);
      for (let unit = this.#claim(context, stage, units); unit >= 0; unit = this.#claim(context, stage, units)) {
        this.#execute(context, stage, unit);
        this.#finish(context, stage, units);
        if (performance.now() - turnStart >= EVENT_LOOP_SLICE_MS) {
          await nextTurn();
          turnStart = performance.now();
        }
      }
      if (stage === STAGE_DEDUPE && this.#mustConfirm(context)) return "candidates";
    }
    return "done";
  }

  /**
   * Blocks until the batches that other threads run are over, the last of which had the turn before `turn`, or stand still
   * before the next change of a balance. Takes no part in them. Throws `busy` where that takes longer than a second: a
   * thread must have died.
   */
  waitForBoundary(turn: number): void {
    const start = performance.now();
    for (;;) {
      const found = Atomics.load(this.#words, TURN);
      // While one has stopped for the journal, which is asked on this thread, none behind it begins.
      if (((found - turn) | 0) >= 0 || (found & STOPPED) !== 0 || this.#isAborted()) return;
      if (performance.now() - start > BOUNDARY_MS_MAX) {
        throw new LedgerError(
          "busy",
          `a batch is still executing after ${BOUNDARY_MS_MAX} ms: await it, then read again`,
        );
      }
      Atomics.wait(this.#words, TURN, found, 1);
    }
  }

  /**
   * Lets a batch go on that has stopped for the journal, if it has not gone on already: where this thread executes, whoever
   * reads may have run it to its end. Nobody else may be looking at it, or waiting for its end.
   */
  resume(context: number): void {
    const turn = this.#field(context, CX_TURN);
    Atomics.compareExchange(this.#words, TURN, (turn + STOPPED) | 0, turn);
    Atomics.notify(this.#words, TURN);
  }

  #setTurn(turn: number): void {
    Atomics.store(this.#words, TURN, turn | 0);
    Atomics.notify(this.#words, TURN);
  }

  #isAborted(): boolean {
    return Atomics.load(this.#words, (SUPERBLOCK + SB_ABORT) >>> 2) !== 0;
  }

  /** Waits until the batch may begin, or has begun; says why it may not. */
  #waitForTurn(context: number): ExecutionOutcome | undefined {
    const turn = this.#field(context, CX_TURN);
    for (let spin = 0; ; spin++) {
      const found = Atomics.load(this.#words, TURN);
      if (((found - turn) | 0) >= 0) return undefined;
      if ((found & STOPPED) !== 0) return "postponed";
      if (spin < SPINS_MAX) continue;
      if (this.#isAborted()) return "aborted";
      Atomics.wait(this.#words, TURN, found, WAIT_MS_MAX);
    }
  }

  #field(context: number, offset: number): number {
    return this.#words[(context + offset) >>> 2]!;
  }

  #mustConfirm(context: number): boolean {
    if (this.#field(context, CX_CONFIRMED) !== 0) return false;
    if (this.#kernel.countCandidates(context) > 0) return true;
    return this.#isPlanned(context, PLAN_ORDERED) && this.#kernel.nextResolving(context, 0) >= 0;
  }

  /** Units of a stage. Every thread computes the same number, from words written before the stage began. */
  #units(context: number, stage: number): number {
    const slices = this.#field(context, CX_SLICES_USED);
    const serial = this.#isPlanned(context, PLAN_SERIAL);
    switch (stage) {
      case STAGE_BEGIN:
      case STAGE_END:
        return 1;
      case STAGE_PARSE:
        return this.#isPlanned(context, PLAN_PARSE) ? slices : 0;
      case STAGE_STITCH:
        return this.#isPlanned(context, PLAN_PARSE) ? 1 : 0;
      case STAGE_DEDUPE:
        return ID_PARTITIONS / ID_PARTITIONS_A_UNIT;
      case STAGE_CLASSIFY:
        // Numbering the slices is independent of classifying the partitions, so they share the stage.
        return serial ? 0 : ACCOUNT_PARTITIONS + slices;
      case STAGE_RELEASE:
        return !serial && this.#kernel.hasContested(context) !== 0 ? ACCOUNT_PARTITIONS : 0;
      case STAGE_DECIDE:
        if (this.#isPlanned(context, PLAN_ORDERED)) return 2 * slices;
        if (serial) return slices;
        return this.#kernel.hasContested(context) !== 0 ? 1 : 0;
      case STAGE_ENCODE:
        return serial ? 0 : slices;
      default:
        return slices;
    }
  }

  #execute(context: number, stage: number, unit: number): void {
    const kernel = this.#kernel;
    switch (stage) {
      case STAGE_BEGIN:
        kernel.begin(context);
        break;
      case STAGE_PARSE:
        kernel.parseSlice(context, unit);
        break;
      case STAGE_STITCH:
        kernel.stitchSlices(context);
        break;
      case STAGE_RESOLVE:
        if (this.#isPlanned(context, PLAN_PARSE)) kernel.deriveIds(context, unit);
        else kernel.readKeys(context, unit);
        kernel.resolve(context, unit);
        break;
      case STAGE_DEDUPE:
        for (let part = 0; part < ID_PARTITIONS_A_UNIT; part++) {
          kernel.dedupe(context, unit * ID_PARTITIONS_A_UNIT + part);
        }
        break;
      case STAGE_CLASSIFY: {
        const slices = this.#field(context, CX_SLICES_USED);
        if (unit < slices) kernel.number(context, unit);
        else kernel.classify(context, unit - slices);
        break;
      }
      case STAGE_RELEASE:
        kernel.release(context, unit);
        break;
      case STAGE_DECIDE:
        if (this.#isPlanned(context, PLAN_ORDERED)) {
          // A chain may end in another slice, so nothing is numbered before everything is decided.
          const slices = this.#field(context, CX_SLICES_USED);
          if (unit < slices) {
            kernel.decideOrdered(context, unit);
          } else {
            kernel.number(context, unit - slices);
            kernel.encode(context, unit - slices);
          }
        } else if (this.#isPlanned(context, PLAN_SERIAL)) {
          // One thread claims the slices in order, and finishes each while its records are in the cache.
          kernel.number(context, unit);
          kernel.decideSlice(context, unit);
          kernel.encode(context, unit);
        } else {
          kernel.decideContested(context);
        }
        break;
      case STAGE_ENCODE:
        kernel.encode(context, unit);
        break;
      case STAGE_END:
        kernel.end(context);
        this.#setTurn(this.#field(context, CX_TURN) + TURN_LENGTH);
        break;
    }
  }

  #isPlanned(context: number, plan: number): boolean {
    return (this.#field(context, CX_PLAN) & plan) !== 0;
  }

  /** Claims a unit, or returns -1 where none is left. */
  #claim(context: number, stage: number, units: number): number {
    const word = (context + CX_STAGES + stage * STAGE_STRIDE + STAGE_NEXT) >>> 2;
    let next = Atomics.load(this.#words, word);
    while (next < units) {
      const found = Atomics.compareExchange(this.#words, word, next, next + 1);
      if (found === next) return next;
      next = found;
    }
    return -1;
  }

  #finish(context: number, stage: number, units: number): void {
    const word = (context + CX_STAGES + stage * STAGE_STRIDE + STAGE_DONE) >>> 2;
    if (Atomics.add(this.#words, word, 1) + 1 === units) Atomics.notify(this.#words, word);
  }

  /** Spins briefly, then sleeps, until the stage's units are done. False where the ledger was aborted. */
  #waitUntilDone(context: number, stage: number, units: number): boolean {
    const word = (context + CX_STAGES + stage * STAGE_STRIDE + STAGE_DONE) >>> 2;
    for (let spin = 0; spin < SPINS_MAX; spin++) {
      if (Atomics.load(this.#words, word) >= units) return true;
    }
    for (;;) {
      const done = Atomics.load(this.#words, word);
      if (done >= units) return true;
      if (this.#isAborted()) return false;
      Atomics.wait(this.#words, word, done, WAIT_MS_MAX);
    }
  }
}
