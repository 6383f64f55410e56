/**
 * What the fields of a row mean: from where a scan found them to the transfer's record. CSV and NDJSON share it, as the
 * scans leave the same notes.
 */
import {
  INVALID_AMOUNT,
  INVALID_CODE,
  INVALID_EFFECTIVE_DATE,
  INVALID_EXPECTED_VERSION,
  INVALID_FLAG,
  INVALID_ROW,
  INVALID_TIMEOUT,
  INVALID_USER_DATA,
  ID_MUST_NOT_BE_EMPTY,
  ID_NOT_UTF8,
  ID_TOO_LONG,
} from "../core/codes";
import {
  JC_AMOUNT_OPTIONAL,
  JC_FIXED_DEBIT_KEY,
  JC_FIXED_DEBIT_KIND,
  JC_FIXED_DEBIT_TEXT,
  JC_HAS_EXTRAS,
  JC_HAS_FIXED_DEBIT,
  JC_HAS_ID,
  JC_HAS_LINKED,
  JC_SCALE,
  JOB_CONFIG,
  KIND_NONE,
  KIND_NOT_UTF8,
  KIND_TEXT_MAX,
  KIND_TOO_LONG,
  KIND_UUID,
  PENDING_TEXT_OFFSET,
  RECORD_SIZE,
  ROLE_AMOUNT,
  ROLE_CLOSING_CREDIT,
  ROLE_CODE,
  ROLE_COUNT,
  ROLE_CREDIT,
  ROLE_DEBIT,
  ROLE_DEBITS_MUST_NOT_EXCEED_CREDITS,
  ROLE_EFFECTIVE_DATE,
  ROLE_EXPECTED_CREDIT_VERSION,
  ROLE_EXPECTED_DEBIT_VERSION,
  ROLE_ID,
  ROLE_LINKED,
  ROLE_NONE,
  ROLE_OVERDRAFT_LIMIT,
  ROLE_POST,
  ROLE_TIMEOUT,
  ROLE_USER_DATA,
  ROLE_VOID,
  TR_AMOUNT,
  TR_AMOUNT_HIGH,
  TR_ASKED_AMOUNT,
  TR_CODE,
  TR_CREDIT,
  TR_CREDIT_KIND,
  TR_CREDIT_TEXT,
  TR_DEBIT,
  TR_DEBIT_KIND,
  TR_DEBIT_TEXT,
  TR_EFFECTIVE_DATE,
  TR_EXPECTED_CREDIT_VERSION,
  TR_EXPECTED_DEBIT_VERSION,
  TR_FLAGS,
  TR_HAS_COLD,
  TR_HAS_DATE,
  TR_HAS_EXPECTED,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
  TR_IS_LIMIT_STATED,
  TR_OVERDRAFT_LIMIT,
  TR_PENDING_ID,
  TR_PENDING_KIND,
  TR_PENDING_TEXT,
  TR_STATUS,
  TR_STATUS_ROLE,
  TR_TIMEOUT,
  TR_USER_DATA,
  TRANSFER_ASKS,
  TRANSFER_LINKED,
  TRANSFER_POST,
  TRANSFER_RESOLVES,
} from "../core/layout";
import { hasCold } from "./context";
import { isHashKind, readKey } from "./identifiers";

const QUOTE: u32 = 34;
const HYPHEN: u32 = 45;
const POINT: u32 = 46;
const ZERO: u32 = 48;
/** Set in lower-case letters, clear in upper-case ones. */
const LOWER_CASE: u32 = 0x20;
/** `true` and `fals` as little-endian words. */
const TRUE_TEXT: u32 = 0x65757274;
const FALS_TEXT: u32 = 0x736c6166;
const LETTER_E: u32 = 101;
const CODE_MAX: u64 = 65535;
const TIMEOUT_MAX: u64 = 0xffffffff;
/** 2^53 − 1. */
const VERSION_MAX: u64 = 9007199254740991;
/** In place of an expected version. */
const ANY_VERSION: u64 = u64.MAX_VALUE;
const HIGH_BITS: u64 = 0x8080808080808080;

/** Decimal digits that always fit a u64. */
const WORD_DIGITS_MAX: u32 = 19;

