/** What can be asked of a bank in shared memory, and how it is written down for the kernel. */
import { LedgerError } from "../../core/errors.js";
import { NO_SLOT } from "../../core/layout.js";
import { resultName } from "../../core/results.js";
import type { Attempt } from "../strategy.js";
import * as layout from "./layout.js";

/**
 * Kinds of operations. Accounts come in the order given; all of one operation must be different.
 *
 * Those besides `transfer` are the transaction types of SmallBank (Alomari, Cahill, Fekete, Röhm: "The Cost of
 * Serializability on Platforms That Use Snapshot Isolation", ICDE 2008), as double entry: where the original adds money
 * out of nothing, an account that the operation names pays it.
 */
export type OperationKind =
  /** Payer, payee: moves the amount. */
  | "transfer"
  /** Payer's and payee's checking: moves the amount. */
  | "send_payment"
  /** Checking, cash: moves the amount from cash to checking. */
  | "deposit"
  /** Savings, cash: moves the amount from cash to savings; a negative amount goes out of savings, if it is there. */
  | "transact_savings"
  /** One or two accounts: changes nothing and answers the sum of their balances. The amount is 0. */
  | "balance"
  /** Savings, checking, payee: moves the amount from checking, and a penalty of 1 on top if both hold less than it. */
  | "write_check"
  /** Savings, checking, another's checking: moves all of both to the other. The amount is 0. */
  | "amalgamate";

/** An operation on one to three numbered accounts. */
export interface Operation {
  readonly kind: OperationKind;
  /** Numbers of different accounts, in the order that the kind says. */
  readonly accounts: readonly number[];
  /** Minor units, within 2^62 - 1; above 0 unless the kind says otherwise. */
  readonly amount: bigint;
}

/** What an operation came to. */
export interface OperationAttempt extends Attempt {
  /** The sum that `balance` read, what `write_check` charged, what `amalgamate` moved; 0 for the other kinds. */
  readonly answer: bigint;
}

interface KindDescription {
  readonly number: number;
  readonly accountsMin: number;
  readonly accountsMax: number;
  readonly amount: "positive" | "not zero" | "zero";
}

const two = { accountsMin: 2, accountsMax: 2 };
const three = { accountsMin: 3, accountsMax: 3 };

const KINDS: Readonly<Record<OperationKind, KindDescription>> = {
  transfer: { number: layout.OPERATION_TRANSFER, ...two, amount: "positive" },
  send_payment: { number: layout.OPERATION_SEND_PAYMENT, ...two, amount: "positive" },
  deposit: { number: layout.OPERATION_DEPOSIT, ...two, amount: "positive" },
  transact_savings: { number: layout.OPERATION_TRANSACT_SAVINGS, ...two, amount: "not zero" },
  balance: { number: layout.OPERATION_BALANCE, accountsMin: 1, accountsMax: 2, amount: "zero" },
  write_check: { number: layout.OPERATION_WRITE_CHECK, ...three, amount: "positive" },
  amalgamate: { number: layout.OPERATION_AMALGAMATE, ...three, amount: "zero" },
};

const AMOUNT_LIMIT = 1n << BigInt(layout.TOTAL_BITS);

function invalid(message: string, details: Readonly<Record<string, unknown>>): LedgerError {
  return new LedgerError("invalid_argument", message, { details });
}

function isAmount(amount: bigint, kind: KindDescription["amount"]): boolean {
  if (kind === "zero") return amount === 0n;
  return amount < AMOUNT_LIMIT && (amount > 0n || (kind === "not zero" && amount < 0n && amount > -AMOUNT_LIMIT));
}

/**
 * Throws `invalid_argument` where the operation names accounts that the bank does not have, or no usable amount. Equal
 * accounts are a refusal, not misuse: `accounts_must_be_different`.
 */
export function checkOperation({ kind, accounts, amount }: Operation, accountCount: number): void {
  const { accountsMin, accountsMax, amount: amountKind } = KINDS[kind];
  if (accounts.length < accountsMin || accounts.length > accountsMax) {
    const expected = accountsMin === accountsMax ? accountsMin : `${accountsMin} or ${accountsMax}`;
    throw invalid(`${kind}: expected the numbers of ${expected} accounts, found ${accounts.length}`, { accounts });
  }
  for (const account of accounts) {
    if (!Number.isInteger(account) || account < 0 || account >= accountCount) {
      throw invalid(`${kind}: expected the number of an account, 0 to ${accountCount - 1}, found ${account}`, {
        account,
      });
    }
  }
  if (!isAmount(amount, amountKind)) {
    const expected = amountKind === "zero" ? "0" : `a ${amountKind} amount of at most 2^62 - 1 minor units`;
    throw invalid(`${kind}: expected ${expected}, found ${amount}`, { amount });
  }
}

/** Writes the operation at `address`. */
export function writeOperation(view: DataView, address: number, { kind, accounts, amount }: Operation): void {
  view.setUint32(address + layout.OP_FIRST, accounts[0] ?? NO_SLOT, true);
  view.setUint32(address + layout.OP_SECOND, accounts[1] ?? NO_SLOT, true);
  view.setUint32(address + layout.OP_THIRD, accounts[2] ?? NO_SLOT, true);
  view.setUint8(address + layout.OP_KIND, KINDS[kind].number);
  view.setUint8(address + layout.OP_RESULT, 0);
  view.setBigInt64(address + layout.OP_AMOUNT, amount, true);
  view.setBigInt64(address + layout.OP_ANSWER, 0n, true);
}

/** What the operation of the lane at this address came to. */
export function readAttempt(view: DataView, lane: number): OperationAttempt {
  const operation = lane + layout.LN_OWN_OPERATION;
  return { ...readOperation(view, operation), conflicts: view.getUint32(lane + layout.LN_CONFLICTS, true) };
}

/** What the operation at this address came to. */
export function readOperation(view: DataView, address: number): Omit<OperationAttempt, "conflicts"> {
  return {
    result: resultName(view.getUint8(address + layout.OP_RESULT)),
    answer: view.getBigInt64(address + layout.OP_ANSWER, true),
  };
}
