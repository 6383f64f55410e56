/**
 * Ids that were used before: comparing a record with the transfer that has its id, in the journal or earlier in the
 * same batch, and saying what that means for it.
 */
import {
  EXISTS,
  EXISTS_WITH_DIFFERENT_AMOUNT,
  EXISTS_WITH_DIFFERENT_ASSET,
  EXISTS_WITH_DIFFERENT_CODE,
  EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT,
  EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT,
  EXISTS_WITH_DIFFERENT_FLAGS,
  EXISTS_WITH_DIFFERENT_USER_DATA,
  ID_ALREADY_FAILED,
  OK,
  RECORDED_FROM,
} from "../core/codes";
import {
  AC_ASSET,
  CH_FIRST_ROW,
  CH_FIRST_SEQUENCE,
  CH_JOB_HIGH,
  CH_JOB_LOW,
  CX_ASSET,
  CX_BASE_SEQUENCE,
  CX_DETAIL,
  CX_FIRST_ROW,
  CX_JOB_HIGH,
  CX_JOB_LOW,
  CX_RESULT,
  CX_SLICES_USED,
  CX_STATE,
  DETAIL_REPLAYED,
  EX_CREDIT_ID,
  EX_DEBIT_ID,
  IP_LOG2,
  JR_CODE,
  JR_CREDIT_SLOT,
  JR_DEBIT_SLOT,
  JR_FLAGS,
  JR_ID,
  JR_ID_KIND,
  JR_RESULT,
  JR_ROW,
  KIND_NONE,
  KIND_NOT_UTF8,
  KIND_TOO_LONG,
  NO_SLOT,
  SB_ACCOUNTS,
  SC_CREDIT_SLOT,
  SC_DEBIT_SLOT,
  SC_ENTRY,
  SC_LINK,
  SLICE_CAPACITY,
  SL_ROW_BASE,
  STATE_CANDIDATE,
  STATE_FRESH,
  STATE_KNOWN,
  STATE_PROBE_ONLY,
  SUPERBLOCK,
  TR_AMOUNT,
  TR_AMOUNT_HIGH,
  TR_CODE,
  TR_CREDIT,
  TR_CREDIT_KIND,
  TR_CREDIT_TEXT,
  TR_DEBIT,
  TR_DEBIT_KIND,
  TR_DEBIT_TEXT,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
} from "../core/layout";
import { accountAddress, findAccountByKey } from "./accounts";
import {
  amountHigh,
  askedHigh,
  askedLow,
  isBalancing,
  recordAddress,
  recordFlags,
  recordUserData,
  scratchAddress,
  sequenceAddress,
  sliceCount,
  sliceEntry,
  sliceFirst,
} from "./context";
import { ENTERED, MUST_CONFIRM, countEntered, probe } from "./dedupe";
import { idPartitionHeader, idPartitionOf, idPartitionTable, idTag } from "./exactly-once";
import { equalText, isHashKind, placementHash } from "./identifiers";
import {
  journalRecordAddress,
  recordedAmountHigh,
  recordedAmountLow,
  recordedAskedAmount,
  recordedIdText,
  recordedMissingId,
  recordedUserData,
} from "./journal";

/** Index of the first candidate from `index` on, or -1. Candidates are confirmed in batch order, by one thread. */
export function nextCandidate(context: usize, index: i32): i32 {
  const slices = load<u32>(context, CX_SLICES_USED);
  let at: u32 = index;
  for (let slice: u32 = at / SLICE_CAPACITY; slice < slices; slice++) {
    const end = sliceFirst(slice) + sliceCount(context, slice);
    for (at = max(at, sliceFirst(slice)); at < end; at++) {
      if (load<u8>(context + at, CX_STATE) == STATE_CANDIDATE) return at;
    }
  }
  return -1;
}

/** Sequence that candidate `index` must be compared with. */
export function candidateSequence(context: usize, index: u32): u32 {
  return load<u32>(scratchAddress(context, index), SC_LINK);
}

