/** What an export holds, and that an import notices whatever is not as it was exported. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { importLedger, type Ledger, type LedgerError, type NewTransfer, openLedger } from "../../../src/index.js";
import { startClock, temporaryFolder } from "../../support/ledgers.js";

const ROOM = { mode: "event-loop", capacity: { accounts: 100, transfers: 1000, pendings: 100 } } as const;

/** A ledger with everything that a row can say. */
async function makeLedger(path: string): Promise<Ledger> {
  const clock = startClock();
  const ledger = await openLedger(path, { ...ROOM, assets: ["BTC:8"] });
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
      ...{ kind: "parallel-ledger export", version: 1, format: "csv", reservations: 3 },
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
    expect(lines("csv/accounts.csv").at(-2)).toMatch(/^4,late,BTC,1,,,0\.00000000,0,,11,\d{19}$/);
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

  it("as SQLite has ordinary tables with indexes, and amounts to sum up", () => {
    const database = new Database(at("sqlite"), { readonly: true });
    const one = (sql: string): unknown => database.prepare(sql).raw().get();
    expect(one("SELECT amount, amount_minor, user_data FROM transfers WHERE id = 'plain'")).toEqual([
      ...["10.50", 1050, String(2n ** 128n - 1n)],
    ]);
    expect(one("SELECT amount, amount_minor FROM transfers WHERE id = 'too-much'")).toEqual([
      ...["11805916207174113034.24", null],
    ]);
    expect(one("SELECT sum(debits_posted = credits_posted), count(*) FROM balances WHERE asset = 'JPY'")).toEqual([
      1, 1,
    ]);
    expect(one("PRAGMA integrity_check")).toEqual(["ok"]);
    const plan = database.prepare("EXPLAIN QUERY PLAN SELECT * FROM transfers WHERE debit = 'bank'").all();
    expect(JSON.stringify(plan)).toContain("transfers_debit");
    database.close();
  });

  it("refuses to overwrite, and to write where there is no folder", async () => {
    const ledger = await openLedger(at("ledger.db"), ROOM);
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
    const ledger = await openLedger(at("ledger.db"), ROOM);
    const before = readdirSync(folder);
    for (const format of ["csv", "sqlite"] as const) {
      const reason = new Error("enough");
      await expect(ledger.export(at("x"), { format, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    }
    expect(readdirSync(folder)).toEqual(before);
    await ledger.close();
  });

  it("is of one moment, however much happens meanwhile", async () => {
    const ledger = await openLedger(at("ledger.db"), ROOM);
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
    const empty = await openLedger(at("empty.db"), { ...ROOM, assets: ["BTC:8"] });
    await empty.export(at("nothing"));
    const digest = empty.digest();
    await empty.close();
    expect(await importLedger(at("nothing"), at("nothing.db"))).toMatchObject({ accounts: 0, transfers: 0, digest });
    for (const format of ["csv", "ndjson", "sqlite"]) {
      await importLedger(at(format), at(`${format}.db`));
      const ledger = await openLedger(at(`${format}.db`), ROOM);
      await ledger.export(at(`${format}-csv`));
      await ledger.close();
      for (const name of ["accounts.csv", "transfers.csv", "expiries.csv", "balances.csv", "ledger.json"]) {
        expect(lines(`${format}-csv/${name}`), name).toEqual(lines(`csv/${name}`));
      }
    }
  });

  it("refuses to overwrite, and what is no export", async () => {
    await expect(importLedger(at("csv"), at("ledger.db"))).rejects.toMatchObject({ code: "cannot_create" });
    await expect(importLedger(at("csv"), ":memory:")).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(importLedger(at("csv"), at("x"), { mode: 1 } as object)).rejects.toMatchObject({
      code: "invalid_argument",
    });
    expect(await failure("missing")).toMatchObject({ code: "cannot_read" });
    expect(await failure(".")).toMatchObject({ code: "cannot_read" });
    expect(await failure("ledger.db")).toMatchObject({ code: "invalid_export" });
    writeFileSync(at("text"), "id,amount\n");
    expect(await failure("text")).toMatchObject({ code: "invalid_export" });
    change("csv/ledger.json", '"version": 1', '"version": 2');
    expect((await failure("csv")).message).toContain("it has version 2, and this release reads version 1");
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
      "balances.csv, row 2, column 'debits_posted'",
      "the transfers give",
    ],
    ["csv/ledger.json", '"digest": "', '"digest": "0', "ledger.json", '"digest"'],
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
    const all = lines("csv/transfers.csv");
    writeFileSync(at("csv/transfers.csv"), `${all.slice(0, -2).join("\n")}\n`);
    expect((await failure("csv")).message).toContain(`ends after ${all.length - 3} of the ${all.length - 2} rows`);
    writeFileSync(at("csv/transfers.csv"), [...all.slice(0, -1), all.at(-2), ""].join("\n"));
    expect(await failure("csv")).toMatchObject({ code: "invalid_export" });
  });

  it("says where a table in SQLite was changed", async () => {
    const database = new Database(at("sqlite"));
    database.exec("UPDATE transfers SET amount = '10.5' WHERE id = 'plain'");
    database.close();
    expect((await failure("sqlite")).message).toContain(
      "sqlite, table 'transfers', row 1, column 'amount': it is '10.5'",
    );
  });

  it("that is stopped leaves nothing behind", async () => {
    const reason = new Error("enough");
    await expect(importLedger(at("csv"), at("new.db"), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(existsSync(at("new.db"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  });
});
