/**
 * Looking at what was recorded: single transfers by their ids, accounts' histories, and whatever a filter leaves.
 *
 * A query takes its turn between two batches to read what memory says; it sees every batch executed until then and none
 * after. It waits until those are on disk, and then reads the journal in the store's thread. Batches execute meanwhile.
 */

import { invalid } from "../core/checks.js";
import { LedgerError } from "../core/errors.js";
import { isIdKind } from "../core/identifiers.js";
import { jobOfName } from "../core/job.js";
import type { RecordedTransfer } from "../core/journal.js";
import { KEY_SCRATCH, TEXT_SCRATCH } from "../core/layout.js";
import { resultMeaning } from "../core/results.js";
import type {
  HistoryEntry,
  HistoryOptions,
  HistoryPage,
  PointInTime,
  Transfer,
  TransferFilter,
  TransferPage,
} from "../core/types.js";
import type { Store, TransferQuery } from "../stores/store.js";
import type { Engine } from "./engine.js";
import {
  Cursors,
  checkFields,
  checkNames,
  type Position,
  readLimit,
  readMoment,
  readSequence,
  textOf,
} from "./query-options.js";
import { fieldsOf } from "./recorded.js";

const FILTER_NAMES = [
  ...["limit", "account", "job", "code", "userData", "result", "fromSequence", "toSequence", "from", "to", "cursor"],
];
const HISTORY_NAMES = ["limit", "before", "after", "from", "to", "cursor"];

/** Ids that are looked up between the same two batches. */
const IDS_A_TURN = 1000;
/** How far two transfers may be apart that are read by one call: reading another one is quicker than another call. */
const GAP_MAX = 32;
/** Transfers that one call reads at most. */
const NEIGHBOURS_MAX = 1000;

/** An account between two batches, and the last sequence until then. */
interface AccountState {
  readonly slot: number;
  readonly balance: bigint;
  readonly lastSequence: number;
}

/** Sequences above `after` and up to `through`. */
interface Span {
  readonly after: number;
  readonly through: number;
}

/** Sequences of the transfers that may have this id, as the exactly-once index knows them. Between two batches. */
export function candidatesOf({ ids, kernel }: Engine, id: string): number[] {
  const kind = ids.write(id, KEY_SCRATCH, TEXT_SCRATCH);
  if (!isIdKind(kind)) return [];
  const sequences: number[] = [];
  for (;;) {
    const sequence = kernel.findTransfer(KEY_SCRATCH, kind, sequences.length) >>> 0;
    if (sequence === 0) return sequences;
    sequences.push(sequence);
  }
}

/** Where all the sequences are, with few others between them, newest first: each part is read by one call. */
function neighboursOf(sequences: readonly number[]): { readonly before: number; readonly after: number }[] {
  const parts: { before: number; after: number }[] = [];
  for (const sequence of sequences.toSorted((a, b) => b - a)) {
    const part = parts.at(-1);
    if (part !== undefined && part.after - sequence < GAP_MAX && part.before - sequence <= NEIGHBOURS_MAX) {
      part.after = sequence - 1;
    } else {
      parts.push({ before: sequence + 1, after: sequence - 1 });
    }
  }
  return parts;
}

export class Queries {
  readonly #store: Store;
  readonly #engine: Engine;
  /** Names of jobs by their hash. A job keeps its name. */
  readonly #jobs = new Map<string, string>();
  readonly #cursors: Cursors;
  /** Settled once the store can be asked for accounts. */
  #prepared: Promise<void> | undefined;

  constructor(store: Store, engine: Engine) {
    this.#store = store;
    this.#engine = engine;
    const { seedLow, seedHigh } = store.description;
    this.#cursors = new Cursors(`${seedLow},${seedHigh}`);
  }

  /** The recorded transfer with exactly this id. */
  async transfer(id: string): Promise<Transfer | undefined> {
    return (await this.transfersById([id])).get(id);
  }

