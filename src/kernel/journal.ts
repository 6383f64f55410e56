/** Reading records back from journal chunks of transfers. */
import {
  CHUNK_HEADER_SIZE,
  EX_AMOUNT_HIGH,
  EX_ASKED_AMOUNT,
  EX_CREDIT_ID,
  EX_DEBIT_ID,
  EX_EFFECTIVE_DATE,
  EX_EXPECTED,
  EX_ID_TEXT,
  EX_PENDING_ID,
  EX_TIMEOUT,
  EX_USER_DATA,
  JOURNAL_RECORD_SIZE,
  JR_AMOUNT,
  JR_EXTENSION,
  JR_ID_KIND,
} from "../core/layout";
import { NO_DATE } from "./context";
import { isHashKind } from "./identifiers";

/** Address of the `position`-th record of the chunk at `chunk`. */
// @ts-ignore: decorator
@inline
export function journalRecordAddress(chunk: usize, position: u32): usize {
  return chunk + CHUNK_HEADER_SIZE + <usize>position * JOURNAL_RECORD_SIZE;
}

/** Address of one field of a record's extension, or 0 where the record has none. */
function extensionField(chunk: usize, recorded: usize, field: u32): usize {
  const offset = load<u32>(recorded, JR_EXTENSION);
  if (offset == 0) return 0;
  const extension = chunk + offset;
  const present = load<u32>(extension);
  if ((present & field) == 0) return 0;
  let at = extension + 8;
  if (field == EX_ID_TEXT) return at;
  if ((present & EX_ID_TEXT) != 0) at += (load<u8>(recorded, JR_ID_KIND) + 7) & ~7;
  if (field == EX_AMOUNT_HIGH) return at;
  if ((present & EX_AMOUNT_HIGH) != 0) at += 8;
  if (field == EX_USER_DATA) return at;
  if ((present & EX_USER_DATA) != 0) at += 16;
  if (field == EX_DEBIT_ID) return at;
  if ((present & EX_DEBIT_ID) != 0) at += 8 + missingIdSize(load<u32>(at));
  if (field == EX_CREDIT_ID) return at;
  if ((present & EX_CREDIT_ID) != 0) at += 8 + missingIdSize(load<u32>(at));
  if (field == EX_EXPECTED) return at;
  if ((present & EX_EXPECTED) != 0) at += 16;
  if (field == EX_ASKED_AMOUNT) return at;
  if ((present & EX_ASKED_AMOUNT) != 0) at += 16;
  if (field == EX_PENDING_ID) return at;
  if ((present & EX_PENDING_ID) != 0) at += 8 + missingIdSize(load<u32>(at));
  if (field == EX_TIMEOUT) return at;
  if ((present & EX_TIMEOUT) != 0) at += 8;
  return at;
}

/** Bytes of the id of a missing account or a pending transfer after its kind: the key, or the text padded to 8. */
// @ts-ignore: decorator
@inline
export function missingIdSize(kind: u32): u32 {
  return isHashKind(kind) ? (kind + 7) & ~7 : 16;
}

export function recordedIdText(chunk: usize, recorded: usize): usize {
  return extensionField(chunk, recorded, EX_ID_TEXT);
}

export function recordedAmountLow(recorded: usize): u64 {
  return load<u64>(recorded, JR_AMOUNT);
}

export function recordedAmountHigh(chunk: usize, recorded: usize): u64 {
  const at = extensionField(chunk, recorded, EX_AMOUNT_HIGH);
  return at == 0 ? 0 : load<u64>(at);
}

/** Address of the 16 bytes of the amount that was asked for, or 0 where it is what was moved. */
export function recordedAskedAmount(chunk: usize, recorded: usize): usize {
  return extensionField(chunk, recorded, EX_ASKED_AMOUNT);
}

/** Address of the record's 16 bytes of user data, or 0 where they are zero. */
export function recordedUserData(chunk: usize, recorded: usize): usize {
  return extensionField(chunk, recorded, EX_USER_DATA);
}

/** Address of the two versions that the record expects, debit's first, or 0 where it expects none. */
export function recordedExpectedVersions(chunk: usize, recorded: usize): usize {
  return extensionField(chunk, recorded, EX_EXPECTED);
}

/** Address of the kind word of the id of the pending transfer that the record posts or voids, or 0. */
export function recordedPendingId(chunk: usize, recorded: usize): usize {
  return extensionField(chunk, recorded, EX_PENDING_ID);
}

export function recordedTimeout(chunk: usize, recorded: usize): u32 {
  const at = extensionField(chunk, recorded, EX_TIMEOUT);
  return at == 0 ? 0 : load<u32>(at);
}

/** Days since 1970-01-01, or NO_DATE. */
export function recordedDate(chunk: usize, recorded: usize): i32 {
  const at = extensionField(chunk, recorded, EX_EFFECTIVE_DATE);
  return at == 0 ? NO_DATE : load<i32>(at);
}

/** Address of the kind word of the id of an account that was not found, or 0. `field` is EX_DEBIT_ID or EX_CREDIT_ID. */
export function recordedMissingId(chunk: usize, recorded: usize, field: u32): usize {
  return extensionField(chunk, recorded, field);
}
