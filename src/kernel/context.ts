/** Addresses inside a batch context. */
import {
  CX_CONTESTED_CREDIT,
  CX_CONTESTED_DEBIT,
  CX_RECORDS,
  CX_SCRATCH,
  CX_SEQUENCE,
  CX_SLICES,
  KIND_NONE,
  RECORD_SIZE_LOG2,
  SL_COUNT,
  SLICE_CAPACITY_LOG2,
  SLICE_ENTRY_SIZE,
  TR_AMOUNT,
  TR_AMOUNT_HIGH,
  TR_ASKED_AMOUNT,
  TR_EFFECTIVE_DATE,
  TR_FLAGS,
  TR_HAS_COLD,
  TR_HAS_DATE,
  TR_HAS_EXPECTED,
  TR_INTERNAL_FLAGS,
  TR_LEFT,
  TR_PENDING_KIND,
  TR_TIMEOUT,
  TR_USER_DATA,
  TRANSFER_ASKS,
  TRANSFER_BALANCING,
  TRANSFER_RESOLVES,
} from "../core/layout";

/** In place of a date. */
export const NO_DATE: i32 = i32.MIN_VALUE;

/**
 * Records that a stage reads the accounts of before it goes over them: 8 KiB, and 16 KiB of accounts, which fit the
 * first-level cache, on at most 256 pages, which fit that of address translations.
 */
export const RUN_CAPACITY: u32 = 128;

// @ts-ignore: decorator
@inline
export function sliceEntry(context: usize, slice: u32): usize {
  return context + CX_SLICES + <usize>slice * SLICE_ENTRY_SIZE;
}

// @ts-ignore: decorator
@inline
export function sliceCount(context: usize, slice: u32): u32 {
  return load<u32>(sliceEntry(context, slice), SL_COUNT);
}

/** Record index of a slice's first record. */
// @ts-ignore: decorator
@inline
export function sliceFirst(slice: u32): u32 {
  return slice << SLICE_CAPACITY_LOG2;
}

// @ts-ignore: decorator
@inline
export function recordAddress(context: usize, index: u32): usize {
  return context + CX_RECORDS + (<usize>index << RECORD_SIZE_LOG2);
}

// @ts-ignore: decorator
@inline
export function scratchAddress(context: usize, index: u32): usize {
  return context + CX_SCRATCH + (<usize>index << 4);
}

/** Whether one of a record's two slots, read as one word, is NO_SLOT, which alone has a slot's highest bit. */
// @ts-ignore: decorator
@inline
export function isEitherMissing(slots: u64): bool {
  return (slots & 0x8000000080000000) != 0;
}

// @ts-ignore: decorator
@inline
export function sequenceAddress(context: usize, index: u32): usize {
  return context + CX_SEQUENCE + (<usize>index << 2);
}

/** Whether classify or resolve found that the record's outcome depends on order. */
// @ts-ignore: decorator
@inline
export function isContested(context: usize, index: u32): bool {
  return (load<u8>(context + index, CX_CONTESTED_DEBIT) | load<u8>(context + index, CX_CONTESTED_CREDIT)) != 0;
}

/** Whether the record's cold line says anything; otherwise all its fields are zero, whatever the memory holds. */
// @ts-ignore: decorator
@inline
export function hasCold(record: usize): bool {
  return (load<u16>(record, TR_FLAGS) & TR_HAS_COLD) != 0;
}

// @ts-ignore: decorator
@inline
export function amountHigh(record: usize): u64 {
  return hasCold(record) ? load<u64>(record, TR_AMOUNT_HIGH) : 0;
}

/** Whether the record may move another amount than it asks for. */
// @ts-ignore: decorator
@inline
export function asksForAmount(record: usize): bool {
  return (load<u16>(record, TR_FLAGS) & TRANSFER_ASKS) != 0;
}

/** Whether the record posts or voids a pending transfer. */
// @ts-ignore: decorator
@inline
export function isResolving(record: usize): bool {
  return (load<u16>(record, TR_FLAGS) & TRANSFER_RESOLVES) != 0;
}

/** Seconds after which the record expires, if it is pending; 0 for never. */
export function recordTimeout(record: usize): u32 {
  return hasCold(record) ? load<u32>(record, TR_TIMEOUT) : 0;
}

/** Kind of the pending transfer's id that the record names, KIND_NONE where it names none. */
export function recordPendingKind(record: usize): u32 {
  return hasCold(record) ? load<u8>(record, TR_PENDING_KIND) : KIND_NONE;
}

/** What the record, as a leg of a part, leaves to the pending transfer that it posts or voids, as JR_LEFT bits. */
export function recordLeft(record: usize): u32 {
  return isResolving(record) ? load<u16>(record, TR_LEFT) : 0;
}

/** The record's effective date, as days since 1970-01-01; NO_DATE where it has none. */
export function recordDate(record: usize): i32 {
  return (load<u16>(record, TR_FLAGS) & TR_HAS_DATE) != 0 ? load<i32>(record, TR_EFFECTIVE_DATE) : NO_DATE;
}

/** Whether the record's outcome depends on order, whatever its accounts hold. */
// @ts-ignore: decorator
@inline
export function asksForOrder(record: usize): bool {
  return (load<u16>(record, TR_FLAGS) & (TR_HAS_EXPECTED | TRANSFER_BALANCING)) != 0;
}

/** The amount that the caller gave, which may not be what the record moves. */
export function askedLow(record: usize): u64 {
  return asksForAmount(record) ? load<u64>(record, TR_ASKED_AMOUNT) : load<u64>(record, TR_AMOUNT);
}

export function askedHigh(record: usize): u64 {
  return asksForAmount(record) ? load<u64>(record, TR_ASKED_AMOUNT + 8) : amountHigh(record);
}

/** Whether the record expects its accounts at versions. */
// @ts-ignore: decorator
@inline
export function hasExpected(record: usize): bool {
  return (load<u16>(record, TR_FLAGS) & TR_HAS_EXPECTED) != 0;
}

/** The flags that the caller set. */
// @ts-ignore: decorator
@inline
export function recordFlags(record: usize): u32 {
  return <u32>load<u16>(record, TR_FLAGS) & ~TR_INTERNAL_FLAGS;
}

/** Address of the record's 16 bytes of user data, or 0 where they are zero. */
// @ts-ignore: decorator
@inline
export function recordUserData(record: usize): usize {
  return hasCold(record) ? record + TR_USER_DATA : 0;
}
