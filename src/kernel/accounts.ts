/** The account table and its index: look-ups by any thread during a batch, creation by one owner at a time. */
import {
  AC_ASSET,
  AC_CODE,
  AC_FLAGS,
  AC_ID_KIND,
  AC_KEY,
  ACCOUNT_COLD_SIZE,
  ACCOUNT_HAS_COLD_LIMIT,
  ACCOUNT_INDEX_LOAD_DIVISOR,
  ACCOUNT_INDEX_SLOT_MASK,
  ACCOUNT_SIZE,
  ACCOUNT_SIZE_LOG2,
  AO_ID_TEXT,
  AO_METADATA,
  AO_OVERDRAFT_LIMIT,
  AO_USER_DATA,
  FAULT_ACCOUNTS_FULL,
  FAULT_TEXT_FULL,
  KIND_TEXT_MAX,
  NO_SLOT,
  SB_ACCOUNT_CAPACITY,
  SB_ACCOUNT_COUNT,
  SB_ACCOUNT_INDEX,
  SB_ACCOUNT_INDEX_LOG2,
  SB_ACCOUNTS,
  SB_ACCOUNTS_COLD,
  SB_TEXT,
  SB_TEXT_SIZE,
  SB_TEXT_USED,
  SUPERBLOCK,
  USER_DATA_SIZE,
} from "../core/layout";
import { equalText, isHashKind, placementHash } from "./identifiers";

/** Address of the account in this slot. */
// @ts-ignore: decorator
@inline
export function accountAddress(accounts: usize, slot: u32): usize {
  return accounts + (<usize>slot << ACCOUNT_SIZE_LOG2);
}

/** Address of the account's cold line. */
function coldAddress(slot: u32): usize {
  return <usize>load<u32>(SUPERBLOCK, SB_ACCOUNTS_COLD) + <usize>slot * ACCOUNT_COLD_SIZE;
}

/** Address of the cold line of the account whose hot line is at `account`. */
export function coldAddressOf(account: usize): usize {
  return coldAddress(<u32>((account - <usize>load<u32>(SUPERBLOCK, SB_ACCOUNTS)) >> ACCOUNT_SIZE_LOG2));
}

/** Address of the bytes of an id whose key is a hash. */
function accountText(slot: u32): usize {
  return <usize>load<u32>(SUPERBLOCK, SB_TEXT) + load<u32>(coldAddress(slot), AO_ID_TEXT);
}

/** Whether the account in `slot` has exactly this id. `text` is read only for kinds whose key is a hash. */
// @ts-ignore: decorator
@inline
export function accountHasId(accounts: usize, slot: u32, keyLow: u64, keyHigh: u64, kind: u32, text: usize): bool {
  const account = accountAddress(accounts, slot);
  return (
    load<u64>(account, AC_KEY) == keyLow &&
    load<u64>(account, AC_KEY + 8) == keyHigh &&
    load<u8>(account, AC_ID_KIND) == kind &&
    (!isHashKind(kind) || equalText(accountText(slot), text, kind))
  );
}

/** Slot of the account with this id, or NO_SLOT. */
export function findAccount(keyLow: u64, keyHigh: u64, kind: u32, text: usize): u32 {
  const index: usize = load<u32>(SUPERBLOCK, SB_ACCOUNT_INDEX);
  const log2 = load<u32>(SUPERBLOCK, SB_ACCOUNT_INDEX_LOG2);
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const hash = placementHash(keyLow, keyHigh, kind);
  const fingerprint = <u32>(hash & 0xff);
  const mask: u32 = (1 << log2) - 1;
  let position = <u32>(hash >> (64 - log2));
  while (true) {
    const entry = load<u32>(index + (<usize>position << 2));
    if (entry == 0) return NO_SLOT;
    if (entry >> 24 == fingerprint) {
      const slot = (entry & ACCOUNT_INDEX_SLOT_MASK) - 1;
      if (accountHasId(accounts, slot, keyLow, keyHigh, kind, text)) return slot;
    }
    position = (position + 1) & mask;
  }
}

/** {@link findAccount} for a key in memory: 16 bytes at `key`. */
export function findAccountByKey(key: usize, kind: u32, text: usize): u32 {
  return findAccount(load<u64>(key), load<u64>(key, 8), kind, text);
}

function placeInIndex(index: usize, log2: u32, hash: u64, slot: u32): void {
  const mask: u32 = (1 << log2) - 1;
  let position = <u32>(hash >> (64 - log2));
  while (load<u32>(index + (<usize>position << 2)) != 0) position = (position + 1) & mask;
  store<u32>(index + (<usize>position << 2), (<u32>(hash & 0xff) << 24) | (slot + 1));
}

