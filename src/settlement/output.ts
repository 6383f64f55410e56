/** Files that appear whole or not at all: written beside their place, moved there once they are on disk. */
import { type Stats, statSync } from "node:fs";
import { type FileHandle, mkdtemp, open, realpath, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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

const BLOCK_SIZE = 1024 * 1024;

/** What follows an output's path in the names of files that are beside it until it is finished. */
const PARTIAL = ".partial";
const CHANGED = ".changed";
const CHAIN = ".chain";
export const BESIDE_OUTPUT: readonly string[] = [PARTIAL, `${PARTIAL}${CHANGED}`, `${PARTIAL}${CHAIN}`];

/** Where the bytes of a file are until it is finished. */
interface Place {
  readonly path: string;
  /** For a device: the folder that was made for the bytes, and where they go in the end. */
  readonly held?: { readonly folder: string; readonly device: FileHandle };
}

/** A file being written. */
export class OutputFile {
  readonly #path: string;
  readonly #target: string;
  /** Undefined where bytes go at once to the target: to a device or a pipe nothing can be moved. */
  readonly #place: Place | undefined;
  #handle: FileHandle;

  private constructor(path: string, target: string, place: Place | undefined, handle: FileHandle) {
    this.#path = path;
    this.#target = target;
    this.#place = place;
    this.#handle = handle;
  }

  /**
   * Begins the file; `isHeld` keeps everything from a device, too, until it is finished. Throws `cannot_create` with
   * the path and the system's reason.
   */
  static async create(path: string, options: { readonly isHeld?: boolean } = {}): Promise<OutputFile> {
    try {
      const stats: Stats | undefined = await stat(path).catch(() => undefined);
      if (stats?.isDirectory() === true) throw new Error("it is a directory, expected the path of a file");
      const isDevice = stats !== undefined && !stats.isFile();
      // A link stays a link: what it names is replaced.
      const target = stats?.isFile() === true ? await realpath(path) : path;
      if (!isDevice) {
        const place = { path: `${target}${PARTIAL}` };
        return new OutputFile(path, target, place, await open(place.path, "w"));
      }
      const device = await open(path, "w");
      if (options.isHeld !== true) return new OutputFile(path, target, undefined, device);
      const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-"));
      const place = { path: join(folder, "held"), held: { folder, device } };
      return new OutputFile(path, target, place, await open(place.path, "w"));
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

  /**
   * Replaces what was written to a held file by what `change` makes of it, in pieces of whole lines, a character for
   * each byte. Throws `cannot_write`.
   */
  async rewrite(change: (lines: string) => string): Promise<void> {
    const from = this.#place!.path;
    const to = `${from}${CHANGED}`;
    try {
      const target = await open(to, "w");
      try {
        for await (const lines of linesOf(from)) await target.writeFile(Buffer.from(change(lines), "latin1"));
      } catch (cause) {
        await target.close();
        await rm(to, { force: true });
        throw cause;
      }
      await this.#handle.close();
      this.#handle = target;
      await rename(to, from);
    } catch (cause) {
      throw failure("cannot_write", this.#path, cause);
    }
  }

  /** Begins a file of lines that may have to be changed before they follow those written here. Throws `cannot_write`. */
  async fork(): Promise<HeldLines> {
    try {
      if (this.#place !== undefined) return await HeldLines.create(this.#path, `${this.#place.path}${CHAIN}`);
      const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-"));
      return await HeldLines.create(this.#path, join(folder, "chain"), folder);
    } catch (cause) {
      throw failure("cannot_write", this.#path, cause);
    }
  }

  /** Appends what `change` makes of lines that were held, in pieces of whole lines, a character for each byte. */
  async join(held: HeldLines, change: (lines: string) => string): Promise<void> {
    try {
      for await (const lines of linesOf(held.path)) await this.#handle.writeFile(Buffer.from(change(lines), "latin1"));
    } catch (cause) {
      throw failure("cannot_write", this.#path, cause);
    }
  }

  /** Brings the file to disk and to its place. Throws `cannot_write`. */
  async finish(): Promise<void> {
    try {
      const place = this.#place;
      const isMoved = place !== undefined && place.held === undefined;
      if (isMoved) await this.#handle.sync();
      await this.#handle.close();
      if (isMoved) await rename(place.path, this.#target);
      else if (place !== undefined) await this.#handOver(place);
    } catch (cause) {
      throw failure("cannot_write", this.#path, cause);
    }
  }

  async #handOver({ path, held }: Place): Promise<void> {
    try {
      for await (const lines of linesOf(path)) await held!.device.writeFile(Buffer.from(lines, "latin1"));
    } finally {
      await this.#clear();
    }
  }

  /** Gives up: leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await this.#clear();
  }

  async #clear(): Promise<void> {
    if (this.#place === undefined) return;
    const { path, held } = this.#place;
    await held?.device.close().catch(() => {});
    await rm(held?.folder ?? path, { recursive: true, force: true }).catch(() => {});
  }
}

/** Lines of an output file that wait beside it. Made by {@link OutputFile.fork}. */
export class HeldLines {
  readonly #output: string;
  readonly path: string;
  /** What is removed in the end: the file, or a folder that was made for it. */
  readonly #removed: string;
  readonly #handle: FileHandle;

  private constructor(output: string, path: string, removed: string, handle: FileHandle) {
    this.#output = output;
    this.path = path;
    this.#removed = removed;
    this.#handle = handle;
  }

  static async create(output: string, path: string, removed: string = path): Promise<HeldLines> {
    return new HeldLines(output, path, removed, await open(path, "w"));
  }

  /** Appends bytes. Throws `cannot_write`. */
  async write(data: Uint8Array): Promise<void> {
    try {
      await this.#handle.writeFile(data);
    } catch (cause) {
      throw failure("cannot_write", this.#output, cause);
    }
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#removed, { recursive: true, force: true }).catch(() => {});
  }
}

/** The file's bytes as characters, in pieces that end where a line ends. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const source = await open(path, "r");
  try {
    const block = Buffer.alloc(BLOCK_SIZE);
    let rest = "";
    for (;;) {
      const { bytesRead } = await source.read(block, 0, block.length, null);
      if (bytesRead === 0) break;
      const text = rest + block.toString("latin1", 0, bytesRead);
      const end = text.lastIndexOf("\n") + 1;
      rest = text.slice(end);
      if (end > 0) yield text.slice(0, end);
    }
    if (rest !== "") yield rest;
  } finally {
    await source.close();
  }
}
