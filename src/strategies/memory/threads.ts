/**
 * A bank on worker threads: the same protocols, truly at the same time, on a Piscina pool that shares the memory.
 *
 * Single operations are tasks of the pool; where the caller awaits something between reading and writing, the worker
 * waits at the lane's gate until that has happened here. Arrays of operations are written into the memory first; then
 * the threads meet at the start and share them, so that the time measured is that of the operations alone.
 */
import { Piscina } from "piscina";
import { builtFile } from "../../core/built.js";
import { LedgerError } from "../../core/errors.js";
import type { Attempt, BankAccount, OpeningAccount, StrategyTransfer, TransferOptions } from "../strategy.js";
import type { MemoryBank } from "./bank.js";
import { type BankMemory, type Books, createBankMemory } from "./bank-memory.js";
import { Gathering } from "./gathering.js";
import { instantiateStrategies, type StrategyKernel } from "./kernel.js";
import { Lanes } from "./lanes.js";
import * as layout from "./layout.js";
import type { MemoryStrategy } from "./memory-strategy.js";
import {
  checkOperation,
  type Operation,
  type OperationAttempt,
  type OperationOutcome,
  readAttempt,
  readOperation,
  writeOperation,
} from "./operation.js";
import type { BankTask, BankWorkerData, RunTimes } from "./worker.js";

/** Looks at a taken lock before a thread sleeps: some microseconds, where waking one who sleeps takes fifty. */
const LOCK_SPINS = 200;

export interface ThreadBankOptions {
  /** Worker threads, at least 1. A strategy that is not parallel uses one, whatever is asked for. */
  readonly threads: number;
  /** Operations that the array for {@link ThreadBank.run} can hold. */
  readonly operations?: number;
}

/** What a run of the array came to. */
export interface RunOutcome {
  readonly ok: number;
  readonly refused: number;
  /** How often operations began again because another had been faster. */
  readonly conflicts: number;
  /** How often a thread slept until another woke it. */
  readonly waits: number;
  /** From the moment at which all threads stood at the start to the last operation's end. */
  readonly durationMs: number;
}

export interface RunOptions {
  /** Default: the bank's own. Whatever ran before, accounts are the same to every strategy. */
  readonly strategy?: MemoryStrategy;
  /** Threads to take part, at most the bank's; default: all. A strategy that is not parallel uses one. */
  readonly threads?: number;
}

/** An operation of a recorded run. Stamps are readings of one clock that all threads share; no two are equal. */
export interface RecordedOperation extends OperationOutcome {
  readonly began: number;
  readonly ended: number;
}

export interface ThreadBank extends MemoryBank {
  readonly threads: number;
  /** The memory that the threads share. Only to be touched while no operation is under way. */
  readonly memory: BankMemory;
  /** Writes an operation into the array. The array keeps what it holds until it is written again. */
  put(index: number, operation: Operation): void;
  /** Executes the array's first `count` operations. One run at a time, and no single operations meanwhile. */
  run(count: number, options?: RunOptions): Promise<RunOutcome>;
  /**
   * As `run`, and tells when each operation began and ended; every eighth sleeps before one of its steps, so that
   * operations meet. Not for strategies that execute batches.
   */
  record(count: number, options?: RunOptions): Promise<RecordedOperation[]>;
  /** What the array's operation came to in the last run. */
  outcome(index: number): OperationOutcome;
  /** Opens all accounts anew, so that the same array can be run from the same start. */
  reopen(accounts: readonly OpeningAccount[]): void;
}

class PooledBank implements ThreadBank {
  readonly strategy: MemoryStrategy;
  readonly threads: number;
  readonly memory: BankMemory;
  readonly #lanes: Lanes;
  readonly #pool: Piscina;
  readonly #kernel: StrategyKernel;
  readonly #gathering: Gathering;
  /** Settled once the operation that went through its gate last is over. */
  #lastThroughGate: Promise<unknown> = Promise.resolve();

