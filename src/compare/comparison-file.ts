/** Comparisons as JSON files: written so that a change shows as few lines, read with the suspicion that a file deserves. */
import { readFile, writeFile } from "node:fs/promises";
import { LedgerError } from "../core/errors.js";
import { COMPARISON_FORMAT, type Comparison } from "./comparison.js";

/** A line for each cell, workload and strategy. */
export function comparisonText({ strategies, workloads, cells, ...rest }: Comparison): string {
  const lines = (items: readonly unknown[]): string => `[\n${items.map((item) => JSON.stringify(item)).join(",\n")}\n]`;
  const head = JSON.stringify(rest, undefined, 2).slice(0, -2);
  return `${head},
  "strategies": ${lines(strategies)},
  "workloads": ${lines(workloads)},
  "cells": ${lines(cells)}
}
`;
}

export async function writeComparison(path: string, comparison: Comparison): Promise<void> {
  await writeFile(path, comparisonText(comparison));
}

/** Reads a comparison. Throws `cannot_read` or `not_a_comparison`. */
export async function readComparison(path: string): Promise<Comparison> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new LedgerError("cannot_read", `'${path}' can't be read: ${(cause as Error).message}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notAComparison(path, `it is no JSON: ${(cause as Error).message}`, cause);
  }
  const format = typeof value === "object" && value !== null ? Reflect.get(value, "format") : undefined;
  if (format !== COMPARISON_FORMAT) {
    throw notAComparison(path, `expected "format": ${COMPARISON_FORMAT}, found ${JSON.stringify(format) ?? "none"}`);
  }
  const problem = mismatch(value, SHAPE, "the comparison");
  if (problem !== undefined) throw notAComparison(path, problem);
  return value as Comparison;
}

function notAComparison(path: string, why: string, cause?: unknown): LedgerError {
  return new LedgerError(
    "not_a_comparison",
    `'${path}' is not what 'parallel-ledger compare --json' writes: ${why}; make a new one`,
    { cause, details: { path } },
  );
}

/** What a value must look like: a type, an object of shapes, an array of one shape, or a record of strings. */
type Shape =
  | "string"
  | "number"
  | "boolean"
  | "strings by name"
  | readonly [Shape]
  | { readonly [name: string]: Shape };

const SAMPLE: Shape = {
  durationMs: "number",
  ok: "number",
  refused: "number",
  conflicts: "number",
  appeared: "number",
  overdrawn: "number",
  overdrawnBy: "number",
  versions: "number",
  changes: "number",
};

const SHAPE: Shape = {
  date: "string",
  command: "string",
  quick: "boolean",
  seed: "number",
  durationMs: "number",
  machine: { cpu: "string", cores: "number", memoryGiB: "number", node: "string", platform: "string" },
  servers: "strings by name",
  strategies: [
    {
      name: "string",
      place: "string",
      safe: "boolean",
      guarantee: "string",
      cost: "string",
      whenToUse: "string",
      whenNot: "string",
    },
  ],
  workloads: [{ name: "string", accounts: "number", description: "string", busiest: "string", share: "number" }],
  cells: [
    {
      part: "string",
      strategy: "string",
      place: "string",
      way: "string",
      threads: "number",
      concurrency: "number",
      workload: "string",
      accounts: "number",
      operations: "number",
      samples: [SAMPLE],
    },
  ],
  skipped: [{ what: "string", why: "string" }],
};

/** Says where a value is not what it must be, or undefined where it is. */
function mismatch(value: unknown, shape: Shape, where: string): string | undefined {
  if (shape === "strings by name") {
    const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
    const isRight = isRecord && Object.values(value).every((text) => typeof text === "string");
    return isRight ? undefined : `${where}: expected an object of strings`;
  }
  if (typeof shape === "string") {
    return typeof value === shape ? undefined : `${where}: expected a ${shape}, found ${JSON.stringify(value)}`;
  }
  if (isArrayShape(shape)) {
    if (!Array.isArray(value)) return `${where}: expected an array`;
    return first(value.map((item, i) => mismatch(item, shape[0], `${where}[${i}]`)));
  }
  if (typeof value !== "object" || value === null) return `${where}: expected an object`;
  return first(
    Object.entries(shape).map(([name, part]) => mismatch(Reflect.get(value, name), part, `${where}.${name}`)),
  );
}

function isArrayShape(shape: Exclude<Shape, string>): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
