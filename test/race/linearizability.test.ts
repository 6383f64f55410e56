/**
 * Operations on one account are linearizable: recorded on real threads, and found not to be where a race is forced.
 *
 * The checker is tested first, on histories of which it is known what they are.
 */
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { atomic } from "../../src/strategies/memory/atomic.js";
import { openMemoryBank } from "../../src/strategies/memory/bank.js";
import { mutex } from "../../src/strategies/memory/mutex.js";
import type { Operation, OperationOutcome } from "../../src/strategies/memory/operation.js";
import { optimistic } from "../../src/strategies/memory/optimistic.js";
import { serial } from "../../src/strategies/memory/serial.js";
import { openThreadBank } from "../../src/strategies/memory/threads.js";
import { unsafe } from "../../src/strategies/memory/unsafe.js";
import type { OpeningAccount } from "../../src/strategies/strategy.js";
import { barrier } from "../support/barrier.js";
import { RUNS_FACTOR, RUNS_MS_MAX, runsOf } from "../support/ledgers.js";
import { type AccountOperation, accountSpecification, linearize, type Recorded } from "../support/linearizability.js";

const withdraw = (amount: bigint, isRefused = false): AccountOperation => ({ kind: "withdraw", amount, isRefused });
const deposit = (amount: bigint): AccountOperation => ({ kind: "deposit", amount });
const read = (balance: bigint): AccountOperation => ({ kind: "read", balance });

/** A history from its drawing: each operation with when it began and ended. */
function drawn(...rows: readonly [AccountOperation, number, number][]): Recorded<AccountOperation>[] {
  return rows.map(([operation, began, ended]) => ({ operation, began, ended }));
}

const specification = accountSpecification(100n);

describe("the checker finds an order", () => {
  test.each([
    ["of operations one after the other", drawn([withdraw(60n), 0, 1], [read(40n), 2, 3], [deposit(5n), 4, 5])],
    ["of two withdrawals at once of which one is refused", drawn([withdraw(60n), 0, 3], [withdraw(60n, true), 1, 2])],
    ["in which the one that began later took effect earlier", drawn([read(40n), 0, 3], [withdraw(60n), 1, 2])],
    ["in which a read does not see what is still under way", drawn([withdraw(60n), 0, 3], [read(100n), 1, 2])],
    [
      "that is found only after going back",
      drawn([withdraw(60n), 0, 9], [withdraw(50n), 1, 8], [deposit(20n), 2, 7], [read(50n), 3, 4], [read(70n), 5, 6]),
    ],
  ])("%s", (_, history) => {
    const order = linearize(history, specification);
    expect(order).toHaveLength(history.length);
    let state = specification.initial;
    for (const { operation } of order!) {
      const after = specification.apply(state, operation);
      expect(after).toBeDefined();
      state = after!;
    }
  });
});

describe("the checker finds no order", () => {
  test.each([
    ["where two withdrawals at once both succeed", drawn([withdraw(60n), 0, 3], [withdraw(60n), 1, 2])],
    ["where a read sees the past", drawn([withdraw(60n), 0, 1], [read(100n), 2, 3])],
    ["where reads go back in time", drawn([withdraw(60n), 0, 9], [read(40n), 1, 2], [read(100n), 3, 4])],
    ["where an update is lost", drawn([deposit(10n), 0, 3], [deposit(20n), 1, 2], [read(120n), 4, 5])],
    [
      "where what was covered at every moment is refused",
      drawn([withdraw(50n, true), 0, 9], [deposit(100n), 1, 2], [withdraw(150n), 3, 4]),
    ],
    ["where a read sees what was never there", drawn([read(150n), 0, 9], [withdraw(50n), 1, 2], [deposit(50n), 3, 4])],
  ])("%s", (_, history) => {
    expect(linearize(history, specification)).toBeUndefined();
  });
});

