/** Runs a workload through a bank's own interface: so many clients, each with one transfer under way. */
import type { Bank } from "../strategies/strategy.js";
import type { Workload } from "./workload.js";

/** What came of a run. */
export interface Outcome {
  readonly durationMs: number;
  readonly ok: number;
  readonly refused: number;
  readonly conflicts: number;
}

export interface RunBankOptions {
  /** Transfers under way at once. */
  readonly concurrency: number;
  /** Transfers from the workload's beginning. */
  readonly operations: number;
  /** Gives the next transfer's number, where others take some, too. Default: 0, 1, 2 … */
  readonly next?: () => number;
  /** Asked before each transfer; one that it finds forged is refused. */
  readonly isGenuine?: (i: number) => boolean | Promise<boolean>;
}

/** Every client takes the next transfer that nobody has taken, and awaits it before it takes another. */
export async function runBank(bank: Bank, workload: Workload, options: RunBankOptions): Promise<Outcome> {
  const { debits, credits, amounts } = workload;
  const { operations, concurrency, isGenuine } = options;
  let taken = 0;
  const next = options.next ?? (() => taken++);
  let ok = 0;
  let refused = 0;
  let conflicts = 0;
  const client = async (): Promise<void> => {
    for (let i = next(); i < operations; i = next()) {
      if (isGenuine !== undefined && !(await isGenuine(i))) {
        refused++;
        continue;
      }
      const attempt = await bank.transfer({ debit: debits[i]!, credit: credits[i]!, amount: BigInt(amounts[i]!) });
      if (attempt.result === "ok") ok++;
      else refused++;
      conflicts += attempt.conflicts;
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, client));
  return { durationMs: performance.now() - startedMs, ok, refused, conflicts };
}
