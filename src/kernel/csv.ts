/**
 * Reads delimited text (RFC 4180) from shared memory into transfer records, in slices that run in parallel.
 *
 * Grammar. A row ends at LF or CR LF, or with the file; a CR elsewhere is data. A completely empty line is no row.
 * A field that begins with a quote runs to the closing quote and may hold delimiters, line ends and doubled quotes.
 * A row is INVALID_ROW where a quote stands inside an unquoted field, where anything but a delimiter or the row's
 * end follows a closing quote, where a quote is never closed, where the number of fields is not JC_COLUMN_COUNT, or
 * where it has more than ROW_SIZE_MAX bytes, line end included. After a misplaced quote or byte the row ends at the
 * next LF, whatever quotes follow; any other invalid row ends where the grammar ends it.
 *
 * Slices. Only CX_INPUT_START is known to begin a row. The other slices guess that the first LF near their start
 * ends one, which is wrong only inside a quoted field. `stitchSlices` keeps a slice that began exactly where the one
 * before it ended, and reads every other one again from there. So the outcome is that of one serial parse, and
 * neither slices nor windows show in it.
 *
 * Too long. A row that has more than ROW_SIZE_MAX bytes in the window and does not end there is refused by
 * `stitchSlices`, which consumes the whole window and leaves in CX_SKIPPING where in its row the row stands (the
 * states below). The next window begins with its rest: `firstRow` skips that by the same grammar.
 *
 * Reads go in blocks: the 64 bytes past CX_INPUT_LIMIT must be addressable. What they hold does not matter.
 */
import {
  ID_MUST_NOT_BE_EMPTY,
  ID_NOT_UTF8,
  ID_TOO_LONG,
  INVALID_AMOUNT,
  INVALID_CODE,
  INVALID_ROW,
  INVALID_USER_DATA,
  OK,
} from "../core/codes";
import {
  CX_FIRST_ROW,
  CX_INPUT_END,
  CX_INPUT_FINAL,
  CX_INPUT_LIMIT,
  CX_INPUT_START,
  CX_OUT_CONSUMED,
  CX_OUT_COUNT,
  CX_SKIPPING,
  CX_SLICES_USED,
  CX_TEXT,
  JC_COLUMN_COUNT,
  JC_DELIMITER,
  JC_FIXED_DEBIT_KEY,
  JC_FIXED_DEBIT_KIND,
  JC_FIXED_DEBIT_TEXT,
  JC_HAS_EXTRAS,
  JC_HAS_FIXED_DEBIT,
  JC_HAS_ID,
  JC_ID_PREFIX,
  JC_ROLES,
  JC_SCALE,
  JOB_CONFIG,
  KIND_NOT_UTF8,
  KIND_TEXT_MAX,
  KIND_TOO_LONG,
  KIND_UUID,
  RECORD_SIZE,
  ROLE_AMOUNT,
  ROLE_CODE,
  ROLE_CREDIT,
  ROLE_DEBIT,
  ROLE_ID,
  ROLE_NONE,
  ROLE_USER_DATA,
  ROW_SIZE_MAX,
  SL_COUNT,
  SL_FULL,
  SL_INPUT_END,
  SL_INPUT_START,
  SL_ROW_BASE,
  SL_TEXT_USED,
  SLICE_CAPACITY,
  TEXT_ARENA_SIZE,
  TR_AMOUNT,
  TR_AMOUNT_HIGH,
  TR_CODE,
  TR_CREDIT,
  TR_CREDIT_KIND,
  TR_CREDIT_TEXT,
  TR_DEBIT,
  TR_DEBIT_KIND,
  TR_DEBIT_TEXT,
  TR_FLAGS,
  TR_HAS_COLD,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
  TR_STATUS,
  TR_STATUS_ROLE,
  TR_USER_DATA,
} from "../core/layout";
import { hasCold, recordAddress, scratchAddress, sliceEntry, sliceFirst } from "./context";
import { isHashKind, readKey } from "./identifiers";

