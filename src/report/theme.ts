/**
 * The colours of charts and report, for light and for dark. Few, told apart by people who do not see red or green
 * (after Okabe and Ito), and never alone: a mark's shape says the same as its colour.
 */

/** What a colour stands for. */
export interface Theme {
  readonly paper: string;
  readonly ink: string;
  /** Axis labels, notes. */
  readonly muted: string;
  readonly line: string;
  /** One thread without coordination: what everything is compared with. */
  readonly baseline: string;
  /** Taking turns on one thread. */
  readonly concurrent: string;
  /** Several threads at once. */
  readonly parallel: string;
  /** Several strategies in one chart. */
  readonly series: readonly string[];
  /** Books that are wrong. */
  readonly wrong: string;
}

export const LIGHT: Theme = {
  paper: "#ffffff",
  ink: "#1c2128",
  muted: "#57606a",
  line: "#d6dbe1",
  baseline: "#6e7781",
  concurrent: "#0067a5",
  parallel: "#c4500a",
  series: ["#c4500a", "#0067a5", "#007a5a", "#9a4f84"],
  wrong: "#b3123f",
};

export const DARK: Theme = {
  paper: "#14181d",
  ink: "#e8ecf0",
  muted: "#9aa5b1",
  line: "#363e48",
  baseline: "#8b949e",
  concurrent: "#5cb8f0",
  parallel: "#f0924a",
  series: ["#f0924a", "#5cb8f0", "#37c596", "#dd9cc8"],
  wrong: "#ff7a9c",
};

/** Sans-serif letters that every system has. */
/** No double quotes: the names stand in attributes. */
export const FONTS =
  "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif";

/**
 * A theme of placeholders: a chart drawn with it takes the page's colours once {@link asVariables} has put CSS variables
 * in their place, so that one drawing serves light and dark.
 */
export const PLACEHOLDERS: Theme = {
  paper: "#000001",
  ink: "#000002",
  muted: "#000003",
  line: "#000004",
  baseline: "#000005",
  concurrent: "#000006",
  parallel: "#000007",
  series: ["#000011", "#000012", "#000013", "#000014"],
  wrong: "#000008",
};

/** The CSS variables of a theme, by name. */
export function variables(theme: Theme): Map<string, string> {
  const { series, ...single } = theme;
  const named = new Map<string, string>(Object.entries(single).map(([name, colour]) => [`--${name}`, colour]));
  for (const [i, colour] of series.entries()) named.set(`--series-${i + 1}`, colour);
  return named;
}

/** Puts the page's CSS variables where a drawing has placeholders. */
export function asVariables(svg: string): string {
  let result = svg;
  for (const [name, placeholder] of variables(PLACEHOLDERS)) {
    result = result.replaceAll(`"${placeholder}"`, `"var(${name})"`);
  }
  return result;
}
