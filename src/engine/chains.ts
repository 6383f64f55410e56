/** Chains of transfers that take more than one batch. */
import { BatchResults, RecordWriter } from "../core/batch.js";
import { readTransfer } from "../core/checks.js";
import * as layout from "../core/layout.js";
import { TRANSFER_RESULTS } from "../core/results.js";
import type { NewTransfer, TransferResult } from "../core/types.js";
import type { Store } from "../stores/store.js";
import { atomically } from "./atomic.js";
import type { Engine } from "./engine.js";

/** Numbers of the results that the state gives as reasons, by their names. */
const STATE_REASONS: ReadonlyMap<string, number> = new Map(
  TRANSFER_RESULTS.filter(({ name, recorded }) => recorded && name !== "ok").map(({ name, number }) => [name, number]),
);

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

/** What became of each leg alone, in order, and whether that is to be kept. */
type Judge = (alone: readonly TransferResult[]) => boolean;

/**
 * Makes each leg for itself, in batches of one transaction of the store, and keeps all of it or nothing, as `judge`
 * says. Returns what became of each leg alone. Where it is not kept, nothing is recorded.
 */
export async function makeTogether(
  engine: Engine,
  store: Store,
  legs: readonly NewTransfer[],
  judge: Judge,
): Promise<readonly TransferResult[]> {
  const { alone } = await atomically(engine, store, async (target) => {
    const found: TransferResult[] = [];
    const context = await target.acquireContext();
    while (found.length < legs.length) {
      const writer = new RecordWriter(engine.ids, engine.memory, context);
      for (const leg of legs.slice(found.length, found.length + layout.BATCH_CAPACITY))
        writer.add(readTransfer(leg, 0));
      writer.finish();
      const { slices, flags, pendings, count } = writer;
      const promised = { transfers: count, pendings };
      engine.room.promise(promised);
      const plan = layout.PLAN_ORDERED | layout.PLAN_PART;
      await target.execute(context, { slices, promised, flags, plan });
      const results = new BatchResults(engine.bytes, context, count, flags);
      for (let index = 0; index < count; index++) found.push(results.get(index));
    }
    return { isKept: judge(found), alone: found };
  });
  return alone;
}

/** Makes a chain that takes more than one batch. Of one that breaks, only the leg is recorded that the state refused. */
export async function makeLongChain(
  engine: Engine,
  store: Store,
  legs: readonly NewTransfer[],
): Promise<TransferResult[]> {
  const failed: TransferResult = { result: "linked_event_failed", sequence: 0 };
  if (legs.at(-1)!.linked === true) {
    return legs.map((_, i) => (i < legs.length - 1 ? failed : { result: "linked_event_chain_open", sequence: 0 }));
  }
  const are = (results: readonly TransferResult[], code: string): boolean =>
    results.every(({ result }) => result === code);
  const alone = await makeTogether(engine, store, legs, (results) => are(results, "ok"));
  if (are(alone, "ok") || are(alone, "exists")) return [...alone];
  let breaker = alone.findIndex(({ result }) => result !== "ok" && !STATE_REASONS.has(result));
  if (breaker < 0) breaker = alone.findIndex(({ result }) => result !== "ok");
  const refusal = STATE_REASONS.get(alone[breaker]!.result);
  const why = refusal === undefined ? alone[breaker]! : await recordRefusal(engine, legs[breaker]!, refusal);
  return alone.map((_, index) => (index === breaker ? why : failed));
}

/** Records the leg that broke a chain, of which nothing else is. */
async function recordRefusal(engine: Engine, leg: NewTransfer, refusal: number): Promise<TransferResult> {
  const context = await engine.acquireContext();
  try {
    const writer = new RecordWriter(engine.ids, engine.memory, context);
    writer.add(readTransfer(leg, 0));
    writer.finish();
    const plan = layout.PLAN_ORDERED | layout.PLAN_PART;
    const promised = { transfers: 1, pendings: 0 };
    engine.room.promise(promised);
    const { durable } = await engine.execute(context, { slices: 1, promised, plan, refusal });
    const result = new BatchResults(engine.bytes, context, 1).get(0);
    await durable;
    return result;
  } finally {
    engine.releaseContext(context);
  }
}