  constructor(strategy: MemoryStrategy, bank: BankMemory, threads: number) {
    this.strategy = strategy;
    this.threads = threads;
    this.memory = bank;
    this.#lanes = new Lanes(bank);
    this.#kernel = instantiateStrategies(bank.memory);
    this.#gathering = new Gathering(bank, async (first, end) => {
      await this.#run("run", first, end);
    });
    const workerData: BankWorkerData = { memory: bank.memory, strategy: strategy.number };
    this.#pool = new Piscina({
      filename: builtFile("workers/strategies.js").href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      workerData,
    });
  }

  /** Resolves once all workers are running. */
  async ready(): Promise<void> {
    await this.#together(this.threads, (): BankTask => ({ task: "meet", threads: this.threads }));
  }

  /** Gives so many workers a task each. Each task waits for the others, so no worker can take two. */
  #together<T>(threads: number, taskOf: (thread: number) => BankTask): Promise<T[]> {
    Atomics.store(this.memory.words, (layout.BANK + layout.BK_READY) >>> 2, 0);
    return Promise.all(Array.from({ length: threads }, (_, thread) => this.#pool.run(taskOf(thread))));
  }

  async transfer({ debit, credit, amount }: StrategyTransfer, options?: TransferOptions): Promise<Attempt> {
    const operation: Operation = { kind: "transfer", accounts: [debit, credit], amount };
    const { result, conflicts } = await this.execute(operation, options);
    return { result, conflicts };
  }

  async execute(operation: Operation, options: TransferOptions = {}): Promise<OperationAttempt> {
    checkOperation(operation, this.memory.accountCount);
    if (this.strategy.isBatched) return this.#gathering.execute(operation, options.between);
    const lane = await this.#lanes.take();
    try {
      writeOperation(this.memory.view, lane + layout.LN_OWN_OPERATION, operation);
      await this.#executeLane(lane, options.between);
      return readAttempt(this.memory.view, lane);
    } finally {
      this.#lanes.giveBack(lane);
    }
  }

  /** Has a worker execute the lane's own operation. */
  async #executeLane(lane: number, between: (() => Promise<void>) | undefined): Promise<void> {
    const gate = between === undefined ? layout.GATE_UNUSED : layout.GATE_CLOSED;
    Atomics.store(this.memory.words, (lane + layout.LN_GATE) >>> 2, gate);
    const task: BankTask = { task: "execute", lane };
    const executed = this.#pool.run(task);
    const attended = between === undefined ? undefined : this.#attendGate(lane, between, executed);
    // The lane is in use until the worker is done with it, whatever becomes of `between`.
    await Promise.allSettled([executed, attended]);
    await executed;
    await attended;
  }

  /**
   * Opens the lane's gate once a worker waits there and `between` has happened. Gates open one after the other, each
   * once the operation before is over: what was read is out of date then for certain, and not only by luck.
   */
  async #attendGate(lane: number, between: () => Promise<void>, executed: Promise<unknown>): Promise<void> {
    const { words } = this.memory;
    const word = (lane + layout.LN_GATE) >>> 2;
    await Atomics.waitAsync(words, word, layout.GATE_CLOSED).value;
    if (Atomics.load(words, word) !== layout.GATE_REACHED) return;
    try {
      await between();
    } finally {
      const before = this.#lastThroughGate;
      this.#lastThroughGate = Promise.allSettled([before, executed]);
      await before;
      Atomics.store(words, word, layout.GATE_OPEN);
      Atomics.notify(words, word);
    }
  }

  put(index: number, operation: Operation): void {
    this.#checkIndex(index);
    checkOperation(operation, this.memory.accountCount);
    writeOperation(this.memory.view, this.memory.operation(index), operation);
  }

  async run(count: number, options: RunOptions = {}): Promise<RunOutcome> {
    if (count > 0) this.#checkIndex(count - 1);
    return this.#run("run", 0, count, options);
  }

  async record(count: number, options: RunOptions = {}): Promise<RecordedOperation[]> {
    const { strategy = this.strategy } = options;
    if (strategy.isBatched) {
      throw new LedgerError(
        "invalid_argument",
        `${strategy.name} executes whole batches, not one operation after the other: there is nothing to record`,
      );
    }
    if (count > 0) this.#checkIndex(count - 1);
    await this.#run("record", 0, count, options);
    const { view } = this.memory;
    return Array.from({ length: count }, (_, index) => {
      const stamps = this.memory.stamps(index);
      return {
        ...this.outcome(index),
        began: view.getUint32(stamps + layout.ST_BEGAN, true),
        ended: view.getUint32(stamps + layout.ST_ENDED, true),
      };
    });
  }

  async #run(task: "run" | "record", first: number, end: number, options: RunOptions = {}): Promise<RunOutcome> {
    const { strategy = this.strategy } = options;
    const threads = strategy.isParallel ? Math.min(options.threads ?? this.threads, this.threads) : 1;
    const { view, words } = this.memory;
    this.memory.setLockSpins(LOCK_SPINS);
    if (strategy.isBatched) this.#kernel.openRun(first, end);
    const lanes = await Promise.all(Array.from({ length: threads }, () => this.#lanes.take()));
    for (const lane of lanes) new Uint8Array(view.buffer, lane + layout.LN_COUNTERS, layout.LN_COUNTERS_SIZE).fill(0);
    Atomics.store(words, (layout.BANK + layout.BK_NEXT) >>> 2, first);
    Atomics.store(words, (layout.BANK + layout.BK_CLOCK) >>> 2, 0);
    const times = await this.#together<RunTimes>(
      threads,
      (thread): BankTask => ({ task, strategy: strategy.number, lane: lanes[thread]!, threads, end }),
    );
    const sum = (counter: number): number =>
      lanes.reduce((total, lane) => total + Number(view.getBigUint64(lane + counter, true)), 0);
    const outcome = {
      ok: sum(layout.LN_OK_COUNT),
      refused: sum(layout.LN_REFUSED_COUNT),
      conflicts: sum(layout.LN_CONFLICT_COUNT),
      waits: sum(layout.LN_WAIT_COUNT),
      durationMs:
        Math.max(...times.map(({ endedMs }) => endedMs)) - Math.min(...times.map(({ startedMs }) => startedMs)),
    };
    for (const lane of lanes) this.#lanes.giveBack(lane);
    return outcome;
  }

  outcome(index: number): OperationOutcome {
    this.#checkIndex(index);
    return readOperation(this.memory.view, this.memory.operation(index));
  }

  #checkIndex(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.memory.operationCapacity) {
      throw new LedgerError(
        "index_out_of_range",
        `expected the index of an operation below the array's capacity of ${this.memory.operationCapacity}, found ` +
          `${index}: open the bank with room for more { operations }`,
        { details: { index, capacity: this.memory.operationCapacity } },
      );
    }
  }

  reopen(accounts: readonly OpeningAccount[]): void {
    this.memory.open(accounts);
  }

  async accounts(): Promise<readonly BankAccount[]> {
    return this.memory.readAll();
  }

  books(): Books {
    return this.memory.books();
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** Opens a bank with these accounts, numbered from 0, under the strategy. Resolves once its threads are running. */
export async function openThreadBank(
  strategy: MemoryStrategy,
  accounts: readonly OpeningAccount[],
  options: ThreadBankOptions,
): Promise<ThreadBank> {
  const { threads } = options;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new LedgerError("invalid_argument", `expected at least 1 thread, found ${threads}`, { details: { threads } });
  }
  const memory = createBankMemory(accounts, {
    operations: options.operations ?? 0,
    hasBatches: strategy.isBatched,
    lockSpins: LOCK_SPINS,
  });
  const bank = new PooledBank(strategy, memory, strategy.isParallel ? threads : 1);
  await bank.ready();
  return bank;
}

/** Opens a bank, runs the operations on its threads, and closes it. */
export async function runThreads(
  strategy: MemoryStrategy,
  accounts: readonly OpeningAccount[],
  operations: readonly Operation[],
  threads: number,
): Promise<RunOutcome & { readonly accounts: readonly BankAccount[] }> {
  const bank = await openThreadBank(strategy, accounts, { threads, operations: operations.length });
  try {
    for (const [index, operation] of operations.entries()) bank.put(index, operation);
    const outcome = await bank.run(operations.length);
    return { ...outcome, accounts: await bank.accounts() };
  } finally {
    await bank.close();
  }
}
