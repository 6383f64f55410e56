/** The README's program prints what its comments say. */
import { execFile } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { folderOf } from "../support/cli.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

test("the blocks of the README, run one after the other, print what stands beside each line", async () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, body]) => body!);
  expect(blocks.length).toBeGreaterThan(1);
  const program = blocks.join("\n");
  const expected = [...program.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line);
  expect(expected.length).toBe((program.match(/console\.log/g) ?? []).length);
  const folder = folderOf({ "package.json": JSON.stringify({ type: "module" }) });
  // The package by its own name, as a user has it.
  const modules = folderOf({});
  symlinkSync(ROOT, join(modules, "parallel-ledger"));
  symlinkSync(modules, join(folder, "node_modules"));
  // One line each, however long.
  const wide = `import { inspect } from "node:util";\ninspect.defaultOptions.breakLength = Infinity;\ninspect.defaultOptions.compact = 9;\n`;
  writeFileSync(join(folder, "program.js"), `${wide}${program}\nawait ledger.close();\n`);
  const { stdout } = await run(process.execPath, ["program.js"], { cwd: folder });
  expect(stdout.trimEnd().split("\n")).toEqual(expected);
});
