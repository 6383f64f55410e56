/**
 * Reads a file from shared memory into transfer records, in slices that run in parallel: `csv.ts` and `ndjson.ts` read a
 * row each.
 *
 * Slices. Only CX_INPUT_START is known to begin a row. The other slices guess that the first LF near their start
 * ends one, which is wrong only inside a quoted field of CSV. `stitchSlices` keeps a slice that began exactly where the
 * one before it ended, and reads every other one again from there. So the outcome is that of one serial parse, and
 * neither slices nor windows show in it.
 *
 * Too long. A row that has more than ROW_SIZE_MAX bytes in the window and does not end there is refused by
 * `stitchSlices`, which consumes the whole window and leaves in CX_SKIPPING where in its row the row stands (the
 * states in `csv.ts`). The next window begins with its rest: `firstRow` skips that by the same grammar.
 *
 * Chains. A batch must not end within a chain of linked rows, so `stitchSlices` leaves one that may go on behind the batch
 * to the next. A part of a chain that fits no batch ends with the chain.
 *
 * Reads go in blocks: the 64 bytes past CX_INPUT_LIMIT must be addressable. What they hold does not matter.
 */
import {
  CX_FIRST_ROW,
  CX_INPUT_END,
  CX_INPUT_FINAL,
  CX_INPUT_LIMIT,
  CX_INPUT_START,
  CX_OUT_CHAIN_OPEN,
  CX_OUT_CONSUMED,
  CX_OUT_COUNT,
  CX_PLAN,
  CX_RESULT_TEXT,
  CX_SKIPPING,
  CX_SLICES_USED,
  CX_TEXT,
  FORMAT_NDJSON,
  JC_FORMAT,
  JC_HAS_ID,
  JC_HAS_LINKED,
  JC_ID_PREFIX,
  JOB_CONFIG,
  KIND_UUID,
  PLAN_PART,
  RECORD_SIZE,
  RESULT_AREA_SIZE,
  ROW_SIZE_MAX,
  SL_COUNT,
  SL_FULL,
  SL_INPUT_END,
  SL_INPUT_START,
  SL_ROW_BASE,
  SL_TEXT_USED,
  SLICE_CAPACITY,
  TEXT_ARENA_SIZE,
  TR_FLAGS,
  TR_ID,
  TR_ID_KIND,
  TRANSFER_LINKED,
} from "../core/layout";
import { recordAddress, scratchAddress, sequenceAddress, sliceCount, sliceEntry, sliceFirst } from "./context";
import { AFTER_ERROR, AT_FIELD_START, NO_END, readRow, skippedState, skipRow } from "./csv";
import { beginTexts, endOfTexts, NOTES_SIZE, refuseRow } from "./fields";
import { readLine } from "./ndjson";

const LINE_FEED: u32 = 10;
const CARRIAGE_RETURN: u32 = 13;

/** Remembers where the row of a record begins. Until the records are numbered, their sequences' places are free. */
function noteRow(context: usize, slice: u32, count: u32, position: usize): void {
  store<u32>(sequenceAddress(context, sliceFirst(slice) + count), <u32>position);
}

/**
 * Reads the rows that begin in `[position, end)` into the slice's records, from `position`, which is taken for a
 * row's start. Ends early where the slice is full, or before a row that does not end within the window.
 */
function parseRows(context: usize, slice: u32, position: usize, end: usize): void {
  const entry = sliceEntry(context, slice);
  const limit: usize = load<u32>(context, CX_INPUT_LIMIT);
  const final = load<u32>(context, CX_INPUT_FINAL) != 0;
  const arena = context + CX_TEXT + <usize>slice * TEXT_ARENA_SIZE;
  const notes = scratchAddress(context, sliceFirst(slice));
  let record = recordAddress(context, sliceFirst(slice));
  const hasLinked = load<u8>(JOB_CONFIG + JC_HAS_LINKED) != 0;
  const isJson = load<u8>(JOB_CONFIG + JC_FORMAT) == FORMAT_NDJSON;
  const work = context + CX_RESULT_TEXT + <usize>slice * RESULT_AREA_SIZE;
  let count: u32 = 0;
  beginTexts(arena, record);
  memory.fill(notes, 0, NOTES_SIZE);
  store<u32>(entry, <u32>position, SL_INPUT_START);
  store<u32>(entry, 0, SL_FULL);
  while (position < end) {
    const byte: u32 = load<u8>(position);
    if (byte == LINE_FEED) {
      position++;
      continue;
    }
    if (byte == CARRIAGE_RETURN && position + 1 < limit && load<u8>(position, 1) == LINE_FEED) {
      position += 2;
      continue;
    }
    if (count == SLICE_CAPACITY) {
      store<u32>(entry, 1, SL_FULL);
      break;
    }
    const next = isJson
      ? readLine(position, limit, final, record, notes, work)
      : readRow(position, limit, final, record, notes);
    if (next == NO_END) break;
    if (hasLinked) noteRow(context, slice, count, position);
    position = next;
    record += RECORD_SIZE;
    count++;
  }
  store<u32>(entry, <u32>position, SL_INPUT_END);
  store<u32>(entry, count, SL_COUNT);
  store<u32>(entry, <u32>(endOfTexts() - arena), SL_TEXT_USED);
}

