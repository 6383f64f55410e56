/** The files of a job, each at a place of its own. */
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { LedgerError } from "../core/errors.js";
import { BESIDE_OUTPUT } from "./output.js";

/** Paths of a job's files by what they are; undefined where there is none. */
export interface JobPaths {
  readonly ledger: string;
  readonly transfers: string | undefined;
  readonly accounts: string | undefined;
  readonly results: string | undefined;
  readonly balances: string | undefined;
  readonly net: string | undefined;
}

const IN_ORDER = ["ledger", "transfers", "accounts", "results", "balances", "net"] as const;
/** What follows a ledger's path in the name of the file that is beside it while it is open. */
const BESIDE_LEDGER = ["-journal"];
const BESIDE: Readonly<Partial<Record<keyof JobPaths, readonly string[]>>> = {
  ledger: BESIDE_LEDGER,
  results: BESIDE_OUTPUT,
  balances: BESIDE_OUTPUT,
  net: BESIDE_OUTPUT,
};

/**
 * Refuses outputs that would overwrite the ledger, an input or one another. `nameOf` says what messages call a path. Throws
 * `invalid_argument`.
 */
export async function checkPaths(paths: JobPaths, nameOf: (path: keyof JobPaths) => string): Promise<void> {
  const seen = new Map<string, keyof JobPaths>();
  for (const what of IN_ORDER) {
    const path = paths[what];
    if (path === undefined || path === ":memory:") continue;
    if (typeof path !== "string" || path === "") {
      throw new LedgerError("invalid_argument", `${nameOf(what)} must be the path of a file, not '${String(path)}'`);
    }
    const stats = await stat(path).catch(() => undefined);
    // Devices and pipes may well be named twice.
    if (stats !== undefined && !stats.isFile()) continue;
    const place = await placeOf(path);
    for (const file of [place, ...(BESIDE[what] ?? []).map((suffix) => `${place}${suffix}`)]) {
      const other = seen.get(file);
      if (other !== undefined && !(what === "accounts" && other === "transfers")) {
        const why = file === place ? `both name ${path}` : `would both use ${file}`;
        throw new LedgerError(
          "invalid_argument",
          `${nameOf(other)} and ${nameOf(what)} ${why}: give each a file of its own`,
        );
      }
      seen.set(file, what);
    }
  }
}

/** Where a file is, or will be, whatever links lead there. */
async function placeOf(path: string): Promise<string> {
  const inFolder = async (): Promise<string> => join(await realpath(dirname(path)), basename(path));
  return realpath(path)
    .catch(inFolder)
    .catch(() => resolve(path));
}
