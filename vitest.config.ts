import { defineConfig } from "vitest/config";

/** Files that put something else in a module's place, for which they need modules of their own. */
const MOCKING = [
  "test/unit/core/layout.test.ts",
  "test/unit/engine/late-worker.test.ts",
  "test/unit/stores/sqlite.test.ts",
  "test/unit/strategies/layout.test.ts",
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // To load the modules anew for every file takes a tenth of the whole time.
    projects: [
      { extends: true, test: { name: "mocking", include: MOCKING } },
      { extends: true, test: { name: "all", include: ["test/**/*.test.ts"], exclude: MOCKING, isolate: false } },
    ],
  },
});