/** Where the window's first row begins: behind the rest of a row that is being skipped, or NO_END. */
function firstRow(context: usize): usize {
  const start: usize = load<u32>(context, CX_INPUT_START);
  const state = load<u32>(context, CX_SKIPPING);
  return state == 0 ? start : skipRow(start, load<u32>(context, CX_INPUT_LIMIT), state);
}

/** Where a row may begin: after the first LF in `[position, end - 1)`, or `end`. */
function guessRow(position: usize, end: usize): usize {
  while (++position < end) {
    if (load<u8>(position - 1) == LINE_FEED) return position;
  }
  return end;
}

/**
 * Reads one slice; any number of threads may read different slices of a context.
 *
 * Before: the slices' SL_INPUT_START and SL_INPUT_END cut `[CX_INPUT_START, CX_INPUT_END)` into ranges that follow
 * one another. After: they hold where the slice's first row began and where the next one would begin, and SL_COUNT,
 * SL_TEXT_USED and SL_FULL are set. The slice's scratch is overwritten.
 */
export function parseSlice(context: usize, slice: u32): void {
  const entry = sliceEntry(context, slice);
  const start: usize = load<u32>(entry, SL_INPUT_START);
  const end: usize = load<u32>(entry, SL_INPUT_END);
  let first: usize;
  if (start == <usize>load<u32>(context, CX_INPUT_START)) {
    first = firstRow(context);
    if (first == NO_END) first = end;
  } else {
    first = guessRow(start - 1, end);
  }
  parseRows(context, slice, first, end);
}

/**
 * Makes the slices one batch, as one serial parse from `first` would have read it, and sets what is known of it. Where
 * `first` is NO_END, `skippedBefore` is the state of the row that is being skipped all through the window. `isAgain` reads
 * every row again, as many as fit, to CX_INPUT_LIMIT.
 *
 * A slice that ended as planned ended after an LF that the next slice could see, so the next one began there or
 * earlier. Where the next one began later, this one either became full, and the next one takes over its remaining
 * rows; or it met a row that does not end within the window, and nothing after that can be read yet.
 */
function joinSlices(context: usize, first: usize, skippedBefore: u32, isAgain: bool): void {
  const slicesUsed = load<u32>(context, CX_SLICES_USED);
  const limit: usize = load<u32>(context, CX_INPUT_LIMIT);
  let position = first;
  let skipping: u32 = 0;
  let blocked = position == NO_END;
  if (blocked) {
    position = limit;
    skipping = skippedBefore;
  }
  let total: u32 = 0;
  for (let slice: u32 = 0; slice < slicesUsed; slice++) {
    const entry = sliceEntry(context, slice);
    const isLast = slice + 1 == slicesUsed;
    let bound: usize = limit;
    if (!isAgain) bound = isLast ? load<u32>(context, CX_INPUT_END) : load<u32>(sliceEntry(context, slice + 1), SL_INPUT_START);
    if (blocked) parseRows(context, slice, position, position);
    else if (isAgain || <usize>load<u32>(entry, SL_INPUT_START) != position) parseRows(context, slice, position, bound);
    position = load<u32>(entry, SL_INPUT_END);
    let count = load<u32>(entry, SL_COUNT);
    if (!blocked && position < bound && load<u32>(entry, SL_FULL) == 0) {
      blocked = true;
      if (limit - position > <usize>ROW_SIZE_MAX) {
        // Too long wherever it ends: refused here, once, and skipped by this window and those to come.
        const isJson = load<u8>(JOB_CONFIG + JC_FORMAT) == FORMAT_NDJSON;
        skipRow(position, limit, isJson ? AFTER_ERROR : AT_FIELD_START);
        skipping = skippedState();
        position = limit;
        refuseRow(recordAddress(context, sliceFirst(slice) + count));
        noteRow(context, slice, count, load<u32>(entry, SL_INPUT_END));
        store<u32>(entry, ++count, SL_COUNT);
        store<u32>(entry, <u32>position, SL_INPUT_END);
      }
    }
    store<u32>(entry, total, SL_ROW_BASE);
    total += count;
  }
  store<u32>(context, total, CX_OUT_COUNT);
  store<u32>(context, <u32>position, CX_OUT_CONSUMED);
  store<u32>(context, skipping, CX_SKIPPING);
}

/**
 * Makes the slices one batch; one thread, after every slice was read.
 *
 * A batch that is nothing but a chain that may go on is read once more: up to the window's end, for as many rows as fit.
 */
