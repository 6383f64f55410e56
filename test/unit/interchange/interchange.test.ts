/** What an export holds, and that an import notices whatever is not as it was exported. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { parse } from "csv-parse/sync";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Account,
  importLedger,
  type Ledger,
  type LedgerError,
  type NewTransfer,
  type Transfer,
} from "../../../src/index.js";
import { TABLES } from "../../../src/interchange/tables.js";
import { openLedgerHere, startClock, temporaryFolder } from "../../support/ledgers.js";

const ROOM = { mode: "event-loop", capacity: { accounts: 100, transfers: 1000, pendings: 100 } } as const;

/** A ledger with everything that a row can say. */
async function makeLedger(path: string): Promise<Ledger> {
  const clock = startClock();
  const ledger = await openLedgerHere(path, { ...ROOM, assets: ["BTC:8"] });
  const limited = { debitsMustNotExceedCredits: true, overdraftLimit: 2n ** 64n, code: 7 };
  await ledger.createAccounts([
    { id: "bank", asset: "USD", userData: 2n ** 128n - 1n, metadata: { b: ["\u2028\n", 1.5, null], a: 'quo"te,d' } },
    { id: 'quo"te,d', asset: "USD", ...limited },
    { id: "line\nend \u2028", asset: "JPY", creditsMustNotExceedDebits: true },
  ]);
  const move = (id: string, more: object = {}): NewTransfer =>
    ({ id, debit: "bank", credit: 'quo"te,d', amount: 1050n, ...more }) as NewTransfer;
  const limit = { debit: 'quo"te,d', credit: "bank", amount: 2n ** 70n };
  const calls: NewTransfer[][] = [
    [move("plain", { code: 3, userData: 2n ** 128n - 1n, effectiveDate: "1969-12-31" })],
    [move("too-much", limit), move("no-such", { debit: "nobody" }), move("versions", { expectedDebitVersion: 9 })],
    [move("balancing", { ...limit, balancingDebit: true })],
    [
      move("reserved", { pending: true, timeout: 1 }),
      move("closing", { pending: true, amount: 0n, closingCredit: true }),
    ],
    [{ id: "reopen", void: "closing" }],
    [move("leg", { linked: true }), move("breaks", { ...limit })],
    [move("to-post", { pending: true }), { id: "posted", post: "to-post", amount: 50n }],
  ];
  for (const call of calls) await ledger.createTransfers(call);
  await ledger.createAccounts([{ id: "late", asset: "BTC", code: 1 }]);
  vi.setSystemTime(clock.milliseconds + 2000);
  await ledger.createTransfers([move("nobody-either", { debit: "nobody", credit: "nobody else" })]);
  await ledger.createTransfers([{ id: "expired", post: "reserved" }]);
  await ledger.createAccounts([{ id: "closed", asset: "JPY", code: 65_535, userData: 5n, metadata: [null] }]);
  const owed = { debit: "closed", credit: "line\nend \u2028" };
  const versions = { expectedDebitVersion: 1, expectedCreditVersion: 1 };
  await ledger.createTransfers([
    move("owing", { linked: true, debit: owed.credit, credit: owed.debit }),
    move("last", { ...owed, ...versions, pending: true, balancingCredit: true, closingDebit: true }),
  ]);
  const folder = temporaryFolder();
  const transfers = join(folder, "transfers.ndjson");
  writeFileSync(transfers, '{"id":"of-a-job","debit":"bank","credit":"quo\\"te,d","amount":1}\n');
  await ledger.settleFile({ job: "a job", transfers, asset: "USD", results: join(folder, "results.csv") });
  return ledger;
}

/** A ledger and its exports, made once; each test has a copy that it may spoil. */
const original = mkdtempSync(join(tmpdir(), "parallel-ledger-"));
let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  if (readdirSync(original).length === 0) {
    const ledger = await makeLedger(join(original, "ledger.db"));
    for (const format of ["csv", "ndjson", "sqlite"] as const) await ledger.export(join(original, format), { format });
    await ledger.close();
  }
  folder = temporaryFolder();
  cpSync(original, folder, { recursive: true });
});

afterAll(() => rmSync(original, { recursive: true }));

function lines(name: string): string[] {
  return readFileSync(at(name), "utf8").split("\n");
}

