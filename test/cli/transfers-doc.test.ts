/** docs/transfers.md: its tables of results are the code's, and its programs print what they say. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { ACCOUNT_RESULTS, TRANSFER_RESULTS } from "../../src/index.js";
import { temporaryFolder } from "../support/cli.js";

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

/** The programs of a document that print something, with what each line says that it prints. */
function programs(name: string): { readonly code: string; readonly printed: readonly string[] }[] {
  return [...document(name).matchAll(/^```(?:js|ts)\n([\s\S]*?)^```$/gm)]
    .map(([, code]) => ({
      code: code!,
      printed: [...code!.matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm)].map(([, line]) => line!),
    }))
    .filter(({ printed }) => printed.length > 0);
}

describe("the programs in docs/transfers.md", () => {
  const found = programs("docs/transfers.md");

  it.each(found.map((program, index) => ({ index, ...program })))(
    "print what they say ($index)",
    async ({ code, printed }) => {
      const folder = temporaryFolder();
      const library = pathToFileURL(join(ROOT, "dist/src/index.js")).href;
      writeFileSync(join(folder, "program.mjs"), code.replaceAll('"parallel-ledger"', JSON.stringify(library)));
      const { stdout } = await run(process.execPath, ["program.mjs"], { cwd: folder });
      expect(stdout.trimEnd().split("\n")).toEqual(printed);
    },
  );

  it("are some", () => {
    expect(found.length).toBeGreaterThan(0);
  });
});
