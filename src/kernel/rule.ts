/**
 * The transfer rule. There is one, and every way of executing transfers calls it: serial, parallel, replay.
 *
 * The rule sees two accounts and an amount. What the record alone decides (flags, ids, zero amounts) and what the
 * look-ups decide (accounts that do not exist, assets that differ) was settled before.
 */

import {
  CREDIT_ACCOUNT_ALREADY_CLOSED,
  DEBIT_ACCOUNT_ALREADY_CLOSED,
  EXCEEDS_CREDITS,
  EXCEEDS_DEBITS,
  EXCEEDS_PENDING_TRANSFER_AMOUNT,
  OK,
  OVERFLOWS_CREDITS,
  OVERFLOWS_CREDITS_PENDING,
  OVERFLOWS_CREDITS_POSTED,
  OVERFLOWS_DEBITS,
  OVERFLOWS_DEBITS_PENDING,
  OVERFLOWS_DEBITS_POSTED,
  PENDING_TRANSFER_ALREADY_POSTED,
  PENDING_TRANSFER_ALREADY_VOIDED,
  PENDING_TRANSFER_EXPIRED,
  PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT,
  VERSION_MISMATCH,
} from "../core/codes";
import {
  AC_CREDITS_POSTED,
  AC_DEBITS_POSTED,
  AC_FLAGS,
  AC_VERSION,
  ACCOUNT_CLOSED,
  ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS,
  ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS,
  ACCOUNT_HAS_COLD_LIMIT,
  AO_CREDITS_PENDING,
  AO_DEBITS_PENDING,
  AO_OVERDRAFT_LIMIT,
  PE_AMOUNT,
  PE_FLAGS,
  PE_STATUS,
  PENDING_EXPIRED,
  PENDING_OPEN,
  PENDING_POSTED,
  PENDING_VOIDED,
  TRANSFER_BALANCING,
  TRANSFER_BALANCING_CREDIT,
  TRANSFER_BALANCING_DEBIT,
  TRANSFER_CLOSING_CREDIT,
  TRANSFER_CLOSING_DEBIT,
  TRANSFER_PENDING,
} from "../core/layout";
import { coldAddressOf } from "./accounts";

/** Why the account at `account` can't be debited by the amount now, or OK. */
// @ts-ignore: decorator
@inline
export function debitRefusal(account: usize, amountLow: u64, amountHigh: u64): u32 {
  const flags = load<u16>(account, AC_FLAGS);
  if ((flags & ACCOUNT_HAS_COLD_LIMIT) != 0) return coldDebitRefusal(account, amountLow, amountHigh, false);
  return hotRefusal(
    account,
    amountLow,
    amountHigh,
    AC_DEBITS_POSTED,
    AC_CREDITS_POSTED,
    (flags & ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS) != 0,
    OVERFLOWS_DEBITS_POSTED,
    EXCEEDS_CREDITS,
  );
}

/** Why the account at `account` can't be credited by the amount now, or OK. */
// @ts-ignore: decorator
@inline
export function creditRefusal(account: usize, amountLow: u64, amountHigh: u64): u32 {
  const flags = load<u16>(account, AC_FLAGS);
  if ((flags & ACCOUNT_HAS_COLD_LIMIT) != 0) return coldCreditRefusal(account, amountLow, amountHigh, false);
  return hotRefusal(
    account,
    amountLow,
    amountHigh,
    AC_CREDITS_POSTED,
    AC_DEBITS_POSTED,
    (flags & ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS) != 0,
    OVERFLOWS_CREDITS_POSTED,
    EXCEEDS_DEBITS,
  );
}

/** Of an account of which the hot line says everything. `side` grows, and a limited account may not let it pass `opposite`. */
// @ts-ignore: decorator
@inline
function hotRefusal(
  account: usize,
  amountLow: u64,
  amountHigh: u64,
  side: usize,
  opposite: usize,
  isLimited: bool,
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
  if (isLimited) {
    const limitHigh = load<u64>(account + opposite, 8);
    if (sumHigh > limitHigh || (sumHigh == limitHigh && sumLow > load<u64>(account + opposite))) return exceeds;
  }
  return OK;
}

