/**
 * Explores every interleaving of the steps of some operations under one strategy.
 *
 * The steps are the kernel's own: the state of the bank's memory is put back, one operation makes its next step, and so
 * on, depth first. Interleavings that lead to the same state go on alike, so each state is visited once, and paths are
 * counted, not walked. A step that leaves everything as it was is waiting: such an operation moves on only after
 * another has moved. Who sleeps on a lock moves on only after being woken, and any sleeper may be the one.
 */
import { type BankMemory, createBankMemory } from "../../src/strategies/memory/bank-memory.js";
import { instantiateStrategies, type StrategyKernel } from "../../src/strategies/memory/kernel.js";
import * as layout from "../../src/strategies/memory/layout.js";
import type { MemoryStrategy } from "../../src/strategies/memory/memory-strategy.js";
import { type Operation, readAttempt, writeOperation } from "../../src/strategies/memory/operation.js";
import type { OpeningAccount } from "../../src/strategies/strategy.js";
import { describeOutcome } from "./bank-model.js";

export interface Scenario {
  readonly name: string;
  readonly accounts: readonly OpeningAccount[];
  readonly operations: readonly Operation[];
  /** Looks at a taken lock before sleeping; none unless given. */
  readonly lockSpins?: number;
}

/** What all interleavings came to. */
export interface Exploration {
  /** Interleavings from the beginning to an end. */
  readonly paths: bigint;
  readonly states: number;
  /** Outcomes reached, as `describeOutcome` writes them. */
  readonly outcomes: ReadonlySet<string>;
  /** What must never be seen on the way: a state in which nobody can move, an overspent account, and the like. */
  readonly faults: ReadonlySet<string>;
}

interface State {
  readonly accounts: Uint8Array;
  readonly lanes: Uint8Array;
  /** Operations that sleep, in the order of falling asleep. */
  readonly sleepers: readonly number[];
}

const PATHS_UNKNOWN = -1n;

class Explorer {
  readonly #scenario: Scenario;
  readonly #strategy: MemoryStrategy;
  readonly #bank: BankMemory;
  readonly #kernel: StrategyKernel;
  readonly #accounts: Uint8Array;
  readonly #lanes: Uint8Array;
  /** Paths from a state to an end, by the state's key; PATHS_UNKNOWN while the state is being explored. */
  readonly #paths = new Map<string, bigint>();
  readonly #outcomes = new Set<string>();
  readonly #faults = new Set<string>();

  constructor(strategy: MemoryStrategy, scenario: Scenario) {
    this.#scenario = scenario;
    this.#strategy = strategy;
    const lockSpins = scenario.lockSpins ?? 0;
    this.#bank = createBankMemory(scenario.accounts, { operations: 0, hasBatches: false, lockSpins });
    this.#kernel = instantiateStrategies(this.#bank.memory);
    const { buffer } = this.#bank.memory;
    const accountsEnd = this.#bank.account(scenario.accounts.length);
    this.#accounts = new Uint8Array(buffer, this.#bank.account(0), accountsEnd - this.#bank.account(0));
    const lanesSize = scenario.operations.length * layout.LANE_SIZE;
    this.#lanes = new Uint8Array(buffer, this.#bank.lane(0), lanesSize);
  }

  run(): Exploration {
    this.#scenario.operations.forEach((operation, index) => {
      const lane = this.#bank.lane(index);
      writeOperation(this.#bank.view, lane + layout.LN_OWN_OPERATION, operation);
      this.#kernel.beginOperation(lane, this.#strategy.number);
    });
    const paths = this.#explore(this.#take([]));
    return { paths, states: this.#paths.size, outcomes: this.#outcomes, faults: this.#faults };
  }

  /** The state that the memory is in. */
  #take(sleepers: readonly number[]): State {
    return { accounts: this.#accounts.slice(), lanes: this.#lanes.slice(), sleepers };
  }

