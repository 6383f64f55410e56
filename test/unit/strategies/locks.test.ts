/** Locks on real servers, leases in Redis and rows in PostgreSQL: what they keep out, and what they can't. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { connectRedis, openPostgresPool, type RedisClient } from "../../../src/servers/clients.js";
import { startServers } from "../../../src/servers/servers.js";
import { openPostgresBank } from "../../../src/strategies/postgres/bank.js";
import { forUpdate } from "../../../src/strategies/postgres/for-update.js";
import { REDIS_LOCK, underLock } from "../../../src/strategies/postgres/redis-lock.js";
import { hasExpired, type LeaseLock } from "../../../src/strategies/redis/lease.js";
import { openRedisLock } from "../../../src/strategies/redis/lock.js";
import { openRedlock } from "../../../src/strategies/redis/redlock.js";

const NODES = 3;
const LONG_MS = 60_000;
/** Time enough to take a lock also on a busy machine. */
const SHORT_MS = 500;

const servers = await startServers({ postgres: true, redisNodes: NODES });
for (const { name, reason } of servers.missing) console.warn(`SKIPPED: tests of locks that need ${name}: ${reason}`);
const urls = servers.redis.map(({ url }) => url);

const nodes = await Promise.all(urls.map(connectRedis));
afterAll(() => {
  for (const node of nodes) node.destroy();
  return servers.stop();
});
beforeEach(async () => {
  for (const node of nodes) await node.flushAll();
});

async function closing(lock: Promise<LeaseLock>): Promise<LeaseLock> {
  const opened = await lock;
  onTestFinished(() => opened.close());
  return opened;
}

/** The tokens under the key, node by node. */
function tokens(key: string): Promise<(string | null)[]> {
  return Promise.all(nodes.map((node) => node.get(key)));
}

const kinds = [
  ["a lock on one Redis", (leaseMs: number) => openRedisLock(urls[0]!, leaseMs)],
  ["Redlock", (leaseMs: number) => openRedlock(urls, leaseMs)],
] as const;

describe.skipIf(urls.length < NODES).each(kinds)("%s", (_, open) => {
  test("lets one in, keeps the next out, and lets it in when the first is gone", async () => {
    const [a, b] = [await closing(open(LONG_MS)), await closing(open(LONG_MS))];
    const lease = (await a.tryAcquire("door"))!;
    expect(hasExpired(lease)).toBe(false);
    expect(await b.tryAcquire("door")).toBeUndefined();
    expect(await b.tryAcquire("window")).toBeDefined();
    expect(await a.release(lease)).toBe(true);
    expect(await b.tryAcquire("door")).toBeDefined();
  });

  test("whoever is kept out leaves the holder's key alone", async () => {
    const [a, b] = [await closing(open(LONG_MS)), await closing(open(LONG_MS))];
    const lease = (await a.tryAcquire("door"))!;
    await b.tryAcquire("door");
    expect(new Set((await tokens("door")).filter((token) => token !== null))).toEqual(new Set([lease.token]));
    expect(await a.release(lease)).toBe(true);
    expect(await tokens("door")).toEqual([null, null, null]);
  });

  test("a lease that ran out is the next one's, and its former holder can't take that away", async () => {
    const [a, b] = [await closing(open(SHORT_MS)), await closing(open(LONG_MS))];
    const late = (await a.tryAcquire("door"))!;
    await sleep(1.1 * SHORT_MS);
    expect(hasExpired(late)).toBe(true);
    const lease = (await b.tryAcquire("door"))!;
    expect(await a.release(late)).toBe(false);
    expect(await b.release(lease)).toBe(true);
  });
});

