/** Mistakes of all kinds: a sentence that says what, where and what to do; the right exit code; nothing half applied. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import SQLite from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../../src/cli/output.js";
import { type SettleArguments, settle } from "../../src/cli/settle.js";
import { statement } from "../../src/cli/statement.js";
import { verify } from "../../src/cli/verify.js";
import { openLedger } from "../../src/index.js";
import { cli, folderOf, json, PROGRAM, type Run, read, startCli, verifiedDigest } from "../support/cli.js";

const FILES = {
  "transfers.csv": "id,from,to,amount\nt1,a,b,1\n",
  "accounts.csv": "id,opening\na,5\n",
};
const COLUMNS = "debit=from,credit=to,amount=amount";
const GOOD = ["--db", "l.db", "--transfers", "transfers.csv", "--columns", COLUMNS, "--asset", "USD"];

/** The good arguments with some replaced or added. */
function args(...changes: readonly string[]): string[] {
  const changed = [...GOOD];
  for (let i = 0; i < changes.length; i += 2) {
    const at = changed.indexOf(changes[i]!);
    if (at < 0) changed.push(...changes.slice(i, i + 2));
    else changed[at + 1] = changes[i + 1]!;
  }
  return ["settle", ...changed];
}

/** What the command is given for these arguments, files in the folder. */
function parsed(folder: string, given: readonly string[]): SettleArguments {
  const values: Record<string, string> = {};
  for (let i = 1; i < given.length; i += 2) {
    const name = given[i]!.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const isPath = ["db", "transfers", "accounts", "results", "balances", "net"].includes(name);
    values[name] = isPath ? join(folder, given[i + 1]!) : given[i + 1]!;
  }
  return values as unknown as SettleArguments;
}

