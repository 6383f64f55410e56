/** The laws of DESIGN.md, one test each; every one was seen to fail with the law broken on purpose. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as api from "../../src/index.js";
import { type Ledger, LedgerError, type NewTransfer, openLedger } from "../../src/index.js";
import { contendedWorkload } from "../support/arbitraries.js";
import {
  CONFIGURATIONS,
  expectLawful,
  expectSameState,
  intercept,
  openParts,
  temporaryFolder,
} from "../support/ledgers.js";
import { Model } from "../support/model.js";

const CAPACITY = { accounts: 1000, transfers: 100_000 };

async function openInMemory(options: api.LedgerOptions = {}): Promise<Ledger> {
  const ledger = await openLedger(":memory:", { capacity: CAPACITY, ...options });
  onTestFinished(() => ledger.close());
  return ledger;
}

test.each(CONFIGURATIONS)(
  "law 1, serial equivalence: a batch ends as its transfers one by one in order would ($name)",
  async ({ options }) => {
    const { accounts, transfers } = contendedWorkload(1, 30_000, 20);
    const model = new Model(["USD"]);
    for (const account of accounts) model.createAccount(account);
    const expected = transfers.map((transfer) => model.createTransfer(transfer));
    const ledger = await openInMemory(options);
    await ledger.createAccounts(accounts);
    const results = await ledger.createTransfers(transfers);
    const first = results.findIndex((result, i) => JSON.stringify(result) !== JSON.stringify(expected[i]));
    expect(first < 0 ? undefined : { index: first, ...results[first] }).toEqual(
      first < 0 ? undefined : { index: first, ...expected[first] },
    );
    expectSameState(ledger, model);
  },
);

test("law 1, serial equivalence: a debit is paid by a credit earlier in its batch, and not by a later one", async () => {
  // Most of the batch is uncontested, so the parallel plan decides these few in order.
  const plain = (i: number): NewTransfer => ({ id: `plain-${i}`, debit: "bank", credit: "shop", amount: 1n });
  const ledger = await openInMemory({ workers: 2 });
  const limited = { asset: "USD", debitsMustNotExceedCredits: true };
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
    { id: "ann", ...limited },
    { id: "ben", ...limited },
    { id: "cid", ...limited },
  ]);
  const results = await ledger.createTransfers([
    ...Array.from({ length: 50 }, (_, i) => plain(i)),
    { id: "too early", debit: "ann", credit: "ben", amount: 5n },
    { id: "to ann", debit: "bank", credit: "ann", amount: 5n },
    { id: "in time", debit: "ann", credit: "ben", amount: 5n },
    { id: "onwards", debit: "ben", credit: "cid", amount: 5n },
    { id: "too much", debit: "cid", credit: "bank", amount: 6n },
    { id: "all", debit: "cid", credit: "bank", amount: 5n },
  ]);
  expect(results.slice(50).map(({ result }) => result)).toEqual([
    "exceeds_credits",
    "ok",
    "ok",
    "ok",
    "exceeds_credits",
    "ok",
  ]);
  expect(ledger.account("ann")).toMatchObject({ debitsPosted: 5n, creditsPosted: 5n, version: 2 });
});

test.each(CONFIGURATIONS)(
  "law 2, conservation: per asset, debits equal credits after every batch ($name)",
  async ({ options }) => {
    const ledger = await openInMemory(options);
    const { accounts, transfers } = contendedWorkload(2, 12_000, 40);
    const euros = accounts.map((account) => ({ ...account, id: `${account.id} in EUR`, asset: "EUR" }));
    await ledger.createAccounts([...accounts, ...euros]);
    for (let from = 0; from < transfers.length; from += 3000) {
      const batch = transfers.slice(from, from + 3000).flatMap((transfer, i) =>
        i % 3 > 0
          ? [transfer]
          : [
              {
                ...transfer,
                id: `${transfer.id}e`,
                debit: `${transfer.debit} in EUR`,
                credit: `${transfer.credit} in EUR`,
              },
              // From one asset to the other: must be refused, or money is made of nothing.
              { ...transfer, id: `${transfer.id}x`, credit: `${transfer.credit} in EUR` },
            ],
      );
      await ledger.createTransfers(batch);
      const sums = new Map<string, { debits: bigint; credits: bigint }>();
      for (const { asset, debitsPosted, creditsPosted, debitsPending, creditsPending } of ledger.accounts()) {
        const sum = sums.get(asset) ?? { debits: 0n, credits: 0n };
        sums.set(asset, {
          debits: sum.debits + debitsPosted + debitsPending,
          credits: sum.credits + creditsPosted + creditsPending,
        });
      }
      for (const asset of ["USD", "EUR"]) {
        const { debits, credits } = sums.get(asset)!;
        expect(debits).toBeGreaterThan(0n);
        expect(debits, asset).toBe(credits);
      }
    }
  },
);

test.each(CONFIGURATIONS)(
  "law 3, no overspend: two debits of one batch can't spend the same money ($name)",
  async ({ options }) => {
    const ledger = await openInMemory(options);
    await ledger.createAccounts([
      { id: "bank", asset: "USD" },
      { id: "shop", asset: "USD" },
      { id: "purse", asset: "USD", debitsMustNotExceedCredits: true },
      { id: "slate", asset: "USD", creditsMustNotExceedDebits: true },
    ]);
    await ledger.createTransfers([
      { id: "fill", debit: "bank", credit: "purse", amount: 100n },
      { id: "owe", debit: "slate", credit: "bank", amount: 100n },
    ]);
    // Each of them alone would do; all together cover exactly three.
    const spend = Array.from({ length: 8 }, (_, i) => ({
      id: `spend-${i}`,
      debit: "purse",
      credit: "shop",
      amount: 33n,
    }));
    const repay = Array.from({ length: 8 }, (_, i) => ({
      id: `repay-${i}`,
      debit: "bank",
      credit: "slate",
      amount: 33n,
    }));
    const quiet = Array.from({ length: 64 }, (_, i) => ({ id: `q${i}`, debit: "bank", credit: "shop", amount: 1n }));
    const results = (await ledger.createTransfers([...quiet, ...spend, ...repay]))
      .slice(64)
      .map(({ result }) => result);
    expect(results.slice(0, 8)).toEqual(["ok", "ok", "ok", ...Array(5).fill("exceeds_credits")]);
    expect(results.slice(8)).toEqual(["ok", "ok", "ok", ...Array(5).fill("exceeds_debits")]);
    expectLawful(ledger);
    // The last cent can be spent, and then nothing.
    const last = await ledger.createTransfers([
      { id: "last", debit: "purse", credit: "shop", amount: 1n },
      { id: "beyond", debit: "purse", credit: "shop", amount: 1n },
    ]);
    expect(last.map(({ result }) => result)).toEqual(["ok", "exceeds_credits"]);
    expect(ledger.account("purse")?.balance).toBe(0n);
    expectLawful(ledger);
  },
);

test("law 4, exactly once: an id has one effect in its batch, across batches and across restarts", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  const pay = { id: "pay", debit: "bank", credit: "shop", amount: 7n };
  const early = { id: "early", debit: "purse", credit: "shop", amount: 7n };
  const open = (): Promise<Ledger> => openLedger(path, { workers: 2, capacity: CAPACITY });
  const first = await open();
  onTestFinished(() => first.close());
  await first.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
    { id: "purse", asset: "USD", debitsMustNotExceedCredits: true },
  ]);
  expect(await first.createTransfers([pay, early, pay, early, { ...pay, amount: 8n }])).toEqual([
    { result: "ok", sequence: 1 },
    { result: "exceeds_credits", sequence: 2 },
    { result: "exists", sequence: 1 },
    { result: "id_already_failed", sequence: 2, reason: "exceeds_credits" },
    { result: "exists_with_different_amount", sequence: 1 },
  ]);
  // With money in the purse the burnt id stays burnt.
  expect(
    await first.createTransfers([{ id: "fill", debit: "bank", credit: "purse", amount: 50n }, pay, early]),
  ).toEqual([
    { result: "ok", sequence: 3 },
    { result: "exists", sequence: 1 },
    { result: "id_already_failed", sequence: 2, reason: "exceeds_credits" },
  ]);
  await first.close();
  const again = await open();
  onTestFinished(() => again.close());
  expect(await again.createTransfers([early, pay, { ...early, id: "late" }, pay])).toEqual([
    { result: "id_already_failed", sequence: 2, reason: "exceeds_credits" },
    { result: "exists", sequence: 1 },
    { result: "ok", sequence: 4 },
    { result: "exists", sequence: 1 },
  ]);
  expect(again.account("shop")).toMatchObject({ creditsPosted: 14n, version: 2 });
});

/** A ledger whose commits wait until they are let go, or fail. */
interface Held {
  readonly ledger: Ledger;
  /** Lets the commit that has waited longest go on, or fail. */
  release(error?: Error): void;
  readonly waiting: number;
  /** Resolves once a commit waits. */
  commitWaits(): Promise<void>;
}

