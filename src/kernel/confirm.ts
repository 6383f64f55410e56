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
  EXISTS_WITH_DIFFERENT_EFFECTIVE_DATE,
  EXISTS_WITH_DIFFERENT_FLAGS,
  EXISTS_WITH_DIFFERENT_PENDING_ID,
  EXISTS_WITH_DIFFERENT_TIMEOUT,
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
  CX_CHAIN_FIRST,
  CX_DETAIL,
  CX_FIRST_ROW,
  CX_JOB_HIGH,
  CX_JOB_LOW,
  CX_PLAN,
  CX_REPEATED,
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
  JR_LEFT_CODE,
  JR_LEFT_CREDIT,
  JR_LEFT_DEBIT,
  JR_RESULT,
  JR_ROW,
  KIND_NONE,
  KIND_NOT_UTF8,
  KIND_TOO_LONG,
  NO_SLOT,
  PLAN_ORDERED,
  PLAN_PART,
  SB_ACCOUNTS,
  SC_CREDIT_SLOT,
  SC_DEBIT_SLOT,
  SC_ENTRY,
  SC_LINK,
  SLICE_CAPACITY,
  SL_ROW_BASE,
  STATE_CANDIDATE,
  STATE_DUPLICATE,
  STATE_FRESH,
  STATE_KNOWN,
  STATE_PROBE_ONLY,
  SUPERBLOCK,
  TAKEN_LATER,
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
  TR_PENDING_ID,
  TR_PENDING_KIND,
  TR_PENDING_MADE,
  TR_PENDING_TEXT,
  TRANSFER_FLAGS_KNOWN,
  TRANSFER_LINKED,
} from "../core/layout";
import { accountAddress, findAccountByKey } from "./accounts";
import {
  amountHigh,
  askedHigh,
  askedLow,
  asksForAmount,
  isResolving,
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
import { ENTERED, MUST_CONFIRM, countEntered, probe } from "./dedupe";
import { idPartitionHeader, idPartitionOf, idPartitionTable, idTag } from "./exactly-once";
import { findTransfer } from "./find";
import { equalIds, isHashKind, placementHash } from "./identifiers";
import {
  journalRecordAddress,
  recordedAmountHigh,
  recordedAmountLow,
  recordedAskedAmount,
  recordedDate,
  recordedIdText,
  recordedMissingId,
  recordedPendingId,
  recordedTimeout,
  recordedUserData,
} from "./journal";
import { findPending } from "./pendings";

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

/**
 * Index of the first record from `from` on that posts or voids what is no pending transfer, but may be one that the
 * journal has, or -1.
 */
export function nextResolving(context: usize, from: i32): i32 {
  const slices = load<u32>(context, CX_SLICES_USED);
  const base = <u32>load<u64>(context, CX_BASE_SEQUENCE);
  for (let slice: u32 = <u32>from / SLICE_CAPACITY; slice < slices; slice++) {
    const end = sliceFirst(slice) + sliceCount(context, slice);
    for (let at = max(<u32>from, sliceFirst(slice)); at < end; at++) {
      // One that repeats an id may be left with it, if the chain of the first breaks.
      const state = load<u8>(context + at, CX_STATE);
      if (state != STATE_FRESH && state != STATE_DUPLICATE) continue;
      const record = recordAddress(context, at);
      if (!isResolving(record)) continue;
      const key = record + TR_PENDING_ID;
      const kind = load<u8>(record, TR_PENDING_KIND);
      if (findPending(key, kind, load<u32>(record, TR_PENDING_TEXT)) != <u32>NO_SLOT) continue;
      for (let skipped: u32 = 0; ; skipped++) {
        const sequence = findTransfer(key, kind, skipped);
        if (sequence == 0) break;
        if (sequence < base) return at;
      }
    }
  }
  return -1;
}

/**
 * Compares what record `index` posts or voids with the transfer of `sequence`, whose chunk is at `chunk`, and notes
 * where it is that one and was made. Whether it is that one.
 */
export function confirmResolving(context: usize, index: u32, chunk: usize, sequence: u32): bool {
  const record = recordAddress(context, index);
  const recorded = journalRecordAddress(chunk, sequence - <u32>load<u64>(chunk, CH_FIRST_SEQUENCE));
  const isIt = isIdOf(
    chunk,
    recorded,
    record + TR_PENDING_ID,
    load<u8>(record, TR_PENDING_KIND),
    load<u32>(record, TR_PENDING_TEXT),
  );
  if (isIt && load<u8>(recorded, JR_RESULT) == OK) store<u8>(record, 1, TR_PENDING_MADE);
  return isIt;
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
  const isTakenLater = load<u8>(context + index, CX_REPEATED) == TAKEN_LATER;
  const probeOnly = refusalIsFinal(load<u8>(context + index, CX_RESULT)) && !isTakenLater;
  if (!isRecordedId(record, chunk, recorded)) return lookFurther(context, index, probeOnly);
  store<u8>(context + index, STATE_KNOWN, CX_STATE);
  store<u32>(sequenceAddress(context, index), sequence);
  const chainFirst = load<u32>(context, CX_CHAIN_FIRST);
  if (chainFirst != 0 && sequence >= chainFirst) {
    // A leg that repeats one of its own chain repeats what would have been made, whatever was found before.
    compareWithRecorded(context, index, chunk, recorded, load<u16>(recorded, JR_FLAGS));
    store<u8>(context + index, 0, CX_DETAIL);
    store<u8>(context + index, 0, CX_REPEATED);
    return 0;
  }
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
      store<u8>(context + index, load<u8>(recorded, JR_RESULT), CX_RESULT);
      store<u8>(context + index, <u8>DETAIL_REPLAYED, CX_DETAIL);
      tellMoved(record, recordedAmountLow(recorded), recordedAmountHigh(chunk, recorded));
      // One that posts or voids need not say whose the pending transfer is.
      store<u32>(scratch, otherDebit, SC_DEBIT_SLOT);
      store<u32>(scratch, otherCredit, SC_CREDIT_SLOT);
      return 0;
    }
    // Where a later row of this job took the id, it was unknown when this row was first read.
    if (recordedRow > row) {
      const isPart = (load<u32>(context, CX_PLAN) & PLAN_PART) != 0;
      if (isLeg(context, index) && !(isPart && probeOnly)) store<u8>(context + index, <u8>TAKEN_LATER, CX_REPEATED);
      if (!probeOnly) compareWithUsed(context, index, chunk, recorded);
      // An earlier leg of a part's chain may have the id as well, in this part or in one before it.
      if (isPart) return lookFurther(context, index, probeOnly);
      if (probeOnly) store<u8>(context + index, STATE_PROBE_ONLY, CX_STATE);
      return 0;
    }
  }
  compareWithUsed(context, index, chunk, recorded);
  return 0;
}

