/** Stage encode: a slice's duplicates are settled, its journal chunk is written, its results are formatted. */
import { OK } from "../core/codes";
import {
  CHUNK_BUFFER_SIZE,
  CHUNK_HEADER_SIZE,
  CHUNK_KIND_TRANSFERS,
  CHUNK_MAGIC,
  CHUNK_VERSION,
  CH_BYTE_LENGTH,
  CH_FIRST_ROW,
  CH_FIRST_SEQUENCE,
  CH_JOB_HIGH,
  CH_JOB_LOW,
  CH_KIND,
  CH_MAGIC,
  CH_PENDING_COUNT,
  CH_RECORD_COUNT,
  CH_ROW_COUNT,
  CH_TIMESTAMP,
  CH_VERSION,
  CX_BASE_SEQUENCE,
  CX_CHUNK_FIRST,
  CX_DETAIL,
  CX_FIRST_ROW,
  CX_JOB_HIGH,
  CX_JOB_LOW,
  CX_PLAN,
  CX_REPEATED,
  CX_RESULT,
  CX_STATE,
  CX_TIMESTAMP,
  DETAIL_BROKE_CHAIN,
  DETAIL_REPLAYED,
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
  JR_BROKE_CHAIN,
  JR_DEBIT_SLOT,
  JR_EXTENSION,
  JR_FLAGS,
  JR_ID,
  KIND_NONE,
  NO_SLOT,
  PLAN_FORMAT,
  SB_CHUNKS,
  SB_CHUNK_COUNT,
  SC_CREDIT_SLOT,
  SC_DEBIT_SLOT,
  SC_LINK,
  SL_CHUNK_SIZE,
  SL_REPLAYED,
  SL_ROW_BASE,
  STATE_DUPLICATE,
  STATE_FRESH,
  STATE_KNOWN,
  SUPERBLOCK,
  TAKEN_LATER,
  TR_AMOUNT,
  TR_ASKED_AMOUNT,
  TR_CREDIT,
  TR_CREDIT_KIND,
  TR_CREDIT_TEXT,
  TR_DEBIT,
  TR_DEBIT_KIND,
  TR_DEBIT_TEXT,
  TR_EXPECTED_CREDIT_VERSION,
  TR_EXPECTED_DEBIT_VERSION,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
  TR_PENDING_ID,
  TR_PENDING_TEXT,
  TRANSFER_PENDING,
} from "../core/layout";
import { settleDuplicate } from "./confirm";
import {
  NO_DATE,
  amountHigh,
  asksForAmount,
  hasCold,
  hasExpected,
  isEitherMissing,
  recordAddress,
  recordDate,
  recordFlags,
  recordLeft,
  recordPendingKind,
  recordTimeout,
  recordUserData,
  scratchAddress,
  sequenceAddress,
  sliceCount,
  sliceEntry,
  sliceFirst,
} from "./context";
import { recordedBefore } from "./dedupe";
import { isHashKind } from "./identifiers";
import { journalRecordAddress, missingIdSize } from "./journal";
import { formatResults } from "./results";

/** Writes the id of a missing account or a pending transfer at `to` and returns the address behind it. */
function writeMissingId(to: usize, key: usize, kind: u32, text: usize): usize {
  store<u64>(to, kind);
  if (isHashKind(kind)) {
    memory.copy(to + 8, text, kind);
  } else {
    memory.copy(to + 8, key, 16);
  }
  return to + 8 + missingIdSize(kind);
}

