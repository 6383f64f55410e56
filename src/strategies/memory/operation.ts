/** What can be asked of a bank in shared memory, and how it is written down for the kernel. */
import { LedgerError } from "../../core/errors.js";
import { NO_SLOT } from "../../core/layout.js";
import { resultName } from "../../core/results.js";
import type { Attempt } from "../strategy.js";
import * as layout from "./layout.js";

/** Kinds of operations by name. */
export const OPERATION_KINDS = { transfer: layout.KIND_TRANSFER } as const;

export type OperationKind = keyof typeof OPERATION_KINDS;

/** An operation on up to three numbered accounts. */
export interface Operation {
  readonly kind: OperationKind;
  /** Numbers of different accounts, in the order that the kind says. */
  readonly accounts: readonly number[];
  /** Minor units, 1 to 2^62 - 1. */
  readonly amount: bigint;
}

const AMOUNT_LIMIT = 1n << BigInt(layout.TOTAL_BITS);

function invalid(message: string, details: Readonly<Record<string, unknown>>): LedgerError {
  return new LedgerError("invalid_argument", message, { details });
}

/** Throws `invalid_argument` where the operation names accounts that the bank does not have, or no usable amount. */
export function checkOperation({ accounts, amount }: Operation, accountCount: number): void {
  for (const account of accounts) {
    if (!Number.isInteger(account) || account < 0 || account >= accountCount) {
      throw invalid(`expected the number of an account, 0 to ${accountCount - 1}, found ${account}`, { account });
    }
  }
  if (accounts.length !== 2) {
    throw invalid(`expected the numbers of 2 accounts, found ${accounts.length}`, { accounts });
  }
  if (amount < 1n || amount >= AMOUNT_LIMIT) {
    throw invalid(`expected an amount of 1 to 2^62 - 1 minor units, found ${amount}`, { amount });
  }
}

/** Writes the operation at `address`. */
export function writeOperation(view: DataView, address: number, { kind, accounts, amount }: Operation): void {
  view.setUint32(address + layout.OP_FIRST, accounts[0] ?? NO_SLOT, true);
  view.setUint32(address + layout.OP_SECOND, accounts[1] ?? NO_SLOT, true);
  view.setUint32(address + layout.OP_THIRD, accounts[2] ?? NO_SLOT, true);
  view.setUint8(address + layout.OP_KIND, OPERATION_KINDS[kind]);
  view.setUint8(address + layout.OP_RESULT, 0);
  view.setBigUint64(address + layout.OP_AMOUNT, amount, true);
}

/** What the operation in the lane at this address came to. */
export function readAttempt(view: DataView, lane: number): Attempt {
  return {
    result: resultName(view.getUint32(lane + layout.LN_RESULT, true)),
    conflicts: view.getUint32(lane + layout.LN_CONFLICTS, true),
  };
}
