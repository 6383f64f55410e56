/**
 * Stage resolve: a slice of records is validated, both accounts are looked up, the id is hashed, and queues are
 * filled by partition so that no later stage asks "is it mine?".
 *
 * The work is split into short loops on purpose: in each of them the loads of many records are under way at once,
 * which is what makes a million accounts bearable. They go over a run of records that fits the first-level cache with
 * its accounts, then over the next one.
 */
import {
  ACCOUNTS_MUST_BE_DIFFERENT,
  ACCOUNTS_MUST_HAVE_THE_SAME_ASSET,
  AMOUNT_MUST_NOT_BE_ZERO,
  CLOSING_TRANSFER_MUST_BE_PENDING,
  CREDIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY,
  CREDIT_ACCOUNT_ID_NOT_UTF8,
  CREDIT_ACCOUNT_ID_TOO_LONG,
  CREDIT_ACCOUNT_NOT_FOUND,
  DEBIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY,
  DEBIT_ACCOUNT_ID_NOT_UTF8,
  DEBIT_ACCOUNT_ID_TOO_LONG,
  DEBIT_ACCOUNT_NOT_FOUND,
  FLAGS_ARE_MUTUALLY_EXCLUSIVE,
  ID_MUST_NOT_BE_EMPTY,
  ID_NOT_UTF8,
  ID_TOO_LONG,
  OK,
  PENDING_ID_MUST_BE_DIFFERENT,
  PENDING_ID_MUST_BE_EMPTY,
  PENDING_ID_MUST_NOT_BE_EMPTY,
  PENDING_ID_NOT_UTF8,
  PENDING_ID_TOO_LONG,
  RECORDED_FROM,
  RESERVED_FLAG,
  TIMEOUT_RESERVED_FOR_PENDING_TRANSFER,
  TRANSFER_MUST_HAVE_THE_SAME_ASSET_AS_ACCOUNTS,
} from "../core/codes";
import {
  AC_ASSET,
  AC_FLAGS,
  AC_KEY,
  ACCOUNT_HOME_BITS,
  ACCOUNT_HOME_MASK,
  ACCOUNT_INDEX_SLOT_MASK,
  ACCOUNT_PARTITIONS,
  ACCOUNT_SIZE,
  CX_ASSET,
  CX_CONTESTED_CREDIT,
  CX_CONTESTED_DEBIT,
  CX_CREDIT_LEGS,
  CX_CREDIT_STARTS,
  CX_DEBIT_LEGS,
  CX_DEBIT_STARTS,
  CX_DETAIL,
  CX_ID_QUEUE,
  CX_ID_STARTS,
  CX_PLAN,
  CX_RESULT,
  CX_STATE,
  ID_PARTITIONS,
  ID_STARTS_STRIDE,
  JR_LEFT_CODE,
  JR_LEFT_CREDIT,
  JR_LEFT_DEBIT,
  KIND_INLINE_MAX,
  KIND_NONE,
  KIND_NOT_UTF8,
  KIND_TOO_LONG,
  KIND_UUID,
  LEG_AMOUNT,
  LEG_ORDERED,
  LEG_SLOT,
  LEG_STARTS_STRIDE,
  LEG_WIDE,
  NO_SLOT,
  PLAN_CREATE,
  PLAN_PART,
  PLAN_SERIAL,
  RECORD_SIZE,
  SB_ACCOUNT_INDEX,
  SB_ACCOUNT_INDEX_LOG2,
  SB_ACCOUNTS,
  SB_SEED_HIGH,
  SB_SEED_LOW,
  SC_CREDIT_SLOT,
  SC_DEBIT_SLOT,
  SC_LINK,
  SCRATCH_SIZE,
  SL_FORCED,
  STATE_FRESH,
  STATE_PROBE_ONLY,
  STATE_REFUSED,
  STATE_UNSEARCHED,
  SUPERBLOCK,
  TR_AMOUNT,
  TR_CODE,
  TR_CREDIT,
  TR_CREDIT_KIND,
  TR_CREDIT_TEXT,
  TR_DEBIT,
  TR_DEBIT_KIND,
  TR_DEBIT_TEXT,
  TR_FLAGS,
  TR_HAS_EXPECTED,
  TR_ID,
  TR_ID_KIND,
  TR_ID_TEXT,
  TR_LEFT,
  TR_PENDING_ID,
  TR_PENDING_MADE,
  TR_PENDING_TEXT,
  TR_STATUS,
  TRANSFER_ASKS,
  TRANSFER_BALANCING,
  TRANSFER_CLOSING,
  TRANSFER_FLAGS_KNOWN,
  TRANSFER_PENDING,
  TRANSFER_RESOLVES,
} from "../core/layout";
import { accountAddress, findAccountByKey } from "./accounts";
import {
  RUN_CAPACITY,
  amountHigh,
  askedHigh,
  askedLow,
  asksForOrder,
  hasExpected,
  isResolving,
  recordAddress,
  recordFlags,
  recordPendingKind,
  recordTimeout,
  scratchAddress,
  sliceCount,
  sliceEntry,
  sliceFirst,
} from "./context";
import { entryOf, idPartitionOf, idTag } from "./exactly-once";
import { equalIds, isHashKind, seededHash } from "./identifiers";

