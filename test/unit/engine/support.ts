/** What the engine's tests share: threads at hand, batches filled by hand. */
import type { Worker } from "node:worker_threads";
import { RecordWriter } from "../../../src/core/batch.js";
import type { NewTransfer } from "../../../src/core/types.js";
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
export async function fill(engine: Engine, transfers: readonly NewTransfer[]): Promise<RecordWriter> {
  const writer = new RecordWriter(engine.ids, engine.memory, await engine.acquireContext());
  for (const { id, debit, credit, amount, code, userData } of transfers) {
    writer.write(id, debit, credit, amount, code ?? 0, userData);
  }
  writer.finish();
  return writer;
}

export const turn = (milliseconds = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
