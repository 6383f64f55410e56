/** `parallel-ledger import`: a new ledger from what `export` wrote. */
import { importLedger } from "../interchange/importing.js";
import { interruptible } from "./interruption.js";
import { count, Output, type OutputOptions, seconds } from "./output.js";

export interface ImportArguments extends OutputOptions {
  readonly db: string;
}

/** Makes the ledger that the export at `from` was written from, and reports it. */
export async function importCommand(from: string, args: ImportArguments): Promise<void> {
  const output = new Output(args);
  try {
    output.progress("importing");
    const { accounts, transfers, digest, durationMs } = await interruptible("nothing was imported", (signal) =>
      importLedger(from, args.db, {
        signal,
        onProgress: (done) => output.progress(`importing: ${count(done.transfers)} of ${count(done.totalTransfers)}`),
      }),
    );
    output.endProgress();
    output.json({ accounts, transfers, db: args.db, durationMs: Math.round(durationMs), digest });
    output.say(
      `${args.db} is made of ${from}: ${count(accounts)} accounts, and ${count(transfers)} transfers that end as ` +
        `recorded, in ${seconds(durationMs)}.\n  digest  ${digest}`,
    );
  } finally {
    output.endProgress();
  }
}
