/** A recorded transfer in the words of the API. */
import type { AccountTable } from "../core/accounts.js";
import { dateOf } from "../core/dates.js";
import type { RecordedTransfer } from "../core/journal.js";
import {
  TRANSFER_BALANCING_CREDIT,
  TRANSFER_BALANCING_DEBIT,
  TRANSFER_CLOSING_CREDIT,
  TRANSFER_CLOSING_DEBIT,
  TRANSFER_LINKED,
  TRANSFER_PENDING,
  TRANSFER_POST,
  TRANSFER_VOID,
} from "../core/layout.js";
import type { NewTransfer, Transfer } from "../core/types.js";

/** What a transfer says, without what became of it. */
export type TransferFields = Omit<Transfer, "result" | "reason" | "sequence" | "timestamp" | "job" | "row">;

export function fieldsOf(recorded: RecordedTransfer, accounts: AccountTable): TransferFields {
  const { id, debitSlot, creditSlot, amount, code, userData } = recorded;
  return {
    id,
    debit: debitSlot === undefined ? (recorded.missingDebit ?? "") : accounts.id(debitSlot),
    credit: creditSlot === undefined ? (recorded.missingCredit ?? "") : accounts.id(creditSlot),
    amount,
    code,
    userData,
    ...optionalFields(recorded),
  };
}

/** The transfer as it was asked for. */
export function askedTransfer(recorded: RecordedTransfer, accounts: AccountTable): NewTransfer {
  const { askedAmount, ...fields } = fieldsOf(recorded, accounts);
  // At most one of `pending`, `post` and `void` is there, as it was when it was asked.
  return { ...fields, amount: askedAmount ?? fields.amount } as NewTransfer;
}

/** What only some transfers have. */
function optionalFields(recorded: RecordedTransfer): Partial<Transfer> {
  const { flags, pendingId, timeout, effectiveDay, askedAmount, expectedDebitVersion, expectedCreditVersion } =
    recorded;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return {
    ...(effectiveDay === undefined ? {} : { effectiveDate: dateOf(effectiveDay) }),
    ...(has(TRANSFER_LINKED) ? { linked: true } : {}),
    ...(has(TRANSFER_PENDING) ? { pending: true } : {}),
    ...(timeout === 0 ? {} : { timeout }),
    ...(has(TRANSFER_POST) ? { post: pendingId ?? "" } : {}),
    ...(has(TRANSFER_VOID) ? { void: pendingId ?? "" } : {}),
    ...(has(TRANSFER_BALANCING_DEBIT) ? { balancingDebit: true } : {}),
    ...(has(TRANSFER_BALANCING_CREDIT) ? { balancingCredit: true } : {}),
    ...(has(TRANSFER_CLOSING_DEBIT) ? { closingDebit: true } : {}),
    ...(has(TRANSFER_CLOSING_CREDIT) ? { closingCredit: true } : {}),
    ...(askedAmount === undefined ? {} : { askedAmount }),
    ...(expectedDebitVersion === undefined ? {} : { expectedDebitVersion: Number(expectedDebitVersion) }),
    ...(expectedCreditVersion === undefined ? {} : { expectedCreditVersion: Number(expectedCreditVersion) }),
  };
}
