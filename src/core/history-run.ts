/**
 * One run of the history index while it is gathered from journal chunks: which accounts each transfer of the run names.
 *
 * Transfers are gathered from both ends: new ones behind the last, as they are committed, and those that were recorded
 * before the ledger was opened from the run's beginning on, when somebody needs them.
 */
import { OK } from "./codes.js";
import { type HistoryPage, HistoryPageWriter, NET_PLAIN_MAX, type SortedPostings } from "./history-page.js";
import { JournalReader } from "./journal.js";
import * as layout from "./layout.js";

/** In place of an amount, where a transfer left posted balances as they were. One that moved something has at least 1. */
const UNMOVED = -1;
/** Flags of transfers that move nothing: they reserve, or release. */
const UNMOVING_FLAGS = layout.TRANSFER_PENDING | layout.TRANSFER_VOID;
/** In place of an amount that is kept as a big integer: from {@link NET_PLAIN_MAX} on. */
const WIDE = -2;
/** The high word of an amount that is no number's. */
const HIGH_WORD_MAX = NET_PLAIN_MAX / 2 ** 32;

const RECORD_WORDS = layout.JOURNAL_RECORD_SIZE >>> 2;

/**
 * Receives a transfer that names an account, by its position in the run, and whether it left posted balances as they
 * were; false where it wants no more.
 */
export type PostingVisitor = (position: number, isUnmoved: boolean) => boolean;

export class HistoryRun {
  readonly run: number;
  readonly #log2: number;
  readonly #size: number;
  readonly #debits: Uint32Array;
  readonly #credits: Uint32Array;
  readonly #amounts: Float64Array;
  readonly #wideAmounts = new Map<number, bigint>();
  /** Positions below it are gathered. */
  #filled = 0;
  /** Positions from #start to below #end are gathered as well. */
  readonly #start: number;
  #end: number;

  /** A run whose transfers from position `start` on are yet to be recorded; the size is 2 to the power of `log2`. */
  constructor(run: number, start: number, log2: number) {
    this.run = run;
    this.#log2 = log2;
    this.#size = 2 ** log2;
    this.#start = start;
    this.#end = start;
    this.#debits = new Uint32Array(this.#size);
    this.#credits = new Uint32Array(this.#size);
    this.#amounts = new Float64Array(this.#size);
  }

  /** The first position that the front still lacks, undefined where nothing between the two ends is missing. */
  get missingFrom(): number | undefined {
    return this.#filled < this.#start ? this.#filled : undefined;
  }

  get isFull(): boolean {
    return this.#end === this.#size;
  }

  /** Gathers the chunk's transfers from `record` on behind the last one; returns the first that belongs to the next run. */
  append(chunk: Uint8Array, record: number, count: number): number {
    const end = Math.min(count, record + this.#size - this.#end);
    this.#gather(chunk, record, end, this.#end);
    this.#end += end - record;
    return end;
  }

  /** Gathers transfers of the front: the chunk holds {@link missingFrom} as `record`. */
  fill(chunk: Uint8Array, record: number, count: number): void {
    const end = Math.min(count, record + this.#start - this.#filled);
    this.#gather(chunk, record, end, this.#filled);
    this.#filled += end - record;
  }

  #gather(chunk: Uint8Array, from: number, to: number, first: number): void {
    const words = wordsOf(chunk);
    const debits = this.#debits;
    const credits = this.#credits;
    const amounts = this.#amounts;
    let at = (layout.CHUNK_HEADER_SIZE + from * layout.JOURNAL_RECORD_SIZE) >>> 2;
    for (let record = from, position = first; record < to; record++, position++, at += RECORD_WORDS) {
      debits[position] = words[at + (layout.JR_DEBIT_SLOT >>> 2)]!;
      credits[position] = words[at + (layout.JR_CREDIT_SLOT >>> 2)]!;
      const high = words[at + (layout.JR_AMOUNT >>> 2) + 1]!;
      const isMade = (words[at + (layout.JR_RESULT >>> 2)]! & 0xff) === OK;
      if (!isMade || (words[at + (layout.JR_FLAGS >>> 2)]! & UNMOVING_FLAGS) !== 0) {
        amounts[position] = UNMOVED;
      } else if (high < HIGH_WORD_MAX && words[at + (layout.JR_EXTENSION >>> 2)] === 0) {
        amounts[position] = words[at + (layout.JR_AMOUNT >>> 2)]! + high * 2 ** 32;
      } else {
        this.#gatherWide(new JournalReader(chunk).amount(0, record), position);
      }
    }
  }

  #gatherWide(amount: bigint, position: number): void {
    const isPlain = amount < NET_PLAIN_MAX;
    this.#amounts[position] = isPlain ? Number(amount) : WIDE;
    if (!isPlain) this.#wideAmounts.set(position, amount);
  }