/** The complaint about an account's id kind: `empty`, or the codes of the two kinds that are no ids, or OK. */
// @ts-ignore: decorator
@inline
function kindComplaint(kind: u32, empty: u32, tooLong: u32, notUtf8: u32): u32 {
  if (kind == KIND_NONE) return empty;
  if (kind == KIND_TOO_LONG) return tooLong;
  if (kind == KIND_NOT_UTF8) return notUtf8;
  return OK;
}

/** Checks that come before the id's look-up, in order. */
function refusalBeforeLookup(record: usize): u32 {
  const status = load<u8>(record, TR_STATUS);
  if (status != OK) return status;
  if ((recordFlags(record) & ~TRANSFER_FLAGS_KNOWN) != 0) return RESERVED_FLAG;
  return kindComplaint(load<u8>(record, TR_ID_KIND), ID_MUST_NOT_BE_EMPTY, ID_TOO_LONG, ID_NOT_UTF8);
}

/** The checks of a record that posts or voids, in order. It need not name accounts. */
function resolvingRefusal(record: usize): u32 {
  const pendingKind = recordPendingKind(record);
  const pendingComplaint = kindComplaint(
    pendingKind,
    PENDING_ID_MUST_NOT_BE_EMPTY,
    PENDING_ID_TOO_LONG,
    PENDING_ID_NOT_UTF8,
  );
  if (pendingComplaint != OK) return pendingComplaint;
  if (
    equalIds(
      record + TR_PENDING_ID,
      pendingKind,
      load<u32>(record, TR_PENDING_TEXT),
      record + TR_ID,
      load<u8>(record, TR_ID_KIND),
      load<u32>(record, TR_ID_TEXT),
    )
  ) {
    return PENDING_ID_MUST_BE_DIFFERENT;
  }
  if (recordTimeout(record) != 0) return TIMEOUT_RESERVED_FOR_PENDING_TRANSFER;
  const debitComplaint = kindComplaint(
    load<u8>(record, TR_DEBIT_KIND),
    OK,
    DEBIT_ACCOUNT_ID_TOO_LONG,
    DEBIT_ACCOUNT_ID_NOT_UTF8,
  );
  if (debitComplaint != OK) return debitComplaint;
  return kindComplaint(load<u8>(record, TR_CREDIT_KIND), OK, CREDIT_ACCOUNT_ID_TOO_LONG, CREDIT_ACCOUNT_ID_NOT_UTF8);
}

/** Whether the record says things that exclude each other. */
function hasExclusiveFlags(record: usize): bool {
  const flags = recordFlags(record);
  const kinds = flags & (TRANSFER_PENDING | TRANSFER_RESOLVES);
  if ((kinds & (kinds - 1)) != 0) return true;
  if ((flags & TRANSFER_RESOLVES) == 0) return false;
  return (flags & (TRANSFER_BALANCING | TRANSFER_CLOSING)) != 0 || hasExpected(record);
}