/** Digits behind the point of each asset's amounts; of no asset's none. */
const SCALES: Readonly<Record<string, number>> = { USD: 2, JPY: 0, BTC: 8, "": 0 };

/** Every field of an account and of a transfer, as columns are called. */
const FIELDS = {
  accounts: [
    ...["id", "asset", "code", "user_data", "metadata", "debits_must_not_exceed_credits"],
    ...["credits_must_not_exceed_debits", "overdraft_limit", "debits_posted", "credits_posted", "debits_pending"],
    ...["credits_pending", "balance", "version", "closed"],
  ],
  transfers: [
    ...["id", "result", "sequence", "timestamp", "debit", "credit", "amount", "code", "user_data", "effective_date"],
    ...["linked", "pending", "timeout", "post", "void", "balancing_debit", "balancing_credit", "closing_debit"],
    ...["closing_credit", "asked_amount", "expected_debit_version", "expected_credit_version", "job", "row"],
  ],
};

type Fields = Record<string, string>;

/** What the ledger says of an account or transfer, as an export does: what is 0, false or not there is left out. */
function fieldsOf(object: Account | Transfer, scale: number): Fields {
  const fields: Fields = {};
  for (const [name, value] of Object.entries(object)) {
    // A sentence on the result, for people.
    if (name === "reason" || value === false || value === 0 || value === "") continue;
    const column = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const isAmount = typeof value === "bigint" && column !== "user_data" && column !== "timestamp";
    if (value !== 0n) fields[column] = isAmount ? decimalOf(value, scale) : String(value);
  }
  return fields;
}

