/** `parallel-ledger settle`: a settlement job over files. */
import { stat } from "node:fs/promises";
import { LedgerError } from "../core/errors.js";
import { type Ledger, openLedgerFor } from "../ledger.js";
import type { SettleFileOptions, SettleFileSummary } from "../settlement/run-job.js";
import { readColumns } from "./columns.js";
import { count, Output, type OutputOptions, seconds, table } from "./output.js";

/** Options as the command line has them. */
export interface SettleArguments extends OutputOptions {
  readonly db: string;
  readonly transfers: string;
  readonly columns: string;
  readonly asset: string;
  readonly accounts?: string;
  readonly accountColumns?: string;
  readonly results?: string;
  readonly balances?: string;
  readonly job?: string;
  readonly mode?: string;
  readonly workers?: string;
  readonly createAccounts?: string;
  readonly delimiter?: string;
}

/** The shortest row that a file can be full of: two ids, an amount, two delimiters, a line end. */
const ROW_SIZE_MIN = 6;
const ROOM_MAX = 150_000_000;
const PROGRESS_MS = 100;

/** Runs the job and reports it. */
export async function settle(args: SettleArguments): Promise<void> {
  const output = new Output(args);
  const options = readOptions(args);
  const mode = readMode(args.mode ?? "parallel");
  const workers = readWorkers(args.workers ?? "auto");
  const room = await expectedRoom(args);
  const interrupt = new AbortController();
  const onSignal = (): void => {
    interrupt.abort(
      new LedgerError("interrupted", "interrupted: what was settled is kept; run the same command again to go on"),
    );
  };
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  let ledger: Ledger | undefined;
  try {
    ledger = await openLedgerFor(args.db, { mode, workers }, room);
    const summary = await ledger.settleFile({ ...options, signal: interrupt.signal, onProgress: showProgress(output) });
    const digest = ledger.digest();
    output.endProgress();
    report(output, args, summary, ledger, digest);
  } finally {
    output.endProgress();
    process.removeListener("SIGINT", onSignal);
    process.removeListener("SIGTERM", onSignal);
    await ledger?.close();
  }
}

function readOptions(args: SettleArguments): SettleFileOptions {
  const columns = readColumns("--columns", args.columns, ["debit", "credit", "amount"], ["id"]);
  const column = (name: string): string => columns.get(name)!;
  if (args.accountColumns !== undefined && args.accounts === undefined) {
    throw new LedgerError("invalid_argument", "--account-columns needs --accounts FILE");
  }
  const id = columns.get("id");
  return {
    transfers: args.transfers === "-" ? process.stdin : args.transfers,
    columns: {
      debit: column("debit"),
      credit: column("credit"),
      amount: column("amount"),
      ...(id === undefined ? {} : { id }),
    },
    asset: args.asset,
    ...(args.job === undefined ? {} : { job: args.job }),
    ...(args.accounts === undefined
      ? {}
      : { accounts: { file: args.accounts, columns: readAccountColumns(args.accountColumns) } }),
    ...(args.createAccounts === undefined ? {} : { createAccounts: readCreateAccounts(args.createAccounts) }),
    ...(args.delimiter === undefined ? {} : { delimiter: args.delimiter }),
    ...(args.results === undefined ? {} : { results: args.results }),
    ...(args.balances === undefined ? {} : { balances: args.balances }),
  };
}

function readAccountColumns(text = "id=id,opening=opening"): { id: string; opening?: string } {
  const columns = readColumns("--account-columns", text, ["id"], ["opening"]);
  const opening = columns.get("opening");
  return { id: columns.get("id")!, ...(opening === undefined ? {} : { opening }) };
}

function readMode(text: string): "parallel" | "event-loop" {
  if (text === "parallel" || text === "event-loop") return text;
  throw new LedgerError("invalid_argument", `--mode must be parallel or event-loop, not '${text}'`);
}

function readWorkers(text: string): "auto" | number {
  if (text === "auto") return text;
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new LedgerError("invalid_argument", `--workers must be auto or a whole number from 1 to 64, not '${text}'`);
}

function readCreateAccounts(text: string): "limited" | "unlimited" {
  if (text === "limited" || text === "unlimited") return text;
  throw new LedgerError("invalid_argument", `--create-accounts must be limited or unlimited, not '${text}'`);
}

/** How much the files can hold at most. A stream may be of any length, and gets the ledger's default. */
async function expectedRoom(args: SettleArguments): Promise<{ accounts?: number; transfers?: number }> {
  const rowsOf = async (path: string | undefined): Promise<number> => {
    const size = path === undefined || path === "-" ? 0 : ((await stat(path).catch(() => undefined))?.size ?? 0);
    return Math.min(ROOM_MAX, Math.ceil(size / ROW_SIZE_MIN));
  };
  const transfers = await rowsOf(args.transfers);
  const accounts = await rowsOf(args.accounts);
  const created = args.createAccounts === undefined ? 0 : 2 * transfers;
  return { transfers: transfers + accounts, accounts: Math.min(12_000_000, accounts + created) };
}

function showProgress(output: Output): NonNullable<SettleFileOptions["onProgress"]> {
  const start = performance.now();
  let last = 0;
  return ({ rows, bytes, totalBytes }) => {
    const now = performance.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    const share = totalBytes === undefined || totalBytes === 0 ? "" : `${Math.floor((100 * bytes) / totalBytes)} %, `;
    output.progress(
      `settling: ${share}${count(rows)} rows, ${count(Math.round((rows * 1000) / (now - start)))} a second`,
    );
  };
}

function report(
  output: Output,
  args: SettleArguments,
  summary: SettleFileSummary,
  ledger: Ledger,
  digest: string,
): void {
  const { transfers, replayed, results, durationMs } = summary;
  const transfersPerSecond = Math.round((transfers * 1000) / durationMs);
  const { mode, workers } = ledger;
  const rounded = Math.round(durationMs * 1000) / 1000;
  output.json({ transfers, replayed, results, durationMs: rounded, transfersPerSecond, mode, workers, digest });
  const threads = mode === "event-loop" ? "on the event loop" : `on ${workers} worker${workers === 1 ? "" : "s"}`;
  const source = args.transfers === "-" ? "standard input" : args.transfers;
  output.say(
    `\nSettled ${count(transfers)} rows of ${source} in ${seconds(durationMs)} ${threads}: ` +
      `${count(transfersPerSecond)} rows a second.\n`,
  );
  const rows = Object.entries(results).map(([name, rowCount]) => [
    name,
    count(rowCount),
    `${((100 * rowCount) / Math.max(1, transfers)).toFixed(1)} %`,
  ]);
  if (rows.length > 0) output.say(`${table(["result", "rows", "share"], rows, [1, 2])}\n`);
  if (replayed > 0)
    output.say(`${count(replayed)} rows were settled by an earlier run of this job and changed nothing now.`);
  for (const { row, column, result } of summary.problems) {
    output.say(`${source}: row ${row}${column === undefined ? "" : `, column '${column}'`}: ${result}`);
  }
  const facts = [
    ["job", summary.job],
    ["accounts", count(ledger.accountCount)],
    ...(args.accounts === undefined
      ? []
      : [
          [
            `from ${args.accounts}`,
            `${count(summary.accountsCreated)} created, ${count(summary.accountsOpened)} opened`,
          ],
        ]),
    ["ledger", args.db],
    ...(args.results === undefined ? [] : [["results", args.results]]),
    ...(args.balances === undefined ? [] : [["balances", args.balances]]),
    ["digest", digest],
  ];
  output.say(facts.map(([name, value]) => `  ${name!.padEnd(10)}  ${value}`).join("\n"));
}
