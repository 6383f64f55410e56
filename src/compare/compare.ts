/** Runs the whole comparison. */
import { startServers } from "../servers/servers.js";
import { MEMORY_STRATEGIES } from "../strategies/memory/strategies.js";
import { REDIS_LOCK, REDLOCK } from "../strategies/postgres/redis-lock.js";
import { POSTGRES_STRATEGIES } from "../strategies/postgres/strategies.js";
import { SQLITE_STRATEGIES } from "../strategies/sqlite/strategies.js";
import type { Strategy } from "../strategies/strategy.js";
import { COMPARISON_FORMAT, type Comparison } from "./comparison.js";
import { measureCoordination, measurePeers, measureSmallBank } from "./coordination.js";
import { describeMachine } from "./machine.js";
import { Measuring } from "./measuring.js";
import { measurePlaces, REDLOCK_NODES } from "./places.js";
import { fullPlan, type Plan, quickPlan } from "./plan.js";
import { measureRoundTrips, measureSignatures } from "./work.js";

export interface CompareOptions {
  readonly quick: boolean;
  readonly seed: number;
  /** As the user wrote it: the report says it. */
  readonly command: string;
  readonly onProgress?: (text: string) => void;
  /** Ends the comparison before the next repetition. */
  readonly signal?: AbortSignal;
  /** Other sizes than those that `quick` stands for. */
  readonly plan?: Plan;
}

/** Everything that can be compared, in the order in which it is shown. */
export const STRATEGIES: readonly Strategy[] = [
  ...MEMORY_STRATEGIES,
  ...SQLITE_STRATEGIES,
  ...POSTGRES_STRATEGIES,
  REDIS_LOCK,
  REDLOCK,
];

/** Measures everything that there are servers for. What there is no server for is listed as skipped. */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { quick, seed, command, onProgress = () => {}, signal } = options;
  const machine = describeMachine();
  const plan = options.plan ?? (quick ? quickPlan(machine.cores) : fullPlan(machine.cores));
  const measuring = new Measuring(plan, seed, onProgress, signal);
  const date = new Date().toISOString();
  const startedMs = performance.now();
  onProgress("starting servers");
  const servers = await startServers({ postgres: true, redisNodes: REDLOCK_NODES });
  try {
    for (const { name, reason } of servers.missing) measuring.skip(`strategies on ${name}`, reason);
    await measureSignatures(measuring);
    if (servers.postgres !== undefined) await measureRoundTrips(measuring, servers.postgres.url);
    await measureCoordination(measuring);
    await measureSmallBank(measuring);
    await measurePeers(measuring);
    await measurePlaces(measuring, servers);
  } finally {
    await servers.stop();
  }
  const { cells, workloads, skipped } = measuring;
  const versions = [
    ...(servers.postgres === undefined ? [] : [["PostgreSQL", servers.postgres.version]]),
    ...servers.redis.slice(0, 1).map(({ version }) => ["Redis", version]),
  ];
  return {
    format: COMPARISON_FORMAT,
    date,
    command,
    quick,
    seed,
    durationMs: Math.round(performance.now() - startedMs),
    machine,
    servers: Object.fromEntries(versions),
    strategies: STRATEGIES.map(termsOf),
    workloads,
    cells,
    skipped,
  };
}

/** A strategy's terms without what only its place needs. */
function termsOf({ name, place, safe, guarantee, cost, whenToUse, whenNot }: Strategy): Strategy {
  return { name, place, safe, guarantee, cost, whenToUse, whenNot };
}
