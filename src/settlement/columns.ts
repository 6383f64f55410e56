/** The columns of transfers and accounts files: what each is called here, on the command line, and in the kernel. */
import { invalid } from "../core/checks.js";
import * as layout from "../core/layout.js";
import { checkNames } from "../engine/query-options.js";

/** Columns of a transfers file: the header of each, or the name of the member. */
export interface TransferColumns {
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
  /** Where absent, ids are derived from the job and the row. */
  readonly id?: string;
  /** A whole number from 0 to 65,535; an empty field is 0. */
  readonly code?: string;
  /** A whole number below 2^128; an empty field is 0. */
  readonly userData?: string;
  /** A flag, as all that follow: `true` or `1`, `false` or `0` or nothing. Chains the row to the next one. */
  readonly linked?: string;
  /** A flag: reserves the amount. */
  readonly pending?: string;
  /** Id of the pending transfer that the row posts, else nothing. Such rows may leave amount and accounts empty. */
  readonly post?: string;
  /** Id of the pending transfer that the row voids, else nothing. Such rows may leave amount and accounts empty. */
  readonly void?: string;
  /** Whole seconds from 1 to 4,294,967,295 after which a pending transfer expires; nothing for never. */
  readonly timeout?: string;
  /** A flag: moves at most what the debit account has. */
  readonly balancingDebit?: string;
  /** A flag: moves at most what the credit account owes. */
  readonly balancingCredit?: string;
  /** A flag: closes the debit account until the pending transfer is voided or expires. */
  readonly closingDebit?: string;
  /** A flag: closes the credit account. */
  readonly closingCredit?: string;
  /** The version that the debit account must have, a whole number below 2^53; nothing for any. */
  readonly expectedDebitVersion?: string;
  /** The version that the credit account must have. */
  readonly expectedCreditVersion?: string;
  /** The day that the transfer counts for, as `2026-01-31`; nothing for none. */
  readonly effectiveDate?: string;
}

/** Role of each column that a transfers file can have. */
const TRANSFER_ROLES: Readonly<Record<keyof TransferColumns, number>> = {
  id: layout.ROLE_ID,
  debit: layout.ROLE_DEBIT,
  credit: layout.ROLE_CREDIT,
  amount: layout.ROLE_AMOUNT,
  code: layout.ROLE_CODE,
  userData: layout.ROLE_USER_DATA,
  linked: layout.ROLE_LINKED,
  pending: layout.ROLE_PENDING,
  post: layout.ROLE_POST,
  void: layout.ROLE_VOID,
  timeout: layout.ROLE_TIMEOUT,
  balancingDebit: layout.ROLE_BALANCING_DEBIT,
  balancingCredit: layout.ROLE_BALANCING_CREDIT,
  closingDebit: layout.ROLE_CLOSING_DEBIT,
  closingCredit: layout.ROLE_CLOSING_CREDIT,
  expectedDebitVersion: layout.ROLE_EXPECTED_DEBIT_VERSION,
  expectedCreditVersion: layout.ROLE_EXPECTED_CREDIT_VERSION,
  effectiveDate: layout.ROLE_EFFECTIVE_DATE,
};

/** Columns of an accounts file: the header of each, or the name of the member. */
export interface AccountColumns {
  readonly id: string;
  /** Opening balance in the job's asset; where absent, accounts open with nothing. */
  readonly opening?: string;
  /** How far below zero an account may go, in the job's asset; an empty field is 0. */
  readonly overdraft?: string;
  /** A whole number from 0 to 65,535; an empty field is 0. */
  readonly code?: string;
  /** A flag: whether the account may not owe. Where nothing stands, it may not, unless it may not be owed. */
  readonly debitsMustNotExceedCredits?: string;
  /** A flag: whether the account may not be owed. */
  readonly creditsMustNotExceedDebits?: string;
  /** A whole number below 2^128; an empty field is 0. */
  readonly userData?: string;
}

