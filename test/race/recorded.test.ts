/**
 * Histories recorded inside the threads' own loops are linearizable. Operations sleep before each of a protocol's steps
 * in turn, so that every point of it is met by others, on a busy machine as well.
 */
import { describe, expect, onTestFinished, test } from "vitest";
import { atomic } from "../../src/strategies/memory/atomic.js";
import { mutex } from "../../src/strategies/memory/mutex.js";
import type { Operation } from "../../src/strategies/memory/operation.js";
import { optimistic } from "../../src/strategies/memory/optimistic.js";
import { openThreadBank, type RecordedOperation } from "../../src/strategies/memory/threads.js";
import type { OpeningAccount } from "../../src/strategies/strategy.js";
import { randomNumbers } from "../support/arbitraries.js";
import { RUNS_FACTOR, RUNS_MS_MAX } from "../support/ledgers.js";
import { type Event, findLinearization, type Specification } from "../support/linearizability.js";

const OPERATIONS = 1000;
const ROUNDS = 5 * RUNS_FACTOR;
const BALANCE = 100n;
/** The account that is looked at, and one that pays and takes without a limit. */
const ACCOUNTS: readonly OpeningAccount[] = [
  { balance: BALANCE, limited: true },
  { balance: 0n, limited: false },
];

type Outcome = Pick<RecordedOperation, "result" | "answer">;

/** The first account alone. */
const account: Specification<bigint, Operation, Outcome> = {
  initial: BALANCE,
  key: String,
  next(balance, { kind, accounts, amount }, { result, answer }) {
    if (kind === "balance") return answer === balance ? balance : undefined;
    if (accounts[0] !== 0) return balance + amount;
    const expected = balance >= amount ? "ok" : "exceeds_credits";
    if (result !== expected) return undefined;
    return result === "ok" ? balance - amount : balance;
  },
};

/** Operations that keep the balance near zero, so that many withdrawals are refused. */
function operationsOf(seed: number): Operation[] {
  const random = randomNumbers(seed);
  return Array.from({ length: OPERATIONS }, (): Operation => {
    const choice = random(3);
    if (choice === 0) return { kind: "balance", accounts: [0], amount: 0n };
    if (choice === 1) return { kind: "transfer", accounts: [0, 1], amount: BigInt(1 + random(120)) };
    return { kind: "transfer", accounts: [1, 0], amount: BigInt(1 + random(80)) };
  });
}

describe("histories recorded on two threads are linearizable", () => {
  test.each([atomic, optimistic, mutex])("under $name", { timeout: RUNS_MS_MAX }, async (strategy) => {
    const bank = await openThreadBank(strategy, ACCOUNTS, { threads: 2, operations: OPERATIONS });
    onTestFinished(() => bank.close());
    let met = 0;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const operations = operationsOf(seed);
      for (const [index, operation] of operations.entries()) bank.put(index, operation);
      bank.reopen(ACCOUNTS);
      const recorded = await bank.record(OPERATIONS);
      const history = recorded.map(
        ({ result, answer, began, ended }, index): Event<Operation, Outcome> => ({
          operation: operations[index]!,
          result: { result, answer },
          invoked: began,
          responded: ended,
        }),
      );
      met += history.filter(({ invoked, responded }) => responded > invoked + 1).length;
      const isExplained = findLinearization(history, account) !== undefined;
      expect(isExplained, `some order explains the history of seed ${seed}`).toBe(true);
    }
    // Others came in between: what was recorded is concurrency.
    expect(met).toBeGreaterThan(0);
  });
});
