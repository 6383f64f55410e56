/**
 * Executing a batch: classify, release and decideContested for many threads, decideSlice for one.
 *
 * `classify` applies every leg ahead of its turn, partition by partition, wherever no order could refuse it: an
 * account's debits of the batch are checked against its credits at the batch's start, so credits of the same batch
 * can only help. Where a check fails, the account is contested, and with it every transfer that touches it.
 * `release` takes the contested transfers' legs back, and `decideContested` executes exactly those in batch order.
 * Accounts limited on the credit side are the mirror image: their credits are checked before their debits are applied.
 */

import {
  OK,
  PENDING_TRANSFER_HAS_DIFFERENT_ASSET,
  PENDING_TRANSFER_HAS_DIFFERENT_CODE,
  PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT,
  PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT,
  PENDING_TRANSFER_NOT_FOUND,
  PENDING_TRANSFER_NOT_PENDING,
} from "../core/codes";
import {
  AC_ASSET,
  AC_CONTESTED,
  AC_FLAGS,
  ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS,
  ACCOUNT_PARTITIONS,
  AP_CONTESTED,
  CX_ACCOUNT_PARTITIONS,
  CX_ASSET,
  CX_BASE_SEQUENCE,
  CX_CONTESTED_CREDIT,
  CX_CONTESTED_DEBIT,
  CX_CREDIT_LEGS,
  CX_CREDIT_STARTS,
  CX_DEBIT_LEGS,
  CX_DEBIT_STARTS,
  CX_OUT_CONTESTED,
  CX_OUT_FAULT,
  CX_RESULT,
  CX_SLICES_USED,
  CX_STATE,
  CX_TIMESTAMP,
  JC_CREATE_FLAGS,
  JOB_CONFIG,
  KIND_NONE,
  LEG_AMOUNT,
  LEG_APPLIED,
  LEG_INDEX,
  LEG_INDEX_MASK,
  LEG_ORDERED,
  LEG_SIZE,
  LEG_SLOT,
  LEG_STARTS_STRIDE,
  LEG_WIDE,
  NO_SLOT,
  PARTITION_ENTRY_SIZE,
  PE_CODE,
  PE_CREDIT_SLOT,
  PE_DEBIT_SLOT,
  SB_ACCOUNTS,
  SCRATCH_SIZE,
  SC_CREDIT_SLOT,
  SC_DEBIT_SLOT,
  SC_LINK,
  SL_FORCED,
  STATE_FRESH,
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
  TR_EXPECTED_CREDIT_VERSION,
  TR_EXPECTED_DEBIT_VERSION,
  TR_FLAGS,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
  TR_PENDING_ID,
  TR_PENDING_KIND,
  TR_PENDING_MADE,
  TR_PENDING_TEXT,
  TRANSFER_BALANCING,
  TRANSFER_PENDING,
  TRANSFER_POST,
} from "../core/layout";
import { accountAddress, createAccount, findAccountByKey } from "./accounts";
import {
  RUN_CAPACITY,
  amountHigh,
  askedHigh,
  askedLow,
  hasExpected,
  isContested,
  isEitherMissing,
  isResolving,
  recordAddress,
  recordFlags,
  recordTimeout,
  scratchAddress,
  sliceCount,
  sliceEntry,
  sliceFirst,
} from "./context";
import { findTransfer } from "./find";
import { equalIds, isHashKind } from "./identifiers";
import { addPending, findPending, pendingAddress } from "./pendings";
import {
  applyCredit,
  applyDebit,
  creditRefusal,
  debitRefusal,
  executeFlagged,
  executeResolving,
  executeTransfer,
  movedHigh,
  movedLow,
  releaseCredit,
  releaseDebit,
  versionRefusal,
} from "./rule";

// @ts-ignore: decorator
@inline
function wideAmount(context: usize, index: u32): u64 {
  return (index & LEG_WIDE) != 0 ? amountHigh(recordAddress(context, index & LEG_INDEX_MASK)) : 0;
}

