/**
 * What operations on a bank mean, in plain big integers: written from their description, sharing no code with the
 * kernel. It executes one after the other, so the outcomes of all orders are what concurrent operations may come to.
 */
import type { Operation } from "../../src/strategies/memory/operation.js";
import type { BankAccount, OpeningAccount } from "../../src/strategies/strategy.js";

export interface ModelAttempt {
  readonly result: string;
  readonly answer: bigint;
}

/** What operations came to: one by one, and what the accounts hold afterwards. */
export interface Outcome {
  readonly attempts: readonly ModelAttempt[];
  readonly accounts: readonly BankAccount[];
}

interface ModelAccount {
  balance: bigint;
  version: bigint;
  readonly limited: boolean;
}

interface Leg {
  readonly from: number;
  readonly to: number;
  readonly amount: bigint;
  readonly isLimitLifted: boolean;
}

export class BankModel {
  readonly #accounts: ModelAccount[];

  constructor(accounts: readonly OpeningAccount[]) {
    this.#accounts = accounts.map(({ balance, limited }) => ({ balance, limited, version: 0n }));
  }

  accounts(): BankAccount[] {
    return this.#accounts.map((account) => ({ ...account }));
  }

  execute(operation: Operation): ModelAttempt {
    if (new Set(operation.accounts).size !== operation.accounts.length) {
      return { result: "accounts_must_be_different", answer: 0n };
    }
    const { legs, answer } = this.#plan(operation);
    const short = legs.some(({ from, amount, isLimitLifted }) => {
      const { balance, limited } = this.#accounts[from]!;
      return limited && !isLimitLifted && balance < amount;
    });
    if (short) return { result: "exceeds_credits", answer };
    for (const { from, to, amount } of legs) {
      this.#change(from, -amount);
      this.#change(to, amount);
    }
    return { result: "ok", answer };
  }

  #change(account: number, by: bigint): void {
    this.#accounts[account]!.balance += by;
    this.#accounts[account]!.version += 1n;
  }

  #plan({ kind, accounts, amount }: Operation): { readonly legs: Leg[]; readonly answer: bigint } {
    const [first = -1, second = -1, third = -1] = accounts;
    const balance = (account: number): bigint => this.#accounts[account]?.balance ?? 0n;
    const held = balance(first) + balance(second);
    switch (kind) {
      case "transfer":
      case "send_payment":
        return { legs: [leg(first, second, amount)], answer: 0n };
      case "deposit":
        return { legs: [leg(second, first, amount)], answer: 0n };
      case "transact_savings":
        return { legs: [leg(second, first, amount)], answer: 0n };
      case "balance":
        return { legs: [], answer: held };
      case "write_check": {
        const charge = held < amount ? amount + 1n : amount;
        return { legs: [{ ...leg(second, third, charge), isLimitLifted: true }], answer: charge };
      }
      case "amalgamate": {
        const both = [leg(first, third, balance(first)), leg(second, third, balance(second))];
        const lifted = both.map((one) => ({ ...one, isLimitLifted: one.from === third }));
        return { legs: lifted.filter((one) => one.amount !== 0n), answer: held };
      }
    }
  }
}

/** A leg; a negative amount goes the other way. */
function leg(from: number, to: number, amount: bigint): Leg {
  return amount < 0n
    ? { from: to, to: from, amount: -amount, isLimitLifted: false }
    : { from, to, amount, isLimitLifted: false };
}

function* permutations(count: number, chosen: readonly number[] = []): Generator<readonly number[]> {
  if (chosen.length === count) yield chosen;
  for (let i = 0; i < count; i++) if (!chosen.includes(i)) yield* permutations(count, [...chosen, i]);
}

/** The outcomes of the operations in every order, one after the other. */
export function serialOutcomes(accounts: readonly OpeningAccount[], operations: readonly Operation[]): Outcome[] {
  return [...permutations(operations.length)].map((order) => {
    const model = new BankModel(accounts);
    const attempts: ModelAttempt[] = new Array(operations.length);
    for (const index of order) attempts[index] = model.execute(operations[index]!);
    return { attempts, accounts: model.accounts() };
  });
}

/** An outcome as one line: what is compared, and what a person reads. */
export function describeOutcome({ attempts, accounts }: Outcome): string {
  const results = attempts.map(({ result, answer }) => (answer === 0n ? result : `${result}(${answer})`));
  const books = accounts.map(({ balance, version }) => `${balance}@${version}`);
  return `${results.join(" ")} | ${books.join(" ")}`;
}
