/** Ids as 128-bit keys: reading them from bytes, comparing them exactly, hashing them for placement. */
import {
  KIND_INLINE_MAX,
  KIND_TEXT_MAX,
  KIND_UUID,
  SB_SEED_HIGH,
  SB_SEED_LOW,
  SUPERBLOCK,
  UUID_TEXT_LENGTH,
} from "../core/layout";

const MIX_A: u64 = 0x9e3779b97f4a7c15;
const MIX_B: u64 = 0xd6e8feb86659fd93;
const MIX_C: u64 = 0xc2b2ae3d27d4eb4f;

/**
 * Reads a lower-case UUID of 36 characters at `text` into the 16 octets at `key`.
 * False (and `key` undefined) where it is not one. All digits at once and without branches on them: whether a digit
 * is a letter can't be predicted, and 32 such guesses cost more than all the rest of a row.
 */
function readUuid(text: usize, key: usize): bool {
  // Hyphens at 8, 13, 18 and 23.
  if (load<u8>(text, 8) != 45 || load<u8>(text, 13) != 45 || load<u8>(text, 18) != 45 || load<u8>(text, 23) != 45) {
    return false;
  }
  const start = v128.load(text);
  const middle = v128.load(text, 16);
  const end = v128.load(text, 20);
  const first = i8x16.shuffle(start, middle, 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17);
  const second = i8x16.shuffle(middle, end, 3, 4, 5, 6, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
  const firstDigits = areDigits(first);
  const firstLetters = areLetters(first);
  const secondDigits = areDigits(second);
  const secondLetters = areLetters(second);
  v128.store(key, i8x16.narrow_i16x8_u(pairOctets(first, firstLetters), pairOctets(second, secondLetters)));
  return i8x16.all_true(v128.and(v128.or(firstDigits, firstLetters), v128.or(secondDigits, secondLetters)));
}

/** Mask of the lanes that hold `0`–`9`. */
// @ts-ignore: decorator
@inline
function areDigits(text: v128): v128 {
  return i8x16.lt_u(i8x16.sub(text, i8x16.splat(48)), i8x16.splat(10));
}

/** Mask of the lanes that hold `a`–`f`. */
// @ts-ignore: decorator
@inline
function areLetters(text: v128): v128 {
  return i8x16.lt_u(i8x16.sub(text, i8x16.splat(97)), i8x16.splat(6));
}

/** The octets that pairs of hexadecimal digits make, one in each 16-bit lane. */
// @ts-ignore: decorator
@inline
function pairOctets(text: v128, letters: v128): v128 {
  // The low four bits are the value of a digit, and 9 less than that of a letter.
  const nibbles = v128.and(text, i8x16.splat(15));
  const values = i8x16.add(nibbles, v128.and(letters, i8x16.splat(9)));
  return v128.and(v128.or(i16x8.shl(values, 4), i16x8.shr_u(values, 8)), i16x8.splat(255));
}

/** The `length` bytes (1–8) at `text` as a little-endian word. Reads no byte beyond them. */
// @ts-ignore: decorator
@inline
function readShort(text: usize, length: u32): u64 {
  // The loads overlap where the length lies between; the same byte lands in the same place twice.
  if (length == 8) return load<u64>(text);
  if (length >= 4) {
    const tail = length - 4;
    return <u64>load<u32>(text) | (<u64>load<u32>(text + tail) << (<u64>tail << 3));
  }
  const middle = length >> 1;
  const last = length - 1;
  return <u64>(
    (<u32>load<u8>(text) | (<u32>load<u8>(text + middle) << (middle << 3)) | (<u32>load<u8>(text + last) << (last << 3)))
  );
}

/**
 * Writes the 16-byte key of the id of `length` bytes (1–64) at `text` to `key` and returns its kind.
 * The caller has checked length and UTF-8. For kinds 17–64 the key is a hash, and the caller keeps the text.
 */
export function readKey(text: usize, length: u32, key: usize): u32 {
  if (length <= 8) {
    store<u64>(key, readShort(text, length));
    store<u64>(key, 0, 8);
    return length;
  }
  if (length <= <u32>KIND_INLINE_MAX) {
    store<u64>(key, load<u64>(text));
    store<u64>(key, load<u64>(text + length - 8) >> (<u64>(KIND_INLINE_MAX - length) << 3), 8);
    return length;
  }
  if (length == UUID_TEXT_LENGTH && readUuid(text, key)) return KIND_UUID;
  hashText(text, length, key);
  return length;
}

/** 128-bit hash of 17–64 bytes. It only spreads ids: whoever finds equal keys compares the bytes as well. */
export function hashText(text: usize, length: u32, key: usize): void {
  let low: u64 = MIX_A ^ length;
  let high: u64 = MIX_B;
  let from = text;
  const lastWord = text + length - 8;
  while (from < lastWord) {
    const word = load<u64>(from);
    low = rotl<u64>((low ^ word) * MIX_C, 29);
    high = (high ^ rotl<u64>(word, 32)) * MIX_A;
    high ^= high >> 31;
    from += 8;
  }
  const word = load<u64>(lastWord);
  low = (low ^ word) * MIX_C;
  high = (high ^ rotl<u64>(word, 32)) * MIX_A;
  low ^= low >> 32;
  high ^= high >> 29;
  store<u64>(key, low + high * MIX_B);
  store<u64>(key, high ^ (low * MIX_A), 8);
}

// @ts-ignore: decorator
@inline
export function isHashKind(kind: u32): bool {
  return kind > <u32>KIND_INLINE_MAX && kind <= <u32>KIND_TEXT_MAX;
}

/** Whether two texts of `length` bytes (at least 8) are the same. */
export function equalText(a: usize, b: usize, length: u32): bool {
  const last = length - 8;
  for (let i: u32 = 0; i < last; i += 8) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
  }
  return load<u64>(a + last) == load<u64>(b + last);
}

/** Whether two ids are the same: by their texts where the key is a hash, which alone are read then, else by their keys. */
// @ts-ignore: decorator
@inline
export function equalIds(a: usize, aKind: u32, aText: usize, b: usize, bKind: u32, bText: usize): bool {
  if (aKind != bKind) return false;
  if (isHashKind(aKind)) return equalText(aText, bText, aKind);
  return load<u64>(a) == load<u64>(b) && load<u64>(a, 8) == load<u64>(b, 8);
}

/**
 * 64-bit hash of a key for placement in the hash tables, seeded per ledger.
 * The top bits choose the partition of the exactly-once index, the next ones the home position.
 */
// @ts-ignore: decorator
@inline
export function placementHash(low: u64, high: u64, kind: u32): u64 {
  return seededHash(low, high, kind, load<u64>(SUPERBLOCK, SB_SEED_LOW), load<u64>(SUPERBLOCK, SB_SEED_HIGH));
}

/** {@link placementHash} for loops that have read the seed. */
// @ts-ignore: decorator
@inline
export function seededHash(low: u64, high: u64, kind: u32, seedLow: u64, seedHigh: u64): u64 {
  let hash = (low ^ seedLow) * MIX_A;
  hash ^= hash >> 32;
  hash = (hash + (high ^ seedHigh) + kind) * MIX_B;
  return hash ^ (hash >> 32);
}
