/** Where the built files are: worker threads and the kernel always come from `dist/`, whoever asks. */
import { existsSync } from "node:fs";

/**
 * Location of a file of the build, `relative` to `dist/` (for example `workers/engine.cjs`, `kernel.wasm`).
 * The caller may itself run from `dist/src/core` or, under a test runner, from `src/core`.
 */
export function builtFile(relative: string): URL {
  const fromBuild = new URL(`../../${relative}`, import.meta.url);
  return existsSync(fromBuild) ? fromBuild : new URL(`../../dist/${relative}`, import.meta.url);
}
