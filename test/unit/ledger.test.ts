/** The public ledger: opening, accounts, calls that share batches, batches of one's own, settlements, capacities. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  type AccountResult,
  importLedger,
  type Ledger,
  LedgerError,
  type LedgerOptions,
  type NewAccount,
  type NewTransfer,
  openLedger,
  type TransferResult,
} from "../../src/index.js";
import { intercept, openParts, temporaryFolder } from "../support/ledgers.js";

const CAPACITY = { accounts: 1000, transfers: 200_000 };
const BATCH_CAPACITY = 16_384;

async function open(options: LedgerOptions = {}, path = ":memory:"): Promise<Ledger> {
  const ledger = await openLedger(path, { mode: "event-loop", capacity: CAPACITY, ...options });
  onTestFinished(() => ledger.close());
  return ledger;
}

async function openWithAccounts(options: LedgerOptions = {}): Promise<Ledger> {
  const ledger = await open(options);
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  return ledger;
}

function pay(id: string, amount = 1n): NewTransfer {
  return { id, debit: "bank", credit: "shop", amount };
}

function pays(count: number, prefix = "t"): NewTransfer[] {
  return Array.from({ length: count }, (_, i) => pay(`${prefix}${i}`));
}

function names(results: readonly (TransferResult | AccountResult)[]): string[] {
  return results.map(({ result }) => result);
}

// --- opening -------------------------------------------------------------------------------------------------------

test.each([
  [{ wrokers: 2 }, "'wrokers' is not an option"],
  [{ capacity: { acounts: 10 } }, "'acounts' is not a capacity"],
  [{ capacity: { chunks: 1 } }, "'chunks' is not a capacity"],
  [{ mode: "serial" }, "must be 'parallel' or 'event-loop', not 'serial'"],
  [{ workers: 0 }, "from 1 to 64, not 0"],
  [{ workers: 65 }, "from 1 to 64, not 65"],
  [{ workers: 1.5 }, "from 1 to 64, not 1.5"],
  [{ workers: "many" }, "from 1 to 64, not many"],
])("the option %o is refused by name before anything happens", async (options, message) => {
  const path = join(temporaryFolder(), "never.db");
  const opening = openLedger(path, options as LedgerOptions);
  await expect(opening).rejects.toMatchObject({ name: "LedgerError", code: "invalid_argument" });
  await expect(opening).rejects.toThrow(message);
});

test("an asset with a scale of its own can be named, and not with another scale later", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  const ledger = await open({ assets: ["BTC:8"] }, path);
  await ledger.createAccounts([{ id: "wallet", asset: "BTC" }]);
  expect(ledger.account("wallet")?.asset).toBe("BTC");
  await ledger.close();
  for (const mode of ["parallel", "event-loop"] as const) {
    await expect(openLedger(path, { mode, assets: ["BTC:6"] })).rejects.toMatchObject({ code: "asset_scale_differs" });
  }
  // The refused openings let the file go.
  const again = await open({ assets: ["BTC:8"] }, path);
  expect(await again.createAccounts([{ id: "wallet", asset: "BTC" }])).toEqual([{ result: "exists" }]);
});

test("a closed ledger says so, however it is used, and closing twice is closing once", async () => {
  const ledger = await openWithAccounts();
  const batch = await ledger.batch();
  batch.add(pay("left behind"));
  await Promise.all([ledger.close(), ledger.close()]);
  const closed = expect.objectContaining({ name: "LedgerError", code: "ledger_closed" });
  const file = { transfers: "late.csv", columns: { debit: "debit", credit: "credit", amount: "amount" }, asset: "USD" };
  await expect(ledger.createTransfers([pay("late")])).rejects.toEqual(closed);
  await expect(ledger.createAccounts([])).rejects.toEqual(closed);
  await expect(ledger.batch()).rejects.toEqual(closed);
  await expect(ledger.settle([])).rejects.toEqual(closed);
  await expect(ledger.settleFile(file)).rejects.toEqual(closed);
  await expect(ledger.export("late")).rejects.toEqual(closed);
  await expect(batch.submit()).rejects.toEqual(closed);
  expect(() => ledger.account("bank")).toThrow(LedgerError);
  expect(() => [...ledger.accounts()]).toThrow(LedgerError);
  expect(() => ledger.digest()).toThrow(LedgerError);
});

test("closing finishes the calls under way", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  const ledger = await open({}, path);
  const created = ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  const calls = Array.from({ length: 20 }, (_, call) => ledger.createTransfers(pays(3000, `${call}-`)));
  await ledger.close();
  expect(names(await created)).toEqual(["ok", "ok"]);
  for (const results of await Promise.all(calls)) expect(new Set(names(results))).toEqual(new Set(["ok"]));
  const again = await open({}, path);
  expect(again.transferCount).toBe(60_000);
});

// --- accounts ------------------------------------------------------------------------------------------------------

test("an account's fields have the wrong type: the call is refused and creates nothing", async () => {
  const ledger = await open();
  const wrong: [unknown, string][] = [
    [{ id: 7, asset: "USD" }, "'id' must be a string"],
    [{ id: "a" }, "'asset' must be a string"],
    [{ id: "a", asset: "USD", code: 65_536 }, "'code' must be a whole number from 0 to 65535, not 65536"],
    [{ id: "a", asset: "USD", code: -1 }, "'code'"],
    [{ id: "a", asset: "USD", debitsMustNotExceedCredits: 1 }, "'debitsMustNotExceedCredits' must be true or false"],
    [null, "account 1 must be an object, not null"],
    // An account that would have no limit.
    [
      { id: "a", asset: "USD", debitsMustNotExceedCredit: true },
      "account 1: 'debitsMustNotExceedCredit' is none of its fields: expected id, asset,",
    ],
  ];
  for (const [account, message] of wrong) {
    const call = ledger.createAccounts([{ id: "fine", asset: "USD" }, account as NewAccount]);
    await expect(call).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(call).rejects.toThrow(message);
  }
  for (const no of [undefined, null, 7, "accounts", { id: "a", asset: "USD" }]) {
    await expect(ledger.createAccounts(no as never)).rejects.toMatchObject({ code: "invalid_argument" });
  }
  expect(ledger.accountCount).toBe(0);
  const rich = Object.assign(new (class Customer {})(), { id: "a", asset: "USD", name: "Ann" });
  expect(await ledger.createAccounts([rich])).toMatchObject([{ result: "ok" }]);
  for (const no of [undefined, null, 7]) {
    expect(() => ledger.account(no as never)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  }
});

test.each([{ asset: 7 }, { id: 7 }, { code: -1 }])(
  "an account is created as it was asked for, where its caller changes it after the call to %o",
  async (change) => {
    const path = join(temporaryFolder(), "ledger.db");
    const ledger = await open({}, path);
    const accounts: NewAccount[] = [
      { id: "bank", asset: "USD" },
      { id: "shop", asset: "USD" },
    ];
    const created = ledger.createAccounts(accounts);
    Object.assign(accounts[1]!, change);
    accounts.length = 0;
    expect(names(await created)).toEqual(["ok", "ok"]);
    expect(names(await ledger.createTransfers([pay("one")]))).toEqual(["ok"]);
    expect([...ledger.accounts()].map(({ id, asset, code }) => [id, asset, code])).toEqual([
      ["bank", "USD", 0],
      ["shop", "USD", 0],
    ]);
    await ledger.close();
    expect((await open({}, path)).transferCount).toBe(1);
  },
);

test("an asset that the ledger keeps with another scale refuses the whole call and loses nothing", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  const ledger = await open({}, path);
  await ledger.createAccounts([{ id: "bank", asset: "USD" }]);
  const call = ledger.createAccounts([
    { id: "before", asset: "USD" },
    { id: "wrong", asset: "USD:3" },
  ]);
  await expect(call).rejects.toMatchObject({ code: "asset_scale_differs" });
  expect(ledger.accountCount).toBe(1);
  await ledger.createAccounts([{ id: "shop", asset: "USD" }]);
  await ledger.createTransfers([pay("one")]);
  const digest = ledger.digest();
  await ledger.close();
  const again = await open({}, path);
  expect(again.digest()).toBe(digest);
  expect(again.account("shop")?.balance).toBe(1n);
});

test("accounts beyond the capacity are refused before any is created; those that exist still do", async () => {
  const ledger = await open({ capacity: { accounts: 600, transfers: 1000 } });
  const accounts = Array.from({ length: 601 }, (_, i) => ({ id: `a${i}`, asset: "USD" }));
  const full = expect.objectContaining({ name: "LedgerError", code: "accounts_full" });
  await expect(ledger.createAccounts(accounts)).rejects.toEqual(full);
  expect(ledger.accountCount).toBe(0);
  expect(new Set(names(await ledger.createAccounts(accounts.slice(0, 600))))).toEqual(new Set(["ok"]));
  await expect(ledger.createAccounts(accounts.slice(599))).rejects.toEqual(full);
  expect(names(await ledger.createAccounts([accounts[0]!, accounts[599]!]))).toEqual(["exists", "exists"]);
  const transfer = { id: "still usable", debit: "a0", credit: "a599", amount: 1n };
  expect(names(await ledger.createTransfers([transfer]))).toEqual(["ok"]);
});

test("1,300 accounts in one call have a result each, and come back in the order of their ids' bytes", async () => {
  const ledger = await open({ capacity: { accounts: 2000, transfers: 1000 } });
  const ids = Array.from({ length: 1300 }, (_, i) => `konto-${(i * 7919) % 1300}${i % 3 === 0 ? "-ü" : ""}`);
  expect(new Set(names(await ledger.createAccounts(ids.map((id) => ({ id, asset: "EUR" })))))).toEqual(new Set(["ok"]));
  const inOrder = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect([...ledger.accounts()].map(({ id }) => id)).toEqual(inOrder);
});

// --- calls ---------------------------------------------------------------------------------------------------------

test("a transfer's fields have the wrong type: the call is refused and makes nothing", async () => {
  const ledger = await openWithAccounts();
  const wrong: [unknown, string][] = [
    [{ ...pay("a"), id: 7 }, "transfer 1: 'id' must be a string"],
    [{ ...pay("a"), debit: undefined }, "'debit' must be a string"],
    [{ ...pay("a"), credit: null }, "'credit' must be a string"],
    [{ ...pay("a"), amount: 5 }, "'amount' must be a bigint of minor units, not number"],
    [{ ...pay("a"), code: 1.5 }, "'code'"],
    [{ ...pay("a"), userData: -1n }, "'userData' must be a bigint from 0 to 2^128"],
    [{ ...pay("a"), userData: 2n ** 128n }, "'userData'"],
    [undefined, "transfer 1 must be an object, not undefined"],
    [null, "transfer 1 must be an object, not null"],
    // A reservation that would be a payment.
    [{ ...pay("a"), pendingg: true }, "transfer 1: 'pendingg' is none of its fields: expected id, debit,"],
  ];
  for (const [transfer, message] of wrong) {
    const call = async (): Promise<unknown> => ledger.createTransfers([pay("fine"), transfer as NewTransfer]);
    await expect(call).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(call).rejects.toThrow(message);
  }
  for (const no of [undefined, null, 7, "pays", pay("a"), { length: 1, 0: pay("a") }]) {
    await expect(ledger.createTransfers(no as never)).rejects.toMatchObject({ code: "invalid_argument" });
    if (no !== "pays") await expect(ledger.settle(no as never)).rejects.toMatchObject({ code: "invalid_argument" });
  }
  await expect(ledger.settle("pays" as never)).rejects.toMatchObject({ code: "invalid_argument" });
  expect(ledger.transferCount).toBe(0);
  expect(await ledger.createTransfers([{ ...pay("a"), nothing: undefined } as unknown as NewTransfer])).toHaveLength(1);
  expect(await ledger.createTransfers([])).toEqual([]);
});

test("a transfer's fields count wherever its object has them from, and each is read once", async () => {
  const ledger = await openWithAccounts();
  class Reservation {
    readonly debit = "bank";
    readonly credit = "shop";
    readonly id: string;
    readonly #reads: string[];
    constructor(id: string, reads: string[]) {
      this.id = id;
      this.#reads = reads;
    }
    get amount(): bigint {
      this.#reads.push("amount");
      return 5n;
    }
    get pending(): true {
      this.#reads.push("pending");
      return true;
    }
  }
  const reads: string[] = [];
  const batch = await ledger.batch();
  batch.add(new Reservation("of a class", reads));
  batch.add(Object.assign(Object.create(null), pay("without a prototype"), { pending: true }) as NewTransfer);
  batch.add(Object.assign(Object.create({ pending: true }), pay("heir")) as NewTransfer);
  batch.add(new Proxy({ ...pay("behind a proxy"), pending: true } as NewTransfer, {}));
  // A getter that adds another transfer while this one is read.
  batch.add({
    ...{ id: "outer", userData: 3n, pending: true, credit: "shop", amount: 5n },
    get debit() {
      batch.add({ ...pay("inner"), code: 9 });
      return "bank";
    },
  });
  expect(new Set((await batch.submit()).counts().keys())).toEqual(new Set(["ok"]));
  expect(reads.sort()).toEqual(["amount", "pending"]);
  const pending = async (id: string): Promise<unknown> => (await ledger.transfer(id))?.pending;
  for (const id of ["of a class", "without a prototype", "heir", "behind a proxy", "outer"]) {
    expect(await pending(id), id).toBe(true);
  }
  expect(await ledger.transfer("outer")).toMatchObject({ userData: 3n, code: 0, debit: "bank", credit: "shop" });
  expect(await ledger.transfer("inner")).toMatchObject({ userData: 0n, code: 9 });
});

test("a transfer that its caller changes after the call to something impossible rejects that call, and no other", async () => {
  const ledger = await openWithAccounts();
  const changed = { ...pay("changed") };
  const first = ledger.createTransfers([pay("before"), changed, pay("never")]);
  const second = ledger.createTransfers([pay("other")]);
  Object.assign(changed, { amount: 5 });
  await expect(first).rejects.toMatchObject({ name: "LedgerError", code: "invalid_argument" });
  expect(names(await second)).toEqual(["ok"]);
  expect(names(await ledger.createTransfers([pay("before"), pay("never")]))).toEqual(["exists", "ok"]);
});

test("a call's list may be emptied, filled again or added to as soon as the call is made", async () => {
  const ledger = await openWithAccounts();
  const list = pays(3, "first ");
  const first = ledger.createTransfers(list);
  list.length = 0;
  const second = ledger.createTransfers([pay("of another caller")]);
  list.push(pay("third"));
  const third = ledger.createTransfers(list);
  list.push(pay("behind it"));
  expect(names(await first)).toEqual(["ok", "ok", "ok"]);
  expect(names(await second)).toEqual(["ok"]);
  expect(names(await third)).toEqual(["ok"]);
  expect(ledger.transferCount).toBe(5);
});

test.each([{ mode: "event-loop" as const }, { mode: "parallel" as const, workers: 2 }])(
  "thousands of calls made at once share batches and keep their order (%o)",
  async (options) => {
    let commits = 0;
    let chunks = 0;
    const { ledger } = await openParts(":memory:", {
      ...options,
      wrap: (store) =>
        intercept(store, {
          commit: (group) => {
            commits++;
            chunks += group.chunks.length;
            return store.commit(group);
          },
        }),
    });
    await ledger.createAccounts([
      { id: "bank", asset: "USD" },
      { id: "shop", asset: "USD" },
    ]);
    commits = 0;
    chunks = 0;
    const resolved: number[] = [];
    const calls = pays(5000).map(async (transfer, i) => {
      const [result] = await ledger.createTransfers([transfer]);
      resolved.push(i);
      return result;
    });
    const results = await Promise.all(calls);
    expect(results).toEqual(results.map((_, i) => ({ result: "ok", sequence: i + 1 })));
    expect(resolved).toEqual(resolved.map((_, i) => i));
    expect(commits).toBeLessThanOrEqual(3);
    expect(chunks).toBeLessThanOrEqual(8);
  },
);

// --- batches of one's own ------------------------------------------------------------------------------------------

test("a batch has its transfers' results in order, and their counts", async () => {
  const ledger = await openWithAccounts();
  const batch = await ledger.batch();
  batch.add({ ...pay("one"), code: 7, userData: 2n ** 100n });
  batch.addPlain("two", "bank", "shop", 2n);
  batch.addPlain("two", "bank", "shop", 3n);
  batch.addPlain("three", "bank", "nobody", 3n);
  batch.addPlain("three", "bank", "shop", 3n);
  expect(batch.length).toBe(5);
  expect(batch.isFull).toBe(false);
  const results = await batch.submit();
  expect(results.length).toBe(5);
  expect(Array.from({ length: 5 }, (_, i) => results.get(i))).toEqual([
    { result: "ok", sequence: 1 },
    { result: "ok", sequence: 2 },
    { result: "exists_with_different_amount", sequence: 2 },
    { result: "credit_account_not_found", sequence: 3 },
    { result: "id_already_failed", sequence: 3, reason: "credit_account_not_found" },
  ]);
  expect(results.result(1)).toBe("ok");
  expect(results.sequence(3)).toBe(3);
  expect(Object.fromEntries(results.counts())).toEqual({
    ok: 2,
    exists_with_different_amount: 1,
    credit_account_not_found: 1,
    id_already_failed: 1,
  });
  for (const index of [-1, 5, 0.5]) {
    expect(() => results.get(index)).toThrow(expect.objectContaining({ code: "index_out_of_range" }));
    expect(() => results.sequence(index)).toThrow(LedgerError);
  }
  expect(names(await ledger.createTransfers([{ ...pay("one"), code: 7 }]))).toEqual([
    "exists_with_different_user_data",
  ]);
});

test("a batch holds 16,384 transfers and refuses the next", async () => {
  const ledger = await openWithAccounts();
  const batch = await ledger.batch();
  for (let i = 0; i < BATCH_CAPACITY; i++) batch.addPlain(`t${i}`, "bank", "shop", 1n);
  expect(batch.isFull).toBe(true);
  const full = expect.objectContaining({ name: "LedgerError", code: "batch_full" });
  expect(() => batch.add(pay("one more"))).toThrow(full);
  expect(() => batch.addPlain("one more", "bank", "shop", 1n)).toThrow(full);
  const results = await batch.submit();
  expect(Object.fromEntries(results.counts())).toEqual({ ok: BATCH_CAPACITY });
  expect(results.sequence(BATCH_CAPACITY - 1)).toBe(BATCH_CAPACITY);
});

test("a batch that a transfer's own getter fills or ends takes no more", async () => {
  const ledger = await openWithAccounts();
  const full = await ledger.batch();
  for (const transfer of pays(BATCH_CAPACITY - 1)) full.add(transfer);
  const reading = (action: () => void): NewTransfer => ({
    ...pay("outer"),
    get debit() {
      action();
      return "bank";
    },
  });
  expect(() => full.add(reading(() => full.add(pay("inner"))))).toThrow(
    expect.objectContaining({ code: "batch_full" }),
  );
  expect((await full.submit()).length).toBe(BATCH_CAPACITY);
  const ended = await ledger.batch();
  expect(() => ended.add(reading(() => ended.discard()))).toThrow("submitted or discarded");
  expect(await ledger.transfer("outer")).toBeUndefined();
});

test("a discarded batch makes nothing, and an empty one has no results", async () => {
  const ledger = await openWithAccounts();
  const discarded = await ledger.batch();
  discarded.add(pay("never"));
  discarded.discard();
  discarded.discard();
  const empty = await ledger.batch();
  expect((await empty.submit()).length).toBe(0);
  expect(ledger.transferCount).toBe(0);
  expect(await ledger.createTransfers([pay("never")])).toEqual([{ result: "ok", sequence: 1 }]);
});

test("a batch that has ended says so", async () => {
  const ledger = await openWithAccounts();
  const submitted = await ledger.batch();
  submitted.add(pay("one"));
  await submitted.submit();
  const discarded = await ledger.batch();
  discarded.discard();
  const misuse = expect.objectContaining({ name: "LedgerError", code: "invalid_argument" });
  for (const batch of [submitted, discarded]) {
    expect(() => batch.add(pay("late"))).toThrow(misuse);
    expect(() => batch.addPlain("late", "bank", "shop", 1n)).toThrow(misuse);
    await expect(async () => batch.submit()).rejects.toEqual(misuse);
    batch.discard();
  }
  const wrong = await ledger.batch();
  expect(() => wrong.add({ ...pay("x"), amount: 1 } as unknown as NewTransfer)).toThrow(misuse);
  const plain = ["x", "bank", "shop", 1n] as const;
  for (const [at, value] of [
    [0, 7],
    [0, undefined],
    [1, null],
    [2, {}],
    [3, 1],
    [3, "1"],
    [3, true],
  ] as const) {
    expect(() => wrong.addPlain(...(plain.with(at, value as never) as never as typeof plain))).toThrow(misuse);
  }
  expect(wrong.length).toBe(0);
  wrong.discard();
});

test("a fourth batch waits until one of three ends, and calls go on meanwhile", async () => {
  const ledger = await openWithAccounts();
  const three = [await ledger.batch(), await ledger.batch(), await ledger.batch()];
  let begun = false;
  const fourth = ledger.batch().then((batch) => {
    begun = true;
    return batch;
  });
  expect(names(await ledger.createTransfers([pay("meanwhile")]))).toEqual(["ok"]);
  expect(begun).toBe(false);
  three[1]!.discard();
  (await fourth).discard();
  three[0]!.add(pay("first"));
  three[2]!.add(pay("last"));
  // Batches execute in the order they are submitted, not begun.
  const [last, first] = await Promise.all([three[2]!.submit(), three[0]!.submit()]);
  expect([last.sequence(0), first.sequence(0)]).toEqual([2, 3]);
});

// --- settlements ---------------------------------------------------------------------------------------------------

test.each([{ mode: "event-loop" as const }, { mode: "parallel" as const, workers: 2 }])(
  "a settlement takes single transfers and arrays, and delivers results in order (%o)",
  async (options) => {
    const ledger = await openWithAccounts(options);
    const count = 50_000;
    async function* source(): AsyncGenerator<NewTransfer | NewTransfer[]> {
      let i = 0;
      while (i < count) {
        const size = i % 3 === 0 ? 1 : Math.min(count - i, 1 + ((i * 31) % 5000));
        const some = Array.from({ length: size }, (_, k) => pay(`t${(i + k) % 49_990}`));
        i += size;
        if (size === 1) yield some[0]!;
        else yield some;
        if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const delivered: string[] = [];
    const firsts: number[] = [];
    const progress: number[] = [];
    let delivering = false;
    const summary = await ledger.settle(source(), {
      onResults: async (results, firstIndex) => {
        expect(delivering).toBe(false);
        delivering = true;
        await new Promise((resolve) => setTimeout(resolve, 2));
        firsts.push(firstIndex);
        expect(firstIndex).toBe(delivered.length);
        for (let i = 0; i < results.length; i++) delivered.push(`${results.result(i)} ${results.sequence(i)}`);
        delivering = false;
      },
      onProgress: ({ transfers, milliseconds }) => {
        expect(milliseconds).toBeGreaterThanOrEqual(0);
        progress.push(transfers);
      },
    });
    expect(summary.transfers).toBe(count);
    expect(summary.results).toEqual({ ok: 49_990, exists: 10 });
    expect(summary.durationMs).toBeGreaterThan(0);
    expect(delivered).toEqual(
      Array.from({ length: count }, (_, i) => (i < 49_990 ? `ok ${i + 1}` : `exists ${i - 49_990 + 1}`)),
    );
    expect(progress.at(-1)).toBe(count);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(firsts[0]).toBe(0);
  },
);

test("a settlement of nothing is over at once", async () => {
  const ledger = await openWithAccounts();
  expect(await ledger.settle([])).toMatchObject({ transfers: 0, results: {} });
  expect(await ledger.settle([[], []])).toMatchObject({ transfers: 0, results: {} });
});

test("an aborted settlement finishes what it took and rejects with the signal's reason", async () => {
  const ledger = await openWithAccounts();
  const controller = new AbortController();
  let taken = 0;
  function* source(): Generator<NewTransfer> {
    for (;;) {
      if (taken === 20_000) controller.abort(new Error("enough"));
      yield pay(`t${taken++}`);
    }
  }
  let delivered = 0;
  const onResults = (results: { length: number }): void => {
    delivered += results.length;
  };
  await expect(ledger.settle(source(), { signal: controller.signal, onResults })).rejects.toThrow("enough");
  // The one that was yielded while the signal was raised is not taken any more.
  expect(taken).toBe(20_001);
  expect(delivered).toBe(20_000);
  expect(ledger.transferCount).toBe(20_000);
  await expect(ledger.settle([pay("x")], { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
  expect(ledger.transferCount).toBe(20_000);
});

test.each(["nothing", "some", "a chain"])(
  "a signal ends a settlement whose source gives no more after %s",
  async (given) => {
    const ledger = await openWithAccounts();
    const controller = new AbortController();
    async function* source(): AsyncGenerator<NewTransfer> {
      if (given !== "nothing") yield* pays(20_000);
      if (given === "a chain") yield { ...pay("leg"), linked: true };
      setTimeout(() => controller.abort(new Error("enough")), 20);
      await new Promise(() => {});
    }
    let delivered = 0;
    const onResults = (results: { length: number }): void => {
      delivered += results.length;
    };
    await expect(ledger.settle(source(), { signal: controller.signal, onResults })).rejects.toThrow("enough");
    expect(delivered).toBe(given === "nothing" ? 0 : 20_000);
    expect(ledger.transferCount).toBe(delivered);
    // Its place is free again.
    await Promise.all([ledger.batch(), ledger.batch(), ledger.batch()]);
  },
);

test("a settlement whose results can't be delivered does not wait for its source", async () => {
  const ledger = await openWithAccounts();
  async function* source(): AsyncGenerator<NewTransfer> {
    yield* pays(BATCH_CAPACITY);
    await new Promise(() => {});
  }
  const onResults = (): void => {
    throw new Error("the reader is broken");
  };
  await expect(ledger.settle(source(), { onResults })).rejects.toThrow("the reader is broken");
});

test("a source that throws ends the settlement with its error, and what came before is settled", async () => {
  const ledger = await openWithAccounts();
  function* source(): Generator<NewTransfer> {
    yield* pays(17_000);
    throw new Error("the source is broken");
  }
  let delivered = 0;
  const settling = ledger.settle(source(), {
    onResults: (results) => {
      delivered += results.length;
    },
  });
  await expect(settling).rejects.toThrow("the source is broken");
  expect(delivered).toBe(17_000);
  expect(ledger.account("shop")?.balance).toBe(17_000n);
});

test("a path that is none is refused", async () => {
  for (const path of [undefined, null, 5, "", new URL("file:///tmp/l.db")]) {
    const opening = openLedger(path as string, { mode: "event-loop" });
    await expect(opening).rejects.toMatchObject({ name: "LedgerError", code: "invalid_argument" });
    await expect(opening).rejects.toThrow(`the path of a file, or ':memory:', not '${String(path)}'`);
  }
});

test("an option that there is not, or that can't be used, is refused before anything is taken or written", async () => {
  const ledger = await openWithAccounts();
  const misuse = { name: "LedgerError", code: "invalid_argument" };
  let isAsked = false;
  function* source(): Generator<NewTransfer> {
    isAsked = true;
    yield pay("one");
  }
  const place = join(temporaryFolder(), "export");
  const wrong: [object | null, string][] = [
    [{ onResult: () => {} }, "'onResult' is not an option of "],
    [{ onProgress: 5 }, "'onProgress' of "],
    [{ signal: "stop" }, "'signal' of "],
    [{ signal: null }, "must be an AbortSignal, not null"],
    [null, "must be an object, not null"],
  ];
  for (const [options, message] of wrong) {
    for (const call of [
      () => ledger.settle(source(), options as never),
      () =>
        ledger.settleFile(
          options === null ? (null as never) : ({ transfers: "no", asset: "USD", ...options } as never),
        ),
      () => ledger.export(place, options as never),
      () => importLedger(place, `${place}.db`, options as never),
    ]) {
      const outcome = call();
      await expect(outcome).rejects.toMatchObject(misuse);
      await expect(outcome).rejects.toThrow(message);
    }
  }
  await expect(ledger.settle(source(), { onResults: [] } as never)).rejects.toMatchObject(misuse);
  await expect(ledger.settleFile({ transfers: "no" } as never)).rejects.toThrow(
    "an asset must be a string, not undefined",
  );
  expect(isAsked).toBe(false);
  expect(existsSync(place)).toBe(false);
  expect(existsSync(`${place}.db`)).toBe(false);
});

test("a transfer of wrong types ends the settlement, the source is closed, and what came before is settled", async () => {
  const ledger = await openWithAccounts();
  let closed = false;
  function* source(): Generator<NewTransfer> {
    try {
      yield pay("one");
      yield pay("two");
      yield { ...pay("three"), amount: 3 } as unknown as NewTransfer;
      yield pay("four");
    } finally {
      closed = true;
    }
  }
  const settling = ledger.settle(source());
  await expect(settling).rejects.toMatchObject({ code: "invalid_argument" });
  await expect(settling).rejects.toThrow("transfer 2");
  expect(closed).toBe(true);
  expect(ledger.transferCount).toBe(2);
});

test("a reader of results that throws ends the settlement soon, and the ledger stays usable", async () => {
  const ledger = await openWithAccounts();
  let taken = 0;
  function* source(): Generator<NewTransfer> {
    for (; taken < 190_000; taken++) yield pay(`t${taken}`);
  }
  const settling = ledger.settle(source(), {
    onResults: () => {
      throw new Error("the reader is broken");
    },
  });
  await expect(settling).rejects.toThrow("the reader is broken");
  expect(taken).toBeLessThan(150_000);
  expect(names(await ledger.createTransfers([pay("after")]))).toEqual(["ok"]);
});

test("a slow reader of results holds the source back, so that memory does not grow with the source", async () => {
  const ledger = await openWithAccounts();
  // Nothing of it is recorded, so that nothing but the reader is slow.
  const refused = Array.from({ length: BATCH_CAPACITY }, (_, i) => pay(`t${i}`, 0n));
  let taken = 0;
  function* source(): Generator<NewTransfer[]> {
    for (; taken < 60; taken++) yield refused;
  }
  let delivered = 0;
  let aheadMax = 0;
  const onResults = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    delivered++;
    aheadMax = Math.max(aheadMax, taken - delivered);
  };
  expect((await ledger.settle(source(), { onResults })).transfers).toBe(60 * BATCH_CAPACITY);
  expect(delivered).toBe(60);
  expect(aheadMax).toBeLessThanOrEqual(40);
});

test("a place for a batch goes to who waited for it, not to who asks while it changes hands", async () => {
  const ledger = await openWithAccounts();
  const open = await Promise.all([ledger.batch(), ledger.batch(), ledger.batch()]);
  const begun: string[] = [];
  const begin = async (name: string) => {
    const batch = await ledger.batch();
    begun.push(name);
    return batch;
  };
  const first = begin("first");
  const second = begin("second");
  open[0].discard();
  // Before the one who waited can run.
  const newcomer = begin("newcomer");
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(begun).toEqual(["first"]);
  open[1].discard();
  open[2].discard();
  expect(await Promise.all([first, second, newcomer])).toHaveLength(3);
  expect(begun).toEqual(["first", "second", "newcomer"]);
  // Three are open, and one context is left for calls.
  expect(names(await ledger.createTransfers([pay("beside")]))).toEqual(["ok"]);
  for (const batch of [first, second, newcomer]) (await batch).discard();
});

test("whoever waits for a batch when the ledger is closed is told so", async () => {
  const ledger = await openWithAccounts();
  await Promise.all([ledger.batch(), ledger.batch(), ledger.batch()]);
  const waiting = expect(ledger.batch()).rejects.toMatchObject({ code: "ledger_closed" });
  await ledger.close();
  await waiting;
});

// --- capacities ----------------------------------------------------------------------------------------------------

test.each([{ mode: "event-loop" as const }, { mode: "parallel" as const, workers: 2 }])(
  "transfers beyond the capacity are refused before any is made, and the ledger stays usable (%o)",
  async (options) => {
    const ledger = await openWithAccounts({ ...options, capacity: { accounts: 10, transfers: 30_000 } });
    const full = expect.objectContaining({ name: "LedgerError", code: "transfers_full" });
    // A call of several batches is refused as a whole: no later batch of it is made without the first.
    await expect(async () => ledger.createTransfers(pays(30_001))).rejects.toEqual(full);
    const together = [ledger.createTransfers(pays(20_000)), ledger.createTransfers(pays(20_000, "u"))];
    const outcomes = await Promise.allSettled(together);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(ledger.transferCount).toBe(20_000);
    expect(ledger.account("shop")?.balance).toBe(20_000n);
    const batch = await ledger.batch();
    for (const transfer of pays(10_001, "v")) batch.add(transfer);
    await expect(async () => batch.submit()).rejects.toEqual(full);
    await expect(ledger.settle(pays(10_001, "w"))).rejects.toEqual(full);
    expect(ledger.transferCount).toBe(20_000);
    // To the last one.
    expect(new Set(names(await ledger.createTransfers(pays(10_000, "x"))))).toEqual(new Set(["ok"]));
    await expect(async () => ledger.createTransfers([pay("one more")])).rejects.toEqual(full);
    expect(ledger.transferCount).toBe(30_000);
    expect(ledger.account("shop")?.balance).toBe(30_000n);
    expect(ledger.digest()).toMatch(/^[0-9a-f]{64}$/);
  },
);

test("a settlement that meets the capacity settles what came before in order, and nothing after", async () => {
  const ledger = await openWithAccounts({ capacity: { accounts: 10, transfers: 40_000 } });
  // The third batch does not fit; the fourth, which is smaller, would.
  const delivered: number[] = [];
  const settling = ledger.settle([pays(3 * BATCH_CAPACITY + 500)], {
    onResults: (results, firstIndex) => void delivered.push(firstIndex, results.length),
  });
  await expect(settling).rejects.toMatchObject({ code: "transfers_full" });
  expect(delivered).toEqual([0, BATCH_CAPACITY, BATCH_CAPACITY, BATCH_CAPACITY]);
  expect(ledger.transferCount).toBe(2 * BATCH_CAPACITY);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ledger.transferCount).toBe(2 * BATCH_CAPACITY);
});

test("a ledger for a single transfer takes one", async () => {
  const ledger = await openWithAccounts({ capacity: { accounts: 2, transfers: 1 } });
  expect(names(await ledger.createTransfers([pay("one")]))).toEqual(["ok"]);
  await expect(async () => ledger.createTransfers([pay("two")])).rejects.toMatchObject({ code: "transfers_full" });
});