/**
 * Compares candidate `index` with the journal, whose chunk that holds the candidate's sequence is at `chunk`.
 * Returns 0 where the record is settled, else the next sequence to compare with.
 */
export function confirm(context: usize, index: u32, chunk: usize): u32 {
  const record = recordAddress(context, index);
  const scratch = scratchAddress(context, index);
  const sequence = load<u32>(scratch, SC_LINK);
  const recorded = journalRecordAddress(chunk, sequence - <u32>load<u64>(chunk, CH_FIRST_SEQUENCE));
  // A record that resolve refused, but whose id had to be looked up, carries the refusal as its result.
  const result = load<u8>(context + index, CX_RESULT);
  const probeOnly = refusalIsFinal(result);
  if (!isRecordedId(record, chunk, recorded)) {
    const hash = placementHash(load<u64>(record, TR_ID), load<u64>(record, TR_ID + 8), load<u8>(record, TR_ID_KIND));
    const partition = idPartitionOf(hash);
    const table = idPartitionTable(partition);
    const mask: u32 = (1 << load<u32>(idPartitionHeader(partition), IP_LOG2)) - 1;
    const position = <u32>((load<u32>(scratch, SC_ENTRY) - <u32>table) >> 3);
    store<u8>(context + index, probeOnly ? STATE_PROBE_ONLY : STATE_FRESH, CX_STATE);
    const base = <u32>load<u64>(context, CX_BASE_SEQUENCE);
    const found = probe(context, base, index, table, mask, idTag(hash), (position + 1) & mask);
    if (found == ENTERED) countEntered(context, partition, index / SLICE_CAPACITY, 1);
    return found == MUST_CONFIRM ? load<u32>(scratch, SC_LINK) : 0;
  }
  store<u8>(context + index, STATE_KNOWN, CX_STATE);
  store<u32>(sequenceAddress(context, index), sequence);
  const recordedResult = load<u8>(recorded, JR_RESULT);
  const jobLow = load<u64>(context, CX_JOB_LOW);
  const jobHigh = load<u64>(context, CX_JOB_HIGH);
  const sameJob =
    (jobLow | jobHigh) != 0 && load<u64>(chunk, CH_JOB_LOW) == jobLow && load<u64>(chunk, CH_JOB_HIGH) == jobHigh;
  if (sameJob) {
    const slice = index / SLICE_CAPACITY;
    const ordinal = load<u32>(sliceEntry(context, slice), SL_ROW_BASE) + (index % SLICE_CAPACITY);
    const row = load<u64>(context, CX_FIRST_ROW) + ordinal;
    const recordedRow = load<u64>(chunk, CH_FIRST_ROW) + load<u32>(recorded, JR_ROW);
    if (row == recordedRow && isSameTransfer(context, record, scratch, chunk, recorded)) {
      store<u8>(context + index, recordedResult, CX_RESULT);
      store<u8>(context + index, <u8>DETAIL_REPLAYED, CX_DETAIL);
      return 0;
    }
    if (probeOnly && recordedRow > row) {
      // A later row of this job took the id: when this row was first read, the id was unknown.
      store<u8>(context + index, STATE_PROBE_ONLY, CX_STATE);
      store<u32>(sequenceAddress(context, index), 0);
      return 0;
    }
  }
  if (recordedResult != OK) {
    store<u8>(context + index, ID_ALREADY_FAILED, CX_RESULT);
    store<u8>(context + index, recordedResult, CX_DETAIL);
    return 0;
  }
  store<u8>(
    context + index,
    differenceFrom(
      load<u32>(context, CX_ASSET),
      record,
      scratch,
      load<u16>(recorded, JR_FLAGS),
      load<u32>(recorded, JR_DEBIT_SLOT),
      load<u32>(recorded, JR_CREDIT_SLOT),
      askedThenLow(chunk, recorded),
      askedThenHigh(chunk, recorded),
      recordedUserData(chunk, recorded),
      load<u16>(recorded, JR_CODE),
    ),
    CX_RESULT,
  );
  tellMoved(record, recordedAmountLow(recorded), recordedAmountHigh(chunk, recorded));
  return 0;
}