/** Role of each column that an accounts file can have. */
const ACCOUNT_ROLES: Readonly<Record<keyof AccountColumns, number>> = {
  id: layout.ROLE_CREDIT,
  opening: layout.ROLE_AMOUNT,
  overdraft: layout.ROLE_OVERDRAFT_LIMIT,
  code: layout.ROLE_CODE,
  debitsMustNotExceedCredits: layout.ROLE_DEBITS_MUST_NOT_EXCEED_CREDITS,
  creditsMustNotExceedDebits: layout.ROLE_CREDITS_MUST_NOT_EXCEED_DEBITS,
  userData: layout.ROLE_USER_DATA,
};

/** Roles of which one is enough to have a job's batches executed in order. */
const ORDERED_ROLES = [
  layout.ROLE_LINKED,
  layout.ROLE_PENDING,
  layout.ROLE_POST,
  layout.ROLE_VOID,
  layout.ROLE_CLOSING_DEBIT,
  layout.ROLE_CLOSING_CREDIT,
];

/** Roles by the names that messages and the command line use: `user-data`. */
export type RoleNames = Readonly<Record<string, number>>;

/** `userData` as the command line writes it: `user-data`. */
export function optionName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The transfers' roles by the names of the command line. */
export const TRANSFER_ROLE_NAMES: RoleNames = optionNames(TRANSFER_ROLES);
/** The accounts' roles by the names of the command line. */
export const ACCOUNT_ROLE_NAMES: RoleNames = optionNames(ACCOUNT_ROLES);

function optionNames(roles: Readonly<Record<string, number>>): RoleNames {
  return Object.fromEntries(Object.entries(roles).map(([name, role]) => [optionName(name), role]));
}

/** Names of columns by the role they have in a transfers file. */
export function transferColumnNames(columns: TransferColumns): Map<number, string> {
  return namesByRole(TRANSFER_ROLES, columns);
}

/** Names of columns by the role they have in an accounts file. */
export function accountColumnNames(columns: AccountColumns): Map<number, string> {
  return namesByRole(ACCOUNT_ROLES, columns);
}

function namesByRole<Name extends string>(
  roles: Readonly<Record<Name, number>>,
  columns: Readonly<Partial<Record<Name, string>>>,
): Map<number, string> {
  const names = new Map<number, string>();
  for (const name of Object.keys(roles) as Name[]) {
    const column = columns[name];
    if (column !== undefined) names.set(roles[name], column);
  }
  return names;
}

/** Refuses columns of a transfers file that there are not, that are missing, or that have no name. */
export function checkTransferColumns(columns: TransferColumns): void {
  checkColumns("columns", columns, TRANSFER_ROLES, ["debit", "credit", "amount"]);
}

/** The same of an accounts file. */
export function checkAccountColumns(columns: AccountColumns): void {
  checkColumns("accounts.columns", columns, ACCOUNT_ROLES, ["id"]);
}

function checkColumns(what: string, columns: object, roles: object, required: readonly string[]): void {
  const names = Object.keys(roles);
  checkNames(`'${what}'`, columns, names);
  for (const name of names) {
    const column = (columns as Readonly<Record<string, unknown>>)[name];
    if (column === undefined ? !required.includes(name) : typeof column === "string" && column !== "") continue;
    throw invalid(`'${what}.${name}' must be the name of a column, not '${String(column)}'`);
  }
}

/** Every column, called as it is called here. */
export function defaultTransferColumns(): TransferColumns {
  return Object.fromEntries(Object.keys(TRANSFER_ROLES).map((name) => [name, name])) as unknown as TransferColumns;
}

/** The columns of an accounts file that nobody named: of NDJSON, all that an account has, as the API calls it. */
export function defaultAccountColumns(format: "csv" | "ndjson"): AccountColumns {
  if (format === "csv") return { id: "id", opening: "opening" };
  const names = Object.fromEntries(Object.keys(ACCOUNT_ROLES).map((name) => [name, name]));
  return { ...names, id: "id", overdraft: "overdraftLimit" };
}

/** Whether transfers of these roles may be linked, pending, closing, or the end of a pending one. */
export function needsOrder(names: ReadonlyMap<number, string>): boolean {
  return ORDERED_ROLES.some((role) => names.has(role));
}

/** Names of a record of columns as the command line gives it, `{"user-data": …}`, by their names here: `{userData: …}`. */
export function columnsOfOptions<Columns>(options: ReadonlyMap<string, string>): Columns {
  const camelCase = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries([...options].map(([name, column]) => [camelCase(name), column])) as Columns;
}
