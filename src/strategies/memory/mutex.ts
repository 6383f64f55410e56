/**
 * `mutex`: a lock word in each account, taken in slot order, held while the operation reads and writes.
 *
 * In threads the lock is a futex: one compare-and-swap where it is free, a short look again where it is not, then sleep
 * (`memory.atomic.wait32`, woken by `notify`). On the event loop the same word is followed by an async queue for each
 * account. Everybody locks in slot order, so there is no deadlock. A thread that dies while it holds a lock keeps it:
 * its bank must be opened anew.
 */
import { STRATEGY_MUTEX } from "./layout.js";
import type { MemoryStrategy } from "./memory-strategy.js";

export const mutex: MemoryStrategy = {
  name: "mutex",
  place: "memory",
  number: STRATEGY_MUTEX,
  isParallel: true,
  isBatched: false,
  safe: true,
  guarantee: "Serializable: whoever holds the locks of all accounts of an operation is alone with them.",
  cost: "Two atomic instructions for each account; where the lock is taken, waiting for as long as its holder takes.",
  whenToUse: "When conflicts are common and what is done under the lock is short. Nothing is ever done twice.",
  whenNot: "When a holder can be stopped or die: everybody who needs the account waits for it.",
};
