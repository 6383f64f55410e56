/**
 * Panels of dots: one row per strategy, one place on a logarithmic axis per figure. Dots, not bars, because a
 * logarithmic axis has no zero for bars to stand on.
 */
import type { EChartsOption } from "echarts";
import { axisName, LEGEND_HEIGHT, type Legend, legendOf, panelTitle, referenceStyle, textStyle } from "./parts.js";
import type { Drawing } from "./svg.js";
import type { Theme } from "./theme.js";

/** A kind of dot: its shape and its colour mean the same in every panel. */
export interface DotKind {
  readonly name: string;
  readonly colour: string;
  readonly symbol: "circle" | "diamond" | "rect" | "triangle";
  readonly isHollow: boolean;
}

export interface Dot {
  readonly row: number;
  readonly kind: DotKind;
  readonly value: number;
  /** Written beside the dot, to the right unless said otherwise. */
  readonly label?: string;
  readonly labelSide?: "left" | "right";
}

export interface DotRow {
  readonly name: string;
  /** Said by colour, too. */
  readonly isWrong: boolean;
}

export interface DotPanel {
  readonly title: string;
  readonly rows: readonly DotRow[];
  readonly dots: readonly Dot[];
}

export interface DotChart {
  readonly panels: readonly DotPanel[];
  readonly kinds: readonly DotKind[];
  readonly axisName: string;
  readonly axisLabel: (value: number) => string;
  /** The axis has a line at each power of this. */
  readonly base: 2 | 10;
  /** A line that means something, such as "as fast as". */
  readonly reference?: { readonly value: number; readonly name: string };
  /** Kinds that a thin line joins, row by row. */
  readonly joined: readonly DotKind[];
  readonly description: string;
}

export interface Size {
  readonly width: number;
  /** Panels side by side. */
  readonly columns: number;
}

const TITLE_HEIGHT = 26;
/** Room for the name of the line that means something. */
const REFERENCE_HEIGHT = 12;
const ROW_HEIGHT = 28;
const AXIS_HEIGHT = 24;
const AXIS_NAME_HEIGHT = 22;
const PANEL_GAP = 14;
const COLUMN_GAP = 18;
const LABEL_WIDTH = 96;
/** Room to the right of the axis for the last dot's label. */
const RIGHT = 44;

/** Lays the panels out and draws their dots. */
export function drawDots(chart: DotChart, theme: Theme, size: Size): Drawing {
  const legend = legendOf(
    chart.kinds.map(({ name, colour, symbol, isHollow }) => ({ name, colour, symbol, isHollow })),
    theme,
    size.width,
  );
  const boxes = layOut(chart, size, legend);
  const last = boxes.at(-1)!;
  const option: EChartsOption = {
    backgroundColor: "transparent",
    textStyle: textStyle(theme),
    title: boxes.map((box, i) => panelTitle(chart.panels[i]!.title, box, theme)),
    graphic: legend.graphic,
    grid: boxes.map(({ left, top, width, height }) => ({
      left: left + LABEL_WIDTH,
      top: top + headHeight(chart),
      width: width - LABEL_WIDTH - RIGHT,
      height: height - headHeight(chart),
    })),
    xAxis: boxes.map((box, i) => valueAxis(chart, theme, box, i)),
    yAxis: chart.panels.map((panel, i) => rowAxis(panel, theme, i)),
    series: chart.panels.flatMap((panel, i) => seriesOf(chart, panel, i, theme)),
  };
  return { width: size.width, height: last.bottom, option, description: chart.description };
}

function valueAxis(chart: DotChart, theme: Theme, { hasAxisName }: Box, gridIndex: number): object {
  const [min, max] = extent(chart);
  return {
    type: "log",
    logBase: chart.base,
    gridIndex,
    min,
    max,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: theme.line } },
    axisLabel: { color: theme.muted, fontSize: 11, formatter: chart.axisLabel, hideOverlap: true },
    ...(hasAxisName ? axisName(chart.axisName, theme) : {}),
  };
}

function rowAxis({ rows }: DotPanel, theme: Theme, gridIndex: number): object {
  return {
    type: "category",
    gridIndex,
    inverse: true,
    data: rows.map(({ name, isWrong }) => ({
      value: name,
      textStyle: { color: isWrong ? theme.wrong : theme.ink, fontSize: 12 },
    })),
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { margin: 10, width: LABEL_WIDTH - 12, overflow: "truncate", interval: 0 },
  };
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly hasAxisName: boolean;
  readonly bottom: number;
}

