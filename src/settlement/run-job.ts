/** A whole settlement job: accounts in, transfers through, results and balances out. */
import type { Readable } from "node:stream";
import { type Asset, parseAsset } from "../core/assets.js";
import { OK } from "../core/codes.js";
import { LedgerError } from "../core/errors.js";
import { type Job, jobOfName } from "../core/job.js";
import * as layout from "../core/layout.js";
import { resultName } from "../core/results.js";
import type { AccountResult, NewAccount, NewTransfer, TransferResult } from "../core/types.js";
import { type AtomicOutcome, atomically, type BatchTarget, inTurn } from "../engine/atomic.js";
import type { Engine } from "../engine/engine.js";
import { checkCallbacks, checkNames } from "../engine/query-options.js";
import type { Store } from "../stores/store.js";
import { applyAccountsFile, checkAccountsHeader } from "./accounts-file.js";
import { writeBalances } from "./balances.js";
import {
  type AccountColumns,
  checkAccountColumns,
  checkTransferColumns,
  defaultAccountColumns,
  defaultTransferColumns,
  type TransferColumns,
  transferColumnNames,
} from "./columns.js";
import { type FileFormat, formatOf, type MappedColumns, takeColumns } from "./header.js";
import { type ByteSource, type FileSource, openFile, openFileToRepeat, openStream } from "./input-window.js";
import { jobNameOfFile, jobOfStream } from "./job.js";
import { NetPositions, type NetSummary } from "./net.js";
import { OutputFile } from "./output.js";
import { checkPaths } from "./paths.js";
import { refusedCounts, refusedResults } from "./refusal.js";
import type { RowProblem } from "./row-problem.js";
import { type FileJob, type FileProgress, type FileSummary, settleFile } from "./settle-file.js";

/** A settlement job over files. */
export interface SettleFileOptions {
  /** CSV file (RFC 4180 with a header line) or NDJSON file (a JSON object a line), or a stream of one. */
  readonly transfers: string | Readable;
  /** What the columns are called. Needed for CSV; default for NDJSON: as here, `debit`, `userData` and so on. */
  readonly columns?: TransferColumns;
  /** Format of both files. Default: `ndjson` for files named `.ndjson` or `.jsonl`, `csv` for any other and for streams. */
  readonly format?: FileFormat;
  /** Asset of the amounts: an ISO 4217 code, or `CODE:SCALE`. */
  readonly asset: string;
  /**
   * Names the job; default: by the file's content. A stream has an id column or a name; without a name, each is a job of
   * its own, so that rows of an earlier run are `exists` and not replayed.
   */
  readonly job?: string;
  /**
   * Accounts, which may not go below zero unless the file says so, with their opening balances. Columns by default: `id` and
   * `opening`; of NDJSON, all that an account has.
   */
  readonly accounts?: { readonly file: string; readonly columns?: AccountColumns };
  /** Creates accounts that only transfers name: `limited` ones may not go below zero. Default: such rows are rejected. */
  readonly createAccounts?: "limited" | "unlimited";
  /** Field delimiter of both files, one ASCII character. Default `,`. */
  readonly delimiter?: string;
  /**
   * Receives `row,id,result,sequence` for every row. An output that would take the place of the ledger, an input or another
   * output is refused.
   */
  readonly results?: string;
  /** Receives every account's closing balance, all of the same moment: other calls wait while they are written. */
  readonly balances?: string;
  /** Receives what each account paid and received in this job, largest net position first. */
  readonly net?: string;
  /**
   * Makes all rows or none, however long the file: where one is not `ok` (now, or as an earlier run of this job recorded
   * it), nothing of the job is kept, no id is used up, and rows that nothing is wrong with get `linked_event_failed`.
   * Accounts that the job creates belong to it; the accounts file is applied before it and stays. Other calls wait until
   * the job is over, and reads show what may not stay. Default: false.
   */
  readonly atomic?: boolean;
  readonly onProgress?: (progress: FileProgress) => void;
  /** Stops between batches; what was executed stays, and the same call resumes. Nothing of an atomic job stays. */
  readonly signal?: AbortSignal;
}

