/**
 * A workload laid out in shared memory, where every strategy runs it in turn, on threads or on the event loop, from the
 * same start: before each run all accounts are what they were when the arena was opened.
 */
import * as layout from "../core/layout.js";
import { attachMemoryBank } from "../strategies/memory/bank.js";
import type { BankMemory } from "../strategies/memory/bank-memory.js";
import type { MemoryStrategy } from "../strategies/memory/memory-strategy.js";
import { writeOperation } from "../strategies/memory/operation.js";
import { partitioned } from "../strategies/memory/partitioned.js";
import { openThreadBank, type ThreadBank } from "../strategies/memory/threads.js";
import { booksOf } from "./books.js";
import type { Sample } from "./comparison.js";
import { type Outcome, runBank } from "./run-bank.js";
import { openingAccounts, type Workload } from "./workload.js";

/** Accounts change twice with a transfer. */
export const CHANGES_OF_TRANSFER = 2;

export class Arena {
  readonly workload: Workload;
  readonly #bank: ThreadBank;
  readonly #accounts: Uint8Array;
  /** The accounts as they were opened. */
  readonly #opened: Uint8Array;

  private constructor(workload: Workload, bank: ThreadBank) {
    this.workload = workload;
    this.#bank = bank;
    const { memory, accountCount } = bank.memory;
    this.#accounts = new Uint8Array(memory.buffer, bank.memory.account(0), accountCount * layout.ACCOUNT_SIZE);
    this.#opened = this.#accounts.slice();
  }

  /** Lays the workload out and starts so many threads. */
  static async open(workload: Workload, threads: number): Promise<Arena> {
    const operations = workload.debits.length;
    // Each run names its strategy; a bank of this one has all the threads, and the memory that batches need.
    const bank = await openThreadBank(partitioned, openingAccounts(workload), { threads, operations });
    writeTransfers(bank.memory, workload);
    return new Arena(workload, bank);
  }

  /** Accounts and operations, for threads of somebody else's. */
  get memory(): BankMemory {
    return this.#bank.memory;
  }

  /** Runs the first `operations` on so many threads. */
  runThreads(strategy: MemoryStrategy, threads: number, operations: number): Promise<Sample> {
    return this.audited(() => this.#bank.run(operations, { strategy, threads }));
  }

  /** Runs the first `operations` on this thread's event loop, so many of them under way at once. */
  runEventLoop(strategy: MemoryStrategy, concurrency: number, operations: number): Promise<Sample> {
    const bank = attachMemoryBank(strategy, this.#bank.memory);
    return this.audited(() => runBank(bank, this.workload, { concurrency, operations }));
  }

  /** Puts all accounts back to where they were opened, lets something run on them, and adds them up. */
  async audited(run: () => Promise<Outcome>): Promise<Sample> {
    this.#accounts.set(this.#opened);
    const { durationMs, ok, refused, conflicts } = await run();
    const books = booksOf(this.#bank.memory, this.workload, ok * CHANGES_OF_TRANSFER);
    return { durationMs, ok, refused, conflicts, ...books };
  }

  async close(): Promise<void> {
    await this.#bank.close();
  }
}

function writeTransfers(memory: BankMemory, { debits, credits, amounts }: Workload): void {
  for (let i = 0; i < debits.length; i++) {
    writeOperation(memory.view, memory.operation(i), {
      kind: "transfer",
      accounts: [debits[i]!, credits[i]!],
      amount: BigInt(amounts[i]!),
    });
  }
}
