/** Optional packages: imported when something needs them, with an error that says what to install. */
import { LedgerError } from "./errors.js";

/**
 * Imports an optional package, as in `importPeer("pg", () => import("pg"))`. Throws `peer_missing` where it is not
 * installed; any other failure of the import is passed on.
 */
export async function importPeer<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    throw new LedgerError("peer_missing", `the optional package '${name}' is not installed: npm install ${name}`, {
      cause: error,
      details: { package: name },
    });
  }
}
