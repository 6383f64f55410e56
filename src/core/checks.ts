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

/** `typeof`, but of null. */
export function typeOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}

/** Copies what a call was given to do one by one. Throws `invalid_argument` where that is no iterable of anything. */
export function readItems<Item>(items: Iterable<Item>, what: string): Item[] {
  const isIterable = typeof items === "object" && items !== null && typeof items[Symbol.iterator] === "function";
  if (!isIterable) throw invalid(`expected an array of ${what}, not ${typeOf(items)}`);
  return [...items];
}

/** Whether an object is no instance of a class, so that all it has was written for what it is given to. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A misspelt field would be one that is missing: a payment in place of a reservation, an account without its limit. */
function unknownField(name: string, at: string, known: readonly string[]): LedgerError {
  return invalid(`${at}: '${name}' is none of its fields: expected ${known.join(", ")}`, { name });
}

const ACCOUNT_FIELD_NAMES: readonly string[] = [
  ..."id asset code debitsMustNotExceedCredits creditsMustNotExceedDebits overdraftLimit userData metadata".split(" "),
];

/** The account's fields, each read once. Throws `invalid_argument` where one has the wrong type or range. */
export function readNewAccount(account: NewAccount, index: number): NewAccount {
  const at = `account ${index}`;
  if (typeof account !== "object" || account === null) throw invalid(`${at} must be an object, not ${typeOf(account)}`);
  if (isPlain(account)) {
    for (const name of Object.keys(account)) {
      const isUnknown = !ACCOUNT_FIELD_NAMES.includes(name) && account[name as keyof NewAccount] !== undefined;
      if (isUnknown) throw unknownField(name, at, ACCOUNT_FIELD_NAMES);
    }
  }
  const { id, asset, code = 0, overdraftLimit = 0n, userData = 0n, metadata } = account;
  const { debitsMustNotExceedCredits = false, creditsMustNotExceedDebits = false } = account;
  if (typeof id !== "string") throw invalid(`${at}: 'id' must be a string, not ${typeOf(id)}`);
  if (typeof asset !== "string") throw invalid(`${at}: 'asset' must be a string, not ${typeOf(asset)}`);
  checkCode(code, at);
  checkFlag(debitsMustNotExceedCredits, "debitsMustNotExceedCredits", at);
  checkFlag(creditsMustNotExceedDebits, "creditsMustNotExceedDebits", at);
  checkUnsigned128(overdraftLimit, "overdraftLimit", at);
  checkUnsigned128(userData, "userData", at);
  const limits = { debitsMustNotExceedCredits, creditsMustNotExceedDebits, overdraftLimit };
  return { id, asset, code, ...limits, userData, ...(metadata === undefined ? {} : { metadata }) };
}

/** Beside the flags of layout.ts: the transfer has a timeout, an effective date or an expected version. */
export const HAS_MORE = 0x10000;

/** What a transfer says. A field of another type than here has been refused; an id or an amount that can't be has not. */
export interface TransferFields {
  readonly id: string;
  /** Empty where a transfer that posts or voids leaves it open, as is `credit`. */
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly code: number;
  readonly userData: bigint;
  /** What is posted or voided; empty in other transfers. */
  readonly pendingId: string;
  /** 0 for never. */
  readonly timeout: number;
  readonly effectiveDate: string | undefined;
  readonly expectedDebitVersion: number | undefined;
  readonly expectedCreditVersion: number | undefined;
  /** Those of layout.ts, and {@link HAS_MORE}. */
  readonly flags: number;
}

/** The same fields while they are read. */
type Reading = { -readonly [Field in keyof TransferFields]: TransferFields[Field] };

function emptyReading(): Reading {
  return {
    ...{ id: "", debit: "", credit: "", amount: 0n, code: 0, userData: 0n, pendingId: "", timeout: 0, flags: 0 },
    ...{ effectiveDate: undefined, expectedDebitVersion: undefined, expectedCreditVersion: undefined },
  };
}

/** What the next transfer is read into. A getter that has another one read meanwhile finds none, and a new one is made. */
let spare: Reading | undefined;

const FLAGS: ReadonlyMap<string, number> = new Map([
  ["linked", layout.TRANSFER_LINKED],
  ["pending", layout.TRANSFER_PENDING],
  ["balancingDebit", layout.TRANSFER_BALANCING_DEBIT],
  ["balancingCredit", layout.TRANSFER_BALANCING_CREDIT],
  ["closingDebit", layout.TRANSFER_CLOSING_DEBIT],
  ["closingCredit", layout.TRANSFER_CLOSING_CREDIT],
]);

/** Fields of a transfer, for objects that may have them from their class. */
const FIELD_NAMES = [
  ..."id debit credit amount code userData post void timeout effectiveDate expectedDebitVersion".split(" "),
  "expectedCreditVersion",
  ...FLAGS.keys(),
] as (keyof NewTransfer)[];

/** What every transfer has that posts or voids nothing, in the order of the bits below. */
const REQUIRED = [
  ["id", "string"],
  ["debit", "string"],
  ["credit", "string"],
  ["amount", "bigint of minor units"],
] as const;
const HAS_ID = 1;
const HAS_DEBIT = 2;
const HAS_CREDIT = 4;
const HAS_AMOUNT = 8;
const HAS_ALL = HAS_ID | HAS_DEBIT | HAS_CREDIT | HAS_AMOUNT;

