/**
 * docs/transfers.md: its tables of results are the code's, its programs print what they say (those of docs/export.md, too),
 * and each of its statements names tests that there are.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ACCOUNT_RESULTS, TRANSFER_RESULTS } from "../../src/index.js";
import { temporaryFolder } from "../support/cli.js";
import { NOT_OF_A_CALL, readGolden } from "../support/golden.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

function document(name: string): string {
  return readFileSync(join(ROOT, name), "utf8");
}

describe("docs/transfers.md", () => {
  const text = document("docs/transfers.md");

  it("has every result of a transfer, in the order of checks, as the code has it", () => {
    const rows = [...text.matchAll(/^\| `([a-z_0-9]+)` *\| (yes)? *\| (.+?) *\|$/gm)];
    expect(rows.map(([, name, recorded, meaning]) => ({ name, recorded: recorded === "yes", meaning }))).toEqual(
      TRANSFER_RESULTS.map(({ name, recorded, meaning }) => ({ name, recorded, meaning })),
    );
  });

  it("has every result of creating an account, in the order of checks", () => {
    const list = /the first of these that applies: ([^.]+)\./.exec(text.replaceAll("\n", " "))![1]!;
    expect([...list.matchAll(/`([a-z_0-9]+)`/g)].map(([, name]) => name)).toEqual([...ACCOUNT_RESULTS]);
  });
});

interface Statement {
  readonly text: string;
  /** Names of tests, and the paths of their files. */
  readonly tests: readonly { readonly name: string; readonly file: string }[];
}

/** The rows of the tables that say which test holds a statement; the files are listed at the end. */
function statementsIn(text: string): Statement[] {
  const files = new Map([...text.matchAll(/^\[(.+)\]: \.\.\/(test\/.+)$/gm)].map(([, key, file]) => [key!, file!]));
  return [...text.matchAll(/^\| (.+?) +\| (\[.+\]) *\|$/gm)].map(([, statement, links]) => ({
    text: statement!,
    tests: [...links!.matchAll(/\[([^\]]+)\]\[([^\]]+)\]/g)].map(([, name, key]) => ({
      name: name!,
      file: files.get(key!) ?? expect.unreachable(`no file is listed for [${key}]`),
    })),
  }));
}

/** A title as a pattern: what a table of cases fills in may be anything, and in brackets at its end may be left out. */
function patternOf(title: string): string {
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const hole = /(?:\\\$\w+|%[a-z])/.source;
  return escaped.replace(new RegExp(` \\\\\\(${hole}\\\\\\)$`), "").replace(new RegExp(hole, "g"), ".+");
}

/** Whether the file has a test of this name: a scenario's heading, or a title, with that of its group before it or not. */
function hasTest({ name, file }: Statement["tests"][number]): boolean {
  const text = document(file);
  if (file.endsWith(".md")) return text.split("\n").includes(`## ${name}`);
  let group = "";
  // Titles are followed by a function, with or without options before it.
  for (const found of text.matchAll(/\(\s*(["'`])((?:(?!\1).)+)\1,\s*(?:\{[^}]*\},\s*)?(?:async )?\(/g)) {
    const before = text.slice(text.lastIndexOf("\n", found.index) + 1, found.index);
    if (/^\s*\/\/|\b(?:skip|todo|fails)\b/.test(before)) continue;
    if (/\bdescribe(?:\.\w+\(.*\))?$/.test(before)) group = patternOf(found[2]!);
    else if (new RegExp(`^(?:${group} )?${patternOf(found[2]!)}$`).test(name)) return true;
  }
  return false;
}

describe("the statements in docs/transfers.md", () => {
  const statements = statementsIn(document("docs/transfers.md"));

  it("each name a test, and only tests that there are", () => {
    expect(statements.length).toBeGreaterThan(40);
    for (const { text, tests } of statements) {
      expect(tests.length, text).toBeGreaterThan(0);
      for (const test of tests) expect(hasTest(test), `'${test.name}' in ${test.file}`).toBe(true);
    }
  });

  it("are held by every scenario of the golden file", () => {
    const named = new Set(statements.flatMap(({ tests }) => tests.map(({ name }) => name)));
    const scenarios = readGolden(new URL("../golden/transfers.md", import.meta.url));
    expect(scenarios.map(({ name }) => name).filter((name) => !named.has(name))).toEqual([]);
  });

  it("have every result, each held by a test in which it comes out, of a call by a row of the golden file", () => {
    const golden = "test/golden/transfers.md";
    for (const { name } of TRANSFER_RESULTS) {
      const about = statements.filter(({ text }) => text.includes(`\`${name}\``));
      const files = about.flatMap(({ tests }) => tests.map(({ file }) => file));
      const word = new RegExp(`\\b${name}\\b`);
      expect(
        files.some((file) => (NOT_OF_A_CALL.includes(name) || file === golden) && word.test(document(file))),
        name,
      ).toBe(true);
    }
  });
});

/** The programs of a document that print something, with what each line says that it prints. */
function programs(name: string): { readonly code: string; readonly printed: readonly string[] }[] {
  return [...document(name).matchAll(/^```(?:js|ts)\n([\s\S]*?)^```$/gm)]
    .map(([, code]) => ({
      code: code!,
      printed: [...code!.matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm)].map(([, line]) => line!),
    }))
    .filter(({ printed }) => printed.length > 0);
}

describe.each(["docs/transfers.md", "docs/export.md"])("the programs in %s", (name) => {
  const found = programs(name);

  it.each(found.map((program, index) => ({ index, ...program })))(
    "print what they say ($index)",
    async ({ code, printed }) => {
      const folder = temporaryFolder();
      const library = pathToFileURL(join(ROOT, "dist/index.js")).href;
      writeFileSync(join(folder, "program.mjs"), code.replaceAll('"parallel-ledger"', JSON.stringify(library)));
      const { stdout } = await run(process.execPath, ["program.mjs"], { cwd: folder });
      expect(stdout.trimEnd().split("\n")).toEqual(printed);
    },
  );

  it("are some", () => {
    expect(found.length).toBeGreaterThan(0);
  });
});
