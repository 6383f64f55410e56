/** Adds up the accounts after a run and says what is wrong with them, if anything is. */
import * as layout from "../core/layout.js";
import type { BankMemory } from "../strategies/memory/bank-memory.js";
import type { BankAccount } from "../strategies/strategy.js";
import type { Books } from "./comparison.js";
import type { Workload } from "./workload.js";

const WORD = 4;

/** Reads the books of a bank in shared memory. Totals stay below 2^53: a workload's money is much less. */
export function booksOf(memory: BankMemory, workload: Workload, changes: number): Books {
  const words = new Uint32Array(memory.memory.buffer);
  const total = (address: number): number => words[address / WORD]! + words[address / WORD + 1]! * 2 ** 32;
  const summing = new Summing();
  const { openings, limited } = workload;
  for (let account = 0; account < workload.accounts; account++) {
    const address = memory.account(account);
    const balance = total(address + layout.AC_CREDITS_POSTED) - total(address + layout.AC_DEBITS_POSTED);
    const isLimited = limited === undefined || limited[account] === 1;
    summing.add(balance, openings[account]!, total(address + layout.AC_VERSION), isLimited);
  }
  return summing.books(changes);
}

/** Compares the books of any bank with what they were before a run. */
export function booksBetween(before: readonly BankAccount[], after: readonly BankAccount[], changes: number): Books {
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

  add(balance: number, opened: number, versions: number, isLimited: boolean): void {
    this.#appeared += balance - opened;
    this.#versions += versions;
    if (balance < 0 && isLimited) {
      this.#overdrawn++;
      this.#overdrawnBy -= balance;
    }
  }

  books(changes: number): Books {
    return {
      appeared: this.#appeared,
      overdrawn: this.#overdrawn,
      overdrawnBy: this.#overdrawnBy,
      versions: this.#versions,
      changes,
    };
  }
}
