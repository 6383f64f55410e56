/**
 * The protocol `atomic`: one conditional update of the payer, unconditional additions for the rest.
 *
 * Totals only grow. The debits are read before the credits: where the compare-and-swap finds the debits unchanged, the
 * credits can only have grown since they were read, so the debit is covered; where the rule refuses, the debits can
 * only have grown since they were read, so at the moment at which the credits were read the debit was not covered.
 * The other order would refuse debits that were covered at every moment.
 *
 * What depends on several accounts is read account by account, and then made leg by leg, each leg a conditional update
 * of its own: nothing keeps others out in between, and a leg that is refused leaves the legs before it made.
 */
import { OK } from "../../core/codes";
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED, AC_VERSION } from "../../core/layout";
import {
  LN_ACCOUNT_COUNT,
  LN_LOADED,
  OP_KIND,
  STEP_BACK_OFF,
  STEP_CODE_MASK,
  STEP_GAP,
  STEP_PLACE_SHIFT,
} from "../../strategies/memory/layout";
import { amountOf, at, copyOf, countConflict, end, isDependent, sharedOf } from "./lane";
import { legRefusal, overflows, planLegs, takeLeg } from "./operation";

const READ_PAYEE: u32 = 1;
const READ_DEBITS: u32 = 2;
const READ_CREDITS: u32 = 3;
const SWAP_DEBITS: u32 = 4;
const ADD_CREDITS: u32 = 5;
const ADD_PAYER_VERSION: u32 = 6;
const ADD_PAYEE_VERSION: u32 = 7;
// What a dependent operation does first, account by account.
const LOOK_AT_DEBITS: u32 = 8;
const LOOK_AT_CREDITS: u32 = 9;
const LOOK_AGAIN: u32 = 10;

// @ts-ignore: decorator
@inline
export function atomicFirst(operation: usize): u32 {
  return isDependent(load<u8>(operation, OP_KIND)) ? LOOK_AT_DEBITS : READ_PAYEE;
}

// @ts-ignore: decorator
@inline
export function atomicStep(lane: usize, step: u32): u32 {
  const copy = copyOf(lane, 0);
  switch (step & STEP_CODE_MASK) {
    case READ_PAYEE:
      store<u64>(lane, <u64>overflows(atomic.load<u64>(sharedOf(lane, 1), AC_CREDITS_POSTED), amountOf(lane)), LN_LOADED);
      return READ_DEBITS;
    case READ_DEBITS:
      store<u64>(copy, atomic.load<u64>(sharedOf(lane, 0), AC_DEBITS_POSTED), AC_DEBITS_POSTED);
      return READ_CREDITS;
    case READ_CREDITS: {
      store<u64>(copy, atomic.load<u64>(sharedOf(lane, 0), AC_CREDITS_POSTED), AC_CREDITS_POSTED);
      const refusal = legRefusal(copy, load<u64>(lane, LN_LOADED) != 0, amountOf(lane));
      return refusal != OK ? end(lane, refusal) : SWAP_DEBITS | STEP_GAP;
    }
    case SWAP_DEBITS: {
      const read = load<u64>(copy, AC_DEBITS_POSTED);
      if (atomic.cmpxchg<u64>(sharedOf(lane, 0), read, read + amountOf(lane), AC_DEBITS_POSTED) == read) return ADD_CREDITS;
      countConflict(lane);
      return READ_DEBITS | STEP_BACK_OFF;
    }
    case ADD_CREDITS:
      atomic.add<u64>(sharedOf(lane, 1), amountOf(lane), AC_CREDITS_POSTED);
      return ADD_PAYER_VERSION;
    case ADD_PAYER_VERSION:
      atomic.add<u64>(sharedOf(lane, 0), 1, AC_VERSION);
      return ADD_PAYEE_VERSION;
    case ADD_PAYEE_VERSION:
      atomic.add<u64>(sharedOf(lane, 1), 1, AC_VERSION);
      return takeLeg(lane) ? READ_PAYEE : end(lane, OK);
    default:
      return lookStep(lane, step);
  }
}

/** Reads one account at one moment: its debits did not change while its credits were read. */
function lookStep(lane: usize, step: u32): u32 {
  const role = step >> STEP_PLACE_SHIFT;
  const account = sharedOf(lane, role);
  const copy = copyOf(lane, role);
  switch (step & STEP_CODE_MASK) {
    case LOOK_AT_DEBITS:
      store<u64>(copy, atomic.load<u64>(account, AC_DEBITS_POSTED), AC_DEBITS_POSTED);
      return at(LOOK_AT_CREDITS, role);
    case LOOK_AT_CREDITS:
      store<u64>(copy, atomic.load<u64>(account, AC_CREDITS_POSTED), AC_CREDITS_POSTED);
      return at(LOOK_AGAIN, role);
    default:
      if (atomic.load<u64>(account, AC_DEBITS_POSTED) == load<u64>(copy, AC_DEBITS_POSTED)) return looked(lane, role);
      countConflict(lane);
      return at(LOOK_AT_DEBITS, role) | STEP_BACK_OFF;
  }
}

/** The account in this role was read: goes on with the next one, or with what the operation comes to. */
function looked(lane: usize, role: u32): u32 {
  if (role + 1 < load<u32>(lane, LN_ACCOUNT_COUNT)) return at(LOOK_AT_DEBITS, role + 1);
  planLegs(lane);
  return takeLeg(lane) ? READ_PAYEE | STEP_GAP : end(lane, OK);
}

/** The steps of the usual transfer in a row: a guess for the compiler, see `run.ts`. Returns the step that comes next. */
// @ts-ignore: decorator
@inline
export function atomicUsual(lane: usize, first: u32): u32 {
  if (first != READ_PAYEE) return first;
  let next = atomicStep(lane, READ_PAYEE) & ~STEP_GAP;
  if (next != READ_DEBITS) return next;
  next = atomicStep(lane, READ_DEBITS) & ~STEP_GAP;
  if (next != READ_CREDITS) return next;
  next = atomicStep(lane, READ_CREDITS) & ~STEP_GAP;
  if (next != SWAP_DEBITS) return next;
  next = atomicStep(lane, SWAP_DEBITS) & ~STEP_GAP;
  if (next != ADD_CREDITS) return next;
  next = atomicStep(lane, ADD_CREDITS) & ~STEP_GAP;
  if (next != ADD_PAYER_VERSION) return next;
  next = atomicStep(lane, ADD_PAYER_VERSION) & ~STEP_GAP;
  if (next != ADD_PAYEE_VERSION) return next;
  next = atomicStep(lane, ADD_PAYEE_VERSION) & ~STEP_GAP;
  return next;
}
