/** Looking things up on the command line. */
import { describe, expect, it } from "vitest";
import { cli, folderOf, json } from "../support/cli.js";

const TRANSFERS = "id,from,to,amount\nt1,alice,bob,10.00\nt2,bob,alice,99\nt3,nobody,bob,1\nt4,bob,alice,-1\n";
const SETTLE = [
  ..."settle --db l.db --transfers transfers.csv --columns id=id,debit=from,credit=to,amount=amount".split(" "),
  ..."--asset USD --accounts accounts.csv --job monday".split(" "),
];

async function settled(): Promise<string> {
  const cwd = folderOf({ "transfers.csv": TRANSFERS, "accounts.csv": "id,opening\nalice,100.00\nbob,0\n" });
  await json(SETTLE, { cwd });
  return cwd;
}

describe("transfer", () => {
  it("prints what was made, in the asset's decimals, with its job and row", async () => {
    const cwd = await settled();
    const run = await cli(["transfer", "l.db", "t1", "--json"], { cwd });
    expect(run).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^\{.*\}\n$/) });
    expect(JSON.parse(run.stdout)).toEqual({
      ...{ id: "t1", result: "ok", sequence: 2, time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) },
      ...{ debit: "alice", credit: "bob", asset: "USD", amount: "10.00", code: 0, userData: "0" },
      ...{ job: "monday", row: 1 },
    });
    const people = await cli(["transfer", "l.db", "t1"], { cwd });
    expect(people).toMatchObject({ code: 0, stderr: "" });
    expect(people.stdout).toMatch(/^id {8}t1\nresult {4}ok\nsequence {2}2\n/);
  });

  it("prints what was rejected, and why", async () => {
    const cwd = await settled();
    const find = async (id: string): Promise<unknown> => {
      const { stdout } = await cli(["transfer", "l.db", id, "--json"], { cwd });
      return JSON.parse(stdout);
    };
    expect(await find("t2")).toMatchObject({
      result: "exceeds_credits",
      reason: expect.stringContaining("."),
      amount: "99.00",
      row: 2,
    });
    expect(await find("t3")).toMatchObject({ result: "debit_account_not_found", debit: "nobody", amount: "1.00" });
  });

  it("ends with 2 where nothing is recorded under the id", async () => {
    const cwd = await settled();
    for (const id of ["t4", "T1", ""]) {
      expect(await cli(["transfer", "l.db", id], { cwd })).toMatchObject({
        code: 2,
        stdout: "",
        stderr: expect.stringContaining(`parallel-ledger: l.db has recorded no transfer '${id}'`),
      });
    }
  });
});

describe("statement", () => {
  const entriesOf = async (cwd: string, ...args: string[]): Promise<string[]> => {
    const run = await cli(["statement", "l.db", "alice", "--json", ...args], { cwd });
    expect(run, run.stderr).toMatchObject({ code: 0 });
    return (JSON.parse(run.stdout).entries as { id: string }[]).map(({ id }) => id);
  };

  it("shows what its bounds leave", async () => {
    const cwd = await settled();
    const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    const all = await entriesOf(cwd);
    expect(all).toEqual(["t1", expect.any(String)]);
    expect(await entriesOf(cwd, "--before", "2")).toEqual(all.slice(1));
    expect(await entriesOf(cwd, "--from", day(-1), "--to", day(1))).toEqual(all);
    expect(await entriesOf(cwd, "--from", `${day(1)}T00:00`)).toEqual([]);
    expect(await entriesOf(cwd, "--to", `${day(-1)}T00:00:00Z`)).toEqual([]);
    const people = await cli(["statement", "l.db", "alice", "--before", "9", "--limit", "1"], { cwd });
    expect(people.stdout).toContain("\nThe newest 1 entries of those asked for; --limit shows more.\n");
  });

  it.for([
    ["--before", "soon", "--before must be a sequence, not 'soon'"],
    [
      "--from",
      "yesterday",
      "--from must be a date or a time such as 2025-01-31 or 2025-01-31T12:00:00Z, not 'yesterday'",
    ],
    ["--from", "2025-02-30", "--from must be a date or a time such as"],
    ["--to", "2025-06-31T12:00Z", "--to must be a date or a time such as"],
    ["--to", "2025-02-28T99:00", "--to must be a date or a time such as"],
  ] as const)("%s %s is refused", async ([option, value, message]) => {
    const cwd = folderOf({});
    const run = await cli(["statement", "l.db", "alice", option, value], { cwd });
    expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
  });
});
