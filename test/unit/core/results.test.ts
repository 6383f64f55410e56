/** The table of results: numbers are in the journal for ever, names are in people's programs, the order is the checks'. */
import { expect, test } from "vitest";
import { ACCOUNT_RESULTS, resultName, TRANSFER_RESULTS } from "../../../src/core/results.js";

/** In the order of checks. A number never changes and is never used again; new ones go where their check is. */
const PINNED: readonly [number: number, name: string, recorded: boolean][] = [
  [1, "invalid_row", false],
  [2, "invalid_amount", false],
  [3, "invalid_code", false],
  [4, "invalid_user_data", false],
  [5, "invalid_flag", false],
  [6, "invalid_timeout", false],
  [13, "invalid_expected_version", false],
  [14, "invalid_effective_date", false],
  [15, "linked_event_chain_open", false],
  [7, "linked_event_failed", false],
  [8, "reserved_flag", false],
  [10, "id_must_not_be_empty", false],
  [11, "id_too_long", false],
  [12, "id_not_utf8", false],
  [20, "exists_with_different_flags", false],
  [21, "exists_with_different_pending_id", false],
  [22, "exists_with_different_timeout", false],
  [23, "exists_with_different_debit_account_id", false],
  [24, "exists_with_different_credit_account_id", false],
  [25, "exists_with_different_amount", false],
  [26, "exists_with_different_user_data", false],
  [27, "exists_with_different_asset", false],
  [28, "exists_with_different_code", false],
  [29, "exists_with_different_effective_date", false],
  [30, "exists", false],
  [31, "id_already_failed", false],
  [32, "flags_are_mutually_exclusive", false],
  [33, "pending_id_must_not_be_empty", false],
  [34, "pending_id_too_long", false],
  [35, "pending_id_not_utf8", false],
  [36, "pending_id_must_be_different", false],
  [40, "debit_account_id_must_not_be_empty", false],
  [41, "debit_account_id_too_long", false],
  [42, "debit_account_id_not_utf8", false],
  [43, "credit_account_id_must_not_be_empty", false],
  [44, "credit_account_id_too_long", false],
  [45, "credit_account_id_not_utf8", false],
  [46, "accounts_must_be_different", false],
  [47, "pending_id_must_be_empty", false],
  [48, "timeout_reserved_for_pending_transfer", false],
  [49, "closing_transfer_must_be_pending", false],
  [52, "amount_must_not_be_zero", false],
  [64, "debit_account_not_found", true],
  [65, "credit_account_not_found", true],
  [56, "accounts_must_have_the_same_asset", false],
  [57, "transfer_must_have_the_same_asset_as_accounts", false],
  [70, "version_mismatch", true],
  [74, "debit_account_already_closed", true],
  [75, "credit_account_already_closed", true],
  [76, "overflows_debits_pending", true],
  [77, "overflows_credits_pending", true],
  [80, "overflows_debits_posted", true],
  [81, "overflows_credits_posted", true],
  [82, "overflows_debits", true],
  [83, "overflows_credits", true],
  [90, "exceeds_credits", true],
  [91, "exceeds_debits", true],
  [66, "pending_transfer_not_found", true],
  [67, "pending_transfer_not_pending", true],
  [68, "pending_transfer_has_different_debit_account_id", true],
  [69, "pending_transfer_has_different_credit_account_id", true],
  [71, "pending_transfer_has_different_asset", true],
  [72, "pending_transfer_has_different_code", true],
  [73, "exceeds_pending_transfer_amount", true],
  [96, "pending_transfer_has_different_amount", true],
  [97, "pending_transfer_already_posted", true],
  [98, "pending_transfer_already_voided", true],
  [99, "pending_transfer_expired", true],
  [0, "ok", true],
];

test("numbers, names, order and what is recorded are as they were released", () => {
  expect(TRANSFER_RESULTS.map(({ number, name, recorded }) => [number, name, recorded])).toEqual(PINNED);
});

test("numbers and names are unique, and every number has its name", () => {
  expect(new Set(TRANSFER_RESULTS.map(({ number }) => number)).size).toBe(TRANSFER_RESULTS.length);
  expect(new Set(TRANSFER_RESULTS.map(({ name }) => name)).size).toBe(TRANSFER_RESULTS.length);
  for (const { number, name } of TRANSFER_RESULTS) expect(resultName(number)).toBe(name);
});

test("a number without a row is a bug, and said so", () => {
  for (const number of [9, 127, 128, 255, -1]) expect(() => resultName(number)).toThrow(`result number ${number}`);
});

test("names are snake_case and fit their place in memory, and meanings are sentences", () => {
  for (const { name, meaning } of TRANSFER_RESULTS) {
    expect(name).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/);
    expect(name.length).toBeLessThan(64);
    expect(meaning).toMatch(/^[A-Z].*\.$/);
  }
});

test("the results of creating an account are as they were released, in the order of checks", () => {
  expect(ACCOUNT_RESULTS).toEqual([
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
  ]);
});
