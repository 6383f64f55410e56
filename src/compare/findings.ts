/** What follows from the cells of a comparison: ratios, speed-ups, COST. */
import { type Cell, type Comparison, type Part, perSecond } from "./comparison.js";

/** The strategy that every other one must beat. */
export const BASELINE = "serial";

/** The cells of a part, of one workload if it is given. */
export function cellsOf({ cells }: Comparison, part: Part, workload?: string): Cell[] {
  return cells.filter((cell) => cell.part === part && (workload === undefined || cell.workload === workload));
}

/** The workloads of a part in the order they were measured. */
export function workloadsOf(comparison: Comparison, part: Part): string[] {
  return [...new Set(cellsOf(comparison, part).map(({ workload }) => workload))];
}

/** The strategies of a part in the order they were measured. */
export function strategiesOf(comparison: Comparison, part: Part): string[] {
  return [...new Set(cellsOf(comparison, part).map(({ strategy }) => strategy))];
}

/** The cell that the others of its part and workload are compared with: what runs one operation after the other. */
export function baselineOf(comparison: Comparison, part: Part, workload: string): Cell | undefined {
  return cellsOf(comparison, part, workload).find(({ way }) => way === "sequential");
}

/** How many times as fast as its baseline a cell is. */
export function ratioToBaseline(comparison: Comparison, cell: Cell): number | undefined {
  const baseline = baselineOf(comparison, cell.part, cell.workload);
  return baseline === undefined ? undefined : perSecond(cell) / perSecond(baseline);
}

/** The most threads that a part was measured with. */
export function threadsMax(comparison: Comparison, part: Part): number {
  return Math.max(1, ...cellsOf(comparison, part).map(({ threads }) => threads));
}

/**
 * COST of McSherry, Isard and Murray ("Scalability! But at what COST?", HotOS 2015): the smallest number of threads at
 * which a strategy is faster than one thread without coordination. `never`: not with as many as were measured.
 * Undefined where the strategy was not measured on threads.
 */
export function costOf(
  comparison: Comparison,
  part: Part,
  strategy: string,
  workload: string,
): number | "never" | undefined {
  const cells = cellsOf(comparison, part, workload).filter(
    (cell) => cell.strategy === strategy && cell.way === "threads",
  );
  if (cells.length === 0) return undefined;
  const winning = cells.filter((cell) => ratioToBaseline(comparison, cell)! > 1).map(({ threads }) => threads);
  return winning.length === 0 ? "never" : Math.min(...winning);
}
