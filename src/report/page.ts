/** The report: one HTML file that asks for nothing from anywhere. */
import { areSound, brokenCells, type Comparison, type Part } from "../compare/comparison.js";
import { booksConclusions, conclusionsOf, headline } from "../compare/conclusions.js";
import { cellsOf } from "../compare/findings.js";
import { counted, integer, percent } from "../compare/format.js";
import { type TableData, tablesOf, wrongBooksTable } from "../compare/tables.js";
import { PLACES, QUESTIONS, workloadTitle } from "../compare/words.js";
import { type ChartName, chartsOf } from "./charts.js";
import { html, Markup } from "./markup.js";
import { STYLESHEET } from "./stylesheet.js";
import type { Draw } from "./svg.js";
import { asVariables, PLACEHOLDERS } from "./theme.js";

/** The report of a comparison as HTML text. */
export function reportOf(comparison: Comparison, draw: Draw): string {
  const charts = new Map<ChartName, Markup>();
  for (const { name, draw: drawing } of chartsOf(comparison)) {
    const svg = (width: "wide" | "narrow"): Markup =>
      new Markup(asVariables(draw(`${name}-${width}`, drawing(PLACEHOLDERS, width))));
    charts.set(name, html`<div class="wide">${svg("wide")}</div><div class="narrow">${svg("narrow")}</div>`);
  }
  // Nothing may be loaded and no script may run, whatever the figures' names are.
  const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Concurrency and parallelism, measured</title>
<style>${new Markup(STYLESHEET)}</style>
</head>
<body>
<main class="page">
${[top(comparison), ...SECTIONS.map((section) => partSection(comparison, section, charts))]}
${[booksSection(comparison), strategiesSection(comparison), methodSection(comparison)]}
</main>
</body>
</html>
`.text;
}

function top(comparison: Comparison): Markup {
  const { machine, servers, skipped } = comparison;
  const facts: [string, Markup][] = [
    ["Machine", html`${machine.cpu}, ${counted(machine.cores, "core")}, ${machine.memoryGiB} GiB, ${machine.platform}`],
    [
      "Software",
      html`${[`Node.js ${machine.node.replace(/^v/, "")}`, ...Object.entries(servers).map((both) => both.join(" "))].join(", ")}`,
    ],
    [
      "Measured",
      html`${comparison.date.slice(0, 16).replace("T", " ")} UTC, in ${counted(Math.round(comparison.durationMs / 1000), "second")}`,
    ],
    ["Command", html`<code>${comparison.command}</code>`],
    ["Seed", html`${comparison.seed}`],
  ];
  return html`<header>
<p class="eyebrow">parallel-ledger compare</p>
<h1>Concurrency and parallelism, measured</h1>
<p class="lead">${headline(comparison)}</p>
<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
${brokenCells(comparison).length > 0 ? html`<p class="wrong"><strong>Safe strategies ended with wrong books. This comparison has failed.</strong></p>` : ""}
${skipped.map(({ what, why }) => html`<p class="wrong"><strong>Not measured: ${what}.</strong> ${why}</p>`)}
</header>
`;
}

interface Section {
  readonly part: Part;
  readonly text: string;
  readonly charts: readonly (readonly [name: ChartName, caption: string])[];
  /** Tables that are open from the start; the others open on demand. */
  readonly tablesOpen: number;
}

const SECTIONS: readonly Section[] = [
  {
    part: "work",
    text:
      "Concurrency is to deal with many things at once: on one thread they take turns, so that one goes on while others wait. " +
      "Parallelism is to do many things at once, on several cores. The same instructions were executed in each way, once with work " +
      "that keeps a core busy and once with work that waits. There are as many worker threads as cores.",
    charts: [["work", "Grey: one after the other. Blue: concurrency on one thread. Orange: parallelism."]],
    tablesOpen: 1,
  },
  {
    part: "coordination",
    text:
      "All strategies apply the same rule to the same accounts in shared memory; they differ in how they keep transfers apart that " +
      "run at the same time. Serial is one thread that coordinates nothing. A strategy is worth its threads where its dot lies to the " +
      "right of that line.",
    charts: [
      ["coordination", "Logarithmic axes. Red: books that were wrong."],
      ["accounts", "Logarithmic axes, accounts drawn evenly. Dotted red: books that were wrong."],
    ],
    tablesOpen: 1,
  },
  {
    part: "smallbank",
    text:
      "Six kinds of transactions on savings and checking accounts, of which some read two or three accounts before they write: Alomari, " +
      "Cahill, Fekete and Röhm, ICDE 2008, with the mix and the amounts of H-Store and OLTP-Bench. A quarter of the transactions " +
      "goes to a hotspot of 100 customers.",
    charts: [["smallbank", "Logarithmic axis. Red: books that were wrong."]],
    tablesOpen: 1,
  },
  {
    part: "peer-to-peer",
    text:
      "The grid on which Block-STM was measured (Gelashvili and others, PPoPP 2023): payments between two accounts out of 2, 10, 100, " +
      "1,000 and 10,000, all funded. The fewer accounts, the more often two payments need the same one.",
    charts: [["peer-to-peer", "Logarithmic axes. Dotted red: books that were wrong."]],
    tablesOpen: 1,
  },
  {
    part: "places",
    text:
      "The same transfers through one interface, some under way at once on one event loop. Shared memory keeps nothing when the process " +
      "ends; SQLite and PostgreSQL answer once a transfer is on disk. A lock in Redis stands around reading and writing in PostgreSQL.",
    charts: [
      [
        "places",
        "Logarithmic axis. Filled: accounts drawn evenly. Hollow: one account in every transfer. Red: books that were wrong.",
      ],
    ],
    tablesOpen: 1,
  },
];

function partSection(comparison: Comparison, section: Section, charts: ReadonlyMap<ChartName, Markup>): Markup {
  const { part, text } = section;
  if (cellsOf(comparison, part).length === 0) return html``;
  const tables = tablesOf(comparison, part);
  const closed = tables.slice(section.tablesOpen);
  return html`<section id="${part}">
<h2>${QUESTIONS[part]}</h2>
<p>${text}</p>
${findings(conclusionsOf(comparison, part))}
${section.charts.flatMap(([name, caption]) => {
  const chart = charts.get(name);
  return chart === undefined
    ? []
    : [html`<figure id="chart-${name}">${chart}<figcaption>${caption}</figcaption></figure>`];
})}
${tables.slice(0, section.tablesOpen).map(tableMarkup)}
${closed.length === 0 ? "" : html`<details><summary>${closed.map(({ title: name }) => name).join("; ")}</summary>${closed.map(tableMarkup)}</details>`}
</section>
`;
}

function findings(sentences: readonly string[]): Markup {
  return sentences.length === 0
    ? html``
    : html`<ul class="findings">${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
}

/** A table that scrolls within itself where the page is narrow, its first column staying in sight. */
function tableMarkup({ title, head, rows, figures }: TableData): Markup {
  const classOf = (column: number): string => (figures.includes(column) ? "number" : "");
  const cell = (text: string, column: number): Markup =>
    column === 0
      ? html`<th scope="row">${text}</th>`
      : html`<td class="${classOf(column)}${isWrong(text) ? " wrong" : ""}">${text}</td>`;
  return html`<h3>${title}</h3>
<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table>
<thead><tr>${head.map((text, column) => html`<th scope="col" class="${classOf(column)}">${text}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table></div>
`;
}

/** Cells that say what is wrong with books. */
function isWrong(text: string): boolean {
  return /appeared|vanished|overdrawn|not counted|without outcome/.test(text);
}

function booksSection(comparison: Comparison): Markup {
  const wrong = comparison.cells.filter((cell) => !areSound(cell));
  return html`<section id="books">
<h2>The books</h2>
<p>After every repetition all accounts were added up. Money must be conserved, no account may be below zero, and the versions of all
accounts must have counted every change.</p>
${findings(booksConclusions(comparison))}
${wrong.length === 0 ? "" : html`<details><summary>Every measurement whose books were wrong</summary>${tableMarkup(wrongBooksTable(comparison))}</details>`}
</section>
`;
}

function strategiesSection({ strategies }: Comparison): Markup {
  const places = [...new Set(strategies.map(({ place }) => place))];
  return html`<section id="strategies">
<h2>The strategies and their terms</h2>
${places.map(
  (place) =>
    html`<h3>${PLACES[place] ?? place}</h3><div class="strategies">${strategies
      .filter((strategy) => strategy.place === place)
      .map(
        ({
          name,
          safe,
          guarantee,
          cost,
          whenToUse,
          whenNot,
        }) => html`<article><h3>${name}${safe ? "" : html` <span class="wrong">unsafe</span>`}</h3>
<dl><dt>Guarantee</dt><dd>${guarantee}</dd><dt>Cost</dt><dd>${cost}</dd><dt>When to use it</dt><dd>${whenToUse}</dd><dt>When not</dt><dd>${whenNot}</dd></dl></article>
`,
      )}</div>`,
)}
</section>
`;
}

function methodSection(comparison: Comparison): Markup {
  const repeats = [...new Set(comparison.cells.map(({ samples }) => samples.length))].sort((a, b) => a - b);
  return html`<section id="method">
<h2>How it was measured</h2>
<p>Everything in one run of the command above, ${repeats.map((count) => integer(count)).join(" or ")} times each, the sides of a
comparison in turn, forwards and backwards, after a repetition that does not count. Figures are medians. Workloads are drawn from the
seed: the same command measures the same transfers. Threads stand at a start line before the clock runs; opening and checking is not
measured. “At once” is how many operations were under way; on one thread they take turns.</p>
<p>COST is the smallest number of threads at which a strategy is faster than one thread that coordinates nothing: McSherry, Isard and
Murray, “Scalability! But at what COST?”, HotOS 2015. Zipf’s law is drawn as in YCSB (Cooper and others, SoCC 2010) by the method of
Gray and others, SIGMOD 1994.</p>
${tableMarkup({
  title: "Workloads",
  head: ["workload", "accounts", "busiest account", "in so many of its operations", "what it is"],
  rows: comparison.workloads.map(({ name, accounts, busiest, share, description }) => [
    workloadTitle(name),
    integer(accounts),
    busiest,
    percent(share),
    description,
  ]),
  figures: [1, 3],
})}
</section>
`;
}
