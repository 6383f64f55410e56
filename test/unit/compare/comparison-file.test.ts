import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readComparison, writeComparison } from "../../../src/compare/comparison-file.js";
import { HOSTILE, wholeComparison } from "../../support/comparison.js";
import { temporaryFolder } from "../../support/ledgers.js";

describe("a comparison's file", () => {
  it("comes back as it was written, a line for each cell", async () => {
    const file = join(temporaryFolder(), "comparison.json");
    const comparison = wholeComparison({ command: HOSTILE, skipped: [{ what: HOSTILE, why: "\n" }] });
    await writeComparison(file, comparison);
    expect(await readComparison(file)).toEqual(comparison);
    const cellLines = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line.startsWith('{"part"'));
    expect(cellLines.length).toBe(comparison.cells.length);
  });

  it.for<[string, (good: Record<string, unknown>) => unknown, string]>([
    ["no object", () => [], '"format"'],
    ["of another format", (good) => ({ ...good, format: 99 }), "found 99"],
    ["without cells", ({ cells: _, ...good }) => good, "the comparison.cells: expected an array"],
    ["with a cell that is none", (good) => ({ ...good, cells: [null] }), "cells[0]: expected an object"],
    ["with a figure that is none", (good) => ({ ...good, seed: "1" }), "the comparison.seed: expected a number"],
    ["with a server that has no name", (good) => ({ ...good, servers: { a: 1 } }), "servers"],
  ])("that is %s is refused, and said why", async ([, change, why]) => {
    const file = join(temporaryFolder(), "comparison.json");
    writeFileSync(file, JSON.stringify(change({ ...wholeComparison() })));
    await expect(readComparison(file)).rejects.toMatchObject({
      code: "not_a_comparison",
      message: expect.stringContaining(why),
    });
  });

  it("that is not there is refused", async () => {
    await expect(readComparison(join(temporaryFolder(), "none.json"))).rejects.toMatchObject({ code: "cannot_read" });
  });
});
