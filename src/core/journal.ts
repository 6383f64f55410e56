/** Reading transfers back from journal chunks in shared memory. */
import { isHashKind, readId } from "./identifiers.js";
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
  readonly amount: bigint;
  readonly code: number;
  /** 32 hexadecimal digits of the job's hash; undefined for direct calls. */
  readonly job: string | undefined;
  /** 1-based row in the job, 0 for direct calls. */
  readonly row: number;
}

/** Reads chunks of transfers. */
export class JournalReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(memory: WebAssembly.Memory) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
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
    // The text of a long id is the first field of the record's extension, behind the word that says what is there.
    const text = isHashKind(kind) ? chunk + this.#view.getUint32(record + layout.JR_EXTENSION, true) + 8 : 0;
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
      amount: view.getBigUint64(record + layout.JR_AMOUNT, true) | (this.#amountHigh(chunk, record) << 64n),
      code: view.getUint16(record + layout.JR_CODE, true),
      job: firstRow === 0 ? undefined : word(layout.CH_JOB_LOW) + word(layout.CH_JOB_HIGH),
      row: firstRow === 0 ? 0 : firstRow + view.getUint32(record + layout.JR_ROW, true),
    };
  }

  #amountHigh(chunk: number, record: number): bigint {
    const offset = this.#view.getUint32(record + layout.JR_EXTENSION, true);
    if (offset === 0) return 0n;
    const present = this.#view.getUint32(chunk + offset, true);
    if ((present & layout.EX_AMOUNT_HIGH) === 0) return 0n;
    const kind = this.#bytes[record + layout.JR_ID_KIND]!;
    const textSize = (present & layout.EX_ID_TEXT) === 0 ? 0 : (kind + 7) & ~7;
    return this.#view.getBigUint64(chunk + offset + 8 + textSize, true);
  }
}
