/** What is loaded before anybody asks for it: every program that uses the package waits for it. */
import { accessSync, constants, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { expect, test } from "vitest";
import { builtFile } from "../../src/core/built.js";

/** The files that the module at `file` imports at once, directly or not, itself included, and the packages. */
function loadedWith(file: URL, files = new Set<string>(), packages = new Set<string>()) {
  files.add(file.href);
  for (const [, from] of readFileSync(file, "utf8").matchAll(/^import (?:[^"]* from )?"([^"]+)";$/gm)) {
    const next = new URL(from!, file);
    if (!from!.startsWith(".")) {
      if (!isBuiltin(from!)) packages.add(from!);
    } else if (!files.has(next.href)) loadedWith(next, files, packages);
  }
  return { files: files.size, packages: [...packages] };
}

test.each([
  // The package itself, what all of it needs, and two that hold it together.
  { file: "index.js", files: 4, packages: [] },
  { file: "cli.js", files: 3, packages: ["commander"] },
])("$file is loaded from a few files, and with few packages", ({ file, files, packages }) => {
  const loaded = loadedWith(builtFile(file));
  expect(loaded.packages).toEqual(packages);
  expect(loaded.files).toBeLessThanOrEqual(files);
  expect(loaded.files).toBeGreaterThan(1);
});

test("the command may be executed after every build, not only after the one that npm linked", () => {
  expect(() => accessSync(builtFile("cli.js"), constants.X_OK)).not.toThrow();
});
