/** Servers are real, are where they say, and are gone when whoever needed them is, however that came about. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connectRedis, openPostgresPool } from "../../../src/servers/clients.js";
import { startServers } from "../../../src/servers/servers.js";
import { temporaryFolder } from "../../support/ledgers.js";

const GONE_MS_MAX = 30_000;
const hasNoRedis = spawnSync("redis-server", ["--version"]).error !== undefined;
if (hasNoRedis) console.warn("SKIPPED: tests of Redis servers, as there is no redis-server in PATH");
const redisNodes = hasNoRedis ? 0 : 3;

/** Where the servers put their files: a folder of the test's own, which another system user can enter. */
let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
  chmodSync(folder, 0o755);
  vi.stubEnv("TMPDIR", folder);
  vi.stubEnv("DATABASE_URL", "");
  vi.stubEnv("REDIS_URL", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  return once(socket, "connect")
    .then(() => true)
    .catch(() => false)
    .finally(() => socket.destroy());
}

async function expectGone(urls: readonly string[]): Promise<void> {
  await expect
    .poll(async () => [readdirSync(folder), ...(await Promise.all(urls.map(answers)))], { timeout: GONE_MS_MAX })
    .toEqual([[], ...urls.map(() => false)]);
}

test("a PostgreSQL with durable commits and independent Redis servers start, and nothing is left of them", async () => {
  const servers = await startServers({ postgres: true, redisNodes });
  expect(servers.missing).toEqual([]);
  const urls = [servers.postgres!.url, ...servers.redis.map(({ url }) => url)];
  expect(new Set(urls).size).toBe(1 + redisNodes);
  expect(servers.postgres).toMatchObject({ origin: "started", version: expect.stringMatching(/^\d+\.\d+/) });

  const pool = await openPostgresPool(servers.postgres!.url, 1);
  for (const setting of ["fsync", "synchronous_commit", "full_page_writes"]) {
    expect((await pool.query(`SHOW ${setting}`)).rows).toEqual([{ [setting]: "on" }]);
  }
  await pool.end();
  for (const { url } of servers.redis) {
    const client = await connectRedis(url);
    expect(await client.dbSize()).toBe(0);
    await client.set("who", "one node");
    client.destroy();
  }

  await servers.stop();
  await expectGone(urls);
});

test.each(["SIGKILL", "SIGTERM"] as const)(
  "the servers of a process that %s ends are gone soon after",
  async (signal) => {
    const starter = fileURLToPath(new URL("starter.mjs", import.meta.url));
    const child = spawn(process.execPath, [starter, String(redisNodes)], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
    const urls = JSON.parse(line) as string[];
    expect(urls.length).toBe(1 + redisNodes);
    expect(await Promise.all(urls.map(answers))).toEqual(urls.map(() => true));
    child.kill(signal);
    await once(child, "close");
    await expectGone(urls);
  },
);

test("servers that the environment names are used, and left running", async () => {
  const started = await startServers({ postgres: true, redisNodes: Math.min(1, redisNodes) });
  vi.stubEnv("DATABASE_URL", started.postgres!.url);
  vi.stubEnv("REDIS_URL", started.redis.map(({ url }) => url).join(","));
  const servers = await startServers({ postgres: true, redisNodes });
  expect(servers.postgres).toEqual({ ...started.postgres, origin: "environment" });
  expect(servers.redis).toEqual(started.redis.map((server) => ({ ...server, origin: "environment" })));
  await servers.stop();
  expect(await answers(started.postgres!.url)).toBe(true);
  await started.stop();
});

test("a server that the environment names and that does not answer is an error that keeps the password to itself", async () => {
  vi.stubEnv("DATABASE_URL", "postgres://me:secret@127.0.0.1:1/ledger");
  const failure = startServers({ postgres: true, redisNodes: 0 });
  await expect(failure).rejects.toMatchObject({
    code: "server_failed",
    message: expect.stringContaining("127.0.0.1:1"),
  });
  await expect(failure).rejects.toMatchObject({ message: expect.not.stringContaining("secret") });
});

test("a server that there is none of is reported with what to install", async () => {
  vi.stubEnv("PATH", folder);
  const servers = await startServers({ postgres: false, redisNodes: 1 });
  expect(servers.redis).toEqual([]);
  expect(servers.missing).toEqual([{ name: "Redis", reason: expect.stringContaining("apt-get install redis-server") }]);
  await servers.stop();
});
