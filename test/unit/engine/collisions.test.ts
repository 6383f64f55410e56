/** Ids are compared by their bytes: different ids whose hashes are equal in every bit stay different. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { NewTransfer } from "../../../src/index.js";
import { openParts, temporaryFolder } from "../../support/ledgers.js";
import { collidingIds } from "./support.js";

const ACCOUNTS = [
  { id: "bank", asset: "USD" },
  { id: "shop", asset: "USD" },
];

test.each(["parallel", "event-loop"] as const)(
  "transfers whose ids collide are each made once, in one batch, across batches and restarts (%s)",
  async (mode) => {
    const path = join(temporaryFolder(), "ledger.db");
    const first = await openParts(path, { mode, workers: 2 });
    const [a, b, c, d, e] = collidingIds(first.engine, 5) as [string, string, string, string, string];
    const pay = (id: string): NewTransfer => ({ id, debit: "bank", credit: "shop", amount: 1n });
    await first.ledger.createAccounts(ACCOUNTS);
    expect(await first.ledger.createTransfers([pay(a), pay(b), pay(a)])).toEqual([
      { result: "ok", sequence: 1 },
      { result: "ok", sequence: 2 },
      { result: "exists", sequence: 1 },
    ]);
    // Now the journal must be asked about each, and about some of them twice.
    expect(await first.ledger.createTransfers([pay(c), pay(b), { ...pay(d), amount: 0n }, pay(c), pay(d)])).toEqual([
      { result: "ok", sequence: 3 },
      { result: "exists", sequence: 2 },
      { result: "amount_must_not_be_zero", sequence: 0 },
      { result: "exists", sequence: 3 },
      { result: "ok", sequence: 4 },
    ]);
    const digest = first.ledger.digest();
    await first.abandon();
    const again = await openParts(path, { mode, workers: 2 });
    expect(again.ledger.digest()).toBe(digest);
    expect(await again.ledger.createTransfers([pay(e), pay(d), pay(e), pay(c), pay(b), pay(a)])).toEqual([
      { result: "ok", sequence: 5 },
      { result: "exists", sequence: 4 },
      { result: "exists", sequence: 5 },
      { result: "exists", sequence: 3 },
      { result: "exists", sequence: 2 },
      { result: "exists", sequence: 1 },
    ]);
  },
);

test("accounts whose ids collide are different accounts", async () => {
  const { ledger, engine } = await openParts(":memory:", { mode: "event-loop" });
  const [a, b, c] = collidingIds(engine, 3) as [string, string, string];
  const accounts = [a, b].map((id) => ({ id, asset: "USD" }));
  await ledger.createAccounts([{ id: "bank", asset: "USD" }]);
  expect(await ledger.createAccounts([...accounts, ...accounts])).toEqual([
    { result: "ok" },
    { result: "ok" },
    { result: "exists" },
    { result: "exists" },
  ]);
  const results = await ledger.createTransfers([
    { id: "1", debit: a, credit: b, amount: 5n },
    { id: "2", debit: a, credit: c, amount: 5n },
    { id: "3", debit: b, credit: "bank", amount: 2n },
    { id: "4", debit: "bank", credit: b, amount: 1n },
    { id: "5", debit: c, credit: "bank", amount: 1n },
    { id: "6", debit: "bank", credit: c, amount: 1n },
  ]);
  expect(results.map(({ result }) => result)).toEqual([
    "ok",
    "credit_account_not_found",
    "ok",
    "ok",
    "debit_account_not_found",
    "credit_account_not_found",
  ]);
  expect(ledger.account(a)).toMatchObject({ id: a, balance: -5n });
  expect(ledger.account(b)).toMatchObject({ id: b, balance: 4n });
  expect(ledger.account(c)).toBeUndefined();
});
