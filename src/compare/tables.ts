/** The tables of a comparison, as text for the command line and as rows for the report. */
import {
  areSound,
  type Cell,
  type Comparison,
  conflictsPerOperation,
  isSafe,
  type Part,
  perSecond,
  refusedShare,
} from "./comparison.js";
import { cellsOf, costOf, ratioToBaseline, strategiesOf, threadsMax, workloadsOf } from "./findings.js";
import { counted, integer, percent, rate, significant, times } from "./format.js";
import { placeTitle, wayTitle, workloadColumn, workloadTitle } from "./words.js";

/** A table of finished text. */
export interface TableData {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of figures. */
  readonly figures: readonly number[];
}

/** Every table of a part that the comparison has cells for. */
export function tablesOf(comparison: Comparison, part: Part): TableData[] {
  if (cellsOf(comparison, part).length === 0) return [];
  switch (part) {
    case "work":
      return [workTable(comparison)];
    case "coordination":
    case "peer-to-peer":
      return [
        pivot(comparison, part, "Throughput: operations per second", (cell) => rate(perSecond(cell))),
        pivot(comparison, part, "As a multiple of serial", (cell) => multiple(comparison, cell)),
        pivot(comparison, part, "Conflicts per operation: how often one began again", (cell) =>
          significant(conflictsPerOperation(cell)),
        ),
        costTable(comparison, part),
      ];
    case "smallbank":
      return [mixTable(comparison)];
    case "places":
      return [placesTable(comparison)];
  }
}

function multiple(comparison: Comparison, cell: Cell): string {
  const ratio = ratioToBaseline(comparison, cell);
  return ratio === undefined ? "–" : times(ratio);
}

/** What a cell's books say: `sound`, or what is wrong with them. */
export function booksText(cell: Cell): string {
  if (areSound(cell)) return "sound";
  const wrong: string[] = [];
  const appeared = cell.samples.reduce((sum, sample) => sum + Math.max(0, sample.appeared), 0);
  const vanished = cell.samples.reduce((sum, sample) => sum + Math.max(0, -sample.appeared), 0);
  const overdrawn = cell.samples.reduce((sum, sample) => sum + sample.overdrawn, 0);
  const uncounted = cell.samples.reduce((sum, { versions, changes }) => sum + Math.abs(changes - versions), 0);
  const unfinished = cell.samples.reduce((sum, { ok, refused }) => sum + cell.operations - ok - refused, 0);
  if (appeared > 0) wrong.push(`${integer(appeared)} appeared`);
  if (vanished > 0) wrong.push(`${integer(vanished)} vanished`);
  if (overdrawn > 0) wrong.push(`${counted(overdrawn, "account")} overdrawn`);
  if (uncounted > 0) wrong.push(`${counted(uncounted, "change")} not counted`);
  if (unfinished !== 0) wrong.push(`${counted(unfinished, "operation")} without outcome`);
  return wrong.join(", ");
}

function workTable(comparison: Comparison): TableData {
  return {
    title: "Throughput and speed-up over one operation after the other",
    head: ["work", "executed", "threads", "at once", "operations", "speed-up", "books"],
    rows: cellsOf(comparison, "work").map((cell) => [
      workloadColumn(cell.workload),
      wayTitle(cell),
      integer(cell.threads),
      integer(cell.concurrency),
      rate(perSecond(cell)),
      multiple(comparison, cell),
      booksText(cell),
    ]),
    figures: [2, 3, 4, 5],
  };
}

/** Strategies and threads by workload: one figure of each cell. */
function pivot(comparison: Comparison, part: Part, title: string, figure: (cell: Cell) => string): TableData {
  const workloads = workloadsOf(comparison, part);
  const rows = new Map<string, { readonly head: readonly [string, string]; readonly cells: Map<string, Cell> }>();
  for (const cell of cellsOf(comparison, part)) {
    const head = [cell.strategy, wayTitle(cell)] as const;
    const key = head.join();
    if (!rows.has(key)) rows.set(key, { head, cells: new Map() });
    rows.get(key)!.cells.set(cell.workload, cell);
  }
  return {
    title,
    head: ["strategy", "executed", ...workloads.map(workloadColumn)],
    rows: [...rows.values()].map(({ head, cells }) => [
      ...head,
      ...workloads.map((workload) => {
        const cell = cells.get(workload);
        return cell === undefined ? "" : figure(cell);
      }),
    ]),
    figures: workloads.map((_, i) => i + 2),
  };
}

function costTable(comparison: Comparison, part: Part): TableData {
  const workloads = workloadsOf(comparison, part);
  const threads = threadsMax(comparison, part);
  const strategies = strategiesOf(comparison, part).filter((strategy) =>
    workloads.some((workload) => costOf(comparison, part, strategy, workload) !== undefined),
  );
  return {
    title: `COST: the fewest threads that beat serial, of up to ${threads}`,
    head: ["strategy", ...workloads.map(workloadColumn)],
    rows: strategies.map((strategy) => [
      strategy,
      ...workloads.map((workload) => String(costOf(comparison, part, strategy, workload) ?? "")),
    ]),
    figures: workloads.map((_, i) => i + 1),
  };
}

function mixTable(comparison: Comparison): TableData {
  return {
    title: "SmallBank",
    head: ["strategy", "executed", "operations", "of serial", "conflicts per operation", "refused", "books"],
    rows: cellsOf(comparison, "smallbank").map((cell) => [
      cell.strategy,
      wayTitle(cell),
      rate(perSecond(cell)),
      multiple(comparison, cell),
      significant(conflictsPerOperation(cell)),
      percent(refusedShare(cell)),
      booksText(cell),
    ]),
    figures: [2, 3, 4, 5],
  };
}

function placesTable(comparison: Comparison): TableData {
  return {
    title: "Transfers per second by where the data lives",
    head: ["place", "strategy", "workload", "transfers", "conflicts per transfer", "refused", "books"],
    rows: cellsOf(comparison, "places").map((cell) => [
      placeTitle(cell),
      cell.strategy,
      workloadTitle(cell.workload),
      rate(perSecond(cell)),
      significant(conflictsPerOperation(cell)),
      percent(refusedShare(cell)),
      booksText(cell),
    ]),
    figures: [3, 4, 5],
  };
}

/** Every cell whose books are wrong, and how. */
export function wrongBooksTable(comparison: Comparison): TableData {
  const wrong = comparison.cells.filter((cell) => !areSound(cell));
  return {
    title: "Books that are wrong",
    head: ["strategy", "place", "executed", "workload", "promises", "found"],
    rows: wrong.map((cell) => [
      cell.strategy,
      placeTitle(cell),
      wayTitle(cell),
      workloadTitle(cell.workload),
      isSafe(comparison, cell) ? "sound books" : "nothing",
      booksText(cell),
    ]),
    figures: [],
  };
}