const LINE_FEED: u32 = 10;
const CARRIAGE_RETURN: u32 = 13;
const QUOTE: u32 = 34;
const POINT: u32 = 46;
const ZERO: u32 = 48;
const CODE_MAX: u64 = 65535;
const HIGH_BITS: u64 = 0x8080808080808080;

/** Bytes whose marks are found at once: a bit each in a u32. */
const BLOCK_SIZE: usize = 32;

/** Returned in place of an address: the row does not end before CX_INPUT_LIMIT. */
const NO_END: usize = 0;

/** Decimal digits that always fit a u64. */
const WORD_DIGITS_MAX: u32 = 19;

// Where in its row a row that is being skipped stands: the values of CX_SKIPPING; 0 is not skipping.
const AT_FIELD_START: u32 = 1;
const IN_UNQUOTED_FIELD: u32 = 2;
const IN_QUOTED_FIELD: u32 = 3;
/** Just after a quote inside a quoted field: it closes the field, or is the first of two. */
const AFTER_QUOTE: u32 = 4;
/** After a misplaced quote or byte: the next LF ends the row. */
const AFTER_ERROR: u32 = 5;

// A note a role, in the slice's scratch, says where the scan of a row found the role's field. A role that no column
// has keeps an empty field.
const NOTE_FROM: usize = 0;
const NOTE_TO: usize = 4;
/** 1 where the field holds doubled quotes. */
const NOTE_ESCAPED: usize = 8;
const NOTE_SIZE: usize = 16;
const NOTES_SIZE: usize = NOTE_SIZE * (ROLE_USER_DATA + 1);

// One kernel instance is one thread, so these are nobody else's.
/** Second result of `skipRow`: the state at the limit. */
let stateAtLimit: u32 = 0;
/** Where the text arena of the slice being read has room for the next text. */
let textEnd: usize = 0;
/** Second and third result of `readLongNumber`. */
let numberLow: u64 = 0;
let numberHigh: u64 = 0;

// `readId` computes an id's fields from its role. Decided when the kernel is compiled.
if (
  TR_DEBIT != TR_ID + 16 * (ROLE_DEBIT - ROLE_ID) ||
  TR_CREDIT != TR_ID + 16 * (ROLE_CREDIT - ROLE_ID) ||
  TR_DEBIT_TEXT != TR_ID_TEXT + 4 * (ROLE_DEBIT - ROLE_ID) ||
  TR_CREDIT_TEXT != TR_ID_TEXT + 4 * (ROLE_CREDIT - ROLE_ID) ||
  TR_DEBIT_KIND != TR_ID_KIND + (ROLE_DEBIT - ROLE_ID) ||
  TR_CREDIT_KIND != TR_ID_KIND + (ROLE_CREDIT - ROLE_ID)
) {
  ERROR("the record's id fields must lie in the order of their roles");
}

// @ts-ignore: decorator
@inline
function clearLine(address: usize): void {
  const zeros = i64x2.splat(0);
  v128.store(address, zeros);
  v128.store(address, zeros, 16);
  v128.store(address, zeros, 32);
  v128.store(address, zeros, 48);
}

/** Makes the record's cold line valid. */
function ensureCold(record: usize): void {
  if (hasCold(record)) return;
  clearLine(record + TR_AMOUNT_HIGH);
  store<u16>(record, load<u16>(record, TR_FLAGS) | TR_HAS_COLD, TR_FLAGS);
}

function complain(record: usize, status: u32, role: u32): void {
  ensureCold(record);
  store<u8>(record, status, TR_STATUS);
  store<u8>(record, role, TR_STATUS_ROLE);
}

/** Writes the record of a row that can't be read. It keeps nothing of the row, wherever the error was found. */
function refuseRow(record: usize): void {
  clearLine(record);
  store<u8>(record, INVALID_ROW, TR_STATUS);
}

/**
 * The address after the row that stands in `state` at `position`; or NO_END, and `stateAtLimit` is set.
 * This decides only where a row ends, and by the same grammar as `readRow`.
 */
