/**
 * What the engine asks of a store: to keep the journal, to give it back, and to keep what makes opening fast.
 *
 * The journal is the truth. Chunks travel as addresses in the engine's shared memory, never through messages.
 */

import type { RecordedTransfer } from "../core/journal.js";
import type { TransferResultCode } from "../core/results.js";

/** What a store knows about the ledger before any memory exists. Counts are of what is on disk. */
export interface StoreDescription {
  /** 64-bit halves of the ledger's placement seed, drawn at random when the file was made. */
  readonly seedLow: bigint;
  readonly seedHigh: bigint;
  readonly chunkCount: number;
  /** Transfers recorded; their sequences are 1…transferCount. */
  readonly transferCount: number;
  readonly accountCount: number;
  /** Byte length of the account ids kept as text, an upper bound for sizing. */
  readonly accountTextSize: number;
  /** Pending transfers ever made. */
  readonly pendingCount: number;
  /** Nanoseconds since 1970 of the last chunk, 0 where there is none: the ledger's clock goes on from there. */
  readonly lastTimestamp: bigint;
  /** Assets in the order of their numbers; the first has number 1. */
  readonly assets: readonly StoredAsset[];
  readonly snapshot: SnapshotDescription | undefined;
  /** Whether everything is gone once it is closed: a snapshot would serve nobody. */
  readonly isTemporary: boolean;
  /** Why there is no description of the snapshot, where that is because it can't be read. */
  readonly snapshotDamage: string | undefined;
}

export interface StoredAsset {
  readonly code: string;
  /** Digits after the decimal point, 0–18. */
  readonly scale: number;
}

/** A consistent image of the memory regions named, after the first `chunkCount` chunks. */
export interface SnapshotDescription {
  readonly layoutVersion: number;
  readonly chunkCount: number;
  readonly transferCount: number;
  readonly accountCount: number;
  /** Lower-case hexadecimal digest of the state in the image. */
  readonly digest: string;
  readonly regions: readonly { readonly name: string; readonly byteLength: number }[];
}

/** Bytes of shared memory: `address` and `byteLength` in bytes. */
export interface MemoryRange {
  readonly address: number;
  readonly byteLength: number;
}

/** A journal chunk as the store gives it back. */
export interface StoredChunk extends MemoryRange {
  /** 0-based position in the journal. */
  readonly chunk: number;
}

/** One durable unit: everything in it is on disk, or nothing of it. */
export interface CommitGroup {
  /** Encoded chunks (header of layout.ts), in journal order. */
  readonly chunks: readonly MemoryRange[];
  /** Assets registered since the last group. */
  readonly assets: readonly StoredAsset[];
  /** Jobs that began since the last group: 32 hexadecimal digits (low word, then high word) and the name. */
  readonly jobs: readonly { readonly hash: string; readonly name: string }[];
}

/** Addresses of the hot and the cold account table and of the text region. */
export interface AccountTables {
  readonly accounts: number;
  readonly accountsCold: number;
  readonly accountText: number;
}

/** The accounts' rows are refreshed from its tables. */
export interface SnapshotRequest extends AccountTables {
  readonly layoutVersion: number;
  readonly transferCount: number;
  readonly accountCount: number;
  readonly digest: string;
  readonly regions: readonly (MemoryRange & { readonly name: string })[];
}

/** Which recorded transfers are asked for. */
export interface TransferQuery {
  /** Only sequences below this one. */
  readonly before: number;
  /** Only sequences above this one. */
  readonly after: number;
  /** Most transfers to give back. */
  readonly limit: number;
  /** Only those that name this account; without a slot, one that never existed. */
  readonly account?: { readonly id: string; readonly slot: number | undefined };
  readonly result?: TransferResultCode;
  /** Only those that changed posted balances; needs an account. */
  readonly isMoving?: true;
  /** The hash of a job's name, 32 hexadecimal digits. */
  readonly job?: string;
  readonly code?: number;
  readonly userData?: bigint;
}

