/**
 * The exactly-once index: which transfer used an id first.
 *
 * Sixty-four partitions by id hash. A partition is probed and grown by one owner at a time, so no access is atomic.
 * Entries hold a sequence and 36 bits of the hash; what looks like a hit is compared with the record itself, in this
 * batch or in the journal.
 */
import {
  CACHE_LINE,
  ID_BUCKET_CAPACITY,
  ID_BUCKET_CAPACITY_LOG2,
  ID_HASH_BITS,
  ID_LOAD_DENOMINATOR,
  ID_LOAD_NUMERATOR,
  ID_PARTITION_HEADERS,
  ID_PARTITIONS_LOG2,
  ID_SEQUENCE_BITS,
  ID_SEQUENCE_MASK,
  IP_COUNT,
  IP_HEADER_SIZE,
  IP_LOG2,
  SB_ID_INDEX,
  SB_ID_PARTITION_STRIDE,
  SUPERBLOCK,
} from "../core/layout";

// @ts-ignore: decorator
@inline
export function idPartitionOf(hash: u64): u32 {
  return <u32>(hash >> (64 - ID_PARTITIONS_LOG2));
}

/** The hash bits that an entry keeps, in the low 36 bits. */
// @ts-ignore: decorator
@inline
export function idTag(hash: u64): u64 {
  return (hash << ID_PARTITIONS_LOG2) >> (64 - ID_HASH_BITS);
}

// @ts-ignore: decorator
@inline
export function idPartitionHeader(partition: u32): usize {
  return <usize>ID_PARTITION_HEADERS + <usize>partition * IP_HEADER_SIZE;
}

// @ts-ignore: decorator
@inline
export function idPartitionTable(partition: u32): usize {
  return <usize>load<u32>(SUPERBLOCK, SB_ID_INDEX) + <usize>partition * load<u32>(SUPERBLOCK, SB_ID_PARTITION_STRIDE);
}

/** Position of the first entry of the bucket in which the search for an entry begins, whatever its sequence. */
// @ts-ignore: decorator
@inline
export function homePosition(entry: u64, log2: u32): u32 {
  return <u32>(entry >> (64 - log2)) & ~(ID_BUCKET_CAPACITY - 1);
}

// @ts-ignore: decorator
@inline
export function entryOf(tag: u64, sequence: u64): u64 {
  return (tag << ID_SEQUENCE_BITS) | sequence;
}

// @ts-ignore: decorator
@inline
export function entrySequence(entry: u64): u32 {
  return <u32>entry & ID_SEQUENCE_MASK;
}

// @ts-ignore: decorator
@inline
export function entryTag(entry: u64): u64 {
  return entry >> ID_SEQUENCE_BITS;
}

/**
 * Where in its home, the bucket at `home`, an entry is placed; 0 where one there has its tag, or no place is free. All
 * places at once and without a branch on how many there are, which nobody could predict.
 */
// @ts-ignore: decorator
@inline
export function placeInBucket(home: usize, entry: u64): usize {
  const a = v128.load(home);
  const b = v128.load(home, 16);
  const c = v128.load(home, 32);
  const d = v128.load(home, 48);
  const hashBits = i64x2.splat(~(<i64>ID_SEQUENCE_MASK));
  const wanted = v128.and(i64x2.splat(entry), hashBits);
  const twins = v128.or(
    v128.or(i64x2.eq(v128.and(a, hashBits), wanted), i64x2.eq(v128.and(b, hashBits), wanted)),
    v128.or(i64x2.eq(v128.and(c, hashBits), wanted), i64x2.eq(v128.and(d, hashBits), wanted)),
  );
  const empty = i64x2.splat(0);
  // A comparison that holds is -1, so the lanes count the free places below zero.
  const counts = i64x2.add(
    i64x2.add(i64x2.eq(a, empty), i64x2.eq(b, empty)),
    i64x2.add(i64x2.eq(c, empty), i64x2.eq(d, empty)),
  );
  const free = <u32>-(i64x2.extract_lane(counts, 0) + i64x2.extract_lane(counts, 1));
  if (v128.any_true(twins) || free == 0) return 0;
  return home + ((ID_BUCKET_CAPACITY - free) << 3);
}

/** See {@link insertId}; no sequence. */
export const NO_ROOM: u32 = 0xffffffff;

/** Position of the first entry from `position` on that is empty. */
// @ts-ignore: decorator
@inline
function firstEmpty(table: usize, mask: u32, position: u32): usize {
  let at = position;
  while (load<u64>(table + (<usize>at << 3)) != 0) at = (at + 1) & mask;
  return table + (<usize>at << 3);
}

