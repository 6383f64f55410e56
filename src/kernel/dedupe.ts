/** Stage dedupe: every id is looked up, once, by the owner of its partition, in batch order; then numbering. */
import {
  CX_BASE_SEQUENCE,
  CX_ID_PARTITIONS,
  CX_ID_QUEUE,
  CX_ID_STARTS,
  CX_PLAN,
  CX_SERIAL_STEP,
  CX_SLICES_USED,
  CX_STATE,
  DP_CANDIDATES,
  DP_FRESH,
  ID_PARTITIONS,
  ID_STARTS_STRIDE,
  IP_COUNT,
  IP_LOG2,
  PARTITION_ENTRY_SIZE,
  PLAN_SERIAL,
  SC_ENTRY,
  SC_LINK,
  SL_SEQUENCE_BASE,
  STATE_CANDIDATE,
  STATE_DUPLICATE,
  STATE_FRESH,
  STATE_KNOWN,
  STATE_REFUSED,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
} from "../core/layout";
import { recordAddress, scratchAddress, sequenceAddress, sliceCount, sliceEntry, sliceFirst } from "./context";
import {
  entryOf,
  entrySequence,
  entryTag,
  homePosition,
  idPartitionHeader,
  idPartitionOf,
  idPartitionTable,
  idTag,
  queuedHash,
  queuedIndex,
  reserveIds,
  touchHomes,
} from "./exactly-once";
import { equalText, isHashKind } from "./identifiers";

// @ts-ignore: decorator
@inline
function partitionEntry(context: usize, partition: u32): usize {
  return context + CX_ID_PARTITIONS + <usize>partition * PARTITION_ENTRY_SIZE;
}

/** Whether two records of this batch carry exactly the same id. */
function sameId(a: usize, b: usize): bool {
  const kind = load<u8>(a, TR_ID_KIND);
  return (
    load<u64>(a, TR_ID) == load<u64>(b, TR_ID) &&
    load<u64>(a, TR_ID + 8) == load<u64>(b, TR_ID + 8) &&
    kind == load<u8>(b, TR_ID_KIND) &&
    (!isHashKind(kind) || equalText(load<u32>(a, TR_ID_TEXT), load<u32>(b, TR_ID_TEXT), kind))
  );
}

/** What {@link probe} found. */
const SETTLED: u32 = 0;
export const ENTERED: u32 = 1;
export const MUST_CONFIRM: u32 = 2;

/**
 * Looks record `index` up from `start` on: enters it as new, settles it as a duplicate within the batch or as refused,
 * or finds a candidate that must be compared with the journal.
 *
 * A new id is entered with a provisional sequence, which tells later records of this batch where to find it; `number`
 * replaces it by the final one.
 */
// @ts-ignore: decorator
@inline
export function probe(
  context: usize,
  batchBase: u32,
  provisional: u32,
  index: u32,
  table: usize,
  mask: u32,
  tag: u64,
  start: u32,
): u32 {
  let position = start;
  while (true) {
    const at = table + (<usize>position << 3);
    const entry = load<u64>(at);
    if (entry == 0) {
      if (load<u8>(context + index, CX_STATE) != STATE_FRESH) return SETTLED;
      store<u64>(at, entryOf(tag, provisional));
      store<u32>(scratchAddress(context, index), <u32>at, SC_ENTRY);
      return ENTERED;
    }
    if (entryTag(entry) == tag) {
      const sequence = entrySequence(entry);
      if (sequence < batchBase) {
        store<u8>(context + index, STATE_CANDIDATE, CX_STATE);
        store<u32>(scratchAddress(context, index), sequence, SC_LINK);
        store<u32>(scratchAddress(context, index), <u32>at, SC_ENTRY);
        return MUST_CONFIRM;
      }
      const earlier = indexOfSequence(context, batchBase, sequence);
      if (sameId(recordAddress(context, earlier), recordAddress(context, index))) {
        store<u8>(context + index, STATE_DUPLICATE, CX_STATE);
        store<u32>(scratchAddress(context, index), earlier, SC_LINK);
        return SETTLED;
      }
    }
    position = (position + 1) & mask;
  }
}

// @ts-ignore: decorator
@inline
function isSerial(context: usize): bool {
  return (load<u32>(context, CX_PLAN) & PLAN_SERIAL) != 0;
}

