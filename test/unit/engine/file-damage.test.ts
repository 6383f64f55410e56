/** Whatever else of the file is changed from outside, opening it says so, or `verify` does: never a wrong figure without a word. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SQLite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jobOfName } from "../../../src/core/job.js";
import { openEngine } from "../../../src/engine/open.js";
import { Ledger } from "../../../src/index.js";
import { FILE_PAGE_SIZE } from "../../../src/stores/schema.js";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import { openLedgerHere, verifyFile } from "../../support/ledgers.js";

const OPTIONS = { mode: "event-loop", capacity: { accounts: 100, transfers: 1000, pendings: 100 } } as const;

let folder: string;
let digest: string;
let copies = 0;

/** A ledger of some chunks of every kind, closed, with a reservation that is open for a day. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "file-damage-"));
  const ledger = await openLedgerHere(join(folder, "whole.db"), { ...OPTIONS, assets: ["BTC:8"] });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "an account whose id takes text", asset: "USD", userData: 2n ** 70n },
    { id: "vault", asset: "BTC" },
  ]);
  const pay = { debit: "bank", credit: "an account whose id takes text", amount: 5n };
  await ledger.createTransfers([{ id: "t1", ...pay }]);
  await ledger.createTransfers([{ id: "t2", ...pay }]);
  await ledger.createTransfers([{ id: "held", ...pay, pending: true, timeout: 86_400 }]);
  const transfers = join(folder, "job.csv");
  writeFileSync(transfers, "id,from,to,amount\nj1,bank,an account whose id takes text,0.05\n");
  const columns = { id: "id", debit: "from", credit: "to", amount: "amount" };
  await ledger.settleFile({ transfers, columns, asset: "USD", job: "friday" });
  digest = ledger.digest();
  await ledger.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the ledger in which this was executed. */
function damaged(sql: string): string {
  const path = join(folder, `${copies++}.db`);
  copyFileSync(join(folder, "whole.db"), path);
  change(path, sql);
  return path;
}

function change(path: string, sql: string): void {
  const database = new SQLite(path);
  database.exec(sql);
  database.close();
}

/** A copy whose index of sequences has the entries of another one. */
function misindexed(part: string, other: string): string {
  const path = damaged("");
  const execute = (sql: string): void => {
    const database = new SQLite(path);
    database.unsafeMode();
    database.exec(sql);
    database.close();
  };
  // SQLite believes what the schema says, and reads it when the file is opened.
  const replace = (from: string, to: string): string =>
    `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}') WHERE name = 'journal_sequence';`;
  execute(replace(part, other));
  execute(`REINDEX journal_sequence; ${replace(other, part)}`);
  return path;
}

async function opened<T>(path: string, action: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await openLedgerHere(path, OPTIONS);
  try {
    return await action(ledger);
  } finally {
    await ledger.close();
  }
}

test("an undamaged file is sound", async () => {
  expect(await verifyFile(damaged(""))).toMatchObject({ digest, accounts: 3, transfers: 4 });
});

describe("the time beside a chunk", () => {
  test("is not the clock that reservations expire by where it is not the chunk's", async () => {
    const path = damaged("UPDATE journal SET timestamp = timestamp * 2 WHERE chunk = (SELECT max(chunk) FROM journal)");
    await expect(opened(path, async () => {})).rejects.toMatchObject({ code: "journal_corrupt" });
  });

  test("is not when an account's balance is asked for where it is not the chunk's", async () => {
    const path = damaged("UPDATE journal SET timestamp = timestamp * 2 WHERE chunk = 2");
    const asked = opened(path, (ledger) => ledger.balanceAt("bank", { time: new Date() }));
    await expect(asked).rejects.toMatchObject({ code: "journal_corrupt", details: { chunk: 2 } });
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "journal_corrupt", details: { chunk: 2 } });
  });
});

describe("accounts' rows", () => {
  test.each([
    ["with another balance", "UPDATE accounts SET balance = balance + 1 WHERE id = 'bank'", 0],
    ["with another version", "UPDATE accounts SET version = 0 WHERE id = 'bank'", 0],
    ["with another id", "UPDATE accounts SET id = 'an account whose id takes texT' WHERE slot = 1", 1],
    ["with other user data", "UPDATE accounts SET user_data = user_data || '0' WHERE slot = 1", 1],
    ["of which the last one is missing", "DELETE FROM accounts WHERE slot = 2", 2],
    ["of which one in the middle is missing", "DELETE FROM accounts WHERE slot = 1", 1],
    ["of which none is there", "DELETE FROM accounts", 0],
    [
      "with one too many",
      "INSERT INTO accounts SELECT 3, 'd', asset, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM assets, accounts LIMIT 1",
      3,
    ],
    ["with one before all others", "UPDATE accounts SET slot = -1 WHERE slot = 0", 0],
  ])("%s are noticed by verify, and written anew once they are deleted", async (_, sql, slot) => {
    const path = damaged(sql);
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "accounts_differ", details: { slot } });
    const database = new SQLite(path);
    database.exec("DELETE FROM accounts; DELETE FROM snapshot");
    database.close();
    await opened(path, async () => {});
    expect(await verifyFile(path)).toMatchObject({ digest });
  });

  test("that are out of order are all written again by the next snapshot", async () => {
    const path = damaged("");
    const database = new SQLite(path, { readonly: true });
    const root = database.prepare<[], number>("SELECT rootpage FROM sqlite_schema WHERE name = 'accounts'").pluck();
    const start = (root.get()! - 1) * FILE_PAGE_SIZE;
    database.close();
    const bytes = readFileSync(path);
    // Three rows; behind the last one's length is its slot.
    let at = start + bytes.readUInt16BE(start + 8 + 2 * 2);
    while (bytes[at++]! >= 0x80);
    expect(bytes[at]).toBe(2);
    bytes[at] = 0;
    writeFileSync(path, bytes);
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "accounts_differ", details: { slot: 2 } });
    await opened(path, (ledger) => ledger.createAccounts([{ id: "new", asset: "USD" }]));
    expect(await verifyFile(path)).toMatchObject({ accounts: 4 });
  });

  test("are of the snapshot's moment, not of what came behind it", async () => {
    const path = damaged("");
    const store = await openSqliteStore(path);
    const engine = await openEngine(store, { mode: "event-loop", workers: 1, capacities: { ...OPTIONS.capacity } });
    await new Ledger(engine, store).createTransfers([{ id: "t3", debit: "bank", credit: "nobody", amount: 1n }]);
    await new Ledger(engine, store).createTransfers([
      { id: "t4", debit: "bank", credit: "an account whose id takes text", amount: 1n },
    ]);
    // Ends as a process that dies does.
    await store.close();
    expect(await verifyFile(path)).toMatchObject({ transfers: 6 });
  });
});

