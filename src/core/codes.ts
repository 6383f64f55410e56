/**
 * The numbers of the result codes, as the kernel computes them and the journal keeps them for ever.
 *
 * Compiled by TypeScript and by the kernel: integer constants only. `results.ts` gives each its name, its place
 * in the order of checks and its meaning. Numbers are never reused; the gaps are room for codes to come.
 */
export const OK = 0;

export const INVALID_ROW = 1;
export const INVALID_AMOUNT = 2;
export const INVALID_CODE = 3;
export const INVALID_USER_DATA = 4;
export const LINKED_EVENT_FAILED = 7;

export const RESERVED_FLAG = 8;
export const ID_MUST_NOT_BE_EMPTY = 10;
export const ID_TOO_LONG = 11;
export const ID_NOT_UTF8 = 12;

export const EXISTS_WITH_DIFFERENT_FLAGS = 20;
export const EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT = 23;
export const EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT = 24;
export const EXISTS_WITH_DIFFERENT_AMOUNT = 25;
export const EXISTS_WITH_DIFFERENT_USER_DATA = 26;
export const EXISTS_WITH_DIFFERENT_ASSET = 27;
export const EXISTS_WITH_DIFFERENT_CODE = 28;
export const EXISTS = 30;
export const ID_ALREADY_FAILED = 31;

export const DEBIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY = 40;
export const DEBIT_ACCOUNT_ID_TOO_LONG = 41;
export const DEBIT_ACCOUNT_ID_NOT_UTF8 = 42;
export const CREDIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY = 43;
export const CREDIT_ACCOUNT_ID_TOO_LONG = 44;
export const CREDIT_ACCOUNT_ID_NOT_UTF8 = 45;
export const ACCOUNTS_MUST_BE_DIFFERENT = 46;
export const AMOUNT_MUST_NOT_BE_ZERO = 52;
export const ACCOUNTS_MUST_HAVE_THE_SAME_ASSET = 56;
export const TRANSFER_MUST_HAVE_THE_SAME_ASSET_AS_ACCOUNTS = 57;

/** From here on the reason depends on state: the rejection is recorded and burns the id. */
export const RECORDED_FROM = 64;
export const DEBIT_ACCOUNT_NOT_FOUND = 64;
export const CREDIT_ACCOUNT_NOT_FOUND = 65;
export const VERSION_MISMATCH = 70;
export const OVERFLOWS_DEBITS_POSTED = 80;
export const OVERFLOWS_CREDITS_POSTED = 81;
export const EXCEEDS_CREDITS = 90;
export const EXCEEDS_DEBITS = 91;

export const RESULT_CODE_LIMIT = 128;
