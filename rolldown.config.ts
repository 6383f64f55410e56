import { chmodSync } from "node:fs";
import { defineConfig, type RolldownOptions } from "rolldown";

/** Nothing of other packages is bundled. */
const external = /^[^./]/;

/** The entry point of a thread or a process: all of it in one file, which starts sooner than many. */
function worker(name: string, format: "cjs" | "esm"): RolldownOptions {
  const file = `dist/workers/${name}.${format === "cjs" ? "cjs" : "js"}`;
  return { input: `workers/${name}.ts`, platform: "node", external, output: { file, format, codeSplitting: false } };
}

export default defineConfig([
  {
    input: { index: "src/index.ts", cli: "src/cli/main.ts" },
    platform: "node",
    external,
    // npm makes it so once, when it links the command, and the next build makes another file.
    plugins: [{ name: "executable", writeBundle: () => chmodSync("dist/cli.js", 0o755) }],
    output: {
      dir: "dist",
      format: "esm",
      entryFileNames: "[name].js",
      // Beside the index: from there the build's other files are found.
      chunkFileNames: "chunk-[name].js",
      // What every user of the package loads is one file, and what the command line needs to print its help another.
      codeSplitting: {
        groups: [
          { name: "base", test: /src.core.(built|errors)\.ts$/, priority: 1 },
          { name: "ledger", test: /src.index\.ts$/ },
        ],
      },
    },
  },
  // Started with every ledger, and required sooner than imported.
  worker("engine", "cjs"),
  worker("store", "cjs"),
  worker("compare", "esm"),
  worker("interchange", "esm"),
  worker("keeper", "esm"),
  worker("lease-client", "esm"),
  worker("strategies", "esm"),
]);