/** Looks the id of record `index` up behind the entry that was not its own. Returns the next sequence to compare with, or 0. */
function lookFurther(context: usize, index: u32, probeOnly: bool): u32 {
  const record = recordAddress(context, index);
  const scratch = scratchAddress(context, index);
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

/** Says of a record what it means that the transfer of the journal has used its id. */
function compareWithUsed(context: usize, index: u32, chunk: usize, recorded: usize): void {
  const recordedResult = load<u8>(recorded, JR_RESULT);
  if (recordedResult == OK) {
    compareWithRecorded(context, index, chunk, recorded, 0);
    return;
  }
  store<u8>(context + index, ID_ALREADY_FAILED, CX_RESULT);
  store<u8>(context + index, recordedResult, CX_DETAIL);
}

/** Whether the record is a leg of a chain. */
function isLeg(context: usize, index: u32): bool {
  const plan = load<u32>(context, CX_PLAN);
  if ((plan & PLAN_ORDERED) == 0) return false;
  if ((plan & PLAN_PART) != 0 || (recordFlags(recordAddress(context, index)) & TRANSFER_LINKED) != 0) return true;
  let slice = index / SLICE_CAPACITY;
  let behind = index;
  while (behind == sliceFirst(slice)) {
    if (slice == 0) return false;
    slice--;
    behind = sliceFirst(slice) + sliceCount(context, slice);
  }
  return (recordFlags(recordAddress(context, behind - 1)) & TRANSFER_LINKED) != 0;
}

/**
 * Says of a record how it differs from the transfer of the journal that has its id, as if that had been made. What the
 * JR_LEFT bits of `left` name counts as open.
 */
function compareWithRecorded(context: usize, index: u32, chunk: usize, recorded: usize, left: u32): void {
  const record = recordAddress(context, index);
  readRecorded(chunk, recorded);
  leaveOpen(left);
  store<u8>(context + index, differenceFrom(load<u32>(context, CX_ASSET), record, scratchAddress(context, index)), CX_RESULT);
  tellMoved(record, recordedAmountLow(recorded), recordedAmountHigh(chunk, recorded));
}

// The transfer that a record is compared with. One kernel instance is one thread, so these are nobody else's.
let otherFlags: u32 = 0;
let otherDebit: u32 = 0;
let otherCredit: u32 = 0;
/** What tells its accounts where they have no slot: an id's kind, KIND_NONE where it left that open, and its key or text. */
let otherDebitKind: u32 = 0;
let otherDebitId: usize = 0;
let otherCreditKind: u32 = 0;
let otherCreditId: usize = 0;
let otherAskedLow: u64 = 0;
let otherAskedHigh: u64 = 0;
/** Address of 16 bytes, 0 for none. */
let otherUserData: usize = 0;
let otherCode: u32 = 0;
/** KIND_NONE where it names no pending transfer; then key and text mean nothing. */
let otherPendingKind: u32 = 0;
let otherPendingKey: usize = 0;
let otherPendingText: usize = 0;
let otherTimeout: u32 = 0;
let otherDate: i32 = 0;

/** Takes a transfer of the journal to compare with. */
function readRecorded(chunk: usize, recorded: usize): void {
  const asked = recordedAskedAmount(chunk, recorded);
  const pendingId = recordedPendingId(chunk, recorded);
  const debitId = recordedMissingId(chunk, recorded, EX_DEBIT_ID);
  const creditId = recordedMissingId(chunk, recorded, EX_CREDIT_ID);
  otherFlags = <u32>load<u16>(recorded, JR_FLAGS) & TRANSFER_FLAGS_KNOWN;
  otherDebit = load<u32>(recorded, JR_DEBIT_SLOT);
  otherCredit = load<u32>(recorded, JR_CREDIT_SLOT);
  otherDebitKind = debitId == 0 ? <u32>KIND_NONE : load<u32>(debitId);
  otherDebitId = debitId + 8;
  otherCreditKind = creditId == 0 ? <u32>KIND_NONE : load<u32>(creditId);
  otherCreditId = creditId + 8;
  otherAskedLow = asked == 0 ? recordedAmountLow(recorded) : load<u64>(asked);
  otherAskedHigh = asked == 0 ? recordedAmountHigh(chunk, recorded) : load<u64>(asked, 8);
  otherUserData = recordedUserData(chunk, recorded);
  otherCode = load<u16>(recorded, JR_CODE);
  otherPendingKind = pendingId == 0 ? <u32>KIND_NONE : load<u32>(pendingId);
  otherPendingKey = pendingId + 8;
  otherPendingText = pendingId + 8;
  otherTimeout = recordedTimeout(chunk, recorded);
  otherDate = recordedDate(chunk, recorded);
}

/** Takes an earlier record of the batch to compare with. */
function readEarlier(record: usize, scratch: usize): void {
  otherFlags = recordFlags(record);
  otherDebit = load<u32>(scratch, SC_DEBIT_SLOT);
  otherCredit = load<u32>(scratch, SC_CREDIT_SLOT);
  otherDebitKind = load<u8>(record, TR_DEBIT_KIND);
  otherDebitId = isHashKind(otherDebitKind) ? <usize>load<u32>(record, TR_DEBIT_TEXT) : record + TR_DEBIT;
  otherCreditKind = load<u8>(record, TR_CREDIT_KIND);
  otherCreditId = isHashKind(otherCreditKind) ? <usize>load<u32>(record, TR_CREDIT_TEXT) : record + TR_CREDIT;
  otherAskedLow = askedLow(record);
  otherAskedHigh = askedHigh(record);
  otherUserData = recordUserData(record);
  otherCode = load<u16>(record, TR_CODE);
  otherPendingKind = recordPendingKind(record);
  otherPendingKey = record + TR_PENDING_ID;
  otherPendingText = otherPendingKind == <u32>KIND_NONE ? 0 : load<u32>(record, TR_PENDING_TEXT);
  otherTimeout = recordTimeout(record);
  otherDate = recordDate(record);
}

/** Leaves open of the other transfer what the JR_LEFT bits of `left` name, and its pending one has filled in. */
function leaveOpen(left: u32): void {
  if ((left & JR_LEFT_DEBIT) != 0) otherDebit = NO_SLOT;
  if ((left & JR_LEFT_CREDIT) != 0) otherCredit = NO_SLOT;
  if ((left & JR_LEFT_CODE) != 0) otherCode = 0;
}

/** Whether a record names the same pending transfer as the other, or both name none. */
function isSamePending(record: usize): bool {
  const kind = recordPendingKind(record);
  if (kind == <u32>KIND_NONE) return otherPendingKind == <u32>KIND_NONE;
  const text = load<u32>(record, TR_PENDING_TEXT);
  return equalIds(record + TR_PENDING_ID, kind, text, otherPendingKey, otherPendingKind, otherPendingText);
}

/**
 * Whether a record, whose slot is at `slotField`, names the same account as the other: by its id where the other has no
 * slot, because its account was not there, and may still not be.
 */
function isSameAccount(
  slotField: usize,
  key: usize,
  kind: u32,
  text: usize,
  other: u32,
  otherKind: u32,
  otherId: usize,
): bool {
  if (other == <u32>NO_SLOT) return equalIds(key, kind, text, otherId, otherKind, otherId);
  return slotOfField(slotField, key, kind, text) == other;
}

/** Leaves what an earlier transfer moved as the amount of a record that repeats it. */
function tellMoved(record: usize, low: u64, high: u64): void {
  if (!asksForAmount(record)) return;
  store<u64>(record, low, TR_AMOUNT);
  store<u64>(record, high, TR_AMOUNT_HIGH);
}

/** Whether resolve's result means that the record is refused without being recorded. */
// @ts-ignore: decorator
@inline
export function refusalIsFinal(result: u32): bool {
  return result != OK && result < <u32>RECORDED_FROM;
}

/** Whether the journal record at `recorded` has exactly the id of the batch record at `record`. */
function isRecordedId(record: usize, chunk: usize, recorded: usize): bool {
  return isIdOf(chunk, recorded, record + TR_ID, load<u8>(record, TR_ID_KIND), load<u32>(record, TR_ID_TEXT));
}

/** Whether the journal record at `recorded` has exactly this id. */
function isIdOf(chunk: usize, recorded: usize, key: usize, kind: u32, text: usize): bool {
  const recordedText = isHashKind(kind) ? recordedIdText(chunk, recorded) : 0;
  return equalIds(recorded + JR_ID, load<u8>(recorded, JR_ID_KIND), recordedText, key, kind, text);
}

/** A word of 16 bytes that may be absent, which means zero. */
// @ts-ignore: decorator
@inline
function wordAt(address: usize, offset: usize): u64 {
  return address == 0 ? 0 : load<u64>(address + offset);
}

/** Whether a row says the same as when it was recorded; otherwise the file was changed under the job's name. */
function isSameTransfer(context: usize, record: usize, scratch: usize, chunk: usize, recorded: usize): bool {
  readRecorded(chunk, recorded);
  return differenceFrom(load<u32>(context, CX_ASSET), record, scratch) == EXISTS;
}

/**
 * The first difference between a record and the other transfer, in the order of checks, or EXISTS. What a record that
 * posts or voids leaves open is no difference.
 */
function differenceFrom(asset: u32, record: usize, scratch: usize): u32 {
  const isOpen = isResolving(record);
  if (recordFlags(record) != otherFlags) return EXISTS_WITH_DIFFERENT_FLAGS;
  if (!isSamePending(record)) return EXISTS_WITH_DIFFERENT_PENDING_ID;
  if (recordTimeout(record) != otherTimeout) return EXISTS_WITH_DIFFERENT_TIMEOUT;
  const debitKind: u32 = load<u8>(record, TR_DEBIT_KIND);
  const debitText: usize = load<u32>(record, TR_DEBIT_TEXT);
  const debitSlot = scratch + SC_DEBIT_SLOT;
  if (
    !(isOpen && debitKind == KIND_NONE) &&
    !isSameAccount(debitSlot, record + TR_DEBIT, debitKind, debitText, otherDebit, otherDebitKind, otherDebitId)
  ) {
    return EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT;
  }
  const creditKind: u32 = load<u8>(record, TR_CREDIT_KIND);
  const creditText: usize = load<u32>(record, TR_CREDIT_TEXT);
  const creditSlot = scratch + SC_CREDIT_SLOT;
  if (
    !(isOpen && creditKind == KIND_NONE) &&
    !isSameAccount(creditSlot, record + TR_CREDIT, creditKind, creditText, otherCredit, otherCreditKind, otherCreditId)
  ) {
    return EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT;
  }
  if (askedLow(record) != otherAskedLow || askedHigh(record) != otherAskedHigh) return EXISTS_WITH_DIFFERENT_AMOUNT;
  const ownUserData = recordUserData(record);
  if (wordAt(ownUserData, 0) != wordAt(otherUserData, 0) || wordAt(ownUserData, 8) != wordAt(otherUserData, 8)) {
    return EXISTS_WITH_DIFFERENT_USER_DATA;
  }
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  if (asset != 0 && otherDebit != <u32>NO_SLOT && asset != load<u16>(accountAddress(accounts, otherDebit), AC_ASSET)) {
    return EXISTS_WITH_DIFFERENT_ASSET;
  }
  const code: u32 = load<u16>(record, TR_CODE);
  if (code != otherCode && !(isOpen && code == 0)) return EXISTS_WITH_DIFFERENT_CODE;
  return recordDate(record) == otherDate ? EXISTS : EXISTS_WITH_DIFFERENT_EFFECTIVE_DATE;
}

/** The account slot at `slotField`; one that resolve did not look up (a refused record's) is looked up now. */
function slotOfField(slotField: usize, key: usize, kind: u32, text: usize): u32 {
  const slot = load<u32>(slotField);
  if (slot != <u32>NO_SLOT) return slot;
  if (kind == KIND_NONE || kind == KIND_TOO_LONG || kind == KIND_NOT_UTF8) return <u32>NO_SLOT;
  return findAccountByKey(key, kind, text);
}

/** Settles record `index`, a duplicate of an earlier record of this batch whose outcome is known by now. */
export function settleDuplicate(context: usize, index: u32): void {
  const earlier = load<u32>(scratchAddress(context, index), SC_LINK);
  const earlierResult = load<u8>(context + earlier, CX_RESULT);
  store<u32>(sequenceAddress(context, index), load<u32>(sequenceAddress(context, earlier)));
  if (earlierResult != OK) {
    store<u8>(context + index, ID_ALREADY_FAILED, CX_RESULT);
    store<u8>(context + index, earlierResult, CX_DETAIL);
    return;
  }
  compareWithEarlier(context, index);
}

/** Says of a duplicate how it differs from the earlier record of this batch that has its id, as if that had been made. */
export function compareWithEarlier(context: usize, index: u32): void {
  const scratch = scratchAddress(context, index);
  const earlier = load<u32>(scratch, SC_LINK);
  const earlierRecord = recordAddress(context, earlier);
  const record = recordAddress(context, index);
  readEarlier(earlierRecord, scratchAddress(context, earlier));
  leaveOpen(recordLeft(earlierRecord));
  store<u8>(context + index, differenceFrom(load<u32>(context, CX_ASSET), record, scratch), CX_RESULT);
  tellMoved(record, load<u64>(earlierRecord, TR_AMOUNT), amountHigh(earlierRecord));
}