function decimalOf(amount: bigint, scale: number): string {
  if (scale === 0) return String(amount);
  const digits = String(amount < 0n ? -amount : amount).padStart(scale + 1, "0");
  return `${amount < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The rows of an export's tables; fields are texts, a flag is `true`, and what is empty is left out. */
function readExport(format: "csv" | "ndjson" | "sqlite"): Record<"accounts" | "transfers" | "balances", Fields[]> {
  const texts = (row: object): Fields =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([, value]) => value !== null && value !== "")
        .map(([name, value]) => [name, String(value)]),
    );
  const read = (table: string): Fields[] => {
    if (format === "csv")
      return parse(readFileSync(at(`csv/${table}.csv`)), { columns: true }).map((row) => texts(row as object));
    if (format === "ndjson") {
      return lines(`ndjson/${table}.ndjson`)
        .filter((line) => line !== "")
        .map((line) => texts(JSON.parse(line)));
    }
    const database = new Database(at("sqlite"), { readonly: true });
    const flags = TABLES.find(({ name }) => name === table)!.columns.filter(({ kind }) => kind === "flag");
    const rows = database.prepare<[], Record<string, unknown>>(`SELECT * FROM ${table} ORDER BY rowid`).safeIntegers();
    const found = rows
      .all()
      .map((row) => texts({ ...row, ...Object.fromEntries(flags.map(({ name }) => [name, row[name] === 1n || ""])) }));
    database.close();
    return found;
  };
  return { accounts: read("accounts"), transfers: read("transfers"), balances: read("balances") };
}

/** Changes a file of an export. */
function change(name: string, from: string, to: string): void {
  const text = readFileSync(at(name), "utf8");
  expect(text).toContain(from);
  writeFileSync(at(name), text.replace(from, to));
}

async function failure(from: string): Promise<LedgerError> {
  const before = readdirSync(folder);
  const error = await importLedger(at(from), at("new.db")).then(
    () => expect.unreachable("the import succeeded"),
    (reason: LedgerError) => reason,
  );
  expect(readdirSync(folder), "nothing is left behind").toEqual(before);
  return error;
}

describe("an export", () => {
  it("says everything of accounts and transfers, with amounts as decimals", () => {
    const manifest = JSON.parse(readFileSync(at("csv/ledger.json"), "utf8"));
    expect(manifest).toMatchObject({
      ...{ kind: "parallel-ledger export", version: 2, format: "csv", reservations: 4 },
      ...{
        assets: [
          { code: "BTC", scale: 8 },
          { code: "USD", scale: 2 },
          { code: "JPY", scale: 0 },
        ],
      },
    });
    for (const [name, { sha256 }] of Object.entries<{ sha256: string }>(manifest.tables)) {
      expect(
        createHash("sha256")
          .update(readFileSync(at(`csv/${name}.csv`)))
          .digest("hex"),
        name,
      ).toBe(sha256);
    }
    expect(lines("csv/accounts.csv")[2]).toMatch(/^2,"quo""te,d",USD,7,true,,184467440737095516\.16,0,,0,\d{19}$/);
    expect(lines("csv/accounts.csv")[1]).toMatch(
      /^1,bank,USD,0,,,0\.00,340282366920938463463374607431768211455,"\{""b"":\[/,
    );
    expect(lines("csv/accounts.csv").at(-3)).toMatch(/^4,late,BTC,1,,,0\.00000000,0,,11,\d{19}$/);
    const transfers = lines("ndjson/transfers.ndjson")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    const find = (id: string): Record<string, unknown> => transfers.find((transfer) => transfer.id === id);
    expect(transfers.map(({ sequence }) => sequence)).toEqual(transfers.map((_, i) => i + 1));
    expect(find("plain")).toEqual({
      ...{ sequence: 1, timestamp: expect.stringMatching(/^\d{19}$/), id: "plain", result: "ok" },
      ...{ debit: "bank", credit: 'quo"te,d', asset: "USD", amount: "10.50", code: 3 },
      ...{ user_data: String(2n ** 128n - 1n), effective_date: "1969-12-31" },
    });
    expect(find("no-such")).toMatchObject({ result: "debit_account_not_found", debit: "nobody", amount: "10.50" });
    expect(find("versions")).toMatchObject({ result: "version_mismatch", expected_debit_version: 9 });
    expect(find("balancing")).toMatchObject({ balancing_debit: true, asked_amount: "11805916207174113034.24" });
    expect(find("closing")).toMatchObject({ pending: true, closing_credit: true, amount: "0.00" });
    expect(find("reopen")).toMatchObject({ void: "closing" });
    expect(find("breaks")).toMatchObject({ result: "exceeds_credits", broke_chain: true });
    expect(find("posted")).toMatchObject({ post: "to-post", amount: "0.50", asked_amount: "0.50" });
    expect(find("nobody-either")).toMatchObject({ amount: "1050" });
    expect(find("nobody-either")).not.toHaveProperty("asset");
    expect(find("expired")).toMatchObject({ result: "pending_transfer_expired", post: "reserved" });
    expect(lines("ndjson/expiries.ndjson")[0]).toMatch(/^\{"number":1,"after":11,"timestamp":"\d{19}","count":1\}$/);
  });

  it.for(["csv", "ndjson", "sqlite"] as const)(
    "has every field of every account and transfer, as %s",
    async (format) => {
      const ledger = await openLedgerHere(at("ledger.db"), ROOM);
      const expected = {
        accounts: [...ledger.accounts()].map((account) => fieldsOf(account, SCALES[account.asset]!)),
        transfers: (await ledger.transfers({ limit: 1000 })).transfers.map((transfer) => {
          const account = ledger.account(transfer.debit) ?? ledger.account(transfer.credit);
          return fieldsOf(transfer, SCALES[account?.asset ?? ""]!);
        }),
      };
      for (const [i, { id }] of [...ledger.accounts()].entries()) {
        const metadata = await ledger.metadata(id);
        if (metadata !== undefined) expected.accounts[i]!.metadata = JSON.stringify(metadata);
      }
      await ledger.close();
      const rows = readExport(format);
      const balances = new Map(rows.balances.map((row) => [row.id, row]));
      const accounts = new Map(rows.accounts.map((row) => [row.id, { ...row, ...balances.get(row.id) }]));
      expect(expected.accounts.map(({ id }) => accounts.get(id!))).toMatchObject(expected.accounts);
      expect(rows.transfers.reverse()).toMatchObject(expected.transfers);
      // Each field has another value than its default somewhere: a column that is always empty would be noticed.
      for (const [name, found] of Object.entries({ ...expected })) {
        const seen = new Set(found.flatMap((fields) => Object.keys(fields)));
        expect([...seen].sort(), name).toEqual([...FIELDS[name as keyof typeof FIELDS]].sort());
      }
    },
  );

  it("as SQLite answers questions about every field", () => {
    const database = new Database(at("sqlite"), { readonly: true });
    const ids = (sql: string): unknown => database.prepare(sql).pluck().all();
    const accounts = (where: string): unknown =>
      ids(`SELECT id FROM accounts JOIN balances USING (id, asset) WHERE ${where} ORDER BY number`);
    const transfers = (where: string): unknown => ids(`SELECT id FROM transfers WHERE ${where} ORDER BY sequence`);
    expect(accounts("user_data = '5' AND code = 65535")).toEqual(["closed"]);
    expect(accounts("metadata ->> '$.b[1]' = 1.5")).toEqual(["bank"]);
    expect(accounts("overdraft_limit = '184467440737095516.16'")).toEqual(['quo"te,d']);
    expect(accounts("overdraft_limit_minor > 0")).toEqual([]);
    expect(accounts("debits_must_not_exceed_credits")).toEqual(['quo"te,d']);
    expect(accounts("credits_must_not_exceed_debits")).toEqual(["line\nend \u2028"]);
    expect(accounts("closed")).toEqual(["closed"]);
    expect(accounts("debits_pending_minor = 1050 AND version = 2")).toEqual(["closed"]);
    expect(accounts("asset = 'BTC' AND NOT closed AND balance_minor = 0")).toEqual(["late"]);
    expect(transfers("user_data = '340282366920938463463374607431768211455'")).toEqual(["plain"]);
    expect(transfers("code = 3 AND effective_date < '1970-01-01'")).toEqual(["plain"]);
    expect(transfers("linked")).toEqual(["owing"]);
    expect(transfers("pending AND timeout = 1")).toEqual(["reserved"]);
    expect(transfers("post = 'to-post' OR void = 'closing'")).toEqual(["reopen", "posted"]);
    expect(transfers("balancing_debit OR balancing_credit")).toEqual(["balancing", "last"]);
    expect(transfers("closing_debit OR closing_credit")).toEqual(["closing", "last"]);
    expect(transfers("asked_amount_minor = 1050 AND amount_minor = 1050")).toEqual(["last"]);
    expect(transfers("expected_debit_version = 9 OR expected_credit_version = 1")).toEqual(["versions", "last"]);
    expect(transfers("job = 'a job' AND row = 1")).toEqual(["of-a-job"]);
    const documented = readFileSync(new URL("../../../docs/export.md", import.meta.url), "utf8");
    const query = /^```sql\n([\s\S]*?)^```$/m.exec(documented)![1]!.replace("'alice'", "'bank'");
    expect(database.prepare<[], unknown[]>(query).raw().get()![0]).toBe('quo"te,d');
    database.close();
  });

  it("as SQLite has ordinary tables with indexes, and amounts to sum up", () => {
    const database = new Database(at("sqlite"), { readonly: true });
    const one = (sql: string): unknown => database.prepare(sql).raw().get();
    expect(one("SELECT amount, amount_minor, user_data FROM transfers WHERE id = 'plain'")).toEqual([
      ...["10.50", 1050, String(2n ** 128n - 1n)],
    ]);
    expect(one("SELECT amount, amount_minor FROM transfers WHERE id = 'too-much'")).toEqual([
      ...["11805916207174113034.24", null],
    ]);
    expect(one("SELECT sum(debits_posted = credits_posted), count(*) FROM balances WHERE asset = 'BTC'")).toEqual([
      1, 1,
    ]);
    expect(one("PRAGMA integrity_check")).toEqual(["ok"]);
    const plan = database.prepare("EXPLAIN QUERY PLAN SELECT * FROM transfers WHERE debit = 'bank'").all();
    expect(JSON.stringify(plan)).toContain("transfers_debit");
    database.close();
  });

  it("refuses to overwrite, and to write where there is no folder", async () => {
    const ledger = await openLedgerHere(at("ledger.db"), ROOM);
    mkdirSync(at("empty"));
    for (const path of ["csv", "sqlite", "ledger.db", "empty", "missing/out"]) {
      await expect(ledger.export(at(path))).rejects.toMatchObject({ code: "cannot_create" });
    }
    await expect(ledger.export(at("x"), { format: "xml" as "csv" })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    await expect(ledger.export(at("x"), { fromat: "csv" } as object)).rejects.toMatchObject({
      code: "invalid_argument",
    });
    await ledger.close();
    expect(readdirSync(folder).sort()).toEqual(["csv", "empty", "ledger.db", "ndjson", "sqlite"]);
  });

  it("that is stopped leaves nothing behind", async () => {
    const ledger = await openLedgerHere(at("ledger.db"), ROOM);
    const before = readdirSync(folder);
    for (const format of ["csv", "sqlite"] as const) {
      const reason = new Error("enough");
      await expect(ledger.export(at("x"), { format, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    }
    expect(readdirSync(folder)).toEqual(before);
    await ledger.close();
  });

  it("is of one moment, however much happens meanwhile", async () => {
    const ledger = await openLedgerHere(at("ledger.db"), ROOM);
    let isOver = false;
    const exporting = ledger.export(at("during")).finally(() => {
      isOver = true;
    });
    let count = 0;
    while (!isOver) {
      const pay = (): NewTransfer => ({ id: `during-${++count}`, debit: "bank", credit: 'quo"te,d', amount: 1n });
      await ledger.createTransfers([pay(), pay()]);
    }
    const { digest, transfers } = await exporting;
    expect(ledger.transferCount).toBeGreaterThan(transfers);
    await ledger.close();
    expect(await importLedger(at("during"), at("new.db"))).toMatchObject({ digest, transfers });
  });
});

describe("an import", () => {
  it("makes the same ledger of every format, of an empty one, too", async () => {
    const empty = await openLedgerHere(at("empty.db"), { ...ROOM, assets: ["BTC:8"] });
    await empty.export(at("nothing"));
    const digest = empty.digest();
    await empty.close();
    expect(await importLedger(at("nothing"), at("nothing.db"))).toMatchObject({ accounts: 0, transfers: 0, digest });
    for (const format of ["csv", "ndjson", "sqlite"]) {
      await importLedger(at(format), at(`${format}.db`));
      const ledger = await openLedgerHere(at(`${format}.db`), ROOM);
      await ledger.export(at(`${format}-csv`));
      await ledger.close();
      for (const name of ["accounts.csv", "transfers.csv", "expiries.csv", "balances.csv", "ledger.json"]) {
        expect(lines(`${format}-csv/${name}`), name).toEqual(lines(`csv/${name}`));
      }
    }
  });

  it("refuses a place beside which the journal of a database that is gone would be taken for the new one's", async () => {
    for (const journal of ["new.db-journal", "new.db-wal"]) {
      writeFileSync(at(journal), "");
      await expect(importLedger(at("csv"), at("new.db"))).rejects.toMatchObject({
        code: "cannot_create",
        message: expect.stringContaining(`'${at(journal)}' is left of a database that was there: delete it`),
      });
      const ledger = await openLedgerHere(at("ledger.db"), ROOM);
      await expect(ledger.export(at("new.db"), { format: "sqlite" })).rejects.toMatchObject({ code: "cannot_create" });
      await ledger.close();
      expect(existsSync(at("new.db"))).toBe(false);
      rmSync(at(journal));
    }
    // Of a folder it is no journal.
    writeFileSync(at("folder-journal"), "");
    const ledger = await openLedgerHere(at("ledger.db"), ROOM);
    await ledger.export(at("folder"));
    await ledger.close();
    await importLedger(at("folder"), at("new.db"));
  });

  it("refuses to overwrite, and what is no export", async () => {
    await expect(importLedger(at("csv"), at("ledger.db"))).rejects.toMatchObject({ code: "cannot_create" });
    await expect(importLedger(at("csv"), ":memory:")).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(importLedger(at("csv"), at("x"), { mode: 1 } as object)).rejects.toMatchObject({
      code: "invalid_argument",
    });
    expect(await failure("missing")).toMatchObject({ code: "cannot_read" });
    execFileSync("mkfifo", [at("pipe")]);
    expect(await failure("pipe")).toMatchObject({
      code: "cannot_read",
      message: expect.stringContaining("regular file"),
    });
    expect(await failure(".")).toMatchObject({ code: "cannot_read" });
    expect(await failure("ledger.db")).toMatchObject({ code: "invalid_export" });
    writeFileSync(at("text"), "id,amount\n");
    expect(await failure("text")).toMatchObject({ code: "invalid_export" });
    change("csv/ledger.json", '"version": 2', '"version": 1');
    expect((await failure("csv")).message).toContain("it has version 1, and this release reads version 2");
  });

  it.for([
    [
      "csv/transfers.csv",
      ",10.50,3,",
      ",10.5,3,",
      "transfers.csv, row 1, column 'amount'",
      "'10.5', expected an amount with 2",
    ],
    ["csv/transfers.csv", "1969-12-31", "1969-12-30", "transfers.csv", "has the checksum"],
    ["csv/transfers.csv", "\n1,", "\n2,", "transfers.csv, row 1, column 'sequence'", "expected '1'"],
    ["csv/transfers.csv", ",ok,", ",fine,", "transfers.csv, row 1, column 'result'", "'fine'"],
    ["csv/transfers.csv", ",ok,", ",exceeds_credits,", "transfers.csv, row 1, column 'result'", "ends otherwise"],
    ["csv/transfers.csv", ",USD,", ",JPY,", "transfers.csv, row 1, column 'asset'", "expected 'USD'"],
    ["csv/transfers.csv", "1969-12-31", "1969-02-31", "transfers.csv, row 1, column 'effective_date'", "a day"],
    ["csv/transfers.csv", ",nobody,", ",late,", "transfers.csv", "checksum"],
    ["csv/transfers.csv", "too-much", "plain", "transfers.csv", "'plain' was recorded twice"],
    ["csv/transfers.csv", "too-much,", 'too-"much,', "transfers.csv, row 2", "Quote"],
    ["csv/transfers.csv", ",too-much,", ",,", "transfers.csv, row 2, column 'id'", "1 to 64 bytes"],
    ["csv/transfers.csv", "sequence,", "number,", "transfers.csv", "the header is"],
    ["csv/accounts.csv", ",184467440737095516.16,", ",,", "accounts.csv, row 2, column 'overdraft_limit'", "it is ''"],
    ["csv/accounts.csv", ",0,,0,", ",-1,,0,", "accounts.csv, row 2, column 'user_data'", "a whole number below 2^128"],
    ["csv/accounts.csv", ",0,,0,", ",0,{,0,", "accounts.csv, row 2, column 'metadata'", "JSON of at most 64 KiB"],
    ["csv/accounts.csv", "4,late", "4,bank", "accounts.csv, row 4, column 'id'", "in a row before it"],
    ["csv/accounts.csv", "late,BTC", "late,XXX", "accounts.csv, row 4, column 'asset'", "the manifest lists"],
    ["csv/accounts.csv", ",true,,", ",yes,,", "accounts.csv, row 2, column 'debits_must_not_exceed_credits'", "'true'"],
    ["csv/expiries.csv", ",1\n", ",2\n", "expiries.csv, row 1, column 'count'", "another number"],
    [
      "csv/balances.csv",
      "late,BTC,0.00000000",
      "late,BTC,0.00000001",
      "balances.csv, row 3, column 'debits_posted'",
      "the transfers give",
    ],
    ["csv/ledger.json", '"digest": "', '"digest": "0', "ledger.json", '"digest"'],
    ["csv/ledger.json", '"reservations": 4', '"reservations": 5', "the manifest", "that 5 of the transfers are"],
    ["csv/ledger.json", '"reservations": 4', '"reservations": 3', "the manifest", "and there are more"],
    ["csv/ledger.json", '"reservations": 4', '"reservations": 100', "ledger.json", '"reservations" is 100'],
    ["csv/ledger.json", '"code": "JPY"', '"code": "USD"', "the manifest", "'USD' twice"],
    ["csv/ledger.json", '"scale": 8', '"scale": 19', "the manifest's asset 1", "a scale from 0 to 18"],
    ["ndjson/transfers.ndjson", '"code":3', '"code":"3"', "transfers.ndjson, row 1, field 'code'", "a whole number"],
    ["ndjson/transfers.ndjson", '"code":3', '"cod":3', "transfers.ndjson, row 1, field 'cod'", "no such column"],
    ["ndjson/transfers.ndjson", '{"sequence":1', '{"sequence":1,', "transfers.ndjson, row 1", "not JSON"],
  ] as const)("says where %s was changed: %s to %s", async ([file, from, to, where, what]) => {
    change(file, from, to);
    const error = await failure(file.split("/")[0]!);
    expect(error).toMatchObject({ code: "invalid_export" });
    expect(error.message).toContain(where);
    expect(error.message).toContain(what);
  });

  it("notices rows that are missing or too many", async () => {
    const all = lines("ndjson/transfers.ndjson");
    writeFileSync(at("ndjson/transfers.ndjson"), `${all.slice(0, -2).join("\n")}\n`);
    expect((await failure("ndjson")).message).toContain(`ends after ${all.length - 2} of the ${all.length - 1} rows`);
    writeFileSync(at("ndjson/transfers.ndjson"), [...all.slice(0, -1), all.at(-2), ""].join("\n"));
    expect(await failure("ndjson")).toMatchObject({ code: "invalid_export" });
  });

  it("says where a table in SQLite was changed", async () => {
    const database = new Database(at("sqlite"));
    database.exec("UPDATE transfers SET amount = '10.5' WHERE id = 'plain'");
    database.close();
    expect((await failure("sqlite")).message).toContain(
      "sqlite, table 'transfers', row 1, column 'amount': it is '10.5'",
    );
  });

  it.each([
    ["accounts", "row 1, column 'number': it is '0'", "number = 0, id = 'x'"],
    [
      "transfers",
      "row 1, column 'sequence': it is '-9223372036854775808'",
      "sequence = -9223372036854775808, id = 'x'",
    ],
    ["balances", "row 1, column 'id': it is 'x'", "id = 'x'"],
  ])("notices a row in front of the others in SQLite, of %s", async (table, where, changes) => {
    const database = new Database(at("sqlite"));
    database.exec(`CREATE TEMP TABLE copied AS SELECT rowid AS place, * FROM ${table} LIMIT 1`);
    database.exec(`UPDATE copied SET place = -1, ${changes}`);
    const columns = database.prepare(`SELECT * FROM ${table}`).columns();
    const names = columns.map(({ name }) => name);
    const hasNumber = table !== "balances";
    database.exec(
      `INSERT INTO ${table} (${hasNumber ? "" : "rowid, "}${names.join(", ")})
       SELECT ${hasNumber ? "" : "place, "}${names.join(", ")} FROM copied`,
    );
    database.close();
    expect((await failure("sqlite")).message).toContain(`sqlite, table '${table}', ${where}`);
  });

  it.each(["csv/ledger.json", "csv/expiries.csv", "ndjson/transfers.ndjson"])(
    "does not wait at a pipe: %s",
    async (name) => {
      rmSync(at(name));
      execFileSync("mkfifo", [at(name)]);
      expect(await failure(name.split("/")[0]!)).toMatchObject({
        code: "cannot_read",
        message: `${at(name)} can't be read: it is not a regular file`,
      });
    },
  );

  it("has one manifest in SQLite", async () => {
    const database = new Database(at("sqlite"));
    database.exec("INSERT INTO ledger VALUES ('{}')");
    database.close();
    expect((await failure("sqlite")).message).toContain("its table 'ledger' has more than one row");
  });

  it("is over where a line of JSON does not end, however much follows", async () => {
    appendFileSync(at("ndjson/transfers.ndjson"), "x".repeat(8 * 1024 * 1024));
    expect((await failure("ndjson")).message).toMatch(
      /^transfers\.ndjson, row 17: it has more than 1048576 characters/,
    );
  });

  it("keeps the rows of a job that are far from each other", async () => {
    const transfers = at("job.ndjson");
    const lineOf = (id: string): string => `{"id":"${id}","debit":"bank","credit":"quo\\"te,d","amount":1}\n`;
    writeFileSync(transfers, lineOf("far-1") + lineOf("far-2"));
    const ledger = await openLedgerHere(at("ledger.db"), ROOM);
    await ledger.settleFile({ job: "far", transfers, asset: "USD" });
    await ledger.export(at("far"));
    await ledger.close();
    const row = String(2 ** 32 + 5);
    change("far/transfers.csv", ",far,2\n", `,far,${row}\n`);
    const text = readFileSync(at("far/transfers.csv"));
    const manifest = JSON.parse(readFileSync(at("far/ledger.json"), "utf8"));
    manifest.tables.transfers.sha256 = createHash("sha256").update(text).digest("hex");
    writeFileSync(at("far/ledger.json"), JSON.stringify(manifest));
    await importLedger(at("far"), at("new.db"));
    const copy = await openLedgerHere(at("new.db"), ROOM);
    expect(await copy.transfer("far-1")).toMatchObject({ job: "far", row: 1 });
    expect(await copy.transfer("far-2")).toMatchObject({ job: "far", row: Number(row) });
    await copy.close();
  });

  it("that is stopped leaves nothing behind", async () => {
    const reason = new Error("enough");
    await expect(importLedger(at("csv"), at("new.db"), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(existsSync(at("new.db"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  });
});
