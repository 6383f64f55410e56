/** Before any test: what is tested is the build, so it must be that of the source as it is now. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Written last by the build. */
const BUILT_LAST = "dist/src/index.js";

export default function checkBuild(): void {
  const builtAt = statSync(join(ROOT, BUILT_LAST), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for (const folder of ["src", "workers", "bench"]) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts") || statSync(join(ROOT, folder, file)).mtimeMs <= builtAt) continue;
      throw new Error(`${join(folder, file)} was changed since the last build: run 'npm run build' first`);
    }
  }
}
