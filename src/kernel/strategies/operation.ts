/**
 * What the operations mean, on copies of their accounts that nobody else sees. The one transfer rule decides each leg.
 *
 * The kinds besides the transfer are those of SmallBank (Alomari, Cahill, Fekete, Röhm: "The Cost of Serializability
 * on Platforms That Use Snapshot Isolation", ICDE 2008), as double entry: what the original adds out of nothing is paid
 * by an account that the operation names. Accounts in their order:
 *
 *   TRANSFER          payer, payee      the amount
 *   SEND_PAYMENT      payer, payee      the amount, between checking accounts
 *   DEPOSIT           checking, cash    the amount, from cash to checking
 *   TRANSACT_SAVINGS  savings, cash     the amount from cash to savings; where it is negative, out of savings
 *   BALANCE           savings, checking nothing; answers the sum (of one account where only one is named)
 *   WRITE_CHECK       savings, checking, payee   the amount from checking, and a penalty where both together hold less
 *   AMALGAMATE        savings, checking, other   all of both accounts to the other one
 *
 * The limit of a checking account is lifted for a check and for amalgamating: checks may overdraw, that is what the
 * penalty is for. It holds for every other kind.
 */
import { OK, OVERFLOWS_CREDITS_POSTED, OVERFLOWS_DEBITS_POSTED } from "../../core/codes";
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED, AC_FLAGS, ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS } from "../../core/layout";
import {
  LEG_ENTRY_SIZE,
  LG_CREDIT,
  LG_CREDIT_ROLE,
  LG_DEBIT,
  LG_DEBIT_ROLE,
  LG_FLAGS,
  LG_MOVES,
  LN_ACCOUNT_COUNT,
  LN_ACCOUNTS,
  LN_AMOUNT,
  LN_CHANGED,
  LN_LEG_COUNT,
  LN_LEG_NEXT,
  LN_LEGS,
  LN_OPERATION,
  OP_ANSWER,
  OPERATION_AMALGAMATE,
  OPERATION_WRITE_CHECK,
  OVERDRAFT_PENALTY,
  TOTAL_BITS,
} from "../../strategies/memory/layout";
import { debitRefusal, executeTransfer } from "../rule";
import { creditsOf, debitsOf } from "./changes";
import { copyOf, isDependent, kindOf, sharedOf } from "./lane";

/** Whether a total can't grow by the amount because it would not fit what one word may hold. */
// @ts-ignore: decorator
@inline
export function overflows(total: u64, amount: u64): bool {
  return (total + amount) >> TOTAL_BITS != 0;
}

/** Why the leg can't be made by what was read of the payer, and whether the payee's total overflows, or OK. */
// @ts-ignore: decorator
@inline
export function legRefusal(payerCopy: usize, payeeOverflows: bool, amount: u64): u32 {
  if (overflows(load<u64>(payerCopy, AC_DEBITS_POSTED), amount)) return OVERFLOWS_DEBITS_POSTED;
  if (payeeOverflows) return OVERFLOWS_CREDITS_POSTED;
  return debitRefusal(payerCopy, amount, 0);
}

/** Makes the leg on the copies, or says why not and changes nothing. */
// @ts-ignore: decorator
@inline
function executeLeg(payerCopy: usize, payeeCopy: usize, amount: u64): u32 {
  if (overflows(load<u64>(payerCopy, AC_DEBITS_POSTED), amount)) return OVERFLOWS_DEBITS_POSTED;
  if (overflows(load<u64>(payeeCopy, AC_CREDITS_POSTED), amount)) return OVERFLOWS_CREDITS_POSTED;
  return executeTransfer(payerCopy, payeeCopy, amount, 0);
}

/**
 * Executes the operation on the copies of its accounts, all of which have been read, and leaves in LN_CHANGED which
 * totals that changed: none where it is refused.
 */
// @ts-ignore: decorator
@inline
export function decide(lane: usize): u32 {
  if (isDependent(kindOf(lane))) return decideDependent(lane);
  const refusal = executeLeg(copyOf(lane, 0), copyOf(lane, 1), load<u64>(lane, LN_AMOUNT));
  store<u32>(lane, refusal == OK ? debitsOf(0) | creditsOf(1) : 0, LN_CHANGED);
  return refusal;
}

