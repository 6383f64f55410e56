/** Lines on two logarithmic axes, each named at its end, beside one that means something. */
import type { EChartsOption } from "echarts";
import { axisName, referenceStyle, textStyle } from "./parts.js";
import type { Drawing } from "./svg.js";
import type { Theme } from "./theme.js";

export interface Line {
  readonly name: string;
  readonly colour: string;
  readonly symbol: "circle" | "diamond" | "rect" | "triangle";
  readonly dash: "solid" | "dashed" | "dotted";
  /** Pairs of x and y, both above zero, by x. */
  readonly points: readonly (readonly [number, number])[];
}

export interface LineChart {
  readonly lines: readonly Line[];
  readonly xName: string;
  readonly xLabel: (value: number) => string;
  readonly yName: string;
  readonly yLabel: (value: number) => string;
  /** A line across that means something, such as "as fast as". */
  readonly reference: { readonly value: number; readonly name: string };
  readonly description: string;
}

const TOP = 34;
const LEFT = 56;
const RIGHT = 92;
const BOTTOM = 48;

export function drawLines(chart: LineChart, theme: Theme, size: { width: number; height: number }): Drawing {
  const xs = chart.lines.flatMap(({ points }) => points.map(([x]) => x));
  const ys = [chart.reference.value, ...chart.lines.flatMap(({ points }) => points.map(([, y]) => y))];
  const axis = { axisTick: { show: false }, splitLine: { lineStyle: { color: theme.line } } };
  const option: EChartsOption = {
    backgroundColor: "transparent",
    textStyle: textStyle(theme),
    grid: { left: LEFT, top: TOP, width: size.width - LEFT - RIGHT, height: size.height - TOP - BOTTOM },
    xAxis: {
      type: "log",
      ...axis,
      min: Math.min(...xs),
      max: Math.max(...xs),
      axisLine: { lineStyle: { color: theme.muted } },
      axisLabel: { color: theme.muted, fontSize: 11, formatter: chart.xLabel },
      splitLine: { show: false },
      ...axisName(chart.xName, theme, 28),
    },
    yAxis: {
      type: "log",
      logBase: 2,
      ...axis,
      min: 2 ** Math.floor(Math.log2(Math.min(...ys) / 1.01)),
      max: 2 ** Math.ceil(Math.log2(Math.max(...ys) * 1.01)),
      axisLine: { show: false },
      axisLabel: { color: theme.muted, fontSize: 11, formatter: chart.yLabel },
      name: chart.yName,
      nameLocation: "end",
      nameGap: 12,
      nameTextStyle: { color: theme.muted, fontSize: 11.5, align: "left", padding: [0, 0, 0, 4 - LEFT] },
    },
    series: chart.lines.map(({ name, colour, symbol, dash, points }, i) => ({
      type: "line",
      name,
      silent: true,
      clip: false,
      symbol,
      symbolSize: symbol === "diamond" ? 9 : 7,
      data: points.map(([x, y]) => [x, y]),
      lineStyle: { color: colour, width: 2, type: dash },
      itemStyle: { color: colour, borderWidth: 0 },
      endLabel: {
        show: true,
        formatter: name,
        color: colour,
        fontSize: 12,
        fontWeight: 600,
        distance: 8,
        textBorderWidth: 0,
      },
      labelLayout: { moveOverlap: "shiftY" as const },
      ...(i === 0 ? { markLine: referenceLine(chart.reference, theme) } : {}),
    })),
  };
  return { ...size, option, description: chart.description };
}

function referenceLine({ value, name }: { value: number; name: string }, theme: Theme): object {
  return {
    silent: true,
    symbol: "none",
    animation: false,
    lineStyle: referenceStyle(theme),
    label: {
      formatter: name,
      position: "insideStartTop",
      distance: 4,
      color: theme.muted,
      fontSize: 12,
      textBorderWidth: 0,
    },
    data: [{ yAxis: value }],
  };
}
