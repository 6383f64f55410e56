/**
 * The result codes of a transfer: one table, in the order of checks, that every other place reads.
 *
 * The first check that applies decides. `recorded` outcomes take a sequence and are kept for ever; a recorded
 * rejection burns its id, because its reason depended on the state at that moment.
 */
import * as codes from "./codes.js";

/** One row of the table. */
export interface TransferResultRow<Name extends string = string> {
  /** The number in the journal. */
  readonly number: number;
  readonly name: Name;
  /** Whether the outcome is written to the journal and takes a sequence. */
  readonly recorded: boolean;
  /** One sentence for people. */
  readonly meaning: string;
}

function row<const Name extends string>(
  number: number,
  name: Name,
  recorded: "recorded" | "not recorded",
  meaning: string,
): TransferResultRow<Name> {
  return { number, name, recorded: recorded === "recorded", meaning };
}

/** In the order of checks. */
export const TRANSFER_RESULTS = [
  row(codes.INVALID_ROW, "invalid_row", "not recorded", "The row of the file could not be read as fields."),
  row(
    codes.INVALID_AMOUNT,
    "invalid_amount",
    "not recorded",
    "The amount is not a decimal within the asset's scale and below 2^128.",
  ),
  row(codes.INVALID_CODE, "invalid_code", "not recorded", "The code is not a whole number from 0 to 65,535."),
  row(
    codes.INVALID_USER_DATA,
    "invalid_user_data",
    "not recorded",
    "The user data is not a whole number from 0 to 2^128 − 1.",
  ),
  row(codes.INVALID_FLAG, "invalid_flag", "not recorded", "A flag of the row is neither true nor false."),
  row(
    codes.INVALID_TIMEOUT,
    "invalid_timeout",
    "not recorded",
    "The timeout is not a whole number of seconds from 1 to 4,294,967,295.",
  ),
  row(
    codes.INVALID_EXPECTED_VERSION,
    "invalid_expected_version",
    "not recorded",
    "An expected version is not a whole number below 2^53.",
  ),
  row(
    codes.INVALID_EFFECTIVE_DATE,
    "invalid_effective_date",
    "not recorded",
    "The effective date is not a day of the calendar, written as 2026-01-31.",
  ),
  row(
    codes.LINKED_EVENT_CHAIN_OPEN,
    "linked_event_chain_open",
    "not recorded",
    "The last transfer is linked to a next one, and there is none.",
  ),
  row(
    codes.LINKED_EVENT_FAILED,
    "linked_event_failed",
    "not recorded",
    "Another transfer that this one was to be made together with was refused, so none of them is made.",
  ),
  row(codes.RESERVED_FLAG, "reserved_flag", "not recorded", "A flag is set that has no meaning."),
  row(codes.ID_MUST_NOT_BE_EMPTY, "id_must_not_be_empty", "not recorded", "The transfer has no id."),
  row(codes.ID_TOO_LONG, "id_too_long", "not recorded", "The transfer's id takes more than 64 bytes."),
  row(codes.ID_NOT_UTF8, "id_not_utf8", "not recorded", "The transfer's id is not well-formed Unicode."),
  row(
    codes.EXISTS_WITH_DIFFERENT_FLAGS,
    "exists_with_different_flags",
    "not recorded",
    "A transfer of this id exists, with other flags.",
  ),
  row(
    codes.EXISTS_WITH_DIFFERENT_PENDING_ID,
    "exists_with_different_pending_id",
    "not recorded",
    "A transfer of this id exists, which posts or voids another pending transfer.",
  ),
  row(
    codes.EXISTS_WITH_DIFFERENT_TIMEOUT,
    "exists_with_different_timeout",
    "not recorded",
    "A transfer of this id exists, with another timeout.",
  ),
  row(
    codes.EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT,
    "exists_with_different_debit_account_id",
    "not recorded",
    "A transfer of this id exists, with another debit account.",
  ),
  row(
    codes.EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT,
    "exists_with_different_credit_account_id",
    "not recorded",
    "A transfer of this id exists, with another credit account.",
  ),
  row(
    codes.EXISTS_WITH_DIFFERENT_AMOUNT,
    "exists_with_different_amount",
    "not recorded",
    "A transfer of this id exists, with another amount.",
  ),
  row(
    codes.EXISTS_WITH_DIFFERENT_USER_DATA,
    "exists_with_different_user_data",
    "not recorded",
    "A transfer of this id exists, with other user data.",
  ),
  row(
    codes.EXISTS_WITH_DIFFERENT_ASSET,
    "exists_with_different_asset",
    "not recorded",
    "A transfer of this id exists, in another asset.",
  ),
  row(
    codes.EXISTS_WITH_DIFFERENT_CODE,
    "exists_with_different_code",
    "not recorded",
    "A transfer of this id exists, with another code.",
  ),
  row(
    codes.EXISTS_WITH_DIFFERENT_EFFECTIVE_DATE,
    "exists_with_different_effective_date",
    "not recorded",
    "A transfer of this id exists, with another effective date.",
  ),
  row(codes.EXISTS, "exists", "not recorded", "This very transfer was made before; the sequence is the original's."),
  row(
    codes.ID_ALREADY_FAILED,
    "id_already_failed",
    "not recorded",
    "A transfer of this id was rejected before for a reason that depended on state; an id is never tried twice.",
  ),
  row(
    codes.FLAGS_ARE_MUTUALLY_EXCLUSIVE,
    "flags_are_mutually_exclusive",
    "not recorded",
    "At most one of pending, post and void can be; what posts or voids neither balances nor closes, nor expects versions.",
  ),
  row(
    codes.PENDING_ID_MUST_NOT_BE_EMPTY,
    "pending_id_must_not_be_empty",
    "not recorded",
    "The transfer posts or voids, and does not say what.",
  ),
  row(
    codes.PENDING_ID_TOO_LONG,
    "pending_id_too_long",
    "not recorded",
    "The pending transfer's id takes more than 64 bytes.",
  ),
  row(
    codes.PENDING_ID_NOT_UTF8,
    "pending_id_not_utf8",
    "not recorded",
    "The pending transfer's id is not well-formed Unicode.",
  ),
  row(
    codes.PENDING_ID_MUST_BE_DIFFERENT,
    "pending_id_must_be_different",
    "not recorded",
    "The transfer posts or voids itself.",
  ),
  row(
    codes.DEBIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY,
    "debit_account_id_must_not_be_empty",
    "not recorded",
    "The debit account has no id.",
  ),
  row(
    codes.DEBIT_ACCOUNT_ID_TOO_LONG,
    "debit_account_id_too_long",
    "not recorded",
    "The debit account's id takes more than 64 bytes.",
  ),
  row(
    codes.DEBIT_ACCOUNT_ID_NOT_UTF8,
    "debit_account_id_not_utf8",
    "not recorded",
    "The debit account's id is not well-formed Unicode.",
  ),
  row(
    codes.CREDIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY,
    "credit_account_id_must_not_be_empty",
    "not recorded",
    "The credit account has no id.",
  ),
  row(
    codes.CREDIT_ACCOUNT_ID_TOO_LONG,
    "credit_account_id_too_long",
    "not recorded",
    "The credit account's id takes more than 64 bytes.",
  ),
  row(
    codes.CREDIT_ACCOUNT_ID_NOT_UTF8,
    "credit_account_id_not_utf8",
    "not recorded",
    "The credit account's id is not well-formed Unicode.",
  ),
  row(
    codes.ACCOUNTS_MUST_BE_DIFFERENT,
    "accounts_must_be_different",
    "not recorded",
    "Debit and credit name the same account.",
  ),
  row(
    codes.PENDING_ID_MUST_BE_EMPTY,
    "pending_id_must_be_empty",
    "not recorded",
    "The transfer names a pending one, and neither posts nor voids it.",
  ),
  row(
    codes.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER,
    "timeout_reserved_for_pending_transfer",
    "not recorded",
    "The transfer has a timeout, and is not pending.",
  ),
  row(
    codes.CLOSING_TRANSFER_MUST_BE_PENDING,
    "closing_transfer_must_be_pending",
    "not recorded",
    "The transfer closes an account, and is not pending.",
  ),
  row(codes.AMOUNT_MUST_NOT_BE_ZERO, "amount_must_not_be_zero", "not recorded", "The amount is zero."),
  row(
    codes.DEBIT_ACCOUNT_NOT_FOUND,
    "debit_account_not_found",
    "recorded",
    "The debit account did not exist at that moment.",
  ),
  row(
    codes.CREDIT_ACCOUNT_NOT_FOUND,
    "credit_account_not_found",
    "recorded",
    "The credit account did not exist at that moment.",
  ),
  row(
    codes.ACCOUNTS_MUST_HAVE_THE_SAME_ASSET,
    "accounts_must_have_the_same_asset",
    "not recorded",
    "The two accounts hold different assets.",
  ),
  row(
    codes.TRANSFER_MUST_HAVE_THE_SAME_ASSET_AS_ACCOUNTS,
    "transfer_must_have_the_same_asset_as_accounts",
    "not recorded",
    "The amount is written in another asset than the accounts hold.",
  ),
  row(
    codes.VERSION_MISMATCH,
    "version_mismatch",
    "recorded",
    "An account is not at the version that the transfer expects: something changed it in between.",
  ),
  row(codes.DEBIT_ACCOUNT_ALREADY_CLOSED, "debit_account_already_closed", "recorded", "The debit account is closed."),
  row(
    codes.CREDIT_ACCOUNT_ALREADY_CLOSED,
    "credit_account_already_closed",
    "recorded",
    "The credit account is closed.",
  ),
  row(
    codes.OVERFLOWS_DEBITS_PENDING,
    "overflows_debits_pending",
    "recorded",
    "The debit account's pending debits would reach 2^128.",
  ),
  row(
    codes.OVERFLOWS_CREDITS_PENDING,
    "overflows_credits_pending",
    "recorded",
    "The credit account's pending credits would reach 2^128.",
  ),
  row(
    codes.OVERFLOWS_DEBITS_POSTED,
    "overflows_debits_posted",
    "recorded",
    "The debit account's posted debits would reach 2^128.",
  ),
  row(
    codes.OVERFLOWS_CREDITS_POSTED,
    "overflows_credits_posted",
    "recorded",
    "The credit account's posted credits would reach 2^128.",
  ),
  row(
    codes.OVERFLOWS_DEBITS,
    "overflows_debits",
    "recorded",
    "The debit account's posted and pending debits together would reach 2^128.",
  ),
  row(
    codes.OVERFLOWS_CREDITS,
    "overflows_credits",
    "recorded",
    "The credit account's posted and pending credits together would reach 2^128.",
  ),
  row(
    codes.EXCEEDS_CREDITS,
    "exceeds_credits",
    "recorded",
    "The debit account may not be debited beyond its credits, and this transfer would do so.",
  ),
  row(
    codes.EXCEEDS_DEBITS,
    "exceeds_debits",
    "recorded",
    "The credit account may not be credited beyond its debits, and this transfer would do so.",
  ),
  row(
    codes.PENDING_TRANSFER_NOT_FOUND,
    "pending_transfer_not_found",
    "recorded",
    "No transfer of the id that this one posts or voids had been made.",
  ),
  row(
    codes.PENDING_TRANSFER_NOT_PENDING,
    "pending_transfer_not_pending",
    "recorded",
    "The transfer that this one posts or voids was not a pending one.",
  ),
  row(
    codes.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT,
    "pending_transfer_has_different_debit_account_id",
    "recorded",
    "The pending transfer has another debit account.",
  ),
  row(
    codes.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT,
    "pending_transfer_has_different_credit_account_id",
    "recorded",
    "The pending transfer has another credit account.",
  ),
  row(
    codes.PENDING_TRANSFER_HAS_DIFFERENT_ASSET,
    "pending_transfer_has_different_asset",
    "recorded",
    "The pending transfer is in another asset.",
  ),
  row(
    codes.PENDING_TRANSFER_HAS_DIFFERENT_CODE,
    "pending_transfer_has_different_code",
    "recorded",
    "The pending transfer has another code.",
  ),
  row(
    codes.EXCEEDS_PENDING_TRANSFER_AMOUNT,
    "exceeds_pending_transfer_amount",
    "recorded",
    "The amount to post or void is more than the pending transfer reserves.",
  ),
  row(
    codes.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT,
    "pending_transfer_has_different_amount",
    "recorded",
    "The amount to void is not what the pending transfer reserves.",
  ),
  row(
    codes.PENDING_TRANSFER_ALREADY_POSTED,
    "pending_transfer_already_posted",
    "recorded",
    "The pending transfer was posted before.",
  ),
  row(
    codes.PENDING_TRANSFER_ALREADY_VOIDED,
    "pending_transfer_already_voided",
    "recorded",
    "The pending transfer was voided before.",
  ),
  row(
    codes.PENDING_TRANSFER_EXPIRED,
    "pending_transfer_expired",
    "recorded",
    "The pending transfer's time had run out.",
  ),
  row(codes.OK, "ok", "recorded", "The transfer is made."),
] as const;

