/** What scripts rely on: what stands where, in which form, and the exit codes. */
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { openLedger } from "../../src/index.js";
import { cli, folderOf, json, read, startCli } from "../support/cli.js";

const TRANSFERS = `id,from,to,amount
t1,alice,bob,10.00
t2,bob,carol,5.5
t3,carol,alice,100
t4,alice,bob,-5
t5,alice,bob
"q""uo,te",alice,bob,1
,alice,bob,1
${"x".repeat(65)},alice,bob,1
t1,alice,bob,10
t1,alice,bob,11
t1,alice,carol,10
t1,bob,carol,10
t3,carol,alice,1
t9,nobody,alice,1
t10,alice,nobody,1
`;
const ACCOUNTS = "id,opening\nalice,100.00\nbob,50.00\ncarol,0\n";
const SETTLE = [
  ..."settle --db l.db --transfers transfers.csv --columns id=id,debit=from,credit=to,amount=amount".split(" "),
  ..."--asset USD --accounts accounts.csv --results results.csv --balances balances.csv".split(" "),
];

function job(): string {
  return folderOf({ "transfers.csv": TRANSFERS, "accounts.csv": ACCOUNTS });
}

describe("settle", () => {
  it("prints one JSON line with --json, and what people read on standard error", async () => {
    const cwd = job();
    const run = await cli([...SETTLE, "--json"], { cwd });
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^\{.*\}\n$/);
    const report = JSON.parse(run.stdout);
    expect(Object.keys(report)).toEqual(
      "transfers replayed results durationMs transfersPerSecond mode workers digest".split(" "),
    );
    expect(report).toMatchObject({ transfers: 15, replayed: 0, mode: "event-loop", workers: 1 });
    expect(report.results).toEqual({
      ok: 3,
      invalid_row: 1,
      invalid_amount: 1,
      id_must_not_be_empty: 1,
      id_too_long: 1,
      exists: 1,
      exists_with_different_amount: 1,
      exists_with_different_credit_account_id: 1,
      exists_with_different_debit_account_id: 1,
      id_already_failed: 1,
      debit_account_not_found: 1,
      credit_account_not_found: 1,
      exceeds_credits: 1,
    });
    expect(report.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(report.durationMs).toBeGreaterThan(0);
    expect(report.transfersPerSecond).toBeGreaterThan(0);
    expect(run.stderr).toContain("Settled 15 rows of transfers.csv");
    expect(run.stderr).toContain("transfers.csv: row 4, column 'amount': invalid_amount\n");
    expect(run.stderr).toContain("transfers.csv: row 5: invalid_row\n");
    expect(run.stderr).toContain("transfers.csv: row 7, column 'id': id_must_not_be_empty\n");
    expect(run.stderr).toContain(report.digest);
  });

  it("says nothing on standard output without --json, and nothing at all with --quiet", async () => {
    const cwd = job();
    const loud = await cli(SETTLE, { cwd });
    expect(loud).toMatchObject({ code: 0, stdout: "" });
    expect(loud.stderr).toContain("digest");
    expect(await cli([...SETTLE, "--quiet"], { cwd })).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const quiet = await cli([...SETTLE, "--quiet", "--json"], { cwd });
    expect(quiet.stderr).toBe("");
    expect(JSON.parse(quiet.stdout)).toMatchObject({ transfers: 15, replayed: 6 });
  });

  it("writes a result for every row in the file's order, malformed rows too", async () => {
    const cwd = job();
    await json(SETTLE, { cwd });
    expect(read(cwd, "results.csv")).toBe(`row,id,result,sequence
1,t1,ok,3
2,t2,ok,4
3,t3,exceeds_credits,5
4,t4,invalid_amount,
5,,invalid_row,
6,"q""uo,te",ok,6
7,,id_must_not_be_empty,
8,,id_too_long,
9,t1,exists,3
10,t1,exists_with_different_amount,3
11,t1,exists_with_different_credit_account_id,3
12,t1,exists_with_different_debit_account_id,3
13,t3,id_already_failed,5
14,t9,debit_account_not_found,7
15,t10,credit_account_not_found,8
`);
    expect(
      read(cwd, "balances.csv"),
    ).toBe(`id,asset,debits_posted,credits_posted,debits_pending,credits_pending,balance,version
alice,USD,11.00,100.00,0.00,0.00,89.00,3
bob,USD,5.50,61.00,0.00,0.00,55.50,4
carol,USD,0.00,5.50,0.00,0.00,5.50,1
opening-balances:USD,USD,150.00,0.00,0.00,0.00,-150.00,2
`);
  });

  it.for([
    ["JPY", "JPY", "7", "7", "-7"],
    ["BHD", "BHD", "7.5", "7.500", "-7.500"],
    ["BTC:8", "BTC", "0.00000001", "0.00000001", "-0.00000001"],
    [
      "POINTS:0",
      "POINTS",
      "340282366920938463463374607431768211455",
      "340282366920938463463374607431768211455",
      "-340282366920938463463374607431768211455",
    ],
  ] as const)(
    "writes %s in its own scale, accounts in the order of their ids' bytes",
    async ([asset, code, amount, credits, balance]) => {
      const cwd = folderOf({ "transfers.csv": `from,to,amount\nébène,Zoë,${amount}\na,b,0\n` });
      const ledger = await openLedger(join(cwd, "l.db"), { mode: "event-loop" });
      await ledger.settleFile({
        transfers: join(cwd, "transfers.csv"),
        columns: { debit: "from", credit: "to", amount: "amount" },
        createAccounts: "unlimited",
        balances: join(cwd, "balances.csv"),
        asset,
      });
      await ledger.close();
      const zero = credits.replace(/[0-9]/g, "0").replace(/^0+(?=0)/, "");
      expect(read(cwd, "balances.csv").split("\n").slice(1)).toEqual([
        `Zoë,${code},${zero},${credits},${zero},${zero},${credits},1`,
        `ébène,${code},${credits},${zero},${zero},${zero},${balance},1`,
        "",
      ]);
    },
  );

  it("gives rows without an id column a UUID of version 8, all different, the same in every run", async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `a,b,${i + 1}\n`).join("");
    const cwd = folderOf({ "transfers.csv": `from,to,amount\n${rows}` });
    const args =
      "settle --transfers transfers.csv --columns debit=from,credit=to,amount=amount --create-accounts unlimited --asset JPY --results results.csv".split(
        " ",
      );
    await json([...args, "--db", "one.db"], { cwd });
    const first = read(cwd, "results.csv");
    const ids = (parse(first, { columns: true }) as { id: string }[]).map(({ id }) => id);
    expect(new Set(ids).size).toBe(3000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    await json([...args, "--db", "two.db", "--mode", "event-loop"], { cwd });
    expect(read(cwd, "results.csv")).toBe(first);
  });

  it("takes one thread for small files, and workers for others and where it is told to", async () => {
    const large = TRANSFERS + `"${"x".repeat(2 ** 20)}"\n`.repeat(4);
    const cwd = folderOf({ "transfers.csv": TRANSFERS, "accounts.csv": ACCOUNTS, "large.csv": large });
    const modeOf = async (db: string, ...more: string[]): Promise<string> =>
      (await json([...SETTLE, "--db", db, ...more], { cwd, input: TRANSFERS })).mode;
    expect(await modeOf("a.db", "--workers", "2")).toBe("parallel");
    expect(await modeOf("b.db", "--mode", "parallel")).toBe("parallel");
    expect(await modeOf("c.db", "--transfers", "-", "--job", "j")).toBe("parallel");
    expect(await modeOf("d.db", "--transfers", "large.csv")).toBe("parallel");
  });

  it("reads standard input, under the name given or with an id column", async () => {
    const cwd = job();
    const args = SETTLE.map((arg) => (arg === "transfers.csv" ? "-" : arg));
    const named = await json([...args, "--job", "monday"], { cwd, input: TRANSFERS });
    const results = read(cwd, "results.csv");
    const again = await json([...args, "--job", "monday"], { cwd, input: TRANSFERS });
    expect(again).toMatchObject({ replayed: 6, digest: named.digest, results: named.results });
    expect(read(cwd, "results.csv")).toBe(results);
    const withIds = await json(args, { cwd, input: TRANSFERS });
    expect(withIds).toMatchObject({ replayed: 0, digest: named.digest });
    expect(withIds.results).toMatchObject({ exists: 4 });
    const withoutBoth = args.map((arg) => arg.replace("id=id,debit", "debit"));
    expect(await cli(withoutBoth, { cwd, input: TRANSFERS })).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/needs an id column or a job's name/),
    });
  });

  it("settles rows that come in pieces as it settles them at once", async () => {
    const cwd = job();
    const expected = await json([...SETTLE, "--job", "pieces"], { cwd });
    const results = read(cwd, "results.csv");
    const args = SETTLE.map((arg) => (arg === "transfers.csv" ? "-" : arg === "l.db" ? "pieces.db" : arg));
    const { child, ended } = startCli([...args, "--job", "pieces", "--json"], { cwd, input: "open" });
    for (let from = 0; from < TRANSFERS.length; from += 41) {
      child.stdin!.write(TRANSFERS.slice(from, from + 41));
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    child.stdin!.end();
    expect(JSON.parse((await ended).stdout).digest).toBe(expected.digest);
    expect(read(cwd, "results.csv")).toBe(results);
  });

  it("reports what a job moved with --net: one more field, one more sentence, the same in every run", async () => {
    const cwd = job();
    const first = await cli([...SETTLE, "--json", "--net", "net.csv"], { cwd });
    const report = JSON.parse(first.stdout);
    expect(Object.keys(report).at(-1)).toBe("net");
    expect(report.net).toEqual({ asset: "USD", accounts: 3, gross: "16.50", net: "11.00", ratio: 11 / 16.5 });
    expect(first.stderr).toContain("3 accounts moved 16.50 USD; set off, 11.00 USD are left, 66.7 % of it.\n");
    const net = read(cwd, "net.csv");
    expect(net).toBe(`id,asset,paid,received,net,transfers
alice,USD,11.00,0.00,-11.00,2
bob,USD,5.50,11.00,5.50,3
carol,USD,0.00,5.50,5.50,1
`);
    const again = await json([...SETTLE, "--net", "net.csv", "--mode", "event-loop"], { cwd });
    expect(again).toMatchObject({ replayed: 6, net: report.net });
    expect(read(cwd, "net.csv")).toBe(net);
  });

  it("keeps its exit code and its results where nobody reads what it says", async () => {
    const cwd = job();
    const { child, ended } = startCli([...SETTLE, "--json"], { cwd });
    child.stdout!.destroy();
    child.stderr!.destroy();
    expect((await ended).code).toBe(0);
    expect(read(cwd, "results.csv").split("\n").length).toBe(17);
  });
});

