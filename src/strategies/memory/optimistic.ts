/**
 * `optimistic`: read balances and versions, compute, change the versions by compare-and-swap, and begin again where
 * somebody was faster.
 *
 * The version's top bit says that an account is claimed; claims are made in slot order, and nobody waits for one while
 * holding another. After each conflict a pause doubles up to a bound (50 microseconds in threads, 64 turns of the
 * event loop); from then on it stays there, and the transfer goes on trying: it never gives up in silence, and its
 * conflicts are counted.
 */
import { STRATEGY_OPTIMISTIC } from "./layout.js";
import type { MemoryStrategy } from "./memory-strategy.js";

export const optimistic: MemoryStrategy = {
  name: "optimistic",
  place: "memory",
  number: STRATEGY_OPTIMISTIC,
  isParallel: true,
  isBatched: false,
  safe: true,
  guarantee:
    "Serializable: an operation reads and changes all its accounts as if at one moment, or begins again. Some " +
    "operation always gets through; a single one can lose often.",
  cost: "Two atomic instructions for each account, and the whole work again for each conflict.",
  whenToUse: "When conflicts are rare, and when deciding takes long or must not keep others out meanwhile.",
  whenNot: "When many meet at one account: most of the work is then done in vain.",
};