export function stitchSlices(context: usize): void {
  const first = firstRow(context);
  const skipped: u32 = first == NO_END ? skippedState() : 0;
  joinSlices(context, first, skipped, false);
  if ((load<u32>(context, CX_PLAN) & PLAN_PART) != 0) {
    store<u32>(context, endWithChain(context) ? 0 : 1, CX_OUT_CHAIN_OPEN);
    return;
  }
  let isOpen = isOpenChain(context);
  if (isOpen && load<u32>(context, CX_OUT_CONSUMED) < load<u32>(context, CX_INPUT_LIMIT)) {
    joinSlices(context, first, skipped, true);
    isOpen = isOpenChain(context);
  }
  store<u32>(context, isOpen ? 1 : 0, CX_OUT_CHAIN_OPEN);
}

/** Whether the whole batch is a chain that may go on behind it. One at the batch's end is left to the next batch. */
function isOpenChain(context: usize): bool {
  if (load<u8>(JOB_CONFIG + JC_HAS_LINKED) == 0) return false;
  const isOver = load<u32>(context, CX_OUT_CONSUMED) == load<u32>(context, CX_INPUT_LIMIT);
  if (isOver && load<u32>(context, CX_INPUT_FINAL) != 0) return false;
  let open: usize = 0;
  let left: u32 = 0;
  for (let slice = load<u32>(context, CX_SLICES_USED); slice > 0; slice--) {
    const entry = sliceEntry(context, slice - 1);
    let count = load<u32>(entry, SL_COUNT);
    for (; count > 0; count--) {
      const index = sliceFirst(slice - 1) + count - 1;
      if ((load<u16>(recordAddress(context, index), TR_FLAGS) & TRANSFER_LINKED) == 0) break;
      open = load<u32>(sequenceAddress(context, index));
      left++;
    }
    if (count > 0) {
      if (left > 0) cutBatch(context, slice - 1, count, open, left);
      return false;
    }
  }
  return left > 0;
}

/** Ends the batch behind the first row that is not linked to the next one; whether there is one. */
function endWithChain(context: usize): bool {
  const slicesUsed = load<u32>(context, CX_SLICES_USED);
  let kept: u32 = 0;
  for (let slice: u32 = 0; slice < slicesUsed; slice++) {
    const count = sliceCount(context, slice);
    for (let position: u32 = 0; position < count; position++) {
      kept++;
      if ((load<u16>(recordAddress(context, sliceFirst(slice) + position), TR_FLAGS) & TRANSFER_LINKED) != 0) continue;
      const left = load<u32>(context, CX_OUT_COUNT) - kept;
      if (left == 0) return true;
      let behind = sliceFirst(slice) + position + 1;
      for (let next = slice; behind == sliceFirst(next) + sliceCount(context, next); ) behind = sliceFirst(++next);
      cutBatch(context, slice, position + 1, load<u32>(sequenceAddress(context, behind)), left);
      return true;
    }
  }
  return false;
}

/** Makes `count` records of `slice` the batch's last ones: `left` fewer than it has. The next begins at `position`. */
function cutBatch(context: usize, slice: u32, count: u32, position: usize, left: u32): void {
  const slicesUsed = load<u32>(context, CX_SLICES_USED);
  const total = load<u32>(context, CX_OUT_COUNT) - left;
  store<u32>(sliceEntry(context, slice), count, SL_COUNT);
  for (let after = slice + 1; after < slicesUsed; after++) {
    store<u32>(sliceEntry(context, after), 0, SL_COUNT);
    store<u32>(sliceEntry(context, after), total, SL_ROW_BASE);
  }
  store<u32>(context, total, CX_OUT_COUNT);
  store<u32>(context, <u32>position, CX_OUT_CONSUMED);
  // A row that is being skipped counts as linked and is the last one, so it is behind the cut.
  store<u32>(context, 0, CX_SKIPPING);
}

/**
 * In a job without an id column, gives every record of the slice, readable or not, the id that its row makes: the
 * job's prefix with the row's number, big-endian, in the octets 11–15. After `stitchSlices`; slices in any order.
 */
export function deriveIds(context: usize, slice: u32): void {
  if (load<u8>(JOB_CONFIG + JC_HAS_ID) != 0) return;
  const entry = sliceEntry(context, slice);
  const prefixLow = load<u64>(JOB_CONFIG + JC_ID_PREFIX);
  const prefixHigh = load<u64>(JOB_CONFIG + JC_ID_PREFIX + 8) & 0xffffff;
  const row = load<u64>(context, CX_FIRST_ROW) + load<u32>(entry, SL_ROW_BASE);
  const count = load<u32>(entry, SL_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const record = recordAddress(context, sliceFirst(slice) + i);
    store<u64>(record, prefixLow, TR_ID);
    store<u64>(record, prefixHigh | bswap<u64>(row + i), TR_ID + 8);
    store<u8>(record, KIND_UUID, TR_ID_KIND);
  }
}
