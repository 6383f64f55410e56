/**
 * The engine's shared memory: planned from the capacities asked for, laid out once, never grown.
 *
 * Reserved but untouched pages cost address space, not memory, so generous capacities are cheap.
 */
import { RESULT_CODE_LIMIT } from "./codes.js";
import { LedgerError } from "./errors.js";
import * as layout from "./layout.js";
import { assertLayout } from "./layout-assertions.js";
import { TRANSFER_RESULTS } from "./results.js";

assertLayout();

/** How much a ledger must hold while it is open. */
export interface Capacities {
  /** Accounts, 1 to 16,000,000. */
  readonly accounts: number;
  /** Transfers that are recorded, all together, 1 to 200,000,000. */
  readonly transfers: number;
  /** Pending transfers ever made, 1 to 16,000,000. Default: 1,000. */
  readonly pendings?: number;
  /** Bytes for account ids longer than 16 bytes that are not UUIDs. Default: 32 an account. */
  readonly accountText?: number;
  /** Bytes of the window that files are read into, 0 where none will be. */
  readonly input?: number;
  /** Batch contexts: how many batches may be filled or executed at a time. */
  readonly contexts?: number;
  /** Chunk buffers: how many slices may await the store. */
  readonly chunks?: number;
}

/** 64-bit halves of the placement seed. */
export interface Seed {
  readonly low: bigint;
  readonly high: bigint;
}

/** Regions of the memory, in bytes. */
export interface MemoryPlan {
  readonly pageCount: number;
  readonly accounts: number;
  readonly accountsCold: number;
  readonly accountCapacity: number;
  readonly accountIndex: number;
  readonly accountIndexSize: number;
  readonly text: number;
  readonly textSize: number;
  readonly pendings: number;
  readonly pendingTexts: number;
  readonly pendingCapacity: number;
  readonly pendingIndex: number;
  readonly expiryQueue: number;
  readonly idIndex: number;
  readonly idPartitionStride: number;
  /** New ids beyond this count are refused. */
  readonly transferCapacity: number;
  readonly contexts: number;
  readonly contextCount: number;
  readonly chunks: number;
  readonly chunkCount: number;
  readonly input: number;
  readonly inputSize: number;
  readonly exchange: number;
  readonly exchangeSize: number;
}

export const TRANSFER_CAPACITY_MAX = 200_000_000;
const PENDINGS_DEFAULT = 1000;
/** Chunks are replayed in groups of this many bytes. */
const EXCHANGE_SIZE = 8 * 1024 * 1024;
/** All bits of a u64. */
const NEVER = (1n << 64n) - 1n;
const MEMORY_SIZE_MAX = 4 * 1024 * 1024 * 1024;

/** Entries of the smallest table of a power of two that holds `count` entries at `divisor` times its count. */
function tableLog2(count: number, divisor: number): number {
  return Math.max(8, Math.ceil(Math.log2(count * divisor)));
}

/** Whether the capacities, which are each within their bounds, fit one memory together. */
export function fitsMemory(capacities: Capacities): boolean {
  const { end } = layOut(capacities);
  return end <= MEMORY_SIZE_MAX;
}

/**
 * Lays the regions out. Throws `capacity_out_of_range` where a capacity is not a whole number within its bounds, and
 * `capacity_too_large` where all of them together exceed the 4 GiB that one memory can have.
 */
export function planMemory(capacities: Capacities): MemoryPlan {
  const { accounts, transfers } = capacities;
  checkCapacity("accounts", accounts, layout.ACCOUNT_CAPACITY_MAX);
  checkCapacity("transfers", transfers, TRANSFER_CAPACITY_MAX);
  checkCapacity("pendings", capacities.pendings ?? PENDINGS_DEFAULT, layout.PENDING_CAPACITY_MAX);
  const { end, regions } = layOut(capacities);
  if (end > MEMORY_SIZE_MAX) {
    throw new LedgerError(
      "capacity_too_large",
      `a ledger for ${accounts} accounts and ${transfers} transfers needs ${Math.ceil(end / 2 ** 20)} MiB of memory, ` +
        `and one memory ends at 4096 MiB: open it with smaller capacities { accounts, transfers, pendings }`,
      { details: { accounts, transfers, byteLength: end } },
    );
  }
  return { pageCount: Math.ceil(end / layout.PAGE_SIZE), ...regions };
}

