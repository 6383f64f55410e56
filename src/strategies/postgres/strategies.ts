/** The strategies in PostgreSQL, in the order in which they are shown. */
import { advisoryLock } from "./advisory-lock.js";
import { atomic } from "./atomic.js";
import { forUpdate } from "./for-update.js";
import { optimistic } from "./optimistic.js";
import type { PostgresStrategy } from "./postgres-strategy.js";
import { unsafe } from "./unsafe.js";

/** Those that need nothing but PostgreSQL. `redis-lock.ts` has those that need a lock beside it. */
export const POSTGRES_STRATEGIES: readonly PostgresStrategy[] = [unsafe, atomic, optimistic, advisoryLock, forUpdate];