async function openHeld(path: string, mode: "parallel" | "event-loop"): Promise<Held> {
  const held: ((error?: Error) => void)[] = [];
  let isHolding = true;
  const { ledger } = await openParts(path, {
    mode,
    wrap: (store) =>
      intercept(store, {
        commit: (group) =>
          new Promise((resolve, reject) => {
            if (!isHolding) resolve(store.commit(group));
            else held.push((error) => (error === undefined ? resolve(store.commit(group)) : reject(error)));
          }),
      }),
  });
  // A test that fails must still be able to close its ledger.
  onTestFinished(() => {
    isHolding = false;
    for (const release of held.splice(0)) release();
  });
  return {
    ledger,
    release: (error) => held.shift()?.(error),
    get waiting() {
      return held.length;
    },
    commitWaits: async () => {
      while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
}

/** What has become of a promise so far, after everything that could settle it had many turns to. */
async function stateOf(promise: Promise<unknown>): Promise<"pending" | "resolved" | "rejected"> {
  let state: "pending" | "resolved" | "rejected" = "pending";
  promise.then(
    () => {
      state = "resolved";
    },
    () => {
      state = "rejected";
    },
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  return state;
}

test.each(["parallel", "event-loop"] as const)(
  "law 5, durable before acknowledged: no result before its group is on disk (%s)",
  async (mode) => {
    const path = join(temporaryFolder(), "ledger.db");
    const held = await openHeld(path, mode);
    const { ledger } = held;
    const accounts = ledger.createAccounts([
      { id: "bank", asset: "USD" },
      { id: "shop", asset: "USD" },
    ]);
    await held.commitWaits();
    expect(await stateOf(accounts)).toBe("pending");
    held.release();
    await accounts;

    const direct = ledger.createTransfers([{ id: "direct", debit: "bank", credit: "shop", amount: 1n }]);
    const batch = await ledger.batch();
    batch.addPlain("built", "bank", "shop", 1n);
    const built = batch.submit();
    const seen: number[] = [];
    const settled = ledger.settle([{ id: "settled", debit: "bank", credit: "shop", amount: 1n }], {
      onResults: (results) => void seen.push(results.length),
    });
    await held.commitWaits();
    expect(await stateOf(direct)).toBe("pending");
    expect(await stateOf(built)).toBe("pending");
    expect(await stateOf(settled)).toBe("pending");
    expect(seen).toEqual([]);
    // The batches were executed meanwhile: what is awaited is the disk.
    expect(ledger.account("shop")?.creditsPosted).toBe(3n);
    held.release();
    expect(await direct).toEqual([{ result: "ok", sequence: 1 }]);
    while ((await stateOf(settled)) === "pending") held.release();
    expect((await built).get(0)).toEqual({ result: "ok", sequence: 2 });
    expect((await settled).results).toEqual({ ok: 1 });
    expect(seen).toEqual([1]);
  },
);

test.each(["parallel", "event-loop"] as const)(
  "law 5, durable before acknowledged: a group that does not reach the disk is refused, with all after it (%s)",
  async (mode) => {
    const path = join(temporaryFolder(), "ledger.db");
    const held = await openHeld(path, mode);
    const { ledger } = held;
    const accounts = ledger.createAccounts([
      { id: "bank", asset: "USD" },
      { id: "shop", asset: "USD" },
    ]);
    await held.commitWaits();
    held.release();
    await accounts;
    const lost = ledger.createTransfers([{ id: "lost", debit: "bank", credit: "shop", amount: 1n }]);
    await held.commitWaits();
    const after = ledger.createTransfers([{ id: "after", debit: "bank", credit: "shop", amount: 1n }]);
    held.release(new Error("the disk is gone"));
    await expect(lost).rejects.toMatchObject({ name: "LedgerError", code: "store_failed" });
    await expect(after).rejects.toMatchObject({ name: "LedgerError", code: "store_failed" });
    await expect(async () => ledger.createTransfers([])).rejects.toThrow(LedgerError);
    expect(() => ledger.digest()).toThrow(LedgerError);
    expect(held.waiting).toBe(0);
    await ledger.close();
    const again = await openLedger(path, { mode: "event-loop", capacity: CAPACITY });
    onTestFinished(() => again.close());
    expect(again.transferCount).toBe(0);
    expect(again.account("shop")).toMatchObject({ creditsPosted: 0n, version: 0 });
  },
);

test.each(CONFIGURATIONS)(
  "law 6, versions count changes: one more for each transfer made, none for one refused ($name)",
  async ({ options }) => {
    const { accounts, transfers } = contendedWorkload(6, 20_000, 25);
    const ledger = await openInMemory(options);
    await ledger.createAccounts(accounts);
    const changes = new Map(accounts.map(({ id }) => [id, 0]));
    for (let from = 0; from < transfers.length; from += 5000) {
      const part = transfers.slice(from, from + 5000);
      for (const [i, { result }] of (await ledger.createTransfers(part)).entries()) {
        if (result !== "ok") continue;
        const { debit, credit } = part[i]!;
        changes.set(debit, changes.get(debit)! + 1);
        changes.set(credit, changes.get(credit)! + 1);
      }
      for (const [id, count] of changes) expect(ledger.account(id)?.version, id).toBe(count);
    }
  },
);

test("law 7, unsafe is opt-in: nothing exported and no option of openLedger leads to a racy strategy", async () => {
  expect(Object.keys(api).sort()).toEqual([
    "ACCOUNT_RESULTS",
    "Batch",
    "BatchResults",
    "Ledger",
    "LedgerError",
    "TRANSFER_RESULTS",
    "openLedger",
  ]);
  const attempts: Record<string, unknown>[] = [
    { mode: "unsafe" },
    { mode: "racy" },
    { strategy: "unsafe" },
    { unsafe: true },
    { workers: 2, strategy: "racy" },
  ];
  for (const options of attempts) {
    await expect(openLedger(":memory:", options as api.LedgerOptions), JSON.stringify(options)).rejects.toMatchObject({
      code: "invalid_argument",
    });
  }
  const ledger = await openInMemory({ mode: "parallel", workers: 2 });
  const verbs = Object.getOwnPropertyNames(Object.getPrototypeOf(ledger)).join(" ");
  expect(verbs).not.toMatch(/unsafe|racy|strategy/i);
});
