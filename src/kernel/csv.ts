/**
 * Reads rows of delimited text (RFC 4180).
 *
 * Grammar. A row ends at LF or CR LF, or with the file; a CR elsewhere is data. A completely empty line is no row.
 * A field that begins with a quote runs to the closing quote and may hold delimiters, line ends and doubled quotes.
 * A row is INVALID_ROW where a quote stands inside an unquoted field, where anything but a delimiter or the row's
 * end follows a closing quote, where a quote is never closed, where the number of fields is not JC_COLUMN_COUNT, or
 * where it has more than ROW_SIZE_MAX bytes, line end included. After a misplaced quote or byte the row ends at the
 * next LF, whatever quotes follow; any other invalid row ends where the grammar ends it.
 */
import { JC_COLUMN_COUNT, JC_DELIMITER, JC_ROLES, JOB_CONFIG, ROLE_NONE, ROW_SIZE_MAX } from "../core/layout";
import { NOTE_ESCAPED, NOTE_FROM, NOTE_SIZE, NOTE_TO, readFields, refuseRow } from "./fields";

const LINE_FEED: u32 = 10;
const CARRIAGE_RETURN: u32 = 13;
const QUOTE: u32 = 34;

/** Bytes whose marks are found at once: a bit each in a u32. */
const BLOCK_SIZE: usize = 32;

/** Returned in place of an address: the row does not end before CX_INPUT_LIMIT. */
export const NO_END: usize = 0;

// Where in its row a row that is being skipped stands: the values of CX_SKIPPING; 0 is not skipping.
export const AT_FIELD_START: u32 = 1;
const IN_UNQUOTED_FIELD: u32 = 2;
const IN_QUOTED_FIELD: u32 = 3;
/** Just after a quote inside a quoted field: it closes the field, or is the first of two. */
const AFTER_QUOTE: u32 = 4;
/** After a misplaced quote or byte: the next LF ends the row. */
export const AFTER_ERROR: u32 = 5;

// One kernel instance is one thread, so this is nobody else's.
/** Second result of `skipRow`: the state at the limit. */
let stateAtLimit: u32 = 0;

/** The state in which `skipRow` last met the limit. */
export function skippedState(): u32 {
  return stateAtLimit;
}

/**
 * The address after the row that stands in `state` at `position`; or NO_END, and `stateAtLimit` is set.
 * This decides only where a row ends, and by the same grammar as `readRow`. A line of
 * NDJSON that is skipped is AFTER_ERROR all the time: its next LF ends it.
 */
export function skipRow(position: usize, limit: usize, state: u32): usize {
  const delimiter: u32 = load<u8>(JOB_CONFIG + JC_DELIMITER);
  for (; position < limit; position++) {
    const byte: u32 = load<u8>(position);
    if (byte == LINE_FEED && state != IN_QUOTED_FIELD) return position + 1;
    if (byte == QUOTE) {
      if (state == AT_FIELD_START || state == AFTER_QUOTE) state = IN_QUOTED_FIELD;
      else if (state == IN_QUOTED_FIELD) state = AFTER_QUOTE;
      else state = AFTER_ERROR;
    } else if (state != IN_QUOTED_FIELD && state != AFTER_ERROR) {
      if (byte == delimiter) state = AT_FIELD_START;
      // This takes the CR of a CR LF for an error. No matter: the LF ends the row all the same.
      else if (state == AFTER_QUOTE) state = AFTER_ERROR;
      else state = IN_UNQUOTED_FIELD;
    }
  }
  stateAtLimit = state;
  return NO_END;
}

/** Refuses the row in which something is wrong at `position`: it ends at the next LF, or with the file. */
function refuseFrom(position: usize, limit: usize, final: bool, record: usize): usize {
  const end = skipRow(position, limit, AFTER_ERROR);
  if (end == NO_END && !final) return NO_END;
  refuseRow(record);
  return end == NO_END ? limit : end;
}

