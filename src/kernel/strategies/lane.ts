/** A lane holds one operation under way: what it asks, what it has read, what it came to. */
import { ACCOUNTS_MUST_BE_DIFFERENT, AMOUNT_MUST_NOT_BE_ZERO, OK, OVERFLOWS_CREDITS_POSTED, OVERFLOWS_DEBITS_POSTED } from "../../core/codes";
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED, AC_FLAGS, ACCOUNT_SIZE, SB_ACCOUNTS, SUPERBLOCK } from "../../core/layout";
import {
  LN_AMOUNT,
  LN_CONFLICTS,
  LN_COPIES,
  LN_CREDIT,
  LN_DEBIT,
  LN_OPERATION,
  LN_RESULT,
  OP_AMOUNT,
  OP_FIRST,
  OP_RESULT,
  OP_SECOND,
  STEP_DONE,
  TOTAL_BITS,
} from "../../strategies/memory/layout";
import { accountAddress } from "../accounts";
import { debitRefusal } from "../rule";

/** The lane's private copy of its account at this position. */
// @ts-ignore: decorator
@inline
export function copyAddress(lane: usize, position: u32): usize {
  return lane + LN_COPIES + <usize>position * ACCOUNT_SIZE;
}

/** Ends the operation with this result. Returns the step that stands for it. */
// @ts-ignore: decorator
@inline
export function end(lane: usize, result: u32): u32 {
  store<u32>(lane, result, LN_RESULT);
  return STEP_DONE;
}

/** Counts that another operation was faster. */
// @ts-ignore: decorator
@inline
export function countConflict(lane: usize): void {
  store<u32>(lane, load<u32>(lane, LN_CONFLICTS) + 1, LN_CONFLICTS);
}

/** Takes the operation over into the lane. Returns `firstStep`, or STEP_DONE where the operation contradicts itself. */
// @ts-ignore: decorator
@inline
export function begin(lane: usize, operation: usize, firstStep: u32): u32 {
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const first = load<u32>(operation, OP_FIRST);
  const second = load<u32>(operation, OP_SECOND);
  const amount = load<u64>(operation, OP_AMOUNT);
  store<u32>(lane, <u32>operation, LN_OPERATION);
  store<u32>(lane, 0, LN_CONFLICTS);
  if (first == second) return end(lane, ACCOUNTS_MUST_BE_DIFFERENT);
  if (amount == 0) return end(lane, AMOUNT_MUST_NOT_BE_ZERO);
  const debit = accountAddress(accounts, first);
  const credit = accountAddress(accounts, second);
  store<u32>(lane, <u32>debit, LN_DEBIT);
  store<u32>(lane, <u32>credit, LN_CREDIT);
  store<u64>(lane, amount, LN_AMOUNT);
  // Flags never change while a bank is open, so reading them is no step.
  store<u16>(copyAddress(lane, 0), load<u16>(debit, AC_FLAGS), AC_FLAGS);
  store<u16>(copyAddress(lane, 1), load<u16>(credit, AC_FLAGS), AC_FLAGS);
  return firstStep;
}

/** Writes the outcome into the operation. */
// @ts-ignore: decorator
@inline
export function conclude(lane: usize): void {
  store<u8>(load<u32>(lane, LN_OPERATION), <u8>load<u32>(lane, LN_RESULT), OP_RESULT);
}

/** Whether the copy's total can't grow by the amount because it would not fit what one word may hold. */
// @ts-ignore: decorator
@inline
function overflows(copy: usize, side: usize, amount: u64): bool {
  return (amount | (load<u64>(copy + side) + amount)) >> TOTAL_BITS != 0;
}

/** Why the transfer can't be made, by the copies of both accounts, or OK. */
// @ts-ignore: decorator
@inline
export function transferRefusal(debitCopy: usize, creditCopy: usize, amount: u64): u32 {
  if (overflows(debitCopy, AC_DEBITS_POSTED, amount)) return OVERFLOWS_DEBITS_POSTED;
  if (overflows(creditCopy, AC_CREDITS_POSTED, amount)) return OVERFLOWS_CREDITS_POSTED;
  return debitRefusal(debitCopy, amount, 0);
}
