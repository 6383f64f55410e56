/** A file, or standard input, read through a window of shared memory: constant memory for files of any length. */
import { access, constants, type FileHandle, open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { LedgerError } from "../core/errors.js";

const READ_SIZE = 2 * 1024 * 1024;

/** Where the bytes come from. */
export interface ByteSource {
  /** Name for messages. */
  readonly name: string;
  /** Byte length where it is known. */
  readonly byteLength: number | undefined;
  /** Reads up to `target.length` bytes; 0 at the end. */
  read(target: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** A regular file. All that is read of it is what it held when it was opened: `input_changed` where it was written to since. */
export interface FileSource extends ByteSource {
  readonly byteLength: number;
  /** The same from the first byte on, however far this one is, and until this one is closed. */
  again(): ByteSource;
}

/** Opens a regular file or a pipe. Throws `cannot_read` with the path and the system's reason. */
export async function openFile(path: string): Promise<ByteSource | FileSource> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (cause) {
    throw cannotRead(path, cause);
  }
  const stats = await handle.stat({ bigint: true });
  if (stats.isDirectory()) {
    await handle.close();
    throw isDirectory(path);
  }
  const close = (): Promise<void> => handle.close();
  const read = async (target: Uint8Array, position: number | null): Promise<number> => {
    try {
      return (await handle.read(target, 0, target.length, position)).bytesRead;
    } catch (cause) {
      throw cannotRead(path, cause);
    }
  };
  if (!stats.isFile()) {
    return { name: path, byteLength: undefined, read: (target) => read(target, null), close };
  }
  const fromStart = (): ByteSource & Pick<FileSource, "byteLength"> => {
    let position = 0;
    return {
      name: path,
      byteLength: Number(stats.size),
      async read(target) {
        const count = await read(target, position);
        position += count;
        // Behind the read: whatever was written before it shows now.
        const { size, mtimeNs } = await handle.stat({ bigint: true });
        if (size !== stats.size || mtimeNs !== stats.mtimeNs) throw inputChanged(path);
        return count;
      },
      close: async () => {},
    };
  };
  return { ...fromStart(), again: fromStart, close };
}

/** Opens a file that is read more than once. Throws what {@link openFile} does, and `cannot_read` where it is no regular file. */
export async function openFileToRepeat(path: string): Promise<FileSource> {
  // A pipe would be waited at, and what was read of it would be gone.
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined || stats.isFile() || stats.isDirectory()) {
    const source = await openFile(path);
    if ("again" in source) return source;
    await source.close();
  }
  throw cannotRead(path, new Error("it is read more than once, so it must be a regular file"));
}

function inputChanged(path: string): LedgerError {
  return new LedgerError("input_changed", `${path} was changed while it was read: settle it when nobody writes to it`, {
    details: { path },
  });
}

/** Throws what {@link openFile} would, without opening the file: a pipe can be opened only once. */
export async function checkReadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
    if (!(await stat(path)).isDirectory()) return;
  } catch (cause) {
    throw cannotRead(path, cause);
  }
  throw isDirectory(path);
}

function isDirectory(path: string): LedgerError {
  return new LedgerError("cannot_read", `${path} is a directory: expected a CSV file`, { details: { path } });
}

/** The error of a file that can't be read: its path, the reason, what to do. */
export function cannotRead(path: string, cause: unknown): LedgerError {
  return new LedgerError("cannot_read", `${path} can't be read: ${reasonOf(cause)}`, { cause, details: { path } });
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file: check the path";
  if (code === "EACCES") return "this process may not read it: check its permissions";
  return message;
}

