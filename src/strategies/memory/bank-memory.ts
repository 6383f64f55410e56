/** A bank's shared memory: planned, made, opened and read. */
import { LedgerError } from "../../core/errors.js";
import * as core from "../../core/layout.js";
import type { BankAccount, OpeningAccount } from "../strategy.js";
import * as layout from "./layout.js";
import { assertBankLayout } from "./layout-assertions.js";

assertBankLayout();

/** Operations that may be under way at a time; more of them wait for their turn. */
const LANES = 16_384;
const BALANCE_LIMIT = 1n << BigInt(layout.TOTAL_BITS);

/** What a bank's books say when they are summed up. */
export interface Books {
  /** Sum of all balances: it stays what it was when the bank was opened, or money has appeared or vanished. */
  readonly total: bigint;
  /** Sum of all versions: how often balances have changed. */
  readonly changes: bigint;
  /** Limited accounts below zero. */
  readonly overspent: number;
}

export class BankMemory {
  readonly memory: WebAssembly.Memory;
  readonly view: DataView;
  readonly words: Int32Array;
  readonly accountCount: number;
  readonly laneCount: number;
  readonly operationCapacity: number;
  readonly #accounts: number;
  readonly #lanes: number;
  readonly #operations: number;
  readonly #stamps: number;

  /** Attaches to the memory of a bank. Throws `layout_mismatch` where it is none. */
  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.view = new DataView(memory.buffer);
    this.words = new Int32Array(memory.buffer);
    const magic = this.#header(layout.BK_MAGIC);
    const version = this.#header(layout.BK_VERSION);
    if (magic !== layout.BANK_MAGIC || version !== layout.BANK_LAYOUT_VERSION) {
      throw new LedgerError(
        "layout_mismatch",
        `expected a bank's memory of layout version ${layout.BANK_LAYOUT_VERSION}, found the magic number ${magic} and ` +
          `version ${version}: rebuild the package`,
      );
    }
    this.accountCount = this.#header(layout.BK_ACCOUNT_COUNT);
    this.#accounts = this.view.getUint32(core.SUPERBLOCK + core.SB_ACCOUNTS, true);
    this.#lanes = this.#header(layout.BK_LANES);
    this.laneCount = this.#header(layout.BK_LANE_COUNT);
    this.#operations = this.#header(layout.BK_OPERATIONS);
    this.#stamps = this.#header(layout.BK_STAMPS);
    this.operationCapacity = this.#header(layout.BK_OPERATION_CAPACITY);
  }

  #header(field: number): number {
    return this.view.getUint32(layout.BANK + field, true);
  }

  /** Address of the account with this number. */
  account(slot: number): number {
    return this.#accounts + slot * core.ACCOUNT_SIZE;
  }

  lane(index: number): number {
    return this.#lanes + index * layout.LANE_SIZE;
  }

  /** Address of an operation of the array. Behind its capacity come those that are gathered from single calls. */
  operation(index: number): number {
    return this.#operations + index * layout.OPERATION_SIZE;
  }

  /** Address of the stamps of an operation of the array. */
  stamps(index: number): number {
    return this.#stamps + index * layout.STAMP_SIZE;
  }

  /** Opens all accounts anew: balances as given, versions 0, locks free. No operation may be under way. */
  open(accounts: readonly OpeningAccount[]): void {
    accounts.forEach(({ balance, limited }, slot) => {
      const address = this.account(slot);
      new Uint8Array(this.memory.buffer, address, core.ACCOUNT_SIZE).fill(0);
      const side = balance < 0n ? core.AC_DEBITS_POSTED : core.AC_CREDITS_POSTED;
      this.view.setBigUint64(address + side, balance < 0n ? -balance : balance, true);
      const flags = limited ? core.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS : 0;
      this.view.setUint16(address + core.AC_FLAGS, flags, true);
    });
  }

  /** Looks at a lock before sleeping, for operations that begin from now on. */
  setLockSpins(looks: number): void {
    this.view.setUint32(layout.BANK + layout.BK_LOCK_SPINS, looks, true);
  }

  /** The account as its books show it. */
  read(slot: number): BankAccount {
    const address = this.account(slot);
    return {
      balance: this.#total(address + core.AC_CREDITS_POSTED) - this.#total(address + core.AC_DEBITS_POSTED),
      version: this.view.getBigUint64(address + core.AC_VERSION, true),
      limited: this.#isLimited(address),
    };
  }

  readAll(): BankAccount[] {
    return Array.from({ length: this.accountCount }, (_, slot) => this.read(slot));
  }

  books(): Books {
    let total = 0n;
    let changes = 0n;
    let overspent = 0;
    for (let slot = 0; slot < this.accountCount; slot++) {
      const { balance, version, limited } = this.read(slot);
      total += balance;
      changes += version;
      if (limited && balance < 0n) overspent++;
    }
    return { total, changes, overspent };
  }

  #total(address: number): bigint {
    return this.view.getBigUint64(address, true) | (this.view.getBigUint64(address + 8, true) << 64n);
  }

  #isLimited(address: number): boolean {
    const flags = this.view.getUint16(address + core.AC_FLAGS, true);
    return (flags & core.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS) !== 0;
  }
}

