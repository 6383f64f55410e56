/**
 * Writing journal chunks from what a {@link JournalReader} gives, where they come from somewhere else than the kernel:
 * an export. The kernel executes what is written here again, so nothing wrong gets into a ledger.
 */
import { writeChunkHeader } from "./chunk-header.js";
import { type Identifiers, isHashKind, padded } from "./identifiers.js";
import { ANY_VERSION, isReservation, type RecordedTransfer } from "./journal.js";
import * as layout from "./layout.js";
import { resultNumber } from "./results.js";

/** An account to be created. */
export interface JournalAccount {
  readonly id: string;
  /** Number of its asset. */
  readonly asset: number;
  readonly code: number;
  /** ACCOUNT_* bits. */
  readonly flags: number;
  readonly overdraftLimit: bigint;
  readonly userData: bigint;
  /** JSON in UTF-8, undefined where the account has no metadata. */
  readonly metadata: Uint8Array | undefined;
}

const LOW_WORD = 0xffffffffffffffffn;

/** Writes chunks into shared memory, for the thread whose scratch words the {@link Identifiers} use. */
export class JournalWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #ids: Identifiers;

  constructor(memory: WebAssembly.Memory, ids: Identifiers) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    this.#ids = ids;
  }

  /** Writes the chunk that creates these accounts, the first in this slot; returns its byte length. */
  writeAccounts(address: number, accounts: readonly JournalAccount[], firstSlot: number, timestamp: bigint): number {
    const view = this.#view;
    let at = address + layout.CHUNK_HEADER_SIZE;
    let textSize = 0;
    for (const { id, asset, code, flags, overdraftLimit, userData, metadata } of accounts) {
      this.#bytes.fill(0, at, at + layout.JOURNAL_ACCOUNT_SIZE);
      const kind = this.#ids.write(id, at + layout.JA_KEY, layout.TEXT_SCRATCH);
      this.#write128(at + layout.JA_OVERDRAFT_LIMIT, overdraftLimit);
      this.#write128(at + layout.JA_USER_DATA, userData);
      if (userData !== 0n) textSize += layout.USER_DATA_SIZE;
      view.setUint32(at + layout.JA_METADATA_SIZE, metadata?.length ?? 0, true);
      view.setUint16(at + layout.JA_FLAGS, flags, true);
      view.setUint16(at + layout.JA_ASSET, asset, true);
      view.setUint16(at + layout.JA_CODE, code, true);
      this.#bytes[at + layout.JA_ID_KIND] = kind;
      at += layout.JOURNAL_ACCOUNT_SIZE;
      const text = at;
      if (isHashKind(kind)) at = this.#copyText(at, kind);
      textSize += at - text;
      if (metadata !== undefined) {
        const end = at + padded(metadata.length);
        this.#bytes.fill(0, at, end);
        this.#bytes.set(metadata, at);
        at = end;
      }
    }
    writeChunkHeader(view, address, layout.CHUNK_KIND_ACCOUNTS, at - address, accounts.length, timestamp);
    view.setUint32(address + layout.CH_FIRST_SLOT, firstSlot, true);
    view.setUint32(address + layout.CH_TEXT_SIZE, textSize, true);
    return at - address;
  }

  /**
   * Writes the chunk of these transfers, 1 to SLICE_CAPACITY of the same time and job whose sequences follow each other and
   * whose rows do not go back; returns its byte length.
   */
  writeTransfers(address: number, transfers: readonly RecordedTransfer[]): number {
    const view = this.#view;
    const [first] = transfers;
    const last = transfers.at(-1)!;
    const { job, row: firstRow, sequence, timestamp } = first!;
    const recordsEnd = address + layout.CHUNK_HEADER_SIZE + transfers.length * layout.JOURNAL_RECORD_SIZE;
    let extension = recordsEnd;
    for (const [position, transfer] of transfers.entries()) {
      const record = address + layout.CHUNK_HEADER_SIZE + position * layout.JOURNAL_RECORD_SIZE;
      extension = this.#writeRecord(address, record, transfer, transfer.row - firstRow, extension);
    }
    writeChunkHeader(view, address, layout.CHUNK_KIND_TRANSFERS, extension - address, transfers.length, timestamp);
    view.setBigUint64(address + layout.CH_FIRST_SEQUENCE, BigInt(sequence), true);
    if (job !== undefined) {
      view.setBigUint64(address + layout.CH_JOB_LOW, BigInt(`0x${job.slice(0, 16)}`), true);
      view.setBigUint64(address + layout.CH_JOB_HIGH, BigInt(`0x${job.slice(16)}`), true);
    }
    view.setBigUint64(address + layout.CH_FIRST_ROW, BigInt(firstRow), true);
    view.setUint32(address + layout.CH_ROW_COUNT, job === undefined ? transfers.length : last.row - firstRow + 1, true);
    view.setUint32(address + layout.CH_PENDING_COUNT, transfers.filter(isReservation).length, true);
    return extension - address;
  }

  /** Writes a record, and what it has no room for at `extension`; returns where the extensions end. */
  #writeRecord(
    chunk: number,
    record: number,
    transfer: RecordedTransfer,
    rowOffset: number,
    extension: number,
  ): number {
    const view = this.#view;
    this.#bytes.fill(0, record, record + layout.JOURNAL_RECORD_SIZE);
    const kind = this.#ids.write(transfer.id, record + layout.JR_ID, layout.TEXT_SCRATCH);
    this.#bytes[record + layout.JR_ID_KIND] = kind;
    this.#bytes[record + layout.JR_RESULT] = resultNumber(transfer.result);
    view.setBigUint64(record + layout.JR_AMOUNT, transfer.amount & LOW_WORD, true);
    view.setUint32(record + layout.JR_DEBIT_SLOT, transfer.debitSlot ?? layout.NO_SLOT, true);
    view.setUint32(record + layout.JR_CREDIT_SLOT, transfer.creditSlot ?? layout.NO_SLOT, true);
    view.setUint32(record + layout.JR_ROW, rowOffset, true);
    view.setUint16(record + layout.JR_FLAGS, transfer.flags | (transfer.brokeChain ? layout.JR_BROKE_CHAIN : 0), true);
    view.setUint16(record + layout.JR_CODE, transfer.code, true);
    let present = 0;
    let at = extension + 8;
    if (isHashKind(kind)) {
      present |= layout.EX_ID_TEXT;
      at = this.#copyText(at, kind);
    }
    if (transfer.amount > LOW_WORD) {
      present |= layout.EX_AMOUNT_HIGH;
      view.setBigUint64(at, transfer.amount >> 64n, true);
      at += 8;
    }
    if (transfer.userData !== 0n) {
      present |= layout.EX_USER_DATA;
      at = this.#write128(at, transfer.userData);
    }
    if (transfer.missingDebit !== undefined) {
      present |= layout.EX_DEBIT_ID;
      at = this.#writeId(at, transfer.missingDebit);
    }
    if (transfer.missingCredit !== undefined) {
      present |= layout.EX_CREDIT_ID;
      at = this.#writeId(at, transfer.missingCredit);
    }
    const { expectedDebitVersion: debitVersion, expectedCreditVersion: creditVersion } = transfer;
    if (debitVersion !== undefined || creditVersion !== undefined) {
      present |= layout.EX_EXPECTED;
      view.setBigUint64(at, debitVersion ?? ANY_VERSION, true);
      view.setBigUint64(at + 8, creditVersion ?? ANY_VERSION, true);
      at += 16;
    }
    if (transfer.askedAmount !== undefined) {
      present |= layout.EX_ASKED_AMOUNT;
      at = this.#write128(at, transfer.askedAmount);
    }
    if (transfer.pendingId !== undefined) {
      present |= layout.EX_PENDING_ID;
      at = this.#writeId(at, transfer.pendingId);
    }
    if (transfer.timeout !== 0) {
      present |= layout.EX_TIMEOUT;
      view.setBigUint64(at, BigInt(transfer.timeout), true);
      at += 8;
    }
    if (transfer.effectiveDay !== undefined) {
      present |= layout.EX_EFFECTIVE_DATE;
      view.setBigInt64(at, BigInt(transfer.effectiveDay), true);
      at += 8;
    }
    if (present === 0) return extension;
    view.setBigUint64(extension, BigInt(present), true);
    view.setUint32(record + layout.JR_EXTENSION, extension - chunk, true);
    return at;
  }

  /** Writes an id with its kind before it; returns the address behind it. */
  #writeId(at: number, id: string): number {
    this.#bytes.fill(0, at, at + 24);
    const kind = this.#ids.write(id, at + 8, layout.TEXT_SCRATCH);
    this.#view.setUint32(at, kind, true);
    return isHashKind(kind) ? this.#copyText(at + 8, kind) : at + 24;
  }

  /** Copies an id's text from the scratch area, padded to 8 bytes; returns the address behind it. */
  #copyText(at: number, byteLength: number): number {
    const end = at + padded(byteLength);
    this.#bytes.fill(0, at, end);
    this.#bytes.copyWithin(at, layout.TEXT_SCRATCH, layout.TEXT_SCRATCH + byteLength);
    return end;
  }

  #write128(at: number, value: bigint): number {
    this.#view.setBigUint64(at, value & LOW_WORD, true);
    this.#view.setBigUint64(at + 8, value >> 64n, true);
    return at + 16;
  }
}
