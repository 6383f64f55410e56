/** The strategies in PostgreSQL, in the order in which they are shown. */
import { advisoryLock } from "./advisory-lock.js";
import { atomic } from "./atomic.js";
import { forUpdate } from "./for-update.js";
import { optimistic } from "./optimistic.js";
import type { PostgresStrategy } from "./postgres-strategy.js";
import { REDIS_LOCK, REDLOCK } from "./redis-lock.js";
import { unsafe } from "./unsafe.js";

/** Those that need nothing but PostgreSQL. */
export const POSTGRES_STRATEGIES: readonly PostgresStrategy[] = [unsafe, atomic, optimistic, advisoryLock, forUpdate];

/** The terms of those that need a lock in Redis, made usable by `underLock`. */
export const REDIS_LOCK_TERMS = [REDIS_LOCK, REDLOCK] as const;