/** Reads a stream such as standard input. The signal ends a read that waits for bytes to come. */
export function openStream(stream: Readable, name: string, signal?: AbortSignal): ByteSource {
  let endRead: (reason: unknown) => void = () => {};
  const stop = (): void => {
    stream.destroy(signal?.reason);
    // A stream over something that waits itself is told, and waits on.
    endRead(signal?.reason);
  };
  signal?.addEventListener("abort", stop, { once: true });
  // Whoever reads is told of an error, and nobody may be reading when the signal comes.
  stream.on("error", () => {});
  if (signal?.aborted === true) stop();
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<unknown>;
  let rest: Uint8Array = new Uint8Array(0);
  const bytesOf = piecesAsBytes(name);
  return {
    name,
    byteLength: undefined,
    async read(target) {
      // A piece may be empty, and is not the end.
      while (rest.length === 0) {
        signal?.throwIfAborted();
        const next = await new Promise<IteratorResult<unknown>>((resolve, reject) => {
          endRead = reject;
          iterator.next().then(resolve, reject);
        }).catch((cause: unknown) => {
          signal?.throwIfAborted();
          throw cannotRead(name, cause);
        });
        rest = bytesOf(next.done === true ? new Uint8Array(0) : next.value);
        if (next.done === true) return 0;
      }
      const count = Math.min(rest.length, target.length);
      target.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    async close() {
      signal?.removeEventListener("abort", stop);
      stream.destroy();
    },
  };
}

/** What the pieces of a stream hold, one after the other: bytes, or text, which may be cut within a surrogate pair. */
function piecesAsBytes(name: string): (piece: unknown) => Uint8Array {
  let half = "";
  return (piece) => {
    if (piece instanceof Uint8Array && half === "") return piece;
    if (typeof piece !== "string" && half === "") {
      throw cannotRead(name, new Error(`its pieces must be bytes or text, not ${typeof piece}`));
    }
    const text = typeof piece === "string" ? half + piece : half;
    half = typeof piece === "string" && /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : "";
    const whole = text.slice(0, text.length - half.length);
    // What it would be encoded as is another character, and might be another account.
    if (!whole.isWellFormed()) throw cannotRead(name, new Error("its text holds half of a surrogate pair"));
    return Buffer.from(whole);
  };
}

/**
 * The window: bytes `start`…`end` of shared memory are read and not yet consumed. Reading goes on behind them while a
 * batch parses them; when the window's end is reached, what is left moves to its beginning.
 */
export class InputWindow {
  readonly #source: ByteSource;
  readonly #bytes: Uint8Array;
  readonly #base: number;
  readonly #limit: number;
  #start: number;
  #end: number;
  #isFinal = false;
  #reading: Promise<void> | undefined;
  #failure: unknown;
  /** Bytes read from the source so far. */
  bytesRead = 0;

  constructor(source: ByteSource, bytes: Uint8Array, address: number, byteLength: number) {
    this.#source = source;
    this.#bytes = bytes;
    this.#base = address;
    this.#limit = address + byteLength;
    this.#start = address;
    this.#end = address;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  get available(): number {
    return this.#end - this.#start;
  }

  /** Whether `end` is the source's end. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** Bytes `start`…`end`, for looking at. */
  view(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Moves `start` forward to this address. */
  consumeTo(address: number): void {
    this.#start = address;
  }

  /** Reads until `wanted` bytes are available, or the source or the window ends. Nothing may be parsing meanwhile. */
  async fill(wanted: number): Promise<void> {
    await this.#reading?.catch(() => {});
    if (this.#failure !== undefined) throw this.#failure;
    // Only when more is needed than is at hand: reading on runs ahead of what is consumed, and what is moved is waited for.
    const isShort = !this.#isFinal && this.available < wanted;
    if (isShort && this.#start > this.#base && this.#limit - this.#end < Math.max(READ_SIZE, wanted - this.available)) {
      this.#bytes.copyWithin(this.#base, this.#start, this.#end);
      this.#end = this.#base + this.available;
      this.#start = this.#base;
    }
    while (!this.#isFinal && this.available < wanted && this.#end < this.#limit) await this.#readOnce();
  }

  /** Begins to read on behind `end` while a batch parses what is before it. */
  readAhead(): void {
    if (this.#isFinal || this.#reading !== undefined || this.#limit - this.#end < READ_SIZE) return;
    this.#reading = this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    // A failure is thrown again by the next `fill`.
    this.#reading.catch(() => {});
  }

  async #readOnce(): Promise<void> {
    const target = this.#bytes.subarray(this.#end, Math.min(this.#limit, this.#end + READ_SIZE));
    let count: number;
    try {
      count = await this.#source.read(target);
    } catch (error) {
      // Kept: a stream that failed once would look like one that ended.
      this.#failure = error;
      throw error;
    }
    if (count === 0) this.#isFinal = true;
    this.#end += count;
    this.bytesRead += count;
  }
}
