/**
 * A bank on one event loop: transfers asked for concurrently interleave where they await, on one thread.
 *
 * The protocols are the kernel's; here is only who runs when. Code between two awaits is undisturbed, so by default
 * others get their turn at one point: between reading and writing.
 */
import type { Attempt, Bank, BankAccount, OpeningAccount, StrategyTransfer, TransferOptions } from "../strategy.js";
import { type BankMemory, type Books, createBankMemory } from "./bank-memory.js";
import { instantiateStrategies, type StrategyKernel } from "./kernel.js";
import { Lanes } from "./lanes.js";
import { LN_OWN_OPERATION, STEP_BACK_OFF, STEP_DONE, STEP_GAP } from "./layout.js";
import type { MemoryStrategy } from "./memory-strategy.js";
import { checkOperation, type Operation, readAttempt, writeOperation } from "./operation.js";

/** A bank whose accounts lie in shared memory. */
export interface MemoryBank extends Bank {
  readonly strategy: MemoryStrategy;
  /** Executes an operation of any kind; `transfer` is the short form of one kind. */
  execute(operation: Operation, options?: TransferOptions): Promise<Attempt>;
  /** The books summed up. Exact once no operation is under way. */
  books(): Books;
}

export interface MemoryBankOptions {
  /** Awaited between any two steps: who gives others their turn at every access to shared state, or a scheduler. */
  readonly turn?: () => Promise<void>;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class EventLoopBank implements MemoryBank {
  readonly strategy: MemoryStrategy;
  readonly #bank: BankMemory;
  readonly #kernel: StrategyKernel;
  readonly #lanes: Lanes;
  readonly #turn: (() => Promise<void>) | undefined;

  constructor(strategy: MemoryStrategy, bank: BankMemory, options: MemoryBankOptions) {
    this.strategy = strategy;
    this.#bank = bank;
    this.#kernel = instantiateStrategies(bank.memory);
    this.#lanes = new Lanes(bank);
    this.#turn = options.turn;
  }

  transfer({ debit, credit, amount }: StrategyTransfer, options?: TransferOptions): Promise<Attempt> {
    return this.execute({ kind: "transfer", accounts: [debit, credit], amount }, options);
  }

  async execute(operation: Operation, options: TransferOptions = {}): Promise<Attempt> {
    checkOperation(operation, this.#bank.accountCount);
    const lane = await this.#lanes.take();
    try {
      writeOperation(this.#bank.view, lane + LN_OWN_OPERATION, operation);
      await this.#drive(lane, options.between);
      return readAttempt(this.#bank.view, lane);
    } finally {
      this.#lanes.giveBack(lane);
    }
  }

  /** Makes the operation's steps until there is an outcome. Where `between` fails, the operation still ends first. */
  async #drive(lane: number, between: (() => Promise<void>) | undefined): Promise<void> {
    const { number } = this.strategy;
    let atGap: Promise<void> | undefined;
    let next = this.#kernel.beginOperation(lane, number);
    while (next !== STEP_DONE) {
      if ((next & STEP_GAP) !== 0 && atGap === undefined) {
        atGap = between === undefined ? Promise.resolve() : between();
        await Promise.allSettled([atGap]);
      } else if ((next & STEP_BACK_OFF) !== 0 && this.#turn === undefined) {
        await nextTurn();
      }
      if (this.#turn !== undefined) await this.#turn();
      next = this.#kernel.step(lane, number);
    }
    await atGap;
  }

  async accounts(): Promise<readonly BankAccount[]> {
    return this.#bank.readAll();
  }

  books(): Books {
    return this.#bank.books();
  }

  async close(): Promise<void> {}
}

/** Opens a bank with these accounts, numbered from 0, under the strategy, on the calling thread's event loop. */
export function openMemoryBank(
  strategy: MemoryStrategy,
  accounts: readonly OpeningAccount[],
  options: MemoryBankOptions = {},
): MemoryBank {
  return new EventLoopBank(strategy, createBankMemory(accounts), options);
}
