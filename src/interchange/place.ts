/** The place of what is being written: nothing is there before all of it is, and nothing there is overwritten. */
import { existsSync } from "node:fs";
import { lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LedgerError } from "../core/errors.js";

/** A path that is free, and a folder beside it to work in. */
export class Place {
  readonly path: string;
  /** On the same disk as `path`, so that what is in it can be moved there; gone in the end. */
  readonly folder: string;
  /** Paths at which nothing may be. */
  readonly #free: readonly string[];

  private constructor(path: string, folder: string, free: readonly string[]) {
    this.path = path;
    this.folder = folder;
    this.#free = free;
  }

  /** Throws `cannot_create` where something is there already, or nothing can be written beside it. */
  static async reserve(path: string, kind: "folder" | "database"): Promise<Place> {
    // SQLite would take what is in the journal of a database that is gone for the new one's, and spoil that.
    const free = kind === "folder" ? [path] : [path, `${path}-journal`, `${path}-wal`];
    await checkFree(free);
    const parent = dirname(path);
    if (!existsSync(parent)) throw cannotCreate(path, `the folder '${parent}' does not exist: create it first`);
    try {
      return new Place(path, await mkdtemp(join(parent, `${basename(path)}.partial-`)), free);
    } catch (cause) {
      throw cannotCreate(path, (cause as Error).message, cause);
    }
  }

  /** Moves what is at `from` (the folder, or a file in it) to the place. Throws `cannot_create`. */
  async take(from: string): Promise<void> {
    await checkFree(this.#free);
    try {
      await rename(from, this.path);
    } catch (cause) {
      throw cannotCreate(this.path, (cause as Error).message, cause);
    }
    await this.clear();
  }

  /** Removes what is left of the folder. */
  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true }).catch(() => {});
  }
}

async function checkFree([path, ...journals]: readonly string[]): Promise<void> {
  const exists = (at: string): Promise<boolean> =>
    lstat(at).then(
      () => true,
      () => false,
    );
  if (await exists(path!)) throw cannotCreate(path!, "it exists, and nothing is overwritten: name another path");
  for (const journal of journals) {
    if (!(await exists(journal))) continue;
    throw cannotCreate(path!, `'${journal}' is left of a database that was there: delete it, or name another path`);
  }
}

function cannotCreate(path: string, reason: string, cause?: unknown): LedgerError {
  return new LedgerError("cannot_create", `${path} can't be written: ${reason}`, { cause, details: { path } });
}
