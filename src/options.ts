/** What a ledger can be opened with. */
import { availableParallelism } from "node:os";
import { invalid } from "./core/checks.js";
import type { Mode } from "./engine/engine.js";

/** Options of `openLedger`. */
export interface LedgerOptions {
  /**
   * `parallel` (default): worker threads. `event-loop`: the same engine on the calling thread, in slices of a millisecond; with
   * `:memory:` the store as well, so that no thread is started at all.
   */
  readonly mode?: Mode;
  /**
   * Worker threads of the parallel mode: 1–64, or `auto` (default) for one a core, of which one rests while batches are
   * executed that this thread fills: it needs the core itself.
   */
  readonly workers?: "auto" | number;
  /**
   * How many accounts, recorded transfers and pending transfers (resolved ones included) the ledger must hold while it
   * is open; memory is reserved for them.
   */
  readonly capacity?: { readonly accounts?: number; readonly transfers?: number; readonly pendings?: number };
  /** Assets beside the currencies of ISO 4217, as `CODE:SCALE`, for example `BTC:8`. */
  readonly assets?: readonly string[];
  /**
   * Works on a private copy of the file, which is gone when the ledger is closed: everything ends as it would on the
   * ledger itself, which is only read, may be used by others meanwhile, and need not exist. Takes as much room on its
   * disk again. Default: false.
   */
  readonly dryRun?: boolean;
}

/** Options with their defaults. */
interface CheckedOptions {
  readonly mode: Mode;
  readonly workers: number;
  readonly workersBesideCaller: number;
  readonly dryRun: boolean;
}

const WORKERS_MAX = 64;
const OPTION_NAMES = new Set(["mode", "workers", "capacity", "assets", "dryRun"]);
const CAPACITY_NAMES = new Set(["accounts", "transfers", "pendings"]);

/** Checks the options before anything happens, and names what it can't use. */
export function readOptions(options: LedgerOptions): CheckedOptions {
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) {
      throw invalid(`'${name}' is not an option of openLedger: expected ${[...OPTION_NAMES].join(", ")}`, { name });
    }
  }
  for (const name of Object.keys(options.capacity ?? {})) {
    if (!CAPACITY_NAMES.has(name)) {
      throw invalid(`'${name}' is not a capacity of openLedger: expected ${[...CAPACITY_NAMES].join(", ")}`, { name });
    }
  }
  const { mode = "parallel", workers = "auto", dryRun = false } = options;
  if (mode !== "parallel" && mode !== "event-loop") {
    throw invalid(`the option 'mode' must be 'parallel' or 'event-loop', not '${String(mode)}'`, { mode });
  }
  if (typeof dryRun !== "boolean") throw invalid(`the option 'dryRun' must be true or false, not ${String(dryRun)}`);
  const count = workers === "auto" ? Math.min(WORKERS_MAX, availableParallelism()) : workers;
  if (!Number.isInteger(count) || count < 1 || count > WORKERS_MAX) {
    throw invalid(`the option 'workers' must be 'auto' or a whole number from 1 to ${WORKERS_MAX}, not ${workers}`);
  }
  // Who did not say how many gets as many as there are cores, and one of those is the caller's while it fills batches.
  return { mode, workers: count, workersBesideCaller: workers === "auto" ? Math.max(1, count - 1) : count, dryRun };
}
