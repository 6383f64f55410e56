/** The shapes of the public API. */
import type { JsonValue } from "./metadata.js";
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
  /** User-defined, 0 to 2^128 − 1. Default 0. Part of what the account is. */
  readonly userData?: bigint;
  /** User-defined: any JSON value of at most 64 KiB as text. Part of what the account is. Read by `Ledger.metadata`. */
  readonly metadata?: JsonValue;
}

/** An account's state at a batch boundary. Amounts in minor units of the asset. */
export interface Account {
  readonly id: string;
  readonly asset: string;
  readonly code: number;
  readonly userData: bigint;
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
  /** A pending transfer has closed the account: it refuses everything until that one is voided or expires. */
  readonly closed: boolean;
}

/** What every transfer to make has. */
interface TransferContent {
  /** 1–64 bytes of UTF-8. One id, one effect, for ever. */
  readonly id: string;
  /** User-defined, 0–65,535. Default 0. */
  readonly code?: number;
  /** User-defined, 0 to 2^128 − 1. Default 0. */
  readonly userData?: bigint;
  /** The day that the transfer counts for in the caller's books, as `2026-01-31`. The ledger only keeps it. */
  readonly effectiveDate?: string;
  /**
   * Chains the transfer to the next one of the call: all of a chain are made, or none. The chain ends with the first
   * transfer that is not linked.
   */
  readonly linked?: boolean;
}

/** What a transfer that moves or reserves an amount has. */
interface AmountContent extends TransferContent {
  /** Id of the account that pays. */
  readonly debit: string;
  /** Id of the account that receives. */
  readonly credit: string;
  /**
   * Minor units of the accounts' asset, 1 to 2^128 − 1; for a balancing transfer also 0, for as much as there is, and
   * for a closing one also 0, for nothing.
   */
  readonly amount: bigint;
  /**
   * The version that the debit account must have for the transfer to be made, as read from `Ledger.account`: optimistic
   * concurrency for whoever decided by a balance. Otherwise the result is `version_mismatch`.
   */
  readonly expectedDebitVersion?: number;
  /** The version that the credit account must have. */
  readonly expectedCreditVersion?: number;
  /**
   * Moves at most what the debit account has: the lesser of `amount` and its credits less its debits, posted and
   * pending, with its overdraft limit. Where that is nothing, the result is `exceeds_credits`.
   */
  readonly balancingDebit?: boolean;
  /** Moves at most what the credit account owes; where that is nothing, the result is `exceeds_debits`. */
  readonly balancingCredit?: boolean;
  readonly post?: never;
  readonly void?: never;
}

/** Moves an amount at once. */
export interface PlainTransfer extends AmountContent {
  readonly pending?: false;
  readonly timeout?: never;
  readonly closingDebit?: false;
  readonly closingCredit?: false;
}

/** Reserves an amount on both sides, until a later transfer posts or voids it. */
export interface PendingTransfer extends AmountContent {
  readonly pending: true;
  /** Seconds after which the reservation expires, 1 to 4,294,967,295. Default: never. */
  readonly timeout?: number;
  /** Closes the debit account: it refuses everything until this transfer is voided or expires. */
  readonly closingDebit?: boolean;
  /** Closes the credit account. */
  readonly closingCredit?: boolean;
}

/** What a transfer that ends a pending one has. Where it names accounts or a code, they must be the pending one's. */
interface ResolvingContent extends TransferContent {
  readonly debit?: string;
  readonly credit?: string;
  readonly pending?: false;
  readonly timeout?: never;
  readonly balancingDebit?: false;
  readonly balancingCredit?: false;
  readonly closingDebit?: false;
  readonly closingCredit?: false;
  readonly expectedDebitVersion?: never;
  readonly expectedCreditVersion?: never;
}

/** Moves what a pending transfer reserves, or part of it, and releases the rest. */
export interface PostTransfer extends ResolvingContent {
  /** Id of the pending transfer. */
  readonly post: string;
  /** Minor units to move, at most what is reserved. Default, as 0: all of it. */
  readonly amount?: bigint;
  readonly void?: never;
}

/** Releases what a pending transfer reserves. */
export interface VoidTransfer extends ResolvingContent {
  /** Id of the pending transfer. */
  readonly void: string;
  /** What is reserved. Default, as 0: whatever it is. */
  readonly amount?: bigint;
  readonly post?: never;
}

/** A transfer to make. */
export type NewTransfer = PlainTransfer | PendingTransfer | PostTransfer | VoidTransfer;

/** What became of a transfer. */
export interface TransferResult {
  readonly result: TransferResultCode;
  /** Ledger-wide, gap-free, from 1: of this transfer, or of the earlier one that used its id. 0 where none is recorded. */
  readonly sequence: number;
  /** With `id_already_failed`: the result that was recorded when the id was first used. */
  readonly reason?: TransferResultCode;
  /** With a balancing, posting or voiding transfer that was made, now or earlier: what it moved, or released. */
  readonly amount?: bigint;
}

