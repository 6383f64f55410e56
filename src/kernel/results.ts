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

/** Writes `value` in decimal at `to`; returns the address behind it. */
function writeDecimal(to: usize, value: u64): usize {
  let digits: u32 = 1;
  for (let rest = value / 10; rest != 0; rest /= 10) digits++;
  let at = to + digits;
  let rest = value;
  do {
    at--;
    const quotient = rest / 10;
    store<u8>(at, 48 + <u32>(rest - quotient * 10));
    rest = quotient;
  } while (rest != 0);
  return to + digits;
}

// @ts-ignore: decorator
@inline
function hexadecimalDigit(value: u32): u32 {
  return value < 10 ? 48 + value : 87 + value;
}

function writeUuid(to: usize, key: usize): usize {
  let at = to;
  for (let octet: u32 = 0; octet < 16; octet++) {
    if (octet == 4 || octet == 6 || octet == 8 || octet == 10) store<u8>(at++, HYPHEN);
    const value = <u32>load<u8>(key + octet);
    store<u8>(at++, hexadecimalDigit(value >> 4));
    store<u8>(at++, hexadecimalDigit(value & 15));
  }
  return at;
}

/** Writes bytes as a CSV field (RFC 4180): quoted where it holds a comma, a quote or a line break. */
function writeField(to: usize, text: usize, length: u32): usize {
  let plain = true;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(text + i);
    if (byte == COMMA || byte == QUOTE || byte == NEW_LINE || byte == CARRIAGE_RETURN) plain = false;
  }
  if (plain) {
    memory.copy(to, text, length);
    return to + length;
  }
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
    const nameLength = load<u8>(name);
    memory.copy(at, name + 1, nameLength);
    at += nameLength;
    store<u8>(at++, COMMA);
    const sequence = load<u32>(sequenceAddress(context, i));
    if (sequence != 0) at = writeDecimal(at, sequence);
    store<u8>(at++, NEW_LINE);
  }
  store<u32>(sliceEntry(context, slice), <u32>(at - start), SL_RESULT_TEXT_SIZE);
}
