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
}

/** Every client takes the next transfer that nobody has taken, and awaits it before it takes another. */
export async function runBank(bank: Bank, workload: Workload, options: RunBankOptions): Promise<Outcome> {
  const { debits, credits, amounts } = workload;
  let next = 0;
  let ok = 0;
  let refused = 0;
  let conflicts = 0;
  const client = async (): Promise<void> => {
    while (next < options.operations) {
      const i = next++;
      const attempt = await bank.transfer({ debit: debits[i]!, credit: credits[i]!, amount: BigInt(amounts[i]!) });
      if (attempt.result === "ok") ok++;
      else refused++;
      conflicts += attempt.conflicts;
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: options.concurrency }, client));
  return { durationMs: performance.now() - startedMs, ok, refused, conflicts };
}
