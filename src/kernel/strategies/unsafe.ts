/**
 * The protocol `unsafe`: read the balance, check the copy, write back as if nobody else were there.
 *
 * Whatever another operation does between reading and writing is lost or not seen. Each `+=` is a load and a store,
 * which is what it is in every language, so even two operations that both may go on lose each other's changes.
 */
import { OK } from "../../core/codes";
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED, AC_VERSION } from "../../core/layout";
import { LN_ACCOUNT_COUNT, LN_LOADED, STEP_CODE_MASK, STEP_GAP, STEP_PLACE_SHIFT } from "../../strategies/memory/layout";
import { debitRefusal } from "../rule";
import { amountOf, at, copyOf, end, isDependent, kindOf, sharedOf } from "./lane";
import { decide, takeLeg } from "./operation";

const READ_CREDITS: u32 = 1;
const READ_DEBITS: u32 = 2;
const LOAD_DEBITS: u32 = 3;
const STORE_DEBITS: u32 = 4;
const LOAD_CREDITS: u32 = 5;
const STORE_CREDITS: u32 = 6;
const LOAD_PAYER_VERSION: u32 = 7;
const STORE_PAYER_VERSION: u32 = 8;
const LOAD_PAYEE_VERSION: u32 = 9;
const STORE_PAYEE_VERSION: u32 = 10;

export const UNSAFE_FIRST: u32 = READ_CREDITS;

/** The account in this role was read. A transfer needs only its payer for the check, other kinds need all accounts. */
// @ts-ignore: decorator
@inline
function check(lane: usize, role: u32): u32 {
  if (isDependent(kindOf(lane))) return checkDependent(lane, role);
  const refusal = debitRefusal(copyOf(lane, 0), amountOf(lane), 0);
  return refusal != OK ? end(lane, refusal) : LOAD_DEBITS | STEP_GAP;
}

function checkDependent(lane: usize, role: u32): u32 {
  if (role + 1 < load<u32>(lane, LN_ACCOUNT_COUNT)) return at(READ_CREDITS, role + 1);
  const refusal = decide(lane);
  return refusal == OK && takeLeg(lane) ? LOAD_DEBITS | STEP_GAP : end(lane, refusal);
}

// @ts-ignore: decorator
@inline
export function unsafeStep(lane: usize, step: u32): u32 {
  const role = step >> STEP_PLACE_SHIFT;
  switch (step & STEP_CODE_MASK) {
    case READ_CREDITS:
      store<u64>(copyOf(lane, role), load<u64>(sharedOf(lane, role), AC_CREDITS_POSTED), AC_CREDITS_POSTED);
      return at(READ_DEBITS, role);
    case READ_DEBITS:
      store<u64>(copyOf(lane, role), load<u64>(sharedOf(lane, role), AC_DEBITS_POSTED), AC_DEBITS_POSTED);
      return check(lane, role);
    case LOAD_DEBITS:
      store<u64>(lane, load<u64>(sharedOf(lane, 0), AC_DEBITS_POSTED), LN_LOADED);
      return STORE_DEBITS;
    case STORE_DEBITS:
      store<u64>(sharedOf(lane, 0), load<u64>(lane, LN_LOADED) + amountOf(lane), AC_DEBITS_POSTED);
      return LOAD_CREDITS;
    case LOAD_CREDITS:
      store<u64>(lane, load<u64>(sharedOf(lane, 1), AC_CREDITS_POSTED), LN_LOADED);
      return STORE_CREDITS;
    case STORE_CREDITS:
      store<u64>(sharedOf(lane, 1), load<u64>(lane, LN_LOADED) + amountOf(lane), AC_CREDITS_POSTED);
      return LOAD_PAYER_VERSION;
    case LOAD_PAYER_VERSION:
      store<u64>(lane, load<u64>(sharedOf(lane, 0), AC_VERSION), LN_LOADED);
      return STORE_PAYER_VERSION;
    case STORE_PAYER_VERSION:
      store<u64>(sharedOf(lane, 0), load<u64>(lane, LN_LOADED) + 1, AC_VERSION);
      return LOAD_PAYEE_VERSION;
    case LOAD_PAYEE_VERSION:
      store<u64>(lane, load<u64>(sharedOf(lane, 1), AC_VERSION), LN_LOADED);
      return STORE_PAYEE_VERSION;
    default:
      store<u64>(sharedOf(lane, 1), load<u64>(lane, LN_LOADED) + 1, AC_VERSION);
      return takeLeg(lane) ? LOAD_DEBITS : end(lane, OK);
  }
}

/** The steps of the usual transfer in a row: a guess for the compiler, see `run.ts`. Returns the step that comes next. */
// @ts-ignore: decorator
@inline
export function unsafeUsual(lane: usize, first: u32): u32 {
  if (first != READ_CREDITS) return first;
  let next = unsafeStep(lane, READ_CREDITS) & ~STEP_GAP;
  if (next != READ_DEBITS) return next;
  next = unsafeStep(lane, READ_DEBITS) & ~STEP_GAP;
  if (next != LOAD_DEBITS) return next;
  next = unsafeStep(lane, LOAD_DEBITS) & ~STEP_GAP;
  if (next != STORE_DEBITS) return next;
  next = unsafeStep(lane, STORE_DEBITS) & ~STEP_GAP;
  if (next != LOAD_CREDITS) return next;
  next = unsafeStep(lane, LOAD_CREDITS) & ~STEP_GAP;
  if (next != STORE_CREDITS) return next;
  next = unsafeStep(lane, STORE_CREDITS) & ~STEP_GAP;
  if (next != LOAD_PAYER_VERSION) return next;
  next = unsafeStep(lane, LOAD_PAYER_VERSION) & ~STEP_GAP;
  if (next != STORE_PAYER_VERSION) return next;
  next = unsafeStep(lane, STORE_PAYER_VERSION) & ~STEP_GAP;
  if (next != LOAD_PAYEE_VERSION) return next;
  next = unsafeStep(lane, LOAD_PAYEE_VERSION) & ~STEP_GAP;
  if (next != STORE_PAYEE_VERSION) return next;
  next = unsafeStep(lane, STORE_PAYEE_VERSION) & ~STEP_GAP;
  return next;
}
