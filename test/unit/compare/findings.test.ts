import { describe, expect, it } from "vitest";
import {
  areSound,
  brokenCells,
  conflictsPerOperation,
  perSecond,
  type Sample,
} from "../../../src/compare/comparison.js";
import { costOf, ratioToBaseline } from "../../../src/compare/findings.js";
import { inTurn, median } from "../../../src/compare/statistics.js";
import { cell, comparison, sample, WRONG } from "../../support/comparison.js";

const SERIAL = cell(1_000, { strategy: "serial", way: "sequential" });

describe("medians", () => {
  it("are the middle value, or between the two in the middle", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 6])).toBe(5.5);
  });

  it("make one odd repetition count for nothing", () => {
    expect(perSecond(cell(0, { samples: [sample(100), sample(1), sample(104)] }))).toBeCloseTo(100);
  });
});

describe("sides in turn", () => {
  it("run once a round, every other round backwards", async () => {
    const order: string[] = [];
    const samples = await inTurn(["a", "b", "c"], 3, async (side, round) => {
      order.push(side);
      return `${side}${round}`;
    });
    expect(order.join("")).toBe("abccbaabc");
    expect(samples.get("b")).toEqual(["b0", "b1", "b2"]);
  });
});

describe("COST", () => {
  const costs = (...threads: [number, number][]): ReturnType<typeof costOf> =>
    costOf(
      comparison([SERIAL, ...threads.map(([count, rate]) => cell(rate, { threads: count }))]),
      "coordination",
      "atomic",
      "uniform, 100 accounts",
    );

  it("is the smallest number of threads that beats serial", () => {
    expect(costs([1, 400], [2, 800], [4, 1_500], [8, 2_500])).toBe(4);
  });

  it("is never where none does, also not one that is exactly as fast", () => {
    expect(costs([1, 400], [2, 1_000])).toBe("never");
  });

  it("is nothing where the strategy was not measured on threads", () => {
    expect(costs()).toBeUndefined();
  });

  it("goes with the ratio to the serial cell of the same workload", () => {
    const other = { workload: "hot, 100 accounts" };
    const both = comparison([SERIAL, cell(500), cell(100, { ...other, way: "sequential" }), cell(500, other)]);
    expect(ratioToBaseline(both, both.cells[1]!)).toBeCloseTo(0.5);
    expect(ratioToBaseline(both, both.cells[3]!)).toBeCloseTo(5);
  });
});

describe("books", () => {
  const WRONGS: [string, Partial<Sample>][] = [
    ["money appeared", { appeared: 1 }],
    ["money vanished", { appeared: -1 }],
    ["an account is overdrawn", { overdrawn: 1, overdrawnBy: 5 }],
    ["a change was not counted", { versions: 1_999 }],
    ["an operation has no outcome", { ok: 999 }],
  ];

  it.for(WRONGS)("are wrong where %s in one of the repetitions", ([, wrong]) => {
    const wrongCell = cell(0, { samples: [sample(1), sample(1, wrong), sample(1)] });
    expect(areSound(wrongCell)).toBe(false);
    expect(brokenCells(comparison([SERIAL, wrongCell]))).toEqual([wrongCell]);
  });

  it("are no failure of a strategy that promises nothing", () => {
    const unsafe = cell(1, { strategy: "unsafe", samples: [sample(1, WRONG)] });
    expect(brokenCells(comparison([SERIAL, unsafe]))).toEqual([]);
  });

  it("are sound where everything adds up", () => {
    expect(areSound(cell(1))).toBe(true);
  });
});

it("conflicts are counted per operation, over all repetitions", () => {
  const conflicted = cell(0, { samples: [sample(1, { conflicts: 500 }), sample(1, { conflicts: 1_500 })] });
  expect(conflictsPerOperation(conflicted)).toBe(1);
});
