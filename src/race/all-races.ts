/** All races, on the servers that there are. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Servers, startServers } from "../servers/servers.js";
import { openArena } from "./lease/arena.js";
import { leaseRaces, type Pause } from "./lease/lease-races.js";
import type { RaceCase } from "./race-case.js";
import { retryRaces } from "./retry-races.js";
import {
  eventLoopRaces,
  postgresRaces,
  REDLOCK_NODES,
  redisLockRaces,
  sqliteRaces,
  threadRaces,
} from "./strategy-races.js";

/** Parts that can be asked for one by one. */
export const RACE_PARTS = ["event-loop", "threads", "sqlite", "postgres", "lock", "retry"] as const;

export type RacePart = (typeof RACE_PARTS)[number];

/** Races that can't be run here, and why. */
export interface SkippedRaces {
  readonly races: string;
  readonly reason: string;
}

/** Races that are ready to be run, and what they need. */
export interface PreparedRaces {
  readonly races: readonly RaceCase[];
  readonly skipped: readonly SkippedRaces[];
  readonly servers: Pick<Servers, "postgres" | "redis">;
  /** Ends the servers and clients; waits until nothing of them is left. */
  close(): Promise<void>;
}

/** Windows has no signal that stops a process. */
const PAUSES: readonly Pause[] = process.platform === "win32" ? ["blocked"] : ["stopped", "blocked"];

/** Makes the races of these parts, and starts the servers that they need. */
export async function prepareRaces(parts: ReadonlySet<RacePart>): Promise<PreparedRaces> {
  const redisNodes = parts.has("postgres") ? REDLOCK_NODES : 1;
  const needsPostgres = parts.has("postgres") || parts.has("lock");
  const servers = await startServers({ postgres: needsPostgres, redisNodes: needsPostgres ? redisNodes : 0 });
  const ends: (() => Promise<void>)[] = [() => servers.stop()];
  const close = async (): Promise<void> => {
    for (const end of ends.toReversed()) await end();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-race-"));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const { postgres, redis } = servers;
    const races: RaceCase[] = [];
    if (parts.has("event-loop")) races.push(...eventLoopRaces());
    if (parts.has("threads")) races.push(...threadRaces());
    if (parts.has("sqlite")) races.push(...sqliteRaces(folder));
    if (parts.has("postgres") && postgres !== undefined) {
      races.push(...postgresRaces(postgres.url), ...redisLockRaces(postgres.url, redis));
    }
    if (parts.has("lock") && postgres !== undefined && redis[0] !== undefined) {
      const arena = await openArena(postgres.url, redis[0].url);
      ends.push(() => arena.close());
      races.push(...PAUSES.flatMap((pause) => leaseRaces(arena, pause)));
    }
    if (parts.has("retry")) races.push(...retryRaces());
    return { races, skipped: skippedRaces(parts, servers), servers: { postgres, redis }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function skippedRaces(parts: ReadonlySet<RacePart>, { postgres, redis, missing }: Servers): SkippedRaces[] {
  const reason = missing.map((server) => `${server.name}: ${server.reason}`).join("; ");
  const skipped: SkippedRaces[] = [];
  if (parts.has("postgres")) {
    if (postgres === undefined) skipped.push({ races: "every strategy on PostgreSQL", reason });
    else if (redis.length === 0) skipped.push({ races: "redis-lock and redlock on PostgreSQL", reason });
    else if (redis.length < REDLOCK_NODES) {
      const found = `it needs ${REDLOCK_NODES} independent Redis servers, and REDIS_URL names ${redis.length}`;
      skipped.push({ races: "redlock on PostgreSQL", reason: `${found}: name more of them, separated by commas` });
    }
  }
  if (parts.has("lock")) {
    if (postgres === undefined || redis.length === 0) skipped.push({ races: "the lock that expires", reason });
    else if (!PAUSES.includes("stopped")) {
      skipped.push({
        races: "the lock that expires, its holder stopped",
        reason: `no process can be stopped on ${process.platform}`,
      });
    }
  }
  return skipped;
}