/** A transfer as the journal has it: made, or rejected for a reason that depended on state. */
export interface Transfer {
  readonly id: string;
  /** `ok`, or why it was rejected. */
  readonly result: TransferResultCode;
  /** One sentence on the result, where the transfer was rejected. */
  readonly reason?: string;
  /** Ledger-wide, gap-free, from 1. */
  readonly sequence: number;
  /** Nanoseconds since 1970 (UTC): the clock of the batch that it was executed in. */
  readonly timestamp: bigint;
  /** Id of the account that paid, or should have. */
  readonly debit: string;
  /** Id of the account that received, or should have. */
  readonly credit: string;
  /** Minor units of the accounts' asset; of a balancing transfer that was made, what it moved. */
  readonly amount: bigint;
  readonly code: number;
  readonly userData: bigint;
  /** The day that it counts for in the caller's books, as `2026-01-31`. */
  readonly effectiveDate?: string;
  /** It was chained to the next one. */
  readonly linked?: true;
  /** It reserved the amount. */
  readonly pending?: true;
  /** Seconds after which it expired, or would have. */
  readonly timeout?: number;
  /** Id of the pending transfer that it posted, or should have. */
  readonly post?: string;
  /** Id of the pending transfer that it voided, or should have. */
  readonly void?: string;
  readonly balancingDebit?: true;
  readonly balancingCredit?: true;
  readonly closingDebit?: true;
  readonly closingCredit?: true;
  /** The amount as asked, where it may differ from what was moved: of a balancing, posting or voiding transfer. */
  readonly askedAmount?: bigint;
  readonly expectedDebitVersion?: number;
  readonly expectedCreditVersion?: number;
  /** Name of the job that it belongs to, and its 1-based row there; neither for direct calls. */
  readonly job?: string;
  readonly row?: number;
}

/** A moment: a `Date`, or nanoseconds since 1970 (UTC). The ledger's clock ticks in milliseconds, a batch a tick. */
export type Moment = Date | bigint;

/** Which entries of an account are asked for, and how many. Every bound that is given must hold. */
export interface HistoryOptions {
  /** Most entries of a page, 1 to 10,000. Default 100. */
  readonly limit?: number;
  /** Only sequences below this one. */
  readonly before?: number;
  /** Only sequences above this one. */
  readonly after?: number;
  /** Nothing older than this. */
  readonly from?: Moment;
  /** Nothing younger than this. */
  readonly to?: Moment;
  /** The cursor of the page before, with the other options as they were there (the limit may differ). */
  readonly cursor?: string;
}

/** A change of an account's posted balance. */
export interface HistoryEntry {
  readonly transfer: Transfer;
  /** `debit` where the account paid, `credit` where it received. */
  readonly direction: "debit" | "credit";
  /** Id of the other account. */
  readonly counterparty: string;
  /** Minor units, positive. */
  readonly amount: bigint;
  /** The account's posted balance after the entry. */
  readonly balance: bigint;
}

/** Some of an account's entries, newest first. */
export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  /** For the next page; absent where there is none. */
  readonly cursor?: string;
}

/** Which recorded transfers are asked for, and how many. Everything that is given must hold. */
export interface TransferFilter {
  /** Most transfers of a page, 1 to 10,000. Default 100. */
  readonly limit?: number;
  /** Only those that name this account on either side, made or rejected; also one that does not exist. */
  readonly account?: string;
  /** Only those of the job of this name. */
  readonly job?: string;
  /** Only those with this user-defined code. */
  readonly code?: number;
  readonly userData?: bigint;
  /** Only those that ended so: `ok`, or a reason to be rejected. */
  readonly result?: TransferResultCode;
  /** Only from this sequence on, and up to that one; both included. */
  readonly fromSequence?: number;
  readonly toSequence?: number;
  /** Nothing older, and nothing younger than this. */
  readonly from?: Moment;
  readonly to?: Moment;
  /** The cursor of the page before, with the other options as they were there (the limit may differ). */
  readonly cursor?: string;
}

/** Some of the transfers that a filter leaves, newest first. */
export interface TransferPage {
  readonly transfers: readonly Transfer[];
  /** For the next page; absent where there is none. */
  readonly cursor?: string;
}

/** A point in a ledger's past: after the transfer of a sequence, or at the end of a moment. */
export type PointInTime =
  | { readonly sequence: number; readonly time?: never }
  | { readonly time: Moment; readonly sequence?: never };

/** What became of an account to create. */
export interface AccountResult {
  readonly result: AccountResultCode;
}
