/** Opening an engine on a store: memory of the right size, the snapshot, and the journal's tail replayed on top. */
import { stateDigest } from "../core/digest.js";
import { LedgerError } from "../core/errors.js";
import * as layout from "../core/layout.js";
import {
  type Capacities,
  createMemory,
  emptyMemory,
  type MemoryPlan,
  planMemory,
  TRANSFER_CAPACITY_MAX,
} from "../core/memory.js";
import type { MemoryRange, Store, StoreDescription } from "../stores/store.js";
import { Engine, type EngineOptions } from "./engine.js";

export interface OpenOptions extends EngineOptions {
  readonly capacities: Partial<Capacities>;
  /** New accounts and transfers that there must be room for where the capacities leave it open. */
  readonly expected?: { readonly accounts?: number; readonly transfers?: number };
  /** Leaves the engine empty: whoever asks for this replays the journal. */
  readonly isEmpty?: boolean;
}

const ACCOUNTS_DEFAULT = 1_000_000;
const TRANSFERS_DEFAULT = 20_000_000;
/** Pairs of transfers whose ids' hash bits are equal that one group of chunks may report. */
const TWINS_MAX = 1024;
const TWINS_SIZE = 8 * (TWINS_MAX + 1);

type Region = MemoryRange & { readonly name: string };

/** Two transfers whose ids have equal hash bits: the same id twice, or a coincidence. */
export type Twin = readonly [earlier: number, later: number];

/** What a replay found besides the state it built. */
export interface ReplayReport {
  readonly chunks: number;
  readonly twins: readonly Twin[];
}

/** Capacities that hold what the store has, and what the caller or the defaults ask for. */
function capacitiesFor(store: Store, { capacities: asked, expected = {} }: OpenOptions): Capacities {
  const { accountCount, transferCount, accountTextSize, snapshot } = store.description;
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
  const spareText = (accounts - accountCount) * 32;
  let capacities: Capacities = { ...asked, accounts, transfers, accountText: accountTextSize + spareText };
  // A snapshot's tables are as large as they were; the partitions must have room for them.
  const largest = Math.max(
    0,
    ...(snapshot?.regions ?? []).filter((region) => isIdTable(region.name)).map((r) => r.byteLength),
  );
  while (planMemory(capacities).idPartitionStride < largest * 1.5 && capacities.transfers < TRANSFER_CAPACITY_MAX) {
    capacities = { ...capacities, transfers: Math.min(TRANSFER_CAPACITY_MAX, capacities.transfers * 2) };
  }
  return capacities;
}

/** Opens an engine on the store's state. Throws `journal_corrupt` where the journal can't be replayed as recorded. */
export async function openEngine(store: Store, options: OpenOptions): Promise<Engine> {
  const { description } = store;
  const plan = planMemory(capacitiesFor(store, options));
  const memory = createMemory(plan, { low: description.seedLow, high: description.seedHigh });
  await store.attach(memory);
  const engine = new Engine(store, memory, plan, options);
  try {
    await engine.ready();
    if (options.isEmpty !== true) await replay(store, engine, await restoreSnapshot(store, engine));
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Brings an engine whose memory is ahead of the store back to what the store has, which `description` says. */
export function restoreEngine(store: Store, engine: Engine, description: StoreDescription): Promise<void> {
  return engine.restore(description, async () => {
    emptyMemory(engine.memory, engine.plan, { low: description.seedLow, high: description.seedHigh });
    await replay(store, engine, await restoreSnapshot(store, engine));
  });
}

/** Restores the snapshot, where there is one that this version can read; returns the first chunk after it. */
async function restoreSnapshot(store: Store, { plan }: Engine): Promise<number> {
  const { snapshot } = store.description;
  if (snapshot === undefined || snapshot.layoutVersion !== layout.LAYOUT_VERSION) return 0;
  await store.readSnapshot(
    snapshot.regions.map(({ name, byteLength }) => ({ name, byteLength, address: regionAddress(plan, name) })),
  );
  return snapshot.chunkCount;
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
  while (chunk < to) {
    const group = (await store.readChunks(chunk, range)).filter((stored) => stored.chunk < to);
    if (group.length === 0) break;
    view.setUint32(twinsAddress, 0, true);
    for (const stored of group) {
      const isAccounts = view.getUint16(stored.address + layout.CH_KIND, true) === layout.CHUNK_KIND_ACCOUNTS;
      const wrong = isAccounts
        ? kernel.replayAccounts(stored.address)
        : kernel.replayTransfers(stored.address, twinsAddress, TWINS_MAX);
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
  return { chunks: chunk - from, twins };
}

const ID_TABLE = "id-table-";

function isIdTable(name: string): boolean {
  return name.startsWith(ID_TABLE);
}

function regionAddress(plan: MemoryPlan, name: string): number {
  if (isIdTable(name)) return plan.idIndex + Number(name.slice(ID_TABLE.length)) * plan.idPartitionStride;
  switch (name) {
    case "counters":
      return layout.SUPERBLOCK + layout.SB_COUNTERS;
    case "accounts":
      return plan.accounts;
    case "accounts-cold":
      return plan.accountsCold;
    case "account-index":
      return plan.accountIndex;
    case "account-text":
      return plan.text;
    case "id-headers":
      return layout.ID_PARTITION_HEADERS;
    default:
      throw new LedgerError("internal", `a snapshot names the region '${name}', which this version does not know`);
  }
}

/** The regions that make up the state, as far as they are in use. */
function stateRegions(engine: Engine): Region[] {
  const { plan, view } = engine;
  const superblock = (field: number): number => view.getUint32(layout.SUPERBLOCK + field, true);
  const count = engine.accounts.count;
  const sized: [string, number][] = [
    ["counters", layout.SB_COUNTERS_SIZE],
    ["accounts", count * layout.ACCOUNT_SIZE],
    ["accounts-cold", count * layout.ACCOUNT_COLD_SIZE],
    ["account-index", layout.ACCOUNT_INDEX_ENTRY_SIZE * 2 ** superblock(layout.SB_ACCOUNT_INDEX_LOG2)],
    ["account-text", superblock(layout.SB_TEXT_USED)],
    ["id-headers", layout.ID_PARTITIONS * layout.IP_HEADER_SIZE],
  ];
  for (let partition = 0; partition < layout.ID_PARTITIONS; partition++) {
    const header = layout.ID_PARTITION_HEADERS + partition * layout.IP_HEADER_SIZE;
    sized.push([`${ID_TABLE}${partition}`, layout.ID_ENTRY_SIZE * 2 ** view.getUint32(header + layout.IP_LOG2, true)]);
  }
  return sized.map(([name, byteLength]) => ({ name, byteLength, address: regionAddress(plan, name) }));
}

/** Byte length of the snapshot that {@link saveSnapshot} would write. */
export function snapshotSize(engine: Engine): number {
  return stateRegions(engine).reduce((sum, region) => sum + region.byteLength, 0);
}

/** Writes the state to the store, after everything executed so far is on disk; runs alone. */
export function saveSnapshot(engine: Engine, store: Store): Promise<void> {
  return engine.exclusively(async () => {
    await engine.flush();
    await store.writeSnapshot({
      layoutVersion: layout.LAYOUT_VERSION,
      transferCount: engine.transferCount,
      accountCount: engine.accounts.count,
      digest: stateDigest(engine.accounts),
      regions: stateRegions(engine),
      accounts: engine.plan.accounts,
      accountsCold: engine.plan.accountsCold,
      accountText: engine.plan.text,
    });
  });
}