  #putBack({ accounts, lanes }: State): void {
    this.#accounts.set(accounts);
    this.#lanes.set(lanes);
  }

  /** Equal keys go on alike: counts of conflicts and sleeps, and what a finished lane still holds, matter to nobody. */
  #key({ accounts, lanes, sleepers }: State): string {
    const masked = Buffer.from(lanes);
    this.#scenario.operations.forEach((_, index) => {
      const lane = index * layout.LANE_SIZE;
      masked.fill(0, lane + layout.LN_CONFLICTS, lane + layout.LN_RESULT);
      if (masked.readUInt32LE(lane + layout.LN_STEP) === layout.STEP_DONE) {
        masked.fill(0, lane + layout.LN_COPIES, lane + layout.LANE_SIZE);
        masked.fill(0, lane + layout.LN_LOADED, lane + layout.LN_OPERATION);
      }
    });
    return `${Buffer.from(accounts).toString("latin1")}${masked.toString("latin1")}${sleepers.join()}`;
  }

  /** Explores from this state on and returns its number of paths. */
  #explore(state: State): bigint {
    const key = this.#key(state);
    const known = this.#paths.get(key);
    if (known !== undefined) {
      if (known === PATHS_UNKNOWN) this.#faults.add("operations that can go round for ever");
      return known === PATHS_UNKNOWN ? 0n : known;
    }
    this.#paths.set(key, PATHS_UNKNOWN);
    let paths = 0n;
    let canMove = false;
    let isOver = true;
    for (let index = 0; index < this.#scenario.operations.length; index++) {
      if (this.#isDone(state, index)) continue;
      isOver = false;
      if (state.sleepers.includes(index)) continue;
      for (const next of this.#step(state, index)) {
        if (this.#key(next) === key) continue;
        canMove = true;
        paths += this.#explore(next);
      }
    }
    if (isOver) {
      this.#conclude(state);
      paths = 1n;
    } else if (!canMove) {
      this.#faults.add("a state in which nobody can move");
    }
    this.#paths.set(key, paths);
    return paths;
  }

  #isDone({ lanes }: State, index: number): boolean {
    return new DataView(lanes.buffer).getUint32(index * layout.LANE_SIZE + layout.LN_STEP, true) === layout.STEP_DONE;
  }

  /** The states that the operation's next step can lead to: one, or one for each sleeper that it may wake. */
  #step(state: State, index: number): State[] {
    this.#putBack(state);
    const lane = this.#bank.lane(index);
    const flags = this.#kernel.step(lane, this.#strategy.number);
    this.#checkStep(state);
    if ((flags & layout.STEP_SLEEP) !== 0) return [this.#take([...state.sleepers, index])];
    if ((flags & layout.STEP_WAKE) === 0) return [this.#take(state.sleepers)];
    const word = this.#word(index);
    const candidates = state.sleepers.filter((sleeper) => this.#word(sleeper) === word);
    if (candidates.length === 0) return [this.#take(state.sleepers)];
    return candidates.map((woken) => this.#take(state.sleepers.filter((sleeper) => sleeper !== woken)));
  }

  #word(index: number): number {
    return this.#bank.view.getUint32(this.#bank.lane(index) + layout.LN_WORD, true);
  }

  /** What holds after every step: it has changed one word of shared state at most, and nobody is overspent. */
  #checkStep(before: State): void {
    const words = new BigUint64Array(before.accounts.buffer);
    const now = new BigUint64Array(this.#accounts.slice().buffer);
    const changed = words.reduce((count, word, i) => count + (word === now[i] ? 0 : 1), 0);
    if (changed > 1 && this.#strategy.name !== "serial") this.#faults.add("a step that changes several words");
    for (const { balance, limited } of this.#bank.readAll()) {
      if (limited && balance < 0n) this.#faults.add(`an account that is overspent: ${balance}`);
    }
  }

  #conclude(state: State): void {
    this.#putBack(state);
    const attempts = this.#scenario.operations.map((_, index) => readAttempt(this.#bank.view, this.#bank.lane(index)));
    this.#outcomes.add(describeOutcome({ attempts, accounts: this.#bank.readAll() }));
  }
}

/** Visits every interleaving of the scenario's operations under the strategy. */
export function explore(strategy: MemoryStrategy, scenario: Scenario): Exploration {
  return new Explorer(strategy, scenario).run();
}
