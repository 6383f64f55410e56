/** Stage dedupe: every id is looked up, once, by the owner of its partition, in batch order; then numbering. */
import {
  CX_BASE_SEQUENCE,
  CX_ID_PARTITIONS,
  CX_ID_QUEUE,
  CX_ID_STARTS,
  CX_PLAN,
  CX_REPEATED,
  CX_SLICES_USED,
  CX_STATE,
  DP_CANDIDATES,
  DP_FRESH,
  ID_PARTITIONS,
  ID_STARTS_STRIDE,
  IP_COUNT,
  IP_LOG2,
  PARTITION_ENTRY_SIZE,
  PLAN_ORDERED,
  SB_NEXT_SEQUENCE,
  SC_ENTRY,
  SC_LINK,
  SLICE_CAPACITY_LOG2,
  STATE_CANDIDATE,
  STATE_DUPLICATE,
  STATE_FRESH,
  STATE_KNOWN,
  SUPERBLOCK,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
} from "../core/layout";
import { recordAddress, scratchAddress, sequenceAddress, sliceCount, sliceFirst } from "./context";
import {
  entryOf,
  entrySequence,
  entryTag,
  homePosition,
  idPartitionHeader,
  idPartitionOf,
  idPartitionTable,
  idTag,
  placeInBucket,
  reserveIds,
  touchHomes,
} from "./exactly-once";
import { equalIds, placementHash } from "./identifiers";

// @ts-ignore: decorator
@inline
function partitionEntry(context: usize, partition: u32): usize {
  return context + CX_ID_PARTITIONS + <usize>partition * PARTITION_ENTRY_SIZE;
}

/** Whether two records of this batch carry exactly the same id. */
function sameId(a: usize, b: usize): bool {
  return equalIds(
    a + TR_ID,
    load<u8>(a, TR_ID_KIND),
    load<u32>(a, TR_ID_TEXT),
    b + TR_ID,
    load<u8>(b, TR_ID_KIND),
    load<u32>(b, TR_ID_TEXT),
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
 * A new id is entered with a provisional sequence, the base plus the record's index, which tells later records of this
 * batch where to find it; `number` replaces it by the final one.
 */
export function probe(
  context: usize,
  base: u32,
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
      enter(context, base, index, tag, at);
      return ENTERED;
    }
    if (entryTag(entry) == tag) {
      const sequence = entrySequence(entry);
      if (sequence < base) {
        store<u8>(context + index, STATE_CANDIDATE, CX_STATE);
        store<u32>(scratchAddress(context, index), sequence, SC_LINK);
        store<u32>(scratchAddress(context, index), <u32>at, SC_ENTRY);
        return MUST_CONFIRM;
      }
      const earlier = sequence - base;
      if (sameId(recordAddress(context, earlier), recordAddress(context, index))) {
        store<u8>(context + index, STATE_DUPLICATE, CX_STATE);
        store<u32>(scratchAddress(context, index), earlier, SC_LINK);
        if ((load<u32>(context, CX_PLAN) & PLAN_ORDERED) != 0) store<u8>(context + earlier, 1, CX_REPEATED);
        return SETTLED;
      }
    }
    position = (position + 1) & mask;
  }
}

/** Enters the id of record `index` at `at`. */
// @ts-ignore: decorator
@inline
function enter(context: usize, base: u32, index: u32, tag: u64, at: usize): void {
  store<u64>(at, entryOf(tag, base + index));
  store<u32>(scratchAddress(context, index), <u32>at, SC_ENTRY);
}

/**
 * Takes the id of a record that is not recorded after all out of the index, or leaves it to the record `heir` that
 * repeats it, if that is not -1. Records behind them are not numbered yet, so their entries say who they are.
 */
export function withdrawId(context: usize, index: u32, heir: i32): void {
  const record = recordAddress(context, index);
  const hash = placementHash(load<u64>(record, TR_ID), load<u64>(record, TR_ID + 8), load<u8>(record, TR_ID_KIND));
  const partition = idPartitionOf(hash);
  const base = <u32>load<u64>(context, CX_BASE_SEQUENCE);
  const at: usize = load<u32>(scratchAddress(context, index), SC_ENTRY);
  countEntered(context, partition, index >> SLICE_CAPACITY_LOG2, -1);
  if (heir >= 0) {
    store<u64>(at, entryOf(idTag(hash), base + <u32>heir));
    store<u32>(scratchAddress(context, heir), <u32>at, SC_ENTRY);
    countEntered(context, partition, <u32>heir >> SLICE_CAPACITY_LOG2, 1);
    return;
  }
  const log2 = load<u32>(idPartitionHeader(partition), IP_LOG2);
  const table = idPartitionTable(partition);
  const mask: u32 = (1 << log2) - 1;
  let hole = <u32>((at - table) >> 3);
  // Entries behind it that were pushed aside move up, so that no search ends too early.
  for (let next = (hole + 1) & mask; ; next = (next + 1) & mask) {
    const entry = load<u64>(table + (<usize>next << 3));
    if (entry == 0) break;
    const home = homePosition(entry, log2);
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    const to = table + (<usize>hole << 3);
    store<u64>(to, entry);
    const sequence = entrySequence(entry);
    if (sequence >= base) store<u32>(scratchAddress(context, sequence - base), <u32>to, SC_ENTRY);
    hole = next;
  }
  store<u64>(table + (<usize>hole << 3), 0);
}