/** Rebuilds the index from the account table with `log2` as its size. */
function rebuildIndex(log2: u32, count: u32): void {
  const index: usize = load<u32>(SUPERBLOCK, SB_ACCOUNT_INDEX);
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  memory.fill(index, 0, <usize>4 << log2);
  for (let slot: u32 = 0; slot < count; slot++) {
    const account = accountAddress(accounts, slot);
    const hash = placementHash(load<u64>(account, AC_KEY), load<u64>(account, AC_KEY + 8), load<u8>(account, AC_ID_KIND));
    placeInIndex(index, log2, hash, slot);
  }
  store<u32>(SUPERBLOCK, log2, SB_ACCOUNT_INDEX_LOG2);
}

/**
 * Creates an account whose id the caller has not found; `metadata` is what AO_METADATA says of it. Returns 0, or a FAULT_* where the memory is full.
 * Only one thread may create at a time, and none may look accounts up meanwhile.
 */
export function createAccount(
  key: usize,
  kind: u32,
  text: usize,
  asset: u32,
  flags: u32,
  code: u32,
  overdraftLow: u64,
  overdraftHigh: u64,
  userDataLow: u64,
  userDataHigh: u64,
  metadata: u32,
): u32 {
  const count = load<u32>(SUPERBLOCK, SB_ACCOUNT_COUNT);
  let textUsed = load<u32>(SUPERBLOCK, SB_TEXT_USED);
  const hasText = isHashKind(kind);
  const hasUserData = (userDataLow | userDataHigh) != 0;
  if (count >= load<u32>(SUPERBLOCK, SB_ACCOUNT_CAPACITY)) return FAULT_ACCOUNTS_FULL;
  const textMax: u32 = KIND_TEXT_MAX + (hasUserData ? USER_DATA_SIZE : 0);
  if ((hasText || hasUserData) && textUsed + textMax > load<u32>(SUPERBLOCK, SB_TEXT_SIZE)) return FAULT_TEXT_FULL;
  // From here on nothing can fail.
  const account = accountAddress(load<u32>(SUPERBLOCK, SB_ACCOUNTS), count);
  const cold = coldAddress(count);
  memory.fill(account, 0, ACCOUNT_SIZE);
  memory.fill(cold, 0, ACCOUNT_COLD_SIZE);
  memory.copy(account + AC_KEY, key, 16);
  const limited: u32 = (overdraftLow | overdraftHigh) != 0 ? ACCOUNT_HAS_COLD_LIMIT : 0;
  store<u16>(account, flags | limited, AC_FLAGS);
  store<u64>(cold, overdraftLow, AO_OVERDRAFT_LIMIT);
  store<u64>(cold, overdraftHigh, AO_OVERDRAFT_LIMIT + 8);
  store<u16>(account, asset, AC_ASSET);
  store<u16>(account, code, AC_CODE);
  store<u8>(account, kind, AC_ID_KIND);
  if (hasText) {
    memory.copy(<usize>load<u32>(SUPERBLOCK, SB_TEXT) + textUsed, text, kind);
    store<u32>(cold, textUsed, AO_ID_TEXT);
    textUsed += (kind + 7) & ~7;
  }
  if (hasUserData) {
    const address = <usize>load<u32>(SUPERBLOCK, SB_TEXT) + textUsed;
    store<u64>(address, userDataLow);
    store<u64>(address, userDataHigh, 8);
    store<u32>(cold, textUsed + 1, AO_USER_DATA);
    textUsed += USER_DATA_SIZE;
  }
  store<u32>(cold, metadata, AO_METADATA);
  store<u32>(SUPERBLOCK, textUsed, SB_TEXT_USED);
  store<u32>(SUPERBLOCK, count + 1, SB_ACCOUNT_COUNT);
  const log2 = load<u32>(SUPERBLOCK, SB_ACCOUNT_INDEX_LOG2);
  if (<u64>(count + 1) * ACCOUNT_INDEX_LOAD_DIVISOR > <u64>1 << log2) {
    rebuildIndex(log2 + 1, count + 1);
  } else {
    const hash = placementHash(load<u64>(key), load<u64>(key, 8), kind);
    placeInIndex(load<u32>(SUPERBLOCK, SB_ACCOUNT_INDEX), log2, hash, count);
  }
  return 0;
}
