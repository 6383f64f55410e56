/** Gathers operations that are asked for at the same time into batches, and has one batch executed after the other. */
import { BATCH_CAPACITY } from "../../core/layout.js";
import type { BankMemory } from "./bank-memory.js";
import { nextTurn, type Turn } from "./event-loop.js";
import { type Operation, type OperationAttempt, readOperation, writeOperation } from "./operation.js";

interface Waiting {
  readonly operation: Operation;
  readonly resolve: (attempt: OperationAttempt) => void;
  readonly reject: (error: unknown) => void;
}

export class Gathering {
  readonly #bank: BankMemory;
  readonly #run: (first: number, end: number) => Promise<void>;
  readonly #turn: Turn;
  #waiting: Waiting[] = [];
  #isRunning = false;

  /** `run` executes the array's operations from `first` to before `end`. */
  constructor(bank: BankMemory, run: (first: number, end: number) => Promise<void>, turn: Turn = nextTurn) {
    this.#bank = bank;
    this.#run = run;
    this.#turn = turn;
  }

  /** Executes the operation with whatever else is asked for until the next turn, or while another batch runs. */
  async execute(operation: Operation, between: Turn | undefined): Promise<OperationAttempt> {
    await between?.();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operation, resolve, reject });
      if (!this.#isRunning) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    await this.#turn();
    while (this.#waiting.length > 0) await this.#runBatch(this.#waiting.splice(0, BATCH_CAPACITY));
    this.#isRunning = false;
  }

  async #runBatch(batch: readonly Waiting[]): Promise<void> {
    const { view, operationCapacity: first } = this.#bank;
    batch.forEach(({ operation }, index) => {
      writeOperation(view, this.#bank.operation(first + index), operation);
    });
    try {
      await this.#run(first, first + batch.length);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    batch.forEach(({ resolve }, index) => {
      // Nobody can be faster than a batch that has its accounts to itself.
      resolve({ ...readOperation(view, this.#bank.operation(first + index)), conflicts: 0 });
    });
  }
}