/** First leg of the slice's queue for this partition. */
// @ts-ignore: decorator
@inline
function legsStart(context: usize, legs: usize, starts: usize, slice: u32, partition: u32): usize {
  const start = load<u16>(context + starts + <usize>slice * LEG_STARTS_STRIDE + (<usize>partition << 1));
  return context + legs + (<usize>(sliceFirst(slice) + start) << 4);
}

/** Address behind the slice's last leg for this partition. */
// @ts-ignore: decorator
@inline
function legsEnd(context: usize, legs: usize, starts: usize, slice: u32, partition: u32): usize {
  return legsStart(context, legs, starts, slice, partition + 1);
}

/**
 * Applies one leg, or finds its account contested, or that its transfer asks for an order. Returns 1 where the account becomes contested by this leg.
 * A leg of a record that turned out not to be new is left alone.
 */
// @ts-ignore: decorator
@inline
function classifyLeg(context: usize, accounts: usize, leg: usize, isDebit: bool): u32 {
  const index = load<u32>(leg, LEG_INDEX);
  if (load<u8>(context + (index & LEG_INDEX_MASK), CX_STATE) != STATE_FRESH) return 0;
  const account = accountAddress(accounts, load<u32>(leg, LEG_SLOT));
  if (load<u8>(account, AC_CONTESTED) != 0) return 0;
  const low = load<u64>(leg, LEG_AMOUNT);
  const isApplied = index <= <u32>LEG_INDEX_MASK
    ? applyUnlessRefused(account, low, 0, isDebit)
    : (index & LEG_ORDERED) == 0 && applyUnlessRefused(account, low, wideAmount(context, index), isDebit);
  if (!isApplied) {
    store<u8>(account, 1, AC_CONTESTED);
    return 1;
  }
  store<u32>(leg, index | LEG_APPLIED, LEG_INDEX);
  return 0;
}

/** Applies a leg where the account does not refuse it; says whether it did. */
// @ts-ignore: decorator
@inline
function applyUnlessRefused(account: usize, low: u64, high: u64, isDebit: bool): bool {
  if ((isDebit ? debitRefusal(account, low, high) : creditRefusal(account, low, high)) != OK) return false;
  if (isDebit) applyDebit(account, low, high);
  else applyCredit(account, low, high);
  return true;
}

/** Whether the leg's account is limited on the credit side, so that its credits are checked first. */
// @ts-ignore: decorator
@inline
function isCreditLimited(accounts: usize, leg: usize): bool {
  const account = accountAddress(accounts, load<u32>(leg, LEG_SLOT));
  return (load<u16>(account, AC_FLAGS) & ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS) != 0;
}

/** Reads the accounts of a run of legs, so that the checks that follow find them in the cache; returns their flags, all in one. */
function touchLegs(accounts: usize, from: usize, to: usize): u32 {
  let flags: u32 = 0;
  for (let leg = from; leg < to; leg += LEG_SIZE) {
    flags |= load<u16>(accountAddress(accounts, load<u32>(leg, LEG_SLOT)), AC_FLAGS);
  }
  return flags;
}

/** Whose legs a pass over a side applies. */
enum Whose {
  ANY,
  CREDIT_LIMITED,
  NOT_CREDIT_LIMITED,
}

/** Applies the partition's legs of one side. */
// @ts-ignore: decorator
@inline
function classifySide(context: usize, partition: u32, legs: usize, starts: usize, isDebit: bool, whose: Whose): u32 {
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const slices = load<u32>(context, CX_SLICES_USED);
  let contested: u32 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) {
    const end = legsEnd(context, legs, starts, slice, partition);
    for (let leg = legsStart(context, legs, starts, slice, partition); leg < end; leg += LEG_SIZE) {
      if (whose == Whose.ANY || isCreditLimited(accounts, leg) == (whose == Whose.CREDIT_LIMITED)) {
        contested += classifyLeg(context, accounts, leg, isDebit);
      }
    }
  }
  return contested;
}

