/** `settle --atomic`: what scripts rely on, alone and together with the other options. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, folderOf, json, read } from "../support/cli.js";

const GOOD = "id,from,to,amount\nt1,bank,alice,10\nt2,alice,bob,4.5\n";
const BAD = `${GOOD}t3,bob,alice,999\n`;
const ACCOUNTS = "id,opening\nalice,0\nbob,1\nbank,1000\n";
const SETTLE = [
  ..."settle --db l.db --transfers transfers.csv --accounts accounts.csv --asset USD --atomic".split(" "),
  ..."--columns id=id,debit=from,credit=to,amount=amount".split(" "),
  ..."--results results.csv --balances balances.csv --net net.csv".split(" "),
];

function folderWith(transfers: string): string {
  return folderOf({ "accounts.csv": ACCOUNTS, "transfers.csv": transfers });
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

describe("settle --atomic", () => {
  it("of rows that are all ok ends with 0, says so, and does what a plain run does", async () => {
    const cwd = folderWith(GOOD);
    const run = await cli([...SETTLE, "--json"], { cwd });
    expect(run.code).toBe(0);
    const report = JSON.parse(run.stdout);
    expect(Object.keys(report).slice(-2)).toEqual(["net", "kept"]);
    expect(report).toMatchObject({ kept: true, results: { ok: 2 } });
    expect(run.stderr).toContain("All rows are made.\n");
    expect(read(cwd, "results.csv")).toBe("row,id,result,sequence\n1,t1,ok,3\n2,t2,ok,4\n");
    const plain = SETTLE.map((arg) => (arg === "l.db" ? "plain.db" : arg)).filter((arg) => arg !== "--atomic");
    const outputs = ["results.csv", "balances.csv", "net.csv"].map((name) => read(cwd, name));
    const { digest, ...rest } = await json(plain, { cwd });
    expect(digest).toBe(report.digest);
    expect(rest).not.toHaveProperty("kept");
    expect(["results.csv", "balances.csv", "net.csv"].map((name) => read(cwd, name))).toEqual(outputs);
  });

  it("of which a row is refused ends with 1, writes every row's reason, and keeps nothing", async () => {
    const cwd = folderWith(BAD);
    // The accounts file is applied before the job, and stays.
    await cli([...SETTLE, "--quiet"], { cwd });
    const before = hashOf(join(cwd, "l.db"));
    for (const way of [[], ["--mode", "event-loop"], ["--workers", "3"]]) {
      const run = await cli([...SETTLE, ...way, "--json"], { cwd });
      expect(run.code).toBe(1);
      expect(JSON.parse(run.stdout)).toMatchObject({
        kept: false,
        transfers: 3,
        replayed: 0,
        results: { linked_event_failed: 2, exceeds_credits: 1 },
        net: { accounts: 0, gross: "0.00", net: "0.00", ratio: null },
      });
      expect(run.stderr).toContain(
        "1 of 3 rows can't be made, so none is: 2 with which nothing is wrong got linked_event_failed.\n",
      );
      expect(read(cwd, "results.csv")).toBe(
        "row,id,result,sequence\n1,t1,linked_event_failed,\n2,t2,linked_event_failed,\n3,t3,exceeds_credits,\n",
      );
      expect(read(cwd, "balances.csv")).toContain("bob,USD,0.00,1.00,0.00,0.00,1.00,1\n");
      expect(hashOf(join(cwd, "l.db"))).toBe(before);
    }
    expect(readdirSync(cwd).sort()).toEqual(
      ["accounts.csv", "balances.csv", "l.db", "net.csv", "results.csv", "transfers.csv"].sort(),
    );
  });

  it("together with --dry-run says whether the job would be kept, and keeps nothing", async () => {
    for (const [transfers, code, sentence] of [
      [GOOD, 0, "All rows would be made.\n"],
      [BAD, 1, "1 of 3 rows can't be made, so none would be: 2 with"],
    ] as const) {
      const cwd = folderWith(transfers);
      const dry = await cli([...SETTLE, "--dry-run", "--json"], { cwd });
      expect(dry.code).toBe(code);
      expect(JSON.parse(dry.stdout)).toMatchObject({ kept: code === 0, dryRun: true });
      expect(dry.stderr).toContain("This was a dry run on a copy of l.db: nothing was kept.\n");
      expect(dry.stderr).toContain(sentence);
      expect(readdirSync(cwd)).not.toContain("l.db");
      const results = read(cwd, "results.csv");
      const real = await cli([...SETTLE, "--json"], { cwd });
      expect(JSON.parse(real.stdout).digest).toBe(JSON.parse(dry.stdout).digest);
      expect(real.code).toBe(code);
      expect(read(cwd, "results.csv")).toBe(results);
    }
  });

  it("reads standard input, and hands results to a pipe only when they are decided", async () => {
    const cwd = folderOf({ "accounts.csv": ACCOUNTS });
    const pipe = join(cwd, "results.pipe");
    execFileSync("mkfifo", [pipe]);
    const args = SETTLE.map((arg) => (arg === "transfers.csv" ? "-" : arg === "results.csv" ? pipe : arg));
    const held = (): string[] => readdirSync(tmpdir()).filter((name) => existsSync(join(tmpdir(), name, "held")));
    const before = held();
    for (const [input, code, results] of [
      [BAD, 1, "1,t1,linked_event_failed,\n2,t2,linked_event_failed,\n3,t3,exceeds_credits,\n"],
      [GOOD, 0, "1,t1,ok,3\n2,t2,ok,4\n"],
    ] as const) {
      const reading = readFile(pipe, "utf8");
      expect(await cli([...args, "--quiet"], { cwd, input })).toMatchObject({ code, stdout: "", stderr: "" });
      expect(await reading).toBe(`row,id,result,sequence\n${results}`);
    }
    expect(held()).toEqual(before);
  });

  it("is given more room where its rows are shorter than the first ones made one believe", async () => {
    const long = `${"x".repeat(64)},${"y".repeat(64)},${"z".repeat(64)},1\n`;
    const rows = Array.from({ length: 60_000 }, (_, i) => `${i.toString(36)},y,${i.toString(36)}z,1\n`).join("");
    const cwd = folderOf({ "transfers.csv": `id,from,to,amount\n${long.repeat(1)}${rows}` });
    const args = SETTLE.filter((arg) => !["--accounts", "accounts.csv"].includes(arg));
    const report = await json([...args, "--create-accounts", "unlimited"], { cwd });
    expect(report).toMatchObject({ kept: true, results: { ok: 60_001 } });
  });
});
