/** Adds up the accounts after a run and says what is wrong with them, if anything is. */
import * as layout from "../core/layout.js";
import type { BankMemory } from "../strategies/memory/bank-memory.js";
import type { BankAccount } from "../strategies/strategy.js";
import type { Books } from "./comparison.js";
import type { Workload } from "./workload.js";

const WORD = 4;

/** Reads the books of a bank in shared memory. Totals stay below 2^53: a workload's money is much less. */
export function booksOf(memory: BankMemory, workload: Workload, changes: Changes): Books {
  const words = new Uint32Array(memory.memory.buffer);
  const total = (address: number): number => words[address / WORD]! + words[address / WORD + 1]! * 2 ** 32;
  const summing = new Summing();
  const { openings, neverBelowZero = workload.limited } = workload;
  for (let account = 0; account < workload.accounts; account++) {
    const address = memory.account(account);
    const balance = total(address + layout.AC_CREDITS_POSTED) - total(address + layout.AC_DEBITS_POSTED);
    const mustNotBeNegative = neverBelowZero === undefined || neverBelowZero[account] === 1;
    summing.add(balance, openings[account]!, total(address + layout.AC_VERSION), mustNotBeNegative);
  }
  return summing.books(changes);
}

/** Changes that successful operations made: as many, or some number between two where that depends on their order. */
export type Changes = number | readonly [least: number, most: number];

/** Compares the books of any bank with what they were before a run. */
export function booksBetween(before: readonly BankAccount[], after: readonly BankAccount[], changes: Changes): Books {
  const summing = new Summing();
  for (const [account, { balance, version, limited }] of after.entries()) {
    const opened = before[account]!;
    summing.add(Number(balance), Number(opened.balance), Number(version - opened.version), limited);
  }
  return summing.books(changes);
}

class Summing {
  #appeared = 0;
  #overdrawn = 0;
  #overdrawnBy = 0;
  #versions = 0;

  add(balance: number, opened: number, versions: number, mustNotBeNegative: boolean): void {
    this.#appeared += balance - opened;
    this.#versions += versions;
    if (balance < 0 && mustNotBeNegative) {
      this.#overdrawn++;
      this.#overdrawnBy -= balance;
    }
  }

  books(changes: Changes): Books {
    const [least, most] = typeof changes === "number" ? [changes, changes] : changes;
    return {
      appeared: this.#appeared,
      overdrawn: this.#overdrawn,
      overdrawnBy: this.#overdrawnBy,
      versions: this.#versions,
      changes: Math.min(Math.max(this.#versions, least), most),
    };
  }
}
