/** `parallel-ledger settle`: a settlement job over files. */
import { stat } from "node:fs/promises";
import { parseAsset } from "../core/assets.js";
import { LedgerError } from "../core/errors.js";
import {
  ACCOUNT_ROLE_NAMES,
  type AccountColumns,
  columnsOfOptions,
  TRANSFER_ROLE_NAMES,
  type TransferColumns,
} from "../settlement/columns.js";
import { type FileFormat, formatOf } from "../settlement/header.js";
import { checkReadable } from "../settlement/input-window.js";
import { checkPaths } from "../settlement/paths.js";
import { discardJob, prepareJob, runPreparedJob, type SettleFileOptions } from "../settlement/run-job.js";
import { readColumns } from "./columns.js";
import { count, type ExitCode, Output, type OutputOptions } from "./output.js";
import { openWithRoom, type Room, withEnoughRoom } from "./room.js";
import { report } from "./settle-report.js";

/** Options as the command line has them. */
export interface SettleArguments extends OutputOptions {
  readonly db: string;
  readonly transfers: string;
  readonly columns?: string;
  readonly format?: string;
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

const STANDARD_INPUT = "/dev/stdin";
const PROGRESS_MS = 100;
const WORKERS_MAX = 64;
/** Bytes of input that one thread has settled before others have started. */
const SMALL_INPUT = 4 * 1024 * 1024;
const REQUIRED_COLUMNS = ["debit", "credit", "amount"];

/** Runs the job and reports it; returns the exit code. */
export async function settle(args: SettleArguments): Promise<ExitCode> {
  const output = new Output(args);
  const options = readOptions(args);
  const asked = { mode: readMode(args.mode ?? "parallel"), workers: readWorkers(args.workers ?? "auto") };
  parseAsset(args.asset);
  await checkFiles(args);
  const isQuick = args.mode === undefined && args.workers === undefined && (await isSmall(args));
  const { mode, workers } = isQuick ? ({ ...asked, mode: "event-loop" } as const) : asked;
  const interrupt = new AbortController();
  const onSignal = (): void =>
    interrupt.abort(new LedgerError("interrupted", `interrupted: ${whatAnInterruptionLeaves(args)}`));
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  const run = async (room: Room): Promise<ExitCode> => {
    // Whatever is wrong with headers and outputs is found before there is a ledger.
    const job = await prepareJob({ ...options, signal: interrupt.signal, onProgress: showProgress(output) });
    const ways = { mode, workers, dryRun: args.dryRun === true };
    const opening = openWithRoom(args.db, ways, isQuick ? { ...room, onCallingThread: true } : room);
    const { ledger, engine, store } = await opening.catch(async (error: unknown) => {
      await discardJob(job);
      throw error;
    });
    try {
      const summary = await runPreparedJob(engine, store, ledger, job);
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

/** Whether all there is to read are regular files that are small together. */
async function isSmall({ transfers, accounts }: SettleArguments): Promise<boolean> {
  if (transfers === "-") return false;
  const files = await Promise.all([transfers, ...(accounts === undefined ? [] : [accounts])].map((path) => stat(path)));
  return files.every((file) => file.isFile()) && files.reduce((sum, { size }) => sum + size, 0) < SMALL_INPUT;
}

function whatAnInterruptionLeaves(args: SettleArguments): string {
  if (args.dryRun === true) return "this was a dry run, and nothing of it is kept";
  if (args.atomic === true) return "no row of the job is kept; run the same command again";
  return "what was settled is kept; run the same command again to go on";
}

function readOptions(args: SettleArguments): SettleFileOptions {
  const format = args.format === undefined ? undefined : readFormat(args.format);
  const columns = readTransferColumns(args, format);
  if (args.accountColumns !== undefined && args.accounts === undefined) {
    throw new LedgerError("invalid_argument", "--account-columns needs --accounts FILE");
  }
  return {
    transfers: args.transfers === "-" ? process.stdin : args.transfers,
    ...(columns === undefined ? {} : { columns }),
    ...(format === undefined ? {} : { format }),
    asset: args.asset,
    ...(args.job === undefined ? {} : { job: args.job }),
    ...(args.accounts === undefined
      ? {}
      : {
          accounts: {
            file: args.accounts,
            ...(args.accountColumns === undefined ? {} : { columns: readAccountColumns(args.accountColumns) }),
          },
        }),
    ...(args.createAccounts === undefined ? {} : { createAccounts: readCreateAccounts(args.createAccounts) }),
    ...(args.delimiter === undefined ? {} : { delimiter: args.delimiter }),
    ...(args.results === undefined ? {} : { results: args.results }),
    ...(args.balances === undefined ? {} : { balances: args.balances }),
    ...(args.net === undefined ? {} : { net: args.net }),
    ...(args.atomic === undefined ? {} : { atomic: args.atomic }),
  };
}

/** The columns that the options name; undefined for those of an NDJSON file that has its own names. */
function readTransferColumns(args: SettleArguments, format: FileFormat | undefined): TransferColumns | undefined {
  if (args.columns === undefined) {
    if (formatOf(args.transfers, format) === "ndjson") return undefined;
    throw new LedgerError("invalid_argument", "--columns is missing: say which header means debit, credit and amount");
  }
  const optional = Object.keys(TRANSFER_ROLE_NAMES).filter((name) => !REQUIRED_COLUMNS.includes(name));
  return columnsOfOptions(readColumns("--columns", args.columns, REQUIRED_COLUMNS, optional));
}

function readFormat(text: string): FileFormat {
  if (text === "csv" || text === "ndjson") return text;
  throw new LedgerError("invalid_argument", `--format must be csv or ndjson, not '${text}'`);
}

function readAccountColumns(text: string): AccountColumns {
  const optional = Object.keys(ACCOUNT_ROLE_NAMES).filter((name) => name !== "id");
  return columnsOfOptions(readColumns("--account-columns", text, ["id"], optional));
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

/** Refuses inputs that can't be read and outputs that would overwrite something, before there is a ledger. */
async function checkFiles(args: SettleArguments): Promise<void> {
  const isStream = args.transfers === "-";
  for (const path of [isStream ? undefined : args.transfers, args.accounts]) {
    if (path !== undefined) await checkReadable(path);
  }
  // Standard input may be a file that the shell has opened.
  const transfers = isStream ? STANDARD_INPUT : args.transfers;
  const { db: ledger, accounts, results, balances, net } = args;
  await checkPaths({ ledger, transfers, accounts, results, balances, net }, (what) =>
    what === "ledger" ? "--db" : `--${what}`,
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
