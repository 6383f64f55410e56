/** Piscina entry point of the `kernel` benchmark: runs a row of batches with no way back to the pool in between. */
import { workerData } from "node:worker_threads";
import { instantiateKernel } from "../src/core/kernel.js";
import { type EngineWorkerData, Executor } from "../src/engine/executor.js";

const { memory, kernel } = (Array.isArray(workerData) ? workerData[1] : workerData) as EngineWorkerData;
const executor = new Executor(memory, instantiateKernel(memory, kernel));

/** Runs the batches in these contexts, in order, together with the pool's other workers. */
export default function runBatches(contexts: readonly number[]): void {
  for (const context of contexts) executor.run(context);
}
