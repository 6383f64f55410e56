/**
 * The history index: which transfers name an account, so that a quiet account's are found without reading the journal.
 *
 * It consists of runs, each of as many consecutive transfers and derived from the journal alone. The run that is not
 * full yet lives in memory only. A full one is sorted by account and written in a transaction of its own, where possible
 * when nothing else is to be done. A run that is missing or damaged is built again when somebody asks for it.
 */
import type { Database, Statement } from "better-sqlite3";
import { type HistoryBlock, type HistoryPage, HistoryPageReader, historyKey } from "../core/history-page.js";
import { HistoryRun, type PostingVisitor } from "../core/history-run.js";
import { CH_KIND, CH_RECORD_COUNT, CHUNK_KIND_TRANSFERS, HISTORY_VERSION } from "../core/layout.js";
import { HISTORY_TABLES } from "./schema.js";
import { prepare } from "./sqlite-held.js";
import type { SqliteJournal } from "./sqlite-journal.js";

/** Chunks gathered by one call: some ten milliseconds, which a commit may have to wait. */
const CHUNKS_A_CALL = 64;

/** A run's pages are not what they should be. */
export class DamagedRun extends Error {
  readonly run: number;

  constructor(run: number) {
    super(`run ${run} of the history index is damaged`);
    this.run = run;
  }
}

/** Runs an action that writes, in a transaction. */
export type Transact = (action: () => void) => void;

export class SqliteHistory {
  readonly #journal: SqliteJournal;
  readonly #transact: Transact;
  readonly #log2: number;
  readonly #selectPage: Statement<[number], { readonly page: number; readonly data: Buffer }>;
  readonly #selectPages: Statement<[number, number], { readonly page: number; readonly data: Buffer }>;
  readonly #insertPage: Statement<[number, Uint8Array]>;
  readonly #deletePages: Statement<[number, number]>;
  readonly #insertRun: Statement<[number, number, number]>;
  readonly #deleteRuns: Statement<[]>;
  readonly #selectRuns: Statement<[], [number, number, number]>;
  /** Runs that are there in full. */
  readonly #present = new Set<number>();
  /** Whether the tables hold what another version or another size of runs has left. */
  #isForeign = false;
  /** Keys of pages whose checksum was found right since the file was opened; nobody else writes it meanwhile. */
  readonly #intact = new Set<number>();
  /** The run that is not full yet. */
  #tail: HistoryRun;
  /** Runs that are full and yet to be written. */
  readonly #full: HistoryRun[] = [];
  /** A missing run that is being gathered from the journal. */
  #rebuilt: HistoryRun | undefined;