/** The bytes of the block that a row's structure hangs on, a bit each: delimiters, line feeds and quotes. */
// @ts-ignore: decorator
@inline
function marksOf(block: usize): u32 {
  const delimiters = i8x16.splat(load<i8>(JOB_CONFIG + JC_DELIMITER));
  const lineFeeds = i8x16.splat(<i8>LINE_FEED);
  const quotes = i8x16.splat(<i8>QUOTE);
  const low = v128.load(block);
  const high = v128.load(block, 16);
  const lowMarks = v128.or(v128.or(i8x16.eq(low, delimiters), i8x16.eq(low, lineFeeds)), i8x16.eq(low, quotes));
  const highMarks = v128.or(v128.or(i8x16.eq(high, delimiters), i8x16.eq(high, lineFeeds)), i8x16.eq(high, quotes));
  return i8x16.bitmask(lowMarks) | (i8x16.bitmask(highMarks) << 16);
}

/** The first quote in `[position, limit)`, or `limit`. */
function findQuote(position: usize, limit: usize): usize {
  const quotes = i8x16.splat(<i8>QUOTE);
  for (; position < limit; position += 16) {
    const marks = i8x16.bitmask(i8x16.eq(v128.load(position), quotes));
    if (marks != 0) return min<usize>(position + ctz(marks), limit);
  }
  return limit;
}

/**
 * Reads the row at `row`, which is not empty, into `record`. Returns where the next row begins, or NO_END.
 *
 * It goes from mark to mark, and finds the marks of a block at once: searching from each field's end would wait for
 * the search before. What the fields mean is left to `readFields`, so that this loop's state stays in registers;
 * that is also why it is one function.
 */
export function readRow(row: usize, limit: usize, final: bool, record: usize, notes: usize): usize {
  let block = row;
  let marks = marksOf(block);
  let from = row;
  let column: u32 = 0;
  let at: usize;
  let note: usize;
  while (true) {
    // Tested ahead of the loop, which costs a stack check, because most fields end in the block that they begin in.
    if (marks == 0) {
      do {
        block += BLOCK_SIZE;
        if (block >= limit) break;
        marks = marksOf(block);
      } while (marks == 0);
    }
    // No mark at all counts 32 bits: beyond the limit, too.
    at = block + ctz(marks);
    marks &= marks - 1;
    /** The file's end ends a row as a line feed does. */
    let mark: u32 = LINE_FEED;
    if (at < limit) {
      mark = load<u8>(at);
    } else {
      if (!final) return NO_END;
      at = limit;
    }
    let to = at;
    let escaped: u32 = 0;
    if (mark == QUOTE) {
      if (at != from) return refuseFrom(at, limit, final, record);
      from++;
      to = findQuote(from, limit);
      while (to + 1 < limit && load<u8>(to, 1) == QUOTE) {
        escaped = 1;
        to = findQuote(to + 2, limit);
      }
      at = to + 1;
      if (at < limit) {
        mark = load<u8>(at);
        if (mark == CARRIAGE_RETURN && at + 1 < limit && load<u8>(at, 1) == LINE_FEED) mark = load<u8>(++at);
        if (mark != LINE_FEED && mark != load<u8>(JOB_CONFIG + JC_DELIMITER)) {
          return refuseFrom(at, limit, final, record);
        }
        block = at + 1;
        marks = marksOf(block);
      } else {
        if (!final) return NO_END;
        if (to == limit) return refuseFrom(limit, limit, final, record);
        mark = LINE_FEED;
      }
    }

    const known = column < load<u32>(JOB_CONFIG + JC_COLUMN_COUNT);
    const role: usize = known ? load<u8>(JOB_CONFIG + JC_ROLES + column) : ROLE_NONE;
    note = notes + role * NOTE_SIZE;
    store<u32>(note, <u32>from, NOTE_FROM);
    store<u32>(note, <u32>to, NOTE_TO);
    store<u32>(note, escaped, NOTE_ESCAPED);
    column++;
    from = at + 1;
    if (mark == LINE_FEED) break;
  }
  // The CR of a CR LF belongs to the line end. After a quoted field it was left out already.
  if (at < limit && at == <usize>load<u32>(note, NOTE_TO) && load<u8>(at - 1) == CARRIAGE_RETURN) {
    store<u32>(note, <u32>at - 1, NOTE_TO);
  }
  const end = min<usize>(from, limit);
  const isWellFormed = column == load<u32>(JOB_CONFIG + JC_COLUMN_COUNT) && end - row <= <usize>ROW_SIZE_MAX;
  if (isWellFormed) readFields(notes, record);
  else refuseRow(record);
  return end;
}

