/** The compiled protocols, instantiated for a thread. */
import { builtModule, instantiate } from "../../core/kernel.js";

/** What the module of the strategies exports. `lane` is an address, `strategy` a STRATEGY_* number. */
export interface StrategyKernel {
  /** Takes the operation in the lane over. Returns the first step and STEP_* flags. */
  beginOperation(lane: number, strategy: number): number;
  /** Makes one step. Returns the next one and STEP_* flags. */
  step(lane: number, strategy: number): number;
  /** For `partitioned`: makes the array's operations from `first` to before `end` a run. */
  openRun(first: number, end: number): void;
  /** For `partitioned`: executes a unit of the run. 1: it did; 0: all is claimed, others finish; -1: the run is over. */
  runUnit(lane: number): number;
  /** Pauses the calling thread as the conflicts of the lane's operation ask for. */
  backOff(lane: number): void;
  /** Executes operations of the array, from `first` on. */
  runOperations(lane: number, strategy: number, first: number, count: number): void;
  /** Claims and executes operations of the array up to before `end` until none is left. */
  runClaimed(lane: number, strategy: number, end: number): void;
  /** Like `runClaimed`, not for `partitioned`: stamps when each operation began and ended. */
  runRecorded(lane: number, strategy: number, end: number): void;
}

export function instantiateStrategies(memory: WebAssembly.Memory): StrategyKernel {
  const words = new Int32Array(memory.buffer);
  const sleep = (address: number, expected: number, milliseconds: number): void => {
    Atomics.wait(words, address >>> 2, expected, milliseconds);
  };
  return instantiate(builtModule("strategies.wasm"), memory, { sleep }) as unknown as StrategyKernel;
}
