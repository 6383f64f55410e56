/** The laws of DESIGN.md, one test each; every one was seen to fail with the law broken on purpose. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect, onTestFinished, test, vi } from "vitest";
import { ACCOUNT_PARTITIONS } from "../../src/core/layout.js";
import * as api from "../../src/index.js";
import { type Ledger, LedgerError, type NewTransfer, openLedger } from "../../src/index.js";
import { EXPORTED_VALUES } from "../support/api.js";
import { type WholeWorkload, wholeWorkload } from "../support/arbitraries.js";
import {
  expectLawful,
  expectSameState,
  FEW_CONFIGURATIONS,
  intercept,
  makeTransfers,
  openParts,
  startClock,
  temporaryFolder,
} from "../support/ledgers.js";
import { Model, type ModelNewTransfer } from "../support/model.js";

const CAPACITY = { accounts: 1000, transfers: 100_000 };

async function openInMemory(options: api.LedgerOptions = {}): Promise<Ledger> {
  const ledger = await openLedger(":memory:", { capacity: CAPACITY, ...options });
  onTestFinished(() => ledger.close());
  return ledger;
}

/** What law 1 makes in every configuration, and what must come of it. */
const LAW_ONE = modelled(wholeWorkload(1, 30_000, { contestedPercent: 20, wholePercent: 10 }));

function modelled(workload: WholeWorkload) {
  const model = new Model(["USD"]);
  for (const account of workload.accounts) model.createAccount(account);
  return { ...workload, model, expected: model.createTransfers(workload.transfers) };
}

