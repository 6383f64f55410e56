/** Atomic jobs that are killed or interrupted: nothing of them is ever seen, and the next run does all of it. */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  cli,
  folderOf,
  type JsonReport,
  json,
  type RunningCli,
  read,
  startCli,
  verifiedDigest,
} from "../support/cli.js";
import { seededRandom } from "../support/generate.js";

const ROWS = 100_000;
const POLL_MS = 1;

function settleArgs(transfers: string, ...more: readonly string[]): string[] {
  return [
    ..."settle --workers 2 --db l.db --asset USD --create-accounts unlimited --job j".split(" "),
    ..."--columns id=id,debit=from,credit=to,amount=amount --results results.csv".split(" "),
    ...["--transfers", transfers, ...more],
  ];
}

function settle(folder: string, transfers: string, ...more: readonly string[]): Promise<JsonReport> {
  return json(settleArgs(transfers, ...more), { cwd: folder });
}

/** A ledger with an earlier job, and a job of which every row is ok. */
async function prepare(): Promise<{ folder: string; digest: string }> {
  const random = seededRandom(5);
  const rows = Array.from({ length: ROWS }, (_, i) => `r${i},account-${random(2000)},other-${random(2000)},${i}.5\n`);
  const folder = folderOf({
    "earlier.csv": `id,from,to,amount\n${rows.slice(0, 1000).join("").replaceAll("r", "e")}`,
    "transfers.csv": `id,from,to,amount\n${rows.join("")}`,
  });
  const { digest } = await settle(folder, "earlier.csv", "--job", "earlier");
  rmSync(join(folder, "results.csv"));
  return { folder, digest };
}

/** Resolves once `holds` does, or the run has ended; returns whether it is still running. */
async function until(run: RunningCli, holds: () => boolean): Promise<boolean> {
  while (run.child.exitCode === null && run.child.signalCode === null) {
    if (holds()) return true;
    await sleep(POLL_MS);
  }
  return false;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

describe("an atomic job", () => {
  it("that is killed while it executes is not there, and the next run makes all rows", async () => {
    const { folder, digest } = await prepare();
    const partial = join(folder, "results.csv.partial");
    const whole = ROWS * 15;
    const random = seededRandom(9);
    let kills = 0;
    for (let attempt = 0; kills < 2 && attempt < 12; attempt++) {
      const run = startCli(settleArgs("transfers.csv", "--atomic"), { cwd: folder });
      const size = (whole * (5 + random(70))) / 100;
      if ((await until(run, () => sizeOf(partial) > size)) && run.child.kill("SIGKILL")) kills++;
      const { signal } = await run.ended;
      expect(signal, "the job was over before it could be killed").toBe("SIGKILL");
      expect(await verifiedDigest(join(folder, "l.db"))).toBe(digest);
      expect(existsSync(join(folder, "results.csv.partial"))).toBe(true);
    }
    expect(kills).toBe(2);
    const report = await settle(folder, "transfers.csv", "--atomic");
    expect(report).toMatchObject({ kept: true, replayed: 0, results: { ok: ROWS } });
    expect(await verifiedDigest(join(folder, "l.db"))).toBe(report.digest);
    const results = read(folder, "results.csv");
    const again = await settle(folder, "transfers.csv", "--atomic");
    expect(again).toMatchObject({ kept: true, replayed: ROWS, digest: report.digest });
    expect(read(folder, "results.csv") === results).toBe(true);
  });

  it("that is killed at its end is there as a whole or not at all", async () => {
    const { folder, digest } = await prepare();
    const random = seededRandom(11);
    const partial = join(folder, "results.csv.partial");
    const whole = 18 * ROWS;
    const seen = new Set<string>();
    for (let attempt = 0; attempt < 3; attempt++) {
      const run = startCli(settleArgs("transfers.csv", "--atomic"), { cwd: folder });
      await until(run, () => sizeOf(partial) > whole * 0.8);
      await sleep(random(60));
      run.child.kill("SIGKILL");
      await run.ended;
      seen.add(await verifiedDigest(join(folder, "l.db")));
    }
    const { digest: all } = await settle(folder, "transfers.csv");
    for (const found of seen) expect([digest, all]).toContain(found);
  });

  it("that is interrupted keeps nothing and says so", async () => {
    const { folder, digest } = await prepare();
    const run = startCli(settleArgs("-", "--atomic", "--quiet"), { cwd: folder, input: "open" });
    const transfers = read(folder, "transfers.csv");
    run.child.stdin!.write(transfers.slice(0, transfers.length * 0.7));
    expect(await until(run, () => sizeOf(join(folder, "results.csv.partial")) > 100_000)).toBe(true);
    run.child.kill("SIGINT");
    expect(await run.ended).toEqual({
      code: 1,
      signal: null,
      stdout: "",
      stderr: "parallel-ledger: interrupted: no row of the job is kept; run the same command again\n",
    });
    expect(readdirSync(folder).sort()).toEqual(["earlier.csv", "l.db", "transfers.csv"]);
    expect(await verifiedDigest(join(folder, "l.db"))).toBe(digest);
    expect((await cli(settleArgs("transfers.csv", "--atomic"), { cwd: folder })).code).toBe(0);
  });
});
