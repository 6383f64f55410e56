import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Files that put something else in a module's place, for which they need modules of their own. */
const MOCKING = [
  "test/unit/core/layout.test.ts",
  "test/unit/engine/late-worker.test.ts",
  "test/unit/kernel/equal-keys.test.ts",
  "test/unit/stores/sqlite.test.ts",
  "test/unit/strategies/layout.test.ts",
];

/**
 * Modules of the build in the place of the source's: what is tested is what runs, and it runs as fast as it does elsewhere.
 * The test runner makes every use of an import a call, which is a fifth of the whole time.
 */
const BUILT = {
  alias: [{ find: /^(?:\.\.\/)+src\/(.+)$/, replacement: `${fileURLToPath(new URL("dist/src/", import.meta.url))}$1` }],
};

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    globalSetup: "test/support/built.ts",
    // To load the modules anew for every file takes a tenth of the whole time.
    projects: [
      { extends: true, test: { name: "mocking", include: MOCKING } },
      {
        extends: true,
        resolve: BUILT,
        test: {
          name: "all",
          include: ["test/**/*.test.ts"],
          exclude: MOCKING,
          isolate: false,
          server: { deps: { external: [/\/dist\/src\//] } },
        },
      },
    ],
  },
});
