/**
 * The snapshot: an image of the memory that makes opening fast, and nothing more. The journal has everything, so one
 * that can't be used is never in anybody's way.
 *
 * Opening checks that the image is whole, byte for byte as it was written, and that its counters fit each other and
 * the store's description. That it is the state which the journal replays to is checked by `verify`, which replays.
 */
import { AccountTable } from "../core/accounts.js";
import { stateDigest } from "../core/digest.js";
import { LedgerError } from "../core/errors.js";
import * as layout from "../core/layout.js";
import type { MemoryPlan } from "../core/memory.js";
import type { MemoryRange, SnapshotDescription, Store, StoreDescription } from "../stores/store.js";
import type { Engine } from "./engine.js";

/** A memory that holds a ledger's state, or will. */
export interface State {
  readonly memory: WebAssembly.Memory;
  readonly plan: MemoryPlan;
}

type Region = MemoryRange & { readonly name: string };

const ID_TABLE = "id-table-";

export function isIdTable(name: string): boolean {
  return name.startsWith(ID_TABLE);
}

function snapshotCorrupt(reason: string): LedgerError {
  return new LedgerError(
    "snapshot_corrupt",
    `the snapshot can't be used: ${reason}. The journal has everything: opening the ledger replays it instead, and ` +
      "closing it writes the snapshot anew",
  );
}

/** Address and size of the room that a region has in memory; undefined for a name that this version does not know. */
function roomOf(plan: MemoryPlan, name: string): MemoryRange | undefined {
  if (isIdTable(name)) {
    const partition = Number(name.slice(ID_TABLE.length));
    if (!(partition >= 0 && partition < layout.ID_PARTITIONS)) return undefined;
    return { address: plan.idIndex + partition * plan.idPartitionStride, byteLength: plan.idPartitionStride };
  }
  switch (name) {
    case "counters":
      return { address: layout.SUPERBLOCK + layout.SB_COUNTERS, byteLength: layout.SB_COUNTERS_SIZE };
    case "accounts":
      return { address: plan.accounts, byteLength: plan.accountCapacity * layout.ACCOUNT_SIZE };
    case "accounts-cold":
      return { address: plan.accountsCold, byteLength: plan.accountCapacity * layout.ACCOUNT_COLD_SIZE };
    case "account-index":
      return { address: plan.accountIndex, byteLength: plan.accountIndexSize };
    case "account-text":
      return { address: plan.text, byteLength: plan.textSize };
    case "pendings":
      return { address: plan.pendings, byteLength: plan.pendingCapacity * layout.PENDING_SIZE };
    case "pending-texts":
      return { address: plan.pendingTexts, byteLength: plan.pendingCapacity * layout.KIND_TEXT_MAX };
    case "id-headers":
      return { address: layout.ID_PARTITION_HEADERS, byteLength: layout.ID_PARTITIONS * layout.IP_HEADER_SIZE };
    default:
      return undefined;
  }
}

/** The regions that make up the state, as far as they are in use. */
function stateRegions({ memory, plan }: State): Region[] {
  const view = new DataView(memory.buffer);
  const superblock = (field: number): number => view.getUint32(layout.SUPERBLOCK + field, true);
  const count = superblock(layout.SB_ACCOUNT_COUNT);
  const sized: [string, number][] = [
    ["counters", layout.SB_COUNTERS_SIZE],
    ["accounts", count * layout.ACCOUNT_SIZE],
    ["accounts-cold", count * layout.ACCOUNT_COLD_SIZE],
    ["account-index", layout.ACCOUNT_INDEX_ENTRY_SIZE * 2 ** superblock(layout.SB_ACCOUNT_INDEX_LOG2)],
    ["account-text", superblock(layout.SB_TEXT_USED)],
    ["pendings", superblock(layout.SB_PENDING_COUNT) * layout.PENDING_SIZE],
    ["pending-texts", superblock(layout.SB_PENDING_COUNT) * layout.KIND_TEXT_MAX],
    ["id-headers", layout.ID_PARTITIONS * layout.IP_HEADER_SIZE],
  ];
  for (let partition = 0; partition < layout.ID_PARTITIONS; partition++) {
    sized.push([`${ID_TABLE}${partition}`, layout.ID_ENTRY_SIZE * 2 ** idHeader(view, partition, layout.IP_LOG2)]);
  }
  return sized.map(([name, byteLength]) => ({ name, byteLength, address: roomOf(plan, name)!.address }));
}