describe("verify and statement", () => {
  it("verify prints one JSON line, or a sentence on standard error", async () => {
    const cwd = job();
    const { digest } = await json(SETTLE, { cwd });
    const run = await cli(["verify", "l.db", "--json"], { cwd });
    expect(JSON.parse(run.stdout)).toEqual({ ok: true, transfers: 8, accounts: 4, digest });
    expect(run.stdout.split("\n").length).toBe(2);
    const people = await cli(["verify", "l.db"], { cwd });
    expect(people).toMatchObject({ code: 0, stdout: "" });
    expect(people.stderr).toContain("l.db is sound: 8 transfers replayed");
    expect(await cli(["verify", "l.db", "--quiet"], { cwd })).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  it("statement lists entries newest first, and its running balances add up", async () => {
    const rows = Array.from({ length: 300 }, (_, i) => `r${i},${i % 3 ? "a" : "b"},${i % 3 ? "b" : "a"},${i + 1}\n`);
    const cwd = folderOf({ "transfers.csv": `id,from,to,amount\n${rows.join("")}x,a,c,5.5\nbad,c,a,1000\n` });
    const args =
      "--db l.db --transfers transfers.csv --columns id=id,debit=from,credit=to,amount=amount --asset BHD --job j";
    await json(["settle", ...args.split(" "), "--create-accounts", "unlimited"], { cwd });
    const run = await cli(["statement", "l.db", "a", "--json", "--limit", "1000"], { cwd });
    expect(run.code).toBe(0);
    const { id, asset, balance, version, entries } = JSON.parse(run.stdout);
    expect({ id, asset, version, count: entries.length }).toEqual({ id: "a", asset: "BHD", version: 302, count: 302 });
    const thousandths = (text: string): bigint => {
      expect(text).toMatch(/^-?\d+\.\d{3}$/);
      return BigInt(text.replace(".", ""));
    };
    let running = 0n;
    let last = 0;
    for (const entry of [...entries].reverse()) {
      running += thousandths(entry.amount);
      expect(thousandths(entry.balance)).toBe(running);
      expect(entry.sequence).toBeGreaterThan(last);
      expect(entry).toMatchObject({ job: "j", counterparty: expect.stringMatching(/^[bc]$/) });
      expect(new Date(entry.time).toISOString()).toBe(entry.time);
      last = entry.sequence;
    }
    expect(thousandths(balance)).toBe(running);
    expect(entries[1]).toMatchObject({ id: "x", amount: "-5.500", counterparty: "c", row: 301 });

    const people = await cli(["statement", "l.db", "a"], { cwd });
    expect(people).toMatchObject({ code: 0, stderr: "" });
    expect(people.stdout).toContain(`a: BHD ${balance}`);
    expect(people.stdout).toContain("The newest 25 entries; --limit shows more.");
    expect(await cli(["statement", "l.db", "nobody"], { cwd })).toMatchObject({
      code: 2,
      stdout: "",
      stderr: "parallel-ledger: l.db has no account 'nobody'\n",
    });
  });

  it("tells the help and the version on standard output", async () => {
    const version = await cli(["--version"]);
    expect(version).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const help = await cli(["settle", "--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("Exit codes: 0 done") });
  });
});
