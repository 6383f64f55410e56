/** What every database bank asks of a transfer before it does anything. */
import { LedgerError } from "../core/errors.js";
import type { TransferResultCode } from "../core/results.js";
import type { StrategyTransfer } from "./strategy.js";

const AMOUNT_LIMIT = 1n << 62n;

/**
 * Throws `invalid_argument` where the transfer names accounts that the bank does not have, or no usable amount. Returns
 * why the transfer is refused, where it alone decides that.
 */
export function checkTransfer(
  { debit, credit, amount }: StrategyTransfer,
  accountCount: number,
): TransferResultCode | undefined {
  for (const account of [debit, credit]) {
    if (!Number.isInteger(account) || account < 0 || account >= accountCount) {
      throw invalid(`expected the number of an account, 0 to ${accountCount - 1}, found ${account}`, { account });
    }
  }
  if (amount < 1n || amount >= AMOUNT_LIMIT) {
    throw invalid(`expected an amount of 1 to 2^62 - 1 minor units, found ${amount}`, { amount });
  }
  return debit === credit ? "accounts_must_be_different" : undefined;
}

function invalid(message: string, details: Readonly<Record<string, unknown>>): LedgerError {
  return new LedgerError("invalid_argument", message, { details });
}