describe.skipIf(urls.length < NODES)("Redlock", () => {
  test("needs three servers", async () => {
    await expect(openRedlock(urls.slice(0, 2), LONG_MS)).rejects.toMatchObject({ code: "invalid_argument" });
  });

  test("who finds another on a majority lets go of the minority at once", async () => {
    for (const node of nodes.slice(0, 2)) await node.set("door", "another");
    const lock = await closing(openRedlock(urls, LONG_MS));
    expect(await lock.tryAcquire("door")).toBeUndefined();
    expect(await tokens("door")).toEqual(["another", "another", null]);
  });

  test("a lease is shorter than asked for by what the clocks may drift", async () => {
    const lock = await closing(openRedlock(urls, LONG_MS));
    const before = performance.now();
    const { validUntil } = (await lock.tryAcquire("door"))!;
    expect(validUntil).toBeLessThan(performance.now() + 0.99 * LONG_MS);
    expect(validUntil).toBeGreaterThan(before + 0.98 * LONG_MS);
  });

  test("a minority of frozen servers is not waited for; with a majority frozen nobody gets in", async () => {
    const lock = await closing(openRedlock(urls, 1_000));
    const freeze = (node: RedisClient): Promise<unknown> =>
      node.sendCommand(["CLIENT", "PAUSE", String(LONG_MS), "WRITE"]);
    onTestFinished(async () => {
      for (const node of nodes) await node.sendCommand(["CLIENT", "UNPAUSE"]);
    });
    await freeze(nodes[0]!);
    const lease = await lock.tryAcquire("door");
    expect(lease).toBeDefined();
    expect(await lock.release(lease!)).toBe(true);
    await freeze(nodes[1]!);
    expect(await lock.tryAcquire("window")).toBeUndefined();
  });
});

test.skipIf(urls.length < NODES || servers.postgres === undefined)(
  "redis-lock: who notices before writing that the lease ran out begins again, and nobody pays twice",
  async () => {
    const lock = await closing(openRedisLock(urls[0]!, SHORT_MS));
    const accounts = [
      { balance: 100n, limited: true },
      { balance: -100n, limited: false },
    ];
    const bank = await openPostgresBank(underLock(REDIS_LOCK, lock), accounts, { url: servers.postgres!.url });
    onTestFinished(() => bank.close());
    const withdrawal = { debit: 0, credit: 1, amount: 60n };
    let second: Promise<unknown> | undefined;
    const first = bank.transfer(withdrawal, {
      between: async () => {
        await sleep(1.1 * SHORT_MS);
        second = bank.transfer(withdrawal);
        await second;
      },
    });
    expect(await first).toMatchObject({ result: "exceeds_credits" });
    expect(await second).toMatchObject({ result: "ok" });
    expect((await bank.accounts())[0]).toEqual({ balance: 40n, version: 1n, limited: true });
  },
);

test.skipIf(servers.postgres === undefined)(
  "a transfer that PostgreSQL ends to resolve a deadlock is made after all",
  async () => {
    const { url } = servers.postgres!;
    const opening = [
      { balance: 100n, limited: true },
      { balance: 0n, limited: true },
    ];
    const bank = await openPostgresBank(forUpdate, opening, { url });
    const pool = await openPostgresPool(url, 2);
    const stranger = await pool.connect();
    try {
      const { rows } = await pool.query(
        "SELECT table_schema FROM information_schema.tables WHERE table_name = 'accounts'",
      );
      const lock = (account: number): Promise<unknown> =>
        stranger.query(`SELECT 1 FROM ${rows[0].table_schema}.accounts WHERE id = $1 FOR UPDATE`, [account]);
      await stranger.query("BEGIN");
      await lock(1);
      const transfer = bank.transfer({ debit: 0, credit: 1, amount: 60n });
      // The transfer holds account 0 and waits for account 1 by now.
      await expect
        .poll(async () => (await pool.query("SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted")).rows[0].n)
        .toBe(1);
      // Whoever has waited for `deadlock_timeout` first looks for a deadlock, finds it, and is the one to end.
      await lock(0);
      await stranger.query("COMMIT");
      expect(await transfer).toEqual({ result: "ok", conflicts: 1 });
      expect(await bank.accounts()).toEqual([
        { balance: 40n, version: 1n, limited: true },
        { balance: 60n, version: 1n, limited: true },
      ]);
    } finally {
      stranger.release();
      await pool.end();
      await bank.close();
    }
  },
);
