/**
 * `unsafe`: read the balance, check it, write it back, with nothing that keeps others out in between.
 *
 * This is the mistake that the other strategies cure, here to be seen and measured. Two payments that both read before
 * either writes both find enough money (the check is lost); two that both load a total before either stores it leave
 * one change (the update is lost), so money appears or vanishes. On the event loop every `await` between reading and
 * writing is enough for that; no second thread is needed.
 */
import { STRATEGY_UNSAFE } from "./layout.js";
import type { MemoryStrategy } from "./memory-strategy.js";

export const unsafe: MemoryStrategy = {
  name: "unsafe",
  place: "memory",
  number: STRATEGY_UNSAFE,
  isParallel: true,
  isBatched: false,
  safe: false,
  guarantee: "None: an account can be overspent, and money can appear or vanish.",
  cost: "Nothing for coordination; the loss comes later, and somebody else finds it.",
  whenToUse: "To show what a race does.",
  whenNot: "For anything that somebody relies on. It can't be reached through openLedger.",
};
