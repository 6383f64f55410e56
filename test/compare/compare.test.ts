/** The whole comparison in small: every part, every strategy, books that are what they must be. */
import { availableParallelism } from "node:os";
import { beforeAll, describe, expect, it } from "vitest";
import { compare, STRATEGIES } from "../../src/compare/compare.js";
import { areSound, brokenCells, type Comparison, isSafe } from "../../src/compare/comparison.js";
import { conclusionsOf, headline } from "../../src/compare/conclusions.js";
import { fullPlan, type Plan, quickPlan, threadCounts } from "../../src/compare/plan.js";
import { tablesOf } from "../../src/compare/tables.js";
import { PARTS } from "../../src/compare/words.js";
import { chartsOf } from "../../src/report/charts.js";
import { reportOf } from "../../src/report/page.js";
import { loadCharts } from "../../src/report/svg.js";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";

const TINY: Plan = {
  repeats: 2,
  transfers: 3_000,
  loopTransfers: 300,
  accounts: [10, 1_000],
  scarceAccounts: 10,
  customers: 20,
  peers: [2, 10],
  signatures: 200,
  durableTransfers: 20,
  lockedTransfers: 10,
  durableAccounts: 20,
  concurrency: 4,
  threads: [1, 2],
};

describe("a tiny comparison", () => {
  const steps: string[] = [];
  let comparison: Comparison;
  beforeAll(async () => {
    comparison = await compare({
      quick: true,
      seed: 7,
      command: "parallel-ledger compare",
      plan: TINY,
      onProgress: (text) => steps.push(text),
    });
    for (const { what, why } of comparison.skipped) console.warn(`SKIPPED: ${what}: ${why}`);
  }, 240_000);

  it("measures every strategy in memory on every number of threads, and serial on one", () => {
    const cells = comparison.cells.filter(({ part }) => part === "coordination");
    const workloads = new Set(cells.map(({ workload }) => workload));
    expect(workloads).toEqual(
      new Set([
        ...["uniform", "zipfian", "hot"].flatMap((name) => [`${name}, 10 accounts`, `${name}, 1000 accounts`]),
        "hot-scarce, 10 accounts",
      ]),
    );
    for (const workload of workloads) {
      for (const strategy of MEMORY_STRATEGIES) {
        const ways = cells
          .filter((cell) => cell.workload === workload && cell.strategy === strategy.name)
          .map(({ way, threads }) => `${way} ${threads}`);
        const expected = strategy.isParallel ? ["threads 1", "threads 2"] : ["sequential 1"];
        expect(ways).toEqual([...expected, "event-loop 1"]);
      }
    }
  });

  it("repeats each as often as planned, with an outcome for every operation", () => {
    for (const { samples, operations, strategy, workload } of comparison.cells) {
      expect(samples.length).toBe(TINY.repeats);
      for (const { ok, refused, durationMs } of samples) {
        expect(ok + refused, `${strategy} ${workload}`).toBe(operations);
        expect(durationMs).toBeGreaterThan(0);
      }
    }
  });

  it("finds the books of every safe strategy sound", () => {
    expect(brokenCells(comparison)).toEqual([]);
    expect(comparison.cells.filter((cell) => isSafe(comparison, cell)).every(areSound)).toBe(true);
  });

  it("lets limits bind: something is refused where money is short, nothing where it is ample", () => {
    const refused = (workload: string): number =>
      comparison.cells
        .filter((cell) => cell.workload === workload && cell.strategy === "serial")
        .reduce((total, { samples }) => total + samples.reduce((sum, sample) => sum + sample.refused, 0), 0);
    expect(refused("zipfian, 10 accounts")).toBeGreaterThan(0);
    expect(refused("peer-to-peer, 2 accounts")).toBe(0);
  });

  it("refuses exactly the forged instructions, in every way of executing them", () => {
    const cells = comparison.cells.filter(({ workload }) => workload === "cpu-bound");
    expect(cells.map(({ way }) => way)).toEqual(["sequential", "event-loop", "thread-pool", "threads"]);
    for (const { samples } of cells) for (const { refused } of samples) expect(refused).toBe(TINY.signatures / 100);
  });

  it("gives partitioned the outcomes of serial, whatever the threads", () => {
    const cells = comparison.cells.filter(({ way, part }) => way !== "event-loop" && part !== "places");
    for (const cell of cells.filter(({ strategy }) => strategy === "partitioned")) {
      const serial = cells.find(({ strategy, workload }) => strategy === "serial" && workload === cell.workload)!;
      expect(new Set(cell.samples.map(({ ok }) => ok)), cell.workload).toEqual(new Set([serial.samples[0]!.ok]));
    }
  });

  it("notes every workload that it has cells of, and every strategy", () => {
    const noted = new Set(comparison.workloads.map(({ name }) => name));
    expect(new Set(comparison.cells.map(({ workload }) => workload))).toEqual(noted);
    expect(comparison.strategies.map(({ name, place }) => `${name} ${place}`)).toEqual(
      STRATEGIES.map(({ name, place }) => `${name} ${place}`),
    );
    if (comparison.skipped.length > 0) return;
    const measured = new Set(comparison.cells.map(({ strategy, place }) => `${strategy} ${place}`));
    expect(measured).toEqual(new Set(STRATEGIES.map(({ name, place }) => `${name} ${place}`)));
  });

  it("says what it is doing", () => {
    expect(steps[0]).toBe("starting servers");
    expect(steps).toContain("hot, 10 accounts: mutex, 2 of 2");
  });

  it("makes tables, sentences, charts and a report", async () => {
    for (const part of PARTS) {
      if (part === "places" && comparison.skipped.length > 0) continue;
      expect(tablesOf(comparison, part).length, part).toBeGreaterThan(0);
      expect(conclusionsOf(comparison, part).length, part).toBeGreaterThan(0);
    }
    expect(headline(comparison)).not.toBe("");
    expect(chartsOf(comparison).map(({ name }) => name)).toEqual([
      "work",
      "coordination",
      "accounts",
      "smallbank",
      "peer-to-peer",
      "places",
    ]);
    expect(reportOf(comparison, await loadCharts())).toContain("</html>");
  });
});

describe("a comparison that is interrupted", () => {
  it("stops before the next repetition and says why", async () => {
    const interrupt = new AbortController();
    const ended = compare({
      quick: true,
      seed: 1,
      command: "",
      plan: { ...TINY, signatures: 100 },
      signal: interrupt.signal,
      onProgress: (text) => {
        if (text.startsWith("verifying")) interrupt.abort(new Error("enough"));
      },
    });
    await expect(ended).rejects.toThrow("enough");
  });
});

describe("plans", () => {
  it("measure 1, 2, 4 … threads, and as many as there are cores", () => {
    expect(threadCounts(1)).toEqual([1]);
    expect(threadCounts(2)).toEqual([1, 2]);
    expect(threadCounts(6)).toEqual([1, 2, 4, 6]);
    expect(threadCounts(8)).toEqual([1, 2, 4, 8]);
    expect(quickPlan(availableParallelism()).threads.at(-1)).toBe(availableParallelism());
  });

  it("cover 100 to 1,000,000 accounts, and Block-STM's grid", () => {
    for (const plan of [quickPlan(2), fullPlan(2)]) {
      expect([plan.accounts[0], plan.accounts.at(-1)]).toEqual([100, 1_000_000]);
      expect(plan.peers).toEqual([2, 10, 100, 1_000, 10_000]);
    }
  });
});