test.each(FEW_CONFIGURATIONS)(
  "law 1, serial equivalence: a batch ends as its transfers one by one in order would ($name)",
  async ({ options }) => {
    const { accounts, transfers, model, expected } = LAW_ONE;
    const ledger = await openInMemory(options);
    await ledger.createAccounts(accounts);
    const results = await makeTransfers(ledger, transfers);
    const first = results.findIndex((result, i) => !isDeepStrictEqual(result, expected[i]));
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

test.each(FEW_CONFIGURATIONS)(
  "law 2, conservation: per asset, debits equal credits after every batch, and so do those that are reserved ($name)",
  async ({ options }) => {
    const ledger = await openInMemory(options);
    const { accounts, transfers } = wholeWorkload(2, 12_000, { contestedPercent: 40, wholePercent: 15 });
    const euros = accounts.map((account) => ({ ...account, id: `${account.id} in EUR`, asset: "EUR" }));
    await ledger.createAccounts([...accounts, ...euros]);
    // Every third transfer is in EUR, and what posts or voids it says so too.
    const inEuros = new Set(transfers.filter((_, i) => i % 3 === 0).map(({ id }) => id));
    const named = (id: string): string => (inEuros.has(id) ? `${id}e` : id);
    const convert = (transfer: ModelNewTransfer): ModelNewTransfer => ({
      ...{ ...transfer, id: named(transfer.id) },
      ...(transfer.post === undefined ? {} : { post: named(transfer.post) }),
      ...(transfer.void === undefined ? {} : { void: named(transfer.void) }),
      ...(transfer.debit !== undefined && inEuros.has(transfer.id)
        ? { debit: `${transfer.debit} in EUR`, credit: `${transfer.credit} in EUR` }
        : {}),
    });
    for (let from = 0; from < transfers.length; from += 3000) {
      const batch = transfers.slice(from, from + 3000).flatMap((transfer, i) =>
        // From one asset to the other: must be refused, or money is made of nothing.
        i % 7 > 0 || transfer.debit === undefined
          ? [convert(transfer)]
          : [convert(transfer), { ...transfer, id: `${transfer.id}x`, credit: `${transfer.credit} in EUR` }],
      );
      await makeTransfers(ledger, batch);
      for (const asset of ["USD", "EUR"]) {
        const ofAsset = [...ledger.accounts()].filter((account) => account.asset === asset);
        const sum = (total: "debitsPosted" | "creditsPosted" | "debitsPending" | "creditsPending"): bigint =>
          ofAsset.reduce((before, account) => before + account[total], 0n);
        expect(sum("debitsPosted")).toBeGreaterThan(0n);
        expect(sum("debitsPosted"), asset).toBe(sum("creditsPosted"));
        expect(sum("debitsPending")).toBeGreaterThan(0n);
        expect(sum("debitsPending"), asset).toBe(sum("creditsPending"));
      }
    }
  },
);

/** One account of each limit, and two of none. */
const LIMITED_ACCOUNTS = [
  { id: "bank", asset: "USD" },
  { id: "shop", asset: "USD" },
  { id: "purse", asset: "USD", debitsMustNotExceedCredits: true },
  { id: "slate", asset: "USD", creditsMustNotExceedDebits: true },
];

test.each(FEW_CONFIGURATIONS)(
  "law 3, no overspend: two debits of one batch can't spend the same money ($name)",
  async ({ options }) => {
    const ledger = await openInMemory(options);
    await ledger.createAccounts(LIMITED_ACCOUNTS);
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

test.each(FEW_CONFIGURATIONS)(
  "law 1, serial equivalence: what comes later in a batch does not help what comes before it ($name)",
  async ({ options }) => {
    const ledger = await openInMemory(options);
    // One of each kind in every partition of accounts, so that each goes its partition's way with the other and alone.
    const numbers = Array.from({ length: ACCOUNT_PARTITIONS }, (_, i) => i);
    await ledger.createAccounts([
      ...numbers.map((i) => ({ id: `purse-${i}`, asset: "USD", debitsMustNotExceedCredits: true })),
      ...numbers.map((i) => ({ id: `slate-${i}`, asset: "USD", creditsMustNotExceedDebits: true })),
      ...["bank", "shop"].map((id) => ({ id, asset: "USD" })),
    ]);
    const pay = (id: string, debit: string, credit: string): NewTransfer => ({ id, debit, credit, amount: 50n });
    const ofPurse = (i: number): NewTransfer[] => [
      pay(`spend-${i}`, `purse-${i}`, "bank"),
      pay(`fill-${i}`, "bank", `purse-${i}`),
    ];
    const ofSlate = (i: number): NewTransfer[] => [
      pay(`repay-${i}`, "bank", `slate-${i}`),
      pay(`owe-${i}`, `slate-${i}`, "bank"),
    ];
    const half = numbers.length / 2;
    const parts = [
      numbers.slice(0, half).flatMap(ofPurse),
      numbers.slice(0, half).flatMap(ofSlate),
      numbers.slice(half).flatMap((i) => [...ofPurse(i), ...ofSlate(i)]),
    ];
    for (const [number, part] of parts.entries()) {
      // Smaller batches are executed by one thread.
      const quiet = Array.from({ length: 64 }, (_, i) => pay(`quiet-${number}-${i}`, "bank", "shop"));
      const batch = [...quiet, ...part];
      for (const [at, { result }] of (await ledger.createTransfers(batch)).entries()) {
        const { id } = batch[at]!;
        const refusal = id.startsWith("spend") ? "exceeds_credits" : id.startsWith("repay") ? "exceeds_debits" : "ok";
        expect(`${id} ${result}`).toBe(`${id} ${refusal}`);
      }
    }
    for (const i of numbers) {
      expect(ledger.account(`purse-${i}`)?.balance).toBe(50n);
      expect(ledger.account(`slate-${i}`)?.balance).toBe(-50n);
    }
  },
);

test.each(FEW_CONFIGURATIONS)(
  "law 3, no overspend: what is reserved can't be spent, nor reserved again, until it is released ($name)",
  async ({ options }) => {
    const ledger = await openInMemory(options);
    await ledger.createAccounts(LIMITED_ACCOUNTS);
    const quiet = (prefix: string): NewTransfer[] =>
      Array.from({ length: 64 }, (_, i) => ({ id: `${prefix}${i}`, debit: "bank", credit: "shop", amount: 1n }));
    const make = async (prefix: string, transfers: readonly NewTransfer[]): Promise<string[]> => {
      const results = await ledger.createTransfers([...quiet(prefix), ...transfers]);
      expectLawful(ledger);
      return results.slice(64).map(({ result }) => result);
    };
    const spend = (id: string, amount: bigint) => ({ id: `spend-${id}`, debit: "purse", credit: "shop", amount });
    const repay = (id: string, amount: bigint) => ({ id: `repay-${id}`, debit: "bank", credit: "slate", amount });
    const reserved = [0, 1, 2, 3].map(String);
    await make("a", [
      { id: "fill", debit: "bank", credit: "purse", amount: 100n },
      { id: "owe", debit: "slate", credit: "bank", amount: 100n },
    ]);
    expect(
      await make("b", [
        ...reserved.map((id): NewTransfer => ({ ...spend(id, 33n), pending: true })),
        ...reserved.map((id): NewTransfer => ({ ...repay(id, 33n), pending: true })),
        ...[spend("two", 2n), repay("two", 2n), spend("one", 1n), repay("one", 1n)],
      ]),
    ).toEqual([
      ...["ok", "ok", "ok", "exceeds_credits", "ok", "ok", "ok", "exceeds_debits"],
      ...["exceeds_credits", "exceeds_debits", "ok", "ok"],
    ]);
    // A post spends what it reserved, and no more than that is released.
    expect(
      await make("c", [
        ...[{ id: "post-0", post: "spend-0" }, spend("more", 1n), { id: "post-1", post: "spend-1", amount: 30n }],
        ...[spend("rest", 4n), spend("the rest", 3n), { id: "void-2", void: "spend-2" }],
        ...[spend("too much", 34n), spend("released", 33n), { id: "void-repay", void: "repay-2" }],
        ...[repay("too much", 34n), repay("released", 33n)],
      ]),
    ).toEqual([
      ...["ok", "exceeds_credits", "ok", "exceeds_credits", "ok", "ok", "exceeds_credits", "ok", "ok"],
      ...["exceeds_debits", "ok"],
    ]);
    expect(ledger.account("purse")).toMatchObject({ balance: 0n, debitsPending: 0n });
    expect(ledger.account("slate")).toMatchObject({ creditsPosted: 34n, creditsPending: 66n });
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

test.each(FEW_CONFIGURATIONS)(
  "law 6, versions count changes: one more for each transfer made and each that expires, none for one refused ($name)",
  async ({ options }) => {
    const { accounts, transfers } = wholeWorkload(6, 20_000, { contestedPercent: 25, wholePercent: 15 });
    const clock = startClock();
    const ledger = await openInMemory(options);
    await ledger.createAccounts(accounts);
    const changes = new Map(accounts.map(({ id }) => [id, 0]));
    const count = ({ debit, credit }: ModelNewTransfer): void => {
      for (const id of [debit!, credit!]) changes.set(id, changes.get(id)! + 1);
    };
    const reserved = new Map<string, ModelNewTransfer>();
    let expired = 0;
    for (let from = 0; from < transfers.length; from += 5000) {
      // All that was reserved with a timeout runs out between one batch and the next.
      for (const [id, transfer] of reserved) {
        if (transfer.timeout === undefined) continue;
        count(transfer);
        reserved.delete(id);
        expired++;
      }
      vi.setSystemTime(clock.milliseconds + (from / 5000) * 100_000_000);
      const part = transfers.slice(from, from + 5000);
      for (const [i, { result }] of (await makeTransfers(ledger, part)).entries()) {
        if (result !== "ok") continue;
        const transfer = part[i]!;
        const resolved = transfer.post ?? transfer.void;
        count(resolved === undefined ? transfer : reserved.get(resolved)!);
        if (resolved !== undefined) reserved.delete(resolved);
        if (transfer.pending === true) reserved.set(transfer.id, transfer);
      }
      for (const [id, version] of changes) expect(ledger.account(id)?.version, id).toBe(version);
    }
    expect(expired).toBeGreaterThan(100);
  },
);

test("law 7, unsafe is opt-in: nothing exported and no option of openLedger leads to a racy strategy", async () => {
  expect(Object.keys(api).sort()).toEqual([...EXPORTED_VALUES]);
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
