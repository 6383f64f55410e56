/**
 * Every interleaving of the protocols' steps for two operations and two accounts each.
 *
 * ACCEPTABLE is what some order of the operations, one after the other, comes to; everything else is FORBIDDEN. A safe
 * strategy reaches nothing forbidden; `unsafe` must reach the forbidden outcomes that are named here.
 */
import { afterAll, describe, expect, test } from "vitest";
import { atomic } from "../../src/strategies/memory/atomic.js";
import type { MemoryStrategy } from "../../src/strategies/memory/memory-strategy.js";
import { mutex } from "../../src/strategies/memory/mutex.js";
import type { Operation } from "../../src/strategies/memory/operation.js";
import { optimistic } from "../../src/strategies/memory/optimistic.js";
import { serial } from "../../src/strategies/memory/serial.js";
import { unsafe } from "../../src/strategies/memory/unsafe.js";
import type { OpeningAccount } from "../../src/strategies/strategy.js";
import { describeOutcome, serialOutcomes } from "../support/bank-model.js";
import { type Exploration, explore, type Scenario } from "../support/explorer.js";

const limited = (balance: bigint): OpeningAccount => ({ balance, limited: true });
const unlimited = (balance: bigint): OpeningAccount => ({ balance, limited: false });
const transfer = (from: number, to: number, amount: bigint): Operation => ({
  kind: "transfer",
  accounts: [from, to],
  amount,
});

const TRANSFERS: readonly Scenario[] = [
  {
    name: "same direction, enough for one",
    accounts: [limited(100n), limited(0n)],
    operations: [transfer(0, 1, 60n), transfer(0, 1, 60n)],
  },
  {
    name: "same direction, enough for both",
    accounts: [limited(100n), limited(0n)],
    operations: [transfer(0, 1, 60n), transfer(0, 1, 40n)],
  },
  {
    name: "opposite directions, each covered",
    accounts: [limited(100n), limited(100n)],
    operations: [transfer(0, 1, 60n), transfer(1, 0, 70n)],
  },
  {
    name: "opposite directions, one covered by the other only",
    accounts: [limited(100n), limited(0n)],
    operations: [transfer(0, 1, 60n), transfer(1, 0, 50n)],
  },
  {
    name: "shared debit, enough for one",
    accounts: [limited(100n), limited(0n), limited(0n)],
    operations: [transfer(0, 1, 60n), transfer(0, 2, 60n)],
  },
  {
    name: "shared debit, the payer's slot in the middle",
    accounts: [limited(0n), limited(100n), limited(0n)],
    operations: [transfer(1, 2, 60n), transfer(1, 0, 60n)],
  },
  {
    name: "shared credit",
    accounts: [limited(100n), limited(50n), limited(0n)],
    operations: [transfer(0, 2, 60n), transfer(1, 2, 50n)],
  },
  {
    name: "in a row: what one pays the other passes on",
    accounts: [limited(100n), limited(0n), limited(0n)],
    operations: [transfer(0, 1, 60n), transfer(1, 2, 60n)],
  },
];

/** Three operations: what is found out about one account must be right at some moment, while two others change it. */
const THREE: readonly Scenario[] = [
  {
    name: "a payment covered at every moment, while the payer is credited and debited",
    accounts: [limited(60n), limited(60n), limited(0n)],
    operations: [transfer(0, 2, 50n), transfer(1, 0, 60n), transfer(0, 1, 70n)],
  },
  {
    name: "a balance read while money goes out and comes back",
    accounts: [limited(100n), limited(0n)],
    operations: [{ kind: "balance", accounts: [0], amount: 0n }, transfer(0, 1, 50n), transfer(1, 0, 50n)],
  },
];