  /** Postings a bucket: the slots in order, and behind them one for accounts that did not exist. */
  #countPostings(): Uint32Array {
    const debits = this.#debits;
    const credits = this.#credits;
    let slotMax = 0;
    for (let position = 0; position < this.#end; position++) {
      const debit = debits[position]!;
      const credit = credits[position]!;
      if (debit > slotMax && debit !== layout.NO_SLOT) slotMax = debit;
      if (credit > slotMax && credit !== layout.NO_SLOT) slotMax = credit;
    }
    const missing = slotMax + 1;
    const counts = new Uint32Array(missing + 1);
    for (let position = 0; position < this.#end; position++) {
      const debit = debits[position]!;
      const credit = credits[position]!;
      counts[debit === layout.NO_SLOT ? missing : debit]!++;
      // A transfer of which neither account existed stands once among those.
      if (credit !== debit) counts[credit === layout.NO_SLOT ? missing : credit]!++;
    }
    return counts;
  }

  /**
   * The postings sorted by bucket, and where each bucket ends: a counting sort, as slots are dense. Amounts move along,
   * so that whoever goes through an account's postings finds them side by side.
   */
  #sortPostings(): { postings: SortedPostings; ends: Uint32Array } {
    const ends = this.#countPostings();
    const missing = ends.length - 1;
    let total = 0;
    for (let bucket = 0; bucket <= missing; bucket++) {
      const count = ends[bucket]!;
      ends[bucket] = total;
      total += count;
    }
    const values = new Uint32Array(total);
    const changes = new Float64Array(total);
    const debits = this.#debits;
    const credits = this.#credits;
    const amounts = this.#amounts;
    // Each bucket's beginning moves to its end while it fills.
    for (let position = 0; position < this.#end; position++) {
      const debit = debits[position]!;
      const credit = credits[position]!;
      const amount = amounts[position]!;
      const value = position * 2 + (amount === UNMOVED ? 1 : 0);
      const change = amount < 0 ? Number.NaN : amount;
      const debitAt = ends[debit === layout.NO_SLOT ? missing : debit]!++;
      values[debitAt] = value;
      changes[debitAt] = -change;
      if (credit === debit) continue;
      const creditAt = ends[credit === layout.NO_SLOT ? missing : credit]!++;
      values[creditAt] = value;
      changes[creditAt] = change;
    }
    const wideChange = (slot: number, position: number): bigint => this.#change(slot, position);
    return { postings: { values, changes, wideChange }, ends };
  }

  /** The run's pages. It is full and nothing is missing. */
  encode(): readonly HistoryPage[] {
    const { postings, ends } = this.#sortPostings();
    const writer = new HistoryPageWriter(this.#log2, this.run);
    let from = 0;
    for (let bucket = 0; bucket < ends.length; bucket++) {
      const end = ends[bucket]!;
      const slot = bucket === ends.length - 1 ? layout.HISTORY_SLOT_MISSING : bucket;
      if (end > from) writer.add(slot, postings, from, end);
      from = end;
    }
    return writer.end();
  }

  /** What the transfer, which was made, changes of the balance of the account in `slot`. */
  #change(slot: number, position: number): bigint {
    const amount = this.#wideAmounts.get(position) ?? BigInt(this.#amounts[position]!);
    return this.#credits[position] === slot ? amount : -amount;
  }

  /** What the transfers through `position` change of the account in `slot`. Nothing is missing. */
  sumThrough(slot: number, position: number): bigint {
    let net = 0n;
    this.visit(slot, position, 0, (at, isUnmoved) => {
      if (!isUnmoved) net += this.#change(slot, at);
      return true;
    });
    return net;
  }

  /** Visits the transfers from position `from` down to `to` that name the account in `slot`, newest first. */
  visit(slot: number, from: number, to: number, visitor: PostingVisitor): void {
    const wanted = slot === layout.HISTORY_SLOT_MISSING ? layout.NO_SLOT : slot;
    const debits = this.#debits;
    const credits = this.#credits;
    for (let position = Math.min(from, this.#end - 1); position >= to; position--) {
      if (debits[position] !== wanted && credits[position] !== wanted) continue;
      if (!visitor(position, this.#amounts[position] === UNMOVED)) return;
    }
  }
}

/** The chunk as 32-bit words. One that does not begin at a word is copied. */
function wordsOf(chunk: Uint8Array): Uint32Array {
  const aligned = chunk.byteOffset % 4 === 0 ? chunk : chunk.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >>> 2);
}