/** Provisional sequence of a slice's first record; its others follow without gaps. */
export function provisionalBase(context: usize, slice: u32): u32 {
  return isSerial(context)
    ? load<u32>(sliceEntry(context, slice), SL_SEQUENCE_BASE)
    : <u32>load<u64>(context, CX_BASE_SEQUENCE) + sliceFirst(slice);
}

/** Index of the record of this batch that has this sequence, provisional or final. */
function indexOfSequence(context: usize, batchBase: u32, sequence: u32): u32 {
  if (!isSerial(context)) return sequence - batchBase;
  const current = load<u32>(context, CX_SERIAL_STEP) >> 1;
  let slice = current;
  while (load<u32>(sliceEntry(context, slice), SL_SEQUENCE_BASE) > sequence) slice--;
  let index = sliceFirst(slice) + (sequence - load<u32>(sliceEntry(context, slice), SL_SEQUENCE_BASE));
  if (slice == current) return index;
  // The slice is numbered: each record before this one that got no sequence has moved it back by one.
  while (load<u32>(sequenceAddress(context, index)) != sequence) index++;
  return index;
}

/** Counts ids entered from one slice into one partition. */
export function countEntered(context: usize, partition: u32, slice: u32, entered: u32): void {
  const fresh = partitionEntry(context, partition) + (slice << 1);
  store<u16>(fresh, load<u16>(fresh, DP_FRESH) + entered, DP_FRESH);
  const header = idPartitionHeader(partition);
  store<u32>(header, load<u32>(header, IP_COUNT) + entered, IP_COUNT);
}

/** Dedupes one id partition of the batch. Returns a value of no meaning that keeps the cache warming alive. */
export function dedupe(context: usize, partition: u32): u64 {
  const slices = load<u32>(context, CX_SLICES_USED);
  const own = partitionEntry(context, partition);
  memory.fill(own, 0, PARTITION_ENTRY_SIZE);
  let queued: u32 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) {
    const starts = context + CX_ID_STARTS + <usize>slice * ID_STARTS_STRIDE + (<usize>partition << 1);
    queued += <u32>load<u16>(starts, 2) - <u32>load<u16>(starts);
  }
  if (queued == 0) return 0;
  reserveIds(partition, queued);
  const table = idPartitionTable(partition);
  const log2 = load<u32>(idPartitionHeader(partition), IP_LOG2);
  const mask: u32 = (1 << log2) - 1;
  let warmed: u64 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) {
    const starts = context + CX_ID_STARTS + <usize>slice * ID_STARTS_STRIDE + (<usize>partition << 1);
    const start = load<u16>(starts);
    const queue = context + CX_ID_QUEUE + (<usize>(sliceFirst(slice) + start) << 4);
    warmed |= touchHomes(queue, <u32>load<u16>(starts, 2) - start, table, log2);
  }
  const batchBase = <u32>load<u64>(context, CX_BASE_SEQUENCE);
  let candidates: u32 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) {
    const starts = context + CX_ID_STARTS + <usize>slice * ID_STARTS_STRIDE + (<usize>partition << 1);
    const queue = context + CX_ID_QUEUE + (<usize>sliceFirst(slice) << 4);
    const end = queue + (<usize>load<u16>(starts, 2) << 4);
    let entered: u32 = 0;
    for (let entry = queue + (<usize>load<u16>(starts) << 4); entry < end; entry += 16) {
      const tag = idTag(queuedHash(entry));
      const index = queuedIndex(entry);
      const home = homePosition(tag, log2);
      const found = probe(context, batchBase, batchBase + index, index, table, mask, tag, home);
      entered += <u32>(found == ENTERED);
      candidates += <u32>(found == MUST_CONFIRM);
    }
    countEntered(context, partition, slice, entered);
  }
  store<u32>(own, candidates, DP_CANDIDATES);
  return warmed;
}

/**
 * Dedupes one slice of a serial plan, in which one thread owns every partition; slices come in order. Counts what it
 * enters as the first id partition's. Returns a value of no meaning that keeps the cache warming alive.
 */
