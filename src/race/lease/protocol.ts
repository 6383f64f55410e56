/** What the coordinator of a race tells its clients, processes of their own, and what they answer. */
import type { GuardName } from "./guards.js";

/** A client's argument, as JSON. */
export interface ClientOptions {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  /** A process that must not outlive the coordinator, and may be stopped when that ends. */
  readonly companion?: number;
}

export type ClientCommand =
  /** Take the lock, waiting for it, if the guard has one; then read. */
  | { readonly do: "read"; readonly guard: GuardName; readonly table: string; readonly leaseMs: number }
  /** Block the event loop until a byte arrives on the release pipe. */
  | { readonly do: "block" }
  /** Withdraw on the strength of what was read, then give the lock back. */
  | { readonly do: "withdraw"; readonly amount: string };

export type ClientEvent =
  | { readonly event: "ready" }
  | { readonly event: "locked"; readonly fence: number }
  | { readonly event: "read"; readonly balance: string | undefined }
  | { readonly event: "blocked" }
  | { readonly event: "withdrew"; readonly balance: string | undefined }
  | { readonly event: "released"; readonly wasHeld: boolean }
  | { readonly event: "done" }
  | { readonly event: "failed"; readonly message: string };

/** An event, and when it happened: milliseconds since the epoch, with fractions, the same clock for all processes. */
export type StampedEvent = ClientEvent & { readonly at: number };

/** File descriptor of the pipe that a blocked client waits for: behind standard streams and the message channel. */
export const RELEASE_PIPE = 4;