/** Stage classify, one account partition: applies what no order can refuse and marks what order decides. */
export function classify(context: usize, partition: u32): void {
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const slices = load<u32>(context, CX_SLICES_USED);
  let flags: u32 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) {
    flags |= touchLegs(
      accounts,
      legsStart(context, CX_DEBIT_LEGS, CX_DEBIT_STARTS, slice, partition),
      legsEnd(context, CX_DEBIT_LEGS, CX_DEBIT_STARTS, slice, partition),
    );
    flags |= touchLegs(
      accounts,
      legsStart(context, CX_CREDIT_LEGS, CX_CREDIT_STARTS, slice, partition),
      legsEnd(context, CX_CREDIT_LEGS, CX_CREDIT_STARTS, slice, partition),
    );
  }
  // First the side that a limit is checked on, against the other side as it was at the batch's start.
  let contested: u32;
  if ((flags & ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS) == 0) {
    contested = classifySide(context, partition, CX_DEBIT_LEGS, CX_DEBIT_STARTS, true, Whose.ANY);
    contested += classifySide(context, partition, CX_CREDIT_LEGS, CX_CREDIT_STARTS, false, Whose.ANY);
  } else {
    contested = classifySide(context, partition, CX_DEBIT_LEGS, CX_DEBIT_STARTS, true, Whose.NOT_CREDIT_LIMITED);
    contested += classifySide(context, partition, CX_CREDIT_LEGS, CX_CREDIT_STARTS, false, Whose.CREDIT_LIMITED);
    contested += classifySide(context, partition, CX_CREDIT_LEGS, CX_CREDIT_STARTS, false, Whose.NOT_CREDIT_LIMITED);
    contested += classifySide(context, partition, CX_DEBIT_LEGS, CX_DEBIT_STARTS, true, Whose.CREDIT_LIMITED);
  }
  store<u32>(context + CX_ACCOUNT_PARTITIONS + <usize>partition * PARTITION_ENTRY_SIZE, contested, AP_CONTESTED);
  if (contested != 0) markContested(context, partition);
}

/** Marks every transfer with a leg on a contested account of the partition. */
export function markContested(context: usize, partition: u32): void {
  markSide(context, partition, CX_DEBIT_LEGS, CX_DEBIT_STARTS, CX_CONTESTED_DEBIT);
  markSide(context, partition, CX_CREDIT_LEGS, CX_CREDIT_STARTS, CX_CONTESTED_CREDIT);
}

/** Marks every transfer with a leg on a contested account. Debit and credit marks are separate bytes: one writer each. */
function markSide(context: usize, partition: u32, legs: usize, starts: usize, marks: usize): void {
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const slices = load<u32>(context, CX_SLICES_USED);
  for (let slice: u32 = 0; slice < slices; slice++) {
    const end = legsEnd(context, legs, starts, slice, partition);
    for (let leg = legsStart(context, legs, starts, slice, partition); leg < end; leg += LEG_SIZE) {
      if (load<u8>(accountAddress(accounts, load<u32>(leg, LEG_SLOT)), AC_CONTESTED) != 0) {
        store<u8>(context + marks + (load<u32>(leg, LEG_INDEX) & LEG_INDEX_MASK), 1);
      }
    }
  }
}

/** Whether any record of the batch must be decided in order. Known once classify is done. */
export function hasContested(context: usize): bool {
  const slices = load<u32>(context, CX_SLICES_USED);
  let contested: u32 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) contested |= load<u32>(sliceEntry(context, slice), SL_FORCED);
  for (let partition: u32 = 0; partition < <u32>ACCOUNT_PARTITIONS; partition++) {
    contested |= load<u32>(context + CX_ACCOUNT_PARTITIONS + <usize>partition * PARTITION_ENTRY_SIZE, AP_CONTESTED);
  }
  return contested != 0;
}

/** Stage release, one account partition: takes back the legs of contested transfers and clears the accounts' marks. */
export function release(context: usize, partition: u32): void {
  releaseSide(context, partition, CX_DEBIT_LEGS, CX_DEBIT_STARTS, true);
  releaseSide(context, partition, CX_CREDIT_LEGS, CX_CREDIT_STARTS, false);
}

