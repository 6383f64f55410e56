/** Draws a chart as SVG text, the same bytes each time. */
import type { EChartsOption } from "echarts";
import { importPeer } from "../core/peer.js";
import { escapeText } from "./markup.js";

/** A chart ready to be drawn. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly option: EChartsOption;
  /** What the chart shows, for those who do not see it. */
  readonly description: string;
}

/** Draws with one library that was found. */
export type Draw = (name: string, drawing: Drawing) => string;

/** Loads echarts, which only those who want charts have to install. Throws `peer_missing` where it is not. */
export async function loadCharts(): Promise<Draw> {
  const echarts = await importPeer("echarts", () => import("echarts"));
  return (name, { width, height, option, description }) => {
    const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
    try {
      chart.setOption({ animation: false, ...option });
      return clean(chart.renderToSVGString(), name, description);
    } finally {
      chart.dispose();
    }
  };
}

/**
 * Takes away what serves interaction, of which there is none, and numbers that depend on what was drawn before. Names
 * the parts after the chart, as several may stand on one page.
 */
function clean(svg: string, name: string, description: string): string {
  return svg
    .replace(/<style\s*><!\[CDATA\[[\s\S]*?\]\]>\s*<\/style>\s*/g, "")
    .replace(/ class="zr\d+-cls-\d+"/g, "")
    .replace(/ ecmeta_\w+="[^"]*"/g, "")
    .replace(/ pointer-events="visible"/g, "")
    .replace(/(id="|url\(#)zr\d+-/g, `$1${name}-`)
    .replace(/^<svg /, `<svg role="img" aria-label="${escapeText(description)}" `)
    .replace(/\n{2,}/g, "\n")
    .concat("\n");
}
