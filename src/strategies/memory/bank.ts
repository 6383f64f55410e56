/** A bank on one event loop: operations asked for concurrently interleave where they await, on one thread. */
import type { Attempt, Bank, BankAccount, OpeningAccount, StrategyTransfer, TransferOptions } from "../strategy.js";
import { type BankMemory, type Books, createBankMemory } from "./bank-memory.js";
import { EventLoopDriver, type Turn } from "./event-loop.js";
import { Gathering } from "./gathering.js";
import { instantiateStrategies } from "./kernel.js";
import { Lanes } from "./lanes.js";
import { LN_OWN_OPERATION } from "./layout.js";
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
  /** Awaited before every step: who gives others their turn at every access to shared state, or a scheduler. */
  readonly turn?: Turn;
}

/** Executes one operation that has been checked. */
type Execute = (operation: Operation, between: Turn | undefined) => Promise<OperationAttempt>;

class EventLoopBank implements MemoryBank {
  readonly strategy: MemoryStrategy;
  readonly #bank: BankMemory;
  readonly #execute: Execute;

  constructor(strategy: MemoryStrategy, bank: BankMemory, execute: Execute) {
    this.strategy = strategy;
    this.#bank = bank;
    this.#execute = execute;
  }

  async transfer({ debit, credit, amount }: StrategyTransfer, options?: TransferOptions): Promise<Attempt> {
    const operation: Operation = { kind: "transfer", accounts: [debit, credit], amount };
    const { result, conflicts } = await this.execute(operation, options);
    return { result, conflicts };
  }

  async execute(operation: Operation, options: TransferOptions = {}): Promise<OperationAttempt> {
    checkOperation(operation, this.#bank.accountCount);
    return this.#execute(operation, options.between);
  }

  async accounts(): Promise<readonly BankAccount[]> {
    return this.#bank.readAll();
  }

  books(): Books {
    return this.#bank.books();
  }

  async close(): Promise<void> {}
}

/** Operations as protocols of steps: each takes a lane and is driven to its end. */
function bySteps(strategy: MemoryStrategy, bank: BankMemory, turn: Turn | undefined): Execute {
  const driver = new EventLoopDriver(bank, instantiateStrategies(bank.memory), strategy.number, turn);
  const lanes = new Lanes(bank);
  return async (operation, between) => {
    const lane = await lanes.take();
    try {
      writeOperation(bank.view, lane + LN_OWN_OPERATION, operation);
      await driver.drive(lane, between);
      return readAttempt(bank.view, lane);
    } finally {
      lanes.giveBack(lane);
    }
  };
}

/** Operations in batches: gathered, then executed unit by unit of the batch's stages. */
function byBatches(bank: BankMemory, turn: Turn | undefined): Execute {
  const kernel = instantiateStrategies(bank.memory);
  const run = async (first: number, end: number): Promise<void> => {
    kernel.openRun(first, end);
    while (kernel.runUnit(bank.lane(0)) >= 0) await turn?.();
  };
  const gathering = new Gathering(bank, run, turn);
  return (operation, between) => gathering.execute(operation, between);
}

/** Opens a bank with these accounts, numbered from 0, under the strategy, on the calling thread's event loop. */
export function openMemoryBank(
  strategy: MemoryStrategy,
  accounts: readonly OpeningAccount[],
  options: MemoryBankOptions = {},
): MemoryBank {
  const memory = createBankMemory(accounts, { operations: 0, hasBatches: strategy.isBatched, lockSpins: 0 });
  return attachMemoryBank(strategy, memory, options);
}

/**
 * Works on a bank's memory that is there already, while nobody else does. The memory must have batches where the
 * strategy executes in batches.
 */
export function attachMemoryBank(
  strategy: MemoryStrategy,
  memory: BankMemory,
  { turn }: MemoryBankOptions = {},
): MemoryBank {
  // Who holds a lock runs on this thread, too: looking again is no use.
  memory.setLockSpins(0);
  return new EventLoopBank(
    strategy,
    memory,
    strategy.isBatched ? byBatches(memory, turn) : bySteps(strategy, memory, turn),
  );
}