/** Checks of what the record says of itself that come after the id's look-up, in order. */
function refusalAfterLookup(record: usize): u32 {
  const flags = recordFlags(record);
  if (hasExclusiveFlags(record)) return FLAGS_ARE_MUTUALLY_EXCLUSIVE;
  if ((flags & TRANSFER_RESOLVES) != 0) return resolvingRefusal(record);
  const debitKind = load<u8>(record, TR_DEBIT_KIND);
  const creditKind = load<u8>(record, TR_CREDIT_KIND);
  const debitComplaint = kindComplaint(
    debitKind,
    DEBIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY,
    DEBIT_ACCOUNT_ID_TOO_LONG,
    DEBIT_ACCOUNT_ID_NOT_UTF8,
  );
  if (debitComplaint != OK) return debitComplaint;
  const creditComplaint = kindComplaint(
    creditKind,
    CREDIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY,
    CREDIT_ACCOUNT_ID_TOO_LONG,
    CREDIT_ACCOUNT_ID_NOT_UTF8,
  );
  if (creditComplaint != OK) return creditComplaint;
  if (
    equalIds(
      record + TR_DEBIT,
      debitKind,
      load<u32>(record, TR_DEBIT_TEXT),
      record + TR_CREDIT,
      creditKind,
      load<u32>(record, TR_CREDIT_TEXT),
    )
  ) {
    return ACCOUNTS_MUST_BE_DIFFERENT;
  }
  if (recordPendingKind(record) != <u32>KIND_NONE) return PENDING_ID_MUST_BE_EMPTY;
  if ((flags & TRANSFER_PENDING) == 0) {
    if (recordTimeout(record) != 0) return TIMEOUT_RESERVED_FOR_PENDING_TRANSFER;
    if ((flags & TRANSFER_CLOSING) != 0) return CLOSING_TRANSFER_MUST_BE_PENDING;
  }
  const mayBeZero = (flags & (TRANSFER_BALANCING | TRANSFER_CLOSING)) != 0;
  return (askedLow(record) | askedHigh(record)) == 0 && !mayBeZero ? AMOUNT_MUST_NOT_BE_ZERO : OK;
}

/** Resolves one slice. Returns a value of no meaning that keeps the cache warming alive. */
export function resolve(context: usize, slice: u32): u64 {
  const count = sliceCount(context, slice);
  const first = sliceFirst(slice);
  memory.fill(context + CX_STATE + first, <u8>STATE_FRESH, count);
  memory.fill(context + CX_RESULT + first, <u8>OK, count);
  memory.fill(context + CX_DETAIL + first, 0, count);
  memory.fill(context + CX_CONTESTED_DEBIT + first, 0, count);
  memory.fill(context + CX_CONTESTED_CREDIT + first, 0, count);
  memory.fill(context + CX_ID_STARTS + <usize>slice * ID_STARTS_STRIDE, 0, ID_STARTS_STRIDE);
  clearLegCounts(context, slice);
  let touched: u64 = 0;
  let forced: u32 = 0;
  for (let done: u32 = 0; done < count; done += RUN_CAPACITY) {
    const run = min<u32>(count - done, RUN_CAPACITY);
    validateAndHash(context, slice, first + done, run);
    readHomes(context, first + done, run);
    touched |= touchAccounts(context, first + done, run);
    forced += findAccounts(context, slice, first + done, run);
  }
  store<u32>(sliceEntry(context, slice), forced, SL_FORCED);
  queueIds(context, slice, first, count);
  if (hasQueues(context)) queueLegs(context, slice, first, count);
  return touched;
}

/**
 * Whether the record can't be refused for what it says of itself, judged at once for the usual kinds of ids: debit and
 * credit of 1 to 16 bytes, the transfer's id of as many or a UUID. False means that the checks must be made one by one.
 */
// @ts-ignore: decorator
@inline
function isPlain(record: usize): bool {
  // Four bytes: the kinds of the three ids, and the status, which is 0 in a plain record.
  const kinds = load<u32>(record, TR_ID_KIND);
  const idKind = kinds & 0xff;
  const same =
    (load<u64>(record, TR_DEBIT) ^ load<u64>(record, TR_CREDIT)) |
    (load<u64>(record, TR_DEBIT + 8) ^ load<u64>(record, TR_CREDIT + 8));
  return (
    // A kind of 0 borrows, which sets high bits as a kind above 16 does.
    (((kinds | 0xff) - 0x00010100) & 0xfff0f000) == 0 &&
    (idKind - 1 < <u32>KIND_INLINE_MAX || idKind == KIND_UUID) &&
    load<u16>(record, TR_FLAGS) == 0 &&
    load<u64>(record, TR_AMOUNT) != 0 &&
    same != 0
  );
}

/** Whether there is more to find out than which accounts have the record's keys, and their assets. */
function isOdd(record: usize): bool {
  return (
    isHashKind(load<u8>(record, TR_DEBIT_KIND)) ||
    isHashKind(load<u8>(record, TR_CREDIT_KIND)) ||
    (load<u16>(record, TR_FLAGS) & (TR_HAS_EXPECTED | TRANSFER_ASKS)) != 0
  );
}

