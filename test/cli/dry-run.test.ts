/** `settle --dry-run`: every output as a real run would write it, and the ledger as it was. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { cli, folderOf, json, read, startCli } from "../support/cli.js";
import { generateJob } from "../support/generate.js";

const OUTPUTS = ["results.csv", "balances.csv", "net.csv"];
const SETTLE = [
  ..."settle --db l.db --transfers transfers.csv --accounts accounts.csv --asset USD".split(" "),
  ..."--columns id=reference,debit=from,credit=to,amount=amount".split(" "),
  ..."--results results.csv --balances balances.csv --net net.csv".split(" "),
];

function folderWithJob(rows: number): string {
  const { accounts, transfers } = generateJob(50, rows);
  return folderOf({ "accounts.csv": accounts, "transfers.csv": transfers });
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function outputsOf(folder: string): string[] {
  return OUTPUTS.map((name) => read(folder, name));
}

describe("a dry run", () => {
  it("ends as the real run does, with a ledger and with none, and leaves nothing behind", async () => {
    const cwd = folderWithJob(20_000);
    const db = join(cwd, "l.db");
    const dry = await json([...SETTLE, "--dry-run"], { cwd });
    expect(dry).toMatchObject({ dryRun: true, transfers: 20_000 });
    const outputs = outputsOf(cwd);
    const files = ["accounts.csv", "transfers.csv", ...OUTPUTS].sort();
    expect(readdirSync(cwd).sort()).toEqual(files);
    const real = await json(SETTLE, { cwd });
    const { durationMs: _, transfersPerSecond: __, dryRun: ___, ...same } = dry;
    expect(real).toMatchObject(same);
    expect(real).not.toHaveProperty("dryRun");
    expect(outputsOf(cwd)).toEqual(outputs);

    const before = hashOf(db);
    const again = [...SETTLE, "--dry-run", "--mode", "event-loop"];
    expect((await json(again, { cwd })).replayed).toBeGreaterThan(10_000);
    expect(outputsOf(cwd)).toEqual(outputs);
    const other = await json([...SETTLE, "--dry-run", "--job", "other"], { cwd });
    expect(other.digest).toBe(real.digest);
    expect(other.results.ok).toBeUndefined();
    expect(hashOf(db)).toBe(before);
    expect(readdirSync(cwd).sort()).toEqual([...files, "l.db"].sort());
  });

  it("says that nothing was kept", async () => {
    const cwd = folderWithJob(100);
    const run = await cli([...SETTLE, "--dry-run"], { cwd });
    expect(run).toMatchObject({ code: 0, stdout: "" });
    expect(run.stderr).toContain("This was a dry run on a copy of l.db: nothing was kept.\n");
    expect(run.stderr).toContain("l.db, left as it was");
    expect(existsSync(join(cwd, "l.db"))).toBe(false);
  });

  it("that is interrupted, or refused, leaves nothing behind either", async () => {
    const cwd = folderWithJob(30_000);
    const args = [...SETTLE.map((arg) => (arg === "transfers.csv" ? "-" : arg)), "--job", "j", "--dry-run"];
    const { child, ended } = startCli(args, { cwd, input: "open" });
    child.stdin!.write("reference,from,to,amount\n");
    const isUnderWay = (): boolean => readdirSync(cwd).some((name) => name.startsWith("l.db.dry-run-"));
    while (!isUnderWay() && child.exitCode === null) await sleep(2);
    while (!existsSync(join(cwd, "results.csv.partial")) && child.exitCode === null) await sleep(2);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({
      code: 1,
      stderr: "parallel-ledger: interrupted: this was a dry run, and nothing of it is kept\n",
    });
    const wrong = SETTLE.map((arg) => (arg === "accounts.csv" ? "transfers.csv" : arg));
    expect(await cli([...wrong, "--dry-run"], { cwd })).toMatchObject({ code: 2 });
    expect(readdirSync(cwd).sort()).toEqual(["accounts.csv", "transfers.csv"]);
  });
});
