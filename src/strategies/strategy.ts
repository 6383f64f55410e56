/**
 * What every strategy is and does, wherever its balances live: the same transfers, the same rule, the same outcomes.
 * Strategies differ only in how they keep concurrent transfers apart.
 */
import type { TransferResultCode } from "../core/results.js";

/** Where a strategy's balances live. */
export type Place = "memory" | "sqlite" | "postgres";

/** A transfer between numbered accounts. */
export interface StrategyTransfer {
  /** Numbers of two different accounts, from 0. */
  readonly debit: number;
  readonly credit: number;
  /** Minor units, 1 to 2^62 - 1. */
  readonly amount: bigint;
}

/** What one transfer came to. */
export interface Attempt {
  readonly result: TransferResultCode;
  /** How often the strategy found that another had been faster and began again. */
  readonly conflicts: number;
}

/** An account of a bank as its books show it. */
export interface BankAccount {
  /** Credits less debits, in minor units. */
  readonly balance: bigint;
  /** Changes of the balance since the account was opened. */
  readonly version: bigint;
  /** Whether the balance may not go below zero. */
  readonly limited: boolean;
}

/** An account to open a bank with. Its opening balance is not a change: its version begins at 0. */
export interface OpeningAccount {
  readonly balance: bigint;
  readonly limited: boolean;
}

export interface TransferOptions {
  /**
   * Awaited once between reading and writing, where the strategy has such a gap, and before its one step where it has
   * none. Races are forced here: two transfers that await the same barrier have both read before either writes. A
   * strategy that keeps the second one out until the first is done never lets it reach the barrier: a barrier must open
   * by itself when everybody who can still come has come.
   */
  readonly between?: () => Promise<void>;
}

/** Accounts under one strategy. Transfers may be asked for concurrently; that is what a bank is for. */
export interface Bank {
  transfer(transfer: StrategyTransfer, options?: TransferOptions): Promise<Attempt>;
  /** All accounts in the order of their numbers. Exact once no transfer is under way. */
  accounts(): Promise<readonly BankAccount[]>;
  close(): Promise<void>;
}

/** A strategy and its terms of use. The sentences are what `docs/concurrency.md` and the report say. */
export interface Strategy {
  readonly name: string;
  readonly place: Place;
  /** False for those that exist to be seen failing. */
  readonly safe: boolean;
  readonly guarantee: string;
  readonly cost: string;
  readonly whenToUse: string;
  readonly whenNot: string;
}