/** Makes the checks one by one and leaves what they found. Returns the record's state. */
function validateOdd(context: usize, index: u32, record: usize): u32 {
  let state: u32 = STATE_FRESH;
  let result = refusalBeforeLookup(record);
  if (result != OK) {
    state = STATE_REFUSED;
  } else {
    result = refusalAfterLookup(record);
    if (result != OK) state = STATE_PROBE_ONLY;
  }
  store<u8>(context + index, state == STATE_FRESH && isOdd(record) ? STATE_UNSEARCHED : state, CX_STATE);
  store<u8>(context + index, result, CX_RESULT);
  return state;
}

/**
 * Leaves each record's state and result, its id's hash, counts of the ids by partition, and in the slots' places where
 * in the index the search for an account begins: the position, and bits of the fingerprint above it.
 */
function validateAndHash(context: usize, slice: u32, first: u32, count: u32): void {
  const shift = 64 - load<u32>(SUPERBLOCK, SB_ACCOUNT_INDEX_LOG2);
  const seedLow = load<u64>(SUPERBLOCK, SB_SEED_LOW);
  const seedHigh = load<u64>(SUPERBLOCK, SB_SEED_HIGH);
  const starts = context + CX_ID_STARTS + <usize>slice * ID_STARTS_STRIDE;
  let record = recordAddress(context, first);
  let scratch = scratchAddress(context, first);
  for (let i = first, end = first + count; i < end; i++) {
    const idHash = seededHash(load<u64>(record, TR_ID), load<u64>(record, TR_ID + 8), load<u8>(record, TR_ID_KIND), seedLow, seedHigh);
    store<u64>(scratch, idHash, SC_LINK);
    if (isPlain(record) || validateOdd(context, i, record) != STATE_REFUSED) increment(starts, idPartitionOf(idHash));
    store<u32>(scratch, homeOf(record + TR_DEBIT, load<u8>(record, TR_DEBIT_KIND), shift, seedLow, seedHigh), SC_DEBIT_SLOT);
    store<u32>(scratch, homeOf(record + TR_CREDIT, load<u8>(record, TR_CREDIT_KIND), shift, seedLow, seedHigh), SC_CREDIT_SLOT);
    record += RECORD_SIZE;
    scratch += SCRATCH_SIZE;
  }
}

/** Where the search for an account begins: a position in ACCOUNT_HOME_BITS, and fingerprint bits above. */
// @ts-ignore: decorator
@inline
function homeOf(key: usize, kind: u32, shift: u64, seedLow: u64, seedHigh: u64): u32 {
  const hash = seededHash(load<u64>(key), load<u64>(key, 8), kind, seedLow, seedHigh);
  return <u32>(hash >> shift) | (<u32>hash << ACCOUNT_HOME_BITS);
}

/**
 * The entry to which a home word leads: of the first two, the one whose fingerprint fits. Without a branch, because
 * one look-up in eight finds its home taken, and nobody can predict which.
 */
// @ts-ignore: decorator
@inline
function homeEntry(index: usize, mask: u32, home: u32): u32 {
  const position = home & ACCOUNT_HOME_MASK;
  const entry = load<u32>(index + (<usize>position << 2));
  const next = load<u32>(index + (<usize>((position + 1) & mask) << 2));
  const fits = (((entry >> 24) ^ (home >> ACCOUNT_HOME_BITS)) & ((1 << (32 - ACCOUNT_HOME_BITS)) - 1)) == 0;
  return select<u32>(entry, next, fits);
}

/** Replaces the home words by the entries to which they lead. */
function readHomes(context: usize, first: u32, count: u32): void {
  const index: usize = load<u32>(SUPERBLOCK, SB_ACCOUNT_INDEX);
  const mask: u32 = (1 << load<u32>(SUPERBLOCK, SB_ACCOUNT_INDEX_LOG2)) - 1;
  let scratch = scratchAddress(context, first);
  for (const end = scratch + count * SCRATCH_SIZE; scratch < end; scratch += SCRATCH_SIZE) {
    store<u32>(scratch, homeEntry(index, mask, load<u32>(scratch, SC_DEBIT_SLOT)), SC_DEBIT_SLOT);
    store<u32>(scratch, homeEntry(index, mask, load<u32>(scratch, SC_CREDIT_SLOT)), SC_CREDIT_SLOT);
  }
}

