/** Writing transfer records straight into shared memory, and reading their results back. */

import { HAS_MORE, type TransferFields, UNSIGNED_128_LIMIT } from "./checks.js";
import { EXISTS, INVALID_AMOUNT, LINKED_EVENT_FAILED, OK, RESULT_CODE_LIMIT } from "./codes.js";
import { dayOf } from "./dates.js";
import { LedgerError } from "./errors.js";
import { type Identifiers, isHashKind, padded } from "./identifiers.js";
import { ANY_VERSION } from "./journal.js";
import * as layout from "./layout.js";
import { resultName, type TransferResultCode } from "./results.js";
import type { TransferResult } from "./types.js";

/** Room for a character more than fits: a text that was cut short is then longer than its count of characters. */
const UTF8_CHARACTER_MAX = 4;

/**
 * Writes records into one batch context, one after the other.
 *
 * Ids are only collected here. Their text goes to the slice's arena a slice at a time, which takes a third of the time
 * that it takes id by id, and whoever resolves the slice reads the keys from it.
 */
export class RecordWriter {
  readonly #ids: Identifiers;
  /** The memory as 32-bit and as 64-bit words, and the context's text arenas as bytes. */
  readonly #units: Uint32Array;
  readonly #words: BigUint64Array;
  readonly #arenas: Buffer;
  readonly context: number;
  #count = 0;
  #flags = 0;
  #pendings = 0;
  /** Address of the next free byte of the current slice's text arena. */
  #text = 0;
  /** Text that has yet to be written, the address it belongs to, and the index of the first record that it is for. */
  #collected = "";
  #collectedAt = 0;
  #collectedFirst = 0;

