/**
 * The protocol `atomic`: one conditional update of the payer, unconditional additions for the rest.
 *
 * Totals only grow. The debits are read before the credits: where the compare-and-swap finds the debits unchanged, the
 * credits can only have grown since they were read, so the debit is covered; where the rule refuses, the debits can
 * only have grown since they were read, so at the moment at which the credits were read the debit was not covered.
 * The other order would refuse debits that were covered at every moment.
 */
import { OK } from "../../core/codes";
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED, AC_VERSION } from "../../core/layout";
import { LN_AMOUNT, LN_CREDIT, LN_DEBIT, STEP_GAP } from "../../strategies/memory/layout";
import { copyAddress, countConflict, end, transferRefusal } from "./lane";

const READ_PAYEE: u32 = 1;
const READ_DEBITS: u32 = 2;
const READ_CREDITS: u32 = 3;
const SWAP_DEBITS: u32 = 4;
const ADD_CREDITS: u32 = 5;
const ADD_DEBIT_VERSION: u32 = 6;
const ADD_CREDIT_VERSION: u32 = 7;

export const ATOMIC_FIRST: u32 = READ_PAYEE;

// @ts-ignore: decorator
@inline
export function atomicStep(lane: usize, step: u32): u32 {
  const debit: usize = load<u32>(lane, LN_DEBIT);
  const credit: usize = load<u32>(lane, LN_CREDIT);
  const copy = copyAddress(lane, 0);
  switch (step) {
    case READ_PAYEE:
      // Only to see that its total has room.
      store<u64>(copyAddress(lane, 1), atomic.load<u64>(credit, AC_CREDITS_POSTED), AC_CREDITS_POSTED);
      return READ_DEBITS;
    case READ_DEBITS:
      store<u64>(copy, atomic.load<u64>(debit, AC_DEBITS_POSTED), AC_DEBITS_POSTED);
      return READ_CREDITS;
    case READ_CREDITS: {
      store<u64>(copy, atomic.load<u64>(debit, AC_CREDITS_POSTED), AC_CREDITS_POSTED);
      const refusal = transferRefusal(copy, copyAddress(lane, 1), load<u64>(lane, LN_AMOUNT));
      return refusal != OK ? end(lane, refusal) : SWAP_DEBITS | STEP_GAP;
    }
    case SWAP_DEBITS: {
      const read = load<u64>(copy, AC_DEBITS_POSTED);
      const found = atomic.cmpxchg<u64>(debit, read, read + load<u64>(lane, LN_AMOUNT), AC_DEBITS_POSTED);
      if (found == read) return ADD_CREDITS;
      countConflict(lane);
      return READ_DEBITS;
    }
    case ADD_CREDITS:
      atomic.add<u64>(credit, load<u64>(lane, LN_AMOUNT), AC_CREDITS_POSTED);
      return ADD_DEBIT_VERSION;
    case ADD_DEBIT_VERSION:
      atomic.add<u64>(debit, 1, AC_VERSION);
      return ADD_CREDIT_VERSION;
    default:
      atomic.add<u64>(credit, 1, AC_VERSION);
      return end(lane, OK);
  }
}
