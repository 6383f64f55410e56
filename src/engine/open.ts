/** Opening an engine on a store: memory of the right size, the snapshot, and the journal's tail replayed on top. */
import { LedgerError } from "../core/errors.js";
import type { Kernel } from "../core/kernel.js";
import * as layout from "../core/layout.js";
import {
  type Capacities,
  createMemory,
  emptyMemory,
  fitsMemory,
  planMemory,
  TRANSFER_CAPACITY_MAX,
} from "../core/memory.js";
import type { SnapshotDescription, Store, StoreDescription } from "../stores/store.js";
import { Engine, type EngineOptions } from "./engine.js";
import { ACCOUNT_TEXT_MAX } from "./room.js";
import { damageOfDescription, isIdTable, readableSnapshot, restoreSnapshot, type State } from "./snapshot.js";

export interface OpenOptions extends EngineOptions {
  readonly capacities: Partial<Capacities>;
  /** New accounts and transfers that there must be room for where the capacities leave it open. */
  readonly expected?: { readonly accounts?: number; readonly transfers?: number };
  /** Leaves the engine empty: whoever asks for this replays the journal. */
  readonly isEmpty?: boolean;
}

const ACCOUNTS_DEFAULT = 1_000_000;
const TRANSFERS_DEFAULT = 20_000_000;
const PENDINGS_DEFAULT = 1_000_000;
/** Bytes of text that an account's id takes, as a guess where there is no room for the longest. */
const ACCOUNT_TEXT_USUAL = 32;
/** Pairs of transfers whose ids' hash bits are equal that one group of chunks may report. */
const TWINS_MAX = 1024;
const TWINS_SIZE = 8 * (TWINS_MAX + 1);

/** Two transfers whose ids have equal hash bits: the same id twice, or a coincidence. */
export type Twin = readonly [earlier: number, later: number];

/** What a replay found besides the state it built. */
export interface ReplayReport {
  readonly chunks: number;
  readonly transfers: number;
  readonly twins: readonly Twin[];
}

/** Capacities that hold what the store has, and what the caller or the defaults ask for. */
function capacitiesFor(
  store: Store,
  { capacities: asked, expected = {} }: OpenOptions,
  snapshot: SnapshotDescription | undefined,
): Capacities {
  const { accountCount, transferCount, accountTextSize, pendingCount } = store.description;
  const newAccounts = Math.max(ACCOUNTS_DEFAULT, expected.accounts ?? 0);
  const newTransfers = Math.max(TRANSFERS_DEFAULT, expected.transfers ?? 0);
  const accounts = asked.accounts ?? Math.min(layout.ACCOUNT_CAPACITY_MAX, accountCount + newAccounts);
  const transfers = asked.transfers ?? Math.min(TRANSFER_CAPACITY_MAX, transferCount + newTransfers);
  if (accounts < accountCount || transfers < transferCount) {
    throw new LedgerError(
      "capacity_out_of_range",
      `the ledger holds ${accountCount} accounts and ${transferCount} transfers, more than the capacities ` +
        `${accounts} and ${transfers}: open it with larger ones`,
      { details: { accountCount, transferCount, accounts, transfers } },
    );
  }
  const pendings = asked.pendings ?? Math.min(layout.PENDING_CAPACITY_MAX, pendingCount + PENDINGS_DEFAULT);
  if (pendings < pendingCount) {
    throw new LedgerError(
      "capacity_out_of_range",
      `the ledger has ${pendingCount} pending transfers, resolved ones included, more than the capacity ${pendings}: open ` +
        "it with a larger capacity { pendings }",
      { details: { pendingCount, pendings } },
    );
  }
  const withText = (each: number): number => accountTextSize + (accounts - accountCount) * each;
  let capacities: Capacities = { ...asked, accounts, transfers, pendings, accountText: withText(ACCOUNT_TEXT_USUAL) };
  // A snapshot's tables are as large as they were; the partitions must have room for them.
  const largest = Math.max(
    0,
    ...(snapshot?.regions ?? []).filter((region) => isIdTable(region.name)).map((r) => r.byteLength),
  );
  while (planMemory(capacities).idPartitionStride < largest * 1.5 && capacities.transfers < TRANSFER_CAPACITY_MAX) {
    capacities = { ...capacities, transfers: Math.min(TRANSFER_CAPACITY_MAX, capacities.transfers * 2) };
  }
  // Room for the longest ids, where the memory has it: then nothing but the number of accounts can be too large.
  const roomy = { ...capacities, accountText: asked.accountText ?? withText(ACCOUNT_TEXT_MAX) };
  return fitsMemory(roomy) ? roomy : capacities;
}

