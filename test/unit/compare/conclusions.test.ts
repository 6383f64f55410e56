import { describe, expect, it } from "vitest";
import { booksConclusions, conclusionsOf, headline } from "../../../src/compare/conclusions.js";
import { significant } from "../../../src/compare/format.js";
import { tablesOf, wrongBooksTable } from "../../../src/compare/tables.js";
import { cell, comparison, sample, WRONG, wholeComparison } from "../../support/comparison.js";

const SERIAL = cell(1_000, { strategy: "serial", way: "sequential" });

function workWith(concurrent: number, parallel: number): string {
  const work = { part: "work", workload: "cpu-bound" } as const;
  const cells = [
    cell(100, { ...work, way: "sequential" }),
    cell(concurrent, { ...work, way: "event-loop", concurrency: 10 }),
    cell(parallel, { ...work, threads: 2 }),
  ];
  return conclusionsOf(comparison(cells), "work")[0]!;
}

describe("conclusions", () => {
  it("say which of concurrency and parallelism helped, as the figures have it", () => {
    expect(workWith(99, 190)).toContain("concurrency alone made no difference, parallelism helped");
    expect(workWith(300, 105)).toContain("concurrency alone helped, parallelism made no difference");
    expect(workWith(300, 190)).toContain("both helped, concurrency more than parallelism");
    expect(workWith(195, 190)).toContain("both helped.");
    expect(workWith(50, 80)).toContain("both cost time");
    expect(workWith(99, 190)).toContain("0.990×, 2 worker threads to 1.90×");
  });

  it("name the strategies that never beat serial, and only those", () => {
    const strategies = (fast: number): string[] =>
      conclusionsOf(
        comparison([SERIAL, cell(fast, { threads: 2 }), cell(300, { strategy: "mutex", threads: 2 })]),
        "coordination",
      );
    expect(strategies(900)).toContainEqual(expect.stringMatching(/^COST: atomic and mutex never beat serial/));
    expect(strategies(1_100)).toContainEqual(expect.stringMatching(/^COST: mutex never beat serial/));
    expect(strategies(1_100)[0]).toBe(
      "With 2 worker threads, 1 of 2 measurements of safe strategies beat one thread that coordinates nothing: atomic at 1.10×.",
    );
  });

  it("say how often more threads made a strategy slower", () => {
    const cells = [
      SERIAL,
      cell(500),
      cell(250, { threads: 2 }),
      cell(100, { strategy: "mutex" }),
      cell(150, { strategy: "mutex", threads: 2 }),
    ];
    const sentence = conclusionsOf(comparison(cells), "coordination").find((text) =>
      text.startsWith("2 threads instead"),
    );
    expect(sentence).toContain("slower in 1 of 2 cases");
    expect(sentence).toContain("from atomic at 0.500× to mutex at 1.50×");
  });

  it("leave unsafe strategies out of what is best", () => {
    const cells = [SERIAL, cell(500, { threads: 2 }), cell(5_000, { strategy: "unsafe", threads: 2 })];
    expect(conclusionsOf(comparison(cells), "coordination")[0]).toContain("0 of 1 measurement of safe strategies");
  });

  it("compare a lock in Redis with one conditional update", () => {
    const [uniform] = conclusionsOf(wholeComparison(), "places");
    expect(uniform).toBe(
      "Uniform, 50 accounts, the fastest safe strategy in each place: Shared memory 500 k/s (atomic), PostgreSQL 2.00 k/s " +
        "(atomic) and PostgreSQL + Redis lock 500/s (redis-lock). A lock in Redis left 0.250× with redis-lock of what one " +
        "conditional update in PostgreSQL does.",
    );
  });

  it("add up what unsafe strategies lost, and say so where safe ones lost something", () => {
    const unsafe = cell(1, { strategy: "unsafe", samples: [sample(1, WRONG), sample(1, { appeared: 3 })] });
    const [sound, lost] = booksConclusions(comparison([SERIAL, unsafe]));
    expect(sound).toMatch(/^Every one of 1 measurement of safe strategies ended with sound books/);
    expect(lost).toContain(
      "wrong in 1 of 1 measurements: 3 minor units appeared, 40 vanished, accounts were overdrawn 1 time.",
    );
    expect(booksConclusions(comparison([SERIAL, cell(1, { samples: [sample(1, WRONG)] })]))[0]).toContain("WRONG");
  });

  it("say nothing of what was not measured", () => {
    expect(conclusionsOf(comparison([SERIAL]), "places")).toEqual([]);
    expect(headline(comparison([SERIAL]))).toBe("");
  });
});

describe("tables", () => {
  it("have a row for each strategy and way, a column for each workload, and COST", () => {
    const [rates, multiples, conflicts, costs] = tablesOf(wholeComparison(), "coordination");
    expect(rates!.head).toEqual(["strategy", "executed", "Uniform\n100", "Uniform\n10,000"]);
    expect(rates!.rows[0]).toEqual(["serial", "sequential", "1.00 k/s", "1.00 k/s"]);
    expect(multiples!.rows[2]).toEqual(["atomic", "2 worker threads", "0.600×", "0.600×"]);
    expect(conflicts!.rows[2]).toEqual(["atomic", "2 worker threads", "0", "0"]);
    expect(costs!.rows).toEqual([
      ["atomic", "never", "never"],
      ["unsafe", "never", "never"],
    ]);
  });

  it("say of wrong books what is wrong", () => {
    const { rows } = wrongBooksTable(wholeComparison());
    expect(rows[0]).toEqual([
      "unsafe",
      "Shared memory",
      "2 worker threads",
      "Uniform, 100 accounts",
      "nothing",
      "40 vanished, 1 account overdrawn, 100 changes not counted",
    ]);
  });
});

describe("figures", () => {
  it.for([
    [0, "0"],
    [0.00001, "< 0.0001"],
    [0.01234, "0.0123"],
    [0.999, "0.999"],
    [1, "1.00"],
    [12.34, "12.3"],
    [123.4, "123"],
    [12_345, "12,300"],
  ] as const)("%d has three digits: %s", ([value, text]) => {
    expect(significant(value)).toBe(text);
  });
});
