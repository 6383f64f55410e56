/** A page of the history index: writing blocks of postings into it, and reading an account's blocks back. */
import { createHash } from "node:crypto";
import * as layout from "./layout.js";

/** A page as the store keeps it: the lowest key that belongs to it, and its bytes. */
export interface HistoryPage {
  readonly key: number;
  readonly data: Uint8Array;
}

/** Part of an account's postings in a run, in order. */
export interface HistoryBlock {
  /** Positions in the run, ascending, doubled; the lowest bit is set where the transfer moved nothing. */
  readonly postings: readonly number[];
  /** What the account's transfers from the run's beginning through this block add up to. */
  readonly net: bigint;
}

/** Key of a posting. `runLog2` is the run's size as a power of two. */
export function historyKey(runLog2: number, run: number, slot: number, position: number): number {
  return (run * 2 ** layout.HISTORY_SLOT_LOG2 + slot) * 2 ** runLog2 + position;
}

function checksumOf(page: Uint8Array): Buffer {
  const covered = page.subarray(layout.HP_CHECKSUM + layout.HP_CHECKSUM_SIZE);
  return createHash("sha256").update(covered).digest().subarray(0, layout.HP_CHECKSUM_SIZE);
}

/** Amounts and their sums below this are numbers, which add up exactly; others are big integers. */
export const NET_PLAIN_MAX = 2 ** 52;

/** Postings of a run, sorted by account and then by position. */
export interface SortedPostings {
  /** As {@link HistoryBlock.postings}. */
  readonly values: Uint32Array;
  /** What the posting changes of the account's balance; not a number where that is no plain one. */
  readonly changes: Float64Array;
  /** The same for those, unless they moved nothing. */
  wideChange(slot: number, position: number): bigint;
}

/** Fills one page of a run after the other. */
export class HistoryPageWriter {
  readonly #pages: HistoryPage[] = [];
  readonly #log2: number;
  readonly #run: number;
  readonly #bytes = new Uint8Array(layout.HISTORY_PAGE_SIZE);
  #at = layout.HISTORY_PAGE_HEADER_SIZE;
  #key: number;
  /** Slot of the last block in the page. */
  #slot = 0;
  /** What the account's postings so far add up to: the sum of both. */
  #net = 0;
  #wideNet = 0n;

  constructor(log2: number, run: number) {
    this.#log2 = log2;
    this.#run = run;
    this.#key = historyKey(log2, run, 0, 0);
  }

  /** Adds all postings of the account in `slot`: those at `from` to below `end`. Slots ascend. */
  add(slot: number, postings: SortedPostings, from: number, end: number): void {
    this.#net = 0;
    this.#wideNet = 0n;
    for (let first = from; first < end; first += layout.HISTORY_BLOCK_POSTINGS_MAX) {
      const last = Math.min(end, first + layout.HISTORY_BLOCK_POSTINGS_MAX);
      if (this.#at + layout.HISTORY_BLOCK_SIZE_MAX > layout.HISTORY_PAGE_SIZE) {
        this.#endPage(historyKey(this.#log2, this.#run, slot, postings.values[first]! >>> 1));
      }
      this.#at = writeVarint(this.#bytes, this.#at, slot - this.#slot);
      this.#slot = slot;
      this.#addPostings(slot, postings, first, last);
      this.#writeNet();
    }
  }

