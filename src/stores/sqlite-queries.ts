/** Finding recorded transfers, newest first: an account's by the history index, all others by reading the journal. */
import type { Database, Statement } from "better-sqlite3";
import { isMoving, JournalReader, type RecordedTransfer } from "../core/journal.js";
import { CHUNK_KIND_TRANSFERS, HISTORY_SLOT_MISSING } from "../core/layout.js";
import { prepare } from "./sqlite-held.js";
import { DamagedRun, type SqliteHistory } from "./sqlite-history.js";
import type { ChunkRow, SqliteJournal } from "./sqlite-journal.js";
import type { FoundTransfers, TransferQuery } from "./store.js";

/** Chunks read by one call; a full one takes some 100 microseconds with its checksum, and commits wait meanwhile. */
const CHUNKS_A_CALL = 64;
/** Transfers of an account read by one call: the chunk of each must be read, which takes some 40 microseconds. */
const RECORDS_A_CALL = 256;

/** An account to look for, and where it is; no slot where it never existed. */
type QueriedAccount = NonNullable<TransferQuery["account"]>;

/** A chunk as it is read for an account. */
type UncheckedRow = Pick<ChunkRow, "recordCount" | "data">;

export class SqliteQueries {
  readonly #journal: SqliteJournal;
  readonly #history: SqliteHistory;
  readonly #selectHolder: Statement<[number], UncheckedRow>;

