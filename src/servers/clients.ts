/** Clients of the servers, from packages that need not be installed. */
import type { Pool } from "pg";
import type { RedisClientType } from "redis";
import { LedgerError } from "../core/errors.js";
import { importPeer } from "../core/peer.js";

const CONNECT_MS_MAX = 10_000;

/** A Redis client with its commands. */
export type RedisClient = RedisClientType;

/** A pool of at most `connections` connections. The first query makes the first of them. */
export async function openPostgresPool(url: string, connections: number): Promise<Pool> {
  const { default: pg } = await importPeer("pg", () => import("pg"));
  const pool = new pg.Pool({ connectionString: url, max: connections, connectionTimeoutMillis: CONNECT_MS_MAX });
  // A server that goes away breaks idle connections too; the next query reports it.
  pool.on("error", () => {});
  return pool;
}

/** A connected client. A command fails at once while the connection is broken: a lock that is queued is no lock. */
export async function connectRedis(url: string): Promise<RedisClient> {
  const { createClient } = await importPeer("redis", () => import("redis"));
  let isConnected = false;
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: CONNECT_MS_MAX,
      reconnectStrategy: (retries, cause) => (isConnected ? Math.min(retries * 50, 500) : cause),
    },
  });
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    client.destroy();
    throw unreachable("Redis", url, error);
  }
  isConnected = true;
  return client as unknown as RedisClient;
}

/** The version of the PostgreSQL at `url`. Throws `server_failed` where it can't be reached. */
export async function postgresVersion(url: string): Promise<string> {
  const pool = await openPostgresPool(url, 1);
  try {
    const { rows } = await pool.query<{ server_version: string }>("SHOW server_version");
    return rows[0]!.server_version.split(" ")[0]!;
  } catch (error) {
    throw unreachable("PostgreSQL", url, error);
  } finally {
    await pool.end();
  }
}

/** The version of the Redis at `url`. Throws `server_failed` where it can't be reached. */
export async function redisVersion(url: string): Promise<string> {
  const client = await connectRedis(url);
  try {
    return /redis_version:(\S+)/.exec(await client.info("server"))?.[1] ?? "unknown";
  } finally {
    client.destroy();
  }
}

function unreachable(name: string, url: string, cause: unknown): LedgerError {
  // Never the whole URL: it may hold a password.
  const where = URL.canParse(url) ? new URL(url).host : "an address that is not a URL";
  const said = cause instanceof AggregateError ? cause.errors.map(String).join(", ") : String(cause);
  return new LedgerError("server_failed", `${name} at ${where} does not answer: ${said}`, {
    cause,
    details: { server: name, host: where },
  });
}
