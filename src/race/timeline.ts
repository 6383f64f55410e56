/** A race's events in the order in which they happened, whoever reports them. */
import type { TimelineEvent } from "./race-case.js";

/** Milliseconds since the epoch, with fractions: one clock for all processes of the machine. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export class Timeline {
  readonly #events: { readonly at: number; readonly who: string; readonly what: string }[] = [];

  /** Adds what happened at this time of {@link now}'s clock. */
  add(who: string, what: string, at = now()): void {
    this.#events.push({ at, who, what });
  }

  /** The events by time; the first is at 0. */
  events(): TimelineEvent[] {
    const sorted = this.#events.toSorted((a, b) => a.at - b.at);
    return sorted.map(({ at, who, what }) => ({ ms: at - sorted[0]!.at, who, what }));
  }
}
