import { describe, expect, it } from "vitest";
import { makeSmallBank, SMALLBANK_MIX, smallBankOperations } from "../../../src/compare/smallbank.js";
import { busiestAccount } from "../../../src/compare/workload.js";

const CUSTOMERS = 1_000;
const OPERATIONS = 20_000;

describe("SmallBank", () => {
  const workload = makeSmallBank(CUSTOMERS, OPERATIONS, 3);
  const operations = [...smallBankOperations(workload)];

  it("has the published mix of its six types", () => {
    expect(SMALLBANK_MIX.reduce((sum, [, percent]) => sum + percent, 0)).toBe(100);
    for (const [kind, percent] of SMALLBANK_MIX) {
      const share = operations.filter((operation) => operation.kind === kind).length / OPERATIONS;
      expect(share, kind).toBeCloseTo(percent / 100, 1);
    }
  });

  it("moves the published amounts", () => {
    const amounts = new Map(operations.map(({ kind, amount }) => [kind, amount]));
    expect(Object.fromEntries(amounts)).toEqual({
      amalgamate: 0n,
      balance: 0n,
      deposit: 130n,
      send_payment: 500n,
      transact_savings: 2_020n,
      write_check: 500n,
    });
  });

  it("names different accounts that exist, each customer's own in their places", () => {
    expect(operations.every(({ accounts }) => new Set(accounts).size === accounts.length)).toBe(true);
    expect(operations.every(({ accounts }) => Math.max(...accounts) < 3 * CUSTOMERS)).toBe(true);
    const placed = operations.map(({ kind, accounts }) => {
      const owns = (account: number): string => `${["savings", "checking", "cash"][account % 3]}`;
      return `${kind}: ${accounts.map(owns).join(" ")}`;
    });
    expect([...new Set(placed)].sort()).toEqual([
      "amalgamate: savings checking checking",
      "balance: savings checking",
      "deposit: checking cash",
      "send_payment: checking checking",
      "transact_savings: savings cash",
      "write_check: savings checking cash",
    ]);
  });

  it("sends a quarter of the operations to a hotspot of 100 customers", () => {
    const hot = operations.filter(({ accounts }) => accounts[0]! < 300).length / OPERATIONS;
    expect(hot).toBeCloseTo(0.25, 1);
    expect(busiestAccount(workload).share).toBeGreaterThan(0.25 / 100);
  });

  it("opens savings and checking with 10,000.00 to 50,000.00, and cash with nothing", () => {
    const opened = (own: number): number[] => Array.from(workload.openings).filter((_, account) => account % 3 === own);
    for (const own of [0, 1]) {
      expect(Math.min(...opened(own))).toBeGreaterThanOrEqual(1_000_000);
      expect(Math.max(...opened(own))).toBeLessThanOrEqual(5_000_000);
    }
    expect(new Set(opened(2))).toEqual(new Set([0]));
  });

  it("is the same from the same seed", () => {
    expect(makeSmallBank(CUSTOMERS, OPERATIONS, 3)).toEqual(workload);
    expect(makeSmallBank(CUSTOMERS, OPERATIONS, 4).kinds).not.toEqual(workload.kinds);
  });
});
