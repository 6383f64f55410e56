/** Banks in shared memory besides their races: misuse, bounds, barriers that fail, runs of arrays. */
import { describe, expect, onTestFinished, test } from "vitest";
import { atomic } from "../../../src/strategies/memory/atomic.js";
import { type MemoryBank, openMemoryBank } from "../../../src/strategies/memory/bank.js";
import type { MemoryStrategy } from "../../../src/strategies/memory/memory-strategy.js";
import { mutex } from "../../../src/strategies/memory/mutex.js";
import { optimistic } from "../../../src/strategies/memory/optimistic.js";
import { partitioned } from "../../../src/strategies/memory/partitioned.js";
import { serial } from "../../../src/strategies/memory/serial.js";
import { MEMORY_STRATEGIES } from "../../../src/strategies/memory/strategies.js";
import { openThreadBank, runThreads, type ThreadBank } from "../../../src/strategies/memory/threads.js";
import type { OpeningAccount } from "../../../src/strategies/strategy.js";
import { barrier } from "../../support/barrier.js";

const ACCOUNTS: readonly OpeningAccount[] = [
  { balance: 100n, limited: true },
  { balance: 0n, limited: true },
  { balance: -5n, limited: false },
];
const LARGEST = 2n ** 62n - 1n;

async function openThreads(strategy: MemoryStrategy, threads = 2, operations = 8): Promise<ThreadBank> {
  const bank = await openThreadBank(strategy, ACCOUNTS, { threads, operations });
  onTestFinished(() => bank.close());
  return bank;
}

const PLACES: readonly [string, (strategy: MemoryStrategy) => Promise<MemoryBank>][] = [
  ["the event loop", async (strategy) => openMemoryBank(strategy, ACCOUNTS)],
  ["worker threads", (strategy) => openThreads(strategy)],
];

describe.each(PLACES)("on %s", (_, open) => {
  test.each(MEMORY_STRATEGIES)("$name: accounts open as asked for, and the opening is no change", async (strategy) => {
    const bank = await open(strategy);
    expect(await bank.accounts()).toEqual(ACCOUNTS.map((account) => ({ ...account, version: 0n })));
    expect(bank.books()).toEqual({ total: 95n, changes: 0n, overspent: 0 });
  });

  test.each(MEMORY_STRATEGIES)("$name: an account can't pay itself, and nothing changes", async (strategy) => {
    const bank = await open(strategy);
    expect((await bank.transfer({ debit: 0, credit: 0, amount: 1n })).result).toBe("accounts_must_be_different");
    expect(bank.books().changes).toBe(0n);
  });

  test.each(MEMORY_STRATEGIES)("$name: an account without a limit pays what it does not have", async (strategy) => {
    const bank = await open(strategy);
    expect((await bank.transfer({ debit: 2, credit: 1, amount: 50n })).result).toBe("ok");
    expect((await bank.accounts()).map(({ balance }) => balance)).toEqual([100n, 50n, -55n]);
  });

  test.each(MEMORY_STRATEGIES)("$name: misuse throws before anything happens", async (strategy) => {
    const bank = await open(strategy);
    for (const transfer of [
      { debit: 0, credit: 3, amount: 1n },
      { debit: -1, credit: 1, amount: 1n },
      { debit: 0.5, credit: 1, amount: 1n },
      { debit: 0, credit: 1, amount: 0n },
      { debit: 0, credit: 1, amount: LARGEST + 1n },
    ]) {
      await expect(bank.transfer(transfer)).rejects.toMatchObject({ code: "invalid_argument" });
    }
    await expect(bank.execute({ kind: "amalgamate", accounts: [0, 1], amount: 0n })).rejects.toThrow("of 3 accounts");
    await expect(bank.execute({ kind: "balance", accounts: [0], amount: 1n })).rejects.toThrow("expected 0, found 1");
    expect(bank.books().changes).toBe(0n);
  });

  test.each(MEMORY_STRATEGIES)("$name: a barrier that fails fails its transfer, and others go on", async (strategy) => {
    const bank = await open(strategy);
    const between = async (): Promise<void> => {
      throw new Error("no barrier");
    };
    await expect(bank.transfer({ debit: 0, credit: 1, amount: 10n }, { between })).rejects.toThrow("no barrier");
    expect((await bank.transfer({ debit: 0, credit: 1, amount: 10n })).result).toBe("ok");
    expect(bank.books()).toMatchObject({ total: 95n, overspent: 0 });
  });

  test.each([atomic, optimistic])("$name counts who was faster", async (strategy) => {
    const bank = await open(strategy);
    const between = barrier(2);
    const attempts = await Promise.all(
      [1, 2].map((credit) => bank.transfer({ debit: 0, credit, amount: 60n }, { between })),
    );
    expect(attempts.map(({ conflicts }) => conflicts).sort()).toEqual([0, 1]);
  });
});

describe("a total of 2^62", () => {
  const rich: readonly OpeningAccount[] = [
    { balance: LARGEST, limited: true },
    { balance: LARGEST, limited: true },
    { balance: -LARGEST, limited: false },
  ];

  test.each(MEMORY_STRATEGIES.filter(({ safe, name }) => safe && name !== "serial" && name !== "partitioned"))(
    "is refused by $name, whose totals are single words",
    async (strategy) => {
      const bank = openMemoryBank(strategy, rich);
      expect((await bank.transfer({ debit: 0, credit: 1, amount: 1n })).result).toBe("overflows_credits_posted");
      expect((await bank.transfer({ debit: 2, credit: 1, amount: 1n })).result).toBe("overflows_debits_posted");
      expect(bank.books()).toEqual({ total: LARGEST, changes: 0n, overspent: 0 });
    },
  );

  test.each([serial, partitioned])("is held by $name, whose totals have 128 bits", async (strategy) => {
    const bank = openMemoryBank(strategy, rich);
    for (let i = 0; i < 4; i++) {
      expect((await bank.transfer({ debit: 2, credit: 1, amount: LARGEST })).result).toBe("ok");
    }
    expect((await bank.accounts())[1]).toEqual({ balance: 5n * LARGEST, version: 4n, limited: true });
  });
});

