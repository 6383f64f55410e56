/** Real worker threads on few accounts, all at once, for a while: afterwards the books must say what happened. */
import { describe, expect, test } from "vitest";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";
import { openThreadBank } from "../../src/strategies/memory/threads.js";
import type { OpeningAccount } from "../../src/strategies/strategy.js";
import { randomNumbers } from "../support/arbitraries.js";

const THREADS = 4;
const OPERATIONS = 50_000;
const HAMMERING_MS = process.env.PARALLEL_LEDGER_LONG === "1" ? 5_000 : 300;
const OPENING = 100n;

function openingAccounts(count: number): OpeningAccount[] {
  return Array.from({ length: count }, () => ({ balance: OPENING, limited: true }));
}

describe.each(MEMORY_STRATEGIES.filter(({ safe }) => safe))(
  "hammered by threads, $name keeps its books",
  (strategy) => {
    test.each([2, 3, 10])("on %i accounts", async (count) => {
      const bank = await openThreadBank(strategy, openingAccounts(count), { threads: THREADS, operations: OPERATIONS });
      const random = randomNumbers(count);
      // Amounts up to the opening balance: about half of what is asked for is not there.
      for (let index = 0; index < OPERATIONS; index++) {
        const payer = random(count);
        const payee = (payer + 1 + random(count - 1)) % count;
        bank.put(index, { kind: "transfer", accounts: [payer, payee], amount: BigInt(1 + random(Number(OPENING))) });
      }
      const end = performance.now() + HAMMERING_MS;
      let changes = 0n;
      let refusals = 0;
      do {
        const { ok, refused } = await bank.run(OPERATIONS);
        expect(ok + refused).toBe(OPERATIONS);
        changes += 2n * BigInt(ok);
        refusals += refused;
        const accounts = await bank.accounts();
        expect(accounts.reduce((sum, { balance }) => sum + balance, 0n)).toBe(OPENING * BigInt(count));
        expect(accounts.filter(({ balance }) => balance < 0n)).toEqual([]);
        expect(accounts.reduce((sum, { version }) => sum + version, 0n)).toBe(changes);
      } while (performance.now() < end);
      expect(changes).toBeGreaterThan(0n);
      expect(refusals).toBeGreaterThan(0);
      await bank.close();
    });
  },
);