/** Reads the accounts that the entries lead to, so that the checks that follow find them in the cache. */
function touchAccounts(context: usize, first: u32, count: u32): u64 {
  const beforeAccounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS) - ACCOUNT_SIZE;
  let seen: u64 = 0;
  let scratch = scratchAddress(context, first);
  for (const end = scratch + count * SCRATCH_SIZE; scratch < end; scratch += SCRATCH_SIZE) {
    // An entry is slot + 1; an empty one leads to the line before the table, which is only read.
    seen |= load<u64>(accountAddress(beforeAccounts, load<u32>(scratch, SC_DEBIT_SLOT) & ACCOUNT_INDEX_SLOT_MASK));
    seen |= load<u64>(accountAddress(beforeAccounts, load<u32>(scratch, SC_CREDIT_SLOT) & ACCOUNT_INDEX_SLOT_MASK));
  }
  return seen;
}

/** Anything but zero where the account's key is not the one at `key`. */
// @ts-ignore: decorator
@inline
function keyDifference(account: usize, key: usize): v128 {
  return v128.xor(v128.load(account, AC_KEY), v128.load(key));
}

/** The slot of a record's account by a full search, or NO_SLOT. */
function search(key: usize, kind: u32, textField: usize): u32 {
  // The text lies in the record's cold line, which a plain record never touches.
  return findAccountByKey(key, kind, isHashKind(kind) ? <usize>load<u32>(textField) : 0);
}

/**
 * Replaces the entries by slots, makes the checks that need the accounts, and counts the legs by partition where they are
 * queued. Returns how many records must be decided in order.
 */
function findAccounts(context: usize, slice: u32, first: u32, count: u32): u32 {
  const isQueued = hasQueues(context);
  const beforeAccounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS) - ACCOUNT_SIZE;
  const jobAsset = load<u32>(context, CX_ASSET);
  const asset = jobAsset << 16;
  const assetMask: u32 = jobAsset != 0 ? 0xffff0000 : 0;
  let forced: u32 = 0;
  let record = recordAddress(context, first);
  let scratch = scratchAddress(context, first);
  for (let i = first, end = first + count; i < end; i++) {
    const debit = load<u32>(scratch, SC_DEBIT_SLOT) & ACCOUNT_INDEX_SLOT_MASK;
    const credit = load<u32>(scratch, SC_CREDIT_SLOT) & ACCOUNT_INDEX_SLOT_MASK;
    const debitAccount = accountAddress(beforeAccounts, debit);
    const creditAccount = accountAddress(beforeAccounts, credit);
    // Flags, asset, kind of the id: 16, 16 and 8 bits.
    const ofDebit = load<u64>(debitAccount, AC_FLAGS);
    const ofCredit = load<u64>(creditAccount, AC_FLAGS);
    const kinds = load<u32>(record, TR_ID_KIND);
    const difference =
      ((<u32>ofDebit ^ <u32>ofCredit) & 0xffff0000) |
      ((<u32>ofDebit ^ asset) & assetMask) |
      ((<u32>(ofDebit >> 24) ^ kinds) & 0xff00) |
      ((<u32>(ofCredit >> 16) ^ kinds) & 0xff0000) |
      (<u32>load<u8>(context + i, CX_STATE) ^ STATE_FRESH);
    const keys = v128.or(keyDifference(debitAccount, record + TR_DEBIT), keyDifference(creditAccount, record + TR_CREDIT));
    if (difference == 0 && !v128.any_true(keys)) {
      store<u32>(scratch, debit - 1, SC_DEBIT_SLOT);
      store<u32>(scratch, credit - 1, SC_CREDIT_SLOT);
      if (isQueued) countLegs(context, slice, debit - 1, credit - 1);
    } else {
      forced += findOddAccounts(context, i, record, scratch, jobAsset);
      if (isQueued && hasLegs(context, i)) {
        countLegs(context, slice, load<u32>(scratch, SC_DEBIT_SLOT), load<u32>(scratch, SC_CREDIT_SLOT));
      }
    }
    record += RECORD_SIZE;
    scratch += SCRATCH_SIZE;
  }
  return forced;
}

/** What a record that posts or voids leaves to the pending transfer, as JR_LEFT bits. */
function leftOpen(record: usize): u32 {
  return (
    (load<u8>(record, TR_DEBIT_KIND) == KIND_NONE ? JR_LEFT_DEBIT : 0) |
    (load<u8>(record, TR_CREDIT_KIND) == KIND_NONE ? JR_LEFT_CREDIT : 0) |
    (load<u16>(record, TR_CODE) == 0 ? JR_LEFT_CODE : 0)
  );
}

