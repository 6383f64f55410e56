/** Verifying a ledger: the journal is replayed from nothing, and everything that follows from it is compared. */
import { stateDigest } from "../core/digest.js";
import { LedgerError } from "../core/errors.js";
import { JournalReader } from "../core/journal.js";
import { CHUNK_BUFFER_SIZE, LAYOUT_VERSION } from "../core/layout.js";
import type { Store } from "../stores/store.js";
import type { Engine } from "./engine.js";
import { openEngine, replay, type Twin } from "./open.js";

/** What was verified. */
export interface VerifyReport {
  readonly transfers: number;
  readonly accounts: number;
  readonly digest: string;
}

/**
 * Replays the whole journal and checks checksums and chain, every recorded result, that no id stands twice,
 * conservation per asset, the limits of every account, the digest of the saved snapshot, and the history index.
 * Throws `journal_corrupt`, `snapshot_differs`, `history_differs`, `conservation_broken` or `limit_broken`, saying where.
 */
export async function verifyStore(store: Store, onProgress: (share: number) => void = () => {}): Promise<VerifyReport> {
  const engine = await openEngine(store, {
    mode: "event-loop",
    workers: 1,
    capacities: { contexts: 1, chunks: 1 },
    isEmpty: true,
  });
  const { snapshot, chunkCount } = store.description;
  const report = (done: number): void => onProgress(chunkCount === 0 ? 1 : done / chunkCount);
  const twins: Twin[] = [];
  let chunk = 0;
  if (snapshot !== undefined && snapshot.layoutVersion === LAYOUT_VERSION) {
    const first = await replay(store, engine, 0, snapshot.chunkCount, report);
    twins.push(...first.twins);
    chunk = first.chunks;
    const digest = stateDigest(engine.accounts);
    if (digest !== snapshot.digest) {
      throw new LedgerError(
        "snapshot_differs",
        `the snapshot after chunk ${snapshot.chunkCount} has digest ${snapshot.digest}, and the journal replays to ` +
          `${digest}: the file was changed from outside; restore a copy`,
        { details: { expected: digest, found: snapshot.digest } },
      );
    }
  }
  const before = chunk;
  twins.push(...(await replay(store, engine, chunk, undefined, (chunks) => report(before + chunks))).twins);
  await checkTwins(store, engine, twins);
  await checkHistory(store);
  checkBooks(engine);
  return {
    transfers: store.description.transferCount,
    accounts: engine.accounts.count,
    digest: stateDigest(engine.accounts),
  };
}

/** Pairs of transfers with equal hash bits must have different ids. */
async function checkTwins(store: Store, engine: Engine, twins: readonly Twin[]): Promise<void> {
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
