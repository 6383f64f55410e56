/**
 * Group commit: what was executed reaches the store in order, in groups that grow while the store is busy. While one
 * group commits, the next batches execute.
 */
import { LedgerError } from "../core/errors.js";
import type { CommitGroup, MemoryRange, StoredAsset } from "../stores/store.js";

/** A group holds at most this many chunks, half of the ring, so that the other half fills meanwhile. */
const GROUP_CHUNKS_MAX = 256;

/** A job's name and its hash, as the store keeps them. */
export interface JobName {
  readonly hash: string;
  readonly name: string;
}

interface Pending {
  readonly chunks: readonly MemoryRange[];
  readonly assets: readonly StoredAsset[];
  readonly jobs: readonly JobName[];
  /** Called once the entry is on disk, before its promise resolves. */
  readonly onCommitted: () => void;
  readonly resolve: () => void;
  readonly reject: (error: LedgerError) => void;
}

/** Sends entries to the store in the order they were added. */
export class Committer {
  readonly #commit: (group: CommitGroup) => Promise<void>;
  readonly #onFailure: (error: LedgerError) => void;
  readonly #pending: Pending[] = [];
  #running = false;
  #failure: LedgerError | undefined;

  constructor(commit: (group: CommitGroup) => Promise<void>, onFailure: (error: LedgerError) => void) {
    this.#commit = commit;
    this.#onFailure = onFailure;
  }

  /** Resolves once the entry and everything added before it are on disk; an entry may be empty. */
  add(
    chunks: readonly MemoryRange[],
    assets: readonly StoredAsset[],
    jobs: readonly JobName[],
    onCommitted: () => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#pending.push({ chunks, assets, jobs, onCommitted, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  /** Resolves once nothing is pending. */
  async flush(): Promise<void> {
    await this.add([], [], [], () => {});
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#pending.length > 0 && this.#failure === undefined) {
      const group = this.#takeGroup();
      const chunks = group.flatMap((entry) => entry.chunks);
      const assets = group.flatMap((entry) => entry.assets);
      const jobs = group.flatMap((entry) => entry.jobs);
      try {
        if (chunks.length + assets.length + jobs.length > 0) await this.#commit({ chunks, assets, jobs });
        for (const entry of group) {
          entry.onCommitted();
          entry.resolve();
        }
      } catch (cause) {
        this.#fail(group, cause);
      }
    }
    this.#running = false;
  }

  /** The entries of the next group: as many as fit, at least one. */
  #takeGroup(): Pending[] {
    let count = 0;
    let chunks = 0;
    for (const entry of this.#pending) {
      if (count > 0 && chunks + entry.chunks.length > GROUP_CHUNKS_MAX) break;
      chunks += entry.chunks.length;
      count++;
    }
    return this.#pending.splice(0, count);
  }

  #fail(group: readonly Pending[], cause: unknown): void {
    this.#failure =
      cause instanceof LedgerError
        ? cause
        : new LedgerError("store_failed", `the store failed: ${String(cause)}`, { cause });
    this.#onFailure(this.#failure);
    for (const entry of [...group, ...this.#pending.splice(0)]) entry.reject(this.#failure);
  }
}
