/** `openLedger(path, { dryRun: true })`: the whole API on a copy that nobody sees. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLedger } from "../../src/index.js";
import { temporaryFolder } from "../support/ledgers.js";

const ACCOUNTS = [
  { id: "bank", asset: "USD" },
  { id: "alice", asset: "USD", debitsMustNotExceedCredits: true },
];
const pay = (id: string, amount: bigint) => ({ id, debit: "bank", credit: "alice", amount });

test("what is done in a dry run ends as it would, and the ledger knows nothing of it", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "l.db");
  const ledger = await openLedger(path, { mode: "event-loop" });
  await ledger.createAccounts(ACCOUNTS);
  await ledger.createTransfers([pay("t1", 5n)]);
  await ledger.close();
  const before = readFileSync(path);

  const dry = await openLedger(path, { mode: "event-loop", dryRun: true });
  expect(await dry.createTransfers([pay("t1", 5n), pay("t2", 7n)])).toEqual([
    { result: "exists", sequence: 1 },
    { result: "ok", sequence: 2 },
  ]);
  expect(dry.account("alice")).toMatchObject({ balance: 12n });
  const digest = dry.digest();
  await dry.close();
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(folder)).toEqual(["l.db"]);

  const real = await openLedger(path, { mode: "event-loop" });
  expect(real.account("alice")).toMatchObject({ balance: 5n });
  expect(await real.createTransfers([pay("t2", 7n)])).toEqual([{ result: "ok", sequence: 2 }]);
  expect(real.digest()).toBe(digest);
  await real.close();
});

test("a dry run of a ledger in memory is a ledger in memory", async () => {
  const ledger = await openLedger(":memory:", { mode: "event-loop", dryRun: true });
  await ledger.createAccounts(ACCOUNTS);
  expect(await ledger.createTransfers([pay("t1", 5n)])).toEqual([{ result: "ok", sequence: 1 }]);
  await ledger.close();
});

test("a dryRun that is neither true nor false is refused, and nothing is opened", async () => {
  const folder = temporaryFolder();
  const opening = openLedger(join(folder, "l.db"), { dryRun: "no" as unknown as boolean });
  await expect(opening).rejects.toMatchObject({ code: "invalid_argument" });
  expect(readdirSync(folder)).toEqual([]);
});
