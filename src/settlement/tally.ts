/** What became of a job's rows, in numbers. */
import { LINKED_EVENT_FAILED, OK, RESULT_CODE_LIMIT } from "../core/codes.js";
import * as layout from "../core/layout.js";
import { resultName } from "../core/results.js";
import type { Breaker } from "../engine/chains.js";
import type { Engine } from "../engine/engine.js";
import type { NetPositions } from "./net.js";
import { type RowProblem, rowProblem } from "./row-problem.js";

/** Rows that are kept to be listed. */
export const PROBLEMS_MAX = 5;

/** Counts rows by result, sums up what they moved, and keeps the first that could not be read. */
export class Tally {
  readonly counts = new Array<number>(RESULT_CODE_LIMIT).fill(0);
  readonly problems: RowProblem[] = [];
  readonly #engine: Engine;
  readonly #columnOfRole: ReadonlyMap<number, string>;
  readonly #net: readonly NetPositions[];
  /** Rows before those that are counted here. */
  readonly #before: number;
  /** Rows counted. */
  rows = 0;
  /** Rows whose outcome the job had recorded before. */
  replayed = 0;
  /** Rows that are `ok` and were not replayed. */
  made = 0;

  constructor(
    engine: Engine,
    columnOfRole: ReadonlyMap<number, string>,
    net: readonly NetPositions[],
    before: number = 0,
  ) {
    this.#engine = engine;
    this.#columnOfRole = columnOfRole;
    this.#net = net;
    this.#before = before;
  }

  /** Counts the rows of a batch that was executed; returns how many it has. */
  add(context: number): number {
    const engine = this.#engine;
    const before = this.rows;
    for (let slice = 0; slice < layout.SLICE_COUNT; slice++) {
      const count = engine.sliceField(context, slice, layout.SL_COUNT);
      const first = slice * layout.SLICE_CAPACITY;
      for (let index = first; index < first + count; index++) {
        this.rows++;
        const result = engine.bytes[context + layout.CX_RESULT + index]!;
        this.counts[result]!++;
        if (result === OK) {
          if (engine.bytes[context + layout.CX_DETAIL + index] !== layout.DETAIL_REPLAYED) this.made++;
        } else if (this.problems.length < PROBLEMS_MAX) {
          const problem = rowProblem(engine, context, index, this.#before + this.rows, this.#columnOfRole);
          if (problem !== undefined) this.problems.push(problem);
        }
      }
      this.replayed += engine.sliceField(context, slice, layout.SL_REPLAYED);
      for (const net of this.#net) net.add(context, first, count);
    }
    return this.rows - before;
  }

  /** One for the rows behind these, that are counted here as soon as it is known what becomes of them. */
  fork(): Tally {
    const net = this.#net.map((positions) => positions.fork());
    return new Tally(this.#engine, this.#columnOfRole, net, this.#before + this.rows);
  }

  /** Counts what was counted there. */
  join(other: Tally): void {
    other.counts.forEach((count, result) => {
      this.counts[result]! += count;
    });
    this.rows += other.rows;
    this.replayed += other.replayed;
    this.made += other.made;
    this.#keepProblems(other.problems);
    this.#net.forEach((net, index) => {
      net.join(other.#net[index]!);
    });
  }

  /** Counts the rows that were counted there, as those of a chain that this leg broke. */
  joinFailed(other: Tally, { index, result, detail }: Breaker): void {
    this.counts[result]!++;
    this.counts[LINKED_EVENT_FAILED]! += other.rows - 1;
    this.rows += other.rows;
    if (detail === layout.DETAIL_REPLAYED) this.replayed++;
    const row = other.#before + index + 1;
    const name = resultName(result);
    // Of the other rows nothing else is to be said than that the chain failed.
    this.#keepProblems(other.problems.filter((problem) => problem.row === row && problem.result === name));
  }

  #keepProblems(problems: readonly RowProblem[]): void {
    this.problems.push(...problems.slice(0, PROBLEMS_MAX - this.problems.length));
  }
}
