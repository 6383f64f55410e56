/** What the two sides of the SQLite store say to each other: one request, one reply, in order. */
import type { Store } from "./store.js";

/** A path that is no path: the ledger lives and dies with the process. */
export const IN_MEMORY = ":memory:";

/** What whoever has the file is started with. */
export interface SqliteFileOptions {
  /** Absolute, or `:memory:`. */
  readonly path: string;
  readonly mode: "create" | "existing";
  /** Opens a private copy of the file in its place. */
  readonly isCopy: boolean;
  /** Bytes the file may grow to, undefined for as many as the disk has. */
  readonly sizeMax: number | undefined;
  /** Transfers of a run of the history index, as a power of two. */
  readonly historyRunLog2: number;
  /** Full runs of it that may wait until nothing else is to be done; further ones are written at once. */
  readonly historyRunsWaiting: number;
}

/** The methods of a store that whoever has the file carries out. */
export type StoreCall = Exclude<keyof Store, "description">;

export interface StoreRequest {
  readonly id: number;
  readonly call: StoreCall;
  readonly values: readonly unknown[];
}

/** The id of the reply that says how opening went; requests count from 1. */
export const OPENING = 0;

/** Either `failure`, or the `value` that the call returns. */
export interface StoreReply {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: StoreFailure;
}

/** How requests come to whoever has the file, and replies from there. Closed behind the last reply. */
export interface StorePort {
  postMessage(reply: StoreReply): void;
  on(event: "message", listener: (request: StoreRequest) => void): unknown;
  close(): void;
}

/** A LedgerError as a message can carry it: structured clone keeps neither its class nor its fields. */
export interface StoreFailure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly cause: unknown;
}
