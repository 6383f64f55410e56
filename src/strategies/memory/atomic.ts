/**
 * `atomic`: one conditional update. The payer's debits are changed by compare-and-swap, and only from the value at
 * which the rule allowed it; everything else is an atomic addition.
 *
 * Totals only grow, so what was read of the opposite total can only be too low, never too high: that makes the one word
 * enough to decide. In between its updates others see a transfer half made: the money has left the payer and has not
 * reached the payee. A total stays below 2^62: `overflows_debits_posted` and `overflows_credits_posted` refuse the
 * rest. The payee's bound is checked before the payer is debited, so it holds as long as the amounts under way to one
 * account at the same moment stay below 3 x 2^62 together.
 */
import { STRATEGY_ATOMIC } from "./layout.js";
import type { MemoryStrategy } from "./memory-strategy.js";

export const atomic: MemoryStrategy = {
  name: "atomic",
  place: "memory",
  number: STRATEGY_ATOMIC,
  isParallel: true,
  isBatched: false,
  safe: true,
  guarantee:
    "No account is overspent and no change is lost. Each account on its own behaves as if its changes came one after " +
    "the other; a reader of two accounts can see a transfer half made.",
  cost: "Four atomic instructions a transfer, and another try for each one that came first at the same payer.",
  whenToUse: "When the rule looks at one account at a time, which paying does. Nobody ever waits for somebody else.",
  whenNot: "When several accounts must be read or changed as one: it has no way to keep others out of the middle.",
};
