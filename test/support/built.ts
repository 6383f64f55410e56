/** Before any test: what is tested is the build, so it must be that of the source as it is now. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What the build writes last of each part of the source; the first that fits counts. */
const PARTS = [
  { of: join("src", "kernel", "strategies"), built: "dist/strategies.wasm" },
  { of: join("src", "kernel"), built: "dist/kernel.wasm" },
  { of: "", built: "dist/src/index.js" },
];

function changedAt(path: string): number {
  return statSync(join(ROOT, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

export default function checkBuild(): void {
  const builtAt = PARTS.map(({ built }) => changedAt(built));
  for (const folder of ["src", "workers", "bench"].filter((name) => existsSync(join(ROOT, name)))) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      const file = join(folder, name);
      if (!file.endsWith(".ts")) continue;
      const part = PARTS.findIndex(({ of }) => file.startsWith(of));
      if (changedAt(file) <= builtAt[part]!) continue;
      throw new Error(`${file} was changed since the last build: run 'npm run build' first`);
    }
  }
}