function decideDependent(lane: usize): u32 {
  planLegs(lane);
  let changed: u32 = 0;
  let refusal: u32 = OK;
  for (let i: u32 = 0, count = load<u32>(lane, LN_LEG_COUNT); i < count; i++) {
    const leg = lane + <usize>i * LEG_ENTRY_SIZE;
    const payer = load<u32>(leg, LN_LEGS + LG_DEBIT_ROLE);
    const payee = load<u32>(leg, LN_LEGS + LG_CREDIT_ROLE);
    refusal = executeLeg(copyOf(lane, payer), copyOf(lane, payee), load<u64>(leg, LN_LEGS + LG_MOVES));
    if (refusal != OK) break;
    changed |= debitsOf(payer) | creditsOf(payee);
  }
  store<u32>(lane, refusal == OK ? changed : 0, LN_CHANGED);
  return refusal;
}

/** Writes down which legs a dependent operation comes to by what was read, and its answer. */
export function planLegs(lane: usize): void {
  store<u32>(lane, 0, LN_LEG_COUNT);
  store<u32>(lane, 0, LN_LEG_NEXT);
  const savings = balanceOf(copyOf(lane, 0));
  const checking = load<u32>(lane, LN_ACCOUNT_COUNT) > 1 ? balanceOf(copyOf(lane, 1)) : 0;
  let answer = savings + checking;
  switch (kindOf(lane)) {
    case OPERATION_WRITE_CHECK: {
      const amount = load<i64>(lane, LN_AMOUNT);
      answer = savings + checking < amount ? amount + OVERDRAFT_PENALTY : amount;
      liftLimit(copyOf(lane, 1));
      planLeg(lane, 1, 2, answer);
      break;
    }
    case OPERATION_AMALGAMATE:
      liftLimit(copyOf(lane, 2));
      planLeg(lane, 0, 2, savings);
      planLeg(lane, 1, 2, checking);
      break;
  }
  store<i64>(load<u32>(lane, LN_OPERATION), answer, OP_ANSWER);
}

/** Adds a leg to the plan; a negative amount goes the other way, and none at all is no leg. */
function planLeg(lane: usize, from: u32, to: u32, amount: i64): void {
  if (amount == 0) return;
  const count = load<u32>(lane, LN_LEG_COUNT);
  const leg = lane + <usize>count * LEG_ENTRY_SIZE;
  const payer = amount < 0 ? to : from;
  const payee = amount < 0 ? from : to;
  store<u32>(leg, payer, LN_LEGS + LG_DEBIT_ROLE);
  store<u32>(leg, payee, LN_LEGS + LG_CREDIT_ROLE);
  store<u32>(leg, <u32>sharedOf(lane, payer), LN_LEGS + LG_DEBIT);
  store<u32>(leg, <u32>sharedOf(lane, payee), LN_LEGS + LG_CREDIT);
  store<u64>(leg, amount < 0 ? -amount : amount, LN_LEGS + LG_MOVES);
  store<u16>(leg, load<u16>(copyOf(lane, payer), AC_FLAGS), LN_LEGS + LG_FLAGS);
  store<u32>(lane, count + 1, LN_LEG_COUNT);
}

function balanceOf(copy: usize): i64 {
  return load<u64>(copy, AC_CREDITS_POSTED) - load<u64>(copy, AC_DEBITS_POSTED);
}

function liftLimit(copy: usize): void {
  store<u16>(copy, load<u16>(copy, AC_FLAGS) & ~ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS, AC_FLAGS);
}

/**
 * For who makes legs one by one on the shared accounts: turns the lane to the plan's next leg, whose payer takes the
 * first role and whose payee the second. False where no leg is left.
 */
// @ts-ignore: decorator
@inline
export function takeLeg(lane: usize): bool {
  return load<u32>(lane, LN_LEG_NEXT) < load<u32>(lane, LN_LEG_COUNT) && takePlannedLeg(lane);
}

function takePlannedLeg(lane: usize): bool {
  const next = load<u32>(lane, LN_LEG_NEXT);
  const leg = lane + <usize>next * LEG_ENTRY_SIZE;
  store<u32>(lane, load<u32>(leg, LN_LEGS + LG_DEBIT), LN_ACCOUNTS);
  store<u32>(lane, load<u32>(leg, LN_LEGS + LG_CREDIT), LN_ACCOUNTS + 4);
  store<u64>(lane, load<u64>(leg, LN_LEGS + LG_MOVES), LN_AMOUNT);
  store<u16>(copyOf(lane, 0), load<u16>(leg, LN_LEGS + LG_FLAGS), AC_FLAGS);
  store<u32>(lane, next + 1, LN_LEG_NEXT);
  return true;
}
