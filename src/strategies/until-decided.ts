/** Beginning again: what a strategy does that found another faster. */
import type { TransferResultCode } from "../core/results.js";
import type { Attempt, TransferOptions } from "./strategy.js";

/** Another was faster, and nothing was changed: the transfer has to begin again. */
export const CONFLICT = "conflict";

/** What one attempt at a transfer came to. */
export type Decision = TransferResultCode | typeof CONFLICT;

/** Passes the gap between reading and writing; {@link TransferOptions.between} is awaited the first time. */
export type Gap = () => Promise<void>;

const BACK_OFF_MS_MIN = 1;
const BACK_OFF_MS_MAX = 32;

/**
 * Attempts until the transfer is made or refused, and counts the conflicts.
 *
 * Between attempts it waits a random time, from a range that doubles with each conflict up to 32 ms: transfers that
 * collided would otherwise meet again. The waiting is bounded, the number of attempts is not: each conflict means that
 * some other transfer was made, or is being made, so as long as others come to an end, so does this one.
 */
export async function untilDecided(
  attempt: (gap: Gap) => Promise<Decision>,
  { between }: TransferOptions = {},
): Promise<Attempt> {
  let wasBetween = false;
  const gap = async (): Promise<void> => {
    if (wasBetween) return;
    wasBetween = true;
    await between?.();
  };
  for (let conflicts = 0; ; conflicts++) {
    const result = await attempt(gap);
    if (result !== CONFLICT) return { result, conflicts };
    await backOff(conflicts);
  }
}

function backOff(conflicts: number): Promise<void> {
  const range = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** conflicts);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * range));
}
