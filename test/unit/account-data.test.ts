/** Accounts' user data and metadata: kept, compared, and found again after any way of opening. */

import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type Account,
  importLedger,
  type JsonValue,
  type Ledger,
  LedgerError,
  type NewAccount,
} from "../../src/index.js";
import { verifiedDigest } from "../support/cli.js";
import { openLedgerHere, runsOf, temporaryFolder } from "../support/ledgers.js";

const LARGE = 2n ** 128n - 1n;

async function open(path = ":memory:"): Promise<Ledger> {
  const ledger = await openLedgerHere(path, { mode: "event-loop", capacity: { accounts: 5000, transfers: 1000 } });
  onTestFinished(() => ledger.close());
  return ledger;
}

const resultsOf = async (ledger: Ledger, accounts: readonly NewAccount[]): Promise<string[]> =>
  (await ledger.createAccounts(accounts)).map(({ result }) => result);

const LONG = "an account with a name of more than 16 bytes";
const ACCOUNTS: readonly NewAccount[] = [
  { id: "plain", asset: "USD" },
  {
    id: LONG,
    asset: "USD",
    userData: LARGE,
    metadata: { name: "Ana 👛", tags: [1, 2.5, -0, null, true, { a: {} }], "": [] },
  },
  { id: "number", asset: "USD", userData: 1n << 64n, code: 7 },
  { id: "null", asset: "USD", metadata: null },
  { id: "00000000-0000-4000-8000-000000000001", asset: "USD", userData: 7n, metadata: "x".repeat(65_534) },
];

/** An account with everything that the file's rows say of one. */
const LIMITED: NewAccount = {
  ...{ id: "limited", asset: "EUR", debitsMustNotExceedCredits: true, code: 65_535 },
  ...{ userData: 2n ** 63n - 1n, overdraftLimit: 2n ** 63n },
};

function flagsOf(account: Account): bigint {
  const bits = [account.debitsMustNotExceedCredits, account.creditsMustNotExceedDebits, account.closed];
  return BigInt(bits.reduce((sum, isSet, bit) => sum + (isSet ? 1 << bit : 0), 0));
}

/** SQLite's integers end at 63 bits. */
function textIfLarge(value: bigint): bigint | string {
  return value < 2n ** 63n ? value : String(value);
}

async function expectAll(ledger: Ledger): Promise<void> {
  for (const { id, userData = 0n, metadata } of ACCOUNTS) {
    expect(ledger.account(id)).toMatchObject({ id, userData });
    expect(await ledger.metadata(id)).toEqual(
      metadata === undefined ? undefined : JSON.parse(JSON.stringify(metadata)),
    );
  }
  expect(await resultsOf(ledger, ACCOUNTS)).toEqual(ACCOUNTS.map(() => "exists"));
}

