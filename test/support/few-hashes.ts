/** A kernel whose hash of long ids has few values: with the real one nobody knows two texts of one hash. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HASH = "store<u64>(key, low + high * MIX_B);\n  store<u64>(key, high ^ (low * MIX_A), 8);";
const FEW = "store<u64>(key, (low + high * MIX_B) >> (length < 32 ? 61 : 54));\n  store<u64>(key, 0, 8);";

/** The kernel as it is, but for that ids of 17 to 31 bytes have 8 hashes, and ids of 32 to 64 bytes 1,024. */
export async function buildKernelOfFewHashes(): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "parallel-ledger-kernel-"));
  try {
    cpSync(join(ROOT, "src"), join(folder, "src"), { recursive: true });
    const path = join(folder, "src/kernel/identifiers.ts");
    const source = readFileSync(path, "utf8");
    if (!source.includes(HASH)) throw new Error(`expected ${path} to end a hash with:\n  ${HASH}`);
    writeFileSync(path, source.replace(HASH, FEW));
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      scripts: { "build:kernel": string };
    };
    const [, ...args] = scripts["build:kernel"].replace("-O3", "-O0").split(" ");
    args[args.indexOf("--outFile") + 1] = join(folder, "kernel.wasm");
    const asc = join(ROOT, "node_modules/assemblyscript/bin/asc.js");
    await promisify(execFile)(process.execPath, [asc, ...args], { cwd: folder });
    return readFileSync(join(folder, "kernel.wasm"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