/** Searches for a record's accounts and makes their checks one by one. Returns 1 where the record must be decided in order. */
function findOddAccounts(context: usize, index: u32, record: usize, scratch: usize, jobAsset: u32): u32 {
  const state = load<u8>(context + index, CX_STATE);
  if (state == STATE_UNSEARCHED) {
    store<u8>(context + index, STATE_FRESH, CX_STATE);
  } else if (state != STATE_FRESH) {
    store<u32>(scratch, <u32>NO_SLOT, SC_DEBIT_SLOT);
    store<u32>(scratch, <u32>NO_SLOT, SC_CREDIT_SLOT);
    return 0;
  }
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const debit = search(record + TR_DEBIT, load<u8>(record, TR_DEBIT_KIND), record + TR_DEBIT_TEXT);
  const credit = search(record + TR_CREDIT, load<u8>(record, TR_CREDIT_KIND), record + TR_CREDIT_TEXT);
  store<u32>(scratch, debit, SC_DEBIT_SLOT);
  store<u32>(scratch, credit, SC_CREDIT_SLOT);
  // What it posts or voids decides about its accounts, when its turn comes.
  if (isResolving(record)) {
    store<u8>(record, 0, TR_PENDING_MADE);
    store<u16>(record, (load<u32>(context, CX_PLAN) & PLAN_PART) != 0 ? leftOpen(record) : 0, TR_LEFT);
    return 0;
  }
  const debitMissing = debit == <u32>NO_SLOT;
  const creditMissing = credit == <u32>NO_SLOT;
  let result: u32 = OK;
  if ((debitMissing || creditMissing) && (load<u32>(context, CX_PLAN) & PLAN_CREATE) == 0) {
    result = debitMissing ? DEBIT_ACCOUNT_NOT_FOUND : CREDIT_ACCOUNT_NOT_FOUND;
  } else {
    // An account that the job is about to create will hold the job's asset.
    const debitAsset = debitMissing ? jobAsset : <u32>load<u16>(accountAddress(accounts, debit), AC_ASSET);
    const creditAsset = creditMissing ? jobAsset : <u32>load<u16>(accountAddress(accounts, credit), AC_ASSET);
    if (debitAsset != creditAsset) result = ACCOUNTS_MUST_HAVE_THE_SAME_ASSET;
    else if (jobAsset != 0 && jobAsset != debitAsset) result = TRANSFER_MUST_HAVE_THE_SAME_ASSET_AS_ACCOUNTS;
    else if (debitMissing || creditMissing || asksForOrder(record)) {
      // Creation, versions and what is left depend on order, so the record is decided in order.
      store<u8>(context + index, 1, CX_CONTESTED_DEBIT);
      return 1;
    }
  }
  if (result != OK) {
    store<u8>(context + index, result, CX_RESULT);
    if (result < <u32>RECORDED_FROM) store<u8>(context + index, STATE_PROBE_ONLY, CX_STATE);
  }
  return 0;
}

/** Turns per-partition counts at `starts` into starts, with the total as the last. */
function countsToStarts(starts: usize, partitions: u32): void {
  let total: u32 = 0;
  for (let partition: u32 = 0; partition <= partitions; partition++) {
    const count = load<u16>(starts + (partition << 1));
    store<u16>(starts + (partition << 1), total);
    total += count;
  }
}

/** After placing, each start has moved to its partition's end: shifts them back by one partition. */
function restoreStarts(starts: usize, partitions: u32): void {
  for (let partition = partitions; partition > 0; partition--) {
    store<u16>(starts + (partition << 1), load<u16>(starts + ((partition - 1) << 1)));
  }
  store<u16>(starts, 0);
}

// @ts-ignore: decorator
@inline
function increment(starts: usize, partition: u32): u32 {
  const at = starts + (<usize>partition << 1);
  const value = load<u16>(at);
  store<u16>(at, value + 1);
  return value;
}

