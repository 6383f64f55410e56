/** The charts of a comparison: what is drawn where, in which colours. Each is left out where its cells are. */

import { areSound, type Cell, type Comparison, type Part, perSecond } from "../compare/comparison.js";
import { cellsOf, ratioToBaseline, threadsMax, workloadsOf } from "../compare/findings.js";
import { counted, integer, rate, significant, times } from "../compare/format.js";
import { placeTitle, wayTitle, workloadTitle } from "../compare/words.js";
import { type BarChart, drawBars } from "./bars.js";
import { type Dot, type DotChart, type DotKind, type DotPanel, drawDots } from "./dots.js";
import { drawLines, type Line, type LineChart } from "./lines.js";
import type { Drawing } from "./svg.js";
import type { Theme } from "./theme.js";

/** Drawn for a page that is wide, or for a telephone. */
export type Width = "wide" | "narrow";

export const PIXELS: Readonly<Record<Width, number>> = { wide: 860, narrow: 328 };

export type ChartName = "work" | "coordination" | "accounts" | "smallbank" | "peer-to-peer" | "places";

export interface Chart {
  /** Name of its files and of its place on the page. */
  readonly name: ChartName;
  readonly draw: (theme: Theme, width: Width) => Drawing;
}

/** Every chart that the comparison has cells for. */
export function chartsOf(comparison: Comparison): Chart[] {
  const ratios = (part: Part, workloads: readonly string[]): Chart["draw"] | undefined =>
    workloads.length === 0 ? undefined : (theme, width) => ratioChart(comparison, part, workloads, theme, width);
  const byAccounts = (part: Part, workloads: readonly string[]): Chart["draw"] | undefined =>
    workloads.length < 2 ? undefined : (theme, width) => accountsChart(comparison, part, workloads, theme, width);
  const has = (part: Part): boolean => cellsOf(comparison, part).length > 0;
  const charts: Readonly<Record<ChartName, Chart["draw"] | undefined>> = {
    work: has("work") ? (theme, width) => workChart(comparison, theme, width) : undefined,
    coordination: ratios("coordination", ofOneSize(comparison)),
    accounts: byAccounts(
      "coordination",
      workloadsOf(comparison, "coordination").filter((name) => /^uniform/.test(name)),
    ),
    smallbank: ratios("smallbank", workloadsOf(comparison, "smallbank")),
    "peer-to-peer": byAccounts("peer-to-peer", workloadsOf(comparison, "peer-to-peer")),
    places: has("places") ? (theme, width) => placesChart(comparison, theme, width) : undefined,
  };
  return (Object.keys(charts) as ChartName[]).flatMap((name) => {
    const draw = charts[name];
    return draw === undefined ? [] : [{ name, draw }];
  });
}

/** The workloads of the number of accounts that most contentions were measured with. */
function ofOneSize(comparison: Comparison): string[] {
  const sizes = new Map<number, string[]>();
  for (const workload of workloadsOf(comparison, "coordination")) {
    const { accounts } = cellsOf(comparison, "coordination", workload)[0]!;
    sizes.set(accounts, [...(sizes.get(accounts) ?? []), workload]);
  }
  return [...sizes.values()].reduce((most, workloads) => (workloads.length > most.length ? workloads : most), []);
}

function workChart(comparison: Comparison, theme: Theme, width: Width): Drawing {
  const colours = {
    sequential: theme.baseline,
    "event-loop": theme.concurrent,
    "thread-pool": theme.parallel,
    threads: theme.parallel,
  };
  const panels = workloadsOf(comparison, "work").map((workload) => ({
    title: workloadTitle(workload),
    bars: cellsOf(comparison, "work", workload).map((cell) => {
      const ratio = ratioToBaseline(comparison, cell) ?? 1;
      return { name: wayTitle(cell), value: ratio, label: times(ratio), colour: colours[cell.way] };
    }),
  }));
  const chart: BarChart = {
    panels,
    axisName: "times as fast as one after the other",
    axisLabel: (value) => `${value}×`,
    description: `Speed-up over executing one operation after the other. ${panels
      .map(({ title, bars }) => `${title}: ${bars.map(({ name, label }) => `${name} ${label}`).join(", ")}.`)
      .join(" ")}`,
  };
  return drawBars(chart, theme, { width: PIXELS[width], columns: width === "wide" ? 2 : 1 });
}

/** Kinds of dots that mean the same in every chart. */
function kindsOf(theme: Theme, threads: number): { one: DotKind; many: DotKind } {
  return {
    one: { name: "1 worker thread", colour: theme.parallel, symbol: "circle", isHollow: true },
    many: { name: counted(threads, "worker thread"), colour: theme.parallel, symbol: "circle", isHollow: false },
  };
}

/**
 * Each strategy's throughput as a multiple of one thread without coordination, a panel for each workload. What takes
 * turns on the event loop is two orders of magnitude below and stands in the table.
 */
