/**
 * A lane holds one operation under way: what it asks, what it has read, what it came to.
 *
 * An operation's accounts have roles, their places in its order. Each has a private copy in the lane that is laid out
 * as the account, so that the rule can be asked about it.
 */
import { ACCOUNTS_MUST_BE_DIFFERENT, AMOUNT_MUST_NOT_BE_ZERO, OK } from "../../core/codes";
import { AC_FLAGS, ACCOUNT_SIZE, NO_SLOT, SB_ACCOUNTS, SUPERBLOCK } from "../../core/layout";
import {
  LN_ACCOUNT_COUNT,
  LN_ACCOUNTS,
  LN_AMOUNT,
  LN_CONFLICTS,
  LN_COPIES,
  LN_LEG_COUNT,
  LN_LEG_NEXT,
  LN_OPERATION,
  LN_ORDER,
  LN_RESULT,
  LN_WAITS,
  OP_AMOUNT,
  OP_FIRST,
  OP_KIND,
  OP_RESULT,
  OP_SECOND,
  OP_THIRD,
  OPERATION_DEPENDENT_FROM,
  OPERATION_DEPOSIT,
  OPERATION_SEND_PAYMENT,
  STEP_DONE,
  STEP_PLACE_SHIFT,
} from "../../strategies/memory/layout";
import { accountAddress } from "../accounts";

/** The step of this code at this place. */
// @ts-ignore: decorator
@inline
export function at(code: u32, place: u32): u32 {
  return code | (place << STEP_PLACE_SHIFT);
}

/** The lane's private copy of the account in this role. */
// @ts-ignore: decorator
@inline
export function copyOf(lane: usize, role: u32): usize {
  return lane + LN_COPIES + <usize>role * ACCOUNT_SIZE;
}

/** The shared account in this role. */
// @ts-ignore: decorator
@inline
export function sharedOf(lane: usize, role: u32): usize {
  return load<u32>(lane + (<usize>role << 2), LN_ACCOUNTS);
}

/** The role whose account has the `place`-th smallest slot. */
// @ts-ignore: decorator
@inline
export function roleAt(lane: usize, place: u32): u32 {
  return load<u32>(lane + (<usize>place << 2), LN_ORDER);
}

/** What the transfer, or the leg that the lane is turned to, moves. */
// @ts-ignore: decorator
@inline
export function amountOf(lane: usize): u64 {
  return load<u64>(lane, LN_AMOUNT);
}

/** Whether operations of this kind depend on what they read. */
// @ts-ignore: decorator
@inline
export function isDependent(kind: u32): bool {
  return kind >= <u32>OPERATION_DEPENDENT_FROM;
}

/** Kind of the lane's operation. */
// @ts-ignore: decorator
@inline
export function kindOf(lane: usize): u32 {
  return load<u8>(load<u32>(lane, LN_OPERATION), OP_KIND);
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

/** The slot that pays in a transfer of this kind: what is paid in is paid by the second account. */
// @ts-ignore: decorator
@inline
export function paysSecond(kind: u32, amount: i64): bool {
  // What is taken out of savings has a negative sign.
  return kind > <u32>OPERATION_SEND_PAYMENT && (kind == <u32>OPERATION_DEPOSIT || amount > 0);
}

/** What a transfer says that can't be, or OK. */
// @ts-ignore: decorator
@inline
export function contradiction(first: u32, second: u32, amount: i64): u32 {
  if (first == second) return ACCOUNTS_MUST_BE_DIFFERENT;
  return amount == 0 ? AMOUNT_MUST_NOT_BE_ZERO : OK;
}

/** Takes an account into a role. Flags never change while a bank is open, so reading them is no step. */
// @ts-ignore: decorator
@inline
function cast(lane: usize, role: u32, account: usize): void {
  store<u32>(lane + (<usize>role << 2), <u32>account, LN_ACCOUNTS);
  store<u16>(copyOf(lane, role), load<u16>(account, AC_FLAGS), AC_FLAGS);
}

/**
 * Takes the operation over into the lane, with the order of its slots where `isOrdered`. Returns `firstStep`, or
 * STEP_DONE where the operation contradicts itself.
 */
// @ts-ignore: decorator
@inline
export function begin(lane: usize, operation: usize, isOrdered: bool, firstStep: u32): u32 {
  store<u32>(lane, <u32>operation, LN_OPERATION);
  store<u64>(lane, 0, LN_CONFLICTS);
  const kind = load<u8>(operation, OP_KIND);
  if (isDependent(kind)) return beginDependent(lane, operation, firstStep);
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const first = load<u32>(operation, OP_FIRST);
  const second = load<u32>(operation, OP_SECOND);
  const amount = load<i64>(operation, OP_AMOUNT);
  const refusal = contradiction(first, second, amount);
  if (refusal != OK) return end(lane, refusal);
  const isReversed = paysSecond(kind, amount);
  const payer = isReversed ? second : first;
  const payee = isReversed ? first : second;
  cast(lane, 0, accountAddress(accounts, payer));
  cast(lane, 1, accountAddress(accounts, payee));
  store<u64>(lane, amount < 0 ? -amount : amount, LN_AMOUNT);
  if (isOrdered) {
    const lower = <u32>(payer > payee);
    store<u32>(lane, lower, LN_ORDER);
    store<u32>(lane, 1 - lower, LN_ORDER + 4);
    store<u32>(lane, 2, LN_ACCOUNT_COUNT);
  }
  return firstStep;
}

/** {@link begin} for kinds that depend on what they read. */
function beginDependent(lane: usize, operation: usize, firstStep: u32): u32 {
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const first = load<u32>(operation, OP_FIRST);
  const second = load<u32>(operation, OP_SECOND);
  const third = load<u32>(operation, OP_THIRD);
  const count: u32 = second == <u32>NO_SLOT ? 1 : third == <u32>NO_SLOT ? 2 : 3;
  if (count > 1 && (first == second || (count == 3 && (first == third || second == third)))) {
    return end(lane, ACCOUNTS_MUST_BE_DIFFERENT);
  }
  for (let role: u32 = 0; role < count; role++) {
    const slot = load<u32>(operation + (<usize>role << 2), OP_FIRST);
    // A slot that is not there is the greatest of all.
    const place = <u32>(slot > first) + <u32>(slot > second) + <u32>(slot > third);
    store<u32>(lane + (<usize>place << 2), role, LN_ORDER);
    cast(lane, role, accountAddress(accounts, slot));
  }
  store<u32>(lane, count, LN_ACCOUNT_COUNT);
  store<u64>(lane, load<u64>(operation, OP_AMOUNT), LN_AMOUNT);
  return firstStep;
}

/** Leaves the lane without legs: a transfer has none to take, whichever strategy takes the lane over. */
export function dropLegs(lane: usize): void {
  store<u32>(lane, 0, LN_LEG_COUNT);
  store<u32>(lane, 0, LN_LEG_NEXT);
}

/** Writes the outcome into the operation and leaves the lane to the next one. */
// @ts-ignore: decorator
@inline
export function conclude(lane: usize): void {
  const operation: usize = load<u32>(lane, LN_OPERATION);
  store<u8>(operation, <u8>load<u32>(lane, LN_RESULT), OP_RESULT);
  if (isDependent(load<u8>(operation, OP_KIND))) dropLegs(lane);
}
