/** The committed charts, and what documents say of figures and strategies, follow from their sources byte for byte. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chartsAndDocuments } from "../../bench/charts.js";
import { STRATEGIES } from "../../src/compare/compare.js";
import { brokenCells } from "../../src/compare/comparison.js";
import { readComparison } from "../../src/compare/comparison-file.js";
import { withParts } from "../../src/report/markdown.js";

const ROOT = new URL("../../", import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}

describe("the committed comparison", () => {
  it("gives the committed charts and documents, byte for byte (else: npm run charts)", async () => {
    const files = await chartsAndDocuments(ROOT);
    for (const [path, text] of files) expect(read(path), path).toBe(text);
    const charts = readdirSync(new URL("docs/charts/", ROOT)).filter((name) => name.endsWith(".svg"));
    expect(charts.map((name) => `docs/charts/${name}`).sort()).toEqual(
      [...files.keys()].filter((path) => path.endsWith(".svg")).sort(),
    );
  });

  it("is complete: nothing was skipped, no safe strategy has wrong books, every strategy was measured", async () => {
    const comparison = await readComparison(new URL("docs/charts/comparison.json", ROOT).pathname);
    expect(comparison.skipped).toEqual([]);
    expect(brokenCells(comparison)).toEqual([]);
    const measured = new Set(comparison.cells.map(({ strategy, place }) => `${strategy} ${place}`));
    expect(measured).toEqual(new Set(STRATEGIES.map(({ name, place }) => `${name} ${place}`)));
  });
});

describe("docs/concurrency.md", () => {
  const text = read("docs/concurrency.md");

  it.for(STRATEGIES)("holds the terms of $name in $place", ({ name, guarantee, cost, whenToUse, whenNot }) => {
    expect(text).toContain(`#### \`${name}\``);
    for (const term of [guarantee, cost, whenToUse, whenNot]) expect(text).toContain(term);
  });

  it("links to files that are there", () => {
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)|(?:src|srcset)="([^"]+)"/g)) {
      if (link !== undefined) expect(() => read(`docs/${link}`), link).not.toThrow();
    }
  });
});

describe("parts of documents", () => {
  it("are put between their marks, again and again, and nothing else is touched", () => {
    const document = "a\n<!-- measured: x -->\nold\n<!-- /measured -->\nb\n<!-- measured: y -->\n<!-- /measured -->\n";
    const parts = new Map([
      ["x", "$1 new"],
      ["y", ""],
    ]);
    const once = withParts(document, parts);
    expect(once).toContain("a\n<!-- measured: x -->\n\n$1 new\n\n<!-- /measured -->\nb\n");
    expect(withParts(once, parts)).toBe(once);
  });

  it("that do not exist are an error", () => {
    expect(() => withParts("<!-- measured: z -->\n<!-- /measured -->", new Map([["x", ""]]))).toThrow("'z'");
  });
});
