import { describe, expect, it } from "vitest";
import { chartFiles } from "../../../src/report/chart-files.js";
import { html, Markup } from "../../../src/report/markup.js";
import { reportOf } from "../../../src/report/page.js";
import { loadCharts } from "../../../src/report/svg.js";
import { DARK, LIGHT } from "../../../src/report/theme.js";
import { cell, comparison, HOSTILE, strategy, wholeComparison } from "../../support/comparison.js";

const CHARTS = ["accounts", "coordination", "peer-to-peer", "places", "smallbank", "work"];

/** A comparison whose every text is hostile. */
function hostileComparison(): ReturnType<typeof comparison> {
  const names = { strategy: HOSTILE, workload: HOSTILE, place: HOSTILE };
  const parts = ["work", "coordination", "smallbank", "peer-to-peer", "places"] as const;
  return comparison(
    parts.flatMap((part) => [
      cell(100, { part, ...names, way: "sequential" }),
      cell(90, { part, ...names, threads: 2 }),
    ]),
    {
      date: HOSTILE,
      command: HOSTILE,
      machine: { cpu: HOSTILE, cores: 2, memoryGiB: 1, node: HOSTILE, platform: HOSTILE },
      servers: { [HOSTILE]: HOSTILE },
      skipped: [{ what: HOSTILE, why: HOSTILE }],
      strategies: [
        strategy(HOSTILE, { guarantee: HOSTILE, cost: HOSTILE, whenToUse: HOSTILE, whenNot: HOSTILE }),
        { ...strategy(HOSTILE), place: HOSTILE as "memory" },
      ],
      workloads: [{ name: HOSTILE, accounts: 1, description: HOSTILE, busiest: HOSTILE, share: 1 }],
    },
  );
}

describe("markup", () => {
  it("escapes whatever is put into a template, in text and in attributes", () => {
    expect(html`<b title="${`"'&<>`}">${`<i>`}</b>`.text).toBe(`<b title="&quot;&#39;&amp;&lt;&gt;">&lt;i&gt;</b>`);
  });

  it("leaves markup as it is, alone and in rows", () => {
    expect(html`<p>${[html`<b>${1}</b>`, new Markup("<br>")]}</p>`.text).toBe("<p><b>1</b><br></p>");
  });
});

describe("chart files", () => {
  it("are there for light and for dark, in the theme's colours", async () => {
    const files = chartFiles(wholeComparison(), await loadCharts());
    expect(files.map(({ name }) => name).sort()).toEqual(
      CHARTS.flatMap((name) => [`${name}-dark.svg`, `${name}-light.svg`]).sort(),
    );
    for (const { name, text } of files) {
      const [own, other] = name.includes("light") ? [LIGHT, DARK] : [DARK, LIGHT];
      expect(text).toContain(own.muted);
      expect(text).not.toContain(other.muted);
      expect(text).not.toContain("var(");
    }
  });

  it("are the same bytes whatever was drawn before", async () => {
    const draw = await loadCharts();
    const first = chartFiles(wholeComparison(), draw);
    expect(chartFiles(wholeComparison(), draw)).toEqual(first);
  });

  it("say what they show to those who do not see it", async () => {
    const [work] = chartFiles(wholeComparison(), await loadCharts());
    expect(work!.text).toMatch(/^<svg role="img" aria-label="[^"]*event loop 5\.00×/);
  });

  it("hold hostile names as text", async () => {
    for (const { name, text } of chartFiles(hostileComparison(), await loadCharts())) {
      expect(text, name).not.toContain("<img");
      expect(text, name).not.toContain("</script");
    }
  });
});

describe("the report", () => {
  it("holds every figure of the tables, every sentence and every strategy's terms", async () => {
    const text = reportOf(wholeComparison(), await loadCharts());
    for (const part of ["1.90×", "5.00×", "never", "what redis-lock promises", "account-7", "2026-01-02 03:04 UTC"]) {
      expect(text).toContain(part);
    }
  });

  it("leaves out what was not measured, and says what was skipped", async () => {
    const text = reportOf(
      comparison([cell(100, { way: "sequential" }), cell(50, { threads: 2 })], {
        skipped: [{ what: "strategies on PostgreSQL", why: "there is none" }],
      }),
      await loadCharts(),
    );
    expect(text).toContain("Not measured: strategies on PostgreSQL.");
    expect(text).not.toContain('id="places"');
  });

  it("holds hostile names as text, wherever they stand", async () => {
    const text = reportOf(hostileComparison(), await loadCharts());
    expect(text).not.toContain("<img");
    expect(text.match(/<script/g)).toBeNull();
    expect(text.match(/&lt;img src=x onerror=alert\(1\)&gt;/g)!.length).toBeGreaterThan(20);
  });

  it("refers to nothing outside itself", async () => {
    const text = reportOf(wholeComparison(), await loadCharts());
    expect(text.match(/(?:src|href)="(?!data:)[^"]*"/g)).toBeNull();
    expect(text.match(/url\((?!#)/g)).toBeNull();
    expect(text.match(/https?:\/\/(?!www\.w3\.org\/)/g)).toBeNull();
  });
});
