/** Whatever else of the file is changed from outside, opening it says so, or `verify` does: never a wrong figure without a word. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SQLite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type VerifyReport, verifyStore } from "../../../src/engine/verify.js";
import { type Ledger, openLedger } from "../../../src/index.js";
import { openSqliteStore } from "../../../src/stores/sqlite.js";

const OPTIONS = { mode: "event-loop", capacity: { accounts: 100, transfers: 1000, pendings: 100 } } as const;

let folder: string;
let digest: string;
let copies = 0;

/** A ledger of some chunks of every kind, closed, with a reservation that is open for a day. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "file-damage-"));
  const ledger = await openLedger(join(folder, "whole.db"), { ...OPTIONS, assets: ["BTC:8"] });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "an account whose id takes text", asset: "USD", userData: 2n ** 70n },
    { id: "vault", asset: "BTC" },
  ]);
  const pay = { debit: "bank", credit: "an account whose id takes text", amount: 5n };
  await ledger.createTransfers([{ id: "t1", ...pay }]);
  await ledger.createTransfers([{ id: "t2", ...pay }]);
  await ledger.createTransfers([{ id: "held", ...pay, pending: true, timeout: 86_400 }]);
  digest = ledger.digest();
  await ledger.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the ledger in which this was executed. */
function damaged(sql: string): string {
  const path = join(folder, `${copies++}.db`);
  copyFileSync(join(folder, "whole.db"), path);
  const database = new SQLite(path);
  database.exec(sql);
  database.close();
  return path;
}

async function verify(path: string): Promise<VerifyReport> {
  const store = await openSqliteStore(path, { mode: "existing" });
  try {
    return await verifyStore(store);
  } finally {
    await store.close();
  }
}

async function opened<T>(path: string, action: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await openLedger(path, OPTIONS);
  try {
    return await action(ledger);
  } finally {
    await ledger.close();
  }
}

test("an undamaged file is sound", async () => {
  expect(await verify(damaged(""))).toMatchObject({ digest, accounts: 3, transfers: 3 });
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
    await expect(verify(path)).rejects.toMatchObject({ code: "journal_corrupt", details: { chunk: 2 } });
  });
});