function ratioChart(
  comparison: Comparison,
  part: Part,
  workloads: readonly string[],
  theme: Theme,
  width: Width,
): Drawing {
  const threads = threadsMax(comparison, part);
  const { one, many } = kindsOf(theme, threads);
  const panels = workloads.map((workload): DotPanel => {
    const cells = cellsOf(comparison, part, workload).filter(({ way }) => way === "threads");
    const strategies = [...new Set(cells.map(({ strategy }) => strategy))];
    const dots = strategies.flatMap((strategy, row): Dot[] => {
      const ratioOf = (count: number): number | undefined => {
        const cell = cells.find((candidate) => candidate.strategy === strategy && candidate.threads === count);
        return cell && ratioToBaseline(comparison, cell);
      };
      const alone = ratioOf(1);
      const together = threads === 1 ? undefined : ratioOf(threads);
      return [
        ...(alone === undefined
          ? []
          : [{ row, kind: one, value: alone, ...labelOf(together === undefined, alone, 0) }]),
        ...(together === undefined
          ? []
          : [{ row, kind: many, value: together, ...labelOf(true, together, alone ?? 0) }]),
      ];
    });
    return { title: workloadTitle(workload), rows: rowsOf(cells, strategies), dots };
  });
  const chart: DotChart = {
    panels,
    kinds: threads === 1 ? [one] : [one, many],
    axisName: "throughput, as a multiple of serial",
    axisLabel: multiple,
    base: 2,
    reference: { value: 1, name: "serial" },
    joined: [one, many],
    description: `Throughput of each strategy as a multiple of one thread without coordination. ${panels
      .map(({ title, rows, dots }) => `${title}: ${describe(rows, dots, times)}.`)
      .join(" ")}`,
  };
  return drawDots(chart, theme, { width: PIXELS[width], columns: width === "wide" && panels.length > 1 ? 2 : 1 });
}

/** A dot's label, on the side where the dot that it is joined to is not. */
function labelOf(isLabelled: boolean, value: number, other: number): Pick<Dot, "label" | "labelSide"> {
  return isLabelled ? { label: times(value), labelSide: value < other ? "left" : "right" } : {};
}

/** A power of two on an axis: `1/4×`, `4×`. */
function multiple(value: number): string {
  return value < 1 ? `1/${Math.round(1 / value)}×` : `${Math.round(value)}×`;
}

function rowsOf(cells: readonly Cell[], strategies: readonly string[]): { name: string; isWrong: boolean }[] {
  return strategies.map((name) => ({
    name,
    isWrong: cells.some((cell) => cell.strategy === name && !areSound(cell)),
  }));
}

function describe(
  rows: readonly { name: string; isWrong: boolean }[],
  dots: readonly Dot[],
  format: (value: number) => string,
): string {
  return rows
    .map(({ name, isWrong }, row) => {
      const figures = dots.filter((dot) => dot.row === row).map(({ kind, value }) => `${kind.name} ${format(value)}`);
      return `${name}${isWrong ? " (books wrong)" : ""} ${figures.join(", ")}`;
    })
    .join("; ");
}

/** Each strategy's throughput on the most threads as a multiple of serial, by number of accounts. */
function accountsChart(
  comparison: Comparison,
  part: Part,
  workloads: readonly string[],
  theme: Theme,
  width: Width,
): Drawing {
  const threads = threadsMax(comparison, part);
  const symbols = ["circle", "diamond", "rect", "triangle"] as const;
  let next = 0;
  const measured = cellsOf(comparison, part).filter(
    (cell) => workloads.includes(cell.workload) && cell.way === "threads" && cell.threads === threads,
  );
  const lines = [...new Set(measured.map(({ strategy }) => strategy))].map((strategy): Line => {
    const cells = measured.filter((cell) => cell.strategy === strategy);
    const isWrong = !cells.every(areSound);
    const i = isWrong ? 0 : next++ % symbols.length;
    return {
      name: strategy,
      colour: isWrong ? theme.wrong : theme.series[i]!,
      symbol: symbols[i]!,
      dash: isWrong ? "dotted" : "solid",
      points: cells.map((cell) => [cell.accounts, ratioToBaseline(comparison, cell)!]),
    };
  });
  const yName = `${counted(threads, "worker thread")}, throughput as a multiple of serial`;
  const chart: LineChart = {
    lines,
    xName: "accounts (the fewer, the more contention)",
    xLabel: shortCount,
    yName,
    yLabel: multiple,
    reference: { value: 1, name: "serial" },
    description: `${yName}. ${lines
      .map(({ name, points }) => `${name}: ${points.map(([x, y]) => `${integer(x)} accounts ${times(y)}`).join(", ")}.`)
      .join(" ")}`,
  };
  return drawLines(chart, theme, { width: PIXELS[width], height: width === "wide" ? 360 : 330 });
}

function placesChart(comparison: Comparison, theme: Theme, width: Width): Drawing {
  const workloads = workloadsOf(comparison, "places");
  const kinds = workloads.map(
    (workload, i): DotKind => ({
      name: workloadTitle(workload),
      colour: theme.concurrent,
      symbol: i === 0 ? "circle" : "diamond",
      isHollow: i > 0,
    }),
  );
  const cells = cellsOf(comparison, "places");
  const panels = [...new Set(cells.map(placeTitle))].map((place): DotPanel => {
    const here = cells.filter((cell) => placeTitle(cell) === place);
    const strategies = [...new Set(here.map(({ strategy }) => strategy))];
    const dots = here.map((cell): Dot => {
      const value = perSecond(cell);
      const kind = kinds[workloads.indexOf(cell.workload)]!;
      const row = strategies.indexOf(cell.strategy);
      return { row, kind, value, ...(kind === kinds[0] ? { label: rate(value) } : {}) };
    });
    return { title: place, rows: rowsOf(here, strategies), dots };
  });
  const chart: DotChart = {
    panels,
    kinds,
    axisName: "transfers per second",
    axisLabel: shortCount,
    base: 10,
    joined: [],
    description: `Transfers a second by where the data lives. ${panels
      .map(({ title, rows, dots }) => `${title}: ${describe(rows, dots, rate)}.`)
      .join(" ")}`,
  };
  return drawDots(chart, theme, { width: PIXELS[width], columns: 1 });
}

/** A power of ten on an axis: `10 k`, `1 M`. */
function shortCount(value: number): string {
  if (value >= 1e6) return `${significant(value / 1e6).replace(/\.0+$/, "")} M`;
  if (value >= 1e3) return `${significant(value / 1e3).replace(/\.0+$/, "")} k`;
  return `${value}`;
}