/** {@link debitRefusal} of any account; a pending transfer reserves the amount instead of moving it. */
function coldDebitRefusal(account: usize, amountLow: u64, amountHigh: u64, isPending: bool): u32 {
  const isLimited = (load<u16>(account, AC_FLAGS) & ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS) != 0;
  const cold = coldAddressOf(account);
  return coldRefusal(
    account,
    amountLow,
    amountHigh,
    isPending,
    account + AC_DEBITS_POSTED,
    cold + AO_DEBITS_PENDING,
    account + AC_CREDITS_POSTED,
    isLimited,
    cold + AO_OVERDRAFT_LIMIT,
    DEBIT_ACCOUNT_ALREADY_CLOSED,
    OVERFLOWS_DEBITS_PENDING,
    OVERFLOWS_DEBITS_POSTED,
    OVERFLOWS_DEBITS,
    EXCEEDS_CREDITS,
  );
}

/** {@link creditRefusal} of any account. It has no overdraft: where it is limited that is zero. */
function coldCreditRefusal(account: usize, amountLow: u64, amountHigh: u64, isPending: bool): u32 {
  const isLimited = (load<u16>(account, AC_FLAGS) & ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS) != 0;
  const cold = coldAddressOf(account);
  return coldRefusal(
    account,
    amountLow,
    amountHigh,
    isPending,
    account + AC_CREDITS_POSTED,
    cold + AO_CREDITS_PENDING,
    account + AC_DEBITS_POSTED,
    isLimited,
    cold + AO_OVERDRAFT_LIMIT,
    CREDIT_ACCOUNT_ALREADY_CLOSED,
    OVERFLOWS_CREDITS_PENDING,
    OVERFLOWS_CREDITS_POSTED,
    OVERFLOWS_CREDITS,
    EXCEEDS_DEBITS,
  );
}

/** In the order of checks. `posted`, `pending`, `opposite` and `overdraft` are addresses of u128. */
function coldRefusal(
  account: usize,
  amountLow: u64,
  amountHigh: u64,
  isPending: bool,
  posted: usize,
  pending: usize,
  opposite: usize,
  isLimited: bool,
  overdraft: usize,
  closed: u32,
  overflowsPending: u32,
  overflowsPosted: u32,
  overflows: u32,
  exceeds: u32,
): u32 {
  if ((load<u16>(account, AC_FLAGS) & ACCOUNT_CLOSED) != 0) return closed;
  if (!add(isPending ? pending : posted, amountLow, amountHigh)) return isPending ? overflowsPending : overflowsPosted;
  if (!add(isPending ? posted : pending, sumLow, sumHigh)) return overflows;
  if (!isLimited) return OK;
  const limitLow = load<u64>(opposite);
  const limitHigh = load<u64>(opposite, 8);
  if (sumHigh < limitHigh || (sumHigh == limitHigh && sumLow <= limitLow)) return OK;
  // This is what the account would owe, and it can't borrow more than its overdraft limit.
  const owedLow = sumLow - limitLow;
  const owedHigh = sumHigh - limitHigh - <u64>(sumLow < limitLow);
  const overdraftHigh = load<u64>(overdraft, 8);
  return owedHigh < overdraftHigh || (owedHigh == overdraftHigh && owedLow <= load<u64>(overdraft)) ? OK : exceeds;
}

// One kernel instance is one thread, so these are nobody else's.
/** The amount of the transfer being made. */
let balancedLow: u64 = 0;
let balancedHigh: u64 = 0;
/** What {@link add} found. */
let sumLow: u64 = 0;
let sumHigh: u64 = 0;

/** Adds to the u128 at `address`, into `sumLow` and `sumHigh`. False where the sum takes more than 128 bits. */
function add(address: usize, low: u64, high: u64): bool {
  const ownHigh = load<u64>(address, 8);
  sumLow = load<u64>(address) + low;
  const partial = ownHigh + high;
  sumHigh = partial + <u64>(sumLow < low);
  return partial >= ownHigh && sumHigh >= partial;
}