/** What a job did. */
export interface SettleFileSummary {
  /** Name of the job. */
  readonly job: string;
  /** Rows of the transfers file. */
  readonly transfers: number;
  /** Rows whose outcome this same job had recorded before. */
  readonly replayed: number;
  /** Whether an atomic job was kept; undefined for any other. */
  readonly kept?: boolean;
  /** Rows by result, in the order of checks. */
  readonly results: Readonly<Record<string, number>>;
  /** The first rows that could not be read. */
  readonly problems: readonly RowProblem[];
  /** What netting the job comes down to, where `net` asked for it. Opening balances are no part of it. */
  readonly net?: NetSummary;
  /** Accounts that the accounts file created, and opening balances it made. */
  readonly accountsCreated: number;
  readonly accountsOpened: number;
  /** Time of the transfers, from the first row read to the last result on disk. */
  readonly durationMs: number;
}

/** What a job needs of the ledger beside its engine. */
export interface JobTarget {
  createAccounts(accounts: readonly NewAccount[]): Promise<AccountResult[]>;
  createTransfers(transfers: readonly NewTransfer[]): Promise<TransferResult[]>;
}

const JOB_NAME_LENGTH_MAX = 128;
const OPTION_NAMES = [
  ...["transfers", "columns", "format", "asset", "job", "accounts", "createAccounts", "delimiter", "results"],
  ...["balances", "net", "atomic", "onProgress", "signal"],
];

/** A job of which everything is checked that can be without a ledger; its files are open. */
export interface PreparedJob {
  readonly options: SettleFileOptions;
  readonly asset: Asset;
  readonly isAtomic: boolean;
  readonly delimiter: string;
  readonly source: ByteSource | FileSource;
  readonly columns: MappedColumns;
  /** What follows the header in the source. */
  readonly rows: ByteSource;
  readonly results: OutputFile | undefined;
  readonly balances: OutputFile | undefined;
  readonly netFile: OutputFile | undefined;
}

/** Runs the job on the ledger at `ledger`. Everything that can be checked is checked before anything changes. */
export async function runJob(
  engine: Engine,
  store: Store,
  target: JobTarget,
  options: SettleFileOptions,
  ledger: string,
): Promise<SettleFileSummary> {
  const { transfers, accounts, results, balances, net } = options;
  const paths = { ledger, accounts: accounts?.file, results, balances, net };
  await checkPaths({ ...paths, transfers: typeof transfers === "string" ? transfers : undefined }, (what) =>
    what === "ledger" ? "the ledger" : `'${what}'`,
  );
  return runPreparedJob(engine, store, target, await prepareJob(options));
}

/**
 * Checks the options and both files' headers, and begins the files to be written. Whoever calls this runs the job or
 * discards it.
 */
export async function prepareJob(options: SettleFileOptions): Promise<PreparedJob> {
  checkFileOptions(options);
  const asset = parseAsset(options.asset);
  const isAtomic = checkAtomic(options.atomic);
  const delimiter = checkDelimiter(options.delimiter ?? ",");
  checkCreateAccounts(options.createAccounts);
  const outputs: OutputFile[] = [];
  const create = async (path: string | undefined, isHeld = false): Promise<OutputFile | undefined> => {
    if (path === undefined) return undefined;
    const file = await OutputFile.create(path, { isHeld });
    outputs.push(file);
    return file;
  };
  const format = checkFormat(options);
  const names = transferColumnNames(columnsOf(options, format));
  const source = await openTransfers(options);
  try {
    checkJobName(options, names, source);
    const { columns, rows } = await takeColumns(source, { format, delimiter }, names);
    if (options.accounts !== undefined) {
      await checkAccountsHeader({ ...accountsOf(options, options.accounts), delimiter });
    }
    const results = await create(options.results, isAtomic);
    const balances = await create(options.balances);
    const netFile = await create(options.net);
    return { options, asset, isAtomic, delimiter, source, columns, rows, results, balances, netFile };
  } catch (error) {
    for (const output of outputs) await output.discard();
    await source.close();
    throw error;
  }
}

/** Gives up a job that was prepared: leaves nothing behind. */
export async function discardJob({ source, results, balances, netFile }: PreparedJob): Promise<void> {
  for (const output of [results, balances, netFile]) await output?.discard();
  await source.close();
}

