/** Reading and writing accounts from TypeScript: public views, journal chunks of accounts, order by id. */
import { writeChunkHeader } from "./chunk-header.js";
import { LedgerError } from "./errors.js";
import { type AccountRegions, IdBytes } from "./id-bytes.js";
import { isHashKind, padded, readId } from "./identifiers.js";
import * as layout from "./layout.js";
import type { Account } from "./types.js";

/** Accounts of a chunk: as many as surely fit one page of the store, where they have no metadata. */
export const ACCOUNTS_A_CHUNK = 500;
/** Bytes that the entries of a chunk's accounts take at most. */
export const ACCOUNT_ENTRIES_SIZE_MAX = layout.CHUNK_BUFFER_SIZE - layout.CHUNK_HEADER_SIZE;

const LOW_WORD = (1n << 64n) - 1n;

/** An account's four totals, in minor units. */
export type AccountTotals = Pick<Account, "debitsPosted" | "creditsPosted" | "debitsPending" | "creditsPending">;

/** The account table as TypeScript sees it. Reads are meaningful at a batch boundary. */
export class AccountTable {
  /** The ids of the accounts' slots. */
  readonly ids: IdBytes;
  readonly #regions: AccountRegions;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** The code of the asset with this number. */
  readonly assetCode: (number: number) => string;

  constructor(memory: WebAssembly.Memory, regions: AccountRegions, assetCode: (number: number) => string) {
    this.ids = new IdBytes(memory.buffer, regions);
    this.#regions = regions;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    this.assetCode = assetCode;
  }

  get count(): number {
    return this.#view.getUint32(layout.SUPERBLOCK + layout.SB_ACCOUNT_COUNT, true);
  }

