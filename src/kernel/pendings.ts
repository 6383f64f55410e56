/**
 * The table of pending transfers, its index by id, and the queue in which they expire. One thread uses them at a time:
 * whoever decides a batch in order, or the coordinator between batches.
 */
import {
  ACCOUNT_INDEX_LOAD_DIVISOR,
  ACCOUNT_INDEX_SLOT_MASK,
  KIND_TEXT_MAX,
  NO_SLOT,
  PE_AMOUNT,
  PE_CODE,
  PE_CREDIT_SLOT,
  PE_DEBIT_SLOT,
  PE_EXPIRES,
  PE_FLAGS,
  PE_ID_KIND,
  PE_KEY,
  PE_STATUS,
  PENDING_EXPIRED,
  PENDING_OPEN,
  PENDING_SIZE,
  PENDING_SIZE_LOG2,
  SB_ACCOUNTS,
  SB_EXPIRY_COUNT,
  SB_EXPIRY_QUEUE,
  SB_NEXT_EXPIRY,
  SB_PENDING_COUNT,
  SB_PENDING_INDEX,
  SB_PENDING_INDEX_LOG2,
  SB_PENDING_TEXTS,
  SB_PENDINGS,
  SUPERBLOCK,
} from "../core/layout";
import { accountAddress } from "./accounts";
import { equalText, isHashKind, placementHash } from "./identifiers";
import { voidPending } from "./rule";

const NANOSECONDS_A_SECOND: u64 = 1_000_000_000;

/** Address of the pending transfer in this slot. */
// @ts-ignore: decorator
@inline
export function pendingAddress(slot: u32): usize {
  return <usize>load<u32>(SUPERBLOCK, SB_PENDINGS) + (<usize>slot << PENDING_SIZE_LOG2);
}

// @ts-ignore: decorator
@inline
function pendingText(slot: u32): usize {
  return <usize>load<u32>(SUPERBLOCK, SB_PENDING_TEXTS) + <usize>slot * KIND_TEXT_MAX;
}

/** Address of the index entry that holds the pending transfer with this id, or of the empty one where the search ends. */
function findEntry(key: usize, kind: u32, text: usize): usize {
  const index: usize = load<u32>(SUPERBLOCK, SB_PENDING_INDEX);
  const log2 = load<u32>(SUPERBLOCK, SB_PENDING_INDEX_LOG2);
  const hash = placementHash(load<u64>(key), load<u64>(key, 8), kind);
  const mask: u32 = (1 << log2) - 1;
  let position = <u32>(hash >> (64 - log2));
  while (true) {
    const at = index + (<usize>position << 2);
    const entry = load<u32>(at);
    if (entry == 0) return at;
    if (entry >> 24 == <u32>(hash & 0xff)) {
      const slot = (entry & ACCOUNT_INDEX_SLOT_MASK) - 1;
      const pending = pendingAddress(slot);
      if (
        load<u64>(pending, PE_KEY) == load<u64>(key) &&
        load<u64>(pending, PE_KEY + 8) == load<u64>(key, 8) &&
        load<u8>(pending, PE_ID_KIND) == kind &&
        (!isHashKind(kind) || equalText(pendingText(slot), text, kind))
      ) {
        return at;
      }
    }
    position = (position + 1) & mask;
  }
}

/** Slot of the pending transfer with this id, resolved or not, or NO_SLOT. `text` is read only where the key is a hash. */
export function findPending(key: usize, kind: u32, text: usize): u32 {
  const entry = load<u32>(findEntry(key, kind, text));
  return entry == 0 ? <u32>NO_SLOT : (entry & ACCOUNT_INDEX_SLOT_MASK) - 1;
}

function placeInIndex(slot: u32): void {
  const pending = pendingAddress(slot);
  const kind = load<u8>(pending, PE_ID_KIND);
  const hash = placementHash(load<u64>(pending, PE_KEY), load<u64>(pending, PE_KEY + 8), kind);
  store<u32>(findEntry(pending + PE_KEY, kind, pendingText(slot)), (<u32>(hash & 0xff) << 24) | (slot + 1));
}

function rebuildIndex(log2: u32, count: u32): void {
  memory.fill(load<u32>(SUPERBLOCK, SB_PENDING_INDEX), 0, <usize>4 << log2);
  store<u32>(SUPERBLOCK, log2, SB_PENDING_INDEX_LOG2);
  for (let slot: u32 = 0; slot < count; slot++) placeInIndex(slot);
}

/**
 * Adds a pending transfer, which has been made and whose id is new. There is room: the coordinator has seen to it.
 * It expires `timeout` seconds after `timestamp`, in nanoseconds, once {@link queueExpiry} has been called for it.
 */
export function addPending(
  key: usize,
  kind: u32,
  text: usize,
  debit: u32,
  credit: u32,
  amountLow: u64,
  amountHigh: u64,
  flags: u32,
  code: u32,
  timestamp: u64,
  timeout: u32,
): u32 {
  const slot = load<u32>(SUPERBLOCK, SB_PENDING_COUNT);
  const pending = pendingAddress(slot);
  store<u64>(pending, load<u64>(key), PE_KEY);
  store<u64>(pending, load<u64>(key, 8), PE_KEY + 8);
  store<u64>(pending, amountLow, PE_AMOUNT);
  store<u64>(pending, amountHigh, PE_AMOUNT + 8);
  store<u64>(pending, timeout == 0 ? 0 : timestamp + <u64>timeout * NANOSECONDS_A_SECOND, PE_EXPIRES);
  store<u32>(pending, debit, PE_DEBIT_SLOT);
  store<u32>(pending, credit, PE_CREDIT_SLOT);
  store<u16>(pending, code, PE_CODE);
  store<u16>(pending, flags, PE_FLAGS);
  store<u8>(pending, kind, PE_ID_KIND);
  store<u8>(pending, PENDING_OPEN, PE_STATUS);
  if (isHashKind(kind)) memory.copy(pendingText(slot), text, kind);
  store<u32>(SUPERBLOCK, slot + 1, SB_PENDING_COUNT);
  const log2 = load<u32>(SUPERBLOCK, SB_PENDING_INDEX_LOG2);
  if (<u64>(slot + 1) * ACCOUNT_INDEX_LOAD_DIVISOR > <u64>1 << log2) rebuildIndex(log2 + 1, slot + 1);
  else placeInIndex(slot);
  return slot;
}

