/** One contract for every strategy, wherever its balances live. Nothing is mocked. */
import { describe, expect, onTestFinished, test } from "vitest";
import { seeded } from "../../bench/trial.js";
import { BALANCE_MAX } from "../../src/strategies/sql/rule.js";
import type { Attempt, Bank, OpeningAccount, StrategyTransfer } from "../../src/strategies/strategy.js";
import { BANK_CASES, type BankCase } from "./banks.js";

async function opened({ open }: BankCase, accounts: readonly OpeningAccount[]): Promise<Bank> {
  const bank = await open!(accounts);
  onTestFinished(() => bank.close());
  return bank;
}

/** What a transfer does, written from SEMANTICS.md on plain numbers, sharing nothing with the strategies. */
class Model {
  readonly accounts: { balance: bigint; version: bigint; limited: boolean }[];

  constructor(accounts: readonly OpeningAccount[]) {
    this.accounts = accounts.map((account) => ({ ...account, version: 0n }));
  }

  transfer({ debit, credit, amount }: StrategyTransfer): Attempt["result"] {
    const from = this.accounts[debit]!;
    const to = this.accounts[credit]!;
    if (from.limited && from.balance < amount) return "exceeds_credits";
    from.balance -= amount;
    from.version += 1n;
    to.balance += amount;
    to.version += 1n;
    return "ok";
  }
}

function randomTransfers(seed: number, count: number, accounts: number, amountMax: number): StrategyTransfer[] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const debit = random(accounts);
    const credit = (debit + 1 + random(accounts - 1)) % accounts;
    return { debit, credit, amount: BigInt(1 + random(amountMax)) };
  });
}

/** Account 0 pays what the limited others own. */
function openingAccounts(count: number, balance: bigint): OpeningAccount[] {
  return Array.from({ length: count }, (_, number) =>
    number === 0 ? { balance: -balance * BigInt(count - 1), limited: false } : { balance, limited: true },
  );
}

/**
 * Resolves for everybody once two have come. Where a strategy may let only one in, it also resolves a while after the
 * first: long enough that a second one that can come does.
 */
function barrierOfTwo(patient: boolean): () => Promise<void> {
  let arrived = 0;
  let open: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    if (++arrived === 2) open();
    else if (!patient) setTimeout(open, 200);
    return opened;
  };
}

const available = BANK_CASES.filter(({ open }) => open !== undefined);
const missing = BANK_CASES.filter(({ open }) => open === undefined);
test.skipIf(missing.length > 0)("every strategy's server is there", () => {});
for (const { name } of missing) test.skip(`${name}: its server is missing`, () => {});

