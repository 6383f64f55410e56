/** Looking recorded transfers up. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LedgerError, type NewTransfer } from "../../../src/index.js";
import { openLedgerHere, openParts, temporaryFolder } from "../../support/ledgers.js";
import { collidingIds } from "./support.js";

const ACCOUNTS = [
  { id: "bank", asset: "USD" },
  { id: "an account with a name of some length", asset: "USD" },
  { id: "purse", asset: "USD", debitsMustNotExceedCredits: true },
];
const MODES = ["parallel", "event-loop"] as const;
const FIRST = { debit: "bank", credit: "purse", amount: 5n };

/** Transfers of every form that the journal keeps, and what they are rejected for. */
const RECORDED: readonly (NewTransfer & { readonly result: string; readonly reason?: string })[] = [
  { id: "short", ...FIRST, result: "ok" },
  { id: "0b8f4d1c-1e0f-4a6f-9d3e-1f2a3b4c5d6e", ...FIRST, code: 65_535, result: "ok" },
  { id: "0B8F4D1C-1E0F-4A6F-9D3E-1F2A3B4C5D6E", ...FIRST, result: "ok" },
  { id: "ü".repeat(32), debit: "bank", credit: ACCOUNTS[1]!.id, amount: 2n ** 127n, userData: 7n, result: "ok" },
  { id: "wide", debit: "bank", credit: ACCOUNTS[1]!.id, amount: 2n ** 64n, userData: 2n ** 128n - 1n, result: "ok" },
  {
    ...{ id: "too much", debit: "purse", credit: "bank", amount: 16n, result: "exceeds_credits" },
    reason: "The debit account may not be debited beyond its credits, and this transfer would do so.",
  },
  {
    ...{ id: "nobody pays", debit: "nobody", credit: "bank", amount: 1n, result: "debit_account_not_found" },
    reason: "The debit account did not exist at that moment.",
  },
  {
    ...{ id: `to nobody ${"-".repeat(40)}`, debit: "bank", credit: "nobody of a name that is long" },
    ...{ amount: 2n ** 70n, code: 3, userData: 2n ** 100n, result: "credit_account_not_found" },
    reason: "The credit account did not exist at that moment.",
  },
  {
    ...{ id: "neither", debit: "nobody of a name that is long", credit: "nobody", amount: 1n },
    result: "debit_account_not_found",
    reason: "The debit account did not exist at that moment.",
  },
];

test.each(MODES)(
  "a transfer is found by its id with all that was recorded of it, also after a restart (%s)",
  async (mode) => {
    const path = join(temporaryFolder(), "ledger.db");
    const expectAll = async (ledger: { transfer(id: string): Promise<unknown> }): Promise<void> => {
      for (const [index, { reason, ...transfer }] of RECORDED.entries()) {
        expect(await ledger.transfer(transfer.id)).toEqual({
          code: 0,
          userData: 0n,
          ...transfer,
          ...(reason === undefined ? {} : { reason }),
          sequence: index + 1,
          timestamp: expect.any(BigInt),
        });
      }
    };
    const first = await openParts(path, { mode });
    await first.ledger.createAccounts(ACCOUNTS);
    const before = BigInt(Date.now()) * 1_000_000n;
    await first.ledger.createTransfers(RECORDED.map(({ result, reason, ...transfer }) => transfer));
    const { timestamp } = (await first.ledger.transfer("short"))!;
    expect(timestamp).toBeGreaterThanOrEqual(before);
    expect(timestamp).toBeLessThanOrEqual(BigInt(Date.now()) * 1_000_000n);
    await expectAll(first.ledger);
    await first.ledger.close();
    const second = await openParts(path, { mode });
    await expectAll(second.ledger);
    await second.abandon();
    await expectAll((await openParts(path, { mode })).ledger);
  },
);

test("an id that was never recorded is not found, however it looks", async () => {
  const { ledger } = await openParts(":memory:");
  await ledger.createAccounts(ACCOUNTS);
  await ledger.createTransfers([
    { id: "made", ...FIRST },
    { id: "nothing", ...FIRST, amount: 0n },
  ]);
  for (const id of ["nothing", "Made", "made ", "mad", "", "x".repeat(65), "\ud83d", "made\0"]) {
    expect(await ledger.transfer(id), id).toBeUndefined();
  }
});