export function dedupeSlice(context: usize, slice: u32): u64 {
  const first = sliceFirst(slice);
  const end = first + sliceCount(context, slice);
  const own = partitionEntry(context, 0);
  if (slice == 0) memory.fill(own, 0, ID_PARTITIONS * PARTITION_ENTRY_SIZE);
  const batchBase = <u32>load<u64>(context, CX_BASE_SEQUENCE);
  const sliceBase = batchBase + recordedBefore(context, slice);
  store<u32>(sliceEntry(context, slice), sliceBase, SL_SEQUENCE_BASE);
  reserveForSlice(context, slice, first, end);
  const warmed = touchSlice(context, first, end);
  let entered: u32 = 0;
  let candidates: u32 = 0;
  for (let i = first; i < end; i++) {
    if (load<u8>(context + i, CX_STATE) == STATE_REFUSED) continue;
    const hash = load<u64>(scratchAddress(context, i), SC_LINK);
    const partition = idPartitionOf(hash);
    const header = idPartitionHeader(partition);
    const log2 = load<u32>(header, IP_LOG2);
    const mask: u32 = (1 << log2) - 1;
    const tag = idTag(hash);
    const table = idPartitionTable(partition);
    const found = probe(context, batchBase, sliceBase + (i - first), i, table, mask, tag, homePosition(tag, log2));
    if (found == ENTERED) {
      store<u32>(header, load<u32>(header, IP_COUNT) + 1, IP_COUNT);
      entered++;
    }
    candidates += <u32>(found == MUST_CONFIRM);
  }
  store<u16>(own + (slice << 1), entered, DP_FRESH);
  store<u32>(own, candidates, DP_CANDIDATES);
  return warmed;
}

/** Makes room for the slice's ids, partition by partition, before any entry's address is kept. */
function reserveForSlice(context: usize, slice: u32, first: u32, end: u32): void {
  const counts = context + CX_ID_STARTS + <usize>slice * ID_STARTS_STRIDE;
  memory.fill(counts, 0, ID_STARTS_STRIDE);
  for (let i = first; i < end; i++) {
    if (load<u8>(context + i, CX_STATE) == STATE_REFUSED) continue;
    const count = counts + (<usize>idPartitionOf(load<u64>(scratchAddress(context, i), SC_LINK)) << 1);
    store<u16>(count, load<u16>(count) + 1);
  }
  for (let partition: u32 = 0; partition < <u32>ID_PARTITIONS; partition++) {
    const count = load<u16>(counts + (<usize>partition << 1));
    if (count != 0) reserveIds(partition, count);
  }
}

/** Reads the home entries of the slice's ids. A refused record has no hash, and what its place holds does no harm. */
function touchSlice(context: usize, first: u32, end: u32): u64 {
  let seen: u64 = 0;
  for (let i = first; i < end; i++) {
    const hash = load<u64>(scratchAddress(context, i), SC_LINK);
    const partition = idPartitionOf(hash);
    const home = homePosition(idTag(hash), load<u32>(idPartitionHeader(partition), IP_LOG2));
    seen |= load<u64>(idPartitionTable(partition) + (<usize>home << 3));
  }
  return seen;
}

/** Candidates of the batch after dedupe; in a serial plan, of the slice. */
export function countCandidates(context: usize): u32 {
  let candidates: u32 = 0;
  for (let partition: u32 = 0; partition < <u32>ID_PARTITIONS; partition++) {
    candidates += load<u32>(partitionEntry(context, partition), DP_CANDIDATES);
  }
  return candidates;
}

/**
 * Gives slice `slice`'s new records their final sequences, which have no gaps, and corrects their index entries
 * where the provisional ones had. Runs after every candidate of the batch is settled.
 */
export function number(context: usize, slice: u32): void {
  let sequence = <u32>load<u64>(context, CX_BASE_SEQUENCE) + recordedBefore(context, slice);
  let provisional = provisionalBase(context, slice);
  const first = sliceFirst(slice);
  for (let i = first, end = first + sliceCount(context, slice); i < end; i++, provisional++) {
    const state = load<u8>(context + i, CX_STATE);
    if (state == STATE_FRESH) {
      store<u32>(sequenceAddress(context, i), sequence);
      if (sequence != provisional) {
        const entry: usize = load<u32>(scratchAddress(context, i), SC_ENTRY);
        store<u64>(entry, entryOf(entryTag(load<u64>(entry)), sequence));
      }
      sequence++;
    } else if (state != STATE_KNOWN) {
      store<u32>(sequenceAddress(context, i), 0);
    }
  }
}

/** Records that get a sequence in the slices before `slice`. */
export function recordedBefore(context: usize, slice: u32): u32 {
  let recorded: u32 = 0;
  for (let partition: u32 = 0; partition < <u32>ID_PARTITIONS; partition++) {
    const own = partitionEntry(context, partition);
    for (let before: u32 = 0; before < slice; before++) recorded += load<u16>(own + (before << 1), DP_FRESH);
  }
  return recorded;
}
