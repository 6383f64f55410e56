/** The state digest: what it covers, and what it does not. */
import { expect, onTestFinished, test, vi } from "vitest";
import { type Ledger, type LedgerOptions, type NewAccount, type NewTransfer, openLedger } from "../../../src/index.js";
import { startClock } from "../../support/ledgers.js";

const ANN: NewAccount = { id: "ann", asset: "USD" };
const ACCOUNTS: readonly NewAccount[] = [ANN, { id: "bank", asset: "USD" }, { id: "shop", asset: "USD" }];
const pay = (id: string, amount: bigint, more: object = {}): NewTransfer =>
  ({ id, debit: "bank", credit: "ann", amount, ...more }) as NewTransfer;
const TRANSFERS = [pay("t1", 10n), pay("t2", 5n, { pending: true }), pay("t3", 1n, { debit: "ann", credit: "shop" })];

interface Life {
  readonly accounts?: readonly NewAccount[];
  /** Calls, one after the other. */
  readonly calls?: readonly (readonly NewTransfer[])[];
  readonly options?: LedgerOptions;
}

async function live({ accounts = ACCOUNTS, calls = [TRANSFERS], options }: Life): Promise<Ledger> {
  const ledger = await openLedger(":memory:", { mode: "event-loop", capacity: { accounts: 100 }, ...options });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts(accounts);
  for (const call of calls) {
    for (const { result } of await ledger.createTransfers(call)) expect(result).toBe("ok");
  }
  return ledger;
}

const digestOf = async (life: Life): Promise<string> => (await live(life)).digest();

test("a digest does not depend on clocks, workers, batches, ids of transfers, or the order of accounts", async () => {
  const expected = await digestOf({});
  startClock();
  vi.setSystemTime(Date.parse("2031-01-01T00:00:00Z"));
  for (const mode of ["event-loop", "parallel"] as const) {
    expect(await digestOf({ options: { mode } }), mode).toBe(expected);
  }
  expect(await digestOf({ options: { mode: "parallel", workers: 3 } })).toBe(expected);
  expect(await digestOf({ accounts: [...ACCOUNTS].reverse() })).toBe(expected);
  expect(await digestOf({ calls: TRANSFERS.map((transfer) => [transfer]) })).toBe(expected);
  expect(await digestOf({ calls: [TRANSFERS.map((transfer) => ({ ...transfer, id: `other ${transfer.id}` }))] })).toBe(
    expected,
  );
});

test("a digest differs with an account's id, asset, limits, each of its totals, version, and whether it is closed", async () => {
  const lives: Record<string, Life> = {
    "as it is": {},
    "another account": { accounts: [...ACCOUNTS, { id: "ben", asset: "USD" }] },
    "another id": { accounts: [...ACCOUNTS, { id: "bem", asset: "USD" }] },
    "another asset": { accounts: [...ACCOUNTS, { id: "ben", asset: "EUR" }] },
    "may not owe": { accounts: [...ACCOUNTS, { id: "ben", asset: "USD", debitsMustNotExceedCredits: true }] },
    "may not be owed": { accounts: [...ACCOUNTS, { id: "ben", asset: "USD", creditsMustNotExceedDebits: true }] },
    "more posted": { calls: [[pay("t1", 11n), ...TRANSFERS.slice(1)]] },
    "the other way round": { calls: [[pay("t1", 10n, { debit: "shop" }), ...TRANSFERS.slice(1)]] },
    "more pending": { calls: [[TRANSFERS[0]!, pay("t2", 6n, { pending: true }), TRANSFERS[2]!]] },
    "the same after two changes more": {
      calls: [[...TRANSFERS, pay("t4", 0n, { pending: true, closingDebit: true })], [{ id: "t5", void: "t4" }]],
    },
    closed: { calls: [[...TRANSFERS, pay("t4", 0n, { pending: true, closingDebit: true })]] },
    "another one closed": { calls: [[...TRANSFERS, pay("t4", 0n, { pending: true, closingCredit: true })]] },
  };
  const digests = new Map<string, string>();
  for (const [name, life] of Object.entries(lives)) digests.set(name, await digestOf(life));
  expect(new Set(digests.values()).size, JSON.stringify([...digests])).toBe(digests.size);
});

test("a digest leaves out what says nothing of balances: code, user data, metadata, overdraft limit", async () => {
  const limited = { ...ANN, debitsMustNotExceedCredits: true };
  const having = (more: Partial<NewAccount>): Life => ({ accounts: [{ ...limited, ...more }, ...ACCOUNTS.slice(1)] });
  const expected = await digestOf(having({}));
  for (const more of [{ code: 7 }, { userData: 7n }, { metadata: { a: 1 } }, { overdraftLimit: 7n }]) {
    expect(await digestOf(having(more)), Object.keys(more)[0]).toBe(expected);
  }
});
