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
export const INVALID_FLAG = 5;
export const INVALID_TIMEOUT = 6;
export const LINKED_EVENT_FAILED = 7;
export const INVALID_EXPECTED_VERSION = 13;
export const INVALID_EFFECTIVE_DATE = 14;
export const LINKED_EVENT_CHAIN_OPEN = 15;

export const RESERVED_FLAG = 8;
export const ID_MUST_NOT_BE_EMPTY = 10;
export const ID_TOO_LONG = 11;
export const ID_NOT_UTF8 = 12;

export const EXISTS_WITH_DIFFERENT_FLAGS = 20;
export const EXISTS_WITH_DIFFERENT_PENDING_ID = 21;
export const EXISTS_WITH_DIFFERENT_TIMEOUT = 22;
export const EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT = 23;
export const EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT = 24;
export const EXISTS_WITH_DIFFERENT_AMOUNT = 25;
export const EXISTS_WITH_DIFFERENT_USER_DATA = 26;
export const EXISTS_WITH_DIFFERENT_ASSET = 27;
export const EXISTS_WITH_DIFFERENT_CODE = 28;
export const EXISTS_WITH_DIFFERENT_EFFECTIVE_DATE = 29;
export const EXISTS = 30;
export const ID_ALREADY_FAILED = 31;

export const FLAGS_ARE_MUTUALLY_EXCLUSIVE = 32;
export const PENDING_ID_MUST_NOT_BE_EMPTY = 33;
export const PENDING_ID_TOO_LONG = 34;
export const PENDING_ID_NOT_UTF8 = 35;
export const PENDING_ID_MUST_BE_DIFFERENT = 36;

export const DEBIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY = 40;
export const DEBIT_ACCOUNT_ID_TOO_LONG = 41;
export const DEBIT_ACCOUNT_ID_NOT_UTF8 = 42;
export const CREDIT_ACCOUNT_ID_MUST_NOT_BE_EMPTY = 43;
export const CREDIT_ACCOUNT_ID_TOO_LONG = 44;
export const CREDIT_ACCOUNT_ID_NOT_UTF8 = 45;
export const ACCOUNTS_MUST_BE_DIFFERENT = 46;
export const PENDING_ID_MUST_BE_EMPTY = 47;
export const TIMEOUT_RESERVED_FOR_PENDING_TRANSFER = 48;
export const CLOSING_TRANSFER_MUST_BE_PENDING = 49;
export const AMOUNT_MUST_NOT_BE_ZERO = 52;
export const ACCOUNTS_MUST_HAVE_THE_SAME_ASSET = 56;
export const TRANSFER_MUST_HAVE_THE_SAME_ASSET_AS_ACCOUNTS = 57;

/** From here on the reason depends on state: the rejection is recorded and burns the id. */
export const RECORDED_FROM = 64;
export const DEBIT_ACCOUNT_NOT_FOUND = 64;
export const CREDIT_ACCOUNT_NOT_FOUND = 65;
export const PENDING_TRANSFER_NOT_FOUND = 66;
export const PENDING_TRANSFER_NOT_PENDING = 67;
export const PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT = 68;
export const PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT = 69;
export const VERSION_MISMATCH = 70;
export const PENDING_TRANSFER_HAS_DIFFERENT_ASSET = 71;
export const PENDING_TRANSFER_HAS_DIFFERENT_CODE = 72;
export const EXCEEDS_PENDING_TRANSFER_AMOUNT = 73;
// Where both sides of a transfer refuse, the lower number counts: from here on they are in the order of checks.
export const DEBIT_ACCOUNT_ALREADY_CLOSED = 74;
export const CREDIT_ACCOUNT_ALREADY_CLOSED = 75;
export const OVERFLOWS_DEBITS_PENDING = 76;
export const OVERFLOWS_CREDITS_PENDING = 77;
export const OVERFLOWS_DEBITS_POSTED = 80;
export const OVERFLOWS_CREDITS_POSTED = 81;
export const OVERFLOWS_DEBITS = 82;
export const OVERFLOWS_CREDITS = 83;
export const EXCEEDS_CREDITS = 90;
export const EXCEEDS_DEBITS = 91;
export const PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT = 96;
export const PENDING_TRANSFER_ALREADY_POSTED = 97;
export const PENDING_TRANSFER_ALREADY_VOIDED = 98;
export const PENDING_TRANSFER_EXPIRED = 99;

export const RESULT_CODE_LIMIT = 128;
