/**
 * Reads lines of JSON (RFC 8259), an object each, into the notes that CSV rows are read into.
 *
 * Grammar. A line ends at LF, or with the file; no line end can stand inside a JSON text's string, so that is all. A
 * completely empty line, or one of a CR alone, is no row. A line is INVALID_ROW where it is not one JSON object, where a
 * member that has a role holds an array or an object, or where it has more than ROW_SIZE_MAX bytes, line end included.
 * Bytes above 127 are taken as they are within strings; whether an id is UTF-8 is found out where it is read.
 *
 * A member's field is the text of its string without quotes and escapes, of a number or boolean what is written, and of
 * null nothing. Of members with the same name the last one counts. Members without a role are read and forgotten.
 */
import {
  JC_MEMBER_COUNT,
  JC_MEMBER_SIZE,
  JC_MEMBERS,
  JM_LENGTH,
  JM_NAME,
  JM_ROLE,
  JOB_CONFIG,
  KIND_TEXT_MAX,
  MEMBER_NAME_SIZE_MAX,
  RESULT_AREA_SIZE,
  ROLE_COUNT,
  ROLE_NONE,
  ROW_SIZE_MAX,
} from "../core/layout";
import { NO_END } from "./csv";
import { NOTE_FROM, NOTE_SIZE, NOTE_TO, NOTES_SIZE, readFields, refuseRow } from "./fields";

const TAB: u32 = 9;
const LINE_FEED: u32 = 10;
const CARRIAGE_RETURN: u32 = 13;
const SPACE: u32 = 32;
const QUOTE: u32 = 34;
const PLUS: u32 = 43;
const COMMA: u32 = 44;
const MINUS: u32 = 45;
const POINT: u32 = 46;
const SLASH: u32 = 47;
const ZERO: u32 = 48;
const COLON: u32 = 58;
const OPEN_BRACKET: u32 = 91;
const BACKSLASH: u32 = 92;
const CLOSE_BRACKET: u32 = 93;
const OPEN_BRACE: u32 = 123;
const CLOSE_BRACE: u32 = 125;
const LETTER_A: u32 = 97;
const LETTER_B: u32 = 98;
const LETTER_E: u32 = 101;
const LETTER_F: u32 = 102;
const LETTER_N: u32 = 110;
const LETTER_R: u32 = 114;
const LETTER_T: u32 = 116;
const LETTER_U: u32 = 117;
/** Set in lower-case letters, clear in upper-case ones. */
const LOWER_CASE: u32 = 0x20;
/** `null`, `true` and `alse` as little-endian words. */
const NULL_TEXT: u32 = 0x6c6c756e;
const TRUE_TEXT: u32 = 0x65757274;
const ALSE_TEXT: u32 = 0x65736c61;
const HIGH_SURROGATE: u32 = 0xd800;
const LOW_SURROGATE: u32 = 0xdc00;
const SURROGATE_MASK: u32 = 0xfc00;
const BYTES_OF_ESCAPE: usize = 6;

/** Returned in place of an address: the line is no JSON object. */
const NOT_JSON: usize = 0;

// The work area of a slice: texts without their escapes, one a role and one for a member's name, then a bit a level of
// nesting, 1 for an object.
const WORK_TEXT_SIZE: usize = KIND_TEXT_MAX + 8;
const WORK_NAME: usize = WORK_TEXT_SIZE * ROLE_COUNT;
const WORK_LEVELS: usize = WORK_NAME + MEMBER_NAME_SIZE_MAX + 8;
if (WORK_LEVELS + ROW_SIZE_MAX / 8 > <usize>RESULT_AREA_SIZE) ERROR("every level that a line can have needs a bit");

// One kernel instance is one thread, so these are nobody else's.
/** Second result of `endOfString`. */
let hasEscapes: bool = false;
/** Second result of `endOfScalar`: the value is null. */
let isNull: bool = false;
/** The entry of JC_MEMBERS that is tried first: lines mostly have the same members in the same order. */
let nextMember: u32 = 0;

// @ts-ignore: decorator
@inline
function byteAt(position: usize, end: usize): u32 {
  // A NUL is a mistake wherever it is asked for.
  return position < end ? load<u8>(position) : 0;
}

// @ts-ignore: decorator
@inline
function skipSpace(position: usize, end: usize): usize {
  for (; position < end; position++) {
    const byte: u32 = load<u8>(position);
    if (byte != SPACE && byte != TAB && byte != CARRIAGE_RETURN) break;
  }
  return position;
}