function idHeader(view: DataView, partition: number, field: number): number {
  return view.getUint32(layout.ID_PARTITION_HEADERS + partition * layout.IP_HEADER_SIZE + field, true);
}

/** Ids in the exactly-once index: one for each recorded transfer. */
function countIds({ memory }: State): number {
  const view = new DataView(memory.buffer);
  let count = 0;
  for (let partition = 0; partition < layout.ID_PARTITIONS; partition++) {
    count += idHeader(view, partition, layout.IP_COUNT);
  }
  return count;
}

/** The snapshot that this version can read, if the store has one. */
export function readableSnapshot({ snapshot }: StoreDescription): SnapshotDescription | undefined {
  return snapshot?.layoutVersion === layout.LAYOUT_VERSION ? snapshot : undefined;
}

/** What is wrong with the snapshot as the store describes it, before anything of it is read. */
export function damageOfDescription(description: StoreDescription): LedgerError | undefined {
  if (description.snapshotDamage !== undefined) return snapshotCorrupt(description.snapshotDamage);
  const snapshot = readableSnapshot(description);
  if (snapshot === undefined) return undefined;
  for (const count of ["chunkCount", "transferCount", "accountCount"] as const) {
    if (!(snapshot[count] >= 0 && snapshot[count] <= description[count])) {
      return snapshotCorrupt(`its ${count} is ${snapshot[count]}, and the journal's is ${description[count]}`);
    }
  }
  const isSize = ({ name, byteLength }: SnapshotDescription["regions"][number]): boolean =>
    typeof name === "string" && Number.isSafeInteger(byteLength) && byteLength >= 0;
  return snapshot.regions.every(isSize) ? undefined : snapshotCorrupt("its list of regions makes no sense");
}

/**
 * Restores the snapshot into a memory that holds nothing yet. Throws `snapshot_corrupt` where it can't be used; what
 * the memory holds is then undefined.
 */
export async function restoreSnapshot(store: Store, state: State, snapshot: SnapshotDescription): Promise<void> {
  const ranges = snapshot.regions.map(({ name, byteLength }) => {
    const room = roomOf(state.plan, name);
    if (room === undefined) throw snapshotCorrupt(`it has a region '${name}', which this version does not know`);
    if (byteLength > room.byteLength) throw snapshotCorrupt(`its region '${name}' is too large: ${byteLength} bytes`);
    return { name, byteLength, address: room.address };
  });
  await store.readSnapshot(ranges);
  const sizes = (regions: readonly Omit<Region, "address">[]): string =>
    JSON.stringify(regions.map(({ name, byteLength }) => [name, byteLength]));
  const accountCount = new AccountTable(state.memory, state.plan, () => "").count;
  const isConsistent =
    sizes(stateRegions(state)) === sizes(snapshot.regions) &&
    accountCount === snapshot.accountCount &&
    countIds(state) === snapshot.transferCount;
  if (!isConsistent) throw snapshotCorrupt("its counters contradict its regions or its description");
}

/** Byte length of the snapshot that {@link saveSnapshot} would write. */
export function snapshotSize(state: State): number {
  return stateRegions(state).reduce((sum, region) => sum + region.byteLength, 0);
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

/** The first region in which two states differ, or undefined. */
export function differingRegion(a: State, b: State): string | undefined {
  const regionsOfB = new Map(stateRegions(b).map((region) => [region.name, region]));
  for (const region of stateRegions(a)) {
    const other = regionsOfB.get(region.name)!;
    const isSame = isIdTable(region.name)
      ? sumOfIds(a, region) === sumOfIds(b, other)
      : region.name === "id-headers" || bytesOf(a, region).equals(bytesOf(b, other));
    if (!isSame) return region.name;
  }
  return undefined;
}

function bytesOf({ memory }: State, { address, byteLength }: MemoryRange): Buffer {
  return Buffer.from(memory.buffer, address, byteLength);
}

/**
 * A sum over the entries of a table of ids, whatever its size: where an entry lies, and how far the table has grown,
 * depends on what came in one batch.
 */
function sumOfIds({ memory }: State, { address, byteLength }: MemoryRange): number {
  const units = new Uint32Array(memory.buffer, address, byteLength / 4);
  let sum = 0;
  for (let i = 0; i < units.length; i += 2) {
    const mixed = Math.imul(units[i]! ^ Math.imul(units[i + 1]!, 0x9e3779b1), 0x85ebca6b);
    sum = (sum + (mixed ^ (mixed >>> 15))) | 0;
  }
  return sum;
}