test("accounts that a bank can't hold are named", () => {
  expect(() => openMemoryBank(serial, [])).toThrow("expected 1 to 1000000 accounts, found 0");
  for (const account of [
    { balance: -1n, limited: true },
    { balance: LARGEST + 1n, limited: false },
  ]) {
    expect(() => openMemoryBank(serial, [...ACCOUNTS, account])).toThrow("account 3: expected an opening balance");
  }
});

test("more transfers at once than there are lanes wait for a free one", async () => {
  const count = 20_000;
  const bank = openMemoryBank(mutex, [
    { balance: BigInt(count), limited: true },
    { balance: 0n, limited: true },
  ]);
  const attempts = await Promise.all(
    Array.from({ length: count }, () => bank.transfer({ debit: 0, credit: 1, amount: 1n })),
  );
  expect(attempts.every(({ result }) => result === "ok")).toBe(true);
  expect((await bank.accounts()).map(({ balance }) => balance)).toEqual([0n, BigInt(count)]);
});

describe("an array of operations", () => {
  const accounts: readonly OpeningAccount[] = [
    { balance: 100n, limited: true },
    { balance: 0n, limited: true },
  ];

  test.each(MEMORY_STRATEGIES)("$name: is run, and its outcomes are told", async (strategy) => {
    const bank = await openThreadBank(strategy, accounts, { threads: 1, operations: 3 });
    onTestFinished(() => bank.close());
    bank.put(0, { kind: "transfer", accounts: [0, 1], amount: 80n });
    bank.put(1, { kind: "transfer", accounts: [0, 1], amount: 80n });
    bank.put(2, { kind: "balance", accounts: [0, 1], amount: 0n });
    expect(await bank.run(3)).toMatchObject({ ok: 2, refused: 1, conflicts: 0, waits: 0 });
    expect([0, 1, 2].map((index) => bank.outcome(index))).toEqual([
      { result: "ok", answer: 0n },
      { result: "exceeds_credits", answer: 0n },
      { result: "ok", answer: 100n },
    ]);
    // The same array from the same start comes to the same.
    bank.reopen(accounts);
    expect(await bank.run(2)).toMatchObject({ ok: 1, refused: 1 });
    expect(await bank.run(0)).toMatchObject({ ok: 0, refused: 0 });
  });

  test.each(MEMORY_STRATEGIES.filter(({ isBatched }) => !isBatched))(
    "run under $name does not take what serial has planned of another operation before",
    async (strategy) => {
      const three: readonly OpeningAccount[] = [...accounts, { balance: 0n, limited: true }];
      const bank = await openThreadBank(strategy, three, { threads: 1, operations: 1 });
      onTestFinished(() => bank.close());
      bank.put(0, { kind: "amalgamate", accounts: [0, 1, 2], amount: 0n });
      await bank.run(1, { strategy: serial });
      bank.reopen(three);
      bank.put(0, { kind: "transfer", accounts: [0, 1], amount: 5n });
      await bank.run(1);
      expect(bank.outcome(0).result).toBe("ok");
      expect((await bank.accounts()).map(({ balance }) => balance)).toEqual([95n, 5n, 0n]);
      expect(bank.books().changes).toBe(2n);
    },
  );

  test("has the length that was asked for", async () => {
    const bank = await openThreads(serial);
    expect(() => bank.put(8, { kind: "transfer", accounts: [0, 1], amount: 1n })).toThrow("capacity of 8");
    await expect(bank.run(9)).rejects.toMatchObject({ code: "index_out_of_range" });
    expect(() => bank.outcome(-1)).toThrow("found -1");
  });

  test("can be run without keeping the bank", async () => {
    const operations = [1n, 2n, 3n].map((amount) => ({ kind: "transfer" as const, accounts: [0, 1], amount }));
    const run = await runThreads(atomic, accounts, operations, 2);
    expect(run).toMatchObject({ ok: 3, refused: 0 });
    expect(run.accounts.map(({ balance }) => balance)).toEqual([94n, 6n]);
    expect(run.durationMs).toBeGreaterThan(0);
  });

  test("is recorded only where operations are executed one after the other", async () => {
    const bank = await openThreads(partitioned);
    await expect(bank.record(1)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

test("serial has one thread, whatever is asked for; no threads at all are misuse", async () => {
  expect((await openThreads(serial, 4)).threads).toBe(1);
  expect((await openThreads(atomic, 3)).threads).toBe(3);
  await expect(openThreadBank(atomic, ACCOUNTS, { threads: 0 })).rejects.toThrow("at least 1 thread, found 0");
});

test("every strategy states its terms", () => {
  for (const { guarantee, cost, whenToUse, whenNot, name } of MEMORY_STRATEGIES) {
    for (const sentence of [guarantee, cost, whenToUse, whenNot]) expect(sentence, name).toMatch(/^[A-Z].{20,}\.$/);
  }
});