/** The amount that a recorded transfer asked for. */
function askedThenLow(chunk: usize, recorded: usize): u64 {
  const asked = recordedAskedAmount(chunk, recorded);
  return asked == 0 ? recordedAmountLow(recorded) : load<u64>(asked);
}

function askedThenHigh(chunk: usize, recorded: usize): u64 {
  const asked = recordedAskedAmount(chunk, recorded);
  return asked == 0 ? recordedAmountHigh(chunk, recorded) : load<u64>(asked, 8);
}

/** Leaves what an earlier transfer moved as the amount of a balancing record that repeats it. */
function tellMoved(record: usize, low: u64, high: u64): void {
  if (!isBalancing(record)) return;
  store<u64>(record, low, TR_AMOUNT);
  store<u64>(record, high, TR_AMOUNT_HIGH);
}

/** Whether resolve's result means that the record is refused without being recorded. */
// @ts-ignore: decorator
@inline
function refusalIsFinal(result: u32): bool {
  return result != OK && result < <u32>RECORDED_FROM;
}

/** Whether the journal record at `recorded` has exactly the id of the batch record at `record`. */
function isRecordedId(record: usize, chunk: usize, recorded: usize): bool {
  const kind = load<u8>(record, TR_ID_KIND);
  return (
    load<u64>(record, TR_ID) == load<u64>(recorded, JR_ID) &&
    load<u64>(record, TR_ID + 8) == load<u64>(recorded, JR_ID + 8) &&
    kind == load<u8>(recorded, JR_ID_KIND) &&
    (!isHashKind(kind) || equalText(load<u32>(record, TR_ID_TEXT), recordedIdText(chunk, recorded), kind))
  );
}

/** A word of 16 bytes that may be absent, which means zero. */
// @ts-ignore: decorator
@inline
function wordAt(address: usize, offset: usize): u64 {
  return address == 0 ? 0 : load<u64>(address + offset);
}

/** Whether a row says the same as when it was recorded; otherwise the file was changed under the job's name. */
function isSameTransfer(context: usize, record: usize, scratch: usize, chunk: usize, recorded: usize): bool {
  // A rejection may have left an account without a slot; then the journal has the id that was looked for.
  const debitSlot = load<u32>(recorded, JR_DEBIT_SLOT);
  const creditSlot = load<u32>(recorded, JR_CREDIT_SLOT);
  const debit = recordedMissingId(chunk, recorded, EX_DEBIT_ID);
  const credit = recordedMissingId(chunk, recorded, EX_CREDIT_ID);
  if (debit != 0 && !isMissingId(debit, record + TR_DEBIT, record + TR_DEBIT_KIND, record + TR_DEBIT_TEXT)) return false;
  if (credit != 0 && !isMissingId(credit, record + TR_CREDIT, record + TR_CREDIT_KIND, record + TR_CREDIT_TEXT)) {
    return false;
  }
  const difference = differenceFrom(
    // The asset of a transfer whose debit account was missing is not recorded; an account made since does not tell it.
    debit != 0 ? 0 : load<u32>(context, CX_ASSET),
    record,
    scratch,
    load<u16>(recorded, JR_FLAGS),
    debit != 0 ? slotOfField(scratch, SC_DEBIT_SLOT, record + TR_DEBIT, TR_DEBIT_KIND, TR_DEBIT_TEXT, record) : debitSlot,
    credit != 0
      ? slotOfField(scratch, SC_CREDIT_SLOT, record + TR_CREDIT, TR_CREDIT_KIND, TR_CREDIT_TEXT, record)
      : creditSlot,
    askedThenLow(chunk, recorded),
    askedThenHigh(chunk, recorded),
    recordedUserData(chunk, recorded),
    load<u16>(recorded, JR_CODE),
  );
  return difference == EXISTS;
}

