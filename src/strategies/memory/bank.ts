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
import {
  LANE_SIZE,
  LN_CONFLICTS,
  LN_OWN_OPERATION,
  LN_WORD,
  STEP_BACK_OFF,
  STEP_DONE,
  STEP_GAP,
  STEP_MASK,
  STEP_SLEEP,
  STEP_WAKE,
} from "./layout.js";
import type { MemoryStrategy } from "./memory-strategy.js";
import { checkOperation, type Operation, type OperationAttempt, readAttempt, writeOperation } from "./operation.js";

/** A bank whose accounts lie in shared memory. */
export interface MemoryBank extends Bank {
  readonly strategy: MemoryStrategy;
  /** Executes an operation of any kind; `transfer` is the short form of one kind. */
  execute(operation: Operation, options?: TransferOptions): Promise<OperationAttempt>;
  /** The books summed up. Exact once no operation is under way. */
  books(): Books;
}

export interface MemoryBankOptions {
  /** Awaited between any two steps: who gives others their turn at every access to shared state, or a scheduler. */
  readonly turn?: () => Promise<void>;
}

/** A pause is at most 2 to this power turns of the event loop. */
const PAUSE_LOG2_MAX = 6;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Turns to pause after this many conflicts: the bound doubles with each, and lanes spread below it. */
function pauseTurns(lane: number, conflicts: number): number {
  const bound = 2 ** Math.min(conflicts, PAUSE_LOG2_MAX);
  return 1 + ((((lane / LANE_SIZE) * 0x9e3779b1) >>> 7) % bound);
}

class EventLoopBank implements MemoryBank {
  readonly strategy: MemoryStrategy;
  readonly #bank: BankMemory;
  readonly #kernel: StrategyKernel;
  readonly #lanes: Lanes;
  readonly #turn: (() => Promise<void>) | undefined;
  /** Who sleeps on a word, in the order of coming: the async queue of each lock. */
  readonly #sleepers = new Map<number, (() => void)[]>();

  constructor(strategy: MemoryStrategy, bank: BankMemory, options: MemoryBankOptions) {
    this.strategy = strategy;
    this.#bank = bank;
    this.#kernel = instantiateStrategies(bank.memory);
    this.#lanes = new Lanes(bank);
    this.#turn = options.turn;
  }

  async transfer({ debit, credit, amount }: StrategyTransfer, options?: TransferOptions): Promise<Attempt> {
    const operation: Operation = { kind: "transfer", accounts: [debit, credit], amount };
    const { result, conflicts } = await this.execute(operation, options);
    return { result, conflicts };
  }

  async execute(operation: Operation, options: TransferOptions = {}): Promise<OperationAttempt> {
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
    let wasBetween: Promise<void> | undefined;
    let next = this.#kernel.beginOperation(lane, number);
    while ((next & STEP_MASK) !== STEP_DONE) {
      if ((next & STEP_GAP) !== 0) {
        if (wasBetween === undefined) wasBetween = between?.() ?? Promise.resolve();
        await Promise.allSettled([wasBetween]);
      }
      if ((next & STEP_SLEEP) !== 0) await this.#sleep(lane);
      if ((next & STEP_BACK_OFF) !== 0 && this.#turn === undefined) await this.#pause(lane);
      if (this.#turn !== undefined) await this.#turn();
      next = this.#kernel.step(lane, number);
      if ((next & STEP_WAKE) !== 0) this.#wakeOne(lane);
    }
    await wasBetween;
  }

  #sleep(lane: number): Promise<void> {
    const word = this.#bank.view.getUint32(lane + LN_WORD, true);
    return new Promise((resolve) => {
      const sleepers = this.#sleepers.get(word);
      if (sleepers === undefined) this.#sleepers.set(word, [resolve]);
      else sleepers.push(resolve);
    });
  }

  #wakeOne(lane: number): void {
    const word = this.#bank.view.getUint32(lane + LN_WORD, true);
    const sleepers = this.#sleepers.get(word);
    sleepers?.shift()?.();
    if (sleepers?.length === 0) this.#sleepers.delete(word);
  }

  async #pause(lane: number): Promise<void> {
    const turns = pauseTurns(lane, this.#bank.view.getUint32(lane + LN_CONFLICTS, true));
    for (let turn = 0; turn < turns; turn++) await nextTurn();
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
  return new EventLoopBank(strategy, createBankMemory(accounts, { operations: 0, lockSpins: 0 }), options);
}
