/** The lanes of a bank's memory: one for each operation under way; whoever finds none waits for the next to be free. */
import type { BankMemory } from "./bank-memory.js";

export class Lanes {
  readonly #free: number[];
  readonly #waiting: ((lane: number) => void)[] = [];

  constructor(bank: BankMemory) {
    this.#free = Array.from({ length: bank.laneCount }, (_, index) => bank.lane(bank.laneCount - 1 - index));
  }

  /** Address of a lane that is free. */
  async take(): Promise<number> {
    return this.#free.pop() ?? (await new Promise<number>((resolve) => this.#waiting.push(resolve)));
  }

  giveBack(lane: number): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#free.push(lane);
    else waiting(lane);
  }
}
