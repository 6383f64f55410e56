/** Files that appear whole or not at all: written beside their place, moved there once they are on disk. */
import { type Stats, statSync } from "node:fs";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { LedgerError } from "../core/errors.js";

function failure(code: "cannot_create" | "cannot_write", path: string, cause: unknown): LedgerError {
  return new LedgerError(code, `${path} can't be written: ${reasonOf(path, cause)}`, { cause, details: { path } });
}

/** What is in the way, and what to do about it. */
function reasonOf(path: string, cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  const folder = dirname(path);
  if (code === "ENOENT" && statSync(folder, { throwIfNoEntry: false }) === undefined) {
    return `the folder '${folder}' does not exist: create it first`;
  }
  if (code === "EACCES") return `this process may not write in the folder '${folder}'`;
  if (code === "ENOSPC") return "its disk is full: free some space, and run the same command again";
  return message;
}

/** A file being written. */
export class OutputFile {
  readonly #path: string;
  readonly #target: string;
  /** Whether bytes go to the target itself: a device or a pipe has no place to move to. */
  readonly #isDirect: boolean;
  readonly #handle: FileHandle;

  private constructor(path: string, target: string, isDirect: boolean, handle: FileHandle) {
    this.#path = path;
    this.#target = target;
    this.#isDirect = isDirect;
    this.#handle = handle;
  }

  /** Begins the file. Throws `cannot_create` with the path and the system's reason. */
  static async create(path: string): Promise<OutputFile> {
    try {
      const stats: Stats | undefined = await stat(path).catch(() => undefined);
      if (stats?.isDirectory() === true) throw new Error("it is a directory, expected the path of a file");
      const isDirect = stats !== undefined && !stats.isFile();
      // A link stays a link: what it names is replaced.
      const target = stats?.isFile() === true ? await realpath(path) : path;
      return new OutputFile(path, target, isDirect, await open(isDirect ? path : `${target}.partial`, "w"));
    } catch (cause) {
      throw failure("cannot_create", path, cause);
    }
  }

  /** Appends bytes or text. Throws `cannot_write`. */
  async write(data: Uint8Array | string): Promise<void> {
    try {
      await this.#handle.writeFile(data);
    } catch (cause) {
      throw failure("cannot_write", this.#path, cause);
    }
  }

  /** Brings the file to disk and to its place. Throws `cannot_write`. */
  async finish(): Promise<void> {
    try {
      if (!this.#isDirect) await this.#handle.sync();
      await this.#handle.close();
      if (!this.#isDirect) await rename(`${this.#target}.partial`, this.#target);
    } catch (cause) {
      throw failure("cannot_write", this.#path, cause);
    }
  }

  /** Gives up: leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    if (!this.#isDirect) await rm(`${this.#target}.partial`, { force: true }).catch(() => {});
  }
}
