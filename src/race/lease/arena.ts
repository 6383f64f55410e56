/** Where clients race for a lock: two processes, the database that they write to, the Redis that has the lock. */
import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { connectRedis, openPostgresPool, type RedisClient } from "../../servers/clients.js";
import { ClientProcess } from "./client-process.js";

export interface Arena {
  readonly pool: Pool;
  readonly redis: RedisClient;
  /** A schema of the arena's own, gone when it closes. */
  readonly schema: string;
  readonly a: ClientProcess;
  readonly b: ClientProcess;
  close(): Promise<void>;
}

/** Starts the clients. Throws `race_failed` where one of them can't do its work. */
export async function openArena(postgresUrl: string, redisUrl: string): Promise<Arena> {
  const schema = `parallel_ledger_race_${randomBytes(6).toString("hex")}`;
  const pool = await openPostgresPool(postgresUrl, 1);
  const redis = await connectRedis(redisUrl);
  const a = new ClientProcess({ postgresUrl, redisUrl });
  const b = new ClientProcess({ postgresUrl, redisUrl, companion: a.processId });
  const close = async (): Promise<void> => {
    // B first: it would otherwise end A in its own way.
    await b.end();
    await a.end();
    redis.destroy();
    await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`).finally(() => pool.end());
  };
  try {
    await pool.query(`CREATE SCHEMA ${schema}`);
    await Promise.all([a.until("ready"), b.until("ready")]);
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  return { pool, redis, schema, a, b, close };
}
