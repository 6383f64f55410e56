/** Writing transfer records straight into shared memory, and reading their results back. */

import { INVALID_AMOUNT, RESULT_CODE_LIMIT } from "./codes.js";
import { LedgerError } from "./errors.js";
import { isHashKind, writeId } from "./identifiers.js";
import type { Kernel } from "./kernel.js";
import * as layout from "./layout.js";
import { resultName, type TransferResultCode } from "./results.js";
import type { TransferResult } from "./types.js";

const AMOUNT_LIMIT = 1n << 128n;
const LOW_WORD = 0xffffffffffffffffn;

/** Writes records into one batch context, one after the other. */
export class RecordWriter {
  readonly #kernel: Kernel;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #words: BigUint64Array;
  readonly context: number;
  #count = 0;
  /** Next free byte of the current slice's text arena. */
  #text = 0;

  constructor(kernel: Kernel, bytes: Uint8Array, view: DataView, words: BigUint64Array, context: number) {
    this.#kernel = kernel;
    this.#bytes = bytes;
    this.#view = view;
    this.#words = words;
    this.context = context;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === layout.BATCH_CAPACITY;
  }

  /** Slices that hold the records written so far. */
  get slices(): number {
    return Math.ceil(this.#count / layout.SLICE_CAPACITY);
  }

  /**
   * Writes one record. `code` is 0–65,535 and `userData` 0 to 2^128 − 1, which the caller has checked; ids and amounts
   * that can't be are written as what they are, and the transfer's result says so.
   */
  write(id: string, debit: string, credit: string, amount: bigint, code: number, userData: bigint): void {
    const index = this.#count;
    if (index % layout.SLICE_CAPACITY === 0) {
      this.#text = this.context + layout.CX_TEXT + (index / layout.SLICE_CAPACITY) * layout.TEXT_ARENA_SIZE;
    }
    const record = this.context + layout.CX_RECORDS + index * layout.RECORD_SIZE;
    const idText = this.#text;
    const idKind = this.#writeId(id, record + layout.TR_ID);
    const debitText = this.#text;
    const debitKind = this.#writeId(debit, record + layout.TR_DEBIT);
    const creditText = this.#text;
    const creditKind = this.#writeId(credit, record + layout.TR_CREDIT);
    const bytes = this.#bytes;
    bytes[record + layout.TR_ID_KIND] = idKind;
    bytes[record + layout.TR_DEBIT_KIND] = debitKind;
    bytes[record + layout.TR_CREDIT_KIND] = creditKind;
    const isAmount = amount >= 0n && amount < AMOUNT_LIMIT;
    bytes[record + layout.TR_STATUS] = isAmount ? 0 : INVALID_AMOUNT;
    this.#words[(record + layout.TR_AMOUNT) / 8] = amount;
    let flags = 0;
    // A text was kept where the arena moved on.
    if (this.#text !== idText || userData !== 0n || (isAmount && amount > LOW_WORD)) {
      flags = layout.TR_HAS_COLD;
      this.#words.fill(0n, (record + layout.COLD_OFFSET) / 8, (record + layout.COLD_OFFSET + layout.RECORD_SIZE) / 8);
      if (isAmount) this.#words[(record + layout.TR_AMOUNT_HIGH) / 8] = amount >> 64n;
      this.#words[(record + layout.TR_USER_DATA) / 8] = userData;
      this.#words[(record + layout.TR_USER_DATA + 8) / 8] = userData >> 64n;
      this.#view.setUint32(record + layout.TR_ID_TEXT, idText, true);
      this.#view.setUint32(record + layout.TR_DEBIT_TEXT, debitText, true);
      this.#view.setUint32(record + layout.TR_CREDIT_TEXT, creditText, true);
    }
    this.#view.setUint16(record + layout.TR_FLAGS, flags, true);
    this.#view.setUint16(record + layout.TR_CODE, code, true);
    this.#count = index + 1;
  }

  /** Writes an id's key, and keeps its text where the key is only a hash. */
  #writeId(id: string, key: number): number {
    const kind = writeId(this.#kernel, this.#bytes, id, key, this.#text);
    if (isHashKind(kind)) this.#text += (kind + 7) & ~7;
    return kind;
  }

  /** Writes the slice table; call it once, after the last record. */
  finish(): void {
    for (let slice = 0; slice < this.slices; slice++) {
      const entry = this.context + layout.CX_SLICES + slice * layout.SLICE_ENTRY_SIZE;
      const first = slice * layout.SLICE_CAPACITY;
      this.#view.setUint32(entry + layout.SL_COUNT, Math.min(layout.SLICE_CAPACITY, this.#count - first), true);
      this.#view.setUint32(entry + layout.SL_ROW_BASE, first, true);
    }
  }
}

/** Results of a batch, in the order its transfers were added; compact, for callers with millions of them. */
export class BatchResults {
  readonly #results: Uint8Array;
  readonly #details: Uint8Array;
  readonly #sequences: Uint32Array;

  /** Copies the first `count` results of a batch that was filled without gaps. */
  constructor(bytes: Uint8Array, context: number, count: number) {
    this.#results = copyOf(bytes, context + layout.CX_RESULT, count);
    this.#details = copyOf(bytes, context + layout.CX_DETAIL, count);
    this.#sequences = new Uint32Array(copyOf(bytes, context + layout.CX_SEQUENCE, count * 4).buffer);
  }

  get length(): number {
    return this.#results.length;
  }

  /** Result of the transfer at `index`. Throws `index_out_of_range`. */
  result(index: number): TransferResultCode {
    this.#check(index);
    return resultName(this.#results[index]!);
  }

  /** Sequence of the transfer at `index`, 0 where none is recorded. Throws `index_out_of_range`. */
  sequence(index: number): number {
    this.#check(index);
    return this.#sequences[index]!;
  }

  /** The transfer's result as an object. Throws `index_out_of_range`. */
  get(index: number): TransferResult {
    const result = this.result(index);
    const sequence = this.#sequences[index]!;
    return result === "id_already_failed"
      ? { result, sequence, reason: resultName(this.#details[index]!) }
      : { result, sequence };
  }

  /** How many transfers had each result. */
  counts(): Map<TransferResultCode, number> {
    const counts = new Uint32Array(RESULT_CODE_LIMIT);
    for (const number of this.#results) counts[number]!++;
    const byName = new Map<TransferResultCode, number>();
    counts.forEach((count, number) => {
      if (count > 0) byName.set(resultName(number), count);
    });
    return byName;
  }

  #check(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) {
      throw new LedgerError("index_out_of_range", `expected an index from 0 to ${this.length - 1}, found ${index}`);
    }
  }
}

/** A copy outside shared memory. */
function copyOf(bytes: Uint8Array, from: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(byteLength);
  copy.set(bytes.subarray(from, from + byteLength));
  return copy;
}
