/** Writing transfer records straight into shared memory, and reading their results back. */

import { INVALID_AMOUNT, RESULT_CODE_LIMIT } from "./codes.js";
import { LedgerError } from "./errors.js";
import { type Identifiers, isHashKind } from "./identifiers.js";
import * as layout from "./layout.js";
import { resultName, type TransferResultCode } from "./results.js";
import type { TransferResult } from "./types.js";

const AMOUNT_LIMIT = 1n << 128n;

/** Writes records into one batch context, one after the other. */
export class RecordWriter {
  readonly #ids: Identifiers;
  /** The memory as 32-bit and as 64-bit words. */
  readonly #units: Uint32Array;
  readonly #words: BigUint64Array;
  readonly context: number;
  #count = 0;
  /** Next free byte of the current slice's text arena. */
  #text = 0;

  constructor(ids: Identifiers, memory: WebAssembly.Memory, context: number) {
    this.#ids = ids;
    this.#units = new Uint32Array(memory.buffer);
    this.#words = new BigUint64Array(memory.buffer);
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
  write(id: string, debit: string, credit: string, amount: bigint, code: number, userData: bigint | undefined): void {
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
    // One conversion to a number settles nearly every amount; comparing big integers costs a call each time.
    const rounded = Number(amount);
    const isPlainAmount = rounded >= 0 && rounded <= Number.MAX_SAFE_INTEGER;
    const isAmount = isPlainAmount || (amount >= 0n && amount < AMOUNT_LIMIT);
    const hasUserData = userData !== undefined && userData !== 0n;
    // A text was kept where the arena moved on.
    const isCold = this.#text !== idText || hasUserData || !isPlainAmount;
    this.#words[(record + layout.TR_AMOUNT) >>> 3] = amount;
    const kinds = idKind | (debitKind << 8) | (creditKind << 16) | (isAmount ? 0 : INVALID_AMOUNT << 24);
    const flags = isCold ? layout.TR_HAS_COLD : 0;
    this.#units[(record + layout.TR_ID_KIND) >>> 2] = kinds;
    this.#units[(record + layout.TR_FLAGS) >>> 2] = flags | (code << 16);
    this.#count = index + 1;
    if (!isCold) return;
    const cold = (record + layout.COLD_OFFSET) >>> 3;
    this.#words.fill(0n, cold, cold + layout.RECORD_SIZE / 8);
    if (isAmount) this.#words[(record + layout.TR_AMOUNT_HIGH) >>> 3] = amount >> 64n;
    if (hasUserData) {
      this.#words[(record + layout.TR_USER_DATA) >>> 3] = userData;
      this.#words[(record + layout.TR_USER_DATA + 8) >>> 3] = userData >> 64n;
    }
    this.#units[(record + layout.TR_ID_TEXT) >>> 2] = idText;
    this.#units[(record + layout.TR_DEBIT_TEXT) >>> 2] = debitText;
    this.#units[(record + layout.TR_CREDIT_TEXT) >>> 2] = creditText;
  }

  /** Writes an id's key, and keeps its text where the key is only a hash. */
  #writeId(id: string, key: number): number {
    const kind = this.#ids.write(id, key, this.#text);
    if (isHashKind(kind)) this.#text += (kind + 7) & ~7;
    return kind;
  }

  /** Writes the slice table; call it once, after the last record. */
  finish(): void {
    for (let slice = 0; slice < this.slices; slice++) {
      const entry = this.context + layout.CX_SLICES + slice * layout.SLICE_ENTRY_SIZE;
      const first = slice * layout.SLICE_CAPACITY;
      this.#units[(entry + layout.SL_COUNT) >>> 2] = Math.min(layout.SLICE_CAPACITY, this.#count - first);
      this.#units[(entry + layout.SL_ROW_BASE) >>> 2] = first;
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