/** Counts ids entered from one slice into one partition. */
export function countEntered(context: usize, partition: u32, slice: u32, entered: i32): void {
  const fresh = partitionEntry(context, partition) + (slice << 1);
  store<u16>(fresh, load<u16>(fresh, DP_FRESH) + entered, DP_FRESH);
  const header = idPartitionHeader(partition);
  store<u32>(header, load<u32>(header, IP_COUNT) + entered, IP_COUNT);
}

/** Where the slice's queue of ids for this partition begins, and that for the partition before ends. */
// @ts-ignore: decorator
@inline
function queueStart(context: usize, slice: u32, partition: u32): usize {
  const start = load<u16>(context + CX_ID_STARTS + <usize>slice * ID_STARTS_STRIDE + (<usize>partition << 1));
  return context + CX_ID_QUEUE + (<usize>(sliceFirst(slice) + start) << 3);
}

/** Dedupes one id partition of the batch. Returns a value of no meaning that keeps the cache warming alive. */
export function dedupe(context: usize, partition: u32): u64 {
  const slices = load<u32>(context, CX_SLICES_USED);
  const own = partitionEntry(context, partition);
  memory.fill(own, 0, PARTITION_ENTRY_SIZE);
  let queued: u32 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) {
    queued += <u32>(queueStart(context, slice, partition + 1) - queueStart(context, slice, partition)) >> 3;
  }
  if (queued == 0) return 0;
  reserveIds(partition, queued);
  const table = idPartitionTable(partition);
  const log2 = load<u32>(idPartitionHeader(partition), IP_LOG2);
  const mask: u32 = (1 << log2) - 1;
  let warmed: u64 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) {
    const from = queueStart(context, slice, partition);
    warmed |= touchHomes(from, queueStart(context, slice, partition + 1), table, log2);
  }
  const base = <u32>load<u64>(context, CX_BASE_SEQUENCE);
  let candidates: u32 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) {
    const end = queueStart(context, slice, partition + 1);
    let entered: u32 = 0;
    for (let at = queueStart(context, slice, partition); at < end; at += 8) {
      const queued = load<u64>(at);
      const index = entrySequence(queued);
      const tag = entryTag(queued);
      const home = homePosition(queued, log2);
      const place = placeInBucket(table + (<usize>home << 3), queued);
      if (place != 0 && load<u8>(context + index, CX_STATE) == STATE_FRESH) {
        enter(context, base, index, tag, place);
        entered++;
        continue;
      }
      const found = probe(context, base, index, table, mask, tag, home);
      entered += <u32>(found == ENTERED);
      candidates += <u32>(found == MUST_CONFIRM);
    }
    countEntered(context, partition, slice, entered);
  }
  store<u32>(own, candidates, DP_CANDIDATES);
  return warmed;
}

/** Candidates of the whole batch after dedupe. */
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
  const base = <u32>load<u64>(context, CX_BASE_SEQUENCE);
  let sequence = base + recordedBefore(context, slice);
  const first = sliceFirst(slice);
  for (let i = first, end = first + sliceCount(context, slice); i < end; i++) {
    const state = load<u8>(context + i, CX_STATE);
    if (state == STATE_FRESH) {
      store<u32>(sequenceAddress(context, i), sequence);
      if (sequence != base + i) {
        const entry: usize = load<u32>(scratchAddress(context, i), SC_ENTRY);
        store<u64>(entry, entryOf(entryTag(load<u64>(entry)), sequence));
      }
      sequence++;
    } else if (state != STATE_KNOWN) {
      store<u32>(sequenceAddress(context, i), 0);
    }
  }
}

/** Stage begin: the batch's sequences follow those of the batch before it, which is over. */
export function begin(context: usize): void {
  store<u64>(context, load<u32>(SUPERBLOCK, SB_NEXT_SEQUENCE), CX_BASE_SEQUENCE);
}

/** Stage end: the next batch's sequences follow this one's. */
export function end(context: usize): void {
  const recorded = recordedBefore(context, load<u32>(context, CX_SLICES_USED));
  store<u32>(SUPERBLOCK, <u32>load<u64>(context, CX_BASE_SEQUENCE) + recorded, SB_NEXT_SEQUENCE);
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