describe("verify notices", () => {
  test.each([
    ["a job's name that was changed", "UPDATE jobs SET name = 'saturday'"],
    ["a job's name that is missing", "DELETE FROM jobs"],
    ["a head with an account more", "UPDATE head SET account_count = account_count + 1"],
    ["a head with a pending transfer more", "UPDATE head SET pending_count = pending_count + 1"],
    ["a head with no pending transfer", "UPDATE head SET pending_count = 0"],
  ])("%s", async (_, sql) => {
    await expect(verifyFile(damaged(sql))).rejects.toMatchObject({ code: "journal_corrupt" });
  });

  test("an index that lacks an entry", async () => {
    const path = misindexed("WHERE kind = 1", "WHERE kind = 1 AND chunk <> 2");
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "journal_corrupt" });
  });
});

describe("an index that names the chunk behind the one asked for is noticed", () => {
  test.each<[string, (ledger: Ledger) => Promise<unknown>]>([
    ["by a look at all transfers", (ledger) => ledger.transfers()],
    ["by a transfer's id", (ledger) => ledger.transfer("t2")],
    ["by an account's history", (ledger) => ledger.history("bank")],
    ["by an account's balance", (ledger) => ledger.balanceAt("bank", { sequence: 1 })],
  ])("%s", async (_, look) => {
    const path = misindexed("(first_sequence)", "(first_sequence - 1)");
    await expect(opened(path, look)).rejects.toMatchObject({ code: "journal_corrupt" });
  });
});

test("a job whose name an earlier release took with half of a surrogate pair is sound", async () => {
  const { hash } = jobOfName("half \ud83d");
  const path = damaged(`INSERT INTO jobs VALUES ('${hash}', CAST(x'68616c6620eda0bd' AS TEXT), 0)`);
  expect(await verifyFile(path)).toMatchObject({ digest });
  change(path, `UPDATE jobs SET name = CAST(x'68616c6621eda0bd' AS TEXT) WHERE hash = '${hash}'`);
  await expect(verifyFile(path)).rejects.toMatchObject({ code: "journal_corrupt" });
});

describe("not opened is a ledger", () => {
  test.each([
    ["that has lost its seed", "DELETE FROM meta WHERE key = 'seed_low'"],
    [
      "whose seed is no number",
      "UPDATE meta SET value = replace(value, substr(value, 1, 1), 'x') WHERE key = 'seed_high'",
    ],
    ["whose asset has another scale", "UPDATE assets SET scale = 3 WHERE code = 'BTC'"],
    ["whose asset has another code", "UPDATE assets SET code = 'EUR' WHERE code = 'USD'"],
    ["that lacks an asset", "DELETE FROM assets WHERE code = 'USD'"],
    ["whose assets have changed places", "UPDATE assets SET number = number + 2 WHERE number = 1"],
  ])("%s", async (_, sql) => {
    const path = damaged(sql);
    await expect(opened(path, async () => {})).rejects.toMatchObject({ code: "journal_corrupt" });
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "journal_corrupt" });
  });

  test("of an earlier release, which has no checksum of its assets, once one was added and changed", async () => {
    const path = damaged("DELETE FROM meta WHERE key = 'assets'");
    await opened(path, (ledger) => ledger.createAccounts([{ id: "new", asset: "EUR" }]));
    change(path, "UPDATE assets SET scale = 3 WHERE code = 'EUR'");
    await expect(opened(path, async () => {})).rejects.toMatchObject({ code: "journal_corrupt" });
  });

  test("to which an earlier release has added an asset, once one before it was changed", async () => {
    const path = damaged("INSERT INTO meta SELECT 'kept', value FROM meta WHERE key = 'assets'");
    await opened(path, (ledger) => ledger.createAccounts([{ id: "new", asset: "EUR" }]));
    change(path, "UPDATE meta SET value = (SELECT value FROM meta WHERE key = 'kept') WHERE key = 'assets'");
    await opened(path, async () => {});
    change(path, "UPDATE assets SET scale = 3 WHERE code = 'BTC'");
    await expect(opened(path, async () => {})).rejects.toMatchObject({ code: "journal_corrupt" });
  });
});

test("a ledger whose head has another number of pending transfers is not opened", async () => {
  const path = damaged("UPDATE head SET pending_count = 0");
  await expect(opened(path, async () => {})).rejects.toMatchObject({ code: "journal_corrupt" });
});
