/** `parallel-ledger settle`: a settlement job over files. */
import { open, realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { formatAmount, parseAsset } from "../core/assets.js";
import { LedgerError } from "../core/errors.js";
import { type Ledger, type LedgerOptions, openLedgerFor } from "../ledger.js";
import { checkReadable } from "../settlement/input-window.js";
import type { NetSummary } from "../settlement/net.js";
import { expectedInstead } from "../settlement/row-problem.js";
import type { SettleFileOptions, SettleFileSummary } from "../settlement/run-job.js";
import { readColumns } from "./columns.js";
import { count, type ExitCode, Output, type OutputOptions, seconds, table } from "./output.js";

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
  readonly net?: string;
  readonly atomic?: boolean;
  readonly dryRun?: boolean;
  readonly job?: string;
  readonly mode?: string;
  readonly workers?: string;
  readonly createAccounts?: string;
  readonly delimiter?: string;
}

const TRANSFERS_MAX = 150_000_000;
const ACCOUNTS_MAX = 12_000_000;
/** Room below this is not worth asking for less. */
const ROOM_MIN = 1_000_000;
/** Bytes of a file that its rows' length is estimated from. */
const SAMPLE_SIZE = 64 * 1024;
const PROGRESS_MS = 100;
const WORKERS_MAX = 64;

/** Runs the job and reports it; returns the exit code. */
export async function settle(args: SettleArguments): Promise<ExitCode> {
  const output = new Output(args);
  const options = readOptions(args);
  const mode = readMode(args.mode ?? "parallel");
  const workers = readWorkers(args.workers ?? "auto");
  parseAsset(args.asset);
  await checkPaths(args);
  const interrupt = new AbortController();
  const onSignal = (): void =>
    interrupt.abort(new LedgerError("interrupted", `interrupted: ${whatAnInterruptionLeaves(args)}`));
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  const run = async (room: Room): Promise<ExitCode> => {
    const ledger = await openWithRoom(args.db, { mode, workers, dryRun: args.dryRun === true }, room);
    try {
      const summary = await ledger.settleFile({
        ...options,
        signal: interrupt.signal,
        onProgress: showProgress(output),
      });
      const digest = ledger.digest();
      output.endProgress();
      report(output, args, summary, ledger, digest);
      return summary.kept === false ? 1 : 0;
    } finally {
      output.endProgress();
      await ledger.close();
    }
  };
  try {
    return await withEnoughRoom(args, run);
  } finally {
    process.removeListener("SIGINT", onSignal);
    process.removeListener("SIGTERM", onSignal);
  }
}

function whatAnInterruptionLeaves(args: SettleArguments): string {
  if (args.dryRun === true) return "this was a dry run, and nothing of it is kept";
  if (args.atomic === true) return "no row of the job is kept; run the same command again";
  return "what was settled is kept; run the same command again to go on";
}

