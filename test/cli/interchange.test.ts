/** Exporting and importing on the command line. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { cli, folderOf, json, read, startCli, verifiedDigest } from "../support/cli.js";
import { generateJob } from "../support/generate.js";
import { RUNS_FACTOR } from "../support/ledgers.js";

const SETTLE = [
  ..."--transfers transfers.csv --columns id=reference,debit=from,credit=to,amount=amount".split(" "),
  ..."--asset USD --accounts accounts.csv --results results.csv".split(" "),
];

/** The formats that the command writes; the long tests try them all, which others do by the API. */
const FORMATS = RUNS_FACTOR > 1 ? ["csv", "ndjson", "sqlite"] : ["ndjson"];

async function settled(rows: number): Promise<string> {
  const { accounts, transfers } = generateJob(50, rows);
  const cwd = folderOf({ "transfers.csv": transfers, "accounts.csv": accounts });
  await json(["settle", "--db", "l.db", ...SETTLE], { cwd });
  return cwd;
}

describe("export and import", () => {
  it.for(FORMATS)("carry a ledger over as %s: a rerun of its job replays it", async (format) => {
    const cwd = await settled(3000);
    const results = read(cwd, "results.csv");
    const digest = await verifiedDigest(join(cwd, "l.db"));
    const exported = await json(["export", "l.db", "--to", "out", "--format", format], { cwd });
    expect(exported).toMatchObject({ accounts: 51, digest, format, to: "out" });
    const imported = await json(["import", "out", "--db", "new.db"], { cwd });
    expect(imported).toMatchObject({ accounts: 51, transfers: exported.transfers, digest, db: "new.db" });
    expect(await verifiedDigest(join(cwd, "new.db"))).toBe(digest);
    const again = await json(["settle", "--db", "new.db", ...SETTLE], { cwd });
    expect(again.digest).toBe(digest);
    expect(again.replayed).toBeGreaterThan(2900);
    expect(read(cwd, "results.csv")).toBe(results);
    await json(["export", "new.db", "--to", "again", "--format", format], { cwd });
    const bytes = (name: string): unknown =>
      format === "sqlite"
        ? readFileSync(join(cwd, name), "latin1")
        : readdirSync(join(cwd, name)).map((file) => [file, read(cwd, join(name, file))]);
    expect(bytes("again")).toEqual(bytes("out"));
  });

  it("end with 2 and change nothing where something is in the way, or was changed", async () => {
    const cwd = await settled(10);
    const people = await cli(["export", "l.db", "--to", "out"], { cwd });
    expect(people).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("l.db is exported to out: ") });
    const files = readdirSync(cwd);
    for (const [args, message] of [
      [["export", "l.db", "--to", "out"], "out can't be written: it exists, and nothing is overwritten"],
      [["export", "l.db", "--to", "x", "--format", "xml"], "--format must be one of csv, ndjson, sqlite, not 'xml'"],
      [["export", "no.db", "--to", "x"], "there is no such file"],
      [["import", "out", "--db", "l.db"], "l.db can't be written: it exists"],
      [["import", "no", "--db", "x.db"], "no can't be read: there is no such file"],
      [
        ["import", "results.csv", "--db", "x.db"],
        "results.csv: it can't be read as an export in SQLite: file is not a database",
      ],
    ] as const) {
      const run = await cli(args, { cwd });
      expect(run, run.stderr).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
    }
    expect(readdirSync(cwd)).toEqual(files);
  });

  it("need no memory for their rows", { timeout: 240_000 }, async () => {
    const cwd = await settled(60_000);
    // The rows as strings would take twice as much.
    vi.stubEnv("NODE_OPTIONS", "--max-old-space-size=22");
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const format of FORMATS) {
      const { digest } = await json(["export", "l.db", "--to", format, "--format", format], { cwd });
      expect(await json(["import", format, "--db", `${format}.db`], { cwd })).toMatchObject({ digest });
    }
  });

  it("interrupted, leave nothing behind", async () => {
    const cwd = await settled(50_000);
    await json(["export", "l.db", "--to", "out"], { cwd });
    const files = readdirSync(cwd);
    for (const [args, started] of [
      [["export", "l.db", "--to", "x", "--format", "ndjson"], "x.partial-"],
      [["import", "out", "--db", "x.db"], "x.db.partial-"],
    ] as const) {
      const { child, ended } = startCli(args, { cwd });
      while (!readdirSync(cwd).some((name) => name.startsWith(started))) await new Promise((go) => setTimeout(go, 5));
      child.kill("SIGINT");
      expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining("interrupted: nothing was") });
      expect(readdirSync(cwd)).toEqual(files);
    }
  });
});
