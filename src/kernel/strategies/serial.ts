/**
 * The strategy `serial`: the rule on the shared accounts themselves, by one thread, in order. Its one step is the whole
 * operation.
 */
import { OK } from "../../core/codes";
import { AC_FLAGS, SB_ACCOUNTS, SUPERBLOCK } from "../../core/layout";
import {
  LN_ACCOUNT_COUNT,
  LN_OK_COUNT,
  LN_OPERATION,
  LN_REFUSED_COUNT,
  LN_RESULT,
  OP_AMOUNT,
  OP_FIRST,
  OP_KIND,
  OP_RESULT,
  OP_SECOND,
  OPERATION_SIZE,
  STEP_DONE,
} from "../../strategies/memory/layout";
import { accountAddress } from "../accounts";
import { executeTransfer } from "../rule";
import { begin, contradiction, copyOf, dropLegs, end, isDependent, paysSecond, sharedOf } from "./lane";
import { decide } from "./operation";

export const SERIAL_FIRST: u32 = 1;

// @ts-ignore: decorator
@inline
export function serialStep(lane: usize): u32 {
  return end(lane, executeOperation(lane, load<u32>(lane, LN_OPERATION)));
}

/** Executes the operation while nobody else touches its accounts. The lane serves the kinds that need copies. */
// @ts-ignore: decorator
@inline
export function executeOperation(lane: usize, operation: usize): u32 {
  const kind = load<u8>(operation, OP_KIND);
  if (isDependent(kind)) return executeDependent(lane, operation);
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const first = load<u32>(operation, OP_FIRST);
  const second = load<u32>(operation, OP_SECOND);
  const amount = load<i64>(operation, OP_AMOUNT);
  const refusal = contradiction(first, second, amount);
  if (refusal != OK) return refusal;
  const isReversed = paysSecond(kind, amount);
  const payer = accountAddress(accounts, isReversed ? second : first);
  const payee = accountAddress(accounts, isReversed ? first : second);
  return executeTransfer(payer, payee, amount < 0 ? -amount : amount, 0);
}

/** Executes `count` operations of the array one after the other. */
export function executeInOrder(lane: usize, from: usize, count: u32): void {
  let ok: u32 = 0;
  let operation = from;
  for (let i: u32 = 0; i < count; i++, operation += OPERATION_SIZE) {
    const result = executeOperation(lane, operation);
    store<u8>(operation, result, OP_RESULT);
    ok += <u32>(result == OK);
  }
  countOutcomes(lane, ok, count - ok);
}

export function countOutcomes(lane: usize, ok: u32, refused: u32): void {
  store<u64>(lane, load<u64>(lane, LN_OK_COUNT) + ok, LN_OK_COUNT);
  store<u64>(lane, load<u64>(lane, LN_REFUSED_COUNT) + refused, LN_REFUSED_COUNT);
}

/** Copies all accounts, decides on the copies, and writes their totals and versions back: all that lies before flags. */
function executeDependent(lane: usize, operation: usize): u32 {
  if (begin(lane, operation, false, SERIAL_FIRST) == STEP_DONE) return load<u32>(lane, LN_RESULT);
  const count = load<u32>(lane, LN_ACCOUNT_COUNT);
  for (let role: u32 = 0; role < count; role++) memory.copy(copyOf(lane, role), sharedOf(lane, role), AC_FLAGS);
  const refusal = decide(lane);
  dropLegs(lane);
  if (refusal == OK) {
    for (let role: u32 = 0; role < count; role++) memory.copy(sharedOf(lane, role), copyOf(lane, role), AC_FLAGS);
  }
  return refusal;
}