function readOptions(args: SettleArguments): SettleFileOptions {
  const columns = readColumns("--columns", args.columns, ["debit", "credit", "amount"], ["id", "code", "user-data"]);
  const column = (name: string): string => columns.get(name)!;
  if (args.accountColumns !== undefined && args.accounts === undefined) {
    throw new LedgerError("invalid_argument", "--account-columns needs --accounts FILE");
  }
  const id = columns.get("id");
  const code = columns.get("code");
  const userData = columns.get("user-data");
  return {
    transfers: args.transfers === "-" ? process.stdin : args.transfers,
    columns: {
      debit: column("debit"),
      credit: column("credit"),
      amount: column("amount"),
      ...(id === undefined ? {} : { id }),
      ...(code === undefined ? {} : { code }),
      ...(userData === undefined ? {} : { userData }),
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
    ...(args.net === undefined ? {} : { net: args.net }),
    ...(args.atomic === undefined ? {} : { atomic: args.atomic }),
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
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= WORKERS_MAX) return Number(text);
  throw new LedgerError(
    "invalid_argument",
    `--workers must be auto or a whole number from 1 to ${WORKERS_MAX}, not '${text}'`,
  );
}

function readCreateAccounts(text: string): "limited" | "unlimited" {
  if (text === "limited" || text === "unlimited") return text;
  throw new LedgerError("invalid_argument", `--create-accounts must be limited or unlimited, not '${text}'`);
}

/** Refuses what would be found out only after a ledger was made, and outputs that would overwrite what they come from. */
async function checkPaths(args: SettleArguments): Promise<void> {
  const inputs = [
    ["--transfers", args.transfers === "-" ? undefined : args.transfers],
    ["--accounts", args.accounts],
  ] as const;
  for (const [, path] of inputs) {
    if (path !== undefined) await checkReadable(path);
  }
  const seen = new Map<string, string>();
  const outputs = [
    ["--results", args.results],
    ["--balances", args.balances],
    ["--net", args.net],
  ] as const;
  const named = [["--db", args.db], ...inputs, ...outputs] as const;
  for (const [option, path] of named) {
    if (path === undefined || path === ":memory:") continue;
    const stats = await stat(path).catch(() => undefined);
    // Devices and pipes may well be named twice.
    if (stats !== undefined && !stats.isFile()) continue;
    const target = await realpath(path).catch(() => resolve(path));
    const other = seen.get(target);
    const isInput = option === "--accounts" && other === "--transfers";
    if (other !== undefined && !isInput) {
      throw new LedgerError(
        "invalid_argument",
        `${other} and ${option} both name ${path}: give each a file of its own`,
      );
    }
    seen.set(target, option);
  }
}

/** New accounts and transfers that the ledger should have room for. */
interface Room {
  readonly accounts: number;
  readonly transfers: number;
}

/**
 * How much the files may hold: rows half as long as the first ones at most. Where that is too little, the job stops and
 * goes on when it is run again. A stream may be of any length, and gets the ledger's default.
 */
async function expectedRoom(args: SettleArguments): Promise<Room> {
  const transfers = args.transfers === "-" ? 0 : await estimateRows(args.transfers);
  const accounts = args.accounts === undefined ? 0 : await estimateRows(args.accounts);
  const created = args.createAccounts === undefined ? 0 : 2 * transfers;
  return {
    transfers: Math.min(TRANSFERS_MAX, transfers + accounts),
    accounts: Math.min(ACCOUNTS_MAX, accounts + created),
  };
}

async function estimateRows(path: string): Promise<number> {
  const stats = await stat(path);
  if (!stats.isFile()) return 0;
  const handle = await open(path, "r");
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(SAMPLE_SIZE), 0, SAMPLE_SIZE, 0);
    let lines = 1;
    for (const byte of buffer.subarray(0, bytesRead)) if (byte === 10) lines++;
    return Math.ceil((2 * stats.size * lines) / Math.max(1, bytesRead));
  } finally {
    await handle.close();
  }
}

/** Opens the ledger with that room, or with as much of it as one memory can have beside what the ledger holds. */
async function openWithRoom(path: string, options: LedgerOptions, room: Room): Promise<Ledger> {
  try {
    return await openLedgerFor(path, options, room);
  } catch (error) {
    const isTooLarge = error instanceof LedgerError && error.code === "capacity_too_large";
    const { accounts, transfers } = room;
    if (!isTooLarge || (accounts === 0 && transfers === 0)) throw error;
    const less = (count: number): number => (count < ROOM_MIN ? 0 : Math.floor(count / 2));
    const smaller = accounts > 0 ? { accounts: less(accounts), transfers } : { accounts, transfers: less(transfers) };
    return openWithRoom(path, options, smaller);
  }
}

/**
 * Runs a job with room for what its files may hold. One that keeps nothing where the room is too small would get no
 * further by being run again: it is given twice as much, if it can be read again.
 */
async function withEnoughRoom(args: SettleArguments, run: (room: Room) => Promise<ExitCode>): Promise<ExitCode> {
  const keepsNothing = args.atomic === true || args.dryRun === true;
  let room = await expectedRoom(args);
  let capacityBefore = 0;
  for (;;) {
    try {
      return await run(room);
    } catch (error) {
      if (!(error instanceof LedgerError) || !["accounts_full", "transfers_full"].includes(error.code)) throw error;
      const capacity = Number(error.details.capacity);
      const mayHelp = capacity > capacityBefore && (await isRegularFile(args.transfers));
      if (!keepsNothing || !mayHelp) throw howToGoOn(error, keepsNothing);
      capacityBefore = capacity;
      room = moreRoom(room);
    }
  }
}

function moreRoom({ accounts, transfers }: Room): Room {
  return {
    accounts: Math.min(ACCOUNTS_MAX, 2 * Math.max(ROOM_MIN, accounts)),
    transfers: Math.min(TRANSFERS_MAX, 2 * Math.max(ROOM_MIN, transfers)),
  };
}

async function isRegularFile(path: string): Promise<boolean> {
  return path !== "-" && (await stat(path)).isFile();
}