  constructor(database: Database, journal: SqliteJournal, history: SqliteHistory) {
    this.#journal = journal;
    this.#history = history;
    this.#selectHolder = prepare(
      database,
      `SELECT record_count AS recordCount, data FROM journal
       WHERE kind = ${CHUNK_KIND_TRANSFERS} AND first_sequence <= ? ORDER BY first_sequence DESC LIMIT 1`,
    );
  }

  /** What matches the query, as far as one call goes. */
  find(query: TransferQuery): FoundTransfers {
    const { account } = query;
    return account === undefined ? this.#scan(query) : this.#mending(() => this.#findByAccount(query, account));
  }

  /** Runs a look-up in the index; where a run turns out to be damaged, builds it again first. */
  #mending<T>(lookUp: () => T): T {
    const mended = new Set<number>();
    for (;;) {
      try {
        return lookUp();
      } catch (error) {
        if (!(error instanceof DamagedRun) || mended.has(error.run)) throw error;
        mended.add(error.run);
        this.#history.forget(error.run);
        while (!this.#history.prepare());
      }
    }
  }

  #end(query: TransferQuery): number {
    return Math.min(query.before, this.#journal.head.transferCount + 1);
  }

  #scan(query: TransferQuery): FoundTransfers {
    const transfers: RecordedTransfer[] = [];
    let before = this.#end(query);
    for (let chunks = 0; before > query.after + 1; chunks++) {
      if (chunks === CHUNKS_A_CALL) return { transfers, next: before };
      const { firstSequence, data } = this.#journal.holder(before - 1)!;
      const reader = new JournalReader(data);
      const end = Math.max(firstSequence, query.after + 1);
      while (before > end) {
        if (transfers.length === query.limit) return { transfers, next: before };
        before--;
        const found = reader.read(0, before - firstSequence);
        if (matches(found, query)) transfers.push(found);
      }
    }
    return { transfers, next: undefined };
  }

  #findByAccount(query: TransferQuery, account: QueriedAccount): FoundTransfers {
    const transfers: RecordedTransfer[] = [];
    const records = new RecordReader((sequence) => this.#holder(sequence));
    let read = 0;
    for (const { sequence, isUnmoved, slot } of this.#sequences(query, account)) {
      if (transfers.length === query.limit || read === RECORDS_A_CALL) return { transfers, next: sequence + 1 };
      const found = records.read(sequence);
      read++;
      const isMissing = slot === HISTORY_SLOT_MISSING;
      const isListed = isMissing || found.debitSlot === slot || found.creditSlot === slot;
      if (!isListed || isMoving(found) === isUnmoved) throw this.#contradiction(sequence);
      // Those that did not find an account are listed together: which one it was, the record says.
      const isOf = !isMissing || found.missingDebit === account.id || found.missingCredit === account.id;
      if (isOf && matches(found, query)) transfers.push(found);
    }
    return { transfers, next: undefined };
  }

  /** Either the journal's chunk is damaged, which this throws, or the index is. */
  #contradiction(sequence: number): DamagedRun {
    this.#journal.holder(sequence);
    return new DamagedRun(this.#history.runOf(sequence));
  }

  /**
   * The chunk that holds a sequence, without its checksum: an account's transfers lie in as many chunks, and adding
   * those up takes longer than everything else. What is found there must agree with the index.
   */
  #holder(sequence: number): UncheckedRow {
    const row = this.#selectHolder.get(sequence);
    // Not by the column beside it, which SQLite may take from the index.
    const first = row === undefined ? 0 : new JournalReader(row.data).firstSequence(0);
    if (row !== undefined && sequence >= first && sequence < first + row.recordCount) return row;
    // Says what is wrong with it.
    return this.#journal.holder(sequence)!;
  }

  /** Sequences that the index has for the account, newest first. */
  *#sequences(query: TransferQuery, { slot }: QueriedAccount): Generator<Posting> {
    const wantsMoved = query.result === undefined || query.result === "ok";
    const wantsUnmoved = query.isMoving !== true;
    const wantsRejected = wantsUnmoved && query.result !== "ok";
    const end = this.#end(query);
    if (end <= query.after + 1) return;
    const history = this.#history;
    for (let run = history.runOf(end - 1); run >= history.runOf(query.after + 1); run--) {
      const from = Math.min(history.size - 1, end - 2 - run * history.size);
      const to = Math.max(0, query.after - run * history.size);
      const postings: Posting[] = [];
      const collect = (named: number): void => {
        // Nobody looks at more of them in one call.
        const most = postings.length + RECORDS_A_CALL + 1;
        history.visit(run, named, from, to, (position, isUnmoved) => {
          if (isUnmoved ? !wantsUnmoved : !wantsMoved) return true;
          return postings.push({ sequence: history.sequenceOf(run, position), isUnmoved, slot: named }) < most;
        });
      };
      if (slot !== undefined) collect(slot);
      if (wantsRejected) {
        collect(HISTORY_SLOT_MISSING);
        postings.sort((a, b) => b.sequence - a.sequence);
      }
      // One whose other account did not exist stands in both lists, and must not come twice where a call ends between.
      let last = 0;
      for (const posting of postings) {
        if (posting.sequence !== last) yield posting;
        last = posting.sequence;
      }
    }
  }

  /** What the transfers of the account with sequences above `after` and up to `through` change of its balance. */
  sum(slot: number, after: number, through: number): bigint {
    return this.#mending(() => {
      const history = this.#history;
      if (through <= after) return 0n;
      const first = history.runOf(after + 1);
      const last = history.runOf(through);
      let sum = 0n;
      for (let run = first; run <= last; run++) {
        const end = run === last ? history.positionOf(through) : history.size - 1;
        sum += this.#sumThrough(run, slot, end);
      }
      const before = after - first * history.size - 1;
      return before < 0 ? sum : sum - this.#sumThrough(first, slot, before);
    });
  }

  /** What the transfers of the account in a run, through `position`, change of its balance. */
  #sumThrough(run: number, slot: number, position: number): bigint {
    const inMemory = this.#history.inMemory(run);
    if (inMemory !== undefined) return inMemory.sumThrough(slot, position);
    for (const { postings, net } of this.#history.blocks(run, slot, position)) {
      // The block knows what it ends with; what comes behind the position in it is taken back.
      let sum = net;
      const records = new RecordReader((sequence) => this.#holder(sequence));
      for (let i = postings.length - 1; i >= 0 && postings[i]! >>> 1 > position; i--) {
        if ((postings[i]! & 1) !== 0) continue;
        const { amount, creditSlot } = records.read(this.#history.sequenceOf(run, postings[i]! >>> 1));
        sum -= creditSlot === slot ? amount : -amount;
      }
      return sum;
    }
    return 0n;
  }
}

interface Posting {
  readonly sequence: number;
  readonly isUnmoved: boolean;
  /** The slot that it was listed under. */
  readonly slot: number;
}

/** Reads single records, and each chunk once where they follow each other. */
class RecordReader {
  readonly #holder: (sequence: number) => UncheckedRow;
  #first = 0;
  #end = 0;
  #reader: JournalReader | undefined;

  constructor(holder: (sequence: number) => UncheckedRow) {
    this.#holder = holder;
  }

  read(sequence: number): RecordedTransfer {
    if (this.#reader === undefined || sequence < this.#first || sequence >= this.#end) {
      const { recordCount, data } = this.#holder(sequence);
      this.#reader = new JournalReader(data);
      this.#first = this.#reader.firstSequence(0);
      this.#end = this.#first + recordCount;
    }
    return this.#reader.read(0, sequence - this.#first);
  }
}

function matches(found: RecordedTransfer, { result, code, userData, job }: TransferQuery): boolean {
  return (
    (job === undefined || found.job === job) &&
    (result === undefined || found.result === result) &&
    (code === undefined || found.code === code) &&
    (userData === undefined || found.userData === userData)
  );
}
