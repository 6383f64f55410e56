/**
 * `serial`: one thread executes one transfer after the other, straight on the accounts.
 *
 * There is nobody to coordinate with: no atomic instruction, no lock, no version to compare. On the event loop a
 * transfer is one step that nothing can come between; in worker threads one thread has all the work.
 */
import { STRATEGY_SERIAL } from "./layout.js";
import type { MemoryStrategy } from "./memory-strategy.js";

export const serial: MemoryStrategy = {
  name: "serial",
  place: "memory",
  number: STRATEGY_SERIAL,
  isParallel: false,
  isBatched: false,
  safe: true,
  guarantee: "Transfers take effect one after the other, in the order in which they were asked for.",
  cost: "One core, however many there are. A transfer takes a few nanoseconds, and nothing for coordination.",
  whenToUse: "While one core keeps up. It is the baseline that every other strategy must beat.",
  whenNot: "When the work of a transfer, for example checking a signature, is more than one core can do.",
};
