/**
 * The transfer rule. There is one, and every way of executing transfers calls it: serial, parallel, replay.
 *
 * The rule sees two accounts and an amount. What the record alone decides (flags, ids, zero amounts) and what the
 * look-ups decide (accounts that do not exist, assets that differ) was settled before.
 */

import {
  EXCEEDS_CREDITS,
  EXCEEDS_DEBITS,
  OK,
  OVERFLOWS_CREDITS_POSTED,
  OVERFLOWS_DEBITS_POSTED,
  VERSION_MISMATCH,
} from "../core/codes";
import {
  AC_CREDITS_POSTED,
  AC_DEBITS_POSTED,
  AC_FLAGS,
  AC_VERSION,
  ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS,
  ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS,
  ACCOUNT_HAS_COLD_LIMIT,
  AO_OVERDRAFT_LIMIT,
  TRANSFER_BALANCING_CREDIT,
  TRANSFER_BALANCING_DEBIT,
} from "../core/layout";
import { coldAddressOf } from "./accounts";

/** Why the account at `account` can't be debited by the amount now, or OK. */
// @ts-ignore: decorator
@inline
export function debitRefusal(account: usize, amountLow: u64, amountHigh: u64): u32 {
  return legRefusal(
    account,
    amountLow,
    amountHigh,
    AC_DEBITS_POSTED,
    AC_CREDITS_POSTED,
    ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS,
    OVERFLOWS_DEBITS_POSTED,
    EXCEEDS_CREDITS,
  );
}

/** Why the account at `account` can't be credited by the amount now, or OK. */
// @ts-ignore: decorator
@inline
export function creditRefusal(account: usize, amountLow: u64, amountHigh: u64): u32 {
  return legRefusal(
    account,
    amountLow,
    amountHigh,
    AC_CREDITS_POSTED,
    AC_DEBITS_POSTED,
    ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS,
    OVERFLOWS_CREDITS_POSTED,
    EXCEEDS_DEBITS,
  );
}

/** Both sides are mirror images: `side` grows, and a limited account may not let it pass `opposite`. */
// @ts-ignore: decorator
@inline
function legRefusal(
  account: usize,
  amountLow: u64,
  amountHigh: u64,
  side: usize,
  opposite: usize,
  limitFlag: u32,
  overflows: u32,
  exceeds: u32,
): u32 {
  const low = load<u64>(account + side);
  const high = load<u64>(account + side, 8);
  const sumLow = low + amountLow;
  const carry = <u64>(sumLow < low);
  const partial = high + amountHigh;
  const sumHigh = partial + carry;
  if (partial < high || sumHigh < partial) return overflows;
  const flags = load<u16>(account, AC_FLAGS);
  if ((flags & limitFlag) != 0) {
    const limitHigh = load<u64>(account + opposite, 8);
    const limitLow = load<u64>(account + opposite);
    if (sumHigh > limitHigh || (sumHigh == limitHigh && sumLow > limitLow)) {
      if ((flags & ACCOUNT_HAS_COLD_LIMIT) == 0 || !isWithinOverdraft(account, sumLow, sumHigh, limitLow, limitHigh)) {
        return exceeds;
      }
    }
  }
  return OK;
}

/** Whether debits of `sum` stay within credits of `limit` and the account's overdraft. */
function isWithinOverdraft(account: usize, sumLow: u64, sumHigh: u64, limitLow: u64, limitHigh: u64): bool {
  const overdraft = coldAddressOf(account) + AO_OVERDRAFT_LIMIT;
  // sum > limit, so this is what the account would owe, and it can't borrow more than it holds.
  const owedLow = sumLow - limitLow;
  const owedHigh = sumHigh - limitHigh - <u64>(sumLow < limitLow);
  const overdraftHigh = load<u64>(overdraft, 8);
  return owedHigh < overdraftHigh || (owedHigh == overdraftHigh && owedLow <= load<u64>(overdraft));
}

// One kernel instance is one thread, so these are nobody else's.
/** The amount of the balancing transfer being made. */
let balancedLow: u64 = 0;
let balancedHigh: u64 = 0;

/** Lowers the balanced amount to what `account` has room for between `side`, which grows, and `opposite` + `more`. */
function lowerToHeadroom(account: usize, side: usize, opposite: usize, moreLow: u64, moreHigh: u64): void {
  const sideLow = load<u64>(account + side);
  const sideHigh = load<u64>(account + side, 8);
  const oppositeLow = load<u64>(account + opposite);
  const oppositeHigh = load<u64>(account + opposite, 8);
  // The difference first: the sum of the opposite total and the overdraft limit may take more than 128 bits.
  if (oppositeHigh > sideHigh || (oppositeHigh == sideHigh && oppositeLow >= sideLow)) {
    const ownLow = oppositeLow - sideLow;
    const ownHigh = oppositeHigh - sideHigh - <u64>(oppositeLow < sideLow);
    const roomLow = ownLow + moreLow;
    const partial = ownHigh + moreHigh;
    const roomHigh = partial + <u64>(roomLow < ownLow);
    // Room for 2^128 and more is room for everything.
    if (partial >= ownHigh && roomHigh >= partial) lowerTo(roomLow, roomHigh);
    return;
  }
  const owedLow = sideLow - oppositeLow;
  const owedHigh = sideHigh - oppositeHigh - <u64>(sideLow < oppositeLow);
  if (moreHigh > owedHigh || (moreHigh == owedHigh && moreLow > owedLow)) {
    lowerTo(moreLow - owedLow, moreHigh - owedHigh - <u64>(moreLow < owedLow));
  } else {
    lowerTo(0, 0);
  }
}

