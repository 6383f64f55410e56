/** Filtering recorded transfers. */
import { expect, test } from "vitest";
import type { Ledger, TransferFilter } from "../../../src/index.js";
import { openParts } from "../../support/ledgers.js";

async function filled(): Promise<Ledger> {
  const { ledger } = await openParts(":memory:", { historyRunLog2: 4 });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "purse", asset: "USD", debitsMustNotExceedCredits: true },
  ]);
  const pay = { debit: "bank", credit: "purse", amount: 2n };
  await ledger.createTransfers([
    { id: "1", ...pay },
    { id: "2", ...pay, code: 7 },
    { id: "3", ...pay, userData: 2n ** 100n },
    { id: "4", debit: "purse", credit: "bank", amount: 7n, code: 7 },
    { id: "5", debit: "late", credit: "bank", amount: 1n },
    { id: "6", debit: "bank", credit: "late", amount: 1n },
    { id: "7", debit: "late", credit: "nobody", amount: 1n },
  ]);
  await ledger.createAccounts([{ id: "late", asset: "USD" }]);
  await ledger.createTransfers([
    { id: "8", debit: "bank", credit: "late", amount: 1n },
    ...Array.from({ length: 40 }, (_, i) => ({ id: `more-${i}`, debit: "bank", credit: "purse", amount: 1n, code: 9 })),
  ]);
  return ledger;
}

async function ids(ledger: Ledger, filter: TransferFilter): Promise<string[]> {
  return (await ledger.transfers({ toSequence: 8, ...filter })).transfers.map(({ id }) => id);
}

test("every filter leaves what it says, and several leave what all of them do", async () => {
  const ledger = await filled();
  expect(await ids(ledger, {})).toEqual(["8", "7", "6", "5", "4", "3", "2", "1"]);
  expect(await ids(ledger, { code: 7 })).toEqual(["4", "2"]);
  expect(await ids(ledger, { userData: 2n ** 100n })).toEqual(["3"]);
  expect(await ids(ledger, { userData: 0n, code: 7, result: "ok" })).toEqual(["2"]);
  expect(await ids(ledger, { result: "exceeds_credits" })).toEqual(["4"]);
  expect(await ids(ledger, { fromSequence: 3, toSequence: 5 })).toEqual(["5", "4", "3"]);
  expect(await ids(ledger, { account: "purse" })).toEqual(["4", "3", "2", "1"]);
  expect(await ids(ledger, { account: "purse", result: "ok" })).toEqual(["3", "2", "1"]);
  expect(await ids(ledger, { account: "purse", code: 7, result: "exceeds_credits" })).toEqual(["4"]);
  expect(await ids(ledger, { code: 9, toSequence: 100, limit: 2 })).toEqual(["more-39", "more-38"]);
  expect(await ids(ledger, { account: "purse", code: 7, toSequence: 100 })).toEqual(["4", "2"]);
  const [made] = (await ledger.transfers({ toSequence: 8, limit: 1 })).transfers;
  expect(await ids(ledger, { from: made!.timestamp + 1n })).toEqual([]);
  expect(await ids(ledger, { account: "purse", to: new Date(0) })).toEqual([]);
});

test("an account's transfers are also those that named it before it existed, or that never found it", async () => {
  const ledger = await filled();
  expect(await ids(ledger, { account: "late" })).toEqual(["8", "7", "6", "5"]);
  expect(await ids(ledger, { account: "late", result: "debit_account_not_found" })).toEqual(["7", "5"]);
  expect(await ids(ledger, { account: "nobody" })).toEqual(["7"]);
  expect(await ids(ledger, { account: "nobody", result: "ok" })).toEqual([]);
  expect(await ids(ledger, { account: "nobody at all" })).toEqual([]);
});

test("pages follow each other without a gap or an overlap while the ledger grows", async () => {
  const ledger = await filled();
  const found: number[] = [];
  let cursor: string | undefined;
  for (let page = 0; page === 0 || cursor !== undefined; page++) {
    const { transfers, cursor: next } = await ledger.transfers(
      cursor === undefined ? { account: "bank", limit: 5 } : { account: "bank", limit: 5, cursor },
    );
    found.push(...transfers.map(({ sequence }) => sequence));
    cursor = next;
    await ledger.createTransfers([{ id: `later-${page}`, debit: "bank", credit: "late", amount: 1n }]);
  }
  // All but the seventh, which is between two others, newest first.
  const all = Array.from({ length: 48 }, (_, i) => 48 - i).filter((sequence) => sequence !== 7);
  expect(found).toEqual(all);
});

test("a filter that no transfer could ever meet is refused", async () => {
  const { ledger } = await openParts(":memory:", { mode: "event-loop" });
  const wrong: [object, string][] = [
    [{ account: 7 }, "'account' must be a string, not number"],
    [{ code: 65_536 }, "'code' must be a whole number from 0 to 65535, not 65536"],
    [{ userData: 7 }, "'userData' must be a bigint"],
    [{ result: "exists" }, "'result' must be one that is recorded, not 'exists': "],
    [{ fromSequence: -1 }, "'fromSequence' must be a sequence"],
    [{ limit: 20_000 }, "'limit'"],
    [{ accounts: "a" }, "'accounts' is not an option of transfers"],
    [{ cursor: "?" }, "'cursor' is not one that this query gave"],
  ];
  for (const [filter, message] of wrong) {
    await expect(ledger.transfers(filter as TransferFilter)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(message),
    });
  }
});
