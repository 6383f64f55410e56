/** `parallel-ledger statement`: an account's entries, newest first. */
import { formatAmount } from "../core/assets.js";
import { LedgerError } from "../core/errors.js";
import { openEngine } from "../engine/open.js";
import { type StatementEntry, statementOf } from "../engine/statement.js";
import { openSqliteStore } from "../stores/sqlite.js";
import { Output, type OutputOptions, table } from "./output.js";

export interface StatementArguments extends OutputOptions {
  readonly limit?: string;
}

const LIMIT_DEFAULT = "25";

/** Prints the newest entries of the account with this id. */
export async function statement(path: string, id: string, args: StatementArguments): Promise<void> {
  const output = new Output(args);
  const limit = readLimit(args.limit ?? LIMIT_DEFAULT);
  const store = await openSqliteStore(path, { mode: "existing" });
  try {
    const engine = await openEngine(store, { mode: "event-loop", workers: 1, capacities: { contexts: 1, chunks: 1 } });
    const slot = engine.ids.findAccount(id);
    if (slot === undefined) {
      throw new LedgerError("unknown_account", `${path} has no account '${id}'`, { details: { path, account: id } });
    }
    const account = engine.accounts.read(slot);
    const { scale } = engine.assets.get(engine.accounts.asset(slot));
    const entries: StatementEntry[] = [];
    for await (const entry of statementOf(store, engine, slot)) {
      if (entries.length === limit) break;
      entries.push(entry);
    }
    const jobs = new Map<string, string>();
    for (const { transfer } of entries) {
      if (transfer.job !== undefined && !jobs.has(transfer.job)) {
        jobs.set(transfer.job, (await store.jobName(transfer.job)) ?? transfer.job);
      }
    }
    const amount = (value: bigint): string => formatAmount(value, scale);
    const lines = entries.map(({ transfer, counterparty, amount: moved, balance }) => ({
      sequence: transfer.sequence,
      time: new Date(Number(transfer.timestamp / 1_000_000n)).toISOString(),
      id: transfer.id,
      counterparty,
      amount: amount(moved),
      balance: amount(balance),
      ...(transfer.job === undefined ? {} : { job: jobs.get(transfer.job), row: transfer.row }),
    }));
    output.json({
      id,
      asset: account.asset,
      balance: amount(account.balance),
      version: account.version,
      entries: lines,
    });
    if (args.json === true) return;
    const rows = lines.map((line) => [
      String(line.sequence),
      line.time.replace("T", " ").slice(0, 19),
      line.counterparty,
      line.amount,
      line.balance,
      line.id,
    ]);
    const head = ["sequence", "time (UTC)", "counterparty", "amount", "balance", "transfer"];
    process.stdout.write(`${id}: ${account.asset} ${amount(account.balance)}\n`);
    if (rows.length > 0) process.stdout.write(`\n${table(head, rows, [0, 3, 4])}\n`);
    if (account.version > rows.length) {
      process.stdout.write(`\nThe newest ${rows.length} of ${account.version} entries; --limit shows more.\n`);
    }
  } finally {
    await store.close();
  }
}

function readLimit(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new LedgerError("invalid_argument", `--limit must be a whole number from 1, not '${text}'`);
}