/** The first LF in `[position, limit)`, or `limit`. */
function findLineFeed(position: usize, limit: usize): usize {
  const lineFeeds = i8x16.splat(<i8>LINE_FEED);
  for (; position < limit; position += 16) {
    const marks = i8x16.bitmask(i8x16.eq(v128.load(position), lineFeeds));
    if (marks != 0) return min<usize>(position + ctz(marks), limit);
  }
  return limit;
}

/** The first quote, backslash or control character in `[position, end)`, or `end`. */
// @ts-ignore: decorator
@inline
function findInString(position: usize, end: usize): usize {
  for (; position < end; position += 16) {
    const text = v128.load(position);
    const marks = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(text, i8x16.splat(<i8>QUOTE)), i8x16.eq(text, i8x16.splat(<i8>BACKSLASH))),
        i8x16.lt_u(text, i8x16.splat(<i8>SPACE)),
      ),
    );
    if (marks != 0) return min<usize>(position + ctz(marks), end);
  }
  return end;
}

/** The value of a hexadecimal digit, or 16. */
function hexadecimalDigit(byte: u32): u32 {
  const digit = byte - ZERO;
  if (digit <= 9) return digit;
  const letter = (byte | LOWER_CASE) - LETTER_A;
  return letter <= 5 ? letter + 10 : 16;
}

/** The address of the quote that closes the string whose text begins at `position`; or NOT_JSON. */
function endOfString(position: usize, end: usize): usize {
  hasEscapes = false;
  while (true) {
    position = findInString(position, end);
    if (position == end) return NOT_JSON;
    const byte: u32 = load<u8>(position);
    if (byte == QUOTE) return position;
    if (byte != BACKSLASH) return NOT_JSON;
    hasEscapes = true;
    const escape = byteAt(position + 1, end);
    position += 2;
    if (escape == LETTER_U) {
      for (const last = position + 4; position < last; position++) {
        if (hexadecimalDigit(byteAt(position, end)) > 15) return NOT_JSON;
      }
    } else if (
      escape != QUOTE &&
      escape != BACKSLASH &&
      escape != SLASH &&
      escape != LETTER_B &&
      escape != LETTER_F &&
      escape != LETTER_N &&
      escape != LETTER_R &&
      escape != LETTER_T
    ) {
      return NOT_JSON;
    }
  }
}

/** The code unit of the escape `\uXXXX` at `position`. */
function codeUnitAt(position: usize): u32 {
  let unit: u32 = 0;
  for (let i: usize = 2; i < BYTES_OF_ESCAPE; i++) unit = (unit << 4) | hexadecimalDigit(load<u8>(position + i));
  return unit;
}

/** What a backslash and this letter stand for. */
function escapedByte(letter: u32): u32 {
  if (letter == LETTER_B) return 8;
  if (letter == LETTER_F) return 12;
  if (letter == LETTER_N) return LINE_FEED;
  if (letter == LETTER_R) return CARRIAGE_RETURN;
  return letter == LETTER_T ? TAB : letter;
}

/**
 * Writes a string's text, of which `endOfString` has said that it is valid, without its escapes. Returns its byte length,
 * `most` + 1 for any longer. Half a surrogate pair is written as it would be encoded: three bytes that are not UTF-8.
 * `target` has room for `most` bytes and 3 more.
 */
function copyUnescaped(from: usize, to: usize, target: usize, most: u32): u32 {
  let length: u32 = 0;
  while (from < to) {
    const byte: u32 = load<u8>(from);
    let code = byte;
    let isEncoded = byte != BACKSLASH;
    if (isEncoded) {
      from++;
    } else if (load<u8>(from, 1) != LETTER_U) {
      code = escapedByte(load<u8>(from, 1));
      from += 2;
    } else {
      code = codeUnitAt(from);
      from += BYTES_OF_ESCAPE;
      const isPair =
        (code & SURROGATE_MASK) == HIGH_SURROGATE &&
        to - from >= BYTES_OF_ESCAPE &&
        load<u8>(from) == BACKSLASH &&
        load<u8>(from, 1) == LETTER_U &&
        (codeUnitAt(from) & SURROGATE_MASK) == LOW_SURROGATE;
      if (isPair) {
        code = 0x10000 + ((code - HIGH_SURROGATE) << 10) + (codeUnitAt(from) - LOW_SURROGATE);
        from += BYTES_OF_ESCAPE;
      }
    }
    if (isEncoded || code < 0x80) {
      store<u8>(target + length++, code);
    } else if (code < 0x800) {
      store<u8>(target + length++, 0xc0 | (code >> 6));
      store<u8>(target + length++, 0x80 | (code & 0x3f));
    } else {
      if (code < 0x10000) {
        store<u8>(target + length++, 0xe0 | (code >> 12));
      } else {
        store<u8>(target + length++, 0xf0 | (code >> 18));
        store<u8>(target + length++, 0x80 | ((code >> 12) & 0x3f));
      }
      store<u8>(target + length++, 0x80 | ((code >> 6) & 0x3f));
      store<u8>(target + length++, 0x80 | (code & 0x3f));
    }
    if (length > most) return most + 1;
  }
  return length;
}