describe("user data and metadata of accounts", () => {
  it("are there at once, after opening, after opening without a snapshot, and for verify", async () => {
    const path = join(temporaryFolder(), "l.db");
    const ledger = await open(path);
    expect(await resultsOf(ledger, ACCOUNTS)).toEqual(ACCOUNTS.map(() => "ok"));
    await expectAll(ledger);
    const digest = ledger.digest();
    await ledger.close();
    const again = await open(path);
    await expectAll(again);
    await again.close();
    expect(await verifiedDigest(path)).toBe(digest);
    const database = new Database(path);
    database.exec("DELETE FROM snapshot; DELETE FROM snapshot_pieces");
    database.close();
    const replayed = await open(path);
    await expectAll(replayed);
    expect(replayed.digest()).toBe(digest);
  });

  it("of the file's own rows are those of the ledger, whatever became of the account since its row was written", async () => {
    const path = join(temporaryFolder(), "l.db");
    const close = {
      id: "close",
      debit: "plain",
      credit: "number",
      amount: 5n,
      pending: true,
      closingDebit: true,
    } as const;
    const steps: ((ledger: Ledger) => Promise<unknown>)[] = [
      (ledger) => ledger.createAccounts([...ACCOUNTS, LIMITED]),
      (ledger) => ledger.createTransfers([close]),
      (ledger) => ledger.createTransfers([{ id: "open", void: "close" }]),
    ];
    const flagsOfPlain: unknown[] = [];
    for (const step of steps) {
      const ledger = await open(path);
      await step(ledger);
      const expected = [...ledger.accounts()].map((account) => ({
        ...{ id: account.id, asset: account.asset, code: BigInt(account.code), flags: flagsOf(account) },
        ...{ user_data: textIfLarge(account.userData), overdraft_limit: textIfLarge(account.overdraftLimit) },
        ...{ debits_pending: account.debitsPending, version: BigInt(account.version) },
      }));
      await ledger.close();
      const database = new Database(path, { readonly: true });
      const columns = Object.keys(expected[0]!).join(", ");
      expect(database.prepare(`SELECT ${columns} FROM accounts ORDER BY id`).safeIntegers().all()).toEqual(expected);
      flagsOfPlain.push(database.prepare("SELECT flags FROM accounts WHERE id = 'plain'").pluck().get());
      database.close();
    }
    expect(flagsOfPlain).toEqual([0, 4, 0]);
  });

  it("of a file of the version before, whose rows had none, are in its rows when it was opened and closed once", async () => {
    const path = join(temporaryFolder(), "l.db");
    const ledger = await open(path);
    await ledger.createAccounts([...ACCOUNTS, LIMITED]);
    const digest = ledger.digest();
    await ledger.close();
    const rows = (): unknown => {
      const database = new Database(path, { readonly: true });
      const all = database.prepare("SELECT * FROM accounts ORDER BY slot").safeIntegers().all();
      const version = database.pragma("user_version", { simple: true });
      database.close();
      return { all, version };
    };
    const expected = rows();
    const database = new Database(path);
    database.exec("ALTER TABLE accounts DROP COLUMN user_data; ALTER TABLE accounts DROP COLUMN overdraft_limit");
    database.exec("PRAGMA user_version = 2");
    database.close();
    const opened = await open(path);
    await expectAll(opened);
    expect(opened.digest()).toBe(digest);
    await opened.close();
    expect(rows()).toEqual(expected);
    expect(await verifiedDigest(path)).toBe(digest);
  });

  it("are compared in the order of checks, metadata by their values", async () => {
    const ledger = await open();
    const account = { id: "a", asset: "USD", code: 1, userData: 5n, debitsMustNotExceedCredits: true };
    const metadata = { a: [1, { b: "é", c: null }], d: 2 };
    await ledger.createAccounts([{ ...account, metadata }]);
    const same = { d: 2.0, a: [1, { c: null, b: "\u00e9" }] };
    expect(
      await resultsOf(ledger, [
        { ...account, metadata: same },
        { ...account, metadata, code: 2, userData: 6n },
        { ...account, metadata: {}, userData: 6n, overdraftLimit: 1n },
        { ...account, metadata: { ...metadata, e: null }, overdraftLimit: 1n },
        { ...account, metadata: { ...metadata, a: [{ b: "é", c: null }, 1] } },
        account,
        { ...account, metadata, overdraftLimit: 1n },
      ]),
    ).toEqual([
      "exists",
      "exists_with_different_code",
      "exists_with_different_user_data",
      "exists_with_different_metadata",
      "exists_with_different_metadata",
      "exists_with_different_metadata",
      "exists_with_different_overdraft_limit",
    ]);
    // Also those that the same call has made, and where there was none.
    expect(
      await resultsOf(ledger, [
        { id: "b", asset: "USD", metadata: 1 },
        { id: "b", asset: "USD", metadata: 1 },
        { id: "b", asset: "USD", metadata: "1" },
        { id: "c", asset: "USD" },
        { id: "c", asset: "USD", metadata: null },
      ]),
    ).toEqual(["ok", "exists", "exists_with_different_metadata", "ok", "exists_with_different_metadata"]);
  });

  it("take as many chunks as they need, between transfers and other calls", async () => {
    const path = join(temporaryFolder(), "l.db");
    const ledger = await open(path);
    const accounts = Array.from({ length: 1200 }, (_, index) => ({
      id: index % 2 === 0 ? `a${index}` : `an account with a long name ${index}`,
      asset: "USD",
      ...(index % 3 === 0 ? { userData: BigInt(index) << 90n } : {}),
      ...(index % 50 === 0 ? { metadata: { index, text: "y".repeat((index * 131) % 65_000) } } : {}),
    }));
    const halves = [accounts.slice(0, 700), accounts.slice(700)];
    const transfers = [{ id: "t1", debit: "a0", credit: "a2", amount: 1n }];
    await Promise.all([
      ledger.createAccounts(halves[0]!),
      ledger.createTransfers(transfers),
      ledger.createAccounts(halves[1]!),
    ]);
    const check = async (of: Ledger): Promise<void> => {
      for (const { id, metadata, userData = 0n } of accounts) {
        expect(of.account(id)!.userData).toBe(userData);
        if (metadata !== undefined) expect(await of.metadata(id)).toEqual(metadata);
        else expect(await of.metadata(id)).toBeUndefined();
      }
    };
    await check(ledger);
    await ledger.close();
    const again = await open(path);
    await check(again);
    const digest = again.digest();
    await again.close();
    expect(await verifiedDigest(path)).toBe(digest);
    // An export takes them along, in every format.
    for (const format of ["csv", "ndjson", "sqlite"] as const) {
      const source = await open(path);
      const folder = join(temporaryFolder(), "export");
      await source.export(folder, { format });
      await source.close();
      const target = join(temporaryFolder(), "imported.db");
      await importLedger(folder, target);
      const imported = await open(target);
      await check(imported);
      expect(imported.digest()).toBe(digest);
    }
  });

  it("of an account that there is not are none", async () => {
    expect(await (await open()).metadata("nobody")).toBeUndefined();
  });

  it("any JSON value comes back as it went in", async () => {
    const ledger = await open();
    let next = 0;
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.bigInt(0n, LARGE), async (value, userData) => {
        const id = `j${next++}`;
        const account = { id, asset: "USD", userData, metadata: value as JsonValue };
        expect(await resultsOf(ledger, [account, account])).toEqual(["ok", "exists"]);
        expect(await ledger.metadata(id)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(ledger.account(id)!.userData).toBe(userData);
      }),
      runsOf(100),
    );
  });

  const loop: { self?: unknown } = {};
  loop.self = loop;
  it.each<[string, unknown, RegExp]>([
    ["undefined within", { a: [undefined] }, /'metadata'\.a\[0\] must be a JSON value, not undefined/],
    ["a bigint", { a: 1n }, /'metadata'\.a must be a JSON value, not 1/],
    ["a number that JSON lacks", Number.NaN, /'metadata' must be a JSON value, not NaN/],
    ["a date", new Date(0), /'metadata' must be a JSON value, not an instance/],
    ["a function", () => {}, /'metadata' must be a JSON value/],
    ["itself", loop, /'metadata' is nested too deeply, or contains itself/],
    ["too much", "é".repeat(32_768), /account 1: 'metadata' takes at most 65536 bytes as JSON, not 65538/],
  ])("%s is refused, and nothing is made", async (_, metadata, message) => {
    const ledger = await open();
    const made = ledger.createAccounts([
      { id: "a", asset: "USD" },
      { id: "b", asset: "USD", metadata: metadata as JsonValue },
    ]);
    await expect(made).rejects.toThrow(message);
    await expect(made).rejects.toBeInstanceOf(LedgerError);
    expect(ledger.accountCount).toBe(0);
    for (const userData of [-1n, LARGE + 1n, 1 as unknown as bigint]) {
      await expect(ledger.createAccounts([{ id: "a", asset: "USD", userData }])).rejects.toThrow(/'userData' must be/);
    }
  });
});
