/**
 * Chains of transfers that take more than one batch.
 *
 * A part of one is a batch whose legs are executed each for itself, until one is refused. All parts are one transaction
 * of the store, in one turn of the engine; where the chain breaks, all of it is undone, and only the leg is recorded
 * that the state refused. So the chain ends as it would have in one batch, and nothing of it grows with its length here.
 */
import { ACCOUNTS_A_CHUNK } from "../core/accounts.js";
import { BatchResults, RecordWriter } from "../core/batch.js";
import { readTransfer } from "../core/checks.js";
import { EXISTS, LINKED_EVENT_CHAIN_OPEN, LINKED_EVENT_FAILED, OK } from "../core/codes.js";
import { LedgerError } from "../core/errors.js";
import * as layout from "../core/layout.js";
import type { NewTransfer } from "../core/types.js";
import type { Store } from "../stores/store.js";
import { atomically, type BatchTarget, inTurn, together } from "./atomic.js";
import type { BatchRequest, ChainOfPart, Engine } from "./engine.js";
import { askedTransfer } from "./recorded.js";
import type { TransferNeed } from "./room.js";

/** Where the first chain that takes more than a batch begins and ends, or undefined; by the transfers' flags. */
export function longChain(flags: Uint32Array): readonly [from: number, end: number] | undefined {
  let from = 0;
  for (let index = 0; index < flags.length; index++) {
    if ((flags[index]! & layout.TRANSFER_LINKED) !== 0 && index + 1 < flags.length) continue;
    if (index + 1 - from > layout.BATCH_CAPACITY) return [from, index + 1];
    from = index + 1;
  }
  return undefined;
}

/** The legs of a chain, a part at a time. */
export interface ChainParts {
  /** Puts the next legs into the context, and says what their batch needs; undefined where there are no more. */
  fill(context: number): Promise<BatchRequest | undefined>;
  /** Is told of a part that was executed: its results are those of each leg alone. */
  take(context: number): void | Promise<void>;
  /** Whether the last leg is linked to one that never came. Asked at the end. */
  readonly isOpen: boolean;
}

/** The leg that broke a chain. */
export interface Breaker {
  /** Which leg it is, from 0. */
  readonly index: number;
  /** Number of its result. */
  readonly result: number;
  /** As in {@link layout.CX_DETAIL}. */
  readonly detail: number;
  /** 0 where none is recorded. */
  readonly sequence: number;
}

/** The last leg of a chain that is not ended. */
function openLeg(index: number): Breaker {
  return { index, result: LINKED_EVENT_CHAIN_OPEN, detail: 0, sequence: 0 };
}

/** A leg that the state refused, and how it is recorded. */
interface Refused {
  readonly index: number;
  readonly result: number;
  readonly leg: NewTransfer;
  readonly request: BatchRequest;
}

/** Executes the parts, in order, in the caller's turn. */
async function executeParts(
  engine: Engine,
  turn: BatchTarget,
  parts: Pick<ChainParts, "fill">,
  take: (context: number, request: BatchRequest) => void | Promise<void>,
): Promise<ChainOfPart> {
  let chain: ChainOfPart = { firstSequence: engine.transferCount + 1, timestamp: undefined };
  let left = 0;
  for (;;) {
    const context = await turn.acquireContext();
    try {
      const request = await parts.fill(context);
      if (request === undefined) return chain;
      const plan = (request.plan ?? 0) | layout.PLAN_ORDERED | layout.PLAN_PART | left;
      await turn.execute(context, { ...request, plan, chain });
      left |= engine.view.getUint32(context + layout.CX_PLAN, true) & layout.PLAN_LEFT;
      chain = { ...chain, timestamp: engine.view.getBigUint64(context + layout.CX_TIMESTAMP, true) };
      await take(context, request);
    } finally {
      turn.releaseContext(context);
    }
  }
}