/** The first byte behind digits at `position`, of which there must be one; or NOT_JSON. */
function endOfDigits(position: usize, end: usize): usize {
  const first = position;
  while (byteAt(position, end) - ZERO <= 9) position++;
  return position == first ? NOT_JSON : position;
}

/** The first byte behind the number at `position`; or NOT_JSON. */
function endOfNumber(position: usize, end: usize): usize {
  if (byteAt(position, end) == MINUS) position++;
  if (byteAt(position, end) == ZERO) position++;
  else position = endOfDigits(position, end);
  if (position != NOT_JSON && byteAt(position, end) == POINT) position = endOfDigits(position + 1, end);
  if (position == NOT_JSON || (byteAt(position, end) | LOWER_CASE) != LETTER_E) return position;
  const sign = byteAt(++position, end);
  return endOfDigits(sign == PLUS || sign == MINUS ? position + 1 : position, end);
}

/** The first byte behind the number, boolean or null at `position`; or NOT_JSON. */
function endOfScalar(position: usize, end: usize): usize {
  const byte = byteAt(position, end);
  isNull = byte == LETTER_N;
  if (byte == LETTER_T || byte == LETTER_N) {
    const text = byte == LETTER_T ? TRUE_TEXT : NULL_TEXT;
    return end - position >= 4 && load<u32>(position) == text ? position + 4 : NOT_JSON;
  }
  if (byte == LETTER_F) return end - position >= 5 && load<u32>(position, 1) == ALSE_TEXT ? position + 5 : NOT_JSON;
  return endOfNumber(position, end);
}

/** The first byte behind the name and the colon at `position`, and behind what space there is; or NOT_JSON. */
function skipName(position: usize, end: usize): usize {
  if (byteAt(position, end) != QUOTE) return NOT_JSON;
  position = endOfString(position + 1, end);
  if (position == NOT_JSON) return NOT_JSON;
  position = skipSpace(position + 1, end);
  return byteAt(position, end) == COLON ? skipSpace(position + 1, end) : NOT_JSON;
}

// @ts-ignore: decorator
@inline
function isObjectAt(levels: usize, depth: u32): bool {
  return ((load<u8>(levels + (depth >> 3)) >> (depth & 7)) & 1) != 0;
}