/**
 * Opens an engine on the store's state: on the snapshot, or where there is none that can be used, on the journal alone.
 * {@link Engine.snapshotDamage} says what was wrong with one. Throws `journal_corrupt` where the journal can't be
 * replayed as recorded.
 */
export async function openEngine(store: Store, options: OpenOptions): Promise<Engine> {
  if (options.isEmpty === true) return startEngine(store, options, undefined);
  const snapshot = readableSnapshot(store.description);
  let damage = damageOfDescription(store.description);
  if (snapshot !== undefined && damage === undefined) {
    try {
      return await replayed(store, await startEngine(store, options, snapshot), snapshot);
    } catch (error) {
      if (!(error instanceof LedgerError && error.code.startsWith("snapshot_"))) throw error;
      damage = error;
    }
  }
  return replayed(store, await startEngine(store, { ...options, snapshotDamage: damage }, undefined), undefined);
}

/**
 * The snapshot's image in a memory of its own, undefined where there is none for this version. Throws
 * `snapshot_corrupt`.
 */
export async function openImage(store: Store, options: OpenOptions): Promise<State | undefined> {
  const damage = damageOfDescription(store.description);
  if (damage !== undefined) throw damage;
  const snapshot = readableSnapshot(store.description);
  return snapshot === undefined ? undefined : startState(store, options, snapshot);
}

/** A memory that holds the snapshot's state, or none. */
async function startState(
  store: Store,
  options: OpenOptions,
  snapshot: SnapshotDescription | undefined,
): Promise<State> {
  const { seedLow, seedHigh } = store.description;
  const plan = planMemory(capacitiesFor(store, options, snapshot));
  const memory = createMemory(plan, { low: seedLow, high: seedHigh });
  await store.attach(memory);
  if (snapshot !== undefined) await restoreSnapshot(store, { memory, plan }, snapshot);
  return { memory, plan };
}