/**
 * Reads a transfer's fields, each of them once, and checks their types and ranges. What it returns is good until the
 * next call. Throws `invalid_argument`; an id or an amount that can't be is a result.
 *
 * It walks over what a plain object has, its enumerable fields. To ask objects of five shapes for each of eighteen fields
 * takes ten times as long.
 */
export function readTransfer(transfer: NewTransfer, index: number): TransferFields {
  if (typeof transfer !== "object" || transfer === null) {
    throw invalid(`transfer ${index} must be an object, not ${typeOf(transfer)}`);
  }
  const fields = spare ?? emptyReading();
  spare = undefined;
  fields.debit = "";
  fields.credit = "";
  fields.amount = 0n;
  fields.code = 0;
  fields.userData = 0n;
  fields.timeout = 0;
  fields.effectiveDate = undefined;
  fields.expectedDebitVersion = undefined;
  fields.expectedCreditVersion = undefined;
  fields.flags = 0;
  let found = 0;
  if (isPlain(transfer)) {
    for (const name in transfer) found |= readField(fields, name, transfer[name as keyof NewTransfer], index);
  } else {
    for (const name of FIELD_NAMES) found |= readField(fields, name, transfer[name], index);
  }
  // What posts or voids may leave all but its id open.
  if (found !== HAS_ALL && ((fields.flags & layout.TRANSFER_RESOLVES) === 0 || (found & HAS_ID) === 0)) {
    const [name, type] = REQUIRED.find((_, bit) => (found & (1 << bit)) === 0)!;
    throw wrongType(name, type, undefined, index);
  }
  spare = fields;
  return fields;
}

/** Reads one field; returns which of those it is that a transfer must have. */
function readField(fields: Reading, name: string, value: unknown, index: number): number {
  if (value === undefined) return 0;
  switch (name) {
    case "id":
      fields.id = textOf(value, name, index);
      return HAS_ID;
    case "debit":
      fields.debit = textOf(value, name, index);
      return HAS_DEBIT;
    case "credit":
      fields.credit = textOf(value, name, index);
      return HAS_CREDIT;
    case "amount":
      if (typeof value !== "bigint") throw wrongType(name, "bigint of minor units", value, index);
      fields.amount = value;
      return HAS_AMOUNT;
    case "code":
      checkCode(value as number, `transfer ${index}`);
      fields.code = value as number;
      return 0;
    case "userData":
      checkUnsigned128(value, name, `transfer ${index}`);
      fields.userData = value as bigint;
      return 0;
    default:
      readRareField(fields, name, value, index);
      return 0;
  }
}

/** The fields that few transfers have. */
function readRareField(fields: Reading, name: string, value: unknown, index: number): void {
  const flag = FLAGS.get(name);
  if (flag !== undefined) {
    if (typeof value !== "boolean") {
      throw invalid(`transfer ${index}: '${name}' must be true or false, not ${typeOf(value)}`);
    }
    if (value) fields.flags |= flag;
  } else if (name === "post" || name === "void") {
    // One that has both is refused for it, whichever it names.
    fields.pendingId = textOf(value, name, index);
    fields.flags |= name === "post" ? layout.TRANSFER_POST : layout.TRANSFER_VOID;
  } else {
    readMore(fields, name, value, `transfer ${index}`);
  }
}

function readMore(fields: Reading, name: string, value: unknown, at: string): void {
  switch (name) {
    case "timeout":
      if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > TIMEOUT_MAX) {
        throw invalid(
          `${at}: 'timeout' must be a whole number of seconds from 1 to ${TIMEOUT_MAX}, not ${String(value)}`,
        );
      }
      fields.timeout = value as number;
      break;
    case "effectiveDate":
      if (!isDate(value)) {
        throw invalid(`${at}: 'effectiveDate' must be a day of the calendar as '2026-01-31', not ${String(value)}`);
      }
      fields.effectiveDate = value as string;
      break;
    case "expectedDebitVersion":
    case "expectedCreditVersion":
      checkVersion(value, name, at);
      fields[name] = value as number;
      break;
    default:
      throw unknownField(name, at, FIELD_NAMES);
  }
  fields.flags |= HAS_MORE;
}

function textOf(value: unknown, name: string, index: number): string {
  if (typeof value !== "string") throw wrongType(name, "string", value, index);
  return value;
}

function wrongType(name: string, expected: string, value: unknown, index: number): LedgerError {
  return invalid(`transfer ${index}: '${name}' must be a ${expected}, not ${typeOf(value)}`);
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

function checkVersion(version: unknown, name: string, at: string): void {
  if (!Number.isSafeInteger(version) || (version as number) < 0) {
    throw invalid(`${at}: '${name}' must be a whole number from 0 to 2^53 − 1, not ${String(version)}`);
  }
}

function checkFlag(flag: unknown, name: string, at: string): void {
  if (flag !== undefined && typeof flag !== "boolean") {
    throw invalid(`${at}: '${name}' must be true or false, not ${typeOf(flag)}`);
  }
}