/** The first byte behind the array or object at `position`, however deep it is; or NOT_JSON. */
function endOfNested(position: usize, end: usize, levels: usize): usize {
  let depth: u32 = 0;
  while (true) {
    // At a value.
    const byte = byteAt(position, end);
    let isOver = true;
    if (byte == OPEN_BRACE || byte == OPEN_BRACKET) {
      const isObject = byte == OPEN_BRACE;
      const bits = levels + (depth >> 3);
      const bit: u32 = 1 << (depth & 7);
      store<u8>(bits, isObject ? load<u8>(bits) | bit : load<u8>(bits) & ~bit);
      depth++;
      position = skipSpace(position + 1, end);
      if (byteAt(position, end) != (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
        if (isObject) position = skipName(position, end);
        isOver = false;
      }
    } else if (byte == QUOTE) {
      position = endOfString(position + 1, end);
      if (position != NOT_JSON) position++;
    } else {
      position = endOfScalar(position, end);
    }
    if (position == NOT_JSON) return NOT_JSON;
    // Behind a value, or at the end of an array or object that has none.
    while (isOver) {
      position = skipSpace(position, end);
      const mark = byteAt(position, end);
      const isObject = isObjectAt(levels, depth - 1);
      if (mark == COMMA) {
        position = skipSpace(position + 1, end);
        if (isObject) position = skipName(position, end);
        if (position == NOT_JSON) return NOT_JSON;
        isOver = false;
      } else if (mark == (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) {
        position++;
        if (--depth == 0) return position;
      } else {
        return NOT_JSON;
      }
    }
  }
}

function isSameText(a: usize, b: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  return true;
}

/** The role of the member whose name stands in `[from, to)` with its escapes, ROLE_NONE where it has none. */
function roleOfMember(from: usize, to: usize, escaped: bool, work: usize): u32 {
  let name = from;
  let length = <u32>(to - from);
  if (escaped) {
    name = work + WORK_NAME;
    length = copyUnescaped(from, to, name, MEMBER_NAME_SIZE_MAX);
  }
  const count: u32 = load<u8>(JOB_CONFIG + JC_MEMBER_COUNT);
  for (let tried: u32 = 0; tried < count; tried++) {
    if (nextMember >= count) nextMember = 0;
    const member: usize = JOB_CONFIG + JC_MEMBERS + nextMember * JC_MEMBER_SIZE;
    nextMember++;
    if (<u32>load<u16>(member, JM_LENGTH) == length && isSameText(member + JM_NAME, name, length)) {
      return load<u8>(member, JM_ROLE);
    }
  }
  return ROLE_NONE;
}

/** Notes the fields of the object in the line `[position, end)`. False where it is not one. */
function readObject(position: usize, end: usize, notes: usize, work: usize): bool {
  /** A bit a role: the last member that has it holds an array or an object. */
  let nested: u32 = 0;
  memory.fill(notes, 0, NOTES_SIZE);
  position = skipSpace(position, end);
  if (byteAt(position, end) != OPEN_BRACE) return false;
  position = skipSpace(position + 1, end);
  let isOver = byteAt(position, end) == CLOSE_BRACE;
  while (!isOver) {
    if (byteAt(position, end) != QUOTE) return false;
    const name = position + 1;
    const nameEnd = endOfString(name, end);
    if (nameEnd == NOT_JSON) return false;
    const role = roleOfMember(name, nameEnd, hasEscapes, work);
    position = skipSpace(nameEnd + 1, end);
    if (byteAt(position, end) != COLON) return false;
    position = skipSpace(position + 1, end);

    const byte = byteAt(position, end);
    let from = position;
    let to = position;
    nested &= ~(1 << role);
    if (byte == QUOTE) {
      from = position + 1;
      to = endOfString(from, end);
      if (to == NOT_JSON) return false;
      position = to + 1;
      if (hasEscapes && role != ROLE_NONE) {
        const text = work + <usize>role * WORK_TEXT_SIZE;
        // What is too long stays as it is: then it is too long for an id, and a backslash is no part of anything else.
        const length = copyUnescaped(from, to, text, KIND_TEXT_MAX);
        if (length <= <u32>KIND_TEXT_MAX) {
          from = text;
          to = text + length;
        }
      }
    } else if (byte == OPEN_BRACE || byte == OPEN_BRACKET) {
      position = endOfNested(position, end, work + WORK_LEVELS);
      if (position == NOT_JSON) return false;
      if (role != ROLE_NONE) nested |= 1 << role;
    } else {
      to = endOfScalar(position, end);
      if (to == NOT_JSON) return false;
      position = to;
      if (isNull) to = from;
    }
    const note = notes + <usize>role * NOTE_SIZE;
    store<u32>(note, <u32>from, NOTE_FROM);
    store<u32>(note, <u32>to, NOTE_TO);

    position = skipSpace(position, end);
    const mark = byteAt(position, end);
    isOver = mark == CLOSE_BRACE;
    if (isOver) break;
    if (mark != COMMA) return false;
    position = skipSpace(position + 1, end);
  }
  return nested == 0 && skipSpace(position + 1, end) == end;
}

/**
 * Reads the line at `row`, which is not empty, into `record`. Returns where the next line begins, or NO_END. `work` is a
 * slice's area of formatted results, which nobody has written yet.
 */
export function readLine(
  row: usize,
  limit: usize,
  final: bool,
  record: usize,
  notes: usize,
  work: usize,
): usize {
  const end = findLineFeed(row, limit);
  if (end == limit && !final) return NO_END;
  const next = min<usize>(end + 1, limit);
  if (next - row <= <usize>ROW_SIZE_MAX && readObject(row, end, notes, work)) readFields(notes, record);
  else refuseRow(record);
  return next;
}
