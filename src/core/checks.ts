/** What callers pass in: types and ranges, checked before anything happens. */
import { isDate } from "./dates.js";
import { LedgerError } from "./errors.js";
import * as layout from "./layout.js";
import type { NewAccount, NewTransfer } from "./types.js";

export const CODE_MAX = 65535;
/** Seconds. */
export const TIMEOUT_MAX = 2 ** 32 - 1;
/** Amounts, user data and overdraft limits are below this. */
export const UNSIGNED_128_LIMIT = 1n << 128n;

export function invalid(message: string, details: Record<string, unknown> = {}): LedgerError {
  return new LedgerError("invalid_argument", message, { details });
}

/** Throws `invalid_argument` where a field of the account has the wrong type or range. */
export function checkNewAccount(account: NewAccount, index: number): void {
  const at = `account ${index}`;
  if (typeof account !== "object" || account === null) throw invalid(`${at} must be an object, not ${typeof account}`);
  if (typeof account.id !== "string") throw invalid(`${at}: 'id' must be a string, not ${typeof account.id}`);
  if (typeof account.asset !== "string") throw invalid(`${at}: 'asset' must be a string, not ${typeof account.asset}`);
  checkCode(account.code, at);
  checkFlag(account.debitsMustNotExceedCredits, "debitsMustNotExceedCredits", at);
  checkFlag(account.creditsMustNotExceedDebits, "creditsMustNotExceedDebits", at);
  if (account.overdraftLimit !== undefined) checkUnsigned128(account.overdraftLimit, "overdraftLimit", at);
  if (account.userData !== undefined) checkUnsigned128(account.userData, "userData", at);
}

/** Beside the flags of layout.ts: the transfer has a timeout, an effective date or an expected version. */
export const HAS_MORE = 0x10000;

/**
 * Checks the types and ranges of a transfer's fields, each of which is read once, and returns its flags. Throws
 * `invalid_argument`; an id or an amount that can't be is a result.
 */
export function checkNewTransfer(transfer: NewTransfer, index: number): number {
  if (typeof transfer !== "object" || transfer === null) {
    throw invalid(`transfer ${index} must be an object, not ${typeof transfer}`);
  }
  const { id, debit, credit, amount, code, userData, post, void: voided } = transfer;
  if (typeof id !== "string") throw wrongId(id, "id", index);
  let flags = 0;
  if (post !== undefined) {
    if (typeof post !== "string") throw wrongId(post, "post", index);
    flags |= layout.TRANSFER_POST;
  }
  if (voided !== undefined) {
    if (typeof voided !== "string") throw wrongId(voided, "void", index);
    flags |= layout.TRANSFER_VOID;
  }
  // What posts or voids may leave these open.
  if (typeof debit !== "string" && (flags === 0 || debit !== undefined)) throw wrongId(debit, "debit", index);
  if (typeof credit !== "string" && (flags === 0 || credit !== undefined)) throw wrongId(credit, "credit", index);
  if (typeof amount !== "bigint" && (flags === 0 || amount !== undefined)) {
    throw invalid(`transfer ${index}: 'amount' must be a bigint of minor units, not ${typeof amount}`);
  }
  if (code !== undefined) checkCode(code, `transfer ${index}`);
  if (userData !== undefined) checkUnsigned128(userData, "userData", `transfer ${index}`);
  const { linked, pending, balancingDebit, balancingCredit, closingDebit, closingCredit } = transfer;
  if (linked !== undefined && isSet(linked, "linked", index)) flags |= layout.TRANSFER_LINKED;
  if (pending !== undefined && isSet(pending, "pending", index)) flags |= layout.TRANSFER_PENDING;
  if (balancingDebit !== undefined && isSet(balancingDebit, "balancingDebit", index)) {
    flags |= layout.TRANSFER_BALANCING_DEBIT;
  }
  if (balancingCredit !== undefined && isSet(balancingCredit, "balancingCredit", index)) {
    flags |= layout.TRANSFER_BALANCING_CREDIT;
  }
  if (closingDebit !== undefined && isSet(closingDebit, "closingDebit", index)) flags |= layout.TRANSFER_CLOSING_DEBIT;
  if (closingCredit !== undefined && isSet(closingCredit, "closingCredit", index)) {
    flags |= layout.TRANSFER_CLOSING_CREDIT;
  }
  const { timeout, effectiveDate, expectedDebitVersion, expectedCreditVersion } = transfer;
  const hasMore =
    timeout !== undefined ||
    effectiveDate !== undefined ||
    expectedDebitVersion !== undefined ||
    expectedCreditVersion !== undefined;
  if (!hasMore) return flags;
  checkMore(transfer, `transfer ${index}`);
  return flags | HAS_MORE;
}

function wrongId(id: unknown, name: string, index: number): LedgerError {
  return invalid(`transfer ${index}: '${name}' must be a string, not ${typeof id}`);
}

function isSet(flag: unknown, name: string, index: number): boolean {
  if (typeof flag !== "boolean")
    throw invalid(`transfer ${index}: '${name}' must be true or false, not ${typeof flag}`);
  return flag;
}

/** The fields that few transfers have. */
function checkMore(transfer: NewTransfer, at: string): void {
  const { timeout, effectiveDate, expectedDebitVersion, expectedCreditVersion } = transfer;
  if (timeout !== undefined && !(Number.isInteger(timeout) && timeout >= 1 && timeout <= TIMEOUT_MAX)) {
    throw invalid(
      `${at}: 'timeout' must be a whole number of seconds from 1 to ${TIMEOUT_MAX}, not ${String(timeout)}`,
    );
  }
  if (effectiveDate !== undefined && !isDate(effectiveDate)) {
    throw invalid(`${at}: 'effectiveDate' must be a day of the calendar as '2026-01-31', not ${String(effectiveDate)}`);
  }
  if (expectedDebitVersion !== undefined) checkVersion(expectedDebitVersion, "expectedDebitVersion", at);
  if (expectedCreditVersion !== undefined) checkVersion(expectedCreditVersion, "expectedCreditVersion", at);
}

function checkCode(code: number | undefined, at: string): void {
  if (code !== undefined && (!Number.isInteger(code) || code < 0 || code > CODE_MAX)) {
    throw invalid(`${at}: 'code' must be a whole number from 0 to ${CODE_MAX}, not ${String(code)}`);
  }
}

function checkUnsigned128(value: unknown, name: string, at: string): void {
  if (typeof value !== "bigint" || value < 0n || value >= UNSIGNED_128_LIMIT) {
    throw invalid(`${at}: '${name}' must be a bigint from 0 to 2^128 − 1, not ${String(value)}`);
  }
}

function checkVersion(version: number, name: string, at: string): void {
  if (!Number.isSafeInteger(version) || version < 0) {
    throw invalid(`${at}: '${name}' must be a whole number from 0 to 2^53 − 1, not ${String(version)}`);
  }
}

function checkFlag(flag: unknown, name: string, at: string): void {
  if (flag !== undefined && typeof flag !== "boolean") {
    throw invalid(`${at}: '${name}' must be true or false, not ${typeof flag}`);
  }
}
