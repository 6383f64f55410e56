import { describe, expect, it } from "vitest";
import {
  AMOUNT_MAX,
  busiestAccount,
  CONTENTIONS,
  type Contention,
  makeWorkload,
  OPENING_BALANCE,
  scatter,
} from "../../../src/compare/workload.js";

const ALL = Object.keys(CONTENTIONS) as Contention[];
const OPTIONS = { accounts: 100, transfers: 5_000, seed: 5 } as const;

describe("a workload", () => {
  it.for(ALL)("%s moves amounts above zero between two different accounts that exist", (contention) => {
    const workload = makeWorkload({ ...OPTIONS, contention });
    const { debits, credits, amounts } = workload;
    expect(debits.every((debit, i) => debit !== credits[i])).toBe(true);
    expect(Math.max(...debits, ...credits)).toBeLessThan(OPTIONS.accounts);
    expect(Math.min(...amounts)).toBe(1);
    expect(Math.max(...amounts)).toBe(AMOUNT_MAX);
  });

  it.for(ALL)("%s is the same from the same seed, and begins a longer one", (contention) => {
    const workload = makeWorkload({ ...OPTIONS, contention });
    expect(makeWorkload({ ...OPTIONS, contention })).toEqual(workload);
    const longer = makeWorkload({ ...OPTIONS, contention, transfers: 2 * OPTIONS.transfers });
    expect(longer.debits.slice(0, OPTIONS.transfers)).toEqual(workload.debits);
    expect(longer.amounts.slice(0, OPTIONS.transfers)).toEqual(workload.amounts);
    expect(makeWorkload({ ...OPTIONS, contention, seed: 6 }).debits).not.toEqual(workload.debits);
  });

  it("has one account in every transfer where it is hot, with money enough for all of them unless it is scarce", () => {
    const hot = makeWorkload({ ...OPTIONS, contention: "hot" });
    const scarce = makeWorkload({ ...OPTIONS, contention: "hot-scarce" });
    expect(busiestAccount(hot).share).toBe(1);
    expect(busiestAccount(scarce)).toEqual(busiestAccount(hot));
    expect(Math.max(...hot.openings)).toBe(OPTIONS.transfers * AMOUNT_MAX);
    expect(new Set(scarce.openings)).toEqual(new Set([OPENING_BALANCE]));
  });

  it("has its busiest account in more transfers where accounts are drawn with Zipf's law", () => {
    const share = (contention: Contention): number => busiestAccount(makeWorkload({ ...OPTIONS, contention })).share;
    expect(share("uniform")).toBeLessThan(0.05);
    expect(share("zipfian")).toBeGreaterThan(0.25);
  });

  it("works on two accounts", () => {
    const { debits, credits } = makeWorkload({ contention: "zipfian", accounts: 2, transfers: 50, seed: 1 });
    expect(debits.every((debit, i) => debit + credits[i]! === 1)).toBe(true);
  });
});

describe("scattering", () => {
  it.for([2, 10, 100, 1_000, 1_000_000])("gives each of %d ranks an account of its own", (accounts) => {
    const seen = new Uint8Array(accounts);
    for (let rank = 0; rank < accounts; rank++) seen[scatter(rank, accounts)] = 1;
    expect(seen.every((one) => one === 1)).toBe(true);
  });
});
