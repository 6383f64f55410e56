/** Law 7: the racy strategy can't be reached through the public ledger, nor through the engine's kernel. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { builtFile } from "../../../src/core/built.js";
import * as api from "../../../src/index.js";

/** Every source file that `file` imports, directly or not, itself included. */
function reachable(file: URL, seen = new Set<string>()): Set<string> {
  if (seen.has(file.href)) return seen;
  seen.add(file.href);
  const source = readFileSync(file, "utf8");
  for (const [, path] of source.matchAll(/\bfrom\s+"(\.[^"]+)\.js"|\bimport\("(\.[^"]+)\.js"\)/g)) {
    if (path !== undefined) reachable(new URL(`${path}.ts`, file), seen);
  }
  return seen;
}

const exportsOf = (file: string): string[] =>
  (WebAssembly as unknown as { Module: { exports(module: WebAssembly.Module): { name: string }[] } }).Module.exports(
    new WebAssembly.Module(readFileSync(builtFile(file))),
  ).map(({ name }) => name);

test("nothing that the public API imports is part of a strategy", () => {
  const files = [...reachable(new URL("../../../src/index.ts", import.meta.url))];
  // The walk did see the whole: the engine is behind several imports.
  expect(files.some((file) => file.endsWith("/src/engine/executor.ts"))).toBe(true);
  expect(files.filter((file) => file.includes("/strategies/"))).toEqual([]);
  expect(Object.keys(api).filter((name) => /unsafe|strateg|bank/i.test(name))).toEqual([]);
});

test("nor is anything that the engine's worker threads import", () => {
  for (const worker of ["engine", "store"]) {
    const files = [...reachable(new URL(`../../../workers/${worker}.ts`, import.meta.url))];
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((file) => file.includes("/strategies/"))).toEqual([]);
  }
});

test("the engine's kernel holds no protocol of a strategy", () => {
  const kernel = exportsOf("kernel.wasm");
  const strategies = exportsOf("strategies.wasm");
  expect(kernel).toContain("classify");
  expect(strategies).toContain("step");
  expect(kernel.filter((name) => strategies.includes(name))).toEqual([]);
});
