/** Runs the whole comparison. */
import { MEMORY_STRATEGIES } from "../strategies/memory/strategies.js";
import { COMPARISON_FORMAT, type Comparison } from "./comparison.js";
import { measureCoordination, measurePeers } from "./coordination.js";
import { describeMachine } from "./machine.js";
import { Measuring } from "./measuring.js";
import { fullPlan, type Plan, quickPlan } from "./plan.js";

export interface CompareOptions {
  readonly quick: boolean;
  readonly seed: number;
  /** As the user wrote it: the report says it. */
  readonly command: string;
  readonly onProgress?: (text: string) => void;
  /** Ends the comparison before the next repetition. */
  readonly signal?: AbortSignal;
  /** Other sizes than those that `quick` stands for. */
  readonly plan?: Plan;
}

export async function compare(options: CompareOptions): Promise<Comparison> {
  const { quick, seed, command, onProgress = () => {}, signal } = options;
  const machine = describeMachine();
  const plan = options.plan ?? (quick ? quickPlan(machine.cores) : fullPlan(machine.cores));
  const measuring = new Measuring(plan, seed, onProgress, signal);
  const date = new Date().toISOString();
  const startedMs = performance.now();
  await measureCoordination(measuring);
  await measurePeers(measuring);
  const { cells, workloads, skipped } = measuring;
  return {
    format: COMPARISON_FORMAT,
    date,
    command,
    quick,
    seed,
    durationMs: Math.round(performance.now() - startedMs),
    machine,
    servers: {},
    strategies: MEMORY_STRATEGIES.map(({ number: _, isParallel: __, ...strategy }) => strategy),
    workloads,
    cells,
    skipped,
  };
}
