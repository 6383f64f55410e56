/** What measuring shares: the plan, the seed, where cells go, and how sides are run in turn. */
import type { Cell, Sample, Skipped, WorkloadNote } from "./comparison.js";
import type { Plan } from "./plan.js";
import { inTurn } from "./statistics.js";
import { busiestAccount, type Workload } from "./workload.js";

/** Everything that a part of the comparison needs and adds to. */
export class Measuring {
  readonly plan: Plan;
  readonly seed: number;
  readonly cells: Cell[] = [];
  readonly workloads: WorkloadNote[] = [];
  readonly skipped: Skipped[] = [];
  readonly #onProgress: (text: string) => void;
  readonly #signal: AbortSignal | undefined;

  constructor(plan: Plan, seed: number, onProgress: (text: string) => void, signal?: AbortSignal) {
    this.plan = plan;
    this.seed = seed;
    this.#onProgress = onProgress;
    this.#signal = signal;
  }

  /** Notes a workload for the report, once. */
  note(workload: Workload, description: string): void {
    if (this.workloads.some(({ name }) => name === workload.name)) return;
    const { account, share } = busiestAccount(workload);
    const { name, accounts } = workload;
    this.workloads.push({ name, accounts, description, busiest: account, share });
  }

  /** Lists what can't be measured. */
  skip(what: string, why: string): void {
    this.skipped.push({ what, why });
  }

  /**
   * Measures sides against each other: each once without counting, which finds code compiled, caches filled and threads
   * awake, then all of them in turn. Adds a cell for each.
   */
  async sides(title: string, sides: readonly Side[]): Promise<void> {
    const rounds = this.plan.repeats + 1;
    const samples = await inTurn(sides, rounds, (side, round) => {
      this.#signal?.throwIfAborted();
      const turn = round === 0 ? "warming up" : `${round} of ${this.plan.repeats}`;
      this.#onProgress(`${title}: ${side.cell.strategy}, ${turn}`);
      return side.run();
    });
    for (const side of sides) {
      this.cells.push({ ...side.cell, samples: samples.get(side)!.slice(1).map(rounded) });
    }
  }
}

/** Durations to the microsecond: more digits say nothing. */
function rounded(sample: Sample): Sample {
  return { ...sample, durationMs: Math.round(sample.durationMs * 1000) / 1000 };
}

/** One side of a measurement: what its cell says of it, and how to run it once. */
export interface Side {
  readonly cell: Omit<Cell, "samples">;
  readonly run: () => Promise<Sample>;
}