/** How a command that must refuse ends, as its process would. */
async function refusal(command: () => Promise<unknown>): Promise<Pick<Run, "code" | "stdout" | "stderr">> {
  try {
    await command();
  } catch (error) {
    return { code: exitCodeOf(error), stdout: "", stderr: `parallel-ledger: ${(error as Error).message}\n` };
  }
  throw new Error("the command did not refuse");
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

describe("bad usage ends with exit code 2, a sentence, and no ledger", () => {
  const cases: readonly [string, readonly string[], RegExp][] = [
    ["no command", [], /^Usage: parallel-ledger/],
    ["an unknown command", ["settel"], /unknown command 'settel'/],
    ["an unknown option", args("--colums", COLUMNS), /unknown option '--colums'[\s\S]*Did you mean --columns\?/],
    ["a missing option", ["settle", "--db", "l.db"], /required option '--transfers <file>' not specified/],
    ["a missing argument", ["verify"], /missing required argument 'ledger'/],
    ["a missing column", args("--columns", "debit=from,credit=to"), /--columns: 'amount=…' is missing/],
    [
      "an unknown column",
      args("--columns", `${COLUMNS},memo=x`),
      /--columns: 'memo' is not a column .* expected debit/,
    ],
    ["a column twice", args("--columns", `${COLUMNS},debit=x`), /--columns: 'debit' is named twice/],
    ["a column without a header", args("--columns", "debit=,credit=to"), /'debit=' is not of the form NAME=HEADER/],
    ["an unknown mode", args("--mode", "fast"), /--mode must be parallel or event-loop, not 'fast'/],
    ["no workers", args("--workers", "0"), /--workers must be auto or a whole number from 1 to 64, not '0'/],
    ["too many workers", args("--workers", "65"), /--workers must be auto or a whole number from 1 to 64, not '65'/],
    ["an unknown kind of account", args("--create-accounts", "any"), /must be limited or unlimited, not 'any'/],
    ["columns of no accounts", args("--account-columns", "id=id"), /--account-columns needs --accounts FILE/],
    ["an unknown currency", args("--asset", "usd"), /'usd' is not a currency of ISO 4217, perhaps USD/],
    ["an unknown asset", args("--asset", "POINTS"), /name the scale of any other asset, for example POINTS:2/],
    ["a scale too large", args("--asset", "BTC:19"), /scale from 0 to 18, for example BTC:8/],
    ["a missing file", args("--transfers", "none.csv"), /none\.csv can't be read: there is no such file/],
    ["a directory as a file", args("--transfers", "."), / is a directory: expected a CSV file/],
    ["a missing accounts file", args("--accounts", "none.csv"), /none\.csv can't be read: there is no such file/],
    ["results over the transfers", args("--results", "./transfers.csv"), /--transfers and --results both name/],
    ["results over the ledger", args("--results", "l.db"), /--db and --results both name .*l\.db/],
    [
      "results and balances in one",
      args("--results", "x", "--balances", "x"),
      /--results and --balances both name .*x:/,
    ],
    ["the netting over the transfers", args("--net", "transfers.csv"), /--transfers and --net both name/],
    [
      "results that are written over the ledger on their way",
      args("--db", "x.partial", "--results", "x"),
      /--db and --results would both use .*x\.partial:/,
    ],
    [
      "balances where results are on their way",
      args("--results", "x", "--balances", "x.partial"),
      /--results and --balances both name .*x\.partial:/,
    ],
    [
      "results over the ledger's journal",
      args("--results", "l.db-journal"),
      /--db and --results both name .*l\.db-journal:/,
    ],
  ];
  it("each of them", async () => {
    const folder = folderOf(FILES);
    for (const [name, given, message] of cases) {
      // What the parser of arguments says takes a process; what the command says does not.
      const run =
        given[0] === "settle" && given.includes("--asset") && !given.includes("--colums")
          ? await refusal(() => settle(parsed(folder, given)))
          : await cli(given, { cwd: folder });
      expect(run.stderr, name).toMatch(message);
      expect(run, name).toMatchObject({ code: 2, stdout: "" });
      expect(run.stderr, name).not.toMatch(/\n {4}at /);
    }
    expect(readdirSync(folder).sort()).toEqual(["accounts.csv", "transfers.csv"]);
    expect(read(folder, "transfers.csv")).toBe(FILES["transfers.csv"]);
  });
});

it("refuses outputs without a name or that links lead to one place, and an input where an output would be on its way", async () => {
  const folder = folderOf({ ...FILES, "net.partial": FILES["transfers.csv"] });
  mkdirSync(join(folder, "out"));
  symlinkSync("out", join(folder, "link"));
  const unnamed = { ...parsed(folder, args()), results: "" };
  expect((await refusal(() => settle(unnamed))).stderr).toMatch(/--results must be the path of a file, not ''/);
  const given = [
    args("--results", "out/x", "--balances", "link/x"),
    args("--transfers", "net.partial", "--net", "net"),
  ];
  const said = [];
  for (const each of given) said.push((await refusal(() => settle(parsed(folder, each)))).stderr);
  expect(said[0]).toMatch(/--results and --balances both name .*link\/x: give each a file of its own/);
  expect(said[1]).toMatch(/--transfers and --net would both use .*net\.partial: give each a file of its own/);
  expect(read(folder, "net.partial")).toBe(FILES["transfers.csv"]);
});

it("refuses an output that is the file behind standard input", () => {
  const folder = folderOf(FILES);
  const input = openSync(join(folder, "transfers.csv"), "r");
  const given = args("--transfers", "-", "--job", "j", "--results", "transfers.csv");
  const run = spawnSync(process.execPath, [PROGRAM, ...given], { cwd: folder, stdio: [input, "pipe", "pipe"] });
  closeSync(input);
  expect(String(run.stderr)).toMatch(/--transfers and --results both name transfers\.csv: give each a file of its own/);
  expect(run.status).toBe(2);
  expect(read(folder, "transfers.csv")).toBe(FILES["transfers.csv"]);
});

describe("unusable input ends with exit code 2 and a ledger that is what it was", () => {
  it("one after the other on the same ledger", async () => {
    const folder = folderOf({
      ...FILES,
      "empty.csv": "",
      "mark.csv": "\ufeff",
      "semicolon.csv": "from;to;amount\na;b;1\n",
      "other.csv": "from,too,amount\na,b,1\n",
      "wide.csv": `${Array.from({ length: 1025 }, (_, i) => `c${i}`).join()}\n`,
      "latin.csv": Buffer.from("from,to,amount,m\xfcsli\n", "latin1"),
      "quote.csv": '"from,to,amount\na,b,1\n',
      "accounts-bad.csv": "id,opening\nc,1\nd,-1\n",
      "accounts-changed.csv": "id,opening\nc,1\na,6\n",
    });
    const good = args("--accounts", "accounts.csv", "--create-accounts", "limited", "--results", "results.csv");
    const { digest } = await json(good, { cwd: folder });
    const results = read(folder, "results.csv");
    const at = (name: string): string => join(folder, name);
    // The command without a process of its own: what it throws is what it would say.
    const base: SettleArguments = {
      db: at("l.db"),
      transfers: at("transfers.csv"),
      accounts: at("accounts.csv"),
      results: at("results.csv"),
      columns: COLUMNS,
      asset: "USD",
      createAccounts: "limited",
      mode: "event-loop",
      quiet: true,
    };
    const cases: readonly [Partial<SettleArguments>, RegExp][] = [
      [{ transfers: at("empty.csv") }, /empty\.csv is empty: expected a CSV file whose first line names/],
      [{ transfers: at("mark.csv") }, /mark\.csv has no header in its first 3 bytes/],
      [{ transfers: at("semicolon.csv") }, /Columns found: "from;to;amount"\. It looks delimited by ";"/],
      [
        { transfers: at("other.csv") },
        /other\.csv: .*no column "to" \(credit\)\. Did you mean "too"\? Columns found: "from"/,
      ],
      [{ transfers: at("wide.csv") }, /wide\.csv: The header has 1025 columns; at most 1024 can be read/],
      [{ transfers: at("latin.csv") }, /latin\.csv: Column 4 of the header is not UTF-8\. Convert the file to UTF-8/],
      [{ transfers: at("quote.csv") }, /quote\.csv has no header/],
      [{ columns: "debit=from,credit=from,amount=amount" }, /"from" can't be both debit and credit/],
      [{ delimiter: "::" }, /the delimiter must be one ASCII character .* not "::"/],
      [{ job: "" }, /a job's name takes 1 to 128 bytes, not 0/],
      [{ job: "x".repeat(129) }, /a job's name takes 1 to 128 bytes, not 129/],
      [{ asset: "USD:3" }, /this ledger keeps USD with 2 decimal digits, not 3/],
      [{ accounts: at("accounts-bad.csv") }, /row 2, column 'opening': invalid_amount/],
      [{ accounts: at("accounts-changed.csv") }, /row 2, column 'opening': account 'a' was opened before with another/],
      [{ accountColumns: "id=id,opening=balance" }, /accounts\.csv: .*no column "balance" \(opening\)/],
      [{ results: at("none/results.csv") }, /none\/results\.csv can't be written: the folder '.*none' does not exist/],
      [{ results: at(".") }, / can't be written: it is a directory/],
    ];
    for (const [changes, message] of cases) {
      const run = await refusal(() => settle({ ...base, ...changes }));
      expect(run.stderr, JSON.stringify(changes)).toMatch(message);
      expect(run.code, JSON.stringify(changes)).toBe(2);
    }
    const stream = await cli(args("--transfers", "-"), { cwd: folder, input: FILES["transfers.csv"] });
    expect(stream).toEqual({
      code: 2,
      signal: null,
      stdout: "",
      stderr:
        "parallel-ledger: a stream of transfers needs an id column or a job's name: otherwise a second run would pay " +
        "everything twice\n",
    });
    expect(read(folder, "results.csv")).toBe(results);
    expect(existsSync(join(folder, "results.csv.partial"))).toBe(false);
    expect(await verifiedDigest(join(folder, "l.db"))).toBe(digest);
    expect(await json(good, { cwd: folder })).toMatchObject({ digest, replayed: 1 });
  });
});

describe("unusable headers and outputs end before there is a ledger", () => {
  it("in a file, in a pipe, in the accounts", async () => {
    const folder = folderOf({ ...FILES, "other.csv": "from,too,amount\na,b,1\n", "empty.csv": "" });
    const at = (name: string): string => join(folder, name);
    const base: SettleArguments = {
      db: at("new.db"),
      transfers: at("transfers.csv"),
      columns: COLUMNS,
      asset: "USD",
      mode: "event-loop",
      quiet: true,
      results: at("results.csv"),
      balances: at("balances.csv"),
    };
    const cases: readonly [Partial<SettleArguments>, RegExp][] = [
      [{ transfers: at("other.csv") }, /no column "to"/],
      [{ transfers: at("empty.csv") }, /empty\.csv is empty/],
      [{ columns: "debit=from,credit=from,amount=amount" }, /"from" can't be both debit and credit/],
      [{ delimiter: "::" }, /the delimiter must be one ASCII character/],
      [{ job: "" }, /a job's name takes 1 to 128 bytes/],
      [{ accounts: at("accounts.csv"), accountColumns: "id=name" }, /accounts\.csv: .*no column "name"/],
      [{ balances: at("none/balances.csv") }, /none\/balances\.csv can't be written/],
      [{ balances: at(".") }, /it is a directory/],
    ];
    for (const [changes, message] of cases) {
      const run = await refusal(() => settle({ ...base, ...changes }));
      expect(run.stderr, JSON.stringify(changes)).toMatch(message);
      expect(run.code, JSON.stringify(changes)).toBe(2);
    }
    const stream = await cli(args("--transfers", "-", "--job", "j"), { cwd: folder, input: "from,too,amount\n" });
    expect(stream).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("standard input: The header has no column"),
    });
    const unnamed = await cli(args("--transfers", "-"), { cwd: folder, input: FILES["transfers.csv"] });
    expect(unnamed).toMatchObject({ code: 2, stderr: expect.stringContaining("needs an id column or a job's name") });
    expect(readdirSync(folder).sort()).toEqual(["accounts.csv", "empty.csv", "other.csv", "transfers.csv"]);
  });

  it("but the files that a ledger in use elsewhere kept a job from are not left behind either", async () => {
    const folder = folderOf(FILES);
    const ledger = await openLedger(join(folder, "l.db"), { mode: "event-loop" });
    const run = await cli(args("--results", "results.csv"), { cwd: folder });
    await ledger.close();
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining("is open already") });
    expect(readdirSync(folder).sort()).toEqual(["accounts.csv", "l.db", "transfers.csv"]);
  });
});

describe("malformed rows are results, not failures", () => {
  it("each kind, between rows that are settled", async () => {
    const long = "x".repeat(64);
    const rows: readonly [string | Buffer, string][] = [
      ["g1,a,b,1", "ok"],
      ["r,a,b,-1", "invalid_amount"],
      ["r,a,b,", "invalid_amount"],
      ["r,a,b,1.00E+07", "invalid_amount"],
      ["r,a,b,1.234", "invalid_amount"],
      [`r,a,b,${2n ** 128n}`, "invalid_amount"],
      ["r,a,b,3402823669209384634633746074317682114.56", "invalid_amount"],
      ["r,a,b,0x10", "invalid_amount"],
      ["r,a,b, 1", "invalid_amount"],
      [",a,b,1", "id_must_not_be_empty"],
      [`${long}y,a,b,1`, "id_too_long"],
      [Buffer.from("\xff,a,b,1", "latin1"), "id_not_utf8"],
      ["r,,b,1", "debit_account_id_must_not_be_empty"],
      [`r,a,${long}y,1`, "credit_account_id_too_long"],
      [Buffer.from("r,a,\xc0\xaf,1", "latin1"), "credit_account_id_not_utf8"],
      ["r,a,a,1", "accounts_must_be_different"],
      ["r,a,b,0.00", "amount_must_not_be_zero"],
      ["r,a,b", "invalid_row"],
      ["r,a,b,1,2", "invalid_row"],
      ['r,a,b"c,1', "invalid_row"],
      ['"r"x,a,b,1', "invalid_row"],
      [`r,${"x".repeat(10_000_000)},b,1`, "invalid_row"],
      [`r,"${"x\n".repeat(1_000_000)}",b,1`, "invalid_row"],
      [`${long},${long.replaceAll("x", "ü").slice(0, 32)},b,1`, "ok"],
      ["g2,a,b,1.5", "ok"],
      ['r,a,"b,1\nnever closed', "invalid_row"],
    ];
    const folder = folderOf({
      "transfers.csv": Buffer.concat(
        ["id,from,to,amount", ...rows.map(([row]) => row)].flatMap((row) => [
          Buffer.from(row as string),
          Buffer.from("\n"),
        ]),
      ),
    });
    const given = args("--columns", `id=id,${COLUMNS}`, "--create-accounts", "unlimited", "--results", "results.csv");
    const first = await cli([...given, "--json"], { cwd: folder });
    expect(first.code, first.stderr).toBe(0);
    const results = read(folder, "results.csv");
    const found = results.split("\n").slice(1, -1);
    expect(found.map((line) => line.split(",")[2])).toEqual(rows.map(([, result]) => result));
    expect(found.map((line) => line.split(",")[0])).toEqual(rows.map((_, index) => String(index + 1)));
    expect(first.stderr).toContain("transfers.csv: row 2, column 'amount': invalid_amount\n");
    expect(first.stderr).toContain("invalid_amount: expected digits");
    const { digest } = JSON.parse(first.stdout);
    expect(await verifiedDigest(join(folder, "l.db"))).toBe(digest);
    expect(await json(given, { cwd: folder })).toMatchObject({ digest, replayed: 3 });
    expect(read(folder, "results.csv")).toBe(results);
  });

  it("a file of nothing else, a header alone with and without its line end, CR LF and a byte order mark", async () => {
    const folder = folderOf({
      "malformed.csv": "from,to,amount\na,b\na,b,c,d\na,b,-1",
      "header.csv": "from,to,amount\n",
      "bare.csv": "from,to,amount",
      "windows.csv": '\ufefffrom,to,amount\r\n"a",b,1\r\n\r\na,b,"2.50"\r\na,b,3',
    });
    const settle = (file: string) =>
      json(args("--transfers", file, "--results", "results.csv", "--create-accounts", "unlimited"), { cwd: folder });
    expect(await settle("malformed.csv")).toMatchObject({
      transfers: 3,
      results: { invalid_row: 2, invalid_amount: 1 },
    });
    for (const file of ["header.csv", "bare.csv"]) {
      expect(await settle(file)).toMatchObject({ transfers: 0, replayed: 0, results: {} });
      expect(read(folder, "results.csv")).toBe("row,id,result,sequence\n");
    }
    expect(await settle("windows.csv")).toMatchObject({ transfers: 3, results: { ok: 3 } });
    await verifiedDigest(join(folder, "l.db"));
  });
});

describe("ledgers that can't be opened", () => {
  it("files that are something else stay as they are", async () => {
    const folder = folderOf({ ...FILES, "notes.db": "not a database at all, and longer than a header ".repeat(50) });
    const other = new SQLite(join(folder, "other.db"));
    other.exec("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)");
    other.close();
    mkdirSync(join(folder, "folder.db"));
    for (const [name, message] of [
      ["notes.db", /notes\.db' is not a ledger \(found a file that is not an SQLite database\) and was left as it is/],
      ["other.db", /other\.db' is not a ledger \(expected an SQLite database with the application id/],
    ] as const) {
      const hash = hashOf(join(folder, name));
      const path = join(folder, name);
      for (const command of [
        () => settle(parsed(folder, args("--db", name))),
        () => verify(path, {}),
        () => statement(path, "a", {}),
      ]) {
        const run = await refusal(command);
        expect(run.stderr).toMatch(message);
        expect(run).toMatchObject({ code: 2, stdout: "" });
      }
      expect(hashOf(join(folder, name))).toBe(hash);
      expect(existsSync(join(folder, `${name}-journal`)) || existsSync(join(folder, `${name}-wal`))).toBe(false);
    }
    const none = join(folder, "none.db");
    for (const [command, message] of [
      [() => settle(parsed(folder, args("--db", "folder.db"))), /folder\.db': it is a directory: name a file/],
      [() => settle(parsed(folder, args("--db", "none/l.db"))), /the folder '.*none' does not exist: create it first/],
      [() => verify(none, {}), /none\.db': there is no such file/],
      [() => statement(none, "a", {}), /none\.db': there is no such file/],
      [() => statement(none, "a", { limit: "0" }), /--limit must be a whole number from 1, not '0'/],
    ] as const) {
      const run = await refusal(command);
      expect(run.stderr).toMatch(message);
      expect(run.code).toBe(2);
    }
    expect(await cli(["verify", "notes.db", "--json"], { cwd: folder })).toMatchObject({ code: 2, stdout: "" });
    expect(existsSync(join(folder, "none.db"))).toBe(false);
  });

  it("one that another process has open is left to it", async () => {
    const folder = folderOf(FILES);
    const given = args("--transfers", "-", "--job", "j", "--create-accounts", "unlimited");
    const owner = startCli([...given, "--json"], { cwd: folder, input: "open" });
    owner.child.stdin!.write("from,to,amount\na,b,1\n");
    while (!existsSync(join(folder, "l.db-journal"))) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const other of [args("--create-accounts", "unlimited"), ["verify", "l.db"]]) {
      const run = await cli(other, { cwd: folder });
      expect(run.stderr).toMatch(/l\.db' is open already, in this process or another one/);
      expect(run).toMatchObject({ code: 1, stdout: "" });
    }
    owner.child.stdin!.end("a,b,2\n");
    expect(JSON.parse((await owner.ended).stdout)).toMatchObject({ results: { ok: 2 } });
    await verifiedDigest(join(folder, "l.db"));
  });

  it("one that was damaged is not sound, with exit code 1", async () => {
    const folder = folderOf(FILES);
    await json(args("--create-accounts", "unlimited"), { cwd: folder });
    const path = join(folder, "l.db");
    const database = new SQLite(path);
    const data = database.prepare<[], Buffer>("SELECT data FROM journal WHERE chunk = 1").pluck().get()!;
    data[data.length - 1]! ^= 1;
    database.prepare("UPDATE journal SET data = ? WHERE chunk = 1").run(data);
    database.close();
    const run = await cli(["verify", "l.db", "--json"], { cwd: folder });
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/the journal is damaged at chunk 1: its checksum does not match/);
  });
});
