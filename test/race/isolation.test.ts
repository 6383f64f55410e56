/**
 * Whoever isolates operations on several accounts never sees the money that is on its way between two of them: hammered
 * by real threads, more of them than there are cores, a sum over both accounts stays what it was.
 */
import { expect, onTestFinished, test } from "vitest";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";
import { openThreadBank } from "../../src/strategies/memory/threads.js";
import { randomNumbers } from "../support/arbitraries.js";
import { RUNS_FACTOR, RUNS_MS_MAX } from "../support/ledgers.js";

const OPERATIONS = 20_000;
const HAMMERING_MS = 150 * RUNS_FACTOR;
const SUM = 200n;

const ISOLATING = MEMORY_STRATEGIES.filter(({ safe, name }) => safe && name !== "atomic");

test.each(ISOLATING)("under $name a sum never changes", { timeout: RUNS_MS_MAX }, async (strategy) => {
  const accounts = [SUM / 2n, SUM / 2n].map((balance) => ({ balance, limited: true }));
  const bank = await openThreadBank(strategy, accounts, { threads: 3, operations: OPERATIONS });
  onTestFinished(() => bank.close());
  const random = randomNumbers(1);
  for (let index = 0; index < OPERATIONS; index++) {
    const named = index % 2 === 0 ? [0, 1] : [1, 0];
    if (index % 3 === 0) bank.put(index, { kind: "balance", accounts: named, amount: 0n });
    else bank.put(index, { kind: "transfer", accounts: named, amount: BigInt(1 + random(60)) });
  }
  for (let hammeredMs = 0; hammeredMs < HAMMERING_MS; ) {
    hammeredMs += (await bank.run(OPERATIONS)).durationMs;
    const sums = new Set<bigint>();
    for (let index = 0; index < OPERATIONS; index += 3) sums.add(bank.outcome(index).answer);
    expect([...sums]).toEqual([SUM]);
  }
  expect(bank.books()).toMatchObject({ total: SUM, overspent: 0 });
});
