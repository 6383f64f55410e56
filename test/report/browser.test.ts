/** The report in a real browser: Debian's Chromium, without a window. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { chartFiles } from "../../src/report/chart-files.js";
import { chartsOf } from "../../src/report/charts.js";
import { reportOf } from "../../src/report/page.js";
import { loadCharts } from "../../src/report/svg.js";
import { DARK, LIGHT } from "../../src/report/theme.js";
import { cell, HOSTILE, wholeComparison } from "../support/comparison.js";
import { temporaryFolder } from "../support/ledgers.js";

const CHROMIUM = "/usr/bin/chromium";
const isMissing = !existsSync(CHROMIUM);
if (isMissing) console.warn(`SKIPPED: the report is not tested in a browser: ${CHROMIUM} is not there`);

const WIDTHS = { telephone: 360, desktop: 1280 } as const;
const THEMES = { light: LIGHT, dark: DARK } as const;

/** Figures of every part; the busiest account, a workload and a strategy have names that are attacks. */
function comparison(): ReturnType<typeof wholeComparison> {
  const whole = wholeComparison();
  return {
    ...whole,
    command: `parallel-ledger compare ${HOSTILE}`,
    cells: [
      ...whole.cells,
      cell(900, { strategy: HOSTILE, workload: HOSTILE, way: "sequential" }),
      cell(800, { strategy: HOSTILE, workload: HOSTILE, threads: 2 }),
    ],
    workloads: [...whole.workloads, { name: HOSTILE, accounts: 2, description: HOSTILE, busiest: HOSTILE, share: 1 }],
  };
}

describe.skipIf(isMissing)("the report in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  });
  afterAll(() => browser.close());

  interface Opened {
    readonly page: Page;
    /** What the page complained about, and everything it asked for besides itself. */
    readonly complaints: string[];
  }

  async function open(width: number, colorScheme: "light" | "dark"): Promise<Opened> {
    const file = join(temporaryFolder(), "report.html");
    writeFileSync(file, reportOf(comparison(), await loadCharts()));
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    onTestFinished(() => page.close());
    const complaints: string[] = [];
    const address = pathToFileURL(file).href;
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => {
      complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      if (request.url() !== address && !request.url().startsWith("data:"))
        complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(address, { waitUntil: "load" });
    return { page, complaints };
  }

  const VIEWS = Object.entries(WIDTHS).flatMap(([device, width]) =>
    (["light", "dark"] as const).map((theme) => [device, theme, width] as const),
  );

  it.for(VIEWS)(
    "on a %s, %s: draws every chart, asks for nothing, never scrolls sideways",
    async ([, theme, width]) => {
      const { page, complaints } = await open(width, theme);
      const shown = await page.evaluate(() => {
        // Runs in the browser, which the compiler knows nothing of.
        const { document, innerWidth, getComputedStyle } = globalThis as unknown as {
          document: {
            body: unknown;
            documentElement: { scrollWidth: number };
            querySelectorAll(selector: string): Iterable<{
              getBoundingClientRect(): { width: number; height: number; right: number };
              parentElement: { closest(selector: string): { id: string } };
            }>;
          };
          innerWidth: number;
          getComputedStyle(element: unknown): { backgroundColor: string };
        };
        return {
          overflow: document.documentElement.scrollWidth - innerWidth,
          background: getComputedStyle(document.body).backgroundColor,
          charts: [...document.querySelectorAll("figure svg")]
            .map((svg) => ({ box: svg.getBoundingClientRect(), id: svg.parentElement.closest("figure").id }))
            .filter(({ box }) => box.width > 0 && box.height > 0)
            .map(({ box, id }) => ({ id, fits: box.right <= innerWidth && box.width > 250 })),
        };
      });
      expect(complaints).toEqual([]);
      expect(shown.overflow).toBeLessThanOrEqual(0);
      expect(shown.charts.map(({ id }) => id).sort()).toEqual(
        chartsOf(comparison())
          .map(({ name }) => `chart-${name}`)
          .sort(),
      );
      expect(shown.charts.every(({ fits }) => fits)).toBe(true);
      expect(shown.background).toBe(rgb(THEMES[theme].paper));
    },
  );

  it.for(["light", "dark"] as const)("draws text and marks in the colours of the %s theme", async (theme) => {
    const { page } = await open(WIDTHS.desktop, theme);
    const colours = await page.evaluate(() => {
      const { document, getComputedStyle } = globalThis as unknown as {
        document: { querySelectorAll(selector: string): Iterable<unknown> };
        getComputedStyle(element: unknown): { fill: string };
      };
      return [...document.querySelectorAll("figure .wide svg *")].map((element) => getComputedStyle(element).fill);
    });
    for (const role of ["ink", "muted", "baseline", "concurrent", "parallel", "wrong"] as const) {
      expect(colours, role).toContain(rgb(THEMES[theme][role]));
    }
  });

  it("shows hostile names as what they are: text", async () => {
    const { page, complaints } = await open(WIDTHS.desktop, "light");
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.locator("script").count()).toBe(0);
    const text = (await page.locator("body").textContent())!;
    expect(text.split(HOSTILE).length).toBeGreaterThan(3);
    expect(await page.locator("figure svg text", { hasText: "<img src=x" }).count()).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  it("has charts that are well-formed files of their own, hostile names included", async () => {
    const { page } = await open(WIDTHS.desktop, "light");
    for (const { name, text } of chartFiles(comparison(), await loadCharts())) {
      const root = await page.evaluate((svg) => {
        const { DOMParser } = globalThis as unknown as {
          DOMParser: new () => {
            parseFromString(text: string, type: string): { documentElement: { tagName: string } };
          };
        };
        return new DOMParser().parseFromString(svg, "image/svg+xml").documentElement.tagName;
      }, text);
      expect(root, name).toBe("svg");
    }
  });

  it("can be read where a table is wider than a telephone: the table scrolls, its first column stays", async () => {
    const { page } = await open(WIDTHS.telephone, "light");
    const scroll = page.locator("#places .scroll").first();
    const header = scroll.locator("tbody th").first();
    const before = await header.boundingBox();
    const moved = await scroll.evaluate((element) => {
      const scrolling = element as unknown as { scrollLeft: number };
      scrolling.scrollLeft = 120;
      return scrolling.scrollLeft;
    });
    expect(moved).toBeGreaterThan(0);
    expect((await header.boundingBox())!.x).toBe(before!.x);
  });
});

/** `#1c2128` as browsers report it. */
function rgb(colour: string): string {
  const channel = (at: number): number => Number.parseInt(colour.slice(at, at + 2), 16);
  return `rgb(${channel(1)}, ${channel(3)}, ${channel(5)})`;
}
