/** What the store's tests share: a memory with chunks in it, folders that vanish, other processes. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import * as layout from "../../../src/core/layout.js";
import type { CommitGroup, MemoryRange, Store, StoredChunk } from "../../../src/stores/store.js";

/** An empty folder that is removed after the test. Other users may look into it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ledger-store-"));
  chmodSync(folder, 0o755);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A shared memory with chunks and room to read them back. */
export class Scratch {
  readonly memory = new WebAssembly.Memory({ initial: 256, maximum: 256, shared: true });
  readonly view = new DataView(this.memory.buffer);
  /** Where chunks are read to. */
  readonly target: MemoryRange = { address: 8 * 1024 * 1024, byteLength: 4 * 1024 * 1024 };
  #next = layout.REGIONS_START;
  nextSequence = 1;
  #written = 0;

  constructor(nextSequence = 1) {
    this.nextSequence = nextSequence;
  }

  /** Lets the next chunk overwrite the first one. */
  rewind(): void {
    this.#next = layout.REGIONS_START;
  }

  bytes({ address, byteLength }: MemoryRange): Buffer {
    return Buffer.from(new Uint8Array(this.memory.buffer, address, byteLength).slice());
  }

  /** A chunk of `recordCount` transfers, each byte of its body different from the chunk before. */
  transfers(recordCount: number): MemoryRange {
    const byteLength = layout.CHUNK_HEADER_SIZE + recordCount * layout.JOURNAL_RECORD_SIZE;
    const range = this.#chunk(layout.CHUNK_KIND_TRANSFERS, recordCount, byteLength);
    this.view.setBigUint64(range.address + layout.CH_FIRST_SEQUENCE, BigInt(this.nextSequence), true);
    this.nextSequence += recordCount;
    // Slots as there are: small and dense.
    for (let record = 0; record < recordCount; record++) {
      const at = range.address + layout.CHUNK_HEADER_SIZE + record * layout.JOURNAL_RECORD_SIZE;
      this.view.setUint32(at + layout.JR_DEBIT_SLOT, record % 100, true);
      this.view.setUint32(at + layout.JR_CREDIT_SLOT, 100 + (record % 7), true);
    }
    return range;
  }

  /** A chunk of accounts whose ids take `textSize` bytes. */
  accounts(recordCount: number, textSize: number): MemoryRange {
    const byteLength = layout.CHUNK_HEADER_SIZE + recordCount * layout.JOURNAL_ACCOUNT_SIZE + textSize;
    const chunk = this.#chunk(layout.CHUNK_KIND_ACCOUNTS, recordCount, byteLength);
    this.view.setUint32(chunk.address + layout.CH_TEXT_SIZE, textSize, true);
    return chunk;
  }

  #chunk(kind: number, recordCount: number, byteLength: number): MemoryRange {
    const address = this.#next;
    this.#next += Math.ceil(byteLength / 8) * 8;
    new Uint8Array(this.memory.buffer, address, byteLength).fill(++this.#written);
    new Uint8Array(this.memory.buffer, address, layout.CHUNK_HEADER_SIZE).fill(0);
    this.view.setUint32(address + layout.CH_MAGIC, layout.CHUNK_MAGIC, true);
    this.view.setUint16(address + layout.CH_VERSION, layout.CHUNK_VERSION, true);
    this.view.setUint16(address + layout.CH_KIND, kind, true);
    this.view.setUint32(address + layout.CH_BYTE_LENGTH, byteLength, true);
    this.view.setUint32(address + layout.CH_RECORD_COUNT, recordCount, true);
    return { address, byteLength };
  }
}

export function group(...chunks: readonly MemoryRange[]): CommitGroup {
  return { chunks, assets: [], jobs: [] };
}

/** Reads the whole journal, which checks the whole chain. */
export async function readAll(store: Store, scratch: Scratch): Promise<StoredChunk[]> {
  const all: StoredChunk[] = [];
  for (;;) {
    const some = await store.readChunks(all.length, scratch.target);
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/** A child process and what it says, line by line. */
export interface Child {
  readonly process: ChildProcess;
  readonly lines: string[];
  /** Resolves with the next line, undefined at the end. */
  line(): Promise<string | undefined>;
  readonly ended: Promise<void>;
}

/** Runs an errand of `child.mjs`, as another user where `uid` is given. The test's end kills it. */
export function startChild(errand: "open" | "leave" | "hold" | "commit" | "tear", path: string, uid?: number): Child {
  const script = fileURLToPath(new URL("child.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, errand, path], {
    stdio: ["ignore", "pipe", "inherit"],
    ...(uid === undefined ? {} : { uid }),
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout! });
  const waiting: ((line: string | undefined) => void)[] = [];
  reader.on("line", (line) => {
    lines.push(line);
    waiting.shift()?.(line);
  });
  const ended = new Promise<void>((resolve) => {
    reader.on("close", () => {
      for (const wake of waiting.splice(0)) wake(undefined);
      resolve();
    });
  });
  return { process: child, lines, line: () => new Promise((resolve) => waiting.push(resolve)), ended };
}
