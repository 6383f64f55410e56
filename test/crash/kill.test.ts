/** Processes that are killed or interrupted in the middle of a job: running it again ends as if nothing had happened. */
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
import { generateJob, seededRandom } from "../support/generate.js";

const POLL_MS = 2;

function settleArgs(db: string, results: string): string[] {
  return [
    ..."settle --workers 2 --accounts accounts.csv --transfers transfers.csv --asset USD --json".split(" "),
    ..."--columns id=reference,debit=from,credit=to,amount=amount".split(" "),
    ...["--db", db, "--results", results],
  ];
}

interface Prepared {
  readonly folder: string;
  /** What a run that nobody disturbs reports and writes. */
  readonly report: JsonReport;
  readonly results: string;
}

async function prepare(accounts: number, rows: number): Promise<Prepared> {
  const generated = generateJob(accounts, rows);
  const folder = folderOf({ "accounts.csv": generated.accounts, "transfers.csv": generated.transfers });
  const report = await json(
    settleArgs("undisturbed.db", "undisturbed.csv").filter((arg) => arg !== "--json"),
    {
      cwd: folder,
    },
  );
  expect(report.results.ok).toBeGreaterThan(rows / 10);
  expect(report.results.exceeds_credits).toBeGreaterThan(0);
  return { folder, report, results: read(folder, "undisturbed.csv") };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}

/** Resolves once `holds` does, or the run has ended; returns whether it is still running. */
async function until(run: RunningCli, holds: () => boolean): Promise<boolean> {
  while (run.child.exitCode === null && run.child.signalCode === null) {
    if (holds()) return true;
    await sleep(POLL_MS);
  }
  return false;
}

/** The last run: nobody disturbs it, and everything must be what it would have been without the others. */
async function expectAsIfUndisturbed(
  { folder, report, results }: Prepared,
  args: readonly string[] = [],
): Promise<JsonReport> {
  const last = await cli([...settleArgs("killed.db", "killed.csv"), ...args], { cwd: folder });
  expect(last, last.stderr).toMatchObject({ code: 0 });
  const found = JSON.parse(last.stdout) as JsonReport;
  expect(found).toMatchObject({ transfers: report.transfers, results: report.results, digest: report.digest });
  expect(read(folder, "killed.csv") === results, "results file").toBe(true);
  expect(await verifiedDigest(join(folder, "killed.db"))).toBe(report.digest);
  expect(
    readdirSync(folder)
      .filter((name) => name.startsWith("killed"))
      .sort(),
  ).toEqual(["killed.csv", "killed.db"]);
  return found;
}

describe("SIGKILL", () => {
  it("at many moments of a job: nothing is lost, nothing is done twice", async () => {
    const prepared = await prepare(400, 120_000);
    const { folder, results } = prepared;
    const random = seededRandom(7);
    const partial = join(folder, "killed.csv.partial");
    let kills = 0;
    // The last one is killed at a size: there is something to replay.
    for (let attempt = 0; (kills < 6 || attempt % 3 === 0) && attempt < 30; attempt++) {
      const run = startCli(settleArgs("killed.db", "killed.csv"), { cwd: folder });
      // By turns: after some time, whatever the run does then, and at a share of the results file.
      const byTime = attempt % 3 === 2;
      const size = Math.floor((results.length * random(90)) / 100);
      const end = performance.now() + 100 + random(500);
      const alive = await until(run, () => (byTime ? performance.now() > end : sizeOf(partial) > size));
      if (alive && run.child.kill("SIGKILL")) kills++;
      const { code, signal } = await run.ended;
      if (signal === "SIGKILL") expect(existsSync(join(folder, "killed.csv"))).toBe(false);
      else expect(code).toBe(0);
      // One that got to its end leaves nothing to kill: from the beginning.
      if (code === 0) for (const name of ["killed.csv", "killed.db"]) rmSync(join(folder, name));
      if (kills % 3 === 0 && existsSync(join(folder, "killed.db"))) await verifiedDigest(join(folder, "killed.db"));
    }
    expect(kills).toBeGreaterThanOrEqual(5);
    const { replayed } = await expectAsIfUndisturbed(prepared);
    expect(replayed).toBeGreaterThan(0);
  });

  it("while accounts are opened: each is opened once", async () => {
    const prepared = await prepare(6000, 3000);
    const { folder } = prepared;
    const random = seededRandom(3);
    const db = join(folder, "killed.db");
    const whole = sizeOf(join(folder, "undisturbed.db"));
    let kills = 0;
    for (let attempt = 0; attempt < 5; attempt++) {
      const run = startCli(settleArgs("killed.db", "killed.csv"), { cwd: folder });
      const size = Math.floor((whole * random(70)) / 100);
      if (await until(run, () => sizeOf(db) > Math.max(size, 50_000))) {
        run.child.kill("SIGKILL");
        kills++;
      }
      if ((await run.ended).code === 0) break;
    }
    expect(kills).toBeGreaterThanOrEqual(1);
    await expectAsIfUndisturbed(prepared);
  });
});

const INTERRUPTED = "parallel-ledger: interrupted: what was settled is kept; run the same command again to go on\n";

describe("SIGINT and SIGTERM", () => {
  it("stop a job cleanly, say how to go on, and it goes on", async () => {
    const prepared = await prepare(400, 60_000);
    const { folder } = prepared;
    const transfers = read(folder, "transfers.csv");
    // Fed by hand, so that the job can't be over before it is interrupted.
    const args = settleArgs("killed.db", "killed.csv").map((arg) => (arg === "transfers.csv" ? "-" : arg));
    for (const [signal, share] of [
      ["SIGINT", 0.6],
      ["SIGTERM", 0.8],
    ] as const) {
      const run = startCli([...args, "--job", "j"], { cwd: folder, input: "open" });
      run.child.stdin!.write(transfers.slice(0, transfers.length * share));
      const partial = join(folder, "killed.csv.partial");
      expect(await until(run, () => sizeOf(partial) > 100_000)).toBe(true);
      run.child.kill(signal);
      expect(await run.ended).toEqual({ code: 1, signal: null, stdout: "", stderr: INTERRUPTED });
      // No half of a results file, no rollback file.
      expect(readdirSync(folder).filter((name) => name.startsWith("killed"))).toEqual(["killed.db"]);
      await verifiedDigest(join(folder, "killed.db"));
    }
    const { replayed } = await expectAsIfUndisturbed(prepared, ["--job", "j"]);
    expect(replayed).toBeGreaterThan(10_000);
  });

  it("stop a job that opens accounts", async () => {
    const prepared = await prepare(6000, 1000);
    const { folder } = prepared;
    const args = settleArgs("killed.db", "killed.csv").map((arg) => (arg === "transfers.csv" ? "-" : arg));
    const opening = startCli(args, { cwd: folder, input: "open" });
    opening.child.stdin!.write("reference,from,to,amount\n");
    expect(await until(opening, () => sizeOf(join(folder, "killed.db")) > 100_000)).toBe(true);
    opening.child.kill("SIGINT");
    expect(await opening.ended).toEqual({ code: 1, signal: null, stdout: "", stderr: INTERRUPTED });
    await expectAsIfUndisturbed(prepared);
  });
});