// @ts-ignore: decorator
@inline
function releaseSide(context: usize, partition: u32, legs: usize, starts: usize, isDebit: bool): void {
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const slices = load<u32>(context, CX_SLICES_USED);
  for (let slice: u32 = 0; slice < slices; slice++) {
    const end = legsEnd(context, legs, starts, slice, partition);
    for (let leg = legsStart(context, legs, starts, slice, partition); leg < end; leg += LEG_SIZE) {
      const index = load<u32>(leg, LEG_INDEX);
      const account = accountAddress(accounts, load<u32>(leg, LEG_SLOT));
      store<u8>(account, 0, AC_CONTESTED);
      if ((index & LEG_APPLIED) == 0 || !isContested(context, index & LEG_INDEX_MASK)) continue;
      const low = load<u64>(leg, LEG_AMOUNT);
      const high = wideAmount(context, index);
      if (isDebit) releaseDebit(account, low, high);
      else releaseCredit(account, low, high);
    }
  }
}

/** Stage decide of a parallel plan: executes the contested records in batch order while no other thread has work. */
export function decideContested(context: usize): void {
  const slices = load<u32>(context, CX_SLICES_USED);
  let decided: u32 = 0;
  for (let slice: u32 = 0; slice < slices; slice++) {
    const first = sliceFirst(slice);
    for (let i = first, end = first + sliceCount(context, slice); i < end; i++) {
      if (!isContested(context, i) || !isUndecided(context, i)) continue;
      decideRecord(context, i);
      decided++;
    }
  }
  store<u32>(context, decided, CX_OUT_CONTESTED);
}

/** Reads the accounts of a run of records, so that executing them finds them in the cache. */
function touchSlots(context: usize, first: u32, count: u32): u64 {
  // A slot that is missing leads to the line before the table, which is only read.
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  let seen: u64 = 0;
  let scratch = scratchAddress(context, first);
  for (const end = scratch + count * SCRATCH_SIZE; scratch < end; scratch += SCRATCH_SIZE) {
    seen |= load<u64>(accountAddress(accounts, load<u32>(scratch, SC_DEBIT_SLOT)));
    seen |= load<u64>(accountAddress(accounts, load<u32>(scratch, SC_CREDIT_SLOT)));
  }
  return seen;
}

/**
 * Stage decide of a serial plan: executes a slice's records in order. Slices come in order, one at a time. Returns a
 * value of no meaning that keeps the cache warming alive.
 */
export function decideSlice(context: usize, slice: u32): u64 {
  const count = sliceCount(context, slice);
  let touched: u64 = 0;
  for (let done: u32 = 0; done < count; done += RUN_CAPACITY) {
    const first = sliceFirst(slice) + done;
    const run = min<u32>(count - done, RUN_CAPACITY);
    touched |= touchSlots(context, first, run);
    for (let i = first, end = first + run; i < end; i++) {
      if (isUndecided(context, i)) decideRecord(context, i);
    }
  }
  return touched;
}

// @ts-ignore: decorator
@inline
function isUndecided(context: usize, index: u32): bool {
  return load<u8>(context + index, CX_STATE) == STATE_FRESH && load<u8>(context + index, CX_RESULT) == OK;
}

/** Executes one record by the rule. */
// @ts-ignore: decorator
@inline
export function decideRecord(context: usize, index: u32): void {
  const record = recordAddress(context, index);
  const scratch = scratchAddress(context, index);
  const slots = load<u64>(scratch, SC_DEBIT_SLOT);
  let result: u32;
  if (load<u16>(record, TR_FLAGS) == 0 && !isEitherMissing(slots)) {
    const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
    const debit = accountAddress(accounts, <u32>slots);
    const credit = accountAddress(accounts, <u32>(slots >> 32));
    result = executeTransfer(debit, credit, load<u64>(record, TR_AMOUNT), 0);
  } else {
    result = decideOdd(context, index, record, scratch);
  }
  store<u8>(context + index, result, CX_RESULT);
}

