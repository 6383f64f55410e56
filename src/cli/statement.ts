/** `parallel-ledger statement`: an account's entries, newest first. */
import { formatAmount } from "../core/assets.js";
import { isDate } from "../core/dates.js";
import { LedgerError } from "../core/errors.js";
import type { HistoryEntry, HistoryOptions, HistoryPage } from "../core/types.js";
import { openEngine } from "../engine/open.js";
import { Queries } from "../engine/queries.js";
import { openSqliteStore } from "../stores/sqlite.js";
import { Output, type OutputOptions, table } from "./output.js";

export interface StatementArguments extends OutputOptions {
  readonly limit?: string;
  readonly before?: string;
  readonly from?: string;
  readonly to?: string;
}

const LIMIT_DEFAULT = "25";
/** Entries asked for at a time. */
const PAGE = 10_000;

/** Prints the newest entries of the account with this id, or the newest of those that the options leave. */
export async function statement(path: string, id: string, args: StatementArguments): Promise<void> {
  const output = new Output(args);
  const limit = readLimit(args.limit ?? LIMIT_DEFAULT);
  const bounds: HistoryOptions = {
    ...(args.before === undefined ? {} : { before: readSequence(args.before) }),
    ...(args.from === undefined ? {} : { from: readTime("--from", args.from, 0) }),
    ...(args.to === undefined ? {} : { to: readTime("--to", args.to, DAY_MS - 1) }),
  };
  const store = await openSqliteStore(path, { mode: "existing", onCallingThread: true });
  try {
    const engine = await openEngine(store, { mode: "event-loop", workers: 1, capacities: { contexts: 1, chunks: 1 } });
    const slot = engine.ids.findAccount(id);
    if (slot === undefined) {
      throw new LedgerError("unknown_account", `${path} has no account '${id}'`, { details: { path, account: id } });
    }
    const account = engine.accounts.read(slot);
    const { scale } = engine.assets.get(engine.accounts.asset(slot));
    const { entries, hasMore } = await readEntries(new Queries(store, engine), id, bounds, limit);
    const amount = (value: bigint): string => formatAmount(value, scale);
    const lines = entries.map(({ transfer, direction, counterparty, amount: moved, balance }) => ({
      sequence: transfer.sequence,
      time: new Date(Number(transfer.timestamp / 1_000_000n)).toISOString(),
      id: transfer.id,
      counterparty,
      amount: amount(direction === "credit" ? moved : -moved),
      balance: amount(balance),
      ...(transfer.job === undefined ? {} : { job: transfer.job, row: transfer.row }),
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
    if (hasMore) {
      const asked = Object.keys(bounds).length === 0 ? "entries" : "entries of those asked for";
      process.stdout.write(`\nThe newest ${rows.length} ${asked}; --limit shows more.\n`);
    }
  } finally {
    await store.close();
  }
}

/** Up to `limit` entries, and whether there are more. */
async function readEntries(
  queries: Queries,
  id: string,
  bounds: HistoryOptions,
  limit: number,
): Promise<{ entries: readonly HistoryEntry[]; hasMore: boolean }> {
  const entries: HistoryEntry[] = [];
  let page: HistoryPage | undefined;
  do {
    page = await queries.history(id, {
      ...bounds,
      limit: Math.min(PAGE, limit - entries.length),
      ...(page?.cursor === undefined ? {} : { cursor: page.cursor }),
    });
    entries.push(...page.entries);
  } while (page.cursor !== undefined && entries.length < limit);
  return { entries, hasMore: page.cursor !== undefined };
}

function readLimit(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new LedgerError("invalid_argument", `--limit must be a whole number from 1, not '${text}'`);
}

function readSequence(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new LedgerError("invalid_argument", `--before must be a sequence, not '${text}'`);
}

const DAY_MS = 86_400_000;

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A time as ISO 8601 writes it, in UTC where it names no zone; of a date alone, the moment `intoDayMs` into the day. */
function readTime(option: string, text: string, intoDayMs: number): Date {
  const [isTime, clock, , , zone] = TIME.exec(text) ?? [];
  // Date.parse takes 30 February for 2 March.
  const milliseconds =
    isTime === undefined || !isDate(text.slice(0, 10)) ? Number.NaN : Date.parse(clock && !zone ? `${text}Z` : text);
  if (!Number.isNaN(milliseconds)) return new Date(milliseconds + (clock === undefined ? intoDayMs : 0));
  throw new LedgerError(
    "invalid_argument",
    `${option} must be a date or a time such as 2025-01-31 or 2025-01-31T12:00:00Z, not '${text}'`,
  );
}
