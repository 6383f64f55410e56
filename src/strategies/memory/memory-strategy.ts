/** A strategy whose balances live in shared memory. */
import type { Strategy } from "../strategy.js";

export interface MemoryStrategy extends Strategy {
  readonly place: "memory";
  /** STRATEGY_* of the layout: which protocol the kernel follows. */
  readonly number: number;
  /** Whether more than one thread may execute operations at a time. */
  readonly isParallel: boolean;
  /** Whether operations are executed in batches, not step by step each. */
  readonly isBatched: boolean;
}
