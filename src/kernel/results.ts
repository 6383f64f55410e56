/** Results of a slice as lines of the results file: `row,id,result,sequence`. */
import {
  CX_FIRST_ROW,
  CX_RESULT,
  CX_RESULT_TEXT,
  KIND_NONE,
  KIND_NOT_UTF8,
  KIND_TOO_LONG,
  KIND_UUID,
  RESULT_AREA_SIZE,
  RESULT_NAME_STRIDE,
  RESULT_NAMES,
  SL_RESULT_TEXT_SIZE,
  SL_ROW_BASE,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
} from "../core/layout";
import { recordAddress, sequenceAddress, sliceCount, sliceEntry, sliceFirst } from "./context";
import { isHashKind } from "./identifiers";

const COMMA: u32 = 44;
const NEW_LINE: u32 = 10;
const QUOTE: u32 = 34;
const CARRIAGE_RETURN: u32 = 13;
const HYPHEN: u32 = 45;

/** The eight decimal digits of `value` (below 10^8), as the bytes of a word, the first digit lowest. */
// @ts-ignore: decorator
@inline
function eightDigits(value: u64): u64 {
  // Multiplied and shifted instead of divided: exact as far as each step's numbers go.
  const front = (value * 3518437209) >> 45;
  const fours = front | ((value - front * 10000) << 32);
  const hundreds = ((fours * 10486) >> 20) & 0x0000007f_0000007f;
  const pairs = hundreds | ((fours - hundreds * 100) << 16);
  const tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
  return tens | ((pairs - tens * 10) << 8);
}

const ZEROS: u64 = 0x3030303030303030;

/** Writes `value` in decimal at `to`, and something in the 7 bytes behind; returns the address behind the number. */
function writeDecimal(to: usize, value: u64): usize {
  if (value < 100000000) {
    const digits = eightDigits(value);
    const leading = min<u64>(ctz(digits) >> 3, 7);
    store<u64>(to, (digits | ZEROS) >> (leading << 3));
    return to + 8 - <usize>leading;
  }
  const front = value / 100000000;
  const at = writeDecimal(to, front);
  store<u64>(at, eightDigits(value - front * 100000000) | ZEROS);
  return at + 8;
}

/** Writes a UUID's 36 characters at `to`; returns the address behind them. */
function writeUuid(to: usize, key: usize): usize {
  const octets = v128.load(key);
  const high = v128.and(i16x8.shr_u(octets, 4), i8x16.splat(15));
  const low = v128.and(octets, i8x16.splat(15));
  const digits = i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102);
  const first = i8x16.swizzle(
    digits,
    i8x16.shuffle(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
  );
  const second = i8x16.swizzle(
    digits,
    i8x16.shuffle(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
  );
  // Hyphens at 8, 13, 18 and 23.
  const hyphens = i8x16.splat(<i8>HYPHEN);
  v128.store(to, i8x16.shuffle(first, hyphens, 0, 1, 2, 3, 4, 5, 6, 7, 16, 8, 9, 10, 11, 16, 12, 13));
  const middle = i8x16.shuffle(first, second, 14, 15, 0, 16, 17, 18, 19, 0, 20, 21, 22, 23, 24, 25, 26, 27);
  v128.store(to, i8x16.replace_lane(i8x16.replace_lane(middle, 2, <i8>HYPHEN), 7, <i8>HYPHEN), 16);
  store<u32>(to, i32x4.extract_lane(second, 3), 32);
  return to + 36;
}

/** Whether a field that holds one of these 16 bytes must be quoted. */
// @ts-ignore: decorator
@inline
function mustQuote(text: usize): bool {
  const bytes = v128.load(text);
  return v128.any_true(
    v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(<i8>COMMA)), i8x16.eq(bytes, i8x16.splat(<i8>QUOTE))),
      v128.or(i8x16.eq(bytes, i8x16.splat(<i8>NEW_LINE)), i8x16.eq(bytes, i8x16.splat(<i8>CARRIAGE_RETURN))),
    ),
  );
}

/** Copies `length` bytes, and up to 15 behind them. */
// @ts-ignore: decorator
@inline
function copyText(to: usize, text: usize, length: u32): usize {
  for (let i: usize = 0; i < <usize>length; i += 16) v128.store(to + i, v128.load(text + i));
  return to + length;
}

/**
 * Writes bytes as a CSV field (RFC 4180): quoted where it holds a comma, a quote or a line break. Up to 16 bytes are padded
 * with zeros.
 */
function writeField(to: usize, text: usize, length: u32): usize {
  let isQuoted = false;
  for (let i: u32 = 16; i < length; i += 16) isQuoted = mustQuote(text + i - 16) || isQuoted;
  if (!isQuoted && !mustQuote(length > 16 ? text + length - 16 : text)) return copyText(to, text, length);
  let at = to;
  store<u8>(at++, QUOTE);
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(text + i);
    if (byte == QUOTE) store<u8>(at++, QUOTE);
    store<u8>(at++, byte);
  }
  store<u8>(at++, QUOTE);
  return at;
}

function writeId(to: usize, record: usize): usize {
  const kind = load<u8>(record, TR_ID_KIND);
  if (kind == KIND_UUID) return writeUuid(to, record + TR_ID);
  if (kind == KIND_NONE || kind == KIND_TOO_LONG || kind == KIND_NOT_UTF8) return to;
  return writeField(to, isHashKind(kind) ? <usize>load<u32>(record, TR_ID_TEXT) : record + TR_ID, kind);
}

/** Formats the results of a slice; sequences are left empty where none is recorded. */
export function formatResults(context: usize, slice: u32): void {
  const first = sliceFirst(slice);
  const start = context + CX_RESULT_TEXT + <usize>slice * RESULT_AREA_SIZE;
  let row = load<u64>(context, CX_FIRST_ROW) + load<u32>(sliceEntry(context, slice), SL_ROW_BASE);
  let at = start;
  for (let i = first, end = first + sliceCount(context, slice); i < end; i++) {
    at = writeDecimal(at, row++);
    store<u8>(at++, COMMA);
    at = writeId(at, recordAddress(context, i));
    store<u8>(at++, COMMA);
    const name = <usize>RESULT_NAMES + <usize>load<u8>(context + i, CX_RESULT) * RESULT_NAME_STRIDE;
    at = copyText(at, name + 1, load<u8>(name));
    store<u8>(at++, COMMA);
    const sequence = load<u32>(sequenceAddress(context, i));
    if (sequence != 0) at = writeDecimal(at, sequence);
    store<u8>(at++, NEW_LINE);
  }
  store<u32>(sliceEntry(context, slice), <u32>(at - start), SL_RESULT_TEXT_SIZE);
}
