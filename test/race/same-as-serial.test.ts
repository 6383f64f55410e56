/**
 * What must not depend on how operations are executed: one after the other, every strategy does what the model says;
 * and `partitioned` gives the results of `serial` for any number of threads, batches and contended accounts.
 */
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { openMemoryBank } from "../../src/strategies/memory/bank.js";
import type { Operation, OperationOutcome } from "../../src/strategies/memory/operation.js";
import { partitioned } from "../../src/strategies/memory/partitioned.js";
import { serial } from "../../src/strategies/memory/serial.js";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";
import { openThreadBank, type ThreadBank } from "../../src/strategies/memory/threads.js";
import type { BankAccount, OpeningAccount } from "../../src/strategies/strategy.js";
import { BankModel } from "../support/bank-model.js";
import { RUNS_MS_MAX, runsOf } from "../support/ledgers.js";

const KINDS_OF_TRANSFER = ["transfer", "send_payment", "deposit", "transact_savings"] as const;
const KINDS_THAT_DEPEND = ["balance", "write_check", "amalgamate"] as const;

/** A small generator of numbers below a limit, seeded. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** Operations on `accounts` accounts, of which the percentage given depends on what it reads. */
function workloadOf(seed: number, count: number, accounts: number, dependentPercent: number): Operation[] {
  const random = randomOf(seed);
  return Array.from({ length: count }, () => {
    const isDependent = random(100) < dependentPercent;
    const kinds = isDependent ? KINDS_THAT_DEPEND : KINDS_OF_TRANSFER;
    const kind = kinds[random(kinds.length)]!;
    const first = random(accounts);
    // Now and then an operation names an account twice.
    const second = random(50) === 0 ? first : (first + 1 + random(accounts - 1)) % accounts;
    const third = [0, 1, 2].map((i) => (second + 1 + i) % accounts).find((i) => i !== first && i !== second)!;
    const named = kind === "write_check" || kind === "amalgamate" ? [first, second, third] : [first, second];
    const amount = BigInt(1 + random(60)) * (kind === "transact_savings" && random(2) === 0 ? -1n : 1n);
    return { kind, accounts: named, amount: kind === "balance" || kind === "amalgamate" ? 0n : amount };
  });
}

/** Accounts of which most are limited and have little, so that many debits are refused. */
function accountsOf(seed: number, count: number): OpeningAccount[] {
  const random = randomOf(seed);
  return Array.from({ length: count }, () => ({ balance: BigInt(random(200)), limited: random(10) !== 0 }));
}

interface Results {
  readonly outcomes: readonly OperationOutcome[];
  readonly accounts: readonly BankAccount[];
}

function expectSame(found: Results, expected: Results, what: string): void {
  const differs = ({ result, answer }: OperationOutcome, index: number): boolean =>
    result !== expected.outcomes[index]!.result || answer !== expected.outcomes[index]!.answer;
  const first = found.outcomes.findIndex(differs);
  // The first difference, because printing thousands of outcomes helps nobody.
  if (first >= 0) expect({ first, ...found.outcomes[first] }, what).toEqual(expected.outcomes[first]);
  expect(found.accounts, what).toEqual(expected.accounts);
}

const seed = fc.noShrink(fc.nat());

test.each(MEMORY_STRATEGIES)(
  "one after the other, $name does what the model says",
  async (strategy) => {
    const property = fc.asyncProperty(seed, fc.integer({ min: 4, max: 8 }), async (from, count) => {
      const accounts = accountsOf(from, count);
      const operations = workloadOf(from + 1, 60, count, 40);
      const model = new BankModel(accounts);
      const expected = { outcomes: operations.map((one) => model.execute(one)), accounts: model.accounts() };
      const bank = openMemoryBank(strategy, accounts);
      const outcomes: OperationOutcome[] = [];
      for (const operation of operations) outcomes.push(await bank.execute(operation));
      expectSame({ outcomes, accounts: await bank.accounts() }, expected as Results, strategy.name);
    });
    await fc.assert(property, runsOf(5));
  },
  RUNS_MS_MAX,
);

test(
  "operations asked for at once are a batch: partitioned executes it as if in the order of asking",
  async () => {
    const property = fc.asyncProperty(seed, fc.constantFrom(0, 5, 50), async (from, dependentPercent) => {
      const accounts = accountsOf(from, 50);
      const model = new BankModel(accounts);
      const bank = openMemoryBank(partitioned, accounts);
      for (let batch = 0; batch < 3; batch++) {
        const operations = workloadOf(from + batch, 2500, 50, dependentPercent);
        const outcomes = await Promise.all(operations.map((operation) => bank.execute(operation)));
        const expected = { outcomes: operations.map((one) => model.execute(one)), accounts: model.accounts() };
        expectSame({ outcomes, accounts: await bank.accounts() }, expected as Results, `batch ${batch}`);
      }
    });
    await fc.assert(property, runsOf(1));
  },
  RUNS_MS_MAX,
);

/** Longer than several batches, and enough for a serial plan to come and go. */
const LONG = 320_000;

async function runArray(bank: ThreadBank, operations: readonly Operation[]): Promise<Results> {
  for (const [index, operation] of operations.entries()) bank.put(index, operation);
  const run = await bank.run(operations.length);
  const outcomes = operations.map((_, index) => bank.outcome(index));
  const ok = outcomes.filter(({ result }) => result === "ok").length;
  expect({ ok: run.ok, refused: run.refused }).toEqual({ ok, refused: operations.length - ok });
  return { outcomes, accounts: await bank.accounts() };
}

test.each([
  ["uncontended transfers", 100_000, 0],
  ["contended transfers", 40, 0],
  ["few operations that depend on what they read", 20_000, 1],
  ["many operations that depend on what they read", 1000, 40],
])("arrays of %s: partitioned ends as serial does, on one, two and three threads", async (_, count, dependent) => {
  const from = Math.floor(Math.random() * 2 ** 31);
  const accounts = accountsOf(from, count);
  const operations = workloadOf(from + 1, LONG, count, dependent);
  const baseline = await openThreadBank(serial, accounts, { threads: 1, operations: LONG });
  onTestFinished(() => baseline.close());
  const expected = await runArray(baseline, operations);
  for (const threads of [1, 2, 3]) {
    const bank = await openThreadBank(partitioned, accounts, { threads, operations: LONG });
    onTestFinished(() => bank.close());
    expectSame(await runArray(bank, operations), expected, `${threads} threads, seed ${from}`);
  }
});
