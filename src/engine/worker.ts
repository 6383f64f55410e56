/** What a worker of the pool does: attach once, then run the batch whose context it is given. */
import { workerData } from "node:worker_threads";
import { instantiateKernel } from "../core/kernel.js";
import { SB_ATTACHED, SUPERBLOCK } from "../core/layout.js";
import { checkMemory } from "../core/memory.js";
import { type EngineWorkerData, type ExecutionOutcome, Executor, NO_CONTEXT } from "./executor.js";

const ATTACH_MS_MAX = 10_000;

// Piscina hands over its own data and ours as a pair.
const { memory, kernel, workers } = (Array.isArray(workerData) ? workerData[1] : workerData) as EngineWorkerData;
checkMemory(memory);
const executor = new Executor(memory, instantiateKernel(memory, kernel));

/** Waits until every worker of the pool is here, so that none is still starting when the first batch comes. */
function meetOthers(): ExecutionOutcome {
  const words = new Int32Array(memory.buffer);
  const word = (SUPERBLOCK + SB_ATTACHED) >>> 2;
  let attached = Atomics.add(words, word, 1) + 1;
  Atomics.notify(words, word);
  while (attached < workers) {
    if (Atomics.wait(words, word, attached, ATTACH_MS_MAX) === "timed-out") return "aborted";
    attached = Atomics.load(words, word);
  }
  return "done";
}

/** Runs the batch in `context` together with the pool's other workers. */
export function executeBatch(context: number): ExecutionOutcome {
  return context === NO_CONTEXT ? meetOthers() : executor.run(context);
}
