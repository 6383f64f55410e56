/** The strategies in SQLite, in the order in which they are shown. */
import { atomic } from "./atomic.js";
import { optimistic } from "./optimistic.js";
import type { SqliteStrategy } from "./sqlite-strategy.js";

export const SQLITE_STRATEGIES: readonly SqliteStrategy[] = [atomic, optimistic];
