/** `parallel-ledger compare` as a user runs it, on figures measured before: measuring itself has tests of its own. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { comparisonText } from "../../src/compare/comparison-file.js";
import { cli, folderOf, PROGRAM, read } from "../support/cli.js";
import { cell, comparison, sample, WRONG, wholeComparison } from "../support/comparison.js";

const FIGURES = { "figures.json": comparisonText(wholeComparison()) };

describe("compare --from", () => {
  it("prints machine, command, conclusions and tables on standard output", async () => {
    const { code, stdout, stderr } = await cli(["compare", "--from", "figures.json"], { cwd: folderOf(FIGURES) });
    expect(code, stderr).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toContain("a processor, 2 cores, 8 GiB, linux x64\nNode.js 20.0.0, PostgreSQL 18.4\n");
    expect(stdout).toContain("\nCONCURRENCY OR PARALLELISM?\n");
    expect(stdout).toMatch(/\n {2}atomic {4,}2 worker threads {2,}600\/s {2,}600\/s\n/);
    expect(stdout).toMatch(/COST: the fewest threads that beat serial, of up to 2\n.*\n.*\n {2}atomic +never +never\n/);
    expect(stdout).toContain("The books of unsafe were wrong in 5 of 5 measurements");
    expect(stdout.split("\n").filter((line) => line.endsWith(" "))).toEqual([]);
  });

  it("writes the same JSON again, the report, and every chart for light and dark", async () => {
    const folder = folderOf(FIGURES);
    const args = ["--json", "again.json", "--report", "report.html", "--charts", "charts"];
    const { code, stderr } = await cli(["compare", "--from", "figures.json", ...args], { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(read(folder, "again.json")).toBe(FIGURES["figures.json"]);
    expect(read(folder, "report.html")).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
    expect(readdirSync(join(folder, "charts")).length).toBe(12);
  });

  it("ends with 1 where a safe strategy's books are wrong, after everything is printed and written", async () => {
    const wrong = comparison([
      cell(1_000, { strategy: "serial", way: "sequential" }),
      cell(900, { threads: 2, samples: [sample(900, WRONG)] }),
    ]);
    const folder = folderOf({ "wrong.json": comparisonText(wrong) });
    const { code, stdout, stderr } = await cli(["compare", "--from", "wrong.json", "--json", "kept.json"], {
      cwd: folder,
    });
    expect(code).toBe(1);
    expect(stdout).toContain("ended with WRONG books: a defect.");
    expect(stderr).toContain("atomic, Shared memory, 2 worker threads, Uniform, 100 accounts: 40 vanished");
    expect(read(folder, "kept.json")).toBe(comparisonText(wrong));
  });

  it("says loudly what was skipped", async () => {
    const skipped = { skipped: [{ what: "strategies on PostgreSQL", why: "there is none: install it" }] };
    const folder = folderOf({ "figures.json": comparisonText(wholeComparison(skipped)) });
    const { stdout } = await cli(["compare", "--from", "figures.json"], { cwd: folder });
    expect(stdout).toContain("\nSKIPPED: strategies on PostgreSQL. there is none: install it\n");
  });
});

describe("compare refuses before it measures", () => {
  it.for<[string, string[], string]>([
    ["a seed that is no number", ["--seed", "x"], "--seed: expected a whole number from 0 to 4294967295, found 'x'"],
    ["a seed that is too large", ["--seed", "4294967296"], "found '4294967296'"],
    ["--quick with figures measured before", ["--from", "figures.json", "--quick"], "--quick has nothing to do there"],
    ["figures that are none", ["--from", "none.json"], "'none.json' can't be read"],
    ["a file in a folder that is not there", ["--json", "none/x.json"], "'none/x.json' can't be written"],
    ["a report that is a folder", ["--report", "."], "'.' can't be written: it is a folder"],
  ])("%s", async ([, args, message]) => {
    const { code, stdout, stderr } = await cli(["compare", ...args], { cwd: folderOf(FIGURES) });
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(stdout).toBe("");
  });

  it("a report where echarts is not installed, and says what to install", async () => {
    const folder = folderOf({
      ...FIGURES,
      // Stands in for a machine without the package: the same error that Node.js gives there.
      "without-echarts.mjs": `import { register } from "node:module";
        register("data:text/javascript," + encodeURIComponent(\`export function resolve(name, context, next) {
          if (name !== "echarts") return next(name, context);
          throw Object.assign(new Error("Cannot find package 'echarts'"), { code: "ERR_MODULE_NOT_FOUND" });
        }\`));`,
    });
    const hook = pathToFileURL(join(folder, "without-echarts.mjs")).href;
    const run = promisify(execFile)(
      process.execPath,
      ["--import", hook, PROGRAM, "compare", "--from", "figures.json", "--report", "report.html"],
      { cwd: folder },
    );
    await expect(run).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("'echarts' is not installed: npm install echarts"),
    });
    expect(existsSync(join(folder, "report.html"))).toBe(false);
  });
});