/** Whether the missing account's id at `missing` is that of a record's field. */
function isMissingId(missing: usize, key: usize, kindField: usize, textField: usize): bool {
  const kind = load<u32>(missing);
  if (load<u8>(kindField) != kind) return false;
  if (isHashKind(kind)) return equalText(missing + 8, load<u32>(textField), kind);
  return load<u64>(missing, 8) == load<u64>(key) && load<u64>(missing, 16) == load<u64>(key, 8);
}

/** The first difference between a record and the transfer that has its id, in the order of checks, or EXISTS. */
function differenceFrom(
  asset: u32,
  record: usize,
  scratch: usize,
  flags: u32,
  debitSlot: u32,
  creditSlot: u32,
  amountLow: u64,
  high: u64,
  userData: usize,
  code: u32,
): u32 {
  if (recordFlags(record) != flags) return EXISTS_WITH_DIFFERENT_FLAGS;
  if (slotOfField(scratch, SC_DEBIT_SLOT, record + TR_DEBIT, TR_DEBIT_KIND, TR_DEBIT_TEXT, record) != debitSlot) {
    return EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT;
  }
  if (slotOfField(scratch, SC_CREDIT_SLOT, record + TR_CREDIT, TR_CREDIT_KIND, TR_CREDIT_TEXT, record) != creditSlot) {
    return EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT;
  }
  if (askedLow(record) != amountLow || askedHigh(record) != high) {
    return EXISTS_WITH_DIFFERENT_AMOUNT;
  }
  const ownUserData = recordUserData(record);
  if (wordAt(ownUserData, 0) != wordAt(userData, 0) || wordAt(ownUserData, 8) != wordAt(userData, 8)) {
    return EXISTS_WITH_DIFFERENT_USER_DATA;
  }
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  if (asset != 0 && debitSlot != <u32>NO_SLOT && asset != load<u16>(accountAddress(accounts, debitSlot), AC_ASSET)) {
    return EXISTS_WITH_DIFFERENT_ASSET;
  }
  if (load<u16>(record, TR_CODE) != code) return EXISTS_WITH_DIFFERENT_CODE;
  return EXISTS;
}

/** A record's account slot; one that resolve did not look up (a refused record's) is looked up now. */
function slotOfField(scratch: usize, slotField: usize, key: usize, kindField: usize, textField: usize, record: usize): u32 {
  const slot = load<u32>(scratch + slotField);
  if (slot != <u32>NO_SLOT) return slot;
  const kind = load<u8>(record + kindField);
  if (kind == KIND_NONE || kind == KIND_TOO_LONG || kind == KIND_NOT_UTF8) return <u32>NO_SLOT;
  return findAccountByKey(key, kind, load<u32>(record + textField));
}

/** Settles record `index`, a duplicate of an earlier record of this batch whose outcome is known by now. */
export function settleDuplicate(context: usize, index: u32): void {
  const scratch = scratchAddress(context, index);
  const earlier = load<u32>(scratch, SC_LINK);
  const earlierRecord = recordAddress(context, earlier);
  const earlierScratch = scratchAddress(context, earlier);
  const earlierResult = load<u8>(context + earlier, CX_RESULT);
  store<u32>(sequenceAddress(context, index), load<u32>(sequenceAddress(context, earlier)));
  if (earlierResult != OK) {
    store<u8>(context + index, ID_ALREADY_FAILED, CX_RESULT);
    store<u8>(context + index, earlierResult, CX_DETAIL);
    return;
  }
  store<u8>(
    context + index,
    differenceFrom(
      load<u32>(context, CX_ASSET),
      recordAddress(context, index),
      scratch,
      recordFlags(earlierRecord),
      load<u32>(earlierScratch, SC_DEBIT_SLOT),
      load<u32>(earlierScratch, SC_CREDIT_SLOT),
      askedLow(earlierRecord),
      askedHigh(earlierRecord),
      recordUserData(earlierRecord),
      load<u16>(earlierRecord, TR_CODE),
    ),
    CX_RESULT,
  );
  tellMoved(recordAddress(context, index), load<u64>(earlierRecord, TR_AMOUNT), amountHigh(earlierRecord));
}
