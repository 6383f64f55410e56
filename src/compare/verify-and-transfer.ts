/** Verifying instructions and making their transfers, one after the other, on whatever thread this is. */
import { OK } from "../core/codes.js";
import type { BankMemory } from "../strategies/memory/bank-memory.js";
import type { StrategyKernel } from "../strategies/memory/kernel.js";
import { OP_RESULT } from "../strategies/memory/layout.js";
import type { MemoryStrategy } from "../strategies/memory/memory-strategy.js";
import type { Verifier } from "./signatures.js";

export class InstructionsInMemory {
  readonly #bank: BankMemory;
  readonly #kernel: StrategyKernel;
  readonly #verifier: Verifier;
  readonly #lane: number;

  /** `lane` is the number of a lane that nobody else uses. */
  constructor(bank: BankMemory, kernel: StrategyKernel, verifier: Verifier, lane: number) {
    this.#bank = bank;
    this.#kernel = kernel;
    this.#verifier = verifier;
    this.#lane = bank.lane(lane);
  }

  /** Takes numbers below `operations` from `next` until there are none. A forged instruction is refused. */
  run(
    strategy: MemoryStrategy,
    operations: number,
    next: () => number,
  ): { ok: number; refused: number; conflicts: number } {
    let ok = 0;
    let refused = 0;
    for (let i = next(); i < operations; i = next()) {
      if (this.#verifier.isGenuine(i) && this.#transfer(strategy, i)) ok++;
      else refused++;
    }
    return { ok, refused, conflicts: 0 };
  }

  #transfer(strategy: MemoryStrategy, i: number): boolean {
    this.#kernel.runOperations(this.#lane, strategy.number, i, 1);
    return this.#bank.view.getUint8(this.#bank.operation(i) + OP_RESULT) === OK;
  }
}