function checkAccounts(accounts: readonly OpeningAccount[]): void {
  if (accounts.length < 1 || accounts.length > layout.BANK_ACCOUNTS_MAX) {
    throw new LedgerError(
      "invalid_argument",
      `expected 1 to ${layout.BANK_ACCOUNTS_MAX} accounts, found ${accounts.length}`,
      { details: { accounts: accounts.length } },
    );
  }
  accounts.forEach(({ balance, limited }, account) => {
    if (balance >= BALANCE_LIMIT || balance <= -BALANCE_LIMIT || (limited && balance < 0n)) {
      throw new LedgerError(
        "invalid_argument",
        `account ${account}: expected an opening balance within 2^62 - 1 minor units, and not below zero where the ` +
          `account is limited, found ${balance}`,
        { details: { account, balance } },
      );
    }
  });
}

export interface BankMemoryOptions {
  /** Operations that the array can hold. */
  readonly operations: number;
  /** Whether there is room for batches: of the engine's stages, and of single operations that are gathered. */
  readonly hasBatches: boolean;
  /** Looks at a taken lock before sleeping; 0 where looking again is of no use, because nobody runs meanwhile. */
  readonly lockSpins: number;
}

/** Makes the memory of a bank with these accounts. */
export function createBankMemory(accounts: readonly OpeningAccount[], options: BankMemoryOptions): BankMemory {
  const { operations, hasBatches, lockSpins } = options;
  checkAccounts(accounts);
  if (!Number.isSafeInteger(operations) || operations < 0 || operations > layout.BANK_OPERATIONS_MAX) {
    throw new LedgerError(
      "invalid_argument",
      `expected room for 0 to ${layout.BANK_OPERATIONS_MAX} operations, found ${operations}`,
      { details: { operations } },
    );
  }
  let next = core.REGIONS_START;
  const take = (byteLength: number): number => {
    const address = next;
    next += Math.ceil(byteLength / core.CACHE_LINE) * core.CACHE_LINE;
    return address;
  };
  const accountsAddress = take(accounts.length * core.ACCOUNT_SIZE);
  const lanes = take(LANES * layout.LANE_SIZE);
  const gathered = hasBatches ? core.BATCH_CAPACITY : 0;
  const operationsAddress = take((operations + gathered) * layout.OPERATION_SIZE);
  const stamps = take(operations * layout.STAMP_SIZE);
  const context = hasBatches ? take(core.CONTEXT_SIZE) : 0;
  const pageCount = Math.ceil(next / core.PAGE_SIZE);
  const memory = new WebAssembly.Memory({ initial: pageCount, maximum: pageCount, shared: true });
  const view = new DataView(memory.buffer);
  const set = (field: number, value: number): void => view.setUint32(layout.BANK + field, value, true);
  view.setUint32(core.SUPERBLOCK + core.SB_ACCOUNTS, accountsAddress, true);
  set(layout.BK_MAGIC, layout.BANK_MAGIC);
  set(layout.BK_VERSION, layout.BANK_LAYOUT_VERSION);
  set(layout.BK_ACCOUNT_COUNT, accounts.length);
  set(layout.BK_LANES, lanes);
  set(layout.BK_LANE_COUNT, LANES);
  set(layout.BK_OPERATIONS, operationsAddress);
  set(layout.BK_OPERATION_CAPACITY, operations);
  set(layout.BK_LOCK_SPINS, lockSpins);
  set(layout.BK_CONTEXT, context);
  set(layout.BK_STAMPS, stamps);
  const bank = new BankMemory(memory);
  bank.open(accounts);
  return bank;
}