  /** Writes count, byte length and postings of a block. */
  #addPostings(slot: number, { values, changes, wideChange }: SortedPostings, first: number, last: number): void {
    const bytes = this.#bytes;
    const start = this.#at + 3;
    let at = start;
    let before = 0;
    for (let i = first; i < last; i++) {
      const value = values[i]!;
      at = writeVarint(bytes, at, value - before);
      before = value & ~1;
      if ((value & 1) !== 0) continue;
      const sum = this.#net + changes[i]!;
      if (Math.abs(sum) < NET_PLAIN_MAX) {
        this.#net = sum;
      } else {
        this.#wideNet += Number.isNaN(sum) ? wideChange(slot, value >>> 1) : BigInt(sum);
        if (!Number.isNaN(sum)) this.#net = 0;
      }
    }
    bytes[start - 3] = last - first - 1;
    bytes[start - 2] = (at - start) & 0xff;
    bytes[start - 1] = (at - start) >>> 8;
    this.#at = at;
  }

  #writeNet(): void {
    const net = this.#net;
    if (this.#wideNet === 0n && Math.abs(net) < NET_PLAIN_MAX / 2) {
      this.#at = writeVarint(this.#bytes, this.#at, net < 0 ? -net * 2 - 1 : net * 2);
      return;
    }
    const wide = this.#wideNet + BigInt(net);
    let left = wide < 0n ? -wide * 2n - 1n : wide * 2n;
    for (; left >= 128n; left >>= 7n) this.#bytes[this.#at++] = Number(left & 127n) | 128;
    this.#bytes[this.#at++] = Number(left);
  }

  /** Ends the last page. */
  end(): readonly HistoryPage[] {
    this.#endPage(historyKey(this.#log2, this.#run + 1, 0, 0));
    return this.#pages;
  }

  #endPage(next: number): void {
    const data = this.#bytes.slice(0, this.#at);
    const view = new DataView(data.buffer);
    view.setBigUint64(layout.HP_FIRST, BigInt(this.#key), true);
    view.setBigUint64(layout.HP_NEXT, BigInt(next), true);
    data.set(checksumOf(data), layout.HP_CHECKSUM);
    this.#pages.push({ key: this.#key, data });
    this.#key = next;
    this.#at = layout.HISTORY_PAGE_HEADER_SIZE;
    this.#slot = 0;
  }
}

/** Writes a whole number below 2^53, seven bits a byte, the lowest first; returns the address behind it. */
function writeVarint(bytes: Uint8Array, to: number, value: number): number {
  let at = to;
  let left = value;
  for (; left >= 2 ** 31; left = Math.floor(left / 128)) bytes[at++] = (left % 128) | 128;
  let rest = left | 0;
  for (; rest >= 128; rest >>>= 7) bytes[at++] = (rest & 127) | 128;
  bytes[at++] = rest;
  return at;
}

/** Reads one page. */
export class HistoryPageReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether the bytes are as they were written. */
  get isIntact(): boolean {
    const { byteLength } = this.#bytes;
    if (byteLength < layout.HISTORY_PAGE_HEADER_SIZE) return false;
    const checksum = this.#bytes.subarray(layout.HP_CHECKSUM, layout.HP_CHECKSUM + layout.HP_CHECKSUM_SIZE);
    return checksumOf(this.#bytes).equals(checksum);
  }

  /** The lowest key that belongs to the page, and the first that belongs to the one behind it. */
  get first(): number {
    return this.#key(layout.HP_FIRST);
  }

  get next(): number {
    return this.#key(layout.HP_NEXT);
  }

  #key(field: number): number {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    return Number(new DataView(buffer, byteOffset, byteLength).getBigUint64(field, true));
  }

  /** The blocks of the account in `slot` that are in this page, in order. The page is intact. */
  blocksOf(wanted: number): HistoryBlock[] {
    const blocks: HistoryBlock[] = [];
    this.#at = layout.HISTORY_PAGE_HEADER_SIZE;
    let slot = 0;
    while (this.#at < this.#bytes.length) {
      slot += this.#varint();
      if (slot > wanted) break;
      const count = this.#bytes[this.#at]! + 1;
      const byteLength = this.#bytes[this.#at + 1]! | (this.#bytes[this.#at + 2]! << 8);
      this.#at += 3;
      if (slot === wanted) {
        blocks.push(this.#block(count));
      } else {
        this.#at += byteLength;
        this.#skip();
      }
    }
    return blocks;
  }

  #block(count: number): HistoryBlock {
    const postings = new Array<number>(count);
    let position = 0;
    for (let i = 0; i < count; i++) {
      const value = this.#varint();
      position += value >>> 1;
      postings[i] = position * 2 + (value & 1);
    }
    return { postings, net: this.#net() };
  }

  #skip(): void {
    while (this.#bytes[this.#at++]! >= 128);
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  #net(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes[this.#at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    return (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n);
  }
}