test("the checker accepts every history of operations that take effect at a moment of their own", () => {
  const step = fc.record({
    operation: fc.constantFrom("withdraw", "deposit", "read"),
    amount: fc.integer({ min: 1, max: 120 }).map(BigInt),
    early: fc.nat(300),
    late: fc.nat(300),
  });
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
    let balance = 100n;
    const history = steps.map(({ operation, amount, early, late }, index): Recorded<AccountOperation> => {
      // Takes effect at 1,000 times its index, and lasts some while before and after.
      const moment = index * 1000;
      const stamps = { began: moment - early * 10 - (index % 7), ended: moment + late * 10 + (index % 7) + 0.5 };
      const isRefused = operation === "withdraw" && balance < amount;
      if (operation === "withdraw" && !isRefused) balance -= amount;
      if (operation === "deposit") balance += amount;
      if (operation === "read") return { operation: read(balance), ...stamps };
      return { operation: operation === "deposit" ? deposit(amount) : withdraw(amount, isRefused), ...stamps };
    });
    expect(linearize(history, specification)).toHaveLength(history.length);
  });
  fc.assert(property, runsOf(100));
});

/** The account under test, and one that pays and takes without a limit. */
const ACCOUNTS: readonly OpeningAccount[] = [
  { balance: 100n, limited: true },
  { balance: 0n, limited: false },
];

const asOperation = (kind: AccountOperation["kind"], amount: bigint): Operation => {
  if (kind === "read") return { kind: "balance", accounts: [0], amount: 0n };
  return { kind: "transfer", accounts: kind === "withdraw" ? [0, 1] : [1, 0], amount };
};

function asRecorded({ kind, accounts, amount }: Operation, { result, answer }: OperationOutcome): AccountOperation {
  if (kind === "balance") return read(answer);
  return accounts[0] === 0 ? withdraw(amount, result !== "ok") : deposit(amount);
}

/** A list of operations that keeps the balance near zero, so that many withdrawals are refused. */
function randomOperations(count: number, random: (limit: number) => number): Operation[] {
  return Array.from({ length: count }, () => {
    const kind = (["withdraw", "deposit", "read"] as const)[random(3)]!;
    return asOperation(kind, BigInt(1 + random(kind === "withdraw" ? 120 : 80)));
  });
}

const OPERATIONS = 2000;
const ROUNDS = 5 * RUNS_FACTOR;

describe("histories recorded on two threads are linearizable", () => {
  test.each([atomic, optimistic, mutex])(
    "under $name",
    async (strategy) => {
      const bank = await openThreadBank(strategy, ACCOUNTS, { threads: 2, operations: OPERATIONS });
      onTestFinished(() => bank.close());
      let concurrent = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const operations = randomOperations(OPERATIONS, (limit) => Math.floor(Math.random() * limit));
        for (const [index, operation] of operations.entries()) bank.put(index, operation);
        bank.reopen(ACCOUNTS);
        const recorded = await bank.record(OPERATIONS);
        const history = recorded.map((outcome, index) => ({
          operation: asRecorded(operations[index]!, outcome),
          began: outcome.began,
          ended: outcome.ended,
        }));
        concurrent += history.filter(({ began, ended }) => ended > began + 1).length;
        const order = linearize(history, specification);
        if (order === undefined) expect(history, "a history that no order explains").toEqual([]);
      }
      expect(concurrent).toBeGreaterThan(0);
      process.stdout.write(`${strategy.name}: ${concurrent} of ${OPERATIONS * ROUNDS} operations met another\n`);
    },
    RUNS_MS_MAX,
  );
});

describe("two withdrawals forced to read before either writes", () => {
  async function historyOf(strategy: typeof unsafe): Promise<Recorded<AccountOperation>[]> {
    const bank = openMemoryBank(strategy, ACCOUNTS);
    const between = barrier(2);
    let clock = 0;
    return Promise.all(
      [60n, 60n].map(async (amount) => {
        const operation = asOperation("withdraw", amount);
        const began = clock++;
        const outcome = await bank.execute(operation, { between });
        return { operation: asRecorded(operation, outcome), began, ended: clock++ };
      }),
    );
  }

  test("under unsafe are not linearizable", async () => {
    expect(linearize(await historyOf(unsafe), specification)).toBeUndefined();
  });

  test.each([serial, atomic, optimistic, mutex])("under $name are", async (strategy) => {
    expect(linearize(await historyOf(strategy), specification)).toHaveLength(2);
  });
});