/**
 * Takes back the pending transfer that was added last. Entries of the index were placed in the order of the slots, so
 * the last one has pushed no other aside.
 */
export function removeLastPending(): void {
  const slot = load<u32>(SUPERBLOCK, SB_PENDING_COUNT) - 1;
  const pending = pendingAddress(slot);
  const kind = load<u8>(pending, PE_ID_KIND);
  store<u32>(findEntry(pending + PE_KEY, kind, pendingText(slot)), 0);
  if (isHashKind(kind)) memory.fill(pendingText(slot), 0, KIND_TEXT_MAX);
  memory.fill(pending, 0, PENDING_SIZE);
  store<u32>(SUPERBLOCK, slot, SB_PENDING_COUNT);
}

// The queue is a binary heap of slots; of two that expire at once, the one made first comes first.

// @ts-ignore: decorator
@inline
function queued(position: u32): u32 {
  return load<u32>(<usize>load<u32>(SUPERBLOCK, SB_EXPIRY_QUEUE) + (<usize>position << 2));
}

// @ts-ignore: decorator
@inline
function setQueued(position: u32, slot: u32): void {
  store<u32>(<usize>load<u32>(SUPERBLOCK, SB_EXPIRY_QUEUE) + (<usize>position << 2), slot);
}

function isBefore(a: u32, b: u32): bool {
  const expiresA = load<u64>(pendingAddress(a), PE_EXPIRES);
  const expiresB = load<u64>(pendingAddress(b), PE_EXPIRES);
  return expiresA < expiresB || (expiresA == expiresB && a < b);
}

function noteNextExpiry(): void {
  const isEmpty = load<u32>(SUPERBLOCK, SB_EXPIRY_COUNT) == 0;
  store<u64>(SUPERBLOCK, isEmpty ? u64.MAX_VALUE : load<u64>(pendingAddress(queued(0)), PE_EXPIRES), SB_NEXT_EXPIRY);
}

/** Queues a pending transfer to expire, where it has a timeout. */
export function queueExpiry(slot: u32): void {
  if (load<u64>(pendingAddress(slot), PE_EXPIRES) == 0) return;
  let position = load<u32>(SUPERBLOCK, SB_EXPIRY_COUNT);
  store<u32>(SUPERBLOCK, position + 1, SB_EXPIRY_COUNT);
  while (position > 0) {
    const parent = (position - 1) >> 1;
    if (!isBefore(slot, queued(parent))) break;
    setQueued(position, queued(parent));
    position = parent;
  }
  setQueued(position, slot);
  noteNextExpiry();
}

function removeFirstQueued(): void {
  const count = load<u32>(SUPERBLOCK, SB_EXPIRY_COUNT) - 1;
  store<u32>(SUPERBLOCK, count, SB_EXPIRY_COUNT);
  const moved = queued(count);
  let position: u32 = 0;
  while (true) {
    let child: u32 = 2 * position + 1;
    if (child >= count) break;
    if (child + 1 < count && isBefore(queued(child + 1), queued(child))) child++;
    if (!isBefore(queued(child), moved)) break;
    setQueued(position, queued(child));
    position = child;
  }
  if (count > 0) setQueued(position, moved);
  noteNextExpiry();
}

/**
 * Ends at most `most` pending transfers whose time has run out at `timestamp`, in nanoseconds: what they reserve is
 * released, as if they were voided. Returns how many there were. Between batches only.
 */
export function expirePendings(timestamp: u64, most: u32): u32 {
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  let expired: u32 = 0;
  while (expired < most && load<u64>(SUPERBLOCK, SB_NEXT_EXPIRY) <= timestamp) {
    if (load<u32>(SUPERBLOCK, SB_EXPIRY_COUNT) == 0) break;
    const pending = pendingAddress(queued(0));
    removeFirstQueued();
    // One that was resolved stays in the queue until its time comes.
    if (load<u8>(pending, PE_STATUS) != PENDING_OPEN) continue;
    voidPending(
      pending,
      accountAddress(accounts, load<u32>(pending, PE_DEBIT_SLOT)),
      accountAddress(accounts, load<u32>(pending, PE_CREDIT_SLOT)),
      PENDING_EXPIRED,
    );
    expired++;
  }
  return expired;
}

/** Builds index and queue from the table, which a snapshot has filled. */
export function rebuildPendings(): void {
  const count = load<u32>(SUPERBLOCK, SB_PENDING_COUNT);
  let log2 = load<u32>(SUPERBLOCK, SB_PENDING_INDEX_LOG2);
  while (<u64>count * ACCOUNT_INDEX_LOAD_DIVISOR > <u64>1 << log2) log2++;
  rebuildIndex(log2, count);
  store<u32>(SUPERBLOCK, 0, SB_EXPIRY_COUNT);
  noteNextExpiry();
  for (let slot: u32 = 0; slot < count; slot++) {
    if (load<u8>(pendingAddress(slot), PE_STATUS) == PENDING_OPEN) queueExpiry(slot);
  }
}
