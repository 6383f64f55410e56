/** Panels of bars from zero, for ratios of the same order. */
import type { BarSeriesOption, EChartsOption } from "echarts";
import type { Size } from "./dots.js";
import { axisName, panelTitle, textStyle } from "./parts.js";
import type { Drawing } from "./svg.js";
import type { Theme } from "./theme.js";

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly label: string;
  readonly colour: string;
}

export interface BarPanel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface BarChart {
  readonly panels: readonly BarPanel[];
  readonly axisName: string;
  readonly axisLabel: (value: number) => string;
  readonly description: string;
}

const TITLE_HEIGHT = 26;
const ROW_HEIGHT = 32;
const AXIS_HEIGHT = 50;
const COLUMN_GAP = 24;
const LABEL_WIDTH = 122;
const RIGHT = 48;

/** Lays the panels out on one scale and draws their bars. */
export function drawBars(chart: BarChart, theme: Theme, { width, columns }: Size): Drawing {
  const boxWidth = (width - COLUMN_GAP * (columns - 1)) / columns;
  const rowsMax = Math.max(...chart.panels.map(({ bars }) => bars.length));
  const boxHeight = TITLE_HEIGHT + rowsMax * ROW_HEIGHT + AXIS_HEIGHT;
  const boxes = chart.panels.map((panel, i) => ({
    panel,
    left: (i % columns) * (boxWidth + COLUMN_GAP),
    top: Math.floor(i / columns) * boxHeight,
  }));
  const option: EChartsOption = {
    backgroundColor: "transparent",
    textStyle: textStyle(theme),
    title: boxes.map(({ panel, ...corner }) => panelTitle(panel.title, corner, theme)),
    grid: boxes.map(({ panel, left, top }) => ({
      left: left + LABEL_WIDTH,
      top: top + TITLE_HEIGHT,
      width: boxWidth - LABEL_WIDTH - RIGHT,
      height: panel.bars.length * ROW_HEIGHT,
    })),
    xAxis: boxes.map((_, i) => valueAxis(chart, theme, i)),
    yAxis: boxes.map(({ panel }, i) => rowAxis(panel, theme, i)),
    series: boxes.map(({ panel }, i) => barsOf(panel, theme, i)),
  };
  const height = Math.ceil(chart.panels.length / columns) * boxHeight;
  return { width, height, option, description: chart.description };
}

function valueAxis(chart: BarChart, theme: Theme, gridIndex: number): object {
  const values = chart.panels.flatMap(({ bars }) => bars.map(({ value }) => value));
  return {
    type: "value",
    gridIndex,
    min: 0,
    max: Math.ceil(Math.max(...values)),
    minInterval: 1,
    splitNumber: 4,
    splitLine: { lineStyle: { color: theme.line } },
    axisLabel: { color: theme.muted, fontSize: 11, formatter: chart.axisLabel },
    ...axisName(chart.axisName, theme),
  };
}

function rowAxis({ bars }: BarPanel, theme: Theme, gridIndex: number): object {
  return {
    type: "category",
    gridIndex,
    inverse: true,
    data: bars.map(({ name }) => name),
    axisLine: { lineStyle: { color: theme.muted } },
    axisTick: { show: false },
    axisLabel: { color: theme.ink, fontSize: 12, interval: 0, width: LABEL_WIDTH - 8, overflow: "truncate" },
  };
}

function barsOf({ bars }: BarPanel, theme: Theme, index: number): BarSeriesOption {
  return {
    type: "bar",
    silent: true,
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: 16,
    data: bars.map(({ value, colour }) => ({ value, itemStyle: { color: colour, borderRadius: [0, 3, 3, 0] } })),
    label: {
      show: true,
      position: "right",
      color: theme.ink,
      fontSize: 12,
      fontWeight: 600,
      textBorderWidth: 0,
      formatter: ({ dataIndex }) => bars[dataIndex]!.label,
    },
  };
}
