/** The cases written down by hand, against the ledger in both modes and against the model. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openLedger, TRANSFER_RESULTS } from "../../src/index.js";
import { GOLDEN_ACCOUNTS, type GoldenAccount, type GoldenCall, NOT_OF_A_CALL, readGolden } from "../support/golden.js";
import { makeTransfers, startClock } from "../support/ledgers.js";
import { Model, type ModelNewTransfer, type ModelResult } from "../support/model.js";

const scenarios = readGolden(new URL("transfers.md", import.meta.url));

/** What is asked to do the scenarios. */
interface Books {
  readonly name: string;
  open(): Promise<{
    create(): Promise<void>;
    make(transfers: readonly ModelNewTransfer[], milliseconds: number): Promise<readonly ModelResult[]>;
    account(id: string): GoldenAccount | undefined;
    digest(): string;
  }>;
}

const modelBooks: Books = {
  name: "the model",
  open: async () => {
    const model = new Model(["USD", "EUR"]);
    return {
      create: async () => {
        for (const account of GOLDEN_ACCOUNTS) model.createAccount(account);
      },
      make: async (transfers, milliseconds) => model.createTransfers(transfers, BigInt(milliseconds) * 1_000_000n),
      account: (id) => model.accounts.get(id),
      digest: () => model.digest(),
    };
  },
};

/** Transfers that nothing comes of: with enough of them around it, a contested call is executed by the parallel plan. */
const FILLING: ModelNewTransfer[] = Array.from({ length: 200 }, (_, i) => ({
  ...{ id: `filling-${i}`, debit: "bank", credit: "shop", amount: 0n },
}));

function ledgerBooks(
  name: string,
  options: Parameters<typeof openLedger>[1],
  filling: readonly ModelNewTransfer[],
): Books {
  return {
    name,
    open: async () => {
      const ledger = await openLedger(":memory:", { ...options, capacity: { accounts: 100, transfers: 10_000 } });
      onTestFinished(() => ledger.close());
      return {
        create: async () => void (await ledger.createAccounts(GOLDEN_ACCOUNTS)),
        make: async (transfers, milliseconds) => {
          vi.setSystemTime(milliseconds);
          const results = await makeTransfers(ledger, [...filling, ...transfers]);
          return results.slice(filling.length);
        },
        account: (id) => ledger.account(id),
        digest: () => ledger.digest(),
      };
    },
  };
}

/** Each row with its line, so that a difference says where it is. */
function rowsOf({ lines, transfers }: GoldenCall, results: readonly ModelResult[]): unknown[] {
  return results.map((result, i) => ({ line: lines[i], id: transfers[i]!.id, ...result }));
}

const ALL_BOOKS = [
  modelBooks,
  ledgerBooks("a ledger on the event loop", { mode: "event-loop" }, []),
  ledgerBooks("a ledger of two workers", { workers: 2 }, FILLING),
];

describe.each(ALL_BOOKS)("$name", ({ open }) => {
  test.each(scenarios)("does as written: $name", async ({ calls, accounts }) => {
    const clock = startClock();
    const books = await open();
    await books.create();
    for (const call of calls) {
      const results = await books.make(call.transfers, clock.milliseconds + Math.round(call.at * 1000));
      expect(rowsOf(call, results)).toEqual(rowsOf(call, call.expected));
    }
    for (const expected of accounts) expect(books.account(expected.id)).toMatchObject(expected);
  });
});

test("every result that a call can have is in the file, and the file has hundreds of rows", () => {
  const rows = scenarios.flatMap(({ calls }) => calls.flatMap(({ expected }) => expected));
  expect(rows.length).toBeGreaterThan(250);
  const missing = TRANSFER_RESULTS.filter(({ name }) => !rows.some(({ result }) => result === name));
  expect(missing.map(({ name }) => name)).toEqual(NOT_OF_A_CALL);
});
