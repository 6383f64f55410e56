/** `parallel-ledger race`, as it is built: what it shows, and that it is seen where that is not so. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";
import { REDIS_LOCK, REDLOCK } from "../../src/strategies/postgres/redis-lock.js";
import { POSTGRES_STRATEGIES } from "../../src/strategies/postgres/strategies.js";
import { SQLITE_STRATEGIES } from "../../src/strategies/sqlite/strategies.js";
import { cli, type Run, startCli, temporaryFolder } from "../support/cli.js";

const hasNoRedis = !process.env.REDIS_URL && spawnSync("redis-server", ["--version"]).error !== undefined;
const hasRedlock = !hasNoRedis && (process.env.REDIS_URL || "1,2,3").split(",").length >= 3;
if (hasNoRedis) console.warn("SKIPPED: races for a lock in Redis, as there is no redis-server in PATH");

/** Some seconds, but the machine may be busy. */
const RUN_MS_MAX = 180_000;
const GONE_MS_MAX = 30_000;

interface RaceJson {
  readonly group: string;
  readonly name: string;
  readonly balance: number;
  readonly paid: number;
  readonly outcome: string;
  readonly timeline?: readonly { readonly ms: number; readonly who: string; readonly what: string }[];
}

/** Temporary files of the command and its servers: empty when all of them are gone. */
let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
  chmodSync(folder, 0o755);
  vi.stubEnv("TMPDIR", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const STOPPED = "lock that expires, A's process stopped";
const BLOCKED = "lock that expires, A's event loop blocked";

/** Every race and how it must end, written down here once more, and not taken from the command's own declarations. */
function expectedRaces(): Record<string, string> {
  const expected: Record<string, string> = {};
  const strategies = [
    ...MEMORY_STRATEGIES.map(({ name }) => `event loop: ${name}`),
    ...MEMORY_STRATEGIES.map(({ name }) => `worker threads: ${name}`),
    ...SQLITE_STRATEGIES.map(({ name }) => `SQLite: ${name}`),
    ...POSTGRES_STRATEGIES.map(({ name }) => `PostgreSQL: ${name}`),
    ...(hasNoRedis ? [] : [`PostgreSQL: ${REDIS_LOCK.name}`]),
    ...(hasRedlock ? [`PostgreSQL: ${REDLOCK.name}`] : []),
  ];
  for (const name of strategies) expected[name] = name.endsWith(": unsafe") ? "-20, 2 paid" : "40, 1 paid";
  for (const group of hasNoRedis ? [] : [STOPPED, BLOCKED]) {
    expected[`${group}: no guard`] = "-20, 2 paid";
    expected[`${group}: token on writes, B first`] = "40, 1 paid";
    expected[`${group}: token on writes, A first`] = "-20, 2 paid";
    expected[`${group}: token on reads and writes, A first`] = "40, 1 paid";
    expected[`${group}: version, no lock`] = "40, 1 paid";
  }
  expected["retry after a time-out: without an id"] = "-20, 2 paid";
  expected["retry after a time-out: with an id"] = "40, 1 paid";
  return expected;
}

function reportOf(run: Run): { ok: boolean; races: RaceJson[]; skipped: unknown[] } {
  expect(run.stdout, run.stderr).toMatch(/^\{.*\}\n$/);
  return JSON.parse(run.stdout);
}

test(
  "every unsafe way pays twice and leaves -20, and every other pays once and leaves 40",
  async () => {
    const run = await cli(["race", "--json"]);
    const { ok, races, skipped } = reportOf(run);
    expect(
      Object.fromEntries(
        races.map(({ group, name, balance, paid }) => [`${group}: ${name}`, `${balance}, ${paid} paid`]),
      ),
    ).toEqual(expectedRaces());
    expect(races.every(({ paid, outcome }) => outcome === (paid === 2 ? "forbidden" : "acceptable"))).toBe(true);
    expect(skipped).toHaveLength(hasNoRedis ? 2 : hasRedlock ? 0 : 1);
    expect({ ok, code: run.code }).toEqual({ ok: true, code: 0 });
    if (!hasNoRedis) expectForcedOrder(races);
    expect(readdirSync(folder), "nothing is left").toEqual([]);
  },
  RUN_MS_MAX,
);

/** A reads, is held up past its lease; B reads; both write in the order that the race says. */
function expectForcedOrder(races: readonly RaceJson[]): void {
  for (const { group, name, timeline } of races.filter((race) => [STOPPED, BLOCKED].includes(race.group))) {
    const at = (who: string, what: string): number => {
      const event = timeline!.find((candidate) => candidate.who === who && candidate.what.startsWith(what));
      expect(event, `${group}: ${name}: ${who} ${what}`).toBeDefined();
      return event!.ms;
    };
    const [heldUp, letGo] =
      group === STOPPED ? ["is stopped", "is continued"] : ["calls something", "the call returns"];
    const writes = [at("A", "withdraws"), at("B", "withdraws")];
    if (name.endsWith("B first")) writes.reverse();
    const order = [at("A", "reads"), at("A", heldUp), at("B", "reads"), ...writes];
    expect(order, `${group}: ${name}`).toEqual(order.toSorted((a, b) => a - b));
    expect(at("A", letGo) - at("A", "reads"), "A was held up for longer than its lease").toBeGreaterThan(195);
    expect(at("A", letGo)).toBeGreaterThan(at("B", "reads"));
    expect(at("A", letGo)).toBeLessThan(at("A", "withdraws"));
  }
}

test("prints tables and timelines on standard output, and one verdict", async () => {
  const run = await cli(["race", "--only", "event-loop, retry"]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(run.stdout).toMatch(/^ {2}unsafe +-20 +2 +both in the gap +FORBIDDEN +as declared/m);
  expect(run.stdout).toMatch(/^ {2}atomic +40 +1 +both in the gap +ACCEPTABLE +as declared/m);
  expect(run.stdout).toMatch(/^ +\d+ ms {2}client {3}has no answer after 150 ms, and asks again/m);
  expect(run.stdout).toMatch(/\n\d+ races: each of the 2 unsafe ways paid twice, and none of the other \d+ did\.\n$/);
  expect(run.stdout).not.toContain("worker threads");
});

test("a server that is missing is named, loudly, with what to install", async () => {
  for (const name of ["DATABASE_URL", "REDIS_URL"]) vi.stubEnv(name, "");
  vi.stubEnv("PATH", folder);
  const some = await cli(["race", "--only", "lock,retry"]);
  expect(some.code).toBe(0);
  expect(some.stdout).toMatch(/^SKIPPED: the lock that expires\. .*apt-get install redis-server/m);
  expect(some.stdout).toContain("Not all could be run: see SKIPPED.");
  const none = await cli(["race", "--only", "lock"]);
  expect(none.code, "a command that has shown nothing has not shown that all is well").toBe(1);
  expect(none.stdout).toContain("No race was run.");
});

test("a part that there is not is bad usage", async () => {
  const run = await cli(["race", "--only", "luck"]);
  expect(run).toMatchObject({ code: 2, stdout: "" });
  expect(run.stderr).toContain("--only must name some of event-loop, threads, sqlite, postgres, lock, retry");
});

describe("the exit code is 1", () => {
  test.each([
    ["safe pays twice", 1, "1 of 2 races did not end as declared: atomic (event loop)."],
    ["unsafe pays once", 1, "1 of 1 races did not end as declared: unsafe (event loop)."],
    ["never met", 1, "1 of 1 races did not end as declared: atomic (event loop)."],
    ["nothing", 1, "No race was run."],
    ["sound", 0, "2 races: each of the 1 unsafe ways paid twice, and none of the other 1 did."],
  ] as const)("where a race is not as declared: %s", async (name, code, verdict) => {
    const script = fileURLToPath(new URL("broken-race.mjs", import.meta.url));
    const run = spawnSync(process.execPath, [script, name], { encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(run.stdout.trimEnd().split("\n").at(-1)).toBe(verdict);
    expect(run.status).toBe(code);
  });
});

test("an interruption ends servers and files too", async () => {
  const { child, ended } = startCli(["race"]);
  await expect.poll(() => readdirSync(folder), { timeout: GONE_MS_MAX }).not.toEqual([]);
  child.kill("SIGINT");
  const run = await ended;
  expect(run).toMatchObject({ code: 1, stdout: "" });
  expect(run.stderr).toContain("interrupted");
  expect(readdirSync(folder)).toEqual([]);
});

test.skipIf(hasNoRedis)("a client that is stopped does not outlive a coordinator that was killed", async () => {
  const script = fileURLToPath(new URL("stopped-client.mjs", import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  const processes = JSON.parse(line) as number[];
  child.kill("SIGKILL");
  const isAlive = (id: number): boolean => {
    try {
      return process.kill(id, 0);
    } catch {
      return false;
    }
  };
  await expect.poll(() => processes.filter(isAlive), { timeout: GONE_MS_MAX }).toEqual([]);
});
