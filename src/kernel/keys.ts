/** Reading the ids of records from their text, slice by slice, before the slice is resolved. */
import {
  COLD_OFFSET,
  KIND_NONE,
  RECORD_SIZE,
  TR_CREDIT,
  TR_CREDIT_TEXT,
  TR_DEBIT,
  TR_DEBIT_TEXT,
  TR_FLAGS,
  TR_HAS_COLD,
  TR_HAS_TEXT,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
} from "../core/layout";
import { recordAddress, sliceCount, sliceFirst } from "./context";
import { isHashKind, readKey } from "./identifiers";

/** Turns lengths and text into kinds and keys, for every record of the slice that holds text. */
export function readKeys(context: usize, slice: u32): void {
  let record = recordAddress(context, sliceFirst(slice));
  for (const end = record + <usize>sliceCount(context, slice) * RECORD_SIZE; record < end; record += RECORD_SIZE) {
    const flags = load<u16>(record, TR_FLAGS);
    if ((flags & TR_HAS_TEXT) == 0) continue;
    const lengths = load<u32>(record, TR_ID_KIND);
    const idLength = lengths & 0xff;
    const debitLength = (lengths >> 8) & 0xff;
    const creditLength = (lengths >> 16) & 0xff;
    const idText: usize = load<u32>(record, TR_ID);
    const debitText = idText + idLength;
    const creditText = debitText + debitLength;
    const idKind = readKey(idText, idLength, record + TR_ID);
    const debitKind = readAccountKey(debitText, debitLength, record + TR_DEBIT);
    const creditKind = readAccountKey(creditText, creditLength, record + TR_CREDIT);
    store<u32>(record, (lengths & 0xff000000) | idKind | (debitKind << 8) | (creditKind << 16), TR_ID_KIND);
    store<u16>(record, flags & ~TR_HAS_TEXT, TR_FLAGS);
    if (isHashKind(idKind) || isHashKind(debitKind) || isHashKind(creditKind)) {
      keepTexts(record, flags & ~TR_HAS_TEXT, <u32>idText, <u32>debitText, <u32>creditText);
    }
  }
}

/** {@link readKey} of an account's id, which may be missing. */
// @ts-ignore: decorator
@inline
function readAccountKey(text: usize, length: u32, key: usize): u32 {
  if (length != 0) return readKey(text, length, key);
  store<u64>(key, 0);
  store<u64>(key, 0, 8);
  return KIND_NONE;
}

/** Notes where the texts lie in the record's cold line, which is made where the record has none. */
function keepTexts(record: usize, flags: u32, idText: u32, debitText: u32, creditText: u32): void {
  if ((flags & TR_HAS_COLD) == 0) {
    memory.fill(record + COLD_OFFSET, 0, RECORD_SIZE);
    store<u16>(record, flags | TR_HAS_COLD, TR_FLAGS);
  }
  store<u32>(record, idText, TR_ID_TEXT);
  store<u32>(record, debitText, TR_DEBIT_TEXT);
  store<u32>(record, creditText, TR_CREDIT_TEXT);
}
