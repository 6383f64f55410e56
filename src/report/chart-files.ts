/** The charts as files of their own, light and dark, as documents show them. */
import type { Comparison } from "../compare/comparison.js";
import { chartsOf } from "./charts.js";
import type { Draw } from "./svg.js";
import { DARK, LIGHT } from "./theme.js";

export interface ChartFile {
  readonly name: string;
  readonly text: string;
}

/** Every chart twice: `work-light.svg`, `work-dark.svg` … The same comparison gives the same bytes. */
export function chartFiles(comparison: Comparison, draw: Draw): ChartFile[] {
  const themes = Object.entries({ light: LIGHT, dark: DARK });
  return chartsOf(comparison).flatMap(({ name, draw: drawing }) =>
    themes.map(([themeName, theme]) => ({
      name: `${name}-${themeName}.svg`,
      text: draw(name, drawing(theme, "wide")),
    })),
  );
}
