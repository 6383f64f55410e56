/** Taking back what a job or single transfers have done, by transfers of the opposite direction. */
import type { BatchResults } from "../core/batch.js";
import { invalid } from "../core/checks.js";
import { LedgerError } from "../core/errors.js";
import { derivedId, jobOfName } from "../core/job.js";
import {
  KEY_SCRATCH,
  NO_SLOT,
  PE_EXPIRES,
  PE_STATUS,
  PENDING_OPEN,
  PENDING_SIZE,
  PENDING_VOIDED,
  TEXT_SCRATCH,
} from "../core/layout.js";
import type { TransferResultCode } from "../core/results.js";
import type { NewTransfer, Transfer, TransferFilter, TransferPage } from "../core/types.js";
import { makeTogether } from "../engine/chains.js";
import type { Engine } from "../engine/engine.js";
import { candidatesOf } from "../engine/queries.js";
import { checkNames } from "../engine/query-options.js";
import type { Store } from "../stores/store.js";

/** What is to be taken back: all that a job has done, or transfers by their ids. */
export type Reversible =
  | { readonly job: string; readonly transfers?: never }
  | { readonly transfers: readonly string[]; readonly job?: never };

/** What came of taking something back. */
export interface Reversal {
  /** `ok`: all of it was taken back now. `exists`: it was before. `refused`: nothing was, as one of them can't be. */
  readonly result: "ok" | "exists" | "refused";
  /** Transfers that were taken back, now or before; with `refused`, those that should have been. */
  readonly transfers: number;
  /** With `refused`: the transfer that can't be taken back, and why its opposite is refused. */
  readonly refusal?: { readonly id: string; readonly reason: TransferResultCode };
}

/** Where recorded transfers are looked up. */
interface Books {
  transfersById(ids: readonly string[]): Promise<Map<string, Transfer>>;
  transfers(filter: TransferFilter): Promise<TransferPage>;
}

/** Most transfers that a page has. */
const PAGE = 10_000;

interface Leg {
  readonly original: string;
  readonly transfer: NewTransfer;
}

export async function reverse(engine: Engine, store: Store, books: Books, what: Reversible): Promise<Reversal> {
  checkWhat(what);
  const originals = what.job === undefined ? await byIds(books, what.transfers) : await ofJob(store, books, what.job);
  const legs = await legsOf(engine, originals);
  if (legs.length === 0) return { result: "exists", transfers: 0 };
  const parts = await makeTogether(
    engine,
    store,
    // Not linked: whatever else is taken back with it, now or later, each must say the same.
    legs.map(({ transfer }) => transfer),
    (results) => firstRefused(results) === undefined,
  );
  const refused = firstRefused(parts);
  if (refused !== undefined) {
    const refusal = { id: legs[refused.index]!.original, reason: refused.reason };
    return { result: "refused", transfers: legs.length, refusal };
  }
  const isMade = parts.some((results) => results.counts().has("ok"));
  return { result: isMade ? "ok" : "exists", transfers: legs.length };
}

/** Refuses what names nothing: a mistake must not look like something that was taken back before. */
function checkWhat(what: Reversible): void {
  checkNames("reverse", what, ["job", "transfers"]);
  const { job, transfers } = what as { readonly job?: unknown; readonly transfers?: unknown };
  if ((job === undefined) === (transfers === undefined)) throw invalid("reverse needs either a 'job' or 'transfers'");
  if (transfers === undefined) return;
  if (!Array.isArray(transfers) || !transfers.every((id) => typeof id === "string")) {
    throw invalid("'transfers' must be an array of ids of transfers");
  }
}

/** The first leg that is neither made nor was before. */
function firstRefused(
  parts: readonly BatchResults[],
): { readonly index: number; readonly reason: TransferResultCode } | undefined {
  let index = 0;
  for (const results of parts) {
    for (let at = 0; at < results.length; at++, index++) {
      const reason = results.result(at);
      if (reason !== "ok" && reason !== "exists") return { index, reason };
    }
  }
  return undefined;
}

async function byIds(books: Books, ids: readonly string[]): Promise<Transfer[]> {
  const found = await books.transfersById(ids);
  const unknown = ids.find((id) => !found.has(id));
  if (unknown !== undefined) {
    throw new LedgerError("unknown_transfer", `the ledger has no transfer '${unknown}': check the id`, {
      details: { id: unknown },
    });
  }
  return [...found.values()].sort((a, b) => b.sequence - a.sequence);
}

async function ofJob(store: Store, books: Books, job: string): Promise<Transfer[]> {
  const found: Transfer[] = [];
  let cursor: string | undefined;
  do {
    const page = await books.transfers({ job, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const transfer of page.transfers) found.push(transfer);
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (found.length > 0 || (await store.jobName(jobOfName(job).hash)) !== undefined) return found;
  throw new LedgerError("unknown_job", `the ledger has no job '${job}': check its name`, { details: { job } });
}

/** The opposites of those transfers that still have an effect, or had one until they were taken back, in the order given. */
async function legsOf(engine: Engine, originals: readonly Transfer[]): Promise<Leg[]> {
  const legs: Leg[] = [];
  const voidable = await voidableOf(engine, originals);
  for (const { id, result, pending, void: voided, debit, credit, amount, code, userData } of originals) {
    if (result !== "ok" || voided !== undefined) continue;
    const reversal = { id: reversalId(id), code, userData };
    if (pending !== true) {
      legs.push({ original: id, transfer: { ...reversal, debit: credit, credit: debit, amount } });
    } else if (voidable.has(id)) {
      legs.push({ original: id, transfer: { ...reversal, void: id } });
    }
  }
  return legs;
}

/** Ids of the pending transfers of which a void is, or was, the opposite. */
function voidableOf(engine: Engine, originals: readonly Transfer[]): Promise<Set<string>> {
  return engine.exclusively(async () => {
    const clock = engine.timestamp();
    const ids = new Set<string>();
    for (const { id, pending } of originals) {
      if (pending === true && (await isVoidable(engine, id, clock))) ids.add(id);
    }
    return ids;
  });
}

/** Whether a transfer will reserve something when a batch of this clock begins, or did until it was taken back. In a turn. */
async function isVoidable(engine: Engine, id: string, clock: bigint): Promise<boolean> {
  const { ids, kernel, plan, bytes, view } = engine;
  const kind = ids.write(id, KEY_SCRATCH, TEXT_SCRATCH);
  const slot = kernel.findPending(KEY_SCRATCH, kind, TEXT_SCRATCH) >>> 0;
  if (slot === NO_SLOT) return false;
  const at = plan.pendings + slot * PENDING_SIZE;
  const status = bytes[at + PE_STATUS];
  if (status === PENDING_VOIDED) return wasTakenBack(engine, id);
  if (status !== PENDING_OPEN) return false;
  const expires = view.getBigUint64(at + PE_EXPIRES, true);
  return expires === 0n || expires > clock;
}

/** Whether the transfer was taken back before, and not voided otherwise. In a turn. */
async function wasTakenBack(engine: Engine, id: string): Promise<boolean> {
  const reversal = reversalId(id);
  for (const sequence of candidatesOf(engine, reversal)) {
    const recorded = await engine.recorded(sequence);
    if (recorded.id === reversal) return recorded.result === "ok";
  }
  return false;
}

/** Id of the transfer that takes another one back: there is one for ever. */
export function reversalId(id: string): string {
  return derivedId(`reversal\0${id}`);
}