function lowerTo(roomLow: u64, roomHigh: u64): void {
  if (roomHigh > balancedHigh || (roomHigh == balancedHigh && roomLow >= balancedLow)) return;
  balancedLow = roomLow;
  balancedHigh = roomHigh;
}

/**
 * Makes a balancing transfer of at most the amount asked, 0 for no bound, or says why not and changes nothing.
 * `movedLow` and `movedHigh` tell what it moved.
 */
export function executeBalancing(debit: usize, credit: usize, flags: u32, askedLow: u64, askedHigh: u64): u32 {
  const isUnbounded = (askedLow | askedHigh) == 0;
  balancedLow = isUnbounded ? u64.MAX_VALUE : askedLow;
  balancedHigh = isUnbounded ? u64.MAX_VALUE : askedHigh;
  if ((flags & TRANSFER_BALANCING_DEBIT) != 0) {
    const hasOverdraft = (load<u16>(debit, AC_FLAGS) & ACCOUNT_HAS_COLD_LIMIT) != 0;
    const overdraft = hasOverdraft ? coldAddressOf(debit) + AO_OVERDRAFT_LIMIT : 0;
    const overdraftLow: u64 = hasOverdraft ? load<u64>(overdraft) : 0;
    const overdraftHigh: u64 = hasOverdraft ? load<u64>(overdraft, 8) : 0;
    lowerToHeadroom(debit, AC_DEBITS_POSTED, AC_CREDITS_POSTED, overdraftLow, overdraftHigh);
    if ((balancedLow | balancedHigh) == 0) return EXCEEDS_CREDITS;
  }
  if ((flags & TRANSFER_BALANCING_CREDIT) != 0) {
    lowerToHeadroom(credit, AC_CREDITS_POSTED, AC_DEBITS_POSTED, 0, 0);
    if ((balancedLow | balancedHigh) == 0) return EXCEEDS_DEBITS;
  }
  return executeTransfer(debit, credit, balancedLow, balancedHigh);
}

/** What the last {@link executeBalancing} of this thread moved, if it returned OK. */
export function movedLow(): u64 {
  return balancedLow;
}

export function movedHigh(): u64 {
  return balancedHigh;
}

/** Why accounts at other versions than a transfer expects refuse it, or OK. All bits set means any version. */
export function versionRefusal(debit: usize, credit: usize, expectedDebit: u64, expectedCredit: u64): u32 {
  const any = u64.MAX_VALUE;
  if (expectedDebit != any && expectedDebit != load<u64>(debit, AC_VERSION)) return VERSION_MISMATCH;
  if (expectedCredit != any && expectedCredit != load<u64>(credit, AC_VERSION)) return VERSION_MISMATCH;
  return OK;
}

/** Adds the amount to the account's debits; the caller has asked {@link debitRefusal}. */
// @ts-ignore: decorator
@inline
export function applyDebit(account: usize, amountLow: u64, amountHigh: u64): void {
  change(account, AC_DEBITS_POSTED, amountLow, amountHigh, 1);
}

/** Adds the amount to the account's credits; the caller has asked {@link creditRefusal}. */
// @ts-ignore: decorator
@inline
export function applyCredit(account: usize, amountLow: u64, amountHigh: u64): void {
  change(account, AC_CREDITS_POSTED, amountLow, amountHigh, 1);
}

/** Takes back what {@link applyDebit} did earlier in the same batch. */
// @ts-ignore: decorator
@inline
export function releaseDebit(account: usize, amountLow: u64, amountHigh: u64): void {
  change(account, AC_DEBITS_POSTED, 0 - amountLow, 0 - amountHigh - <u64>(amountLow != 0), -1);
}

/** Takes back what {@link applyCredit} did earlier in the same batch. */
// @ts-ignore: decorator
@inline
export function releaseCredit(account: usize, amountLow: u64, amountHigh: u64): void {
  change(account, AC_CREDITS_POSTED, 0 - amountLow, 0 - amountHigh - <u64>(amountLow != 0), -1);
}

/** Adds a two's complement u128 to one total and counts the change. The account has one writer at this moment. */
// @ts-ignore: decorator
@inline
function change(account: usize, side: usize, amountLow: u64, amountHigh: u64, versions: i64): void {
  const low = load<u64>(account + side);
  const sumLow = low + amountLow;
  store<u64>(account + side, sumLow);
  store<u64>(account + side, load<u64>(account + side, 8) + amountHigh + <u64>(sumLow < low), 8);
  store<u64>(account, load<u64>(account, AC_VERSION) + versions, AC_VERSION);
}

/**
 * Makes the transfer, or says why not and changes nothing. Both accounts exist and hold the same asset.
 * Where both sides refuse, the reason earlier in the order of checks counts; codes are numbered in that order.
 */
// @ts-ignore: decorator
@inline
export function executeTransfer(debit: usize, credit: usize, amountLow: u64, amountHigh: u64): u32 {
  const debitReason = debitRefusal(debit, amountLow, amountHigh);
  const creditReason = creditRefusal(credit, amountLow, amountHigh);
  if ((debitReason | creditReason) != OK) {
    if (debitReason == OK) return creditReason;
    if (creditReason == OK) return debitReason;
    return min(debitReason, creditReason);
  }
  // From here on nothing can fail.
  applyDebit(debit, amountLow, amountHigh);
  applyCredit(credit, amountLow, amountHigh);
  return OK;
}