/** Returned in place of a flag. */
const NO_FLAG: u32 = 2;
/** Returned in place of a day. */
const NO_DAY: i32 = i32.MIN_VALUE;
const DATE_LENGTH: usize = 10;
/** Days from 0000-03-01 to 1970-01-01, and of 400 years. */
const EPOCH_DAY: i32 = 719468;
const DAYS_OF_400_YEARS: i32 = 146097;

// A note a role says where the scan of a row found the role's field. A role that nothing has keeps an empty field.
export const NOTE_FROM: usize = 0;
export const NOTE_TO: usize = 4;
/** 1 where the field holds doubled quotes. */
export const NOTE_ESCAPED: usize = 8;
export const NOTE_SIZE: usize = 16;
export const NOTES_SIZE: usize = NOTE_SIZE * ROLE_COUNT;

// One kernel instance is one thread, so these are nobody else's.
/** Where the text arena of the slice being read has room for the next text. */
let textEnd: usize = 0;
/** Distance of the place for the text of a pending transfer's id from the record that names it: both are of one size. */
let pendingTexts: usize = 0;
if (RECORD_SIZE != KIND_TEXT_MAX) ERROR("a record and the place for its pending transfer's text must be of one size");
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

/** From here on, the texts of ids go to `arena`, that of a slice whose first record is `record`. */
export function beginTexts(arena: usize, record: usize): void {
  textEnd = arena;
  pendingTexts = arena + PENDING_TEXT_OFFSET - record;
}