/** Operations that look at several accounts, for strategies that isolate the whole. */
const DEPENDENT: readonly Scenario[] = [
  {
    name: "a sum read while money moves between its accounts",
    accounts: [limited(100n), limited(50n)],
    operations: [{ kind: "balance", accounts: [0, 1], amount: 0n }, transfer(0, 1, 60n)],
  },
  {
    name: "write skew: a check and a withdrawal from savings, each covered by the sum before the other",
    accounts: [limited(100n), unlimited(0n), unlimited(0n)],
    operations: [
      { kind: "write_check", accounts: [0, 1, 2], amount: 90n },
      { kind: "transact_savings", accounts: [0, 2], amount: -80n },
    ],
  },
  {
    name: "amalgamating accounts while one of them pays",
    accounts: [limited(100n), limited(50n), limited(0n)],
    operations: [{ kind: "amalgamate", accounts: [0, 1, 2], amount: 0n }, transfer(1, 0, 30n)],
  },
];

const lines: string[] = [];

afterAll(() => {
  process.stdout.write(`\n${lines.join("\n")}\n`);
});

function exploreAndReport(strategy: MemoryStrategy, scenario: Scenario): Exploration {
  const exploration = explore(strategy, scenario);
  const { paths, states } = exploration;
  lines.push(
    `${strategy.name.padEnd(10)} ${paths.toLocaleString("en-US").padStart(26)} interleavings, ` +
      `${states.toLocaleString("en-US").padStart(7)} states: ${scenario.name}`,
  );
  expect(paths).toBeGreaterThan(0n);
  return exploration;
}

/** Outcomes that no order of the operations comes to. */
function forbidden({ outcomes }: Exploration, { accounts, operations }: Scenario): string[] {
  const acceptable = new Set(serialOutcomes(accounts, operations).map(describeOutcome));
  return [...outcomes].filter((outcome) => !acceptable.has(outcome));
}

function expectOnlyAcceptable(strategy: MemoryStrategy, scenario: Scenario): void {
  const exploration = exploreAndReport(strategy, scenario);
  expect([...exploration.faults]).toEqual([]);
  expect(forbidden(exploration, scenario)).toEqual([]);
  expect(exploration.outcomes.size).toBeGreaterThan(0);
}

describe.each([serial, atomic, optimistic, mutex])("$name reaches nothing forbidden", (strategy) => {
  test.each([...TRANSFERS, ...THREE])("$name", (scenario) => {
    expectOnlyAcceptable(strategy, scenario);
  });
});

describe("mutex reaches nothing forbidden where it looks at a taken lock again before sleeping", () => {
  test.each(TRANSFERS)("$name", (scenario) => {
    expectOnlyAcceptable(mutex, { ...scenario, name: `${scenario.name}, looking again`, lockSpins: 1 });
  });
});

describe.each([serial, optimistic, mutex])("$name isolates operations on several accounts", (strategy) => {
  test.each(DEPENDENT)("$name", (scenario) => {
    expectOnlyAcceptable(strategy, scenario);
  });
});

describe("unsafe reaches what is forbidden", () => {
  test("both withdrawals pass the check: the account is overspent", () => {
    const scenario = TRANSFERS[4]!;
    const exploration = exploreAndReport(unsafe, scenario);
    expect(forbidden(exploration, scenario)).toContain("ok ok | -20@2 60@1 60@1");
    expect([...exploration.faults]).toEqual(["an account that is overspent: -20"]);
  });

  test("both load before either stores: an update is lost and money appears", () => {
    const scenario = TRANSFERS[1]!;
    const exploration = exploreAndReport(unsafe, scenario);
    // Paid 100 in two withdrawals, and 60 of it are still there.
    expect(forbidden(exploration, scenario)).toContain("ok ok | 60@2 100@2");
    expect(forbidden(exploration, scenario)).toContain("ok ok | 0@2 40@2");
  });

  test("versions that both load before either stores count one change of two", () => {
    const scenario = TRANSFERS[1]!;
    expect(forbidden(exploreAndReport(unsafe, scenario), scenario)).toContain("ok ok | 0@1 100@2");
  });
});

test("atomic shows a reader of two accounts a transfer half made, as its guarantee says", () => {
  const scenario = DEPENDENT[0]!;
  const exploration = exploreAndReport(atomic, scenario);
  expect([...exploration.faults]).toEqual([]);
  // Between the legs 60 are on their way; a reader of the payer before and the payee after counts them twice.
  expect(forbidden(exploration, scenario).sort()).toEqual(["ok(210) ok | 40@1 110@1", "ok(90) ok | 40@1 110@1"]);
});
