/** The strategies in shared memory, in the order in which they are shown. */
import { atomic } from "./atomic.js";
import type { MemoryStrategy } from "./memory-strategy.js";
import { mutex } from "./mutex.js";
import { optimistic } from "./optimistic.js";
import { partitioned } from "./partitioned.js";
import { serial } from "./serial.js";
import { unsafe } from "./unsafe.js";

export const MEMORY_STRATEGIES: readonly MemoryStrategy[] = [serial, unsafe, atomic, optimistic, mutex, partitioned];
