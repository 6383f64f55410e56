/**
 * A run of batches that is kept as a whole or not at all: one transaction of the store, however many groups it takes.
 *
 * The journal is the truth, so nothing more is needed for durability: what a transaction did not commit was never there.
 * Memory is ahead of the disk meanwhile, as it always is while a group commits; where the run is not kept, memory is
 * built anew from the store, as on opening.
 */
import type { Store } from "../stores/store.js";
import type { BatchRequest, Engine, ExecutedBatch } from "./engine.js";
import { restoreEngine } from "./open.js";

/** Where a job has its batches executed. An {@link Engine} is one: in turn with everybody else's. */
export interface BatchTarget {
  acquireContext(): Promise<number>;
  execute(context: number, request: BatchRequest): Promise<ExecutedBatch>;
  releaseContext(context: number): void;
}

/** What came of a run, and whether it is to be kept. */
export interface AtomicOutcome {
  readonly isKept: boolean;
}

/** Runs `action` alone, with one context: whatever else was asked for waits until it is over. */
export async function inTurn<Outcome>(
  engine: Engine,
  action: (turn: BatchTarget) => Promise<Outcome>,
): Promise<Outcome> {
  // Taken before the turn: those who wait for theirs may hold all the others.
  const context = await engine.acquireContext();
  const turn: BatchTarget = {
    acquireContext: async () => {
      await engine.hasLeft(context);
      return context;
    },
    execute: (own, request) => engine.executeInTurn(own, request),
    releaseContext: () => {},
  };
  try {
    return await engine.exclusively(() => action(turn));
  } finally {
    engine.releaseContext(context);
  }
}

/**
 * {@link together} in a turn of its own, so that nobody builds on what may not stay. What its batches recorded is on disk
 * when this resolves with `isKept`. `durable` of a batch means no more than written here.
 */
export function atomically<Outcome extends AtomicOutcome>(
  engine: Engine,
  store: Store,
  action: (turn: BatchTarget) => Promise<Outcome>,
): Promise<Outcome> {
  return inTurn(engine, (turn) => together(engine, store, () => action(turn)));
}

/**
 * Runs `action`, in the caller's turn, and keeps all that its batches recorded, as far as whoever runs this together with
 * more keeps that; or, without `isKept` and where `action` throws, leaves the ledger as it was before.
 *
 * Costs, where nothing is kept, as much as opening the ledger.
 */
export async function together<Outcome extends AtomicOutcome>(
  engine: Engine,
  store: Store,
  action: () => Promise<Outcome>,
): Promise<Outcome> {
  await engine.flush();
  await store.begin();
  let outcome: Outcome;
  try {
    outcome = await action();
    await engine.flush();
  } catch (error) {
    await takeBack(engine, store);
    throw error;
  }
  if (!outcome.isKept) {
    await takeBack(engine, store);
    return outcome;
  }
  try {
    await store.keep();
  } catch (error) {
    throw engine.fail(error);
  }
  return outcome;
}

async function takeBack(engine: Engine, store: Store): Promise<void> {
  // A ledger that has failed refuses everything anyway; the file is rolled back at once or when it is closed.
  if (engine.failure !== undefined) return void (await store.undo().catch(() => {}));
  try {
    await engine.flush();
    await restoreEngine(store, engine, await store.undo());
  } catch (error) {
    throw engine.fail(error);
  }
}
