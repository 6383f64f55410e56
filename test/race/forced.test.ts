/** Two withdrawals of 60 from an account of 100, forced to read before either writes, under every strategy. */
import { describe, expect, onTestFinished, test } from "vitest";
import { type MemoryBank, openMemoryBank } from "../../src/strategies/memory/bank.js";
import type { MemoryStrategy } from "../../src/strategies/memory/memory-strategy.js";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";
import { openThreadBank } from "../../src/strategies/memory/threads.js";
import type { OpeningAccount } from "../../src/strategies/strategy.js";
import { barrier } from "../support/barrier.js";

const ACCOUNTS: readonly OpeningAccount[] = [
  { balance: 100n, limited: true },
  { balance: 0n, limited: false },
  { balance: 0n, limited: false },
];

const PLACES: readonly [string, (strategy: MemoryStrategy) => Promise<MemoryBank>][] = [
  ["the event loop", async (strategy) => openMemoryBank(strategy, ACCOUNTS)],
  ["worker threads", (strategy) => openThreadBank(strategy, ACCOUNTS, { threads: 2 })],
];

async function withdrawTwice(bank: MemoryBank): Promise<string[]> {
  onTestFinished(() => bank.close());
  const between = barrier(2);
  const attempts = await Promise.all([
    bank.transfer({ debit: 0, credit: 1, amount: 60n }, { between }),
    bank.transfer({ debit: 0, credit: 2, amount: 60n }, { between }),
  ]);
  return attempts.map(({ result }) => result).sort();
}

describe.each(PLACES)("on %s", (_, open) => {
  test.each(MEMORY_STRATEGIES.filter(({ safe }) => safe))("$name ends at 40 with one refused", async (strategy) => {
    const bank = await open(strategy);
    expect(await withdrawTwice(bank)).toEqual(["exceeds_credits", "ok"]);
    expect((await bank.accounts())[0]).toEqual({ balance: 40n, version: 1n, limited: true });
    expect(bank.books()).toEqual({ total: 100n, changes: 2n, overspent: 0 });
  });

  test.each(MEMORY_STRATEGIES.filter(({ safe }) => !safe))("$name pays both and ends at -20", async (strategy) => {
    const bank = await open(strategy);
    expect(await withdrawTwice(bank)).toEqual(["ok", "ok"]);
    const balances = (await bank.accounts()).map(({ balance }) => balance);
    expect(balances).toEqual([-20n, 60n, 60n]);
    expect(bank.books().overspent).toBe(1);
  });
});