/** The regions one behind the other, and where they end. */
function layOut(capacities: Capacities): { end: number; regions: Omit<MemoryPlan, "pageCount"> } {
  const { accounts, transfers, pendings = PENDINGS_DEFAULT } = capacities;
  const contextCount = capacities.contexts ?? 3;
  const chunkCount = capacities.chunks ?? 512;
  const accountIndexSize =
    layout.ACCOUNT_INDEX_ENTRY_SIZE * 2 ** tableLog2(accounts, layout.ACCOUNT_INDEX_LOAD_DIVISOR);
  // A table at its largest may become three quarters full; partitions fill unevenly while they are small.
  const idsEach = transfers / layout.ID_PARTITIONS + 6 * Math.sqrt(transfers / layout.ID_PARTITIONS) + 64;
  const idTableSize = layout.ID_ENTRY_SIZE * 2 ** tableLog2(idsEach, 4 / 3);
  let next = layout.REGIONS_START;
  const take = (byteLength: number): number => {
    const address = next;
    next += Math.ceil(byteLength / layout.CACHE_LINE) * layout.CACHE_LINE;
    return address;
  };
  const textSize = Math.max(layout.CACHE_LINE, capacities.accountText ?? accounts * 32) + layout.KIND_TEXT_MAX;
  const inputSize = capacities.input ?? 0;
  const idPartitionStride = idTableSize * 1.5;
  const regions = {
    accountCapacity: accounts,
    accounts: take(accounts * layout.ACCOUNT_SIZE),
    accountsCold: take(accounts * layout.ACCOUNT_COLD_SIZE),
    accountIndexSize,
    accountIndex: take(accountIndexSize),
    textSize,
    text: take(textSize),
    pendingCapacity: pendings,
    pendings: take(pendings * layout.PENDING_SIZE),
    pendingTexts: take(pendings * layout.KIND_TEXT_MAX),
    pendingIndex: take(layout.ACCOUNT_INDEX_ENTRY_SIZE * 2 ** tableLog2(pendings, layout.ACCOUNT_INDEX_LOAD_DIVISOR)),
    expiryQueue: take(pendings * 4),
    transferCapacity: transfers,
    idPartitionStride,
    idIndex: take(idPartitionStride * layout.ID_PARTITIONS),
    contextCount,
    contexts: take(contextCount * layout.CONTEXT_SIZE),
    chunkCount,
    chunks: take(chunkCount * layout.CHUNK_BUFFER_SIZE),
    inputSize,
    input: take(inputSize + layout.CACHE_LINE),
    exchangeSize: EXCHANGE_SIZE,
    exchange: take(EXCHANGE_SIZE),
  };
  return { end: next, regions };
}

function checkCapacity(name: string, value: number, maximum: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > maximum) {
    throw new LedgerError(
      "capacity_out_of_range",
      `the capacity '${name}' must be a whole number from 1 to ${maximum}, not ${value}`,
      { details: { name, value, maximum } },
    );
  }
}

/** Makes and initialises the memory. Throws `out_of_memory` where the system refuses to reserve it. */
export function createMemory(plan: MemoryPlan, seed: Seed): WebAssembly.Memory {
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: plan.pageCount, maximum: plan.pageCount, shared: true });
  } catch (cause) {
    throw new LedgerError(
      "out_of_memory",
      `the system refused to reserve ${plan.pageCount / 16} MiB for the ledger: open it with smaller capacities`,
      { cause },
    );
  }
  initializeMemory(memory, plan, seed);
  return memory;
}

/** Forgets the ledger that the memory holds. Nobody may be using it. */
export function emptyMemory(memory: WebAssembly.Memory, plan: MemoryPlan, seed: Seed): void {
  const bytes = new Uint8Array(memory.buffer);
  const empty = (address: number, byteLength: number): void => void bytes.fill(0, address, address + byteLength);
  const pendings = new DataView(memory.buffer).getUint32(layout.SUPERBLOCK + layout.SB_PENDING_COUNT, true);
  empty(plan.pendingTexts, pendings * layout.KIND_TEXT_MAX);
  empty(layout.SUPERBLOCK + layout.SB_COUNTERS, layout.SB_COUNTERS_SIZE);
  // Tables have their first size again; one that grows fills what it grows into.
  empty(plan.accountIndex, layout.ACCOUNT_INDEX_ENTRY_SIZE * 2 ** layout.ACCOUNT_INDEX_INITIAL_LOG2);
  empty(plan.pendingIndex, layout.ACCOUNT_INDEX_ENTRY_SIZE * 2 ** layout.ACCOUNT_INDEX_INITIAL_LOG2);
  for (let partition = 0; partition < layout.ID_PARTITIONS; partition++) {
    const table = plan.idIndex + partition * plan.idPartitionStride;
    empty(table, layout.ID_ENTRY_SIZE * 2 ** layout.ID_INITIAL_LOG2);
  }
  initializeMemory(memory, plan, seed);
}

