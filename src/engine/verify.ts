/** Verifying a ledger: the journal is replayed from nothing, and everything that follows from it is compared. */
import { stateDigest } from "../core/digest.js";
import { LedgerError } from "../core/errors.js";
import { JournalReader } from "../core/journal.js";
import { CHUNK_BUFFER_SIZE } from "../core/layout.js";
import type { SnapshotDescription, Store, StoreDescription } from "../stores/store.js";
import type { Engine } from "./engine.js";
import { checkCounts, type OpenOptions, openEngine, openImage, replay, type Twin } from "./open.js";
import { differingRegion, readableSnapshot, type State } from "./snapshot.js";

/** What was verified. */
export interface VerifyReport {
  readonly transfers: number;
  readonly accounts: number;
  readonly digest: string;
}

/** Room for what the store has, and no more: two memories may be needed at a time. */
function optionsFor({ accountCount, transferCount, pendingCount }: StoreDescription): OpenOptions {
  const capacities = {
    accounts: Math.max(1, accountCount),
    transfers: Math.max(1, transferCount),
    pendings: Math.max(1, pendingCount),
    contexts: 1,
    chunks: 1,
  };
  return { mode: "event-loop", workers: 1, capacities };
}

/**
 * Replays the whole journal and checks checksums and chain, every recorded result, that no id stands twice,
 * conservation per asset, the limits of every account, the history index, names of jobs, that the saved snapshot and the
 * accounts' rows are the state they say they are, and what SQLite itself can check.
 *
 * Throws `journal_corrupt`, `history_differs`, `conservation_broken` or `limit_broken`, saying where; only where there is none of
 * these, `snapshot_corrupt` or `snapshot_differs`, for then nothing is lost; and behind that, `accounts_differ`, or
 * `journal_corrupt` where pages or indexes are damaged that none of this was read by.
 */
export async function verifyStore(store: Store, onProgress: (share: number) => void = () => {}): Promise<VerifyReport> {
  const snapshot = readableSnapshot(store.description);
  const options = optionsFor(store.description);
  const image = await openImage(store, options).catch(damageOf);
  const engine = await openEngine(store, { ...options, isEmpty: true });
  const { chunkCount } = store.description;
  const report = (done: number): void => onProgress(chunkCount === 0 ? 1 : done / chunkCount);
  const first = await replay(store, engine, 0, snapshot?.chunkCount ?? 0, report);
  const damage =
    image instanceof LedgerError || image === undefined || snapshot === undefined
      ? image
      : difference(image, engine, snapshot);
  const rows = damage === undefined && snapshot !== undefined ? await differingAccount(store, engine) : undefined;
  const rest = await replay(store, engine, first.chunks, undefined, (chunks) => report(first.chunks + chunks));
  checkCounts(store, engine, first.transfers + rest.transfers);
  await store.checkNames();
  await checkTwins(store, engine, [...first.twins, ...rest.twins]);
  await checkHistory(store);
  checkBooks(engine);
  if (damage !== undefined) throw damage;
  if (rows !== undefined) throw rows;
  await store.checkStructure();
  return {
    transfers: store.description.transferCount,
    accounts: engine.accounts.count,
    digest: stateDigest(engine.accounts),
  };
}

/** The error, if it is about the snapshot; any other is thrown. */
function damageOf(error: unknown): LedgerError {
  if (error instanceof LedgerError && error.code === "snapshot_corrupt") return error;
  throw error;
}

/** What is wrong with the accounts' rows, which are of the snapshot's moment; or undefined. */
async function differingAccount(store: Store, engine: Engine): Promise<LedgerError | undefined> {
  const { plan, accounts } = engine;
  const tables = { accounts: plan.accounts, accountsCold: plan.accountsCold, accountText: plan.text };
  const slot = await store.differingAccount(tables, accounts.count);
  if (slot === undefined) return undefined;
  const what = slot < accounts.count ? `the row of account '${accounts.id(slot)}' is not` : "there are more rows than";
  return new LedgerError(
    "accounts_differ",
    `${what} what the journal gives. The journal itself is sound: delete the rows (DELETE FROM accounts; DELETE FROM ` +
      "snapshot), and opening and closing the ledger writes them again",
    { details: { slot } },
  );
}

/** What tells the snapshot from the state that the journal replays to after the same chunks. */
function difference(image: State, engine: Engine, snapshot: SnapshotDescription): LedgerError | undefined {
  const digest = stateDigest(engine.accounts);
  const region = differingRegion(image, engine);
  if (region === undefined && digest === snapshot.digest) return undefined;
  const what =
    region === undefined
      ? `has digest ${snapshot.digest}, and the journal replays to ${digest}`
      : `is not the state that the journal replays to: its region '${region}' differs`;
  return new LedgerError(
    "snapshot_differs",
    `the snapshot after chunk ${snapshot.chunkCount} ${what}. The file was changed from outside, or holds a bug; the ` +
      "journal is sound: delete the snapshot's rows, and opening replays it",
    { details: { region, expected: digest, found: snapshot.digest } },
  );
}

/** Pairs of transfers with equal hash bits must have different ids. Throws `journal_corrupt`. */
export async function checkTwins(store: Store, engine: Engine, twins: readonly Twin[]): Promise<void> {
  const reader = new JournalReader(engine.bytes);
  const idOf = async (sequence: number): Promise<string> => {
    const range = { address: engine.plan.exchange, byteLength: CHUNK_BUFFER_SIZE };
    const chunk = await store.readChunkOf(sequence, range);
    if (chunk === undefined) throw new LedgerError("journal_corrupt", `transfer ${sequence} is not in the journal`);
    return reader.id(chunk.address, sequence - reader.firstSequence(chunk.address));
  };
  for (const [earlier, later] of twins) {
    const id = await idOf(earlier);
    if (id !== (await idOf(later))) continue;
    throw new LedgerError("journal_corrupt", `the id '${id}' was recorded twice, as transfers ${earlier} and ${later}`);
  }
}

/** The history index must be what the journal gives, as far as it is there. */
async function checkHistory(store: Store): Promise<void> {
  for (let run = 0; ; run++) {
    const isSound = await store.checkHistory(run);
    if (isSound === undefined) return;
    if (isSound) continue;
    throw new LedgerError(
      "history_differs",
      `run ${run} of the history index is not what the journal gives. The journal itself is sound: delete the index ` +
        "(DELETE FROM history_runs), and it is built again",
      { details: { run } },
    );
  }
}

/** Conservation and limits, account by account. */
function checkBooks(engine: Engine): void {
  const { accounts } = engine;
  const difference = new Map<string, bigint>();
  for (let slot = 0; slot < accounts.count; slot++) {
    const account = accounts.read(slot);
    const own = account.debitsPosted + account.debitsPending - account.creditsPosted - account.creditsPending;
    difference.set(account.asset, (difference.get(account.asset) ?? 0n) + own);
    const owes = account.debitsPosted + account.debitsPending > account.creditsPosted + account.overdraftLimit;
    const isOwed = account.creditsPosted + account.creditsPending > account.debitsPosted;
    if ((account.debitsMustNotExceedCredits && owes) || (account.creditsMustNotExceedDebits && isOwed)) {
      throw new LedgerError(
        "limit_broken",
        `account '${account.id}' has crossed its limit: balance ${account.balance}`,
      );
    }
  }
  for (const [asset, excess] of difference) {
    if (excess !== 0n) {
      throw new LedgerError("conservation_broken", `debits of ${asset} exceed credits by ${excess} minor units`);
    }
  }
}