/** Runs a job that was prepared, and closes its files. */
export async function runPreparedJob(
  engine: Engine,
  store: Store,
  target: JobTarget,
  prepared: PreparedJob,
): Promise<SettleFileSummary> {
  const { options, asset, isAtomic, delimiter, source, columns, rows, results, balances, netFile } = prepared;
  try {
    const job = await nameJob(options, source);
    const number = engine.assets.register(asset);
    const applied = await applyAccounts(engine, target, options, { ...asset, number }, delimiter);
    const net = new NetPositions(engine);
    const netBefore = new NetPositions(engine, { isReplayedOnly: true });
    const start = performance.now();
    const file = {
      source: rows,
      columns,
      delimiter,
      asset: number,
      job,
      createFlags: createFlags(options.createAccounts),
      results,
      net: netFile === undefined ? [] : isAtomic ? [net, netBefore] : [net],
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
    const summary = isAtomic
      ? await settleAtomically(engine, store, file, results)
      : { ...(await settleInTurn(engine, store, file)), isKept: true };
    await results?.finish();
    const durationMs = performance.now() - start;
    if (balances !== undefined) await writeBalances(engine, balances);
    await balances?.finish();
    const netting = summary.isKept ? net : netBefore;
    const netSummary = netFile === undefined ? undefined : await netting.write(netFile, engine.assets, number);
    await netFile?.finish();
    await source.close();
    return {
      job: job.name,
      transfers: summary.rows,
      replayed: summary.replayed,
      ...(isAtomic ? { kept: summary.isKept } : {}),
      results: resultsByName(summary.counts),
      problems: summary.problems,
      ...(netSummary === undefined ? {} : { net: netSummary }),
      accountsCreated: applied.created,
      accountsOpened: applied.opened,
      durationMs,
    };
  } catch (error) {
    await discardJob(prepared);
    throw error;
  }
}

/** Settles row by row, and leaves room for other calls between batches. */
async function settleInTurn(
  engine: Engine,
  store: Store,
  file: Omit<FileJob, "target" | "takeTurn">,
): Promise<FileSummary> {
  try {
    return await settleFile(engine, store, { ...file, target: engine, takeTurn: (action) => inTurn(engine, action) });
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== "input_changed") throw error;
    const { name } = file.job;
    throw new LedgerError(
      error.code,
      `${error.message}, and name the job '${name}' then: rows settled before belong to it, and would be settled again ` +
        "by a job of another name",
      { cause: error, details: { ...error.details, job: name } },
    );
  }
}

/** Settles all rows or none; `results` then says so. */
async function settleAtomically(
  engine: Engine,
  store: Store,
  file: Omit<FileJob, "target" | "takeTurn">,
  results: OutputFile | undefined,
): Promise<FileSummary & AtomicOutcome> {
  let lastSequence = 0;
  const summary = await atomically(engine, store, async (target: BatchTarget) => {
    lastSequence = engine.transferCount;
    const settled = await settleFile(engine, store, { ...file, target, takeTurn: (action) => action(target) });
    return { ...settled, isKept: settled.counts[OK] === settled.rows };
  });
  if (summary.isKept) return summary;
  await results?.rewrite(refusedResults(lastSequence));
  return { ...summary, counts: refusedCounts(summary.counts, summary.made) };
}

/** Counts by name, in the order of the results' numbers. */
function resultsByName(counts: readonly number[]): Record<string, number> {
  return Object.fromEntries(
    counts.flatMap((count, number): [string, number][] => (count > 0 ? [[resultName(number), count]] : [])),
  );
}

