/**
 * The strategies on the event loop under schedules that fast-check finds: before every step of every operation the
 * scheduler decides whose turn it is.
 *
 * Every safe strategy holds the laws under each of them, and `unsafe` loses within 100 runs.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openMemoryBank } from "../../src/strategies/memory/bank.js";
import type { MemoryStrategy } from "../../src/strategies/memory/memory-strategy.js";
import type { Operation } from "../../src/strategies/memory/operation.js";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";
import { unsafe } from "../../src/strategies/memory/unsafe.js";
import type { OpeningAccount } from "../../src/strategies/strategy.js";
import { describeOutcome, type Outcome, serialOutcomes } from "../support/bank-model.js";
import { RUNS_MS_MAX, runsOf } from "../support/ledgers.js";

const ACCOUNTS = 3;
const OPERATIONS_MAX = 4;

interface Workload {
  readonly accounts: readonly OpeningAccount[];
  readonly operations: readonly Operation[];
}

/** Executes all operations at once, the scheduler deciding about every step. */
async function executeScheduled(
  strategy: MemoryStrategy,
  { accounts, operations }: Workload,
  scheduler: fc.Scheduler,
): Promise<Outcome> {
  const turn = (): Promise<void> => scheduler.schedule(Promise.resolve(), "step");
  const bank = openMemoryBank(strategy, accounts, { turn });
  const attempts = await scheduler.waitFor(Promise.all(operations.map((operation) => bank.execute(operation))));
  return {
    attempts: attempts.map(({ result, answer }) => ({ result, answer })),
    accounts: await bank.accounts(),
  };
}

/** The laws: conservation, no overspend, versions that count changes, and results that some order explains. */
function expectLawful({ accounts, operations }: Workload, outcome: Outcome): void {
  const opened = accounts.reduce((sum, { balance }) => sum + balance, 0n);
  expect(
    outcome.accounts.reduce((sum, { balance }) => sum + balance, 0n),
    "money is conserved",
  ).toBe(opened);
  // A check may overdraw: how far, the orders below say.
  if (operations.every(({ kind }) => kind === "transfer")) {
    const overspent = outcome.accounts.filter(({ balance, limited }) => limited && balance < 0n);
    expect(overspent, "nobody is overspent").toEqual([]);
  }
  expect(serialOutcomes(accounts, operations).map(describeOutcome), "some order explains it").toContain(
    describeOutcome(outcome),
  );
}

const amount = fc.integer({ min: 1, max: 100 }).map(BigInt);
const account = fc.record({ balance: fc.integer({ min: 0, max: 150 }).map(BigInt), limited: fc.constant(true) });
const accounts = fc.array(account, { minLength: ACCOUNTS, maxLength: ACCOUNTS });

function arrangementOf(count: number): fc.Arbitrary<number[]> {
  return fc.shuffledSubarray([0, 1, 2], { minLength: count, maxLength: count });
}

const transfer: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constant("transfer" as const),
  accounts: arrangementOf(2),
  amount,
});
const dependent: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant("balance" as const), accounts: arrangementOf(2), amount: fc.constant(0n) }),
  fc.record({ kind: fc.constant("write_check" as const), accounts: arrangementOf(3), amount }),
  fc.record({ kind: fc.constant("amalgamate" as const), accounts: arrangementOf(3), amount: fc.constant(0n) }),
);

function operationsOf(operation: fc.Arbitrary<Operation>): fc.Arbitrary<Operation[]> {
  return fc.array(operation, { minLength: 1, maxLength: OPERATIONS_MAX });
}

async function expectLawfulUnderSchedules(strategy: MemoryStrategy, operation: fc.Arbitrary<Operation>): Promise<void> {
  const workload = fc.record({ accounts, operations: operationsOf(operation) });
  const property = fc.asyncProperty(workload, fc.scheduler(), async (work, scheduler) => {
    expectLawful(work, await executeScheduled(strategy, work, scheduler));
  });
  await fc.assert(property, runsOf(100));
}

const SAFE = MEMORY_STRATEGIES.filter(({ safe }) => safe);

describe.each(SAFE)("$name holds the laws under every schedule", (strategy) => {
  test("of transfers", () => expectLawfulUnderSchedules(strategy, transfer), RUNS_MS_MAX);
});

describe.each(SAFE.filter(({ name }) => name !== "atomic"))("$name holds the laws under every schedule", (strategy) => {
  test(
    "of transfers and operations that depend on several accounts",
    () => expectLawfulUnderSchedules(strategy, fc.oneof(transfer, dependent)),
    RUNS_MS_MAX,
  );
});

/** What customers of one account do; each has the other side of the transfer to themselves. */
const movement = fc.noBias(fc.record({ kind: fc.constantFrom("withdraw", "deposit"), amount }));

/** A scheduler takes nothing from the stream of random numbers that it is made from: two in a row would be the same. */
const differentScheduler = fc.tuple(fc.nat(), fc.scheduler()).map(([, scheduler]) => scheduler);

/** Schedules that each list of movements is tried under, so that a longer list is not kept for want of a bad one. */
const schedules = fc.array(differentScheduler, { minLength: 10, maxLength: 10 });

test("unsafe fails within 100 runs, and the counterexample shrinks to two withdrawals", async () => {
  const movements = fc.array(movement, { minLength: 1, maxLength: OPERATIONS_MAX });
  const property = fc.asyncProperty(movements, fc.noShrink(schedules), async (moves, schedulers) => {
    const others = moves.map((): OpeningAccount => ({ balance: 0n, limited: false }));
    const operations = moves.map((move, index): Operation => {
      const pair = move.kind === "withdraw" ? [0, index + 1] : [index + 1, 0];
      return { kind: "transfer", accounts: pair, amount: move.amount };
    });
    const work = { accounts: [{ balance: 100n, limited: true }, ...others], operations };
    for (const scheduler of schedulers) expectLawful(work, await executeScheduled(unsafe, work, scheduler));
  });
  const details = await fc.check(property, { numRuns: 100 });
  expect(details.failed).toBe(true);
  const [moves] = details.counterexample!;
  expect(moves.map(({ kind }) => kind)).toEqual(["withdraw", "withdraw"]);
});
