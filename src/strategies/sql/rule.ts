/**
 * The transfer rule in SQL, for PostgreSQL and SQLite alike: the kernel's `debitRefusal` and `creditRefusal`, word for
 * word, on a table with a balance instead of two totals.
 *
 * A rule that a database is to keep while others write must stand in the statement that writes, so here it is text that
 * every statement is made of: as a condition, and as the reason why the condition does not hold.
 */
import { TRANSFER_RESULTS, type TransferResultCode } from "../../core/results.js";
import type { StrategyTransfer } from "../strategy.js";

/** Balances stay within this on both sides of zero, so that no sum ever leaves 64 bits. */
export const BALANCE_MAX = (1n << 62n) - 1n;

/** Whether the account's row can be debited by `amount`, a placeholder. */
export function canBeDebited(amount: string): string {
  return `(balance >= ${amount} OR NOT limited) AND balance - ${amount} >= -${BALANCE_MAX}`;
}

/** Whether the account's row can be credited with `amount`, a placeholder. */
export function canBeCredited(amount: string): string {
  return `balance <= ${BALANCE_MAX} - ${amount}`;
}

/** Why the account's row can't take its side of the transfer; NULL where it can. The arguments are placeholders. */
export function refusalOf(debit: string, amount: string): string {
  return `CASE
    WHEN id = ${debit} AND NOT (${canBeDebited(amount)})
      THEN CASE WHEN limited THEN 'exceeds_credits' ELSE 'overflows_debits_posted' END
    WHEN id <> ${debit} AND NOT (${canBeCredited(amount)}) THEN 'overflows_credits_posted'
  END`;
}

/** The columns of the table of accounts; types that are not the same in both databases are arguments. */
export function accountColumns(types: { readonly money: string; readonly boolean: string }): string {
  return `
    id integer PRIMARY KEY,
    balance ${types.money} NOT NULL CHECK (balance BETWEEN -${BALANCE_MAX} AND ${BALANCE_MAX}),
    version ${types.money} NOT NULL DEFAULT 0,
    limited ${types.boolean} NOT NULL`;
}

const PRECEDENCE = new Map<string, number>(TRANSFER_RESULTS.map(({ name }, index) => [name, index]));

/** The outcome, given both accounts' refusals: the reason earlier in the order of checks counts. */
export function outcomeOf(refusals: readonly (TransferResultCode | null)[]): TransferResultCode {
  const reasons = refusals.filter((refusal) => refusal !== null);
  return reasons.sort((a, b) => PRECEDENCE.get(a)! - PRECEDENCE.get(b)!)[0] ?? "ok";
}

/** One side of a transfer. */
export interface Leg {
  readonly account: number;
  readonly side: "debit" | "credit";
}

/**
 * Both sides of the transfer in the order of account numbers. Whoever takes rows, locks or keys in this order never
 * waits for somebody who waits for them: no deadlock.
 */
export function legsInOrder({ debit, credit }: StrategyTransfer): readonly Leg[] {
  const legs: readonly Leg[] = [
    { account: debit, side: "debit" },
    { account: credit, side: "credit" },
  ];
  return debit < credit ? legs : legs.toReversed();
}
