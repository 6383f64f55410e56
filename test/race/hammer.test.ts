/**
 * Real worker threads on few accounts: the books balance, versions add up to the number of changes, nobody is overspent.
 *
 * A third of a second for each strategy; seconds with PARALLEL_LEDGER_LONG=1.
 */
import { expect, onTestFinished, test } from "vitest";
import type { MemoryStrategy } from "../../src/strategies/memory/memory-strategy.js";
import type { Operation } from "../../src/strategies/memory/operation.js";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";
import { openThreadBank, type ThreadBank } from "../../src/strategies/memory/threads.js";
import type { OpeningAccount } from "../../src/strategies/strategy.js";
import { RUNS_FACTOR, RUNS_MS_MAX } from "../support/ledgers.js";

const HAMMER_MS = 150 * RUNS_FACTOR;
const OPERATIONS = 20_000;
const OPENING = 100n;

const SAFE = MEMORY_STRATEGIES.filter(({ safe }) => safe);
const CASES = SAFE.flatMap((strategy) => [2, 10].map((count) => [strategy.name, count, strategy] as const));

function openingOf(count: number): OpeningAccount[] {
  return Array.from({ length: count }, () => ({ balance: OPENING, limited: true }));
}

/** Threads beyond the cores let the system stop one in the middle of anything. */
async function openHammered(strategy: MemoryStrategy, count: number, threads: number): Promise<ThreadBank> {
  const bank = await openThreadBank(strategy, openingOf(count), { threads, operations: OPERATIONS });
  onTestFinished(() => bank.close());
  return bank;
}

function fill(bank: ThreadBank, operationOf: (index: number) => Operation): void {
  for (let index = 0; index < OPERATIONS; index++) bank.put(index, operationOf(index));
}

const random = (limit: number): number => Math.floor(Math.random() * limit);

test.each(CASES)("transfers under %s among %i accounts", { timeout: RUNS_MS_MAX }, async (_, count, strategy) => {
  const bank = await openHammered(strategy, count, 3);
  fill(bank, () => {
    const debit = random(count);
    const credit = (debit + 1 + random(count - 1)) % count;
    return { kind: "transfer", accounts: [debit, credit], amount: BigInt(1 + random(150)) };
  });
  let ok = 0;
  let hammeredMs = 0;
  let rounds = 0;
  for (; hammeredMs < HAMMER_MS; rounds++) {
    const run = await bank.run(OPERATIONS);
    expect(run.ok + run.refused).toBe(OPERATIONS);
    ok += run.ok;
    hammeredMs += run.durationMs;
    expect(bank.books()).toEqual({ total: OPENING * BigInt(count), changes: BigInt(2 * ok), overspent: 0 });
  }
  // It was contended: some were refused, and some were not.
  expect(ok).toBeGreaterThan(0);
  expect(ok).toBeLessThan(rounds * OPERATIONS);
});

/** Whoever isolates an operation on two accounts never sees the money that is on its way between them. */
const ISOLATING = SAFE.filter(({ name }) => name !== "atomic");

test.each(ISOLATING)(
  "$name: a sum over two accounts never changes while money moves between them",
  { timeout: RUNS_MS_MAX },
  async (strategy) => {
    const bank = await openHammered(strategy, 2, 3);
    fill(bank, (index) => {
      const accounts = index % 2 === 0 ? [0, 1] : [1, 0];
      if (index % 3 === 0) return { kind: "balance", accounts, amount: 0n };
      return { kind: "transfer", accounts, amount: BigInt(1 + random(60)) };
    });
    for (let hammeredMs = 0; hammeredMs < HAMMER_MS; ) {
      hammeredMs += (await bank.run(OPERATIONS)).durationMs;
      for (let index = 0; index < OPERATIONS; index += 3) {
        if (bank.outcome(index).answer !== 2n * OPENING) expect(bank.outcome(index).answer).toBe(2n * OPENING);
      }
    }
    expect(bank.books()).toMatchObject({ total: 2n * OPENING, overspent: 0 });
  },
);

test("the number of conflicts and waits is told", async () => {
  const optimistic = SAFE.find(({ name }) => name === "optimistic")!;
  const bank = await openHammered(optimistic, 2, 1);
  fill(bank, () => ({ kind: "transfer", accounts: [0, 1], amount: 1n }));
  // One thread meets nobody.
  expect(await bank.run(OPERATIONS)).toMatchObject({ conflicts: 0, waits: 0, ok: Number(OPENING) });
});
