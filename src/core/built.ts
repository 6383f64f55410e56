/** Where the built files are: worker threads and the kernel always come from `dist/`, whoever asks. */
import { existsSync } from "node:fs";

/** Where `dist/` is from here: in a bundle of the build, in a module of it, and in the source under a test runner. */
const FOLDERS = ["./", "../../", "../../dist/"];

/** Location of a file of the build, `relative` to `dist/` (for example `workers/engine.cjs`, `kernel.wasm`). */
export function builtFile(relative: string): URL {
  const places = FOLDERS.map((folder) => new URL(folder + relative, import.meta.url));
  return places.find((place) => existsSync(place)) ?? places.at(-1)!;
}