  #hot(slot: number): number {
    return this.#regions.accounts + slot * layout.ACCOUNT_SIZE;
  }

  #cold(slot: number): number {
    return this.#regions.accountsCold + slot * layout.ACCOUNT_COLD_SIZE;
  }

  #text(slot: number): number {
    return this.#regions.text + this.#view.getUint32(this.#cold(slot) + layout.AO_ID_TEXT, true);
  }

  #unsigned128(address: number): bigint {
    const low = this.#view.getBigUint64(address, true);
    // Nearly every amount is one word, and joining two makes big integers that only slow this down.
    if (this.#view.getUint32(address + 8, true) === 0 && this.#view.getUint32(address + 12, true) === 0) return low;
    return low | (this.#view.getBigUint64(address + 8, true) << 64n);
  }

  id(slot: number): string {
    const hot = this.#hot(slot);
    return readId(this.#bytes, this.#bytes[hot + layout.AC_ID_KIND]!, hot + layout.AC_KEY, this.#text(slot));
  }

  /** What the account was created with, and whether it is closed. */
  flags(slot: number): number {
    const flags = this.#view.getUint16(this.#hot(slot) + layout.AC_FLAGS, true);
    return flags & (layout.ACCOUNT_FLAGS_KNOWN | layout.ACCOUNT_CLOSED);
  }

  asset(slot: number): number {
    return this.#view.getUint16(this.#hot(slot) + layout.AC_ASSET, true);
  }

  code(slot: number): number {
    return this.#view.getUint16(this.#hot(slot) + layout.AC_CODE, true);
  }

  overdraftLimit(slot: number): bigint {
    return this.#unsigned128(this.#cold(slot) + layout.AO_OVERDRAFT_LIMIT);
  }

  userData(slot: number): bigint {
    const place = this.#view.getUint32(this.#cold(slot) + layout.AO_USER_DATA, true);
    return place === 0 ? 0n : this.#unsigned128(this.#regions.text + place - 1);
  }

  /** Number of the journal chunk that has the account's metadata; undefined where it has none. */
  metadataChunk(slot: number): number | undefined {
    const chunk = this.#view.getUint32(this.#cold(slot) + layout.AO_METADATA, true);
    return chunk === 0 ? undefined : chunk - 1;
  }

  version(slot: number): number {
    return Number(this.#view.getBigUint64(this.#hot(slot) + layout.AC_VERSION, true));
  }

  totals(slot: number): AccountTotals {
    const hot = this.#hot(slot);
    const cold = this.#cold(slot);
    return {
      debitsPosted: this.#unsigned128(hot + layout.AC_DEBITS_POSTED),
      creditsPosted: this.#unsigned128(hot + layout.AC_CREDITS_POSTED),
      debitsPending: this.#unsigned128(cold + layout.AO_DEBITS_PENDING),
      creditsPending: this.#unsigned128(cold + layout.AO_CREDITS_PENDING),
    };
  }

  /**
   * Copies what changes of an account to `target` from `at` on, little-endian: posted debits and credits, pending
   * debits and credits (16 bytes each), version (8 bytes), flags (2 bytes).
   */
  copyState(slot: number, target: DataView, at: number): void {
    const hot = this.#hot(slot);
    const cold = this.#cold(slot);
    this.#copyWords(hot + layout.AC_DEBITS_POSTED, 4, target, at);
    this.#copyWords(hot + layout.AC_CREDITS_POSTED, 4, target, at + 16);
    this.#copyWords(cold + layout.AO_DEBITS_PENDING, 4, target, at + 32);
    this.#copyWords(cold + layout.AO_CREDITS_PENDING, 4, target, at + 48);
    this.#copyWords(hot + layout.AC_VERSION, 2, target, at + 64);
    target.setUint16(at + 72, this.flags(slot), true);
  }

  #copyWords(from: number, count: number, target: DataView, at: number): void {
    for (let offset = 0; offset < 4 * count; offset += 4) {
      target.setUint32(at + offset, this.#view.getUint32(from + offset, true), true);
    }
  }

  /** The account in this slot as the API shows it. */
  read(slot: number): Account {
    const flags = this.flags(slot);
    const totals = this.totals(slot);
    return {
      id: this.id(slot),
      asset: this.assetCode(this.asset(slot)),
      code: this.code(slot),
      userData: this.userData(slot),
      debitsMustNotExceedCredits: (flags & layout.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS) !== 0,
      creditsMustNotExceedDebits: (flags & layout.ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS) !== 0,
      overdraftLimit: this.overdraftLimit(slot),
      ...totals,
      balance: totals.creditsPosted - totals.debitsPosted,
      version: this.version(slot),
      closed: (flags & layout.ACCOUNT_CLOSED) !== 0,
    };
  }

  /**
   * Writes the journal chunk that creates the accounts of slots `from`…`to` − 1, at most {@link ACCOUNTS_A_CHUNK},
   * at `address`, and returns its byte length. `metadata` has the text of those that have some.
   */
  writeChunk(
    from: number,
    to: number,
    address: number,
    timestamp: bigint,
    metadata: ReadonlyMap<number, Uint8Array>,
  ): number {
    if (to - from > ACCOUNTS_A_CHUNK) throw new LedgerError("internal", `${to - from} accounts do not fit a chunk`);
    const view = this.#view;
    const bytes = this.#bytes;
    let at = address + layout.CHUNK_HEADER_SIZE;
    let textSize = 0;
    for (let slot = from; slot < to; slot++) {
      const hot = this.#hot(slot);
      const kind = bytes[hot + layout.AC_ID_KIND]!;
      bytes.fill(0, at, at + layout.JOURNAL_ACCOUNT_SIZE);
      bytes.copyWithin(at + layout.JA_KEY, hot + layout.AC_KEY, hot + layout.AC_KEY + 16);
      const overdraft = this.#cold(slot) + layout.AO_OVERDRAFT_LIMIT;
      bytes.copyWithin(at + layout.JA_OVERDRAFT_LIMIT, overdraft, overdraft + 16);
      view.setUint16(at + layout.JA_FLAGS, this.flags(slot) & layout.ACCOUNT_FLAGS_KNOWN, true);
      view.setUint16(at + layout.JA_ASSET, this.asset(slot), true);
      view.setUint16(at + layout.JA_CODE, this.code(slot), true);
      bytes[at + layout.JA_ID_KIND] = kind;
      const userData = this.userData(slot);
      if (userData !== 0n) textSize += layout.USER_DATA_SIZE;
      view.setBigUint64(at + layout.JA_USER_DATA, userData & LOW_WORD, true);
      view.setBigUint64(at + layout.JA_USER_DATA + 8, userData >> 64n, true);
      const text = metadata.get(slot);
      view.setUint32(at + layout.JA_METADATA_SIZE, text?.length ?? 0, true);
      at += layout.JOURNAL_ACCOUNT_SIZE;
      if (isHashKind(kind)) {
        const id = this.#text(slot);
        const end = at + padded(kind);
        bytes.fill(0, at, end);
        bytes.copyWithin(at, id, id + kind);
        textSize += end - at;
        at = end;
      }
      if (text !== undefined) {
        const end = at + padded(text.length);
        bytes.fill(0, at, end);
        bytes.set(text, at);
        at = end;
      }
    }
    writeChunkHeader(view, address, layout.CHUNK_KIND_ACCOUNTS, at - address, to - from, timestamp);
    view.setUint32(address + layout.CH_FIRST_SLOT, from, true);
    view.setUint32(address + layout.CH_TEXT_SIZE, textSize, true);
    return at - address;
  }

  /** Slots in the order of their ids' bytes. */
  slotsById(): Uint32Array {
    return this.ids.slotsInOrder(this.count);
  }
}