/** Writes what a plain record has no room for; returns the end of the extensions. */
function writeExtension(chunk: usize, recorded: usize, record: usize, scratch: usize, to: usize): usize {
  const idKind = load<u8>(record, TR_ID_KIND);
  let present: u32 = 0;
  let at = to + 8;
  if (isHashKind(idKind)) {
    present |= EX_ID_TEXT;
    memory.copy(at, load<u32>(record, TR_ID_TEXT), idKind);
    at += (idKind + 7) & ~7;
  }
  if (amountHigh(record) != 0) {
    present |= EX_AMOUNT_HIGH;
    store<u64>(at, amountHigh(record));
    at += 8;
  }
  const userData = recordUserData(record);
  if (userData != 0 && (load<u64>(userData) | load<u64>(userData, 8)) != 0) {
    present |= EX_USER_DATA;
    memory.copy(at, userData, 16);
    at += 16;
  }
  if (load<u32>(scratch, SC_DEBIT_SLOT) == <u32>NO_SLOT && load<u8>(record, TR_DEBIT_KIND) != KIND_NONE) {
    present |= EX_DEBIT_ID;
    at = writeMissingId(at, record + TR_DEBIT, load<u8>(record, TR_DEBIT_KIND), load<u32>(record, TR_DEBIT_TEXT));
  }
  if (load<u32>(scratch, SC_CREDIT_SLOT) == <u32>NO_SLOT && load<u8>(record, TR_CREDIT_KIND) != KIND_NONE) {
    present |= EX_CREDIT_ID;
    at = writeMissingId(at, record + TR_CREDIT, load<u8>(record, TR_CREDIT_KIND), load<u32>(record, TR_CREDIT_TEXT));
  }
  if (hasExpected(record)) {
    present |= EX_EXPECTED;
    store<u64>(at, load<u64>(record, TR_EXPECTED_DEBIT_VERSION));
    store<u64>(at, load<u64>(record, TR_EXPECTED_CREDIT_VERSION), 8);
    at += 16;
  }
  if (asksForAmount(record)) {
    present |= EX_ASKED_AMOUNT;
    memory.copy(at, record + TR_ASKED_AMOUNT, 16);
    at += 16;
  }
  const pendingKind = recordPendingKind(record);
  if (pendingKind != KIND_NONE) {
    present |= EX_PENDING_ID;
    at = writeMissingId(at, record + TR_PENDING_ID, pendingKind, load<u32>(record, TR_PENDING_TEXT));
  }
  if (recordTimeout(record) != 0) {
    present |= EX_TIMEOUT;
    store<u64>(at, recordTimeout(record));
    at += 8;
  }
  if (recordDate(record) != NO_DATE) {
    present |= EX_EFFECTIVE_DATE;
    store<i64>(at, recordDate(record));
    at += 8;
  }
  if (present == 0) return to;
  store<u64>(to, present);
  store<u32>(recorded, <u32>(to - chunk), JR_EXTENSION);
  return at;
}

// @ts-ignore: decorator
@inline
function chunkAddress(context: usize, slice: u32): usize {
  const position = (load<u32>(context, CX_CHUNK_FIRST) + slice) % load<u32>(SUPERBLOCK, SB_CHUNK_COUNT);
  return <usize>load<u32>(SUPERBLOCK, SB_CHUNKS) + <usize>position * CHUNK_BUFFER_SIZE;
}