/** Executes a record that is more than a plain transfer; creates its accounts first where they are missing, which resolve has allowed. */
function decideOdd(context: usize, index: u32, record: usize, scratch: usize): u32 {
  if (isResolving(record)) return decideResolving(context, index, record, scratch);
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  let debit = load<u32>(scratch, SC_DEBIT_SLOT);
  let credit = load<u32>(scratch, SC_CREDIT_SLOT);
  if (debit == <u32>NO_SLOT) {
    debit = findOrCreate(context, record + TR_DEBIT, load<u8>(record, TR_DEBIT_KIND), load<u32>(record, TR_DEBIT_TEXT));
    store<u32>(scratch, debit, SC_DEBIT_SLOT);
  }
  if (credit == <u32>NO_SLOT) {
    credit = findOrCreate(
      context,
      record + TR_CREDIT,
      load<u8>(record, TR_CREDIT_KIND),
      load<u32>(record, TR_CREDIT_TEXT),
    );
    store<u32>(scratch, credit, SC_CREDIT_SLOT);
  }
  // The fault that left them missing has been noted: nothing of the batch counts.
  if (debit == <u32>NO_SLOT || credit == <u32>NO_SLOT) return OK;
  const debitAccount = accountAddress(accounts, debit);
  const creditAccount = accountAddress(accounts, credit);
  const refusal: u32 = hasExpected(record) ? expectationRefusal(record, debitAccount, creditAccount) : OK;
  if (refusal != OK) return refusal;
  return isFlagged(record)
    ? decideFlagged(context, record, scratch, debitAccount, creditAccount)
    : executeTransfer(debitAccount, creditAccount, load<u64>(record, TR_AMOUNT), amountHigh(record));
}

/** Whether the record is pending or balancing. */
// @ts-ignore: decorator
@inline
function isFlagged(record: usize): bool {
  return (recordFlags(record) & (TRANSFER_BALANCING | TRANSFER_PENDING)) != 0;
}

/** Executes a record that is pending or balancing, and leaves what it moved or reserved as its amount. */
function decideFlagged(context: usize, record: usize, scratch: usize, debit: usize, credit: usize): u32 {
  const flags = recordFlags(record);
  const result = executeFlagged(debit, credit, flags, askedLow(record), askedHigh(record));
  if (result != OK) return result;
  if ((flags & TRANSFER_BALANCING) != 0) leaveMoved(record);
  if ((flags & TRANSFER_PENDING) != 0) {
    const slot = addPending(
      record + TR_ID,
      load<u8>(record, TR_ID_KIND),
      isHashKind(load<u8>(record, TR_ID_KIND)) ? <usize>load<u32>(record, TR_ID_TEXT) : 0,
      load<u32>(scratch, SC_DEBIT_SLOT),
      load<u32>(scratch, SC_CREDIT_SLOT),
      movedLow(),
      movedHigh(),
      flags,
      load<u16>(record, TR_CODE),
      load<u64>(context, CX_TIMESTAMP),
      recordTimeout(record),
    );
    store<u32>(scratch, slot, SC_LINK);
  }
  return OK;
}

/** Leaves what was moved as the record's amount. Its writer has made its cold line. */
function leaveMoved(record: usize): void {
  store<u64>(record, movedLow(), TR_AMOUNT);
  store<u64>(record, movedHigh(), TR_AMOUNT_HIGH);
}

/** Slot of the account that a field names, which may have been created since the record was resolved. */
function namedSlot(scratch: usize, slotField: usize, key: usize, kind: u32, textField: usize): u32 {
  const slot = load<u32>(scratch + slotField);
  if (slot != <u32>NO_SLOT) return slot;
  const found = findAccountByKey(key, kind, isHashKind(kind) ? <usize>load<u32>(textField) : 0);
  store<u32>(scratch + slotField, found);
  return found;
}

