/** Reading transfers back from journal chunks, in shared memory or copied out of it. */
import { isHashKind, padded, readId } from "./identifiers.js";
import * as layout from "./layout.js";
import { resultName, type TransferResultCode } from "./results.js";

/** A recorded transfer, made or rejected. */
export interface RecordedTransfer {
  readonly sequence: number;
  /** Nanoseconds since 1970 of the batch it was executed in. */
  readonly timestamp: bigint;
  readonly id: string;
  readonly result: TransferResultCode;
  /** Slots of the accounts; undefined for one that did not exist. */
  readonly debitSlot: number | undefined;
  readonly creditSlot: number | undefined;
  /** Ids of the accounts that did not exist, else undefined. */
  readonly missingDebit: string | undefined;
  readonly missingCredit: string | undefined;
  readonly amount: bigint;
  readonly code: number;
  readonly userData: bigint;
  /** Days since 1970-01-01. */
  readonly effectiveDay: number | undefined;
  /** The caller's TRANSFER_* bits. */
  readonly flags: number;
  /** It broke a chain, of which earlier transfers were undone. */
  readonly brokeChain: boolean;
  /** Id of the transfer that it posts or voids. */
  readonly pendingId: string | undefined;
  /** Seconds, 0 for none. */
  readonly timeout: number;
  /** What was asked, where that need not be what was moved. */
  readonly askedAmount: bigint | undefined;
  /** Undefined for any. */
  readonly expectedDebitVersion: bigint | undefined;
  readonly expectedCreditVersion: bigint | undefined;
  /** 32 hexadecimal digits of the job's hash; undefined for direct calls. */
  readonly job: string | undefined;
  /** 1-based row in the job, 0 for direct calls. */
  readonly row: number;
}

/** In place of an expected version: all bits set. */
export const ANY_VERSION = (1n << 64n) - 1n;

/** Whether a transfer changed posted balances: it was made, and did more than reserve or release. */
export function isMoving({ result, flags }: Pick<RecordedTransfer, "result" | "flags">): boolean {
  return result === "ok" && (flags & (layout.TRANSFER_PENDING | layout.TRANSFER_VOID)) === 0;
}

/** Whether a transfer was made and reserves. */
export function isReservation({ result, flags }: Pick<RecordedTransfer, "result" | "flags">): boolean {
  return result === "ok" && (flags & layout.TRANSFER_PENDING) !== 0;
}