  constructor(ids: Identifiers, memory: WebAssembly.Memory, context: number) {
    this.#ids = ids;
    this.#units = new Uint32Array(memory.buffer);
    this.#words = new BigUint64Array(memory.buffer);
    this.#arenas = Buffer.from(
      memory.buffer,
      context + layout.CX_TEXT,
      layout.TEXT_ARENA_SIZE * layout.SLICE_COUNT + UTF8_CHARACTER_MAX,
    );
    this.context = context;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === layout.BATCH_CAPACITY;
  }

  /** Records that still fit. */
  get capacityLeft(): number {
    return layout.BATCH_CAPACITY - this.#count;
  }

  /** Slices that hold the records written so far. */
  get slices(): number {
    return Math.ceil(this.#count / layout.SLICE_CAPACITY);
  }

  /** Writes one record. */
  add(transfer: TransferFields): void {
    const { id, debit, credit, amount, code, userData, flags } = transfer;
    this.write(id, debit, credit, amount, code, userData);
    if (flags !== 0) this.#addMore(transfer);
  }

  /** What makes a record more than a plain one. */
  #addMore(transfer: TransferFields): void {
    const { flags, amount, pendingId } = transfer;
    const record = this.#recordAddress(this.#count - 1);
    this.#setFlags(record, flags & layout.TRANSFER_FLAGS_KNOWN, amount);
    if ((flags & layout.TRANSFER_RESOLVES) !== 0) this.#writePendingId(record, pendingId);
    if ((flags & HAS_MORE) === 0) return;
    const { timeout, effectiveDate, expectedDebitVersion, expectedCreditVersion } = transfer;
    if (timeout !== 0) {
      this.#makeCold(record);
      this.#units[(record + layout.TR_TIMEOUT) >>> 2] = timeout;
    }
    if (effectiveDate !== undefined) {
      this.#units[(record + layout.TR_FLAGS) >>> 2]! |= layout.TR_HAS_DATE;
      this.#units[(record + layout.TR_EFFECTIVE_DATE) >>> 2] = dayOf(effectiveDate);
    }
    if (expectedDebitVersion === undefined && expectedCreditVersion === undefined) return;
    const version = (expected: number | undefined): bigint => (expected === undefined ? ANY_VERSION : BigInt(expected));
    this.#units[(record + layout.TR_FLAGS) >>> 2]! |= layout.TR_HAS_EXPECTED;
    this.#words[(record + layout.TR_EXPECTED_DEBIT_VERSION) >>> 3] = version(expectedDebitVersion);
    this.#words[(record + layout.TR_EXPECTED_CREDIT_VERSION) >>> 3] = version(expectedCreditVersion);
  }

  /**
   * Writes one record. `code` is 0–65,535 and `userData` 0 to 2^128 − 1, which the caller has checked; ids and amounts
   * that can't be are written as what they are, and the transfer's result says so.
   */
  write(id: string, debit: string, credit: string, amount: bigint, code: number, userData: bigint): void {
    const index = this.#count;
    if (index % layout.SLICE_CAPACITY === 0) this.#beginSlice(index / layout.SLICE_CAPACITY);
    const record = this.#recordAddress(index);
    // One conversion to a number settles nearly every amount; comparing big integers costs a call each time.
    const rounded = Number(amount);
    const isPlainAmount = rounded >= 0 && rounded <= Number.MAX_SAFE_INTEGER;
    const isAmount = isPlainAmount || (amount >= 0n && amount < UNSIGNED_128_LIMIT);
    const status = isAmount ? 0 : INVALID_AMOUNT << 24;
    this.#words[(record + layout.TR_AMOUNT) >>> 3] = amount;
    const lengths = id.length | (debit.length << 8) | (credit.length << 16);
    const { KIND_TEXT_MAX } = layout;
    // The id must be one; accounts may be missing.
    if (
      id.length > 0 &&
      id.length <= KIND_TEXT_MAX &&
      debit.length <= KIND_TEXT_MAX &&
      credit.length <= KIND_TEXT_MAX
    ) {
      this.#units[(record + layout.TR_ID) >>> 2] = this.#text;
      this.#units[(record + layout.TR_ID_KIND) >>> 2] = lengths | status;
      this.#units[(record + layout.TR_FLAGS) >>> 2] = layout.TR_HAS_TEXT | (code << 16);
      this.#collected += id;
      this.#collected += debit;
      this.#collected += credit;
      this.#text += id.length + debit.length + credit.length;
    } else {
      this.#writeCollected();
      this.#units[(record + layout.TR_ID_KIND) >>> 2] = status;
      this.#units[(record + layout.TR_FLAGS) >>> 2] = code << 16;
      this.#writeKeys(record, id, debit, credit);
      this.#collectFrom(index + 1);
    }
    this.#count = index + 1;
    const hasUserData = userData !== 0n;
    if (isPlainAmount && !hasUserData) return;
    this.#makeCold(record);
    if (isAmount) this.#words[(record + layout.TR_AMOUNT_HIGH) >>> 3] = amount >> 64n;
    if (hasUserData) {
      this.#words[(record + layout.TR_USER_DATA) >>> 3] = userData;
      this.#words[(record + layout.TR_USER_DATA + 8) >>> 3] = userData >> 64n;
    }
  }

  #setFlags(record: number, flags: number, asked: bigint): void {
    this.#units[(record + layout.TR_FLAGS) >>> 2]! |= flags;
    this.#flags |= flags;
    if ((flags & layout.TRANSFER_PENDING) !== 0) this.#pendings++;
    if ((flags & layout.TRANSFER_ASKS) === 0) return;
    // What is moved may have more words than what was asked.
    this.#makeCold(record);
    this.#words[(record + layout.TR_ASKED_AMOUNT) >>> 3] = asked;
    this.#words[(record + layout.TR_ASKED_AMOUNT + 8) >>> 3] = asked >> 64n;
  }

  /** Writes the key of the pending transfer that a record names, and its text where the key is only a hash. */
  #writePendingId(record: number, id: string): void {
    this.#makeCold(record);
    const index = this.#count - 1;
    const slice = Math.floor(index / layout.SLICE_CAPACITY);
    const text =
      this.context +
      layout.CX_TEXT +
      slice * layout.TEXT_ARENA_SIZE +
      layout.PENDING_TEXT_OFFSET +
      (index % layout.SLICE_CAPACITY) * layout.KIND_TEXT_MAX;
    const kind = this.#ids.write(id, record + layout.TR_PENDING_ID, text);
    // The kind's word holds nothing else yet.
    this.#units[(record + layout.TR_PENDING_KIND) >>> 2] = kind;
    this.#units[(record + layout.TR_PENDING_TEXT) >>> 2] = text;
  }

  /** Pending transfers among the records. */
  get pendings(): number {
    return this.#pendings;
  }

  /** All flags of the batch's records. */
  get flags(): number {
    return this.#flags;
  }

  #recordAddress(index: number): number {
    return this.context + layout.CX_RECORDS + index * layout.RECORD_SIZE;
  }

  #beginSlice(slice: number): void {
    this.#writeCollected();
    this.#text = this.context + layout.CX_TEXT + slice * layout.TEXT_ARENA_SIZE;
    this.#collectFrom(this.#count);
  }

  #collectFrom(index: number): void {
    this.#collectedAt = this.#text;
    this.#collectedFirst = index;
  }

  /** Writes the collected text. Records whose text turns out not to be ASCII get their keys here, one by one. */
  #writeCollected(): void {
    const text = this.#collected;
    if (text === "") return;
    this.#collected = "";
    const at = this.#collectedAt - this.context - layout.CX_TEXT;
    // As many bytes as characters: then every character is ASCII, and the lengths that were noted are right.
    if (this.#arenas.write(text, at, text.length + UTF8_CHARACTER_MAX, "utf8") === text.length) return;
    let from = 0;
    this.#text = this.#collectedAt;
    for (let index = this.#collectedFirst; index < this.#count; index++) {
      const record = this.#recordAddress(index);
      const lengths = this.#units[(record + layout.TR_ID_KIND) >>> 2]!;
      const debit = from + (lengths & 0xff);
      const credit = debit + ((lengths >>> 8) & 0xff);
      const end = credit + ((lengths >>> 16) & 0xff);
      this.#units[(record + layout.TR_ID_KIND) >>> 2] = lengths & 0xff000000;
      this.#units[(record + layout.TR_FLAGS) >>> 2]! &= ~layout.TR_HAS_TEXT;
      this.#writeKeys(record, text.slice(from, debit), text.slice(debit, credit), text.slice(credit, end));
      from = end;
    }
  }

  /** Writes the three ids' keys and kinds, and keeps the texts of those whose key is only a hash. */
  #writeKeys(record: number, id: string, debit: string, credit: string): void {
    this.#text = padded(this.#text);
    this.#writeKey(id, record, layout.TR_ID, 0, layout.TR_ID_TEXT);
    this.#writeKey(debit, record, layout.TR_DEBIT, 8, layout.TR_DEBIT_TEXT);
    this.#writeKey(credit, record, layout.TR_CREDIT, 16, layout.TR_CREDIT_TEXT);
  }

  #writeKey(id: string, record: number, key: number, kindShift: number, textField: number): void {
    const kind = this.#ids.write(id, record + key, this.#text);
    this.#units[(record + layout.TR_ID_KIND) >>> 2]! |= kind << kindShift;
    if (!isHashKind(kind)) return;
    this.#makeCold(record);
    this.#units[(record + textField) >>> 2] = this.#text;
    this.#text += padded(kind);
  }

  /** Gives the record its cold line, all zero, unless it has one. */
  #makeCold(record: number): void {
    const flags = this.#units[(record + layout.TR_FLAGS) >>> 2]!;
    if ((flags & layout.TR_HAS_COLD) !== 0) return;
    this.#units[(record + layout.TR_FLAGS) >>> 2] = flags | layout.TR_HAS_COLD;
    const cold = (record + layout.COLD_OFFSET) >>> 3;
    this.#words.fill(0n, cold, cold + layout.RECORD_SIZE / 8);
  }

  /** Writes what is left and the slice table; call it once, after the last record. */
  finish(): void {
    this.#writeCollected();
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
  #results: Uint8Array;
  #details: Uint8Array;
  #sequences: Uint32Array;
  /** What balancing, posting and voiding transfers moved, by index. */
  readonly #moved: ReadonlyMap<number, bigint>;

  /**
   * Copies the first `count` results of a batch that was filled without gaps. `flags` are all flags of its records: they
   * say whether there is anything that may have moved other than what was asked.
   */
  constructor(bytes: Uint8Array, context: number, count: number, flags = 0) {
    this.#moved = (flags & layout.TRANSFER_ASKS) !== 0 ? readMoved(bytes, context, count) : new Map();
    this.#results = copyOf(bytes, context + layout.CX_RESULT, count);
    this.#details = copyOf(bytes, context + layout.CX_DETAIL, count);
    this.#sequences = new Uint32Array(copyOf(bytes, context + layout.CX_SEQUENCE, count * 4).buffer);
  }

  /**
   * Results of `count` legs of a chain that failed, of which one at most broke it: the other legs' results say so.
   *
   * @internal
   */
  static failed(
    count: number,
    breaker: { readonly index: number; readonly result: number; readonly detail: number; readonly sequence: number },
  ): BatchResults {
    const { index, result, detail, sequence } = breaker;
    const failed = new BatchResults(new Uint8Array(), 0, 0);
    failed.#results = new Uint8Array(count).fill(LINKED_EVENT_FAILED);
    failed.#details = new Uint8Array(count);
    failed.#sequences = new Uint32Array(count);
    if (index < 0 || index >= count) return failed;
    failed.#results[index] = result;
    failed.#details[index] = detail;
    failed.#sequences[index] = sequence;
    return failed;
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
    if (result === "id_already_failed") return { result, sequence, reason: resultName(this.#details[index]!) };
    const amount = this.#moved.get(index);
    return amount === undefined ? { result, sequence } : { result, sequence, amount };
  }

  /** How many transfers had each result. */
  counts(): Map<TransferResultCode, number> {
    const counts = new Uint32Array(RESULT_CODE_LIMIT);
    const results = this.#results;
    // An index is twice as fast as an iterator, and callers with millions of transfers count them all.
    for (let i = 0; i < results.length; i++) counts[results[i]!]!++;
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

/** What the batch's transfers moved that may have moved other than what was asked, those that were made now or earlier. */
function readMoved(bytes: Uint8Array, context: number, count: number): Map<number, bigint> {
  const view = new DataView(bytes.buffer);
  const moved = new Map<number, bigint>();
  for (let index = 0; index < count; index++) {
    const record = context + layout.CX_RECORDS + index * layout.RECORD_SIZE;
    if ((view.getUint16(record + layout.TR_FLAGS, true) & layout.TRANSFER_ASKS) === 0) continue;
    const result = bytes[context + layout.CX_RESULT + index];
    if (result !== OK && result !== EXISTS) continue;
    // What would have been made, had its chain been, has moved nothing.
    if (view.getUint32(context + layout.CX_SEQUENCE + index * 4, true) === 0) continue;
    const high = view.getBigUint64(record + layout.TR_AMOUNT_HIGH, true);
    moved.set(index, (high << 64n) | view.getBigUint64(record + layout.TR_AMOUNT, true));
  }
  return moved;
}

/** A copy outside shared memory. */
function copyOf(bytes: Uint8Array, from: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(byteLength);
  copy.set(bytes.subarray(from, from + byteLength));
  return copy;
}
