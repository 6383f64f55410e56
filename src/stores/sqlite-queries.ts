/** Finding recorded transfers in the journal, newest first, a bounded number of them at a time. */
import { JournalReader, type RecordedTransfer } from "../core/journal.js";
import type { SqliteJournal } from "./sqlite-journal.js";
import type { FoundTransfers, TransferQuery } from "./store.js";

/** Chunks read by one call; a full one takes some 100 microseconds with its checksum, and commits wait meanwhile. */
const CHUNKS_A_CALL = 64;

export class SqliteQueries {
  readonly #journal: SqliteJournal;

  constructor(journal: SqliteJournal) {
    this.#journal = journal;
  }

  /** What matches the query, as far as one call goes. */
  find(query: TransferQuery): FoundTransfers {
    const transfers: RecordedTransfer[] = [];
    let before = Math.min(query.before, this.#journal.head.transferCount + 1);
    for (let chunks = 0; before > query.after + 1; chunks++) {
      if (chunks === CHUNKS_A_CALL) return { transfers, next: before };
      const { firstSequence, data } = this.#journal.holder(before - 1)!;
      const reader = new JournalReader(data);
      const end = Math.max(firstSequence, query.after + 1);
      while (before > end) {
        if (transfers.length === query.limit) return { transfers, next: before };
        before--;
        transfers.push(reader.read(0, before - firstSequence));
      }
    }
    return { transfers, next: undefined };
  }
}