async function applyAccounts(
  engine: Engine,
  target: JobTarget,
  options: SettleFileOptions,
  asset: Asset & { readonly number: number },
  delimiter: string,
): Promise<{ created: number; opened: number }> {
  const { accounts } = options;
  if (accounts === undefined) return { created: 0, opened: 0 };
  const source = await openFileToRepeat(accounts.file);
  try {
    return await applyAccountsFile(engine, target, {
      source,
      ...accountsOf(options, accounts),
      delimiter,
      asset,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } finally {
    await source.close();
  }
}

async function openTransfers({ transfers, signal }: SettleFileOptions): Promise<ByteSource | FileSource> {
  return typeof transfers === "string" ? openFile(transfers) : openStream(transfers, "standard input", signal);
}

/** The format of the transfers file. */
function checkFormat({ format, transfers }: SettleFileOptions): FileFormat {
  if (format !== undefined && format !== "csv" && format !== "ndjson") {
    throw new LedgerError("invalid_argument", `the format must be csv or ndjson, not '${String(format)}'`);
  }
  return formatOf(typeof transfers === "string" ? transfers : undefined, format);
}

/** The accounts file, with what the options leave open. */
function accountsOf(
  options: SettleFileOptions,
  { file, columns }: NonNullable<SettleFileOptions["accounts"]>,
): { file: string; format: FileFormat; columns: AccountColumns } {
  const format = formatOf(file, options.format);
  return { file, format, columns: columns ?? defaultAccountColumns(format) };
}

function columnsOf({ columns }: SettleFileOptions, format: FileFormat): TransferColumns {
  if (columns !== undefined) return columns;
  if (format === "ndjson") return defaultTransferColumns();
  throw new LedgerError(
    "invalid_argument",
    "a CSV file of transfers needs columns: say which header means debit, credit and amount",
  );
}

/** A misspelt name must not be taken for one that was left out. */
/** What can be said of the options before anything is opened. */
export function checkFileOptions(options: SettleFileOptions): void {
  checkNames("settleFile", options, OPTION_NAMES);
  checkCallbacks("settleFile", options, ["onProgress"]);
  const { columns, accounts } = options;
  if (columns !== undefined) checkTransferColumns(columns);
  if (accounts === undefined) return;
  checkNames("'accounts'", accounts, ["file", "columns"]);
  if (accounts.columns !== undefined) checkAccountColumns(accounts.columns);
}

function checkJobName({ job }: SettleFileOptions, names: ReadonlyMap<number, string>, source: ByteSource): void {
  if (job !== undefined) {
    // Names are told apart by their bytes, of which half a surrogate pair has none.
    if (typeof job !== "string" || !job.isWellFormed()) {
      throw new LedgerError("invalid_argument", `a job's name must be a string of Unicode, not ${JSON.stringify(job)}`);
    }
    const byteLength = Buffer.byteLength(job);
    if (byteLength > 0 && byteLength <= JOB_NAME_LENGTH_MAX) return;
    throw new LedgerError(
      "invalid_argument",
      `a job's name takes 1 to ${JOB_NAME_LENGTH_MAX} bytes, not ${byteLength}`,
    );
  }
  // The length of a stream is not known, nor that of a pipe with a path, which can't be read twice either.
  if (names.has(layout.ROLE_ID) || source.byteLength !== undefined) return;
  throw new LedgerError(
    "invalid_argument",
    "a stream of transfers needs an id column or a job's name: otherwise a second run would pay everything twice",
  );
}

async function nameJob({ job }: SettleFileOptions, source: ByteSource | FileSource): Promise<Job> {
  if (job !== undefined) return jobOfName(job);
  return "again" in source ? jobOfName(await jobNameOfFile(source)) : jobOfStream();
}

function checkDelimiter(delimiter: string): string {
  if (delimiter.length === 1 && delimiter.charCodeAt(0) < 128 && !['"', "\r", "\n", "\0"].includes(delimiter)) {
    return delimiter;
  }
  throw new LedgerError(
    "invalid_argument",
    `the delimiter must be one ASCII character other than a quote or a line break, not ${JSON.stringify(delimiter)}`,
  );
}

function checkCreateAccounts(create: string | undefined): void {
  if (create === undefined || create === "limited" || create === "unlimited") return;
  throw new LedgerError("invalid_argument", `createAccounts must be 'limited' or 'unlimited', not '${create}'`);
}

function checkAtomic(atomic: unknown = false): boolean {
  if (typeof atomic === "boolean") return atomic;
  throw new LedgerError("invalid_argument", `atomic must be true or false, not '${String(atomic)}'`);
}

function createFlags(create: "limited" | "unlimited" | undefined): number | undefined {
  if (create === undefined) return undefined;
  return create === "limited" ? layout.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS : 0;
}
