/**
 * `partitioned`: the engine's way. Operations are gathered into batches, and threads claim work by partition of
 * accounts, not by operation: a word of memory has one writer at a time, and needs neither lock nor version to compare.
 *
 * Legs that no order can refuse are applied in parallel; operations on the remaining accounts are executed by one
 * thread in the order of the batch. So the results are those of `serial`, for any number of threads. An operation that
 * depends on what it reads, besides whether its debit is covered, makes its accounts and all that touches them part of
 * the order. Where more than half of a batch is, the next batches run serially.
 */
import { STRATEGY_PARTITIONED } from "./layout.js";
import type { MemoryStrategy } from "./memory-strategy.js";

export const partitioned: MemoryStrategy = {
  name: "partitioned",
  place: "memory",
  number: STRATEGY_PARTITIONED,
  isParallel: true,
  isBatched: true,
  safe: true,
  guarantee:
    "Deterministic: results, balances and versions are those of executing the operations one after the other in the " +
    "order of their batches, for any number of threads.",
  cost: "A place in a batch, and its wait for the batch; no lock, and one compare-and-swap for hundreds of transfers.",
  whenToUse: "When operations come in numbers, and their order must not be left to chance. It is the engine's default.",
  whenNot: "When single operations must be answered at once, or when most of them depend on what others have written.",
};