/** Name of a transfer's result. */
export type TransferResultCode = (typeof TRANSFER_RESULTS)[number]["name"];

const nameByNumber: (TransferResultCode | undefined)[] = new Array(codes.RESULT_CODE_LIMIT).fill(undefined);
for (const { number, name, recorded } of TRANSFER_RESULTS) {
  if (nameByNumber[number] !== undefined) throw new Error(`result number ${number} is taken twice`);
  if (recorded !== (number === codes.OK || number >= codes.RECORDED_FROM)) {
    throw new Error(`result ${name} has a number on the wrong side of RECORDED_FROM`);
  }
  nameByNumber[number] = name;
}

/** Name of the result with this number in the kernel and the journal. */
export function resultName(number: number): TransferResultCode {
  const name = nameByNumber[number];
  if (name === undefined) throw new Error(`result number ${number} is not in the table: a bug in the kernel`);
  return name;
}

const numberByName = new Map<string, number>(TRANSFER_RESULTS.map(({ name, number }) => [name, number]));

/** Number of the result with this name. */
export function resultNumber(name: TransferResultCode): number {
  return numberByName.get(name)!;
}

const meaningByName = new Map<TransferResultCode, string>(TRANSFER_RESULTS.map(({ name, meaning }) => [name, meaning]));

/** One sentence on a result, for people. */
export function resultMeaning(name: TransferResultCode): string {
  return meaningByName.get(name)!;
}

/** The results of creating an account, in the order of checks. */
export const ACCOUNT_RESULTS = [
  "id_must_not_be_empty",
  "id_too_long",
  "id_not_utf8",
  "exists_with_different_flags",
  "exists_with_different_asset",
  "exists_with_different_code",
  "exists_with_different_user_data",
  "exists_with_different_metadata",
  "exists_with_different_overdraft_limit",
  "exists",
  "flags_are_mutually_exclusive",
  "overdraft_limit_needs_a_limit",
  "asset_unknown",
  "ok",
] as const;

/** Name of an account creation's result. */
export type AccountResultCode = (typeof ACCOUNT_RESULTS)[number];
