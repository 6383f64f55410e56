/** Comparisons made up for tests: figures that are easy to check by hand. */
import {
  type Cell,
  COMPARISON_FORMAT,
  type Comparison,
  type Sample,
  type WorkloadNote,
} from "../../src/compare/comparison.js";
import type { Strategy } from "../../src/strategies/strategy.js";

/** A name that would run code on a page that does not escape it. */
export const HOSTILE = `<img src=x onerror=alert(1)>"'&</text></script>`;

const OPERATIONS = 1_000;

/** A repetition of 1,000 operations at so many a second. */
export function sample(perSecond: number, wrong: Partial<Sample> = {}): Sample {
  return {
    durationMs: (OPERATIONS * 1000) / perSecond,
    ok: OPERATIONS,
    refused: 0,
    conflicts: 0,
    appeared: 0,
    overdrawn: 0,
    overdrawnBy: 0,
    versions: 2 * OPERATIONS,
    changes: 2 * OPERATIONS,
    ...wrong,
  };
}

/** A cell of the coordination part, unless said otherwise, with one repetition at so many operations a second. */
export function cell(perSecond: number, fields: Partial<Cell> = {}): Cell {
  return {
    part: "coordination",
    strategy: "atomic",
    place: "memory",
    way: "threads",
    threads: 1,
    concurrency: 1,
    workload: "uniform, 100 accounts",
    accounts: 100,
    operations: OPERATIONS,
    samples: [sample(perSecond)],
    ...fields,
  };
}

export function strategy(name: string, fields: Partial<Strategy> = {}): Strategy {
  return {
    name,
    place: "memory",
    safe: true,
    guarantee: `what ${name} promises`,
    cost: `what ${name} costs`,
    whenToUse: `when to use ${name}`,
    whenNot: `when not to use ${name}`,
    ...fields,
  };
}

export function comparison(cells: readonly Cell[], fields: Partial<Comparison> = {}): Comparison {
  const workloads = [...new Set(cells.map(({ workload }) => workload))].map((name): WorkloadNote => {
    const { accounts } = cells.find(({ workload }) => workload === name)!;
    return { name, accounts, description: `what ${name} is`, busiest: "account-7", share: 0.25 };
  });
  return {
    format: COMPARISON_FORMAT,
    date: "2026-01-02T03:04:05.678Z",
    command: "parallel-ledger compare --quick",
    quick: true,
    seed: 1,
    durationMs: 60_000,
    machine: { cpu: "a processor", cores: 2, memoryGiB: 8, node: "v20.0.0", platform: "linux x64" },
    servers: { PostgreSQL: "18.4" },
    strategies: [
      ...["serial", "atomic", "optimistic", "mutex", "partitioned"].map((name) => strategy(name)),
      strategy("unsafe", { safe: false }),
      strategy("atomic", { place: "postgres" }),
      strategy("redis-lock", { place: "postgres" }),
    ],
    workloads,
    cells,
    skipped: [],
    ...fields,
  };
}

/** What `unsafe` leaves behind. */
export const WRONG: Partial<Sample> = { appeared: -40, overdrawn: 1, overdrawnBy: 20, versions: 1_900 };

/** A comparison with cells for every part and every chart. */
export function wholeComparison(fields: Partial<Comparison> = {}): Comparison {
  const serial = { strategy: "serial", way: "sequential" } as const;
  const unsafe = { strategy: "unsafe", threads: 2, samples: [sample(900, WRONG)] };
  const inMemory = (part: Cell["part"], workload: string, accounts: number): Cell[] => [
    cell(1_000, { ...serial, part, workload, accounts }),
    cell(400, { part, workload, accounts }),
    cell(600, { part, workload, accounts, threads: 2 }),
    cell(900, { ...unsafe, part, workload, accounts }),
  ];
  const cells = [
    cell(100, { part: "work", workload: "cpu-bound", way: "sequential" }),
    cell(98, { part: "work", workload: "cpu-bound", way: "event-loop", concurrency: 10 }),
    cell(190, { part: "work", workload: "cpu-bound", threads: 2 }),
    cell(10, { part: "work", workload: "io-bound", way: "sequential", place: "postgres" }),
    cell(50, { part: "work", workload: "io-bound", way: "event-loop", place: "postgres", concurrency: 10 }),
    cell(20, { part: "work", workload: "io-bound", threads: 2, place: "postgres" }),
    ...[100, 10_000].flatMap((accounts) => inMemory("coordination", `uniform, ${accounts} accounts`, accounts)),
    cell(30, { way: "event-loop", concurrency: 10 }),
    ...inMemory("smallbank", "smallbank, 100 customers", 201),
    ...[2, 10].flatMap((accounts) => inMemory("peer-to-peer", `peer-to-peer, ${accounts} accounts`, accounts)),
    ...["uniform, 50 accounts", "hot-scarce, 50 accounts"].flatMap((workload) => [
      cell(500_000, { part: "places", workload, way: "event-loop" }),
      cell(2_000, { part: "places", workload, way: "event-loop", place: "postgres" }),
      cell(500, { part: "places", workload, way: "event-loop", place: "postgres", strategy: "redis-lock" }),
    ]),
  ];
  return comparison(cells, fields);
}