/**
 * Makes room for `more` ids in a partition, doubling its table as often as it takes, as far as its stride allows,
 * of which the largest table takes two thirds. An entry knows its hash, so nothing but the table itself is read.
 */
export function reserveIds(partition: u32, more: u32): void {
  const header = idPartitionHeader(partition);
  const table = idPartitionTable(partition);
  const stride = load<u32>(SUPERBLOCK, SB_ID_PARTITION_STRIDE);
  let log2 = load<u32>(header, IP_LOG2);
  const needed = (<u64>load<u32>(header, IP_COUNT) + more) * ID_LOAD_DENOMINATOR;
  while (needed > (<u64>ID_LOAD_NUMERATOR << log2)) {
    const size = <u32>8 << log2;
    if (<u64>size * 3 > stride) return;
    doubleTable(table, log2, table + stride - CACHE_LINE);
    store<u32>(header, ++log2, IP_LOG2);
  }
}

/**
 * Doubles a table in place, from its end: a bucket's entries move to two buckets of which all entries have moved already.
 * Those that have overflowed their homes wait below the line at `aside`, through which each bucket goes, until all others
 * have moved, and find a place as new ones do.
 */
function doubleTable(table: usize, log2: u32, aside: usize): void {
  const shift = 63 - log2 + ID_BUCKET_CAPACITY_LOG2;
  const none = i64x2.splat(0);
  let waiting = aside;
  for (let left: u32 = 1 << (log2 - ID_BUCKET_CAPACITY_LOG2); left > 0; left--) {
    const bucket = left - 1;
    const from = table + <usize>bucket * CACHE_LINE;
    let even = table + <usize>bucket * (2 * CACHE_LINE);
    let odd = even + CACHE_LINE;
    for (let part: usize = 0; part < <usize>CACHE_LINE; part += 16) {
      v128.store(aside + part, v128.load(from + part));
      v128.store(even + part, none);
      v128.store(odd + part, none);
    }
    for (let at = aside; at < aside + CACHE_LINE; at += 8) {
      const entry = load<u64>(at);
      const isUsed = <u32>(entry != 0);
      const to = <u32>(entry >> shift);
      if ((isUsed & <u32>(to >> 1 != bucket)) != 0) {
        waiting -= 8;
        store<u64>(waiting, entry);
        continue;
      }
      // Without a branch on what nobody can predict: an empty entry is written, too, where the next one will be.
      const isOdd = to & isUsed;
      store<u64>(select<usize>(odd, even, isOdd != 0), entry);
      odd += isOdd << 3;
      even += (isUsed & ~isOdd) << 3;
    }
  }
  const mask: u32 = (2 << log2) - 1;
  for (; waiting < aside; waiting += 8) {
    const entry = load<u64>(waiting);
    store<u64>(firstEmpty(table, mask, homePosition(entry, log2 + 1)), entry);
  }
}

/** Reads the homes of queued ids, so that the probes that follow find them in the cache. */
export function touchHomes(from: usize, to: usize, table: usize, log2: u32): u64 {
  let seen: u64 = 0;
  for (let at = from; at < to; at += 8) seen |= load<u64>(table + (<usize>homePosition(load<u64>(at), log2) << 3));
  return seen;
}

/**
 * Adds an id known to be new, from the journal. Returns the sequence of an earlier entry with the same hash bits,
 * which `verify` compares with it, or 0; and NO_ROOM where the partition is full, which no ids but chosen ones make it.
 */
export function insertId(hash: u64, sequence: u32): u32 {
  const partition = idPartitionOf(hash);
  reserveIds(partition, 1);
  const header = idPartitionHeader(partition);
  const log2 = load<u32>(header, IP_LOG2);
  const table = idPartitionTable(partition);
  const mask: u32 = (1 << log2) - 1;
  // One place stays empty: every search ends at such.
  if (load<u32>(header, IP_COUNT) >= mask) return NO_ROOM;
  const own = entryOf(idTag(hash), sequence);
  let twin: u32 = 0;
  let position = homePosition(own, log2);
  while (true) {
    const at = table + (<usize>position << 3);
    const entry = load<u64>(at);
    if (entry == 0) {
      store<u64>(at, own);
      break;
    }
    if (entryTag(entry) == entryTag(own)) twin = entrySequence(entry);
    position = (position + 1) & mask;
  }
  store<u32>(header, load<u32>(header, IP_COUNT) + 1, IP_COUNT);
  return twin;
}
