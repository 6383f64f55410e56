/** Calls that make transfers: those made while a batch executes share the next one. */
import type { RecordWriter } from "../core/batch.js";
import { invalid, readItems, readTransfer } from "../core/checks.js";
import { TRANSFER_LINKED, TRANSFER_PENDING } from "../core/layout.js";
import type { NewTransfer, TransferResult } from "../core/types.js";
import type { Store } from "../stores/store.js";
import { acquireWriter, executeWritten } from "./batches.js";
import { longChain, makeLongChain } from "./chains.js";
import type { Engine } from "./engine.js";
import type { TransferNeed } from "./room.js";

/** Batches of direct calls executing or waiting to; further calls gather meanwhile and share the next batch. */
const BATCHES_IN_FLIGHT = 2;

/** A call under way. */
interface Call {
  readonly transfers: readonly NewTransfer[];
  /** What each of them has. */
  readonly flags: Uint32Array;
  readonly results: TransferResult[];
  /** Transfers written into batches so far. */
  taken: number;
  /** Transfers whose results are on disk. */
  settled: number;
  readonly resolve: (results: TransferResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Transfers of a call that go into one batch. */
interface Share {
  readonly call: Call;
  readonly from: number;
  readonly count: number;
}

export class Calls {
  readonly #engine: Engine;
  readonly #store: Store;
  /** In their order. A set, for an array of many takes as long to give its first as they are many. */
  readonly #calls = new Set<Call>();
  #inFlight = 0;
  #pumping = false;

  constructor(engine: Engine, store: Store) {
    this.#engine = engine;
    this.#store = store;
  }

  /** Makes transfers, in order. Resolves with a result each once all of them are on disk. */
  async make(transfers: readonly NewTransfer[]): Promise<TransferResult[]> {
    // The caller may use its array again while the call waits.
    const own = readItems(transfers, "transfers");
    return this.#makeTransfers(
      own,
      Uint32Array.from(own, (transfer, index) => readTransfer(transfer, index).flags),
    );
  }

  /** {@link make} of what was checked, which gave the flags. */
  async #makeTransfers(transfers: readonly NewTransfer[], flags: Uint32Array): Promise<TransferResult[]> {
    if (transfers.length === 0) return [];
    // What takes several batches is refused as a whole: a later one must not be made where an earlier one was refused.
    this.#engine.room.promise(needOf(flags));
    const long = longChain(flags);
    if (long !== undefined) return this.#makeAround(transfers, flags, long);
    return new Promise((resolve, reject) => {
      this.#calls.add({
        transfers,
        flags,
        results: new Array(transfers.length),
        taken: 0,
        settled: 0,
        resolve,
        reject,
      });
      void this.#pump();
    });
  }

  /** Makes the transfers of a call with a chain that no batch holds: those before it, the chain, those behind it. */
  async #makeAround(
    transfers: readonly NewTransfer[],
    flags: Uint32Array,
    [from, end]: readonly [number, number],
  ): Promise<TransferResult[]> {
    const { room } = this.#engine;
    const parts = [flags.subarray(0, from), flags.subarray(from, end), flags.subarray(end)] as const;
    // What waits keeps its room: the call is refused as a whole, or not at all.
    const waiting = parts.map(needOf);
    try {
      // These two ask for theirs again, at once.
      room.release(waiting.shift()!);
      const before = await this.#makeTransfers(transfers.slice(0, from), parts[0]);
      const chain = await makeLongChain(this.#engine, this.#store, transfers.slice(from, end), waiting.shift());
      room.release(waiting.shift()!);
      const behind = await this.#makeTransfers(transfers.slice(end), parts[2]);
      const made = chain.flatMap((results) => Array.from({ length: results.length }, (_, index) => results.get(index)));
      return [...before, ...made, ...behind];
    } finally {
      for (const need of waiting) room.release(need);
    }
  }

  /** Fills batches from the calls that wait, and starts them. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#calls.size > 0 && this.#inFlight < BATCHES_IN_FLIGHT) {
      this.#inFlight++;
      const writer = await acquireWriter(this.#engine);
      const shares = this.#fill(writer);
      void this.#settleShares(writer, shares);
    }
    this.#pumping = false;
  }

  /** Moves waiting transfers into the batch, and says whose they are. */
  #fill(writer: RecordWriter): Share[] {
    const shares: Share[] = [];
    for (const call of this.#calls) {
      if (writer.isFull) break;
      const from = call.taken;
      const end = endOfShare(call, writer.capacityLeft);
      // Its next chain does not fit beside what is there.
      if (end === call.taken) break;
      try {
        while (call.taken < end) {
          const transfer = readTransfer(call.transfers[call.taken]!, call.taken);
          if (transfer.flags !== call.flags[call.taken]) throw new Error("it is of another kind now");
          writer.add(transfer);
          call.taken++;
        }
      } catch (cause) {
        // Its caller changed it after the call: what was taken before it is made, the rest is not.
        this.#releaseRest(call);
        call.reject(invalid(`transfer ${call.taken} was changed while its call was under way: ${cause}`));
        this.#calls.delete(call);
      }
      shares.push({ call, from, count: call.taken - from });
      if (!this.#calls.has(call)) continue;
      if (call.taken < call.transfers.length) break;
      this.#calls.delete(call);
      // A chain that its call does not end is open: the next call must not end it.
      if ((call.flags.at(-1)! & TRANSFER_LINKED) !== 0) break;
    }
    return shares;
  }

  /** Gives back the room promised to what a call has not put into batches. */
  #releaseRest({ flags, taken }: Call): void {
    this.#engine.room.release(needOf(flags.subarray(taken)));
  }

  async #settleShares(writer: RecordWriter, shares: readonly Share[]): Promise<void> {
    try {
      const { results, durable } = await executeWritten(this.#engine, writer, () => {
        this.#inFlight--;
        void this.#pump();
      });
      await durable;
      let index = 0;
      for (const { call, from, count } of shares) {
        for (let i = 0; i < count; i++) call.results[from + i] = results.get(index++);
        call.settled += count;
        if (call.settled === call.transfers.length) call.resolve(call.results);
      }
    } catch (error) {
      for (const { call } of shares) {
        call.reject(error);
        if (this.#calls.delete(call)) this.#releaseRest(call);
      }
    }
  }
}

/**
 * Where the transfers of a call end that go into a batch which has room for `room` more: a chain is not torn apart. One
 * that no batch holds is not among them.
 */
function endOfShare({ flags, taken }: Call, room: number): number {
  let end = Math.min(flags.length, taken + room);
  if (end === flags.length) return end;
  while (end > taken && (flags[end - 1]! & TRANSFER_LINKED) !== 0) end--;
  return end;
}

/** What transfers of these flags take. */
function needOf(flags: Uint32Array): TransferNeed {
  let pendings = 0;
  for (const of of flags) if ((of & TRANSFER_PENDING) !== 0) pendings++;
  return { transfers: flags.length, pendings };
}
