/** What a signal does to a command that can stop cleanly. */
import { LedgerError } from "../core/errors.js";

/**
 * Runs `action` with a signal that SIGINT and SIGTERM abort, with the error `interrupted`: what it did leaves `left`
 * behind. A second signal ends the process at once.
 */
export async function interruptible<T>(left: string, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort(new LedgerError("interrupted", `interrupted: ${left}`));
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  try {
    return await action(interrupt.signal);
  } finally {
    process.removeListener("SIGINT", onSignal);
    process.removeListener("SIGTERM", onSignal);
  }
}