/** Says what helps on the command line where a job needs more room than was foreseen. */
function howToGoOn(error: LedgerError, keepsNothing: boolean): LedgerError {
  const advice = keepsNothing
    ? "and nothing of it is kept: settle a regular file, whose size says how much room it needs, or several shorter ones"
    : "what was settled is kept, and opening makes room for more: run the same command again to go on";
  return new LedgerError(
    error.code,
    `the job needs more room than the ledger was opened with; ${advice} (${error.message})`,
    { cause: error, details: error.details },
  );
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
  const net = summary.net === undefined ? undefined : netFigures(args, summary.net);
  output.json({
    ...{ transfers, replayed, results, durationMs: rounded, transfersPerSecond, mode, workers, digest },
    ...(net === undefined ? {} : { net }),
    ...(summary.kept === undefined ? {} : { kept: summary.kept }),
    ...(args.dryRun === true ? { dryRun: true } : {}),
  });
  const threads = mode === "event-loop" ? "on the event loop" : `on ${workers} worker${workers === 1 ? "" : "s"}`;
  const source = args.transfers === "-" ? "standard input" : args.transfers;
  output.say(
    `\nSettled ${count(transfers)} rows of ${source} in ${seconds(durationMs)} ${threads}: ` +
      `${count(transfersPerSecond)} rows a second.\n` +
      whatWasKept(args, summary),
  );
  const rows = Object.entries(results).map(([name, rowCount]) => [
    name,
    count(rowCount),
    `${((100 * rowCount) / Math.max(1, transfers)).toFixed(1)} %`,
  ]);
  if (rows.length > 0) output.say(`${table(["result", "rows", "share"], rows, [1, 2])}\n`);
  if (replayed > 0)
    output.say(`${count(replayed)} rows were settled by an earlier run of this job and changed nothing now.`);
  reportProblems(output, source, summary);
  if (net !== undefined) {
    const { accounts, gross, asset, ratio } = net;
    const share = ratio === null ? "" : `, ${(100 * ratio).toFixed(1)} % of it`;
    output.say(`${count(accounts)} accounts moved ${gross} ${asset}; set off, ${net.net} ${asset} are left${share}.\n`);
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
    ["ledger", args.dryRun === true ? `${args.db}, left as it was` : args.db],
    ...(args.results === undefined ? [] : [["results", args.results]]),
    ...(args.balances === undefined ? [] : [["balances", args.balances]]),
    ...(args.net === undefined ? [] : [["net", args.net]]),
    ["digest", digest],
  ];
  output.say(facts.map(([name, value]) => `  ${name!.padEnd(10)}  ${value}`).join("\n"));
}

/** What a dry run and an atomic job say of themselves; nothing for any other. */
function whatWasKept(args: SettleArguments, { kept, transfers, results }: SettleFileSummary): string {
  const isDry = args.dryRun === true;
  const dry = isDry ? `This was a dry run on a copy of ${args.db}: nothing was kept.\n` : "";
  if (kept === undefined) return dry;
  if (kept) return `${dry}All rows ${isDry ? "would be" : "are"} made.\n`;
  const { ok = 0, linked_event_failed: unmade = 0 } = results;
  const refused = transfers - ok - unmade;
  return (
    `${dry}${count(refused)} of ${count(transfers)} rows can't be made, so ${isDry ? "none would be" : "none is"}: ` +
    `${count(unmade)} with which nothing is wrong got linked_event_failed.\n`
  );
}

/** The netting's sums as programs and people read them: amounts as decimals. */
function netFigures(args: SettleArguments, net: NetSummary) {
  const { scale } = parseAsset(args.asset);
  return {
    asset: net.asset,
    accounts: net.accounts,
    gross: formatAmount(net.gross, scale),
    net: formatAmount(net.net, scale),
    ratio: net.ratio ?? null,
  };
}

/** Says where the first rows that could not be read are, and once for each kind what was expected instead. */
function reportProblems(output: Output, source: string, { problems }: SettleFileSummary): void {
  if (problems.length === 0) return;
  const lines = problems.map(
    ({ row, column, result }) =>
      `${source}: row ${row}${column === undefined ? "" : `, column '${column}'`}: ${result}`,
  );
  for (const result of new Set(problems.map((problem) => problem.result))) {
    const expected = expectedInstead(result);
    if (expected !== undefined) lines.push(`  ${result}: ${expected}`);
  }
  output.say(`${lines.join("\n")}\n  These are the first; rows count from 1, the header not included.\n`);
}
