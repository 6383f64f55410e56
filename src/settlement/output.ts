/** Files that appear whole or not at all: written beside their place, moved there once they are on disk. */
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { LedgerError } from "../core/errors.js";

function failure(code: "cannot_create" | "cannot_write", path: string, cause: unknown): LedgerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LedgerError(code, `${path} can't be written: ${reason}`, { cause, details: { path } });
}

/** A file being written. */
export class OutputFile {
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Begins the file. Throws `cannot_create` with the path and the system's reason. */
  static async create(path: string): Promise<OutputFile> {
    try {
      if ((await stat(path).catch(() => undefined))?.isDirectory() === true) throw new Error("it is a directory");
      return new OutputFile(path, await open(`${path}.partial`, "w"));
    } catch (cause) {
      throw failure("cannot_create", path, cause);
    }
  }

  /** Appends bytes or text. Throws `cannot_write`. */
  async write(data: Uint8Array | string): Promise<void> {
    try {
      if (typeof data === "string") await this.#handle.writeFile(data);
      else await this.#handle.writeFile(data);
    } catch (cause) {
      throw failure("cannot_write", this.#path, cause);
    }
  }

  /** Brings the file to disk and to its place. Throws `cannot_write`. */
  async finish(): Promise<void> {
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(`${this.#path}.partial`, this.#path);
    } catch (cause) {
      throw failure("cannot_write", this.#path, cause);
    }
  }

  /** Gives up: leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(`${this.#path}.partial`, { force: true }).catch(() => {});
  }
}
