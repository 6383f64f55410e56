/** What the engine's tests share: threads at hand, batches filled by hand, ids that collide. */
import type { Worker } from "node:worker_threads";
import { RecordWriter } from "../../../src/core/batch.js";
import * as layout from "../../../src/core/layout.js";
import type { PlainTransfer } from "../../../src/core/types.js";
import type { Engine } from "../../../src/engine/engine.js";

/** Runs the action and collects the threads that it starts. */
export async function withThreads<T>(action: () => Promise<T>): Promise<{ value: T; threads: Worker[] }> {
  const threads: Worker[] = [];
  const collect = (thread: Worker): void => void threads.push(thread);
  process.on("worker", collect);
  try {
    return { value: await action(), threads };
  } finally {
    process.off("worker", collect);
  }
}

/** Fills a context with transfers; `execute` it, read its results, and give it back. */
export async function fill(engine: Engine, transfers: readonly PlainTransfer[]): Promise<RecordWriter> {
  const writer = new RecordWriter(engine.ids, engine.memory, await engine.acquireContext());
  for (const { id, debit, credit, amount, code, userData } of transfers) {
    writer.write(id, debit, credit, amount, code ?? 0, userData ?? 0n);
  }
  writer.finish();
  return writer;
}

export const turn = (milliseconds = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const MASK = 2n ** 64n - 1n;
const ASCII = 0x8080808080808080n;

/** The first half of the kernel's placement hash, which mixes an id's first eight bytes. */
function mixLow(low: bigint, seedLow: bigint): bigint {
  const mixed = ((low ^ seedLow) * 0x9e3779b97f4a7c15n) & MASK;
  return mixed ^ (mixed >> 32n);
}

function textOf(low: bigint, high: bigint): string {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(low, 0);
  bytes.writeBigUInt64LE(high, 8);
  return bytes.toString("latin1");
}

/**
 * Ids of 16 ASCII bytes that collide under the ledger's own seed. The hash adds the last eight bytes to what the first
 * eight were mixed to, so any first eight leave one choice of the last; one in 256 of those is ASCII.
 */
export function collidingIds(engine: Engine, count: number): string[] {
  const seedLow = engine.view.getBigUint64(layout.SUPERBLOCK + layout.SB_SEED_LOW, true);
  const seedHigh = engine.view.getBigUint64(layout.SUPERBLOCK + layout.SB_SEED_HIGH, true);
  const ids: string[] = [];
  const sum = 0x1234567890abcdefn;
  for (let i = 0n; ids.length < count; i++) {
    const low = Buffer.from(i.toString().padStart(8, "0")).readBigUInt64LE();
    const high = ((sum - mixLow(low, seedLow)) & MASK) ^ seedHigh;
    if ((high & ASCII) === 0n) ids.push(textOf(low, high));
  }
  return ids;
}