/** Posts or voids what the record names, in the order of checks; leaves the pending transfer's accounts and code as its own. */
function decideResolving(context: usize, index: u32, record: usize, scratch: usize): u32 {
  const slot = findPending(record + TR_PENDING_ID, load<u8>(record, TR_PENDING_KIND), load<u32>(record, TR_PENDING_TEXT));
  if (slot == <u32>NO_SLOT) return isOrdinary(context, index) ? PENDING_TRANSFER_NOT_PENDING : PENDING_TRANSFER_NOT_FOUND;
  const pending = pendingAddress(slot);
  const debitKind: u32 = load<u8>(record, TR_DEBIT_KIND);
  const creditKind: u32 = load<u8>(record, TR_CREDIT_KIND);
  const debit = load<u32>(pending, PE_DEBIT_SLOT);
  const credit = load<u32>(pending, PE_CREDIT_SLOT);
  if (
    debitKind != KIND_NONE &&
    namedSlot(scratch, SC_DEBIT_SLOT, record + TR_DEBIT, debitKind, record + TR_DEBIT_TEXT) != debit
  ) {
    return PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT;
  }
  if (
    creditKind != KIND_NONE &&
    namedSlot(scratch, SC_CREDIT_SLOT, record + TR_CREDIT, creditKind, record + TR_CREDIT_TEXT) != credit
  ) {
    return PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT;
  }
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const debitAccount = accountAddress(accounts, debit);
  const jobAsset = load<u32>(context, CX_ASSET);
  if (jobAsset != 0 && jobAsset != load<u16>(debitAccount, AC_ASSET)) return PENDING_TRANSFER_HAS_DIFFERENT_ASSET;
  const code = load<u16>(record, TR_CODE);
  if (code != 0 && code != load<u16>(pending, PE_CODE)) return PENDING_TRANSFER_HAS_DIFFERENT_CODE;
  const isPost = (recordFlags(record) & TRANSFER_POST) != 0;
  const creditAccount = accountAddress(accounts, credit);
  const result = executeResolving(pending, debitAccount, creditAccount, isPost, askedLow(record), askedHigh(record));
  if (result != OK) return result;
  leaveMoved(record);
  store<u32>(scratch, debit, SC_DEBIT_SLOT);
  store<u32>(scratch, credit, SC_CREDIT_SLOT);
  store<u16>(record, load<u16>(pending, PE_CODE), TR_CODE);
  store<u32>(scratch, slot, SC_LINK);
  return OK;
}

/** Whether what the record names, which is no pending transfer, is a transfer that was made before it. */
function isOrdinary(context: usize, index: u32): bool {
  const record = recordAddress(context, index);
  if (load<u8>(record, TR_PENDING_MADE) != 0) return true;
  const base = <u32>load<u64>(context, CX_BASE_SEQUENCE);
  const key = record + TR_PENDING_ID;
  const kind = load<u8>(record, TR_PENDING_KIND);
  for (let skipped: u32 = 0; ; skipped++) {
    const sequence = findTransfer(key, kind, skipped);
    if (sequence == 0) return false;
    if (sequence < base || sequence - base >= index) continue;
    // Of this batch, and not numbered yet: the entry says which record it is.
    const earlier = sequence - base;
    if (!hasId(recordAddress(context, earlier), record)) continue;
    return load<u8>(context + earlier, CX_STATE) == STATE_FRESH && load<u8>(context + earlier, CX_RESULT) == OK;
  }
}

/** Whether `earlier` has the id that `record` names as pending. */
function hasId(earlier: usize, record: usize): bool {
  return equalIds(
    earlier + TR_ID,
    load<u8>(earlier, TR_ID_KIND),
    load<u32>(earlier, TR_ID_TEXT),
    record + TR_PENDING_ID,
    load<u8>(record, TR_PENDING_KIND),
    load<u32>(record, TR_PENDING_TEXT),
  );
}

/** Why accounts at other versions than the record expects refuse it, or OK. */
function expectationRefusal(record: usize, debit: usize, credit: usize): u32 {
  return versionRefusal(
    debit,
    credit,
    load<u64>(record, TR_EXPECTED_DEBIT_VERSION),
    load<u64>(record, TR_EXPECTED_CREDIT_VERSION),
  );
}

/** Slot of an account that may have been created earlier in this batch, else of a new one; NO_SLOT after a fault. */
function findOrCreate(context: usize, key: usize, kind: u32, text: usize): u32 {
  const found = findAccountByKey(key, kind, text);
  if (found != <u32>NO_SLOT) return found;
  const fault = createAccount(
    key,
    kind,
    text,
    load<u32>(context, CX_ASSET),
    load<u32>(JOB_CONFIG, JC_CREATE_FLAGS),
    0,
    0,
    0,
    0,
    0,
    0,
  );
  if (fault != 0) {
    store<u32>(context, fault, CX_OUT_FAULT);
    return <u32>NO_SLOT;
  }
  return findAccountByKey(key, kind, text);
}