  /** `log2`: transfers of a run, as a power of two. */
  constructor(database: Database, journal: SqliteJournal, log2: number, transact: Transact) {
    database.exec(HISTORY_TABLES);
    this.#journal = journal;
    this.#log2 = log2;
    this.#transact = transact;
    this.#selectPage = prepare(
      database,
      "SELECT page, data FROM history_pages WHERE page <= ? ORDER BY page DESC LIMIT 1",
    );
    this.#selectPages = prepare(
      database,
      "SELECT page, data FROM history_pages WHERE page >= ? AND page < ? ORDER BY page",
    );
    this.#insertPage = prepare(database, "INSERT INTO history_pages VALUES (?, ?)");
    this.#deletePages = prepare(database, "DELETE FROM history_pages WHERE page >= ? AND page < ?");
    this.#insertRun = prepare(database, "INSERT OR REPLACE INTO history_runs VALUES (?, ?, ?)");
    this.#deleteRuns = prepare(database, "DELETE FROM history_runs");
    this.#selectRuns = prepare<[], [number, number, number]>(
      database,
      "SELECT run, version, size FROM history_runs",
    ).raw();
    this.#tail = this.#begin();
  }

  /** Notes which runs the tables hold, and returns the one that begins after them. */
  #begin(): HistoryRun {
    const runs = this.#selectRuns.all();
    this.#isForeign = runs.some(([, version, size]) => version !== HISTORY_VERSION || size !== this.size);
    if (!this.#isForeign) for (const [run] of runs) this.#present.add(run);
    const { transferCount } = this.#journal.head;
    return new HistoryRun(Math.floor(transferCount / this.size), transferCount % this.size, this.#log2);
  }

  /** Begins anew from what the file and the journal's head say, after a transaction was undone. */
  restart(): void {
    this.#present.clear();
    this.#intact.clear();
    this.#full.length = 0;
    this.#rebuilt = undefined;
    this.#tail = this.#begin();
  }

  /** Transfers of a run. */
  get size(): number {
    return 2 ** this.#log2;
  }

  /** The run that a sequence belongs to. */
  runOf(sequence: number): number {
    return Math.floor((sequence - 1) / this.size);
  }

  positionOf(sequence: number): number {
    return (sequence - 1) % this.size;
  }

  sequenceOf(run: number, position: number): number {
    return run * this.size + position + 1;
  }

  /** The run where it is in memory, as the one that is not full is, and those that are yet to be written. */
  inMemory(run: number): HistoryRun | undefined {
    return run === this.#tail.run ? this.#tail : this.#full.find((full) => full.run === run);
  }

  /** Notes what was committed just now: a few nanoseconds a transfer. */
  gather(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      if (view.getUint16(CH_KIND, true) !== CHUNK_KIND_TRANSFERS) continue;
      const count = view.getUint32(CH_RECORD_COUNT, true);
      for (let record = 0; record < count; ) {
        record = this.#tail.append(chunk, record, count);
        if (!this.#tail.isFull) continue;
        this.#full.push(this.#tail);
        this.#tail = new HistoryRun(this.#tail.run + 1, 0, this.#log2);
      }
    }
  }

  /**
   * Writes full runs, the oldest first, until `kept` are left in memory. Where that fails the run is missing, and built
   * when it is asked for.
   */
  writeFull(kept: number): void {
    while (this.#full.length > kept) {
      const run = this.#full.shift()!;
      this.#fill(run, Number.POSITIVE_INFINITY);
      this.#write(run);
    }
  }

  /** Full runs that are yet to be written. */
  get fullCount(): number {
    return this.#full.length;
  }

  /** Does a bounded part of what is left to do before every run can be asked; false where more is left. */
  prepare(): boolean {
    const missing = this.#firstMissing();
    if (missing === undefined) return [...this.#full, this.#tail].every((run) => this.#fill(run, CHUNKS_A_CALL));
    if (this.#rebuilt?.run !== missing) this.#rebuilt = new HistoryRun(missing, this.size, this.#log2);
    if (this.#fill(this.#rebuilt, CHUNKS_A_CALL)) {
      this.#write(this.#rebuilt);
      this.#rebuilt = undefined;
    }
    return false;
  }

  /** Forgets a run whose pages turned out not to be what they should be. */
  forget(run: number): void {
    this.#present.delete(run);
  }

  #firstMissing(): number | undefined {
    for (let run = 0; run < this.#tail.run; run++) {
      if (!this.#present.has(run) && this.inMemory(run) === undefined) return run;
    }
    return undefined;
  }

  /** Gathers what the run lacks at its front from at most `chunks` chunks; true once it lacks nothing. */
  #fill(run: HistoryRun, chunks: number): boolean {
    for (let read = 0; ; read++) {
      const from = run.missingFrom;
      if (from === undefined) return true;
      if (read === chunks) return false;
      const sequence = this.sequenceOf(run.run, from);
      const { firstSequence, recordCount, data } = this.#journal.holder(sequence)!;
      run.fill(data, sequence - firstSequence, recordCount);
    }
  }

  #write(run: HistoryRun): void {
    const pages = run.encode();
    this.#transact(() => {
      if (this.#isForeign) {
        this.#deletePages.run(0, Number.MAX_SAFE_INTEGER);
        this.#deleteRuns.run();
      }
      this.#deletePages.run(this.#firstKey(run.run), this.#firstKey(run.run + 1));
      for (const { key, data } of pages) this.#insertPage.run(key, data);
      this.#insertRun.run(run.run, HISTORY_VERSION, this.size);
    });
    this.#isForeign = false;
    for (const { key } of pages) this.#intact.delete(key);
    this.#present.add(run.run);
  }

  #firstKey(run: number): number {
    return historyKey(this.#log2, run, 0, 0);
  }

  /** Visits the transfers of a run from position `from` down to `to` that name the account in `slot`, newest first. */
  visit(run: number, slot: number, from: number, to: number, visitor: PostingVisitor): void {
    const inMemory = this.inMemory(run);
    if (inMemory !== undefined) {
      inMemory.visit(slot, from, to, visitor);
      return;
    }
    for (const { postings } of this.blocks(run, slot, from)) {
      for (let i = postings.length - 1; i >= 0; i--) {
        const position = postings[i]! >>> 1;
        if (position > from) continue;
        if (position < to) return;
        if (!visitor(position, (postings[i]! & 1) !== 0)) return;
      }
    }
  }

  /**
   * The account's blocks in a run that is written, from the one that holds its last posting up to `position` to the
   * first. Throws {@link DamagedRun}.
   */
  *blocks(run: number, slot: number, position: number): Generator<HistoryBlock> {
    const before = historyKey(this.#log2, run, slot, 0);
    let key = before + position;
    for (;;) {
      const page = this.#page(run, key);
      const blocks = page.blocksOf(slot);
      for (let i = blocks.length - 1; i >= 0; i--) {
        if (before + (blocks[i]!.postings[0]! >>> 1) <= key) yield blocks[i]!;
      }
      // A page that begins with this account may not have its first block.
      if (page.first <= before) return;
      key = page.first - 1;
    }
  }

  /** The page that this key belongs to. */
  #page(run: number, key: number): HistoryPageReader {
    const row = this.#present.has(run) ? this.#selectPage.get(key) : undefined;
    if (row === undefined) throw new DamagedRun(run);
    const page = new HistoryPageReader(row.data);
    if (!this.#intact.has(row.page)) {
      if (!page.isIntact || page.first !== row.page) throw new DamagedRun(run);
      this.#intact.add(row.page);
    }
    if (key < page.first || key >= page.next || page.first < this.#firstKey(run)) throw new DamagedRun(run);
    return page;
  }

  /**
   * Whether a run that is written has the very pages that the journal gives; a missing one has none to be wrong.
   * Undefined for a run that is not full yet.
   */
  isSound(run: number): boolean | undefined {
    if (run >= this.#tail.run) return undefined;
    if (!this.#present.has(run)) return true;
    const again = new HistoryRun(run, this.size, this.#log2);
    this.#fill(again, Number.POSITIVE_INFINITY);
    const stored = this.#selectPages.all(this.#firstKey(run), this.#firstKey(run + 1));
    return equalPages(again.encode(), stored);
  }
}

function equalPages(
  expected: readonly HistoryPage[],
  stored: readonly { readonly page: number; readonly data: Buffer }[],
): boolean {
  return (
    expected.length === stored.length &&
    expected.every(({ key, data }, i) => stored[i]!.page === key && stored[i]!.data.equals(data))
  );
}