/** Stage encode: settles the slice's duplicates, writes its journal chunk, and formats its results where asked. */
export function encode(context: usize, slice: u32): void {
  const first = sliceFirst(slice);
  const end = first + sliceCount(context, slice);
  const before = recordedBefore(context, slice);
  const recordCount = recordedBefore(context, slice + 1) - before;
  const chunk = chunkAddress(context, slice);
  const recordsEnd = journalRecordAddress(chunk, recordCount);
  let recorded = journalRecordAddress(chunk, 0);
  let extension = recordsEnd;
  let replayed: u32 = 0;
  let pendings: u32 = 0;
  for (let i = first; i < end; i++) {
    const state = load<u8>(context + i, CX_STATE);
    if (state != STATE_FRESH) {
      if (state == STATE_DUPLICATE) settleDuplicate(context, i);
      replayed += <u32>(load<u8>(context + i, CX_DETAIL) == DETAIL_REPLAYED);
      continue;
    }
    const detail = load<u8>(context + i, CX_DETAIL);
    const record = recordAddress(context, i);
    const scratch = scratchAddress(context, i);
    const result: u32 = load<u8>(context + i, CX_RESULT);
    const slots = load<u64>(scratch, SC_DEBIT_SLOT);
    // The kinds of the ids and the status, then flags and code.
    const tail = load<u64>(record, TR_ID_KIND);
    v128.store(recorded, v128.load(record, TR_ID), JR_ID);
    store<u64>(recorded, load<u64>(record, TR_AMOUNT), JR_AMOUNT);
    store<u64>(recorded, slots, JR_DEBIT_SLOT);
    // No extension.
    store<u64>(recorded, <u64>(i - first) << 32, JR_EXTENSION);
    store<u64>(recorded, (tail >> 32) | (<u64>result << 32) | ((tail & 0xff) << 40), JR_FLAGS);
    // A plain record has no flags and has its accounts, so this is all of it.
    if (((<u32>(tail >> 32) & 0xffff) | detail) != 0 || isEitherMissing(slots)) {
      const flags = recordFlags(record);
      pendings += <u32>((flags & TRANSFER_PENDING) != 0 && result == OK);
      const broke: u32 = detail == DETAIL_BROKE_CHAIN ? JR_BROKE_CHAIN : 0;
      store<u16>(recorded, flags | broke | recordLeft(record), JR_FLAGS);
      if (needsExtension(record, scratch)) {
        extension = writeExtension(chunk, recorded, record, scratch, extension);
      }
    }
    recorded += JOURNAL_RECORD_SIZE;
    if (result != OK && load<u8>(context + i, CX_REPEATED) == TAKEN_LATER) {
      // A leg of a part that is journaled only until its chain is undone: its outcome is that of the later row.
      store<u8>(context + i, STATE_KNOWN, CX_STATE);
      store<u32>(sequenceAddress(context, i), load<u32>(scratch, SC_LINK));
    }
  }
  const entry = sliceEntry(context, slice);
  store<u32>(entry, replayed, SL_REPLAYED);
  store<u32>(entry, recordCount == 0 ? 0 : <u32>(extension - chunk), SL_CHUNK_SIZE);
  if (recordCount != 0) writeHeader(context, slice, chunk, <u32>(extension - chunk), recordCount, before, pendings);
  if ((load<u32>(context, CX_PLAN) & PLAN_FORMAT) != 0) formatResults(context, slice);
}

// @ts-ignore: decorator
@inline
function needsExtension(record: usize, scratch: usize): bool {
  return (
    hasCold(record) ||
    hasExpected(record) ||
    recordDate(record) != NO_DATE ||
    load<u32>(scratch, SC_DEBIT_SLOT) == <u32>NO_SLOT ||
    load<u32>(scratch, SC_CREDIT_SLOT) == <u32>NO_SLOT
  );
}

function writeHeader(
  context: usize,
  slice: u32,
  chunk: usize,
  size: u32,
  recordCount: u32,
  before: u32,
  pendings: u32,
): void {
  const firstRow = load<u64>(context, CX_FIRST_ROW);
  memory.fill(chunk, 0, CHUNK_HEADER_SIZE);
  store<u32>(chunk, CHUNK_MAGIC, CH_MAGIC);
  store<u16>(chunk, CHUNK_VERSION, CH_VERSION);
  store<u16>(chunk, CHUNK_KIND_TRANSFERS, CH_KIND);
  store<u32>(chunk, size, CH_BYTE_LENGTH);
  store<u32>(chunk, recordCount, CH_RECORD_COUNT);
  store<u64>(chunk, load<u64>(context, CX_TIMESTAMP), CH_TIMESTAMP);
  store<u64>(chunk, load<u64>(context, CX_BASE_SEQUENCE) + before, CH_FIRST_SEQUENCE);
  store<u64>(chunk, load<u64>(context, CX_JOB_LOW), CH_JOB_LOW);
  store<u64>(chunk, load<u64>(context, CX_JOB_HIGH), CH_JOB_HIGH);
  store<u64>(chunk, firstRow == 0 ? 0 : firstRow + load<u32>(sliceEntry(context, slice), SL_ROW_BASE), CH_FIRST_ROW);
  store<u32>(chunk, sliceCount(context, slice), CH_ROW_COUNT);
  store<u32>(chunk, pendings, CH_PENDING_COUNT);
}
