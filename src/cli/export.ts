/** `parallel-ledger export`: everything that a ledger holds, in files that other tools read. */
import { LedgerError } from "../core/errors.js";
import { openEngine } from "../engine/open.js";
import { exportLedger } from "../interchange/exporting.js";
import { EXPORT_FORMATS, type ExportFormat } from "../interchange/manifest.js";
import { openSqliteStore } from "../stores/sqlite.js";
import { interruptible } from "./interruption.js";
import { count, Output, type OutputOptions, seconds } from "./output.js";

export interface ExportArguments extends OutputOptions {
  readonly to: string;
  readonly format?: string;
}

/** Exports the ledger in the file at `path`, and reports it. */
export async function exportCommand(path: string, args: ExportArguments): Promise<void> {
  const output = new Output(args);
  const format = readFormat(args.format ?? "csv");
  const store = await openSqliteStore(path, { mode: "existing" });
  try {
    output.progress("exporting");
    const engine = await openEngine(store, { mode: "event-loop", workers: 1, capacities: { contexts: 1, chunks: 1 } });
    const { accounts, transfers, digest, durationMs } = await interruptible("nothing was exported", (signal) =>
      exportLedger(engine, store, args.to, {
        ...{ format, signal },
        onProgress: (done) => output.progress(`exporting: ${count(done.transfers)} of ${count(done.totalTransfers)}`),
      }),
    );
    output.endProgress();
    output.json({ accounts, transfers, format, to: args.to, durationMs: Math.round(durationMs), digest });
    output.say(
      `${path} is exported to ${args.to}: ${count(accounts)} accounts and ${count(transfers)} transfers in ` +
        `${seconds(durationMs)}.\n  digest  ${digest}`,
    );
  } finally {
    output.endProgress();
    await store.close();
  }
}

function readFormat(text: string): ExportFormat {
  const format = EXPORT_FORMATS.find((name) => name === text);
  if (format !== undefined) return format;
  throw new LedgerError("invalid_argument", `--format must be one of ${EXPORT_FORMATS.join(", ")}, not '${text}'`);
}
