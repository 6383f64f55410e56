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
  const closing = new Summing(workload);
  for (let account = 0; account < workload.accounts; account++) {
    const address = memory.account(account);
    const balance = total(address + layout.AC_CREDITS_POSTED) - total(address + layout.AC_DEBITS_POSTED);
    closing.add(account, balance, total(address + layout.AC_VERSION));
  }
  return closing.books(changes);
}

/** Reads the books of any bank: its accounts as it shows them. */
export function booksOfAccounts(accounts: readonly BankAccount[], workload: Workload, changes: number): Books {
  const closing = new Summing(workload);
  for (const [account, { balance, version }] of accounts.entries()) {
    closing.add(account, Number(balance), Number(version));
  }
  return closing.books(changes);
}

class Summing {
  readonly #workload: Workload;
  #appeared = 0;
  #overdrawn = 0;
  #overdrawnBy = 0;
  #versions = 0;

  constructor(workload: Workload) {
    this.#workload = workload;
  }

  add(account: number, balance: number, version: number): void {
    const { openings, limited } = this.#workload;
    this.#appeared += balance - openings[account]!;
    this.#versions += version;
    if (balance < 0 && (limited === undefined || limited[account] === 1)) {
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
