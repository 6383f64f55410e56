/** `parallel-ledger verify`: replays a ledger and checks everything that follows from its journal. */
import { verifyStore } from "../engine/verify.js";
import { openSqliteStore } from "../stores/sqlite.js";
import { count, Output, type OutputOptions, seconds } from "./output.js";

/** Verifies the ledger in the file at `path` and reports it. */
export async function verify(path: string, options: OutputOptions): Promise<void> {
  const output = new Output(options);
  const start = performance.now();
  const store = await openSqliteStore(path, { mode: "existing" });
  try {
    output.progress("verifying");
    const report = await verifyStore(store, (share) => output.progress(`verifying: ${Math.floor(share * 100)} %`));
    output.endProgress();
    output.json({ ok: true, ...report });
    output.say(
      `${path} is sound: ${count(report.transfers)} transfers replayed in ${seconds(performance.now() - start)} end as ` +
        `recorded, ${count(report.accounts)} accounts balance and keep their limits.\n  digest  ${report.digest}`,
    );
  } finally {
    output.endProgress();
    await store.close();
  }
}
