/** `parallel-ledger reverse`: takes back what a job, or what single transfers have done. */
import { LedgerError } from "../core/errors.js";
import { resultMeaning } from "../core/results.js";
import { openLedgerFor } from "../ledger.js";
import { count, Output, type OutputOptions } from "./output.js";

export interface ReverseArguments extends OutputOptions {
  readonly job?: string;
  readonly transfer?: readonly string[];
}

/** Reverses all or nothing, and says so. Where a transfer can't be taken back, the exit code is 1. */
export async function reverse(path: string, args: ReverseArguments): Promise<void> {
  const { job, transfer: transfers } = args;
  if ((job === undefined) === (transfers === undefined)) {
    throw new LedgerError(
      "invalid_argument",
      "name what to reverse: either --job NAME, or --transfer ID, which may be repeated",
    );
  }
  const output = new Output(args);
  const expected = { mustExist: true, onCallingThread: true };
  const { ledger } = await openLedgerFor(path, { mode: "event-loop" }, expected);
  try {
    const reversal = await ledger.reverse(job === undefined ? { transfers: transfers! } : { job });
    const digest = ledger.digest();
    output.json({ ...reversal, digest });
    if (reversal.refusal !== undefined) {
      process.exitCode = 1;
      const { id, reason } = reversal.refusal;
      output.say(
        `Nothing was reversed: the opposite of transfer '${id}' is refused as ${reason}. ${resultMeaning(reason)}`,
      );
    } else if (reversal.result === "ok") {
      output.say(`Reversed: what ${count(reversal.transfers)} transfers did is taken back.`);
    } else {
      output.say("Nothing was left to reverse.");
    }
    output.say(`  digest  ${digest}`);
  } finally {
    await ledger.close();
  }
}
