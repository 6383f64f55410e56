/**
 * Looking at what was recorded: single transfers by their ids.
 *
 * A query takes its turn between two batches to read what memory says; it sees every batch executed until then and none
 * after. It waits until those are on disk, and then reads the journal in the store's thread. Batches execute meanwhile.
 */
import { isIdKind } from "../core/identifiers.js";
import type { RecordedTransfer } from "../core/journal.js";
import { KEY_SCRATCH, TEXT_SCRATCH } from "../core/layout.js";
import { resultMeaning } from "../core/results.js";
import type { Transfer } from "../core/types.js";
import type { Store } from "../stores/store.js";
import type { Engine } from "./engine.js";

export class Queries {
  readonly #store: Store;
  readonly #engine: Engine;
  /** Names of jobs by their hash. A job keeps its name. */
  readonly #jobs = new Map<string, string>();

  constructor(store: Store, engine: Engine) {
    this.#store = store;
    this.#engine = engine;
  }

  /** The recorded transfer with exactly this id. */
  async transfer(id: string): Promise<Transfer | undefined> {
    for (const sequence of await this.#atBoundary(() => this.#candidates(id))) {
      const { transfers } = await this.#store.findTransfers({ before: sequence + 1, after: sequence - 1, limit: 1 });
      // Equal hashes are no equal ids: the record decides.
      if (transfers[0]?.id === id) return this.#transferOf(transfers[0]);
    }
    return undefined;
  }

  /** Sequences of the transfers that may have this id, as the exactly-once index knows them. */
  #candidates(id: string): number[] {
    const { ids, kernel } = this.#engine;
    const kind = ids.write(id, KEY_SCRATCH, TEXT_SCRATCH);
    if (!isIdKind(kind)) return [];
    const sequences: number[] = [];
    for (;;) {
      const sequence = kernel.findTransfer(KEY_SCRATCH, kind, sequences.length) >>> 0;
      if (sequence === 0) return sequences;
      sequences.push(sequence);
    }
  }

  /** Reads memory between two batches; resolves once everything executed until then is on disk. */
  async #atBoundary<T>(read: () => T): Promise<T> {
    const value = await this.#engine.exclusively(async () => read());
    await this.#engine.flush();
    return value;
  }

  async #transferOf(recorded: RecordedTransfer): Promise<Transfer> {
    const { accounts } = this.#engine;
    const { id, result, sequence, timestamp, debitSlot, creditSlot, amount, code, userData, job, row } = recorded;
    return {
      id,
      result,
      ...(result === "ok" ? {} : { reason: resultMeaning(result) }),
      sequence,
      timestamp,
      debit: debitSlot === undefined ? (recorded.missingDebit ?? "") : accounts.id(debitSlot),
      credit: creditSlot === undefined ? (recorded.missingCredit ?? "") : accounts.id(creditSlot),
      amount,
      code,
      userData,
      ...(job === undefined ? {} : { job: await this.#jobName(job), row }),
    };
  }

  async #jobName(hash: string): Promise<string> {
    let name = this.#jobs.get(hash);
    if (name === undefined) {
      name = (await this.#store.jobName(hash)) ?? hash;
      this.#jobs.set(hash, name);
    }
    return name;
  }
}