/** Finds out from the parts what became of the chain: the twin of `decideChain` in the kernel. */
class Judge {
  readonly #engine: Engine;
  readonly #sequenceBefore: number;
  #count = 0;
  /** The first leg that was refused for what it says, or for what its id was used for before. */
  #settled: Breaker | undefined;
  /** The first leg whose id a later row of the same job has used since: it breaks the chain only if no other does. */
  #takenLater: Breaker | undefined;
  #refused: Refused | undefined;
  #isRepeated = true;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#sequenceBefore = engine.transferCount;
  }

  /** The leg that the state refused first, if no other leg broke the chain before it was tried. */
  get refused(): Refused | undefined {
    return (this.#settled ?? this.#takenLater) === undefined ? this.#refused : undefined;
  }

  /** Whether legs were recorded that must not be, as later rows of the same job have used their ids. */
  get isTakenLater(): boolean {
    return this.#takenLater !== undefined;
  }

  /** The leg that broke the chain before it was tried, or undefined. */
  breaker(isOpen: boolean): Breaker | undefined {
    if (isOpen) return openLeg(this.#count - 1);
    return this.#isRepeated ? undefined : (this.#settled ?? this.#takenLater);
  }

  async take(context: number, request: BatchRequest): Promise<void> {
    const { bytes } = this.#engine;
    for (let slice = 0; slice < request.slices; slice++) {
      const first = slice * layout.SLICE_CAPACITY;
      const end = first + this.#engine.sliceField(context, slice, layout.SL_COUNT);
      for (let index = first; index < end; index++, this.#count++) {
        const result = bytes[context + layout.CX_RESULT + index]!;
        if (bytes[context + layout.CX_STATE + index] !== layout.STATE_FRESH) this.#takeSettled(context, index, result);
        else {
          this.#isRepeated = false;
          if (result === OK || result === LINKED_EVENT_FAILED) continue;
          this.#refused ??= await this.#refusedLeg(context, index, request);
        }
      }
    }
  }

  #takeSettled(context: number, index: number, result: number): void {
    const detail = this.#engine.bytes[context + layout.CX_DETAIL + index]!;
    const isReplayed = detail === layout.DETAIL_REPLAYED;
    const sequence = this.#sequence(context, index);
    const isKnown = this.#engine.bytes[context + layout.CX_STATE + index] === layout.STATE_KNOWN;
    const wasMade = result === EXISTS || (result === OK && isReplayed);
    // What repeats a leg of its own chain repeats nothing that was made.
    if (!wasMade || !isKnown || sequence > this.#sequenceBefore) this.#isRepeated = false;
    if (isKnown && this.#engine.bytes[context + layout.CX_REPEATED + index] === layout.TAKEN_LATER) {
      this.#takenLater ??= { index: this.#count, result, detail, sequence };
      return;
    }
    // What this same job recorded before broke the chain then, whatever has been done with other ids since.
    const isRefusal = isReplayed && result !== OK;
    const wasRefusal = this.#settled?.detail === layout.DETAIL_REPLAYED && this.#settled.result !== EXISTS;
    if (this.#settled !== undefined && (!isRefusal || wasRefusal)) return;
    this.#settled = {
      index: this.#count,
      // A leg that this job made before, in a chain that said something else then.
      result: result === OK ? EXISTS : result,
      detail,
      // What was recorded since the chain began will not have been.
      sequence: sequence > this.#sequenceBefore ? 0 : sequence,
    };
  }

  async #refusedLeg(context: number, index: number, { job, ...request }: BatchRequest): Promise<Refused> {
    const { accounts } = this.#engine;
    const result = this.#engine.bytes[context + layout.CX_RESULT + index]!;
    const leg = askedTransfer(await this.#engine.recorded(this.#sequence(context, index)), accounts);
    if (job === undefined) return { index: this.#count, result, leg, request };
    const row = job.firstRow + BigInt(this.#rowsBefore(context, index));
    return { index: this.#count, result, leg, request: { ...request, job: { ...job, firstRow: row } } };
  }

  /** Records of the batch before this one. */
  #rowsBefore(context: number, index: number): number {
    const slice = Math.floor(index / layout.SLICE_CAPACITY);
    return this.#engine.sliceField(context, slice, layout.SL_ROW_BASE) + (index % layout.SLICE_CAPACITY);
  }

  #sequence(context: number, index: number): number {
    return this.#engine.view.getUint32(context + layout.CX_SEQUENCE + index * 4, true);
  }
}

/**
 * Makes a chain, in the caller's turn. Returns the leg that broke it, all others of which have failed with it; or
 * undefined where it was made, now or before, so that what became of each leg alone stands.
 */
export async function makeChain(
  engine: Engine,
  store: Store,
  turn: BatchTarget,
  parts: ChainParts,
): Promise<Breaker | undefined> {
  const accountsBefore = engine.accounts.count;
  const judge = new Judge(engine);
  const { breaker, refused, chain, created } = await together(engine, store, async () => {
    const chain = await executeParts(engine, turn, parts, async (context, request) => {
      await judge.take(context, request);
      await parts.take(context);
    });
    const breaker = judge.breaker(parts.isOpen);
    const refused = breaker === undefined ? judge.refused : undefined;
    const created = refused === undefined ? [] : accountsSince(engine, accountsBefore);
    const isKept = breaker === undefined && refused === undefined && !judge.isTakenLater;
    return { isKept, breaker, refused, chain, created };
  });
  if (refused === undefined) return breaker;
  // A leg that is tried leaves the accounts that it created, whatever becomes of its chain.
  await createAgain(engine, created, chain);
  return recordRefusal(engine, turn, refused, chain);
}

/** An account that rows of a job created. */
interface CreatedAccount {
  readonly id: string;
  readonly asset: number;
  readonly flags: number;
}

function accountsSince({ accounts }: Engine, slot: number): CreatedAccount[] {
  const created: CreatedAccount[] = [];
  for (let at = slot; at < accounts.count; at++) {
    created.push({ id: accounts.id(at), asset: accounts.asset(at), flags: accounts.flags(at) });
  }
  return created;
}

async function createAgain(
  engine: Engine,
  created: readonly CreatedAccount[],
  { timestamp }: ChainOfPart,
): Promise<void> {
  const { ids, kernel, accounts } = engine;
  for (let from = 0; from < created.length; from += ACCOUNTS_A_CHUNK) {
    const before = accounts.count;
    for (const { id, asset, flags } of created.slice(from, from + ACCOUNTS_A_CHUNK)) {
      const kind = ids.write(id, layout.KEY_SCRATCH, layout.TEXT_SCRATCH);
      const known = flags & layout.ACCOUNT_FLAGS_KNOWN;
      const place = [layout.KEY_SCRATCH, kind, layout.TEXT_SCRATCH] as const;
      if (kernel.createAccount(...place, asset, known, 0, 0n, 0n, 0n, 0n, 0) !== 0) {
        throw engine.fail(new LedgerError("internal", `there was room for account '${id}' a moment ago: a bug`));
      }
    }
    await engine.commitAccounts(before, new Map(), timestamp);
  }
}

/** Records the leg that broke a chain, of which nothing else is. */
async function recordRefusal(
  engine: Engine,
  turn: BatchTarget,
  { index, result, leg, request }: Refused,
  chain: ChainOfPart,
): Promise<Breaker> {
  const context = await turn.acquireContext();
  try {
    const writer = new RecordWriter(engine.ids, engine.memory, context);
    writer.add(readTransfer(leg, 0));
    writer.finish();
    const promised = { transfers: 1, pendings: 0 };
    engine.room.promise(promised);
    const { durable } = await turn.execute(context, {
      ...request,
      ...{ slices: 1, promised, refusal: result, chain },
      plan: layout.PLAN_ORDERED | layout.PLAN_PART | ((request.plan ?? 0) & layout.PLAN_CREATE),
    });
    const sequence = engine.view.getUint32(context + layout.CX_SEQUENCE, true);
    await durable;
    return { index, result, detail: 0, sequence };
  } finally {
    turn.releaseContext(context);
  }
}

/** The parts of a chain that is at hand. */
class Legs implements ChainParts {
  readonly results: BatchResults[] = [];
  readonly #engine: Engine;
  readonly #legs: readonly NewTransfer[];
  #filled = 0;
  /** Of the part that was filled last. */
  #count = 0;
  #flags = 0;
  /** Room that is promised to legs which are in no part yet; undefined where each part asks for its own. */
  #promised: TransferNeed | undefined;

  constructor(engine: Engine, legs: readonly NewTransfer[], promised?: TransferNeed) {
    this.#engine = engine;
    this.#legs = legs;
    this.#promised = promised;
  }

  get isOpen(): boolean {
    return this.#legs.at(-1)?.linked === true;
  }

  async fill(context: number): Promise<BatchRequest | undefined> {
    if (this.#filled === this.#legs.length) return undefined;
    const writer = new RecordWriter(this.#engine.ids, this.#engine.memory, context);
    for (const leg of this.#legs.slice(this.#filled, this.#filled + layout.BATCH_CAPACITY)) {
      writer.add(readTransfer(leg, this.#filled));
    }
    writer.finish();
    const { slices, flags, pendings, count } = writer;
    this.#filled += count;
    this.#count = count;
    this.#flags = flags;
    const promised = { transfers: count, pendings };
    if (this.#promised === undefined) this.#engine.room.promise(promised);
    else this.#promised = needWithout(this.#promised, promised);
    return { slices, promised, flags };
  }

  /** Gives back the room of legs that came into no part. */
  releaseRest(): void {
    if (this.#promised !== undefined) this.#engine.room.release(this.#promised);
  }

  take(context: number): void {
    this.results.push(new BatchResults(this.#engine.bytes, context, this.#count, this.#flags));
  }
}

/**
 * Makes transfers together, in batches of one transaction of the store, and keeps all of them or nothing, as `judge`
 * says of what became of each alone. Returns that, up to the first that was refused.
 */
export async function makeTogether(
  engine: Engine,
  store: Store,
  transfers: readonly NewTransfer[],
  judge: (alone: readonly BatchResults[]) => boolean,
): Promise<readonly BatchResults[]> {
  const legs = new Legs(engine, transfers);
  await atomically(engine, store, async (turn) => {
    await executeParts(engine, turn, legs, (context) => legs.take(context));
    return { isKept: judge(legs.results) };
  });
  return legs.results;
}

/**
 * Makes a chain of transfers that takes more than one batch. Returns the results, those of a batch each. Gives the room
 * back that was `promised` to all of it; where none was, each batch asks for its own.
 */
export async function makeLongChain(
  engine: Engine,
  store: Store,
  transfers: readonly NewTransfer[],
  promised?: TransferNeed,
): Promise<readonly BatchResults[]> {
  const legs = new Legs(engine, transfers, promised);
  try {
    if (legs.isOpen) return failedParts(transfers.length, openLeg(transfers.length - 1));
    const breaker = await inTurn(engine, (turn) => makeChain(engine, store, turn, legs));
    return breaker === undefined ? legs.results : failedParts(transfers.length, breaker);
  } finally {
    legs.releaseRest();
  }
}

function needWithout(whole: TransferNeed, part: TransferNeed): TransferNeed {
  return { transfers: whole.transfers - part.transfers, pendings: whole.pendings - part.pendings };
}

function failedParts(count: number, breaker: Breaker): BatchResults[] {
  const parts: BatchResults[] = [];
  for (let first = 0; first < count; first += layout.BATCH_CAPACITY) {
    const index = breaker.index - first;
    parts.push(BatchResults.failed(Math.min(layout.BATCH_CAPACITY, count - first), { ...breaker, index }));
  }
  return parts;
}