/** The first byte behind the texts so far. */
export function endOfTexts(): usize {
  return textEnd;
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

/** Returns false, which is what those that complain of a field return. */
function complain(record: usize, status: u32, role: u32): bool {
  ensureCold(record);
  store<u8>(record, status, TR_STATUS);
  store<u8>(record, role, TR_STATUS_ROLE);
  return false;
}

/** Writes the record of a row that can't be read. It keeps nothing of the row, wherever the error was found. */
export function refuseRow(record: usize): void {
  clearLine(record);
  store<u8>(record, INVALID_ROW, TR_STATUS);
  // Nobody knows whether it was linked. If it was, making what stands behind it would make part of a chain.
  if (load<u8>(JOB_CONFIG + JC_HAS_LINKED) != 0) store<u16>(record, TRANSFER_LINKED, TR_FLAGS);
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

// @ts-ignore: decorator
@inline
function isEmpty(notes: usize, role: u32): bool {
  const note = notes + <usize>role * NOTE_SIZE;
  return load<u32>(note, NOTE_FROM) == load<u32>(note, NOTE_TO);
}

/** Whether a kind stands for an id at all. */
// @ts-ignore: decorator
@inline
function isIdKind(kind: u32): bool {
  return kind - 1 < <u32>KIND_TOO_LONG - 1;
}

/**
 * Reads the id in the field of `role`. What is wrong with it, its kind tells: a complaint comes later in the order of
 * checks.
 *
 * A record keeps at most three texts of KIND_TEXT_MAX bytes, so the arena always has room for one more.
 */
function readId(notes: usize, role: u32, record: usize): void {
  const note = notes + <usize>role * NOTE_SIZE;
  const from: usize = load<u32>(note, NOTE_FROM);
  const to: usize = load<u32>(note, NOTE_TO);
  const escaped = load<u32>(note, NOTE_ESCAPED) != 0;
  const ordinal: usize = role - ROLE_ID;
  const key = record + TR_ID + (ordinal << 4);
  const text = escaped ? textEnd : from;
  const length = escaped ? copyUnescaped(from, to, text) : <u32>(to - from);
  if (length == 0) return;
  if (length > <u32>KIND_TEXT_MAX) {
    store<u8>(record + ordinal, KIND_TOO_LONG, TR_ID_KIND);
    return;
  }
  const kind = readKey(text, length, key);
  store<u8>(record + ordinal, kind, TR_ID_KIND);
  if (kind == KIND_UUID) return;
  const hashed = isHashKind(kind);
  // A key that is not a hash is the id's bytes.
  const isAscii = hashed ? !hasHighBits(text, length) : ((load<u64>(key) | load<u64>(key, 8)) & HIGH_BITS) == 0;
  if (!isAscii && !isUtf8(text, text + length)) {
    store<u64>(key, 0);
    store<u64>(key, 0, 8);
    store<u8>(record + ordinal, KIND_NOT_UTF8, TR_ID_KIND);
    return;
  }
  if (hashed) {
    if (!escaped) copyText(text, length, textEnd);
    ensureCold(record);
    store<u32>(record + (ordinal << 2), <u32>textEnd, TR_ID_TEXT);
    textEnd += length;
  }
}

/**
 * Reads the id of the pending transfer that the record posts or voids, whose text has a place of its own. It is read in the
 * place of the transfer's own id and moved: reading ids to any place would cost every row.
 */
function readPendingId(notes: usize, role: u32, record: usize): void {
  ensureCold(record);
  const end = textEnd;
  const key = v128.load(record, TR_ID);
  const kind: u32 = load<u8>(record, TR_ID_KIND);
  const text = load<u32>(record, TR_ID_TEXT);
  textEnd = pendingTexts + record;
  v128.store(record, i64x2.splat(0), TR_ID);
  store<u8>(record, KIND_NONE, TR_ID_KIND);
  store<u32>(record, <u32>textEnd, TR_PENDING_TEXT);
  readId(notes + <usize>(role - ROLE_ID) * NOTE_SIZE, ROLE_ID, record);
  v128.store(record, v128.load(record, TR_ID), TR_PENDING_ID);
  store<u8>(record, load<u8>(record, TR_ID_KIND), TR_PENDING_KIND);
  v128.store(record, key, TR_ID);
  store<u8>(record, kind, TR_ID_KIND);
  store<u32>(record, text, TR_ID_TEXT);
  textEnd = end;
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

/** Reads the decimal in the field of `role` as minor units, as `readAmount` would, 0 where it is empty. */
function readDecimal(notes: usize, role: u32, scale: u32): bool {
  const from: usize = load<u32>(notes + <usize>role * NOTE_SIZE, NOTE_FROM);
  const to: usize = load<u32>(notes + <usize>role * NOTE_SIZE, NOTE_TO);
  let position = from;
  while (position < to && <u32>load<u8>(position) - ZERO <= 9) position++;
  if (position == to) return readLongNumber(from, to, scale);
  const fraction = <u32>(to - position) - 1;
  if (position == from || load<u8>(position++) != POINT || fraction == 0 || fraction > scale) return false;
  for (; position < to; position++) {
    if (<u32>load<u8>(position) - ZERO > 9) return false;
  }
  return readLongNumber(from, to, scale - fraction);
}

/** Reads a whole number of one word, 0 where the field is empty. False for anything else, and above `most`. */
function readWord(notes: usize, role: u32, most: u64): bool {
  return readWholeNumber(notes, role) && numberHigh == 0 && numberLow <= most;
}

/** The flag in the field of `role`: 1 or 0, which is also that of an empty field, or NO_FLAG. */
function readFlag(notes: usize, role: u32): u32 {
  const from: usize = load<u32>(notes + <usize>role * NOTE_SIZE, NOTE_FROM);
  const length = <usize>load<u32>(notes + <usize>role * NOTE_SIZE, NOTE_TO) - from;
  if (length == 0) return 0;
  if (length == 1) return min<u32>(<u32>load<u8>(from) - ZERO, NO_FLAG);
  if (length != 4 && length != 5) return NO_FLAG;
  const word = load<u32>(from) | (LOWER_CASE * 0x01010101);
  if (length == 4) return word == TRUE_TEXT ? 1 : NO_FLAG;
  return word == FALS_TEXT && (<u32>load<u8>(from, 4) | LOWER_CASE) == LETTER_E ? 0 : NO_FLAG;
}

/** Writes the flags that the row's fields say, and which pending transfer it ends. Returns the role of the first field that is no flag, or ROLE_NONE. */
function readFlags(notes: usize, record: usize): u32 {
  let flags: u32 = 0;
  let wrong: u32 = ROLE_NONE;
  for (let role: u32 = ROLE_LINKED; role <= <u32>ROLE_CLOSING_CREDIT; role++) {
    if (isEmpty(notes, role)) continue;
    const bit: u32 = 1 << (role - ROLE_LINKED);
    // An id stands there, which says that there is something to post or to void.
    const flag = (bit & TRANSFER_RESOLVES) != 0 ? 1 : readFlag(notes, role);
    if (flag == NO_FLAG && wrong == ROLE_NONE) wrong = role;
    // Where nobody can tell whether the row was linked, it counts as if it was: see `refuseRow`.
    if (flag == 1 || (flag == NO_FLAG && role == ROLE_LINKED)) flags |= bit;
  }
  store<u16>(record, load<u16>(record, TR_FLAGS) | <u16>flags, TR_FLAGS);
  if ((flags & TRANSFER_RESOLVES) != 0) {
    readPendingId(notes, (flags & TRANSFER_POST) != 0 ? ROLE_POST : ROLE_VOID, record);
  }
  return wrong;
}

/** The number of `count` digits at `from`, or -1. */
function readDigits(from: usize, count: usize): i32 {
  let value: i32 = 0;
  for (let i: usize = 0; i < count; i++) {
    const digit = <u32>load<u8>(from + i) - ZERO;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Days of a month of the Gregorian calendar. */
function daysOfMonth(year: i32, month: i32): i32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  // 30 days hath April, June, September and November.
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** The day that `2026-01-31` names, in days since 1970-01-01: years 0001 to 9999 of the proleptic calendar. Or NO_DAY. */
function readDay(from: usize, to: usize): i32 {
  if (to - from != DATE_LENGTH || load<u8>(from, 4) != HYPHEN || load<u8>(from, 7) != HYPHEN) return NO_DAY;
  const year = readDigits(from, 4);
  const month = readDigits(from + 5, 2);
  const day = readDigits(from + 8, 2);
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return NO_DAY;
  // A year that begins in March has its leap day at its end: http://howardhinnant.github.io/date_algorithms.html
  const shifted = month > 2 ? year : year - 1;
  const period = shifted / 400;
  const yearOfPeriod = shifted % 400;
  const dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return period * DAYS_OF_400_YEARS + yearOfPeriod * 365 + yearOfPeriod / 4 - yearOfPeriod / 100 + dayOfYear - EPOCH_DAY;
}

/** Makes the record expect its accounts at the versions that the row names. False where a field is no version. */
function readExpectedVersions(notes: usize, record: usize): bool {
  const isAnyDebit = isEmpty(notes, ROLE_EXPECTED_DEBIT_VERSION);
  const isAnyCredit = isEmpty(notes, ROLE_EXPECTED_CREDIT_VERSION);
  if (isAnyDebit && isAnyCredit) return true;
  if (!readWord(notes, ROLE_EXPECTED_DEBIT_VERSION, VERSION_MAX)) return false;
  store<u64>(record, isAnyDebit ? ANY_VERSION : numberLow, TR_EXPECTED_DEBIT_VERSION);
  if (!readWord(notes, ROLE_EXPECTED_CREDIT_VERSION, VERSION_MAX)) return false;
  store<u64>(record, isAnyCredit ? ANY_VERSION : numberLow, TR_EXPECTED_CREDIT_VERSION);
  store<u16>(record, load<u16>(record, TR_FLAGS) | TR_HAS_EXPECTED, TR_FLAGS);
  return true;
}

/** Reads what only rows of an accounts file have. Returns whether it is right. */
function readAccountExtras(notes: usize, record: usize): bool {
  if (!isEmpty(notes, ROLE_DEBITS_MUST_NOT_EXCEED_CREDITS)) {
    ensureCold(record);
    store<u32>(record, 1, TR_IS_LIMIT_STATED);
  }
  if (isEmpty(notes, ROLE_OVERDRAFT_LIMIT)) return true;
  if (!readDecimal(notes, ROLE_OVERDRAFT_LIMIT, load<u32>(JOB_CONFIG + JC_SCALE))) {
    return complain(record, INVALID_AMOUNT, ROLE_OVERDRAFT_LIMIT);
  }
  ensureCold(record);
  store<u64>(record, numberLow, TR_OVERDRAFT_LIMIT);
  store<u64>(record, numberHigh, TR_OVERDRAFT_LIMIT + 8);
  return true;
}

/**
 * Reads the fields that a plain row does not have, in the order of checks, and complains of the first that is wrong.
 * `wrongFlag` is the role of a field that should have been a flag, or ROLE_NONE. Returns whether all are right.
 */
function readExtras(notes: usize, record: usize, wrongFlag: u32): bool {
  if (!readWord(notes, ROLE_CODE, CODE_MAX)) return complain(record, INVALID_CODE, ROLE_CODE);
  store<u16>(record, <u16>numberLow, TR_CODE);
  if (!readWholeNumber(notes, ROLE_USER_DATA)) return complain(record, INVALID_USER_DATA, ROLE_USER_DATA);
  if ((numberLow | numberHigh) != 0) {
    ensureCold(record);
    store<u64>(record, numberLow, TR_USER_DATA);
    store<u64>(record, numberHigh, TR_USER_DATA + 8);
  }
  if (wrongFlag != ROLE_NONE) return complain(record, INVALID_FLAG, wrongFlag);
  if ((load<u16>(record, TR_FLAGS) & TRANSFER_ASKS) != 0) {
    // What is moved may have more words than what was asked.
    ensureCold(record);
    store<u64>(record, load<u64>(record, TR_AMOUNT), TR_ASKED_AMOUNT);
    store<u64>(record, load<u64>(record, TR_AMOUNT_HIGH), TR_ASKED_AMOUNT + 8);
  }
  if (!isEmpty(notes, ROLE_TIMEOUT)) {
    const isTimeout = readWord(notes, ROLE_TIMEOUT, TIMEOUT_MAX) && numberLow != 0;
    if (!isTimeout) return complain(record, INVALID_TIMEOUT, ROLE_TIMEOUT);
    ensureCold(record);
    store<u32>(record, <u32>numberLow, TR_TIMEOUT);
  }
  if (!readExpectedVersions(notes, record)) {
    const isDebit = !readWord(notes, ROLE_EXPECTED_DEBIT_VERSION, VERSION_MAX);
    const role: u32 = isDebit ? ROLE_EXPECTED_DEBIT_VERSION : ROLE_EXPECTED_CREDIT_VERSION;
    return complain(record, INVALID_EXPECTED_VERSION, role);
  }
  if (load<u8>(JOB_CONFIG + JC_HAS_FIXED_DEBIT) != 0) return readAccountExtras(notes, record);
  if (isEmpty(notes, ROLE_EFFECTIVE_DATE)) return true;
  const date = notes + <usize>ROLE_EFFECTIVE_DATE * NOTE_SIZE;
  const day = readDay(load<u32>(date, NOTE_FROM), load<u32>(date, NOTE_TO));
  if (day == NO_DAY) return complain(record, INVALID_EFFECTIVE_DATE, ROLE_EFFECTIVE_DATE);
  store<i32>(record, day, TR_EFFECTIVE_DATE);
  store<u16>(record, load<u16>(record, TR_FLAGS) | TR_HAS_DATE, TR_FLAGS);
  return true;
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

/** Writes the record of a well-formed row, from the notes of its fields. */
export function readFields(notes: usize, record: usize): void {
  clearLine(record);
  readId(notes, ROLE_ID, record);
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
  const hasExtras = load<u8>(JOB_CONFIG + JC_HAS_EXTRAS) != 0;
  let wrongFlag: u32 = ROLE_NONE;
  if (hasExtras) wrongFlag = readFlags(notes, record);
  const amount = notes + <usize>ROLE_AMOUNT * NOTE_SIZE;
  const scale = load<u32>(JOB_CONFIG + JC_SCALE);
  if (!readAmount(load<u32>(amount, NOTE_FROM), load<u32>(amount, NOTE_TO), scale, record)) {
    // What posts or voids may leave the amount open: all of it.
    const mayBeEmpty =
      (hasExtras && (load<u16>(record, TR_FLAGS) & TRANSFER_RESOLVES) != 0) ||
      load<u8>(JOB_CONFIG + JC_AMOUNT_OPTIONAL) != 0;
    if (!mayBeEmpty || !isEmpty(notes, ROLE_AMOUNT)) {
      complain(record, INVALID_AMOUNT, ROLE_AMOUNT);
      return;
    }
  }
  if (hasExtras && !readExtras(notes, record, wrongFlag)) return;
  const kind: u32 = load<u8>(record, TR_ID_KIND);
  if (isIdKind(kind) || load<u8>(JOB_CONFIG + JC_HAS_ID) == 0) return;
  const status: u32 = kind == KIND_NONE ? ID_MUST_NOT_BE_EMPTY : kind == KIND_TOO_LONG ? ID_TOO_LONG : ID_NOT_UTF8;
  complain(record, status, ROLE_ID);
}
