/** An account's entries, newest first, read from the journal's end backwards. */
import { JournalReader, type RecordedTransfer } from "../core/journal.js";
import { CHUNK_BUFFER_SIZE } from "../core/layout.js";
import type { Store } from "../stores/store.js";
import type { Engine } from "./engine.js";

/** One entry of an account. */
export interface StatementEntry {
  readonly transfer: RecordedTransfer;
  /** The other account's id. */
  readonly counterparty: string;
  /** Positive where the account received, negative where it paid; minor units. */
  readonly amount: bigint;
  /** The account's balance after the entry. */
  readonly balance: bigint;
}

/**
 * Entries of the account in `slot`, newest first. Nothing may be executing. Reads the journal backwards chunk by
 * chunk, about 20,000 transfers a millisecond, until the caller has enough.
 */
export async function* statementOf(store: Store, engine: Engine, slot: number): AsyncGenerator<StatementEntry> {
  const reader = new JournalReader(engine.bytes);
  const { accounts } = engine;
  let { balance } = accounts.read(slot);
  const range = { address: engine.plan.exchange, byteLength: CHUNK_BUFFER_SIZE };
  for (let chunk = store.description.chunkCount - 1; chunk >= 0; chunk--) {
    const stored = (await store.readChunks(chunk, range))[0];
    if (stored === undefined) continue;
    for (let position = reader.count(stored.address) - 1; position >= 0; position--) {
      if (!reader.touches(stored.address, position, slot)) continue;
      const transfer = reader.read(stored.address, position);
      const paid = transfer.debitSlot === slot;
      const amount = paid ? -transfer.amount : transfer.amount;
      const other = paid ? transfer.creditSlot : transfer.debitSlot;
      yield { transfer, counterparty: other === undefined ? "" : accounts.id(other), amount, balance };
      balance -= amount;
    }
  }
}