/** An engine on the snapshot's state, or on none. */
async function startEngine(
  store: Store,
  options: OpenOptions,
  snapshot: SnapshotDescription | undefined,
): Promise<Engine> {
  const { memory, plan } = await startState(store, options, snapshot);
  // The pool takes longer to load than all the rest.
  const crew = options.mode === "parallel" ? (await import("./crew.js")).Crew : undefined;
  const engine = new Engine(store, memory, plan, options, crew);
  try {
    // A snapshot has the table of pending transfers; what is found by it is built here.
    engine.kernel.rebuildPendings();
    await engine.ready();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Brings an engine whose memory is ahead of the store back to what the store has, which `description` says. */
export function restoreEngine(store: Store, engine: Engine, description: StoreDescription): Promise<void> {
  return engine.restore(description, async () => {
    const from = await restoreState(store, engine);
    engine.kernel.rebuildPendings();
    await replay(store, engine, from);
  });
}

/** Fills the memory anew from the snapshot, where there is one that can be used; returns the first chunk after it. */
async function restoreState(store: Store, state: State): Promise<number> {
  const { description } = store;
  const seed = { low: description.seedLow, high: description.seedHigh };
  const snapshot = readableSnapshot(description);
  emptyMemory(state.memory, state.plan, seed);
  if (snapshot === undefined || damageOfDescription(description) !== undefined) return 0;
  try {
    await restoreSnapshot(store, state, snapshot);
    return snapshot.chunkCount;
  } catch (error) {
    if (!(error instanceof LedgerError && error.code.startsWith("snapshot_"))) throw error;
    emptyMemory(state.memory, state.plan, seed);
    return 0;
  }
}

/** The engine after replaying what the journal has beyond the snapshot that it was started on. */
async function replayed(store: Store, engine: Engine, snapshot: SnapshotDescription | undefined): Promise<Engine> {
  try {
    const { transfers } = await replay(store, engine, snapshot?.chunkCount ?? 0);
    checkCounts(store, engine, (snapshot?.transferCount ?? 0) + transfers);
    return engine;
  } catch (cause) {
    await engine.close();
    const isJournal = cause instanceof LedgerError && cause.code === "journal_corrupt";
    if (snapshot === undefined || !isJournal) throw cause;
    // Whether the journal is damaged or only contradicts the snapshot, replaying all of it will tell.
    throw new LedgerError("snapshot_differs", `the journal does not continue the snapshot: ${cause.message}`, {
      cause,
    });
  }
}

/** Notes what memory holds after a replay; it must be what the head says. Throws `journal_corrupt`. */
export function checkCounts(store: Store, engine: Engine, transfers: number): void {
  engine.countPendings();
  const { transferCount, accountCount, pendingCount } = store.description;
  const expected = [transferCount, accountCount, pendingCount];
  const found = [transfers, engine.accounts.count, engine.pendingCount];
  if (String(found) === String(expected)) return;
  const text = ([transfers, accounts, pendings]: readonly number[]): string =>
    `${transfers} transfers, of which ${pendings} were pending, and ${accounts} accounts`;
  throw new LedgerError(
    "journal_corrupt",
    `the journal replays to ${text(found)}; expected ${text(expected)}: the file was changed from outside; restore a copy`,
  );
}

/**
 * Replays the journal's chunks from `from` on, up to `to` where it is given. `onChunks` is told how many are done.
 * Throws `journal_corrupt` naming chunk and record.
 */
export async function replay(
  store: Store,
  engine: Engine,
  from: number,
  to: number = Number.POSITIVE_INFINITY,
  onChunks: (chunks: number) => void = () => {},
): Promise<ReplayReport> {
  const { plan, kernel, view } = engine;
  const twinsAddress = plan.exchange + plan.exchangeSize - TWINS_SIZE;
  const range = { address: plan.exchange, byteLength: plan.exchangeSize - TWINS_SIZE };
  const twins: Twin[] = [];
  let chunk = from;
  let transfers = 0;
  while (chunk < to) {
    const group = (await store.readChunks(chunk, range)).filter((stored) => stored.chunk < to);
    if (group.length === 0) break;
    view.setUint32(twinsAddress, 0, true);
    for (const stored of group) {
      const kind = view.getUint16(stored.address + layout.CH_KIND, true);
      if (kind === layout.CHUNK_KIND_TRANSFERS) {
        transfers += view.getUint32(stored.address + layout.CH_RECORD_COUNT, true);
      }
      const wrong = replayChunk(kernel, kind, stored.address, stored.chunk, twinsAddress);
      if (wrong !== 0) {
        throw new LedgerError(
          "journal_corrupt",
          `record ${wrong} of journal chunk ${stored.chunk} does not replay as recorded: the file was changed from ` +
            `outside or holds a bug; restore a copy`,
          { details: { chunk: stored.chunk, record: wrong } },
        );
      }
    }
    const twinCount = Math.min(TWINS_MAX, view.getUint32(twinsAddress, true));
    for (let i = 0; i < twinCount; i++) {
      twins.push([view.getUint32(twinsAddress + 4 + i * 8, true), view.getUint32(twinsAddress + 8 + i * 8, true)]);
    }
    chunk += group.length;
    onChunks(chunk - from);
  }
  return { chunks: chunk - from, transfers, twins };
}

/** Replays one chunk, at `chunk` and of this number in the journal. Returns 0, or the 1-based position of the record that does not end as recorded. */
function replayChunk(kernel: Kernel, kind: number, chunk: number, number: number, twins: number): number {
  if (kind === layout.CHUNK_KIND_ACCOUNTS) return kernel.replayAccounts(chunk, number);
  if (kind === layout.CHUNK_KIND_EXPIRY) return kernel.replayExpiry(chunk) === 0 ? 1 : 0;
  return kernel.replayTransfers(chunk, twins, TWINS_MAX);
}