test("an id is that of the transfer that used it first, whatever came with it later", async () => {
  const { ledger } = await openParts(":memory:");
  await ledger.createAccounts(ACCOUNTS);
  await ledger.createTransfers([{ id: "a", ...FIRST }]);
  await ledger.createTransfers([{ id: "a", ...FIRST, amount: 99n }]);
  expect(await ledger.transfer("a")).toMatchObject({ sequence: 1, amount: 5n });
});

test.each(MODES)("of ids whose hashes are equal in every bit each is found as itself (%s)", async (mode) => {
  const { ledger, engine } = await openParts(":memory:", { mode });
  const [a, b, c, d] = collidingIds(engine, 4) as [string, string, string, string];
  await ledger.createAccounts(ACCOUNTS);
  await ledger.createTransfers([a, b, c].map((id, index) => ({ id, ...FIRST, amount: BigInt(index + 1) })));
  expect(await ledger.transfer(a)).toMatchObject({ id: a, amount: 1n });
  expect(await ledger.transfer(b)).toMatchObject({ id: b, amount: 2n });
  expect(await ledger.transfer(c)).toMatchObject({ id: c, amount: 3n });
  expect(await ledger.transfer(d)).toBeUndefined();
});

test("a row of a file is found with its job and its place there", async () => {
  const folder = temporaryFolder();
  const transfers = join(folder, "transfers.csv");
  writeFileSync(transfers, "id,from,to,amount\na,bank,purse,1.50\nb,purse,bank,9\nc,bank,purse,nonsense\n");
  const ledger = await openLedgerHere(join(folder, "ledger.db"));
  try {
    await ledger.createAccounts(ACCOUNTS);
    const columns = { id: "id", debit: "from", credit: "to", amount: "amount" };
    await ledger.settleFile({ transfers, columns, asset: "USD", job: "monday" });
    expect(await ledger.transfer("a")).toMatchObject({ result: "ok", amount: 150n, job: "monday", row: 1 });
    expect(await ledger.transfer("b")).toMatchObject({ result: "exceeds_credits", job: "monday", row: 2 });
    expect(await ledger.transfer("c")).toBeUndefined();
  } finally {
    await ledger.close();
  }
});

test.each(MODES)(
  "a transfer is found while batches execute, as soon as its call has reported it (%s)",
  async (mode) => {
    const { ledger } = await openParts(":memory:", { mode, transfers: 400_000 });
    await ledger.createAccounts(ACCOUNTS);
    const calls: Promise<void>[] = [];
    for (let call = 0; call < 40; call++) {
      const transfers = Array.from({ length: 3000 }, (_, i) => ({ id: `${call}-${i}`, ...FIRST }));
      calls.push(
        ledger.createTransfers(transfers).then(async (results) => {
          const found = await ledger.transfer(`${call}-2999`);
          expect(found).toMatchObject({ id: `${call}-2999`, sequence: results[2999]!.sequence });
        }),
      );
    }
    await Promise.all(calls);
  },
);

test("a transfer to nobody is listed once among its account's, wherever the store's calls end", async () => {
  await using ledger = await openLedgerHere(":memory:", { mode: "event-loop" });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "purse", asset: "USD" },
  ]);
  const toNobody = Array.from({ length: 600 }, (_, i) => ({
    id: `n${i}`,
    debit: "bank",
    credit: "nobody",
    amount: 1n,
  }));
  await ledger.createTransfers(toNobody);
  for (let more = 0; more < 2; more++) {
    await ledger.createTransfers([{ id: `made ${more}`, ...FIRST }]);
    const all = Array.from({ length: ledger.transferCount }, (_, i) => ledger.transferCount - i);
    const { transfers } = await ledger.transfers({ account: "bank", limit: 10_000 });
    expect(transfers.map(({ sequence }) => sequence)).toEqual(all);
    const refused = await ledger.transfers({ account: "bank", limit: 10_000, result: "credit_account_not_found" });
    expect(refused.transfers).toHaveLength(600);
  }
});

test("what can't be an id is refused, and so is a ledger that is closed", async () => {
  const { ledger } = await openParts(":memory:");
  await expect(ledger.transfer(7 as never)).rejects.toMatchObject({
    code: "invalid_argument",
    message: "the transfer's id must be a string, not number",
  });
  await ledger.close();
  await expect(ledger.transfer("a")).rejects.toThrow(LedgerError);
});