function skipRow(position: usize, limit: usize, state: u32): usize {
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

/** Strict UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF. */
function isUtf8(from: usize, to: usize): bool {
  while (from < to) {
    const lead: u32 = load<u8>(from++);
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const trailing: usize = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (to - from < trailing) return false;
    // Only the range of the second byte depends on the first.
    const second: u32 = load<u8>(from);
    const lowest: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const highest: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (second < lowest || second > highest) return false;
    for (let i: usize = 1; i < trailing; i++) {
      if ((load<u8>(from + i) & 0xc0) != 0x80) return false;
    }
    from += trailing;
  }
  return true;
}

/** Copies a quoted field with its doubled quotes made single. Returns the length, KIND_TEXT_MAX + 1 for any longer. */
function copyUnescaped(from: usize, to: usize, target: usize): u32 {
  let length: u32 = 0;
  for (; from < to; from++) {
    if (length == KIND_TEXT_MAX) return KIND_TEXT_MAX + 1;
    const byte: u32 = load<u8>(from);
    store<u8>(target + length++, byte);
    if (byte == QUOTE) from++;
  }
  return length;
}

/** Copies 8 bytes or more without reading or writing beyond them. */
function copyText(from: usize, length: u32, target: usize): void {
  const last = length - 8;
  for (let i: u32 = 0; i < last; i += 8) store<u64>(target + i, load<u64>(from + i));
  store<u64>(target + last, load<u64>(from + last));
}

/** Whether a byte of a text of 8 bytes or more is above 127. */
function hasHighBits(text: usize, length: u32): bool {
  const last = text + length - 8;
  let bits = load<u64>(last);
  for (; text < last; text += 8) bits |= load<u64>(text);
  return (bits & HIGH_BITS) != 0;
}

/**
 * Reads the id in the field of `role`. Returns the complaint about it, were it the transfer's own: a bad account id
 * comes later in the order of checks, so here only its kind tells.
 *
 * A record keeps at most three texts of KIND_TEXT_MAX bytes, so the arena always has room for one more.
 */
function readId(notes: usize, role: u32, record: usize): u32 {
  const note = notes + <usize>role * NOTE_SIZE;
  const from: usize = load<u32>(note, NOTE_FROM);
  const to: usize = load<u32>(note, NOTE_TO);
  const escaped = load<u32>(note, NOTE_ESCAPED) != 0;
  const ordinal: usize = role - ROLE_ID;
  const key = record + TR_ID + (ordinal << 4);
  const text = escaped ? textEnd : from;
  const length = escaped ? copyUnescaped(from, to, text) : <u32>(to - from);
  if (length == 0) return ID_MUST_NOT_BE_EMPTY;
  if (length > <u32>KIND_TEXT_MAX) {
    store<u8>(record + ordinal, KIND_TOO_LONG, TR_ID_KIND);
    return ID_TOO_LONG;
  }
  const kind = readKey(text, length, key);
  store<u8>(record + ordinal, kind, TR_ID_KIND);
  if (kind == KIND_UUID) return OK;
  const hashed = isHashKind(kind);
  // A key that is not a hash is the id's bytes.
  const isAscii = hashed ? !hasHighBits(text, length) : ((load<u64>(key) | load<u64>(key, 8)) & HIGH_BITS) == 0;
  if (!isAscii && !isUtf8(text, text + length)) {
    store<u64>(key, 0);
    store<u64>(key, 0, 8);
    store<u8>(record + ordinal, KIND_NOT_UTF8, TR_ID_KIND);
    return ID_NOT_UTF8;
  }
  if (hashed) {
    if (!escaped) copyText(text, length, textEnd);
    ensureCold(record);
    store<u32>(record + (ordinal << 2), <u32>textEnd, TR_ID_TEXT);
    textEnd += length;
  }
  return OK;
}

/** The number of digits, at most one point, and `zeros` zeros after them, by steps of 128 bits. False from 2^128 on. */
function readLongNumber(from: usize, to: usize, zeros: u32): bool {
  let low: u64 = 0;
  let high: u64 = 0;
  const end = to + zeros;
  for (; from < end; from++) {
    const byte: u32 = from < to ? load<u8>(from) : ZERO;
    if (byte == POINT) continue;
    const lowHalf = (low & 0xffffffff) * 10 + (byte - ZERO);
    const highHalf = (low >> 32) * 10 + (lowHalf >> 32);
    low = (highHalf << 32) | (lowHalf & 0xffffffff);
    if (high > u64.MAX_VALUE / 10) return false;
    const product = high * 10;
    high = product + (highHalf >> 32);
    if (high < product) return false;
  }
  numberLow = low;
  numberHigh = high;
  return true;
}

/** Reads an amount that may take more than 64 bits. The text is valid. */
function readLongAmount(from: usize, to: usize, zeros: u32, record: usize): bool {
  if (!readLongNumber(from, to, zeros)) return false;
  store<u64>(record, numberLow, TR_AMOUNT);
  if (numberHigh != 0) {
    ensureCold(record);
    store<u64>(record, numberHigh, TR_AMOUNT_HIGH);
  }
  return true;
}

/** Reads the whole number in the field of `role`, 0 where it is empty. False for anything else, and from 2^128 on. */
function readWholeNumber(notes: usize, role: u32): bool {
  const from: usize = load<u32>(notes + <usize>role * NOTE_SIZE, NOTE_FROM);
  const to: usize = load<u32>(notes + <usize>role * NOTE_SIZE, NOTE_TO);
  for (let position = from; position < to; position++) {
    if (<u32>load<u8>(position) - ZERO > 9) return false;
  }
  return readLongNumber(from, to, 0);
}

/** Reads the columns that a plain row does not have. Returns the complaint about them, in the order of checks, or OK. */
function readExtras(notes: usize, record: usize): u32 {
  if (!readWholeNumber(notes, ROLE_CODE) || numberHigh != 0 || numberLow > CODE_MAX) return INVALID_CODE;
  store<u16>(record, <u16>numberLow, TR_CODE);
  if (!readWholeNumber(notes, ROLE_USER_DATA)) return INVALID_USER_DATA;
  if ((numberLow | numberHigh) != 0) {
    ensureCold(record);
    store<u64>(record, numberLow, TR_USER_DATA);
    store<u64>(record, numberHigh, TR_USER_DATA + 8);
  }
  return OK;
}

/** Reads decimal text as minor units: digits, or digits, a point and 1 to `scale` digits. False for anything else. */
function readAmount(from: usize, to: usize, scale: u32, record: usize): bool {
  let value: u64 = 0;
  let position = from;
  for (; position < to; position++) {
    const digit = <u32>load<u8>(position) - ZERO;
    if (digit > 9) break;
    value = value * 10 + digit;
  }
  let digits = <u32>(position - from);
  if (digits == 0) return false;
  let zeros = scale;
  if (position < to) {
    if (load<u8>(position++) != POINT) return false;
    const fraction = <u32>(to - position);
    if (fraction == 0 || fraction > scale) return false;
    for (; position < to; position++) {
      const digit = <u32>load<u8>(position) - ZERO;
      if (digit > 9) return false;
      value = value * 10 + digit;
    }
    digits += fraction;
    zeros -= fraction;
  }
  if (digits + zeros > WORD_DIGITS_MAX) return readLongAmount(from, to, zeros, record);
  for (; zeros > 0; zeros--) value *= 10;
  store<u64>(record, value, TR_AMOUNT);
  return true;
}

/** Writes the record of a well-formed row. */
function readFields(notes: usize, record: usize): void {
  clearLine(record);
  const idStatus = readId(notes, ROLE_ID, record);
  readId(notes, ROLE_DEBIT, record);
  readId(notes, ROLE_CREDIT, record);
  if (load<u8>(JOB_CONFIG + JC_HAS_FIXED_DEBIT) != 0) {
    const kind = load<u8>(JOB_CONFIG + JC_FIXED_DEBIT_KIND);
    store<u64>(record, load<u64>(JOB_CONFIG + JC_FIXED_DEBIT_KEY), TR_DEBIT);
    store<u64>(record, load<u64>(JOB_CONFIG + JC_FIXED_DEBIT_KEY + 8), TR_DEBIT + 8);
    store<u8>(record, kind, TR_DEBIT_KIND);
    if (isHashKind(kind)) {
      ensureCold(record);
      store<u32>(record, load<u32>(JOB_CONFIG + JC_FIXED_DEBIT_TEXT), TR_DEBIT_TEXT);
    }
  }
  const amount = notes + <usize>ROLE_AMOUNT * NOTE_SIZE;
  const scale = load<u32>(JOB_CONFIG + JC_SCALE);
  if (!readAmount(load<u32>(amount, NOTE_FROM), load<u32>(amount, NOTE_TO), scale, record)) {
    complain(record, INVALID_AMOUNT, ROLE_AMOUNT);
    return;
  }
  if (load<u8>(JOB_CONFIG + JC_HAS_EXTRAS) != 0) {
    const complaint = readExtras(notes, record);
    if (complaint != OK) {
      complain(record, complaint, complaint == INVALID_CODE ? ROLE_CODE : ROLE_USER_DATA);
      return;
    }
  }
  if (idStatus != OK && load<u8>(JOB_CONFIG + JC_HAS_ID) != 0) {
    complain(record, idStatus, ROLE_ID);
  }
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
function readRow(row: usize, limit: usize, final: bool, record: usize, notes: usize): usize {
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
  let count: u32 = 0;
  textEnd = arena;
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
    const next = readRow(position, limit, final, record, notes);
    if (next == NO_END) break;
    position = next;
    record += RECORD_SIZE;
    count++;
  }
  store<u32>(entry, <u32>position, SL_INPUT_END);
  store<u32>(entry, count, SL_COUNT);
  store<u32>(entry, <u32>(textEnd - arena), SL_TEXT_USED);
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
 * Makes the slices one batch, as one serial parse would have read it; one thread, after every slice was read.
 *
 * A slice that ended as planned ended after an LF that the next slice could see, so the next one began there or
 * earlier. Where the next one began later, this one either became full, and the next one takes over its remaining
 * rows; or it met a row that does not end within the window, and nothing after that can be read yet.
 */
export function stitchSlices(context: usize): void {
  const slicesUsed = load<u32>(context, CX_SLICES_USED);
  const limit: usize = load<u32>(context, CX_INPUT_LIMIT);
  let position = firstRow(context);
  let skipping: u32 = 0;
  let blocked = position == NO_END;
  if (blocked) {
    position = limit;
    skipping = stateAtLimit;
  }
  let total: u32 = 0;
  for (let slice: u32 = 0; slice < slicesUsed; slice++) {
    const entry = sliceEntry(context, slice);
    const isLast = slice + 1 == slicesUsed;
    const bound: usize = isLast
      ? load<u32>(context, CX_INPUT_END)
      : load<u32>(sliceEntry(context, slice + 1), SL_INPUT_START);
    if (blocked) parseRows(context, slice, position, position);
    else if (<usize>load<u32>(entry, SL_INPUT_START) != position) parseRows(context, slice, position, bound);
    position = load<u32>(entry, SL_INPUT_END);
    let count = load<u32>(entry, SL_COUNT);
    if (!blocked && position < bound && load<u32>(entry, SL_FULL) == 0) {
      blocked = true;
      if (limit - position > <usize>ROW_SIZE_MAX) {
        // Too long wherever it ends: refused here, once, and skipped by this window and those to come.
        skipRow(position, limit, AT_FIELD_START);
        skipping = stateAtLimit;
        position = limit;
        refuseRow(recordAddress(context, sliceFirst(slice) + count));
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