describe.each(available.map((bankCase) => [bankCase.name, bankCase] as const))("%s", (_, bankCase) => {
  const { strategy } = bankCase;

  test("says its guarantee, its cost, when to use it and when not", () => {
    for (const sentence of [strategy.guarantee, strategy.cost, strategy.whenToUse, strategy.whenNot]) {
      expect(sentence).toMatch(/^[A-Z].{10,}\.$/s);
    }
    expect(bankCase.name.split(",")[0]).toBe(`${strategy.place} ${strategy.name}`);
  });

  test("transfers one after the other give exactly the results, balances and versions of the model", async () => {
    const accounts = openingAccounts(5, 100n);
    const bank = await opened(bankCase, accounts);
    const model = new Model(accounts);
    const results: string[] = [];
    const expected: string[] = [];
    for (const transfer of randomTransfers(7, 60, accounts.length, 90)) {
      results.push((await bank.transfer(transfer)).result);
      expected.push(model.transfer(transfer));
    }
    expect(results).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set(["ok", "exceeds_credits"]));
    expect(await bank.accounts()).toEqual(model.accounts);
  });

  test("a balance of exactly the amount is enough, and one unit less is not", async () => {
    const bank = await opened(bankCase, [
      { balance: 60n, limited: true },
      { balance: 59n, limited: true },
      { balance: -119n, limited: false },
    ]);
    expect(await bank.transfer({ debit: 0, credit: 2, amount: 60n })).toEqual({ result: "ok", conflicts: 0 });
    expect(await bank.transfer({ debit: 1, credit: 2, amount: 60n })).toEqual({
      result: "exceeds_credits",
      conflicts: 0,
    });
    expect(await bank.accounts()).toEqual([
      { balance: 0n, version: 1n, limited: true },
      { balance: 59n, version: 0n, limited: true },
      { balance: -59n, version: 1n, limited: false },
    ]);
  });

  // Totals in memory have bounds of their own.
  if (strategy.place !== "memory") {
    test("a balance that would not fit is refused on either side, whatever else is wrong, and changes nothing", async () => {
      const opening = [
        { balance: BALANCE_MAX, limited: false },
        { balance: -BALANCE_MAX, limited: false },
        { balance: 0n, limited: true },
      ];
      const bank = await opened(bankCase, opening);
      const result = async (debit: number, credit: number): Promise<string> =>
        (await bank.transfer({ debit, credit, amount: 1n })).result;
      expect(await result(1, 2)).toBe("overflows_debits_posted");
      expect(await result(1, 0)).toBe("overflows_debits_posted");
      expect(await result(2, 0)).toBe("overflows_credits_posted");
      expect(await result(2, 1)).toBe("exceeds_credits");
      expect(await bank.accounts()).toEqual(opening.map((account) => ({ ...account, version: 0n })));
    });
  }

  test("a transfer that makes no sense is refused, or a mistake of the caller's, and changes nothing", async () => {
    const opening = openingAccounts(3, 10n);
    const bank = await opened(bankCase, opening);
    const mistakes: StrategyTransfer[] = [
      { debit: 1, credit: 3, amount: 1n },
      { debit: -1, credit: 1, amount: 1n },
      { debit: 0.5, credit: 1, amount: 1n },
      { debit: 1, credit: 2, amount: 0n },
      { debit: 1, credit: 2, amount: 1n << 62n },
    ];
    for (const mistake of mistakes) {
      await expect(bank.transfer(mistake)).rejects.toMatchObject({ code: "invalid_argument" });
    }
    expect(await bank.transfer({ debit: 1, credit: 1, amount: 1n })).toEqual({
      result: "accounts_must_be_different",
      conflicts: 0,
    });
    expect(await bank.accounts()).toEqual(opening.map((account) => ({ ...account, version: 0n })));
  });

  if (strategy.safe) {
    test("transfers at the same time keep every law", async () => {
      const opening = openingAccounts(4, 150n);
      const bank = await opened(bankCase, opening);
      // Every second one takes money out, so that there is not enough for all.
      const transfers = randomTransfers(11, 80, opening.length, 100).map(({ debit, credit, amount }, index) =>
        index % 2 === 0 && debit !== 0 ? { debit, credit: 0, amount } : { debit, credit, amount },
      );
      const between = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
      const attempts = await Promise.all(transfers.map((transfer) => bank.transfer(transfer, { between })));

      const expected = new Model(opening).accounts;
      transfers.forEach(({ debit, credit, amount }, index) => {
        if (attempts[index]!.result !== "ok") return;
        for (const [number, change] of [
          [debit, -amount],
          [credit, amount],
        ] as const) {
          expected[number]!.balance += change;
          expected[number]!.version += 1n;
        }
      });
      const accounts = await bank.accounts();
      expect(accounts, "balances and versions are those of the transfers made").toEqual(expected);
      expect(
        accounts.reduce((sum, { balance }) => sum + balance, 0n),
        "conservation",
      ).toBe(0n);
      expect(
        accounts.filter(({ limited, balance }) => limited && balance < 0n),
        "no overspend",
      ).toEqual([]);
      expect(new Set(attempts.map(({ result }) => result))).toEqual(new Set(["ok", "exceeds_credits"]));
    });
  }

  test(`two withdrawals of 60 from 100 that ${strategy.safe ? "meet leave 40" : "both read first leave -20"}`, async () => {
    // They have nothing in common but the account that pays.
    const bank = await opened(bankCase, [
      { balance: 100n, limited: true },
      { balance: 0n, limited: true },
      { balance: 0n, limited: false },
    ]);
    const between = barrierOfTwo(!strategy.safe);
    const attempts = await Promise.all(
      [1, 2].map((credit) => bank.transfer({ debit: 0, credit, amount: 60n }, { between })),
    );
    const results = attempts.map(({ result }) => result);
    expect(results.toSorted()).toEqual(strategy.safe ? ["exceeds_credits", "ok"] : ["ok", "ok"]);
    const made = results.map((result) => (result === "ok" ? 1n : 0n));
    const count = made[0]! + made[1]!;
    expect(await bank.accounts()).toEqual([
      { balance: 100n - 60n * count, version: count, limited: true },
      { balance: 60n * made[0]!, version: made[0], limited: true },
      { balance: 60n * made[1]!, version: made[1], limited: false },
    ]);
  });
});
