/**
 * A workload laid out in shared memory, where every strategy runs it in turn, on threads or on the event loop, from the
 * same start: before each run all accounts are what they were when the arena was opened.
 */
import { OK } from "../core/codes.js";
import * as layout from "../core/layout.js";
import { attachMemoryBank } from "../strategies/memory/bank.js";
import type { BankMemory } from "../strategies/memory/bank-memory.js";
import { OP_RESULT } from "../strategies/memory/layout.js";
import type { MemoryStrategy } from "../strategies/memory/memory-strategy.js";
import type { Operation } from "../strategies/memory/operation.js";
import { partitioned } from "../strategies/memory/partitioned.js";
import { openThreadBank, type ThreadBank } from "../strategies/memory/threads.js";
import { booksOf, type Changes } from "./books.js";
import type { Sample } from "./comparison.js";
import { type Outcome, runBank } from "./run-bank.js";
import { openingAccounts, type Workload } from "./workload.js";

/** Accounts change twice with a transfer. */
export const CHANGES_OF_TRANSFER = 2;

/** How to lay out operations that are not all transfers, and to count what they changed. */
export interface Operations {
  readonly all: Iterable<Operation>;
  /** Changes that the first `operations` made, each as it came out. */
  readonly changes: (operations: number, isOk: (i: number) => boolean) => Changes;
}

export class Arena {
  readonly workload: Workload;
  readonly #bank: ThreadBank;
  readonly #operations: Operations | undefined;
  readonly #accounts: Uint8Array;
  /** The accounts as they were opened. */
  readonly #opened: Uint8Array;

  private constructor(workload: Workload, bank: ThreadBank, operations: Operations | undefined) {
    this.workload = workload;
    this.#bank = bank;
    this.#operations = operations;
    const { memory, accountCount } = bank.memory;
    this.#accounts = new Uint8Array(memory.buffer, bank.memory.account(0), accountCount * layout.ACCOUNT_SIZE);
    this.#opened = this.#accounts.slice();
  }

  /** Lays the workload out and starts so many threads. Its operations are transfers, unless others are given. */
  static async open(workload: Workload, threads: number, operations?: Operations): Promise<Arena> {
    // Each run names its strategy; a bank of this one has all the threads, and the memory that batches need.
    const bank = await openThreadBank(partitioned, openingAccounts(workload), {
      threads,
      operations: workload.debits.length,
    });
    let i = 0;
    for (const operation of operations?.all ?? transfersOf(workload)) bank.put(i++, operation);
    return new Arena(workload, bank, operations);
  }

  /** Accounts and operations, for threads of somebody else's. */
  get memory(): BankMemory {
    return this.#bank.memory;
  }

  /** Runs the first `operations` on so many threads. */
  runThreads(strategy: MemoryStrategy, threads: number, operations: number): Promise<Sample> {
    return this.audited(operations, () => this.#bank.run(operations, { strategy, threads }));
  }

  /** Runs the first `operations`, which are transfers, on this thread's event loop, so many of them under way at once. */
  runEventLoop(strategy: MemoryStrategy, concurrency: number, operations: number): Promise<Sample> {
    const bank = attachMemoryBank(strategy, this.#bank.memory);
    return this.audited(operations, () => runBank(bank, this.workload, { concurrency, operations }));
  }

  /** Puts all accounts back to where they were opened, lets something run on them, and adds them up. */
  async audited(operations: number, run: () => Promise<Outcome>): Promise<Sample> {
    this.#accounts.set(this.#opened);
    const { durationMs, ok, refused, conflicts } = await run();
    const { memory } = this.#bank;
    const isOk = (i: number): boolean => memory.view.getUint8(memory.operation(i) + OP_RESULT) === OK;
    const changes = this.#operations?.changes(operations, isOk) ?? ok * CHANGES_OF_TRANSFER;
    return { durationMs, ok, refused, conflicts, ...booksOf(memory, this.workload, changes) };
  }

  async close(): Promise<void> {
    await this.#bank.close();
  }
}

function* transfersOf({ debits, credits, amounts }: Workload): Generator<Operation> {
  for (let i = 0; i < debits.length; i++) {
    yield { kind: "transfer", accounts: [debits[i]!, credits[i]!], amount: BigInt(amounts[i]!) };
  }
}