/** Transfers that a query found, newest first. */
export interface FoundTransfers {
  readonly transfers: readonly RecordedTransfer[];
  /** The `before` to go on with where there may be more, else undefined. */
  readonly next: number | undefined;
}

export interface Store {
  readonly description: StoreDescription;
  /** Hands the engine's memory to the store, before any method below. Another memory takes the place of the former. */
  attach(memory: WebAssembly.Memory): Promise<void>;
  /** Resolves once the group is on disk (synchronous=FULL). After a failure the store refuses every later group. */
  commit(group: CommitGroup): Promise<void>;
  /**
   * Begins a unit of any number of groups. From here on `commit` resolves once its group is written; all of them are
   * on disk once `keep` has resolved, and none of them after `undo`, `close` or a crash. Begun within a unit, it is a part
   * of that one: `keep` leaves it to that one's end, and `undo` takes back this part only.
   */
  begin(): Promise<void>;
  /** Brings everything committed since `begin` to disk, as a whole. After a failure the store writes no more. */
  keep(): Promise<void>;
  /** Forgets everything committed since `begin`. Returns what is left. */
  undo(): Promise<StoreDescription>;
  /**
   * Copies consecutive chunks from `chunk` on into `range`, as many as fit, checking checksums and the chain.
   * Throws `journal_corrupt` naming the chunk. Empty at the journal's end.
   */
  readChunks(chunk: number, range: MemoryRange): Promise<readonly StoredChunk[]>;
  /** {@link readChunks} into memory of the caller's own; addresses count from its beginning. Needs no other memory. */
  copyChunks(chunk: number, target: SharedArrayBuffer): Promise<readonly StoredChunk[]>;
  /** Chunks on disk. */
  chunkCount(): Promise<number>;
  /** Copies the chunk that holds the transfer of this sequence (1-based) into `range`; undefined where none does. */
  readChunkOf(sequence: number, range: MemoryRange): Promise<StoredChunk | undefined>;
  /**
   * Transfers on disk that match the query, newest first. Looks at a bounded number of them, so that a commit never
   * waits long: fewer than the limit may be found, and `next` says where to go on.
   */
  findTransfers(query: TransferQuery): Promise<FoundTransfers>;
  /**
   * Does a bounded part of what must be done before accounts can be asked for: what the history index lacks is read
   * from the journal. Resolves with true once nothing is left to do.
   */
  prepareHistory(): Promise<boolean>;
  /**
   * What the transfers with sequences above `after` and up to `through`, which are on disk, change of the posted
   * balance of the account in `slot`. Call it after {@link prepareHistory}.
   */
  sumTransfers(slot: number, after: number, through: number): Promise<bigint>;
  /** The last sequence on disk whose transfer is not younger than this, in nanoseconds since 1970; 0 where none is. */
  sequenceAt(timestamp: bigint): Promise<number>;
  /** Whether this part of the history index is what the journal gives, or missing; undefined where there is no such part. */
  checkHistory(run: number): Promise<boolean | undefined>;
  /**
   * Checks what the file holds beside the journal's chunks, the snapshot and the history index: names of jobs. Throws
   * `journal_corrupt`.
   */
  checkNames(): Promise<void>;
  /** Checks what SQLite makes of the file: pages, rows and indexes. Throws `journal_corrupt`. */
  checkStructure(): Promise<void>;
  /** Slot of the first account whose row is not what the memory has, of so many; undefined where there is none. */
  differingAccount(tables: AccountTables, accountCount: number): Promise<number | undefined>;
  /** Copies the snapshot's regions into the ranges of the same names. Throws `snapshot_corrupt`, whatever is in the way. */
  readSnapshot(regions: readonly (MemoryRange & { readonly name: string })[]): Promise<void>;
  /**
   * Replaces the snapshot and refreshes the account rows, in one transaction. The memory must not change meanwhile,
   * and every chunk must have been committed before.
   */
  writeSnapshot(request: SnapshotRequest): Promise<void>;
  /** The name of the job with this hash, where known. */
  jobName(hash: string): Promise<string | undefined>;
  /** Closes the file and ends the store's thread; waits for a group under way. */
  close(): Promise<void>;
}
