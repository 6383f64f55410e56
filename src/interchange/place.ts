/** The place of what is being written: nothing is there before all of it is, and nothing there is overwritten. */
import { existsSync } from "node:fs";
import { mkdtemp, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LedgerError } from "../core/errors.js";

/** A path that is free, and a folder beside it to work in. */
export class Place {
  readonly path: string;
  /** On the same disk as `path`, so that what is in it can be moved there; gone in the end. */
  readonly folder: string;

  private constructor(path: string, folder: string) {
    this.path = path;
    this.folder = folder;
  }

  /** Throws `cannot_create` where something is there already, or nothing can be written beside it. */
  static async reserve(path: string): Promise<Place> {
    await checkFree(path);
    const parent = dirname(path);
    if (!existsSync(parent)) throw cannotCreate(path, `the folder '${parent}' does not exist: create it first`);
    try {
      return new Place(path, await mkdtemp(join(parent, `${basename(path)}.partial-`)));
    } catch (cause) {
      throw cannotCreate(path, (cause as Error).message, cause);
    }
  }

  /** Moves what is at `from` (the folder, or a file in it) to the place. Throws `cannot_create`. */
  async take(from: string): Promise<void> {
    await checkFree(this.path);
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

async function checkFree(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats !== undefined) throw cannotCreate(path, "it exists, and nothing is overwritten: name another path");
}

function cannotCreate(path: string, reason: string, cause?: unknown): LedgerError {
  return new LedgerError("cannot_create", `${path} can't be written: ${reason}`, { cause, details: { path } });
}
