/** `parallel-ledger transfer`: what became of one transfer, by its id. */
import { formatAmount } from "../core/assets.js";
import { LedgerError } from "../core/errors.js";
import type { Transfer } from "../core/types.js";
import type { Engine } from "../engine/engine.js";
import { openEngine } from "../engine/open.js";
import { Queries } from "../engine/queries.js";
import { openSqliteStore } from "../stores/sqlite.js";
import { Output, type OutputOptions } from "./output.js";

/** Prints the recorded transfer with this id. */
export async function transfer(path: string, id: string, args: OutputOptions): Promise<void> {
  const output = new Output(args);
  const store = await openSqliteStore(path, { mode: "existing", onCallingThread: true });
  try {
    const engine = await openEngine(store, { mode: "event-loop", workers: 1, capacities: { contexts: 1, chunks: 1 } });
    const found = await new Queries(store, engine).transfer(id);
    if (found === undefined) {
      throw new LedgerError(
        "unknown_transfer",
        `${path} has recorded no transfer '${id}': it was not made, or refused for what it said itself`,
        { details: { path, transfer: id } },
      );
    }
    const fields = fieldsOf(engine, found);
    output.json(fields);
    if (args.json === true) return;
    const width = Math.max(...Object.keys(fields).map((name) => name.length));
    const lines = Object.entries(fields).map(([name, value]) => `${name.padEnd(width)}  ${value}\n`);
    process.stdout.write(lines.join(""));
  } finally {
    await store.close();
  }
}

/** The transfer as it is printed: amounts as decimals, where an account that exists says of what. */
function fieldsOf(engine: Engine, found: Transfer): Record<string, string | number> {
  const { id, result, reason, sequence, timestamp, debit, credit, amount, code, userData, job, row } = found;
  const slot = engine.ids.findAccount(debit) ?? engine.ids.findAccount(credit);
  const asset = slot === undefined ? undefined : engine.assets.get(engine.accounts.asset(slot));
  return {
    id,
    result,
    ...(reason === undefined ? {} : { reason }),
    sequence,
    time: new Date(Number(timestamp / 1_000_000n)).toISOString(),
    debit,
    credit,
    ...(asset === undefined
      ? { amount: amount.toString() }
      : { asset: asset.code, amount: formatAmount(amount, asset.scale) }),
    code,
    userData: userData.toString(),
    ...moreFieldsOf(found),
    ...(job === undefined || row === undefined ? {} : { job, row }),
  };
}

/** What only some transfers have. */
function moreFieldsOf(found: Transfer): Record<string, string | number> {
  const { effectiveDate, timeout, post, void: voided, expectedDebitVersion, expectedCreditVersion } = found;
  const flags = ["linked", "pending", "balancingDebit", "balancingCredit", "closingDebit", "closingCredit"] as const;
  const set = flags.filter((flag) => found[flag] === true);
  return {
    ...(set.length === 0 ? {} : { flags: set.join(" ") }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(post === undefined ? {} : { post }),
    ...(voided === undefined ? {} : { void: voided }),
    ...(effectiveDate === undefined ? {} : { effectiveDate }),
    ...(expectedDebitVersion === undefined ? {} : { expectedDebitVersion }),
    ...(expectedCreditVersion === undefined ? {} : { expectedCreditVersion }),
  };
}