  /** The recorded transfers with exactly these ids, as many as there are, by their ids. */
  async transfersById(ids: readonly string[]): Promise<Map<string, Transfer>> {
    const candidates: number[] = [];
    for (let from = 0; from < ids.length; from += IDS_A_TURN) {
      const some = ids.slice(from, from + IDS_A_TURN);
      candidates.push(...(await this.#atBoundary(() => some.flatMap((id) => candidatesOf(this.#engine, id)))));
    }
    const wanted = new Set(ids);
    const transfers = new Map<string, Transfer>();
    for (const { before, after } of neighboursOf(candidates)) {
      for (const recorded of await this.#find({ before, after, limit: before - after - 1 })) {
        // Equal hashes are no equal ids: the record decides.
        if (wanted.has(recorded.id)) transfers.set(recorded.id, await this.#transferOf(recorded));
      }
    }
    return transfers;
  }

  /** A page of the account's entries, newest first. */
  async history(accountId: string, options: HistoryOptions): Promise<HistoryPage> {
    checkNames("history", options, HISTORY_NAMES);
    const limit = readLimit(options.limit);
    const after = readSequence("after", options.after, 0);
    const before = readSequence("before", options.before, Number.MAX_SAFE_INTEGER);
    const from = readMoment("from", options.from);
    const to = readMoment("to", options.to);
    const query = textOf("history", [accountId, after, before, from, to]);
    const cursor = options.cursor === undefined ? undefined : this.#cursors.read(query, options.cursor);
    const state = await this.#accountState(accountId);
    await this.#prepareHistory();
    const span = await this.#span(after, Math.min(before - 1, state.lastSequence), from, to);
    const start = cursor ?? (await this.#positionAfter(state, span.through));
    // One more than asked for tells whether there is a next page.
    const account = { id: accountId, slot: state.slot };
    const found = await this.#find({
      ...{ before: start.before, after: span.after, limit: limit + 1 },
      ...{ account, isMoving: true as const },
    });
    const entries: HistoryEntry[] = [];
    let { balance } = start;
    for (const recorded of found.slice(0, limit)) {
      const entry = await this.#entryOf(recorded, state.slot, balance);
      entries.push(entry);
      balance -= entry.direction === "credit" ? entry.amount : -entry.amount;
    }
    if (found.length <= limit) return { entries };
    const position = { before: found[limit - 1]!.sequence, balance };
    return { entries, cursor: this.#cursors.write(query, position) };
  }

  /** The account's posted balance at a point in the past. */
  async balanceAt(accountId: string, at: PointInTime): Promise<bigint> {
    checkNames("balanceAt", at, ["sequence", "time"]);
    if ((at.sequence === undefined) === (at.time === undefined)) {
      throw invalid("balanceAt needs either a 'sequence' or a 'time'");
    }
    const sequence = readSequence("sequence", at.sequence, Number.MAX_SAFE_INTEGER);
    const time = readMoment("time", at.time);
    const state = await this.#accountState(accountId);
    await this.#prepareHistory();
    const { through } = await this.#span(0, Math.min(sequence, state.lastSequence), undefined, time);
    return (await this.#positionAfter(state, through)).balance;
  }

  /** A page of the transfers that the filter leaves, newest first. */
  async transfers(filter: TransferFilter): Promise<TransferPage> {
    checkNames("transfers", filter, FILTER_NAMES);
    const { account, job, code, userData, result } = filter;
    const limit = readLimit(filter.limit);
    const after = Math.max(0, readSequence("fromSequence", filter.fromSequence, 1) - 1);
    const through = readSequence("toSequence", filter.toSequence, Number.MAX_SAFE_INTEGER);
    const from = readMoment("from", filter.from);
    const to = readMoment("to", filter.to);
    checkFields(filter);
    const query = textOf("transfers", [account, job, code, userData, result, after, through, from, to]);
    const cursor = filter.cursor === undefined ? undefined : this.#cursors.read(query, filter.cursor);
    const { slot, lastSequence } = await this.#atBoundary(() => ({
      slot: account === undefined ? undefined : this.#engine.ids.findAccount(account),
      lastSequence: this.#engine.transferCount,
    }));
    if (account !== undefined) await this.#prepareHistory();
    const span = await this.#span(after, Math.min(through, lastSequence), from, to);
    const found = await this.#find({
      ...{ before: cursor?.before ?? span.through + 1, after: span.after, limit: limit + 1 },
      ...(account === undefined ? {} : { account: { id: account, slot } }),
      ...(job === undefined ? {} : { job: jobOfName(job).hash }),
      ...(code === undefined ? {} : { code }),
      ...(userData === undefined ? {} : { userData }),
      ...(result === undefined ? {} : { result }),
    });
    const transfers: Transfer[] = [];
    for (const recorded of found.slice(0, limit)) transfers.push(await this.#transferOf(recorded));
    if (found.length <= limit) return { transfers };
    const position = { before: found[limit - 1]!.sequence, balance: 0n };
    return { transfers, cursor: this.#cursors.write(query, position) };
  }

  /** The account as it is between two batches, everything of it on disk. */
  #accountState(id: string): Promise<AccountState> {
    const { ids, accounts } = this.#engine;
    return this.#atBoundary(() => {
      const slot = ids.findAccount(id);
      if (slot === undefined) {
        throw new LedgerError("unknown_account", `the ledger has no account '${id}': check the id`, {
          details: { account: id },
        });
      }
      return { slot, balance: accounts.read(slot).balance, lastSequence: this.#engine.transferCount };
    });
  }

  /** Has the store read, once, what its index of accounts lacks; other calls of the store come in between. */
  #prepareHistory(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  async #prepare(): Promise<void> {
    while (!(await this.#store.prepareHistory()));
  }

  /** The sequences that all bounds leave. */
  async #span(after: number, through: number, from: bigint | undefined, to: bigint | undefined): Promise<Span> {
    const untilFrom = from === undefined ? 0 : await this.#store.sequenceAt(from - 1n);
    const untilTo = to === undefined ? through : await this.#store.sequenceAt(to);
    return { after: Math.max(after, untilFrom), through: Math.min(through, untilTo) };
  }

  /** The account after the transfer of this sequence: what came behind it is taken back. */
  async #positionAfter(state: AccountState, sequence: number): Promise<Position> {
    const { slot, lastSequence } = state;
    const through = Math.max(0, sequence);
    if (through === lastSequence) return { before: through + 1, balance: state.balance };
    const net = await this.#store.sumTransfers(slot, through, lastSequence);
    return { before: through + 1, balance: state.balance - net };
  }

  /** Up to `limit` transfers; as many calls of the store as it takes, and others' come in between. */
  async #find(query: TransferQuery): Promise<RecordedTransfer[]> {
    const found: RecordedTransfer[] = [];
    for (let before: number | undefined = query.before; before !== undefined && found.length < query.limit; ) {
      const { transfers, next } = await this.#store.findTransfers({
        ...query,
        before,
        limit: query.limit - found.length,
      });
      found.push(...transfers);
      before = next;
    }
    return found;
  }

  async #entryOf(recorded: RecordedTransfer, slot: number, balance: bigint): Promise<HistoryEntry> {
    const transfer = await this.#transferOf(recorded);
    const isCredit = recorded.creditSlot === slot;
    return {
      transfer,
      direction: isCredit ? "credit" : "debit",
      counterparty: isCredit ? transfer.debit : transfer.credit,
      amount: transfer.amount,
      balance,
    };
  }

  /** Reads memory between two batches; resolves once everything executed until then is on disk. */
  async #atBoundary<T>(read: () => T): Promise<T> {
    const value = await this.#engine.exclusively(async () => read());
    await this.#engine.flush();
    return value;
  }

  async #transferOf(recorded: RecordedTransfer): Promise<Transfer> {
    const { result, sequence, timestamp, job, row } = recorded;
    const { id, ...fields } = fieldsOf(recorded, this.#engine.accounts);
    return {
      id,
      result,
      ...(result === "ok" ? {} : { reason: resultMeaning(result) }),
      sequence,
      timestamp,
      ...fields,
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
