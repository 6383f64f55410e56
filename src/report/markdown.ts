/** Parts of documents that come from figures and from code: they are made, and never written by hand. */
import type { Comparison } from "../compare/comparison.js";
import { booksConclusions, conclusionsOf } from "../compare/conclusions.js";
import { counted } from "../compare/format.js";
import { type TableData, tablesOf } from "../compare/tables.js";
import { PARTS, PLACES } from "../compare/words.js";
import type { Strategy } from "../strategies/strategy.js";
import { type ChartName, chartsOf } from "./charts.js";

const CAPTIONS: Readonly<Record<ChartName, string>> = {
  work: "Speed-up over one operation after the other, for work that computes and work that waits",
  coordination: "Throughput of each strategy on worker threads as a multiple of serial, by contention",
  accounts: "Throughput of each strategy as a multiple of serial, by number of accounts",
  smallbank: "SmallBank: throughput of each strategy as a multiple of serial",
  "peer-to-peer": "Payments between few accounts and many: throughput as a multiple of serial",
  places: "Transfers per second in shared memory, SQLite, PostgreSQL, and under a lock in Redis",
};

/** The parts of a document by name. `charts` is the way from the document to the folder of the charts. */
export function measuredParts(comparison: Comparison, charts: string): Map<string, string> {
  const { machine, servers, date, command, seed, durationMs } = comparison;
  const drawn = new Set(chartsOf(comparison).map(({ name }) => name));
  const picture = (name: ChartName): string => (drawn.has(name) ? pictureOf(name, charts) : "");
  const parts = new Map<string, string>([
    [
      "run",
      `One run of \`${command}\`, seed ${seed}, on ${date.slice(0, 10)}, in ${counted(Math.round(durationMs / 1000), "second")}: ${machine.cpu}, ` +
        `${counted(machine.cores, "core")}, Node.js ${machine.node.replace(/^v/, "")}${Object.entries(servers)
          .map(([name, version]) => `, ${name} ${version}`)
          .join("")}. Every figure below comes from [comparison.json](${charts}/comparison.json).`,
    ],
    ["books", bullets(booksConclusions(comparison))],
  ]);
  for (const part of PARTS) parts.set(`${part} findings`, bullets(conclusionsOf(comparison, part)));
  for (const part of PARTS) parts.set(`${part} tables`, tablesOf(comparison, part).map(tableOf).join("\n\n"));
  for (const name of Object.keys(CAPTIONS) as ChartName[]) parts.set(`${name} chart`, picture(name));
  return parts;
}

/** The terms of strategies as parts of a document, one for each place. */
export function strategyParts(strategies: readonly Strategy[]): Map<string, string> {
  const places = [...new Set(strategies.map(({ place }) => place))];
  return new Map(
    places.map((place) => {
      const here = strategies.filter((strategy) => strategy.place === place);
      return [`${place} strategies`, here.map(termsOf).join("\n\n")];
    }),
  );
}

function termsOf({ name, place, safe, guarantee, cost, whenToUse, whenNot }: Strategy): string {
  return [
    `#### \`${name}\` (${PLACES[place] ?? place})${safe ? "" : ": not safe"}`,
    "",
    `- **Guarantee.** ${guarantee}`,
    `- **Cost.** ${cost}`,
    `- **When to use it.** ${whenToUse}`,
    `- **When not.** ${whenNot}`,
  ].join("\n");
}

function pictureOf(name: ChartName, folder: string): string {
  return `<picture><source media="(prefers-color-scheme: dark)" srcset="${folder}/${name}-dark.svg"><img src="${folder}/${name}-light.svg" alt="${CAPTIONS[name]}"></picture>`;
}

function bullets(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${sentence}`).join("\n");
}

/** Columns are as wide as their widest cell, as formatters have them. */
function tableOf({ title, head, rows, figures }: TableData): string {
  const cells = [head, ...rows].map((row) => row.map((text) => text.replaceAll("\n", "<br>").replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)));
  const isFigure = (column: number): boolean => figures.includes(column);
  const padded = (row: readonly string[]): string[] =>
    row.map((text, column) => (isFigure(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)));
  const rule = widths.map((width, column) => (isFigure(column) ? `${"-".repeat(width - 1)}:` : "-".repeat(width)));
  const lines = [padded(cells[0]!), rule, ...cells.slice(1).map(padded)].map((row) => `| ${row.join(" | ")} |`);
  return [`_${title}_`, "", ...lines].join("\n");
}

/**
 * Puts parts where a document has marks for them, `<!-- measured: NAME -->` to `<!-- /measured -->`, and returns it.
 * Throws where a mark names a part that there is not.
 */
export function withParts(document: string, parts: ReadonlyMap<string, string>): string {
  return document.replace(/<!-- measured: ([^>]*?) -->\n[\s\S]*?<!-- \/measured -->/g, (_, name: string) => {
    const part = parts.get(name);
    if (part === undefined) {
      throw new Error(`no part is named '${name}': there are ${[...parts.keys()].join(", ")}`);
    }
    return `<!-- measured: ${name} -->\n\n${part}\n\n<!-- /measured -->`;
  });
}