/** Room above a panel's rows. */
function headHeight({ reference }: DotChart): number {
  return TITLE_HEIGHT + (reference === undefined ? 0 : REFERENCE_HEIGHT);
}

function layOut(chart: DotChart, { width, columns }: Size, legend: Legend): Box[] {
  const { panels } = chart;
  const boxWidth = (width - COLUMN_GAP * (columns - 1)) / columns;
  const boxes: Box[] = [];
  let top = LEGEND_HEIGHT * legend.lines + PANEL_GAP;
  for (let first = 0; first < panels.length; first += columns) {
    const row = panels.slice(first, first + columns);
    const rowsMax = Math.max(...row.map(({ rows }) => rows.length));
    const hasAxisName = first + columns >= panels.length;
    const bottom =
      top + headHeight(chart) + rowsMax * ROW_HEIGHT + AXIS_HEIGHT + (hasAxisName ? AXIS_NAME_HEIGHT : PANEL_GAP);
    for (const [column, { rows }] of row.entries()) {
      const height = headHeight(chart) + rows.length * ROW_HEIGHT;
      boxes.push({ left: column * (boxWidth + COLUMN_GAP), top, width: boxWidth, height, hasAxisName, bottom });
    }
    top = bottom;
  }
  return boxes;
}

/** Factor by which the axis goes further than a dot whose label stands to its left. */
const LABEL_FACTOR = 2.4;

/** Whole powers of the base around all values, and around labels to the left of them. */
function extent({ panels, reference, base }: DotChart): [number, number] {
  const values = panels.flatMap(({ dots }) =>
    dots.map(({ value, label, labelSide }) => (label && labelSide === "left" ? value / LABEL_FACTOR : value)),
  );
  if (reference !== undefined) values.push(reference.value);
  const min = base ** Math.floor(Math.log(Math.min(...values) / 1.01) / Math.log(base));
  const max = base ** Math.ceil(Math.log(Math.max(...values) * 1.01) / Math.log(base));
  return [min, max];
}

function seriesOf(
  chart: DotChart,
  panel: DotPanel,
  index: number,
  theme: Theme,
): NonNullable<EChartsOption["series"]> & object[] {
  const axes = { xAxisIndex: index, yAxisIndex: index };
  const joins = panel.rows.map((_, row) =>
    panel.dots.filter((dot) => dot.row === row && chart.joined.includes(dot.kind)).map(({ value }) => [value, row]),
  );
  return [
    ...joins.map((data) => ({
      type: "line" as const,
      ...axes,
      data,
      symbol: "none",
      silent: true,
      lineStyle: { color: theme.parallel, width: 2, opacity: 0.45 },
    })),
    ...chart.kinds.map((kind, k) => ({
      type: "scatter" as const,
      name: kind.name,
      ...axes,
      silent: true,
      symbol: kind.symbol,
      symbolSize: kind.symbol === "diamond" ? 12 : 10,
      data: panel.dots
        .filter((dot) => dot.kind === kind)
        .map(({ value, row, label, labelSide = "right" }) => {
          const colour = panel.rows[row]!.isWrong ? theme.wrong : kind.colour;
          return {
            value: [value, row],
            itemStyle: { color: kind.isHollow ? theme.paper : colour, borderColor: colour, borderWidth: 2, opacity: 1 },
            label: {
              show: label !== undefined,
              formatter: label ?? "",
              position: labelSide,
              distance: 5,
              color: theme.ink,
              fontSize: 11,
              textBorderColor: theme.paper,
              textBorderWidth: 3,
            },
          };
        }),
      ...(k === 0 && chart.reference !== undefined ? { markLine: referenceLine(chart.reference, theme) } : {}),
    })),
  ];
}

function referenceLine({ value, name }: { value: number; name: string }, theme: Theme): object {
  return {
    silent: true,
    symbol: "none",
    animation: false,
    lineStyle: referenceStyle(theme),
    label: { formatter: name, position: "start", distance: 4, color: theme.muted, fontSize: 11, textBorderWidth: 0 },
    data: [{ xAxis: value }],
  };
}
