/**
 * Driving the steps of operations on one event loop: who runs when, where operations await.
 *
 * Code between two awaits is undisturbed, so by default others get their turn at one point: between reading and writing.
 */
import type { BankMemory } from "./bank-memory.js";
import type { StrategyKernel } from "./kernel.js";
import {
  LANE_SIZE,
  LN_CONFLICTS,
  LN_WORD,
  STEP_BACK_OFF,
  STEP_DONE,
  STEP_GAP,
  STEP_MASK,
  STEP_SLEEP,
  STEP_WAKE,
} from "./layout.js";

/** Gives others their turn. */
export type Turn = () => Promise<void>;

/** A pause is at most 2 to this power turns of the event loop. */
const PAUSE_LOG2_MAX = 6;

export const nextTurn: Turn = () => new Promise((resolve) => setImmediate(resolve));

/** Turns to pause after this many conflicts: the bound doubles with each, and lanes spread below it. */
function pauseTurns(lane: number, conflicts: number): number {
  const bound = 2 ** Math.min(conflicts, PAUSE_LOG2_MAX);
  return 1 + ((((lane / LANE_SIZE) * 0x9e3779b1) >>> 7) % bound);
}

export class EventLoopDriver {
  readonly #bank: BankMemory;
  readonly #kernel: StrategyKernel;
  readonly #strategy: number;
  readonly #turn: Turn | undefined;
  /** Who sleeps on a word, in the order of coming: the async queue of each lock. */
  readonly #sleepers = new Map<number, (() => void)[]>();

  /** Awaits `turn` before every step where it is given. */
  constructor(bank: BankMemory, kernel: StrategyKernel, strategy: number, turn?: Turn) {
    this.#bank = bank;
    this.#kernel = kernel;
    this.#strategy = strategy;
    this.#turn = turn;
  }

  /** Makes the steps of the lane's own operation to its end. Where `between` fails, the operation still ends first. */
  async drive(lane: number, between: Turn | undefined): Promise<void> {
    let wasBetween: Promise<void> | undefined;
    let next = this.#kernel.beginOperation(lane, this.#strategy);
    while ((next & STEP_MASK) !== STEP_DONE) {
      if ((next & STEP_GAP) !== 0) {
        if (wasBetween === undefined) wasBetween = between?.() ?? Promise.resolve();
        await Promise.allSettled([wasBetween]);
      }
      if ((next & STEP_SLEEP) !== 0) await this.#sleep(lane);
      if ((next & STEP_BACK_OFF) !== 0 && this.#turn === undefined) await this.#pause(lane);
      if (this.#turn !== undefined) await this.#turn();
      next = this.#kernel.step(lane, this.#strategy);
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
}