/** Reads chunks of transfers. A chunk is known by where it begins in the bytes. */
export class JournalReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Transfers in the chunk; 0 for a chunk of accounts. */
  count(chunk: number): number {
    const isTransfers = this.#view.getUint16(chunk + layout.CH_KIND, true) === layout.CHUNK_KIND_TRANSFERS;
    return isTransfers ? this.#view.getUint32(chunk + layout.CH_RECORD_COUNT, true) : 0;
  }

  firstSequence(chunk: number): number {
    return Number(this.#view.getBigUint64(chunk + layout.CH_FIRST_SEQUENCE, true));
  }

  #record(chunk: number, position: number): number {
    return chunk + layout.CHUNK_HEADER_SIZE + position * layout.JOURNAL_RECORD_SIZE;
  }

  /** Whether the transfer at `position` was made and has a leg on the account in `slot`. */
  touches(chunk: number, position: number, slot: number): boolean {
    const record = this.#record(chunk, position);
    return (
      this.#bytes[record + layout.JR_RESULT] === 0 &&
      (this.#view.getUint32(record + layout.JR_DEBIT_SLOT, true) === slot ||
        this.#view.getUint32(record + layout.JR_CREDIT_SLOT, true) === slot)
    );
  }

  /** The id of the transfer at `position`. */
  id(chunk: number, position: number): string {
    const record = this.#record(chunk, position);
    const kind = this.#bytes[record + layout.JR_ID_KIND]!;
    const text = isHashKind(kind) ? this.#extension(chunk, record, layout.EX_ID_TEXT)! : 0;
    return readId(this.#bytes, kind, record + layout.JR_ID, text);
  }

  /** The transfer at `position` of the chunk. */
  read(chunk: number, position: number): RecordedTransfer {
    const view = this.#view;
    const record = this.#record(chunk, position);
    const slot = (field: number): number | undefined => {
      const value = view.getUint32(record + field, true);
      return value === layout.NO_SLOT ? undefined : value;
    };
    const word = (field: number): string =>
      view
        .getBigUint64(chunk + field, true)
        .toString(16)
        .padStart(16, "0");
    const firstRow = Number(view.getBigUint64(chunk + layout.CH_FIRST_ROW, true));
    return {
      sequence: this.firstSequence(chunk) + position,
      timestamp: view.getBigUint64(chunk + layout.CH_TIMESTAMP, true),
      id: this.id(chunk, position),
      result: resultName(this.#bytes[record + layout.JR_RESULT]!),
      debitSlot: slot(layout.JR_DEBIT_SLOT),
      creditSlot: slot(layout.JR_CREDIT_SLOT),
      missingDebit: this.#idOf(chunk, record, layout.EX_DEBIT_ID),
      missingCredit: this.#idOf(chunk, record, layout.EX_CREDIT_ID),
      amount: this.#amount(chunk, record),
      code: view.getUint16(record + layout.JR_CODE, true),
      userData: this.#unsigned128(chunk, record, layout.EX_USER_DATA) ?? 0n,
      effectiveDay: this.#effectiveDay(chunk, record),
      flags: view.getUint16(record + layout.JR_FLAGS, true) & layout.TRANSFER_FLAGS_KNOWN,
      brokeChain: (view.getUint16(record + layout.JR_FLAGS, true) & layout.JR_BROKE_CHAIN) !== 0,
      pendingId: this.#idOf(chunk, record, layout.EX_PENDING_ID),
      timeout: this.#timeout(chunk, record),
      askedAmount: this.#unsigned128(chunk, record, layout.EX_ASKED_AMOUNT),
      expectedDebitVersion: this.#expected(chunk, record, 0),
      expectedCreditVersion: this.#expected(chunk, record, 8),
      job: firstRow === 0 ? undefined : word(layout.CH_JOB_LOW) + word(layout.CH_JOB_HIGH),
      row: firstRow === 0 ? 0 : firstRow + view.getUint32(record + layout.JR_ROW, true),
    };
  }

  /** The amount of the transfer at `position`. */
  amount(chunk: number, position: number): bigint {
    return this.#amount(chunk, this.#record(chunk, position));
  }

  #amount(chunk: number, record: number): bigint {
    const low = this.#view.getBigUint64(record + layout.JR_AMOUNT, true);
    const high = this.#extension(chunk, record, layout.EX_AMOUNT_HIGH);
    return high === undefined ? low : low | (this.#view.getBigUint64(high, true) << 64n);
  }

  #unsigned128(chunk: number, record: number, field: number): bigint | undefined {
    const at = this.#extension(chunk, record, field);
    if (at === undefined) return undefined;
    return this.#view.getBigUint64(at, true) | (this.#view.getBigUint64(at + 8, true) << 64n);
  }

  #timeout(chunk: number, record: number): number {
    const at = this.#extension(chunk, record, layout.EX_TIMEOUT);
    return at === undefined ? 0 : this.#view.getUint32(at, true);
  }

  #effectiveDay(chunk: number, record: number): number | undefined {
    const at = this.#extension(chunk, record, layout.EX_EFFECTIVE_DATE);
    return at === undefined ? undefined : this.#view.getInt32(at, true);
  }

  #expected(chunk: number, record: number, offset: number): bigint | undefined {
    const at = this.#extension(chunk, record, layout.EX_EXPECTED);
    if (at === undefined) return undefined;
    const version = this.#view.getBigUint64(at + offset, true);
    return version === ANY_VERSION ? undefined : version;
  }

  #idOf(chunk: number, record: number, field: number): string | undefined {
    const at = this.#extension(chunk, record, field);
    if (at === undefined) return undefined;
    return readId(this.#bytes, this.#view.getUint32(at, true), at + 8, at + 8);
  }

  /** Where a field of the record's extension is, undefined where the record has none. */
  #extension(chunk: number, record: number, field: number): number | undefined {
    const offset = this.#view.getUint32(record + layout.JR_EXTENSION, true);
    if (offset === 0) return undefined;
    const present = this.#view.getUint32(chunk + offset, true);
    if ((present & field) === 0) return undefined;
    let at = chunk + offset + 8;
    // The fields present lie one behind the other, in the order of their bits.
    for (let before = layout.EX_ID_TEXT; before < field; before *= 2) {
      if ((present & before) !== 0) at += this.#extensionSize(record, before, at);
    }
    return at;
  }

  #extensionSize(record: number, field: number, at: number): number {
    switch (field) {
      case layout.EX_ID_TEXT:
        return padded(this.#bytes[record + layout.JR_ID_KIND]!);
      case layout.EX_AMOUNT_HIGH:
      case layout.EX_TIMEOUT:
      case layout.EX_EFFECTIVE_DATE:
        return 8;
      case layout.EX_USER_DATA:
      case layout.EX_EXPECTED:
      case layout.EX_ASKED_AMOUNT:
        return 16;
      default: {
        const kind = this.#view.getUint32(at, true);
        return 8 + (isHashKind(kind) ? padded(kind) : 16);
      }
    }
  }
}