/**
 * Lowers the balanced amount to what `account` has room for between what `side` has, posted and pending, and
 * `opposite` + `more`.
 */
function lowerToHeadroom(
  account: usize,
  side: usize,
  pendingSide: usize,
  opposite: usize,
  moreLow: u64,
  moreHigh: u64,
): void {
  // Posted and pending together never take more than 128 bits.
  add(account + side, load<u64>(pendingSide), load<u64>(pendingSide, 8));
  const sideLow = sumLow;
  const sideHigh = sumHigh;
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

/** Lowers the balanced amount to what a balancing transfer can move, or says why that is nothing. */
function balance(debit: usize, credit: usize, flags: u32): u32 {
  if ((balancedLow | balancedHigh) == 0) {
    balancedLow = u64.MAX_VALUE;
    balancedHigh = u64.MAX_VALUE;
  }
  if ((flags & TRANSFER_BALANCING_DEBIT) != 0) {
    const cold = coldAddressOf(debit);
    lowerToHeadroom(
      debit,
      AC_DEBITS_POSTED,
      cold + AO_DEBITS_PENDING,
      AC_CREDITS_POSTED,
      load<u64>(cold, AO_OVERDRAFT_LIMIT),
      load<u64>(cold, AO_OVERDRAFT_LIMIT + 8),
    );
    if ((balancedLow | balancedHigh) == 0) return EXCEEDS_CREDITS;
  }
  if ((flags & TRANSFER_BALANCING_CREDIT) != 0) {
    const cold = coldAddressOf(credit);
    lowerToHeadroom(credit, AC_CREDITS_POSTED, cold + AO_CREDITS_PENDING, AC_DEBITS_POSTED, 0, 0);
    if ((balancedLow | balancedHigh) == 0) return EXCEEDS_DEBITS;
  }
  return OK;
}

/**
 * Makes a transfer that is plain or pending, balancing or not, closing or not, as its flags say; or says why not and
 * changes nothing. Both accounts exist and hold the same asset. `askedLow` and `askedHigh` are the amount, for a
 * balancing transfer its bound, 0 for none; `movedLow` and `movedHigh` tell what it moved or reserved.
 */
export function executeFlagged(debit: usize, credit: usize, flags: u32, askedLow: u64, askedHigh: u64): u32 {
  balancedLow = askedLow;
  balancedHigh = askedHigh;
  if ((flags & TRANSFER_BALANCING) != 0) {
    if ((load<u16>(debit, AC_FLAGS) & ACCOUNT_CLOSED) != 0) return DEBIT_ACCOUNT_ALREADY_CLOSED;
    if ((load<u16>(credit, AC_FLAGS) & ACCOUNT_CLOSED) != 0) return CREDIT_ACCOUNT_ALREADY_CLOSED;
    const refusal = balance(debit, credit, flags);
    if (refusal != OK) return refusal;
  }
  if ((flags & TRANSFER_PENDING) == 0) return executeTransfer(debit, credit, balancedLow, balancedHigh);
  const debitReason = coldDebitRefusal(debit, balancedLow, balancedHigh, true);
  const creditReason = coldCreditRefusal(credit, balancedLow, balancedHigh, true);
  if ((debitReason | creditReason) != OK) return firstReason(debitReason, creditReason);
  // From here on nothing can fail.
  if ((flags & TRANSFER_CLOSING_DEBIT) != 0) close(debit);
  if ((flags & TRANSFER_CLOSING_CREDIT) != 0) close(credit);
  changeBoth(debit, AC_DEBITS_POSTED, 0, 0, AO_DEBITS_PENDING, balancedLow, balancedHigh, 1);
  changeBoth(credit, AC_CREDITS_POSTED, 0, 0, AO_CREDITS_PENDING, balancedLow, balancedHigh, 1);
  return OK;
}

/**
 * Posts or voids the open pending transfer at `pending`, whose accounts are given; or says why not and changes nothing.
 * An amount of 0 asks for all of it. `movedLow` and `movedHigh` tell what was moved, or released.
 */
export function executeResolving(
  pending: usize,
  debit: usize,
  credit: usize,
  isPost: bool,
  askedLow: u64,
  askedHigh: u64,
): u32 {
  const reservedLow = load<u64>(pending, PE_AMOUNT);
  const reservedHigh = load<u64>(pending, PE_AMOUNT + 8);
  const isAll = (askedLow | askedHigh) == 0;
  balancedLow = isAll ? reservedLow : askedLow;
  balancedHigh = isAll ? reservedHigh : askedHigh;
  if (balancedHigh > reservedHigh || (balancedHigh == reservedHigh && balancedLow > reservedLow)) {
    return EXCEEDS_PENDING_TRANSFER_AMOUNT;
  }
  if (!isPost && (balancedLow != reservedLow || balancedHigh != reservedHigh)) return PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT;
  const status = load<u8>(pending, PE_STATUS);
  if (status == PENDING_POSTED) return PENDING_TRANSFER_ALREADY_POSTED;
  if (status == PENDING_VOIDED) return PENDING_TRANSFER_ALREADY_VOIDED;
  if (status == PENDING_EXPIRED) return PENDING_TRANSFER_EXPIRED;
  if (!isPost) {
    voidPending(pending, debit, credit, PENDING_VOIDED);
    return OK;
  }
  if ((load<u16>(debit, AC_FLAGS) & ACCOUNT_CLOSED) != 0) return DEBIT_ACCOUNT_ALREADY_CLOSED;
  if ((load<u16>(credit, AC_FLAGS) & ACCOUNT_CLOSED) != 0) return CREDIT_ACCOUNT_ALREADY_CLOSED;
  // What was reserved can be moved: limits and overflows were checked with it.
  const freedLow = 0 - reservedLow;
  const freedHigh = 0 - reservedHigh - <u64>(reservedLow != 0);
  changeBoth(debit, AC_DEBITS_POSTED, balancedLow, balancedHigh, AO_DEBITS_PENDING, freedLow, freedHigh, 1);
  changeBoth(credit, AC_CREDITS_POSTED, balancedLow, balancedHigh, AO_CREDITS_PENDING, freedLow, freedHigh, 1);
  store<u8>(pending, PENDING_POSTED, PE_STATUS);
  return OK;
}

/** Releases what the open pending transfer at `pending` reserves, and opens what it closed; it ends as `status`. */
export function voidPending(pending: usize, debit: usize, credit: usize, status: u32): void {
  const low = load<u64>(pending, PE_AMOUNT);
  const high = load<u64>(pending, PE_AMOUNT + 8);
  const flags = load<u16>(pending, PE_FLAGS);
  const freedHigh = 0 - high - <u64>(low != 0);
  if ((flags & TRANSFER_CLOSING_DEBIT) != 0) reopen(debit);
  if ((flags & TRANSFER_CLOSING_CREDIT) != 0) reopen(credit);
  changeBoth(debit, AC_DEBITS_POSTED, 0, 0, AO_DEBITS_PENDING, 0 - low, freedHigh, 1);
  changeBoth(credit, AC_CREDITS_POSTED, 0, 0, AO_CREDITS_PENDING, 0 - low, freedHigh, 1);
  store<u8>(pending, status, PE_STATUS);
}

/** Takes back what {@link executeFlagged} did last to these accounts, moving or reserving `low` and `high`. */
export function undoFlagged(debit: usize, credit: usize, flags: u32, low: u64, high: u64): void {
  if ((flags & TRANSFER_PENDING) == 0) {
    releaseDebit(debit, low, high);
    releaseCredit(credit, low, high);
    return;
  }
  const freedHigh = 0 - high - <u64>(low != 0);
  if ((flags & TRANSFER_CLOSING_DEBIT) != 0) reopen(debit);
  if ((flags & TRANSFER_CLOSING_CREDIT) != 0) reopen(credit);
  changeBoth(debit, AC_DEBITS_POSTED, 0, 0, AO_DEBITS_PENDING, 0 - low, freedHigh, -1);
  changeBoth(credit, AC_CREDITS_POSTED, 0, 0, AO_CREDITS_PENDING, 0 - low, freedHigh, -1);
}

/** Takes back what {@link executeResolving} did last to these accounts: `low` and `high` were moved, if it posted. */
export function undoResolving(pending: usize, debit: usize, credit: usize, isPost: bool, low: u64, high: u64): void {
  const reservedLow = load<u64>(pending, PE_AMOUNT);
  const reservedHigh = load<u64>(pending, PE_AMOUNT + 8);
  const backLow: u64 = isPost ? 0 - low : 0;
  const backHigh: u64 = isPost ? 0 - high - <u64>(low != 0) : 0;
  changeBoth(debit, AC_DEBITS_POSTED, backLow, backHigh, AO_DEBITS_PENDING, reservedLow, reservedHigh, -1);
  changeBoth(credit, AC_CREDITS_POSTED, backLow, backHigh, AO_CREDITS_PENDING, reservedLow, reservedHigh, -1);
  const flags = load<u16>(pending, PE_FLAGS);
  if ((flags & TRANSFER_CLOSING_DEBIT) != 0) close(debit);
  if ((flags & TRANSFER_CLOSING_CREDIT) != 0) close(credit);
  store<u8>(pending, PENDING_OPEN, PE_STATUS);
}

/** Closes an account, whose cold line must be asked from now on. */
function close(account: usize): void {
  store<u16>(account, load<u16>(account, AC_FLAGS) | (ACCOUNT_CLOSED | ACCOUNT_HAS_COLD_LIMIT), AC_FLAGS);
}

function reopen(account: usize): void {
  store<u16>(account, load<u16>(account, AC_FLAGS) & ~ACCOUNT_CLOSED, AC_FLAGS);
}

/** Adds two's complement u128 to a posted and a pending total, as one change, and notes whether the cold line must be asked. */
function changeBoth(
  account: usize,
  posted: usize,
  postedLow: u64,
  postedHigh: u64,
  pending: usize,
  pendingLow: u64,
  pendingHigh: u64,
  versions: i64,
): void {
  const cold = coldAddressOf(account);
  change(account, posted, postedLow, postedHigh, versions);
  const low = load<u64>(cold + pending);
  const pendingSum = low + pendingLow;
  store<u64>(cold + pending, pendingSum);
  store<u64>(cold + pending, load<u64>(cold + pending, 8) + pendingHigh + <u64>(pendingSum < low), 8);
  const flags = load<u16>(account, AC_FLAGS);
  const asks =
    (flags & ACCOUNT_CLOSED) != 0 ||
    (load<u64>(cold, AO_DEBITS_PENDING) |
      load<u64>(cold, AO_DEBITS_PENDING + 8) |
      load<u64>(cold, AO_CREDITS_PENDING) |
      load<u64>(cold, AO_CREDITS_PENDING + 8) |
      load<u64>(cold, AO_OVERDRAFT_LIMIT) |
      load<u64>(cold, AO_OVERDRAFT_LIMIT + 8)) !=
      0;
  store<u16>(account, asks ? flags | ACCOUNT_HAS_COLD_LIMIT : flags & ~ACCOUNT_HAS_COLD_LIMIT, AC_FLAGS);
}

/** What the last flagged or resolving transfer of this thread moved, reserved or released, if it returned OK. */
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

/** Where both sides refuse, the reason earlier in the order of checks counts; codes are numbered in that order. */
// @ts-ignore: decorator
@inline
function firstReason(debitReason: u32, creditReason: u32): u32 {
  if (debitReason == OK) return creditReason;
  return creditReason == OK ? debitReason : min(debitReason, creditReason);
}

/**
 * Makes the transfer, or says why not and changes nothing. Both accounts exist and hold the same asset.
 */
// @ts-ignore: decorator
@inline
export function executeTransfer(debit: usize, credit: usize, amountLow: u64, amountHigh: u64): u32 {
  const debitReason = debitRefusal(debit, amountLow, amountHigh);
  const creditReason = creditRefusal(credit, amountLow, amountHigh);
  if ((debitReason | creditReason) != OK) return firstReason(debitReason, creditReason);
  // From here on nothing can fail.
  applyDebit(debit, amountLow, amountHigh);
  applyCredit(credit, amountLow, amountHigh);
  return OK;
}
