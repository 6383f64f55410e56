/**
 * The protocol `unsafe`: read the balance, check the copy, write back as if nobody else were there.
 *
 * Whatever another operation does between reading and writing is lost or not seen. Each `+=` is a load and a store,
 * which is what it is in every language, so even two operations that both may go on lose each other's changes.
 */
import { OK } from "../../core/codes";
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED, AC_VERSION } from "../../core/layout";
import { LN_AMOUNT, LN_CREDIT, LN_DEBIT, LN_LOADED, STEP_GAP } from "../../strategies/memory/layout";
import { debitRefusal } from "../rule";
import { copyAddress, end } from "./lane";

const READ_CREDITS: u32 = 1;
const READ_DEBITS: u32 = 2;
const LOAD_DEBITS: u32 = 3;
const STORE_DEBITS: u32 = 4;
const LOAD_CREDITS: u32 = 5;
const STORE_CREDITS: u32 = 6;
const LOAD_DEBIT_VERSION: u32 = 7;
const STORE_DEBIT_VERSION: u32 = 8;
const LOAD_CREDIT_VERSION: u32 = 9;
const STORE_CREDIT_VERSION: u32 = 10;

export const UNSAFE_FIRST: u32 = READ_CREDITS;

// @ts-ignore: decorator
@inline
export function unsafeStep(lane: usize, step: u32): u32 {
  const debit: usize = load<u32>(lane, LN_DEBIT);
  const credit: usize = load<u32>(lane, LN_CREDIT);
  const copy = copyAddress(lane, 0);
  switch (step) {
    case READ_CREDITS:
      store<u64>(copy, load<u64>(debit, AC_CREDITS_POSTED), AC_CREDITS_POSTED);
      return READ_DEBITS;
    case READ_DEBITS: {
      store<u64>(copy, load<u64>(debit, AC_DEBITS_POSTED), AC_DEBITS_POSTED);
      const refusal = debitRefusal(copy, load<u64>(lane, LN_AMOUNT), 0);
      return refusal != OK ? end(lane, refusal) : LOAD_DEBITS | STEP_GAP;
    }
    case LOAD_DEBITS:
      store<u64>(lane, load<u64>(debit, AC_DEBITS_POSTED), LN_LOADED);
      return STORE_DEBITS;
    case STORE_DEBITS:
      store<u64>(debit, load<u64>(lane, LN_LOADED) + load<u64>(lane, LN_AMOUNT), AC_DEBITS_POSTED);
      return LOAD_CREDITS;
    case LOAD_CREDITS:
      store<u64>(lane, load<u64>(credit, AC_CREDITS_POSTED), LN_LOADED);
      return STORE_CREDITS;
    case STORE_CREDITS:
      store<u64>(credit, load<u64>(lane, LN_LOADED) + load<u64>(lane, LN_AMOUNT), AC_CREDITS_POSTED);
      return LOAD_DEBIT_VERSION;
    case LOAD_DEBIT_VERSION:
      store<u64>(lane, load<u64>(debit, AC_VERSION), LN_LOADED);
      return STORE_DEBIT_VERSION;
    case STORE_DEBIT_VERSION:
      store<u64>(debit, load<u64>(lane, LN_LOADED) + 1, AC_VERSION);
      return LOAD_CREDIT_VERSION;
    case LOAD_CREDIT_VERSION:
      store<u64>(lane, load<u64>(credit, AC_VERSION), LN_LOADED);
      return STORE_CREDIT_VERSION;
    default:
      store<u64>(credit, load<u64>(lane, LN_LOADED) + 1, AC_VERSION);
      return end(lane, OK);
  }
}
