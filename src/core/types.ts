/** The shapes of the public API. */
import type { AccountResultCode, TransferResultCode } from "./results.js";

/** An account to create. */
export interface NewAccount {
  /** 1–64 bytes of UTF-8; comes back as it went in. */
  readonly id: string;
  /** A registered asset: an ISO 4217 code, or one named in the options of `openLedger`. */
  readonly asset: string;
  /** User-defined, 0–65,535. Default 0. */
  readonly code?: number;
  /** The account may never owe: its debits stay within its credits. */
  readonly debitsMustNotExceedCredits?: boolean;
  /** The account may never be owed: its credits stay within its debits. */
  readonly creditsMustNotExceedDebits?: boolean;
  /**
   * How far an account of `debitsMustNotExceedCredits` may go below zero: minor units, 0 to 2^128 − 1. Default 0.
   * Part of what the account is: it can't be changed later.
   */
  readonly overdraftLimit?: bigint;
}

/** An account's state at a batch boundary. Amounts in minor units of the asset. */
export interface Account {
  readonly id: string;
  readonly asset: string;
  readonly code: number;
  readonly debitsMustNotExceedCredits: boolean;
  readonly creditsMustNotExceedDebits: boolean;
  readonly overdraftLimit: bigint;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
  /** creditsPosted − debitsPosted; negative for an account that owes. */
  readonly balance: bigint;
  /** Goes up by exactly one with each change of the balances. */
  readonly version: number;
}

/** A transfer to make. */
export interface NewTransfer {
  /** 1–64 bytes of UTF-8. One id, one effect, for ever. */
  readonly id: string;
  /** Id of the account that pays. */
  readonly debit: string;
  /** Id of the account that receives. */
  readonly credit: string;
  /** Minor units of the accounts' asset, 1 to 2^128 − 1; for a balancing transfer also 0, for as much as there is. */
  readonly amount: bigint;
  /** User-defined, 0–65,535. Default 0. */
  readonly code?: number;
  /** User-defined, 0 to 2^128 − 1. Default 0. */
  readonly userData?: bigint;
  /**
   * The version that the debit account must have for the transfer to be made, as read from `Ledger.account`: optimistic
   * concurrency for whoever decided by a balance. Otherwise the result is `version_mismatch`.
   */
  readonly expectedDebitVersion?: number;
  /** The version that the credit account must have. */
  readonly expectedCreditVersion?: number;
  /**
   * Moves at most what the debit account has: the lesser of `amount` and its credits less its debits, with its
   * overdraft limit. Where that is nothing, the result is `exceeds_credits`.
   */
  readonly balancingDebit?: boolean;
  /** Moves at most what the credit account owes; where that is nothing, the result is `exceeds_debits`. */
  readonly balancingCredit?: boolean;
}

/** What became of a transfer. */
export interface TransferResult {
  readonly result: TransferResultCode;
  /** Ledger-wide, gap-free, from 1: of this transfer, or of the earlier one that used its id. 0 where none is recorded. */
  readonly sequence: number;
  /** With `id_already_failed`: the result that was recorded when the id was first used. */
  readonly reason?: TransferResultCode;
  /** With a balancing transfer that was made, now or earlier: what it moved. */
  readonly amount?: bigint;
}

/** What became of an account to create. */
export interface AccountResult {
  readonly result: AccountResultCode;
}
