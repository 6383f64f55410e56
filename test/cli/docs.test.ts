/** The documents say what is so: the table of errors is complete, the examples do what they show. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../../src/cli/output.js";
import { LedgerError } from "../../src/index.js";
import { TABLES } from "../../src/interchange/tables.js";
import { cli, folderOf, read } from "../support/cli.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

function document(name: string): string {
  return readFileSync(join(ROOT, "docs", name), "utf8");
}

/** The codes in `src`, from everything that makes or remakes a LedgerError. */
function codesInSource(): Set<string> {
  const codes = new Set<string>();
  for (const path of readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".ts")) continue;
    const text = readFileSync(join(ROOT, "src", path), "utf8");
    const places = [
      /new LedgerError\(\s*"([a-z_]+)"/g,
      // Codes handed to a function that makes the error.
      /\bfailure\(\s*"([a-z_]+)"/g,
      /\bcode(?:: string)? = "([a-z_]+)"/g,
      /#complain\([^;]*?"([a-z_]+)"\);/g,
    ];
    for (const place of places) for (const [, code] of text.matchAll(place)) codes.add(code!);
  }
  return codes;
}

describe("docs/errors.md", () => {
  const rows = [...document("errors.md").matchAll(/^\| `([a-z_]+)` *\| (.+?) *\| (.+?) *\| ([12]) *\|$/gm)];

  it("lists every code in src, and no other", () => {
    const listed = rows.map(([, code]) => code!);
    expect(listed).toEqual([...listed].sort());
    expect(new Set(listed)).toEqual(codesInSource());
  });

  it("gives each the exit code that the command line gives it", () => {
    for (const [, code, , , exit] of rows) {
      expect(exitCodeOf(new LedgerError(code!, "")), code).toBe(Number(exit));
    }
  });

  it("is right that errors of any other kind end with 1", () => {
    expect(exitCodeOf(new Error("invalid_argument"))).toBe(1);
  });
});

describe("docs/cli.md", () => {
  const text = document("cli.md");
  const blocks = [...text.matchAll(/(?:^`([\w.-]+)`[^\n]*:\n\n)?^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    ([, file, language, body]) => ({ file, language, body: body! }),
  );

  it("shows jobs that end as it says", async () => {
    const commands = blocks.filter(({ language }) => language === "sh").flatMap(({ body }) => body.trim().split("\n"));
    const written = new Set(
      commands.flatMap((command) => [...command.matchAll(/--(?:results|balances) (\S+)/g)]).map(([, file]) => file),
    );
    const named = blocks.filter(({ file }) => file !== undefined);
    const inputs = named.filter(({ file }) => !written.has(file!));
    const outputs = named.filter(({ file }) => written.has(file!));
    const folder = folderOf(Object.fromEntries(inputs.map(({ file, body }) => [file!, body])));
    expect([commands.length, inputs.length, outputs.length]).toEqual([13, 6, 5]);
    const [first] = commands;
    for (const command of commands) {
      const [program, ...args] = command.split(" ");
      expect(program).toBe("parallel-ledger");
      const run = await cli(command === first ? [...args, "--net", "net.csv"] : args, { cwd: folder });
      expect(run.code, run.stderr).toBe(0);
    }
    for (const { file, body } of outputs) expect(read(folder, file!), file).toBe(body);
    const net = blocks.find(({ body }) => body.startsWith("id,asset,paid,"));
    expect(read(folder, "net.csv")).toBe(net!.body);
  });

  it("names only options that there are, and every option of every command", async () => {
    const { stdout: commands } = await cli(["--help"]);
    const options = new Set(["--help"]);
    for (const [, command] of commands.matchAll(/^ {2}([a-z]+) .*\[options\]/gm)) {
      const { stdout } = await cli([command!, "--help"]);
      for (const [, option] of stdout.matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)) options.add(option!);
    }
    const named = new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option));
    for (const option of named) expect(options.has(option), option).toBe(true);
    expect([...options].filter((option) => !named.has(option))).toEqual([]);
    expect(options.size).toBeGreaterThan(10);
  });
});

describe("docs/export.md", () => {
  it("has a row for every column of every table, in their order, with its kind, and no other", () => {
    const listed = [
      ...document("export.md").matchAll(/^\| `([a-z_]+)` *\| (integer|text|flag|amount|nanoseconds) *\|/gm),
    ];
    const columns = TABLES.flatMap((table) => table.columns.map(({ name, kind }) => [name, kind]));
    expect(listed.map(([, name, kind]) => [name, kind])).toEqual(columns);
  });
});