/** Writes the superblock and the headers of the tables, which are zero. */
function initializeMemory(memory: WebAssembly.Memory, plan: MemoryPlan, seed: Seed): void {
  const view = new DataView(memory.buffer);
  const set = (field: number, value: number): void => view.setUint32(layout.SUPERBLOCK + field, value, true);
  set(layout.SB_MAGIC, layout.SUPERBLOCK_MAGIC);
  set(layout.SB_VERSION, layout.LAYOUT_VERSION);
  set(layout.SB_PAGE_COUNT, plan.pageCount);
  view.setBigUint64(layout.SUPERBLOCK + layout.SB_SEED_LOW, seed.low, true);
  view.setBigUint64(layout.SUPERBLOCK + layout.SB_SEED_HIGH, seed.high, true);
  set(layout.SB_ACCOUNT_CAPACITY, plan.accountCapacity);
  set(layout.SB_ACCOUNTS, plan.accounts);
  set(layout.SB_ACCOUNTS_COLD, plan.accountsCold);
  set(layout.SB_ACCOUNT_INDEX, plan.accountIndex);
  set(layout.SB_ACCOUNT_INDEX_LOG2, layout.ACCOUNT_INDEX_INITIAL_LOG2);
  set(layout.SB_TEXT, plan.text);
  set(layout.SB_TEXT_SIZE, plan.textSize);
  set(layout.SB_PENDING_CAPACITY, plan.pendingCapacity);
  set(layout.SB_PENDINGS, plan.pendings);
  set(layout.SB_PENDING_TEXTS, plan.pendingTexts);
  set(layout.SB_PENDING_INDEX, plan.pendingIndex);
  set(layout.SB_PENDING_INDEX_LOG2, layout.ACCOUNT_INDEX_INITIAL_LOG2);
  set(layout.SB_EXPIRY_QUEUE, plan.expiryQueue);
  set(layout.SB_EXPIRY_COUNT, 0);
  view.setBigUint64(layout.SUPERBLOCK + layout.SB_NEXT_EXPIRY, NEVER, true);
  set(layout.SB_ID_INDEX, plan.idIndex);
  set(layout.SB_ID_PARTITION_STRIDE, plan.idPartitionStride);
  set(layout.SB_CONTEXTS, plan.contexts);
  set(layout.SB_CONTEXT_COUNT, plan.contextCount);
  set(layout.SB_CHUNKS, plan.chunks);
  set(layout.SB_CHUNK_COUNT, plan.chunkCount);
  set(layout.SB_INPUT, plan.input);
  set(layout.SB_INPUT_SIZE, plan.inputSize);
  set(layout.SB_EXCHANGE, plan.exchange);
  set(layout.SB_EXCHANGE_SIZE, plan.exchangeSize);
  for (let partition = 0; partition < layout.ID_PARTITIONS; partition++) {
    const header = layout.ID_PARTITION_HEADERS + partition * layout.IP_HEADER_SIZE;
    view.setUint32(header + layout.IP_LOG2, layout.ID_INITIAL_LOG2, true);
    view.setUint32(header + layout.IP_COUNT, 0, true);
  }
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(memory.buffer, layout.RESULT_NAMES, RESULT_CODE_LIMIT * layout.RESULT_NAME_STRIDE);
  for (const { number, name } of TRANSFER_RESULTS) {
    const encoded = encoder.encode(name);
    bytes[number * layout.RESULT_NAME_STRIDE] = encoded.length;
    bytes.set(encoded, number * layout.RESULT_NAME_STRIDE + 1);
  }
}

/** Checks that a memory handed over from another thread is laid out as this code expects. */
export function checkMemory(memory: WebAssembly.Memory): void {
  const view = new DataView(memory.buffer);
  const magic = view.getUint32(layout.SUPERBLOCK + layout.SB_MAGIC, true);
  const version = view.getUint32(layout.SUPERBLOCK + layout.SB_VERSION, true);
  if (magic !== layout.SUPERBLOCK_MAGIC) {
    throw new LedgerError("layout_mismatch", `expected a ledger's memory, found the magic number ${magic}`);
  }
  if (version !== layout.LAYOUT_VERSION) {
    throw new LedgerError(
      "layout_mismatch",
      `expected memory of layout version ${layout.LAYOUT_VERSION}, found ${version}: rebuild the package`,
    );
  }
}
