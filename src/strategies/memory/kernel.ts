/** The compiled protocols, instantiated for a thread. */
import { instantiateBuilt } from "../../core/kernel.js";

/** What the module of the strategies exports. `lane` is an address, `strategy` a STRATEGY_* number. */
export interface StrategyKernel {
  /** Takes the operation in the lane over. Returns the first step and STEP_* flags. */
  beginOperation(lane: number, strategy: number): number;
  /** Makes one step. Returns the next one and STEP_* flags. */
  step(lane: number, strategy: number): number;
  /** Executes operations of the array, from `first` on. */
  runOperations(lane: number, strategy: number, first: number, count: number): void;
  /** Claims and executes operations of the array's first `count` until none is left. */
  runClaimed(lane: number, strategy: number, count: number): void;
}

export function instantiateStrategies(memory: WebAssembly.Memory): StrategyKernel {
  return instantiateBuilt("strategies.wasm", memory) as unknown as StrategyKernel;
}