/** Queues the ids, which validateAndHash has counted. */
function queueIds(context: usize, slice: u32, first: u32, count: u32): void {
  const starts = context + CX_ID_STARTS + <usize>slice * ID_STARTS_STRIDE;
  const queue = context + CX_ID_QUEUE + (<usize>first << 3);
  countsToStarts(starts, ID_PARTITIONS);
  let scratch = scratchAddress(context, first);
  for (let i = first, end = first + count; i < end; i++, scratch += SCRATCH_SIZE) {
    if (load<u8>(context + i, CX_STATE) != STATE_REFUSED) {
      const hash = load<u64>(scratch, SC_LINK);
      store<u64>(queue + (<usize>increment(starts, idPartitionOf(hash)) << 3), entryOf(idTag(hash), i));
    }
  }
  restoreStarts(starts, ID_PARTITIONS);
}

/** Slot's partition. */
// @ts-ignore: decorator
@inline
function partitionOf(slot: u32): u32 {
  return slot & (ACCOUNT_PARTITIONS - 1);
}

// @ts-ignore: decorator
@inline
function hasLegs(context: usize, index: u32): bool {
  return load<u8>(context + index, CX_STATE) == STATE_FRESH && load<u8>(context + index, CX_RESULT) == OK;
}

/** Whether the batch's legs are applied by partition. */
// @ts-ignore: decorator
@inline
function hasQueues(context: usize): bool {
  return (load<u32>(context, CX_PLAN) & PLAN_SERIAL) == 0;
}

/** Before the slice's legs are counted. */
export function clearLegCounts(context: usize, slice: u32): void {
  memory.fill(context + CX_DEBIT_STARTS + <usize>slice * LEG_STARTS_STRIDE, 0, LEG_STARTS_STRIDE);
  memory.fill(context + CX_CREDIT_STARTS + <usize>slice * LEG_STARTS_STRIDE, 0, LEG_STARTS_STRIDE);
}

/** Counts the legs of a record that has some, by account partition. */
// @ts-ignore: decorator
@inline
export function countLegs(context: usize, slice: u32, debit: u32, credit: u32): void {
  const starts = context + <usize>slice * LEG_STARTS_STRIDE;
  if (debit != <u32>NO_SLOT) increment(starts + CX_DEBIT_STARTS, partitionOf(debit));
  if (credit != <u32>NO_SLOT) increment(starts + CX_CREDIT_STARTS, partitionOf(credit));
}

/** Fills the slice's queues of legs, by account partition, from the slots that were found. Every leg has been counted. */
export function queueLegs(context: usize, slice: u32, first: u32, count: u32): void {
  const debitStarts = context + CX_DEBIT_STARTS + <usize>slice * LEG_STARTS_STRIDE;
  const creditStarts = context + CX_CREDIT_STARTS + <usize>slice * LEG_STARTS_STRIDE;
  countsToStarts(debitStarts, ACCOUNT_PARTITIONS);
  countsToStarts(creditStarts, ACCOUNT_PARTITIONS);
  const debitLegs = context + CX_DEBIT_LEGS + (<usize>first << 4);
  const creditLegs = context + CX_CREDIT_LEGS + (<usize>first << 4);
  let scratch = scratchAddress(context, first);
  let record = recordAddress(context, first);
  for (let i = first, end = first + count; i < end; i++, scratch += SCRATCH_SIZE, record += RECORD_SIZE) {
    if (hasLegs(context, i)) {
      const debit = load<u32>(scratch, SC_DEBIT_SLOT);
      const credit = load<u32>(scratch, SC_CREDIT_SLOT);
      const amount = load<u64>(record, TR_AMOUNT);
      let index = i;
      if (load<u16>(record, TR_FLAGS) != 0) {
        if (amountHigh(record) != 0) index |= LEG_WIDE;
        if (asksForOrder(record)) index |= LEG_ORDERED;
      }
      if (debit != <u32>NO_SLOT) placeLeg(debitLegs, increment(debitStarts, partitionOf(debit)), debit, index, amount);
      if (credit != <u32>NO_SLOT) placeLeg(creditLegs, increment(creditStarts, partitionOf(credit)), credit, index, amount);
    }
  }
  restoreStarts(debitStarts, ACCOUNT_PARTITIONS);
  restoreStarts(creditStarts, ACCOUNT_PARTITIONS);
}

// @ts-ignore: decorator
@inline
function placeLeg(legs: usize, position: u32, slot: u32, index: u32, amount: u64): void {
  const leg = legs + (<usize>position << 4);
  store<u64>(leg, <u64>slot | (<u64>index << 32), LEG_SLOT);
  store<u64>(leg, amount, LEG_AMOUNT);
}
