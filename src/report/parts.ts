/** What every chart has: letters, and a legend that names shapes in the words of the text. */
import { FONTS, type Theme } from "./theme.js";

export const LEGEND_HEIGHT = 22;
/** Width of a letter of the legend, about: nothing can be measured where no browser is. */
const LETTER_WIDTH = 6.6;
const SYMBOL_WIDTH = 18;
const ENTRY_GAP = 18;

export interface LegendEntry {
  readonly name: string;
  readonly colour: string;
  readonly symbol: "circle" | "diamond" | "rect" | "triangle";
  readonly isHollow: boolean;
}

export interface Legend {
  readonly lines: number;
  readonly graphic: object[];
}

export function textStyle(theme: Theme): { color: string; fontFamily: string; fontSize: number } {
  return { color: theme.ink, fontFamily: FONTS, fontSize: 12 };
}

/** A panel's title at its upper left corner. */
export function panelTitle(text: string, { left, top }: { left: number; top: number }, theme: Theme): object {
  return { text, left, top, padding: 0, textStyle: { ...textStyle(theme), fontSize: 13, fontWeight: 600 } };
}

/** What an axis measures, with its unit, below its labels. */
export function axisName(name: string, theme: Theme, gap = 26): object {
  return { name, nameLocation: "middle", nameGap: gap, nameTextStyle: { color: theme.muted, fontSize: 11.5 } };
}

/** A line across a chart that means something. */
export function referenceStyle(theme: Theme): object {
  return { color: theme.baseline, width: 1.5, type: "solid" };
}

/** Entries from left to right, in as many lines as the width takes. */
export function legendOf(entries: readonly LegendEntry[], theme: Theme, width: number): Legend {
  let left = 0;
  let line = 0;
  const graphic: object[] = [];
  for (const entry of entries) {
    const entryWidth = SYMBOL_WIDTH + entry.name.length * LETTER_WIDTH;
    if (left > 0 && left + entryWidth > width) {
      left = 0;
      line++;
    }
    const top = line * LEGEND_HEIGHT;
    graphic.push(symbolOf(entry, theme, left, top), {
      type: "text",
      silent: true,
      x: left + SYMBOL_WIDTH,
      y: top + LEGEND_HEIGHT / 2,
      style: { text: entry.name, fill: theme.ink, fontSize: 12, fontFamily: FONTS, verticalAlign: "middle" },
    });
    left += entryWidth + ENTRY_GAP;
  }
  return { lines: line + 1, graphic };
}

function symbolOf({ symbol, colour, isHollow }: LegendEntry, theme: Theme, left: number, top: number): object {
  const [x, y] = [left + 7, top + LEGEND_HEIGHT / 2];
  const style = { fill: isHollow ? theme.paper : colour, stroke: colour, lineWidth: 2 };
  const points = (corners: readonly (readonly [number, number])[]): object => ({
    type: "polygon",
    silent: true,
    shape: { points: corners.map(([dx, dy]) => [x + dx, y + dy]) },
    style,
  });
  switch (symbol) {
    case "circle":
      return { type: "circle", silent: true, shape: { cx: x, cy: y, r: 5 }, style };
    case "diamond":
      return points([
        [0, -6],
        [6, 0],
        [0, 6],
        [-6, 0],
      ]);
    case "triangle":
      return points([
        [0, -6],
        [6, 5],
        [-6, 5],
      ]);
    case "rect":
      return points([
        [-5, -5],
        [5, -5],
        [5, 5],
        [-5, 5],
      ]);
  }
}
