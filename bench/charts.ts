/** `npm run charts`: draws the charts of the committed comparison, and renews what documents say of it. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { STRATEGIES } from "../src/compare/compare.js";
import { readComparison } from "../src/compare/comparison-file.js";
import { chartFiles } from "../src/report/chart-files.js";
import { measuredParts, strategyParts, withParts } from "../src/report/markdown.js";
import { loadCharts } from "../src/report/svg.js";

/** Documents with measured parts, and the way from each to the charts. */
const DOCUMENTS = { "README.md": "docs/charts", "docs/concurrency.md": "charts" } as const;

/** Every file that follows from the committed comparison, by its path in the checkout, with what must stand in it. */
export async function chartsAndDocuments(root: URL): Promise<Map<string, string>> {
  const comparison = await readComparison(fileURLToPath(new URL("docs/charts/comparison.json", root)));
  const files = new Map<string, string>();
  for (const { name, text } of chartFiles(comparison, await loadCharts())) files.set(`docs/charts/${name}`, text);
  for (const [document, charts] of Object.entries(DOCUMENTS)) {
    const parts = new Map([...measuredParts(comparison, charts), ...strategyParts(STRATEGIES)]);
    files.set(document, withParts(await readFile(new URL(document, root), "utf8"), parts));
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = new URL("../../", import.meta.url);
  await mkdir(new URL("docs/charts/", root), { recursive: true });
  for (const [path, text] of await chartsAndDocuments(root)) await writeFile(new URL(path, root), text);
}
