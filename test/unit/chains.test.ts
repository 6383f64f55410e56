/** Chains that take more than a batch, and calls that share one. */
import { expect, onTestFinished, test } from "vitest";
import { type Ledger, type NewTransfer, openLedger, type PlainTransfer } from "../../src/index.js";

const BATCH = 16_384;

async function pair(mode: "event-loop" | "parallel"): Promise<Ledger> {
  const ledger = await openLedger(":memory:", { mode, workers: 2 });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "a", asset: "USD" },
    { id: "b", asset: "USD" },
  ]);
  return ledger;
}

function chain(name: string, length: number): PlainTransfer[] {
  const leg = (i: number): PlainTransfer => ({ id: `${name}${i}`, debit: "a", credit: "b", amount: 1n });
  return Array.from({ length }, (_, i) => ({ ...leg(i), ...(i + 1 < length ? { linked: true } : {}) }));
}

function counts(results: readonly { result: string }[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { result } of results) found[result] = (found[result] ?? 0) + 1;
  return found;
}

test.each(["event-loop", "parallel"] as const)(
  "a chain over several batches is made as a whole, once, with what stands around it (%s)",
  async (mode) => {
    const ledger = await pair(mode);
    const around: NewTransfer[] = [
      { id: "before", debit: "a", credit: "b", amount: 5n },
      ...chain("leg", BATCH + 10),
      { id: "behind", debit: "a", credit: "b", amount: 5n },
    ];
    const first = await ledger.createTransfers(around);
    expect(counts(first)).toEqual({ ok: BATCH + 12 });
    expect(first.map(({ sequence }) => sequence)).toEqual(first.map((_, i) => i + 1));
    expect(counts(await ledger.createTransfers(around))).toEqual({ exists: BATCH + 12 });
    expect(ledger.account("a")!.balance).toBe(-BigInt(BATCH + 20));
  },
);

test("a chain over several batches that one leg breaks leaves nothing, and can be made when that leg is mended", async () => {
  const ledger = await pair("event-loop");
  const legs = chain("leg", BATCH + 10);
  const broken = legs.map((leg, i) => (i === BATCH + 5 ? { ...leg, credit: "nobody" } : leg));
  const before = ledger.digest();
  const results = await ledger.createTransfers(broken);
  expect(counts(results)).toEqual({ linked_event_failed: BATCH + 9, credit_account_not_found: 1 });
  expect(results[BATCH + 5]).toEqual({ result: "credit_account_not_found", sequence: 0 });
  expect([ledger.digest(), ledger.transferCount]).toEqual([before, 0]);
  expect(counts(await ledger.createTransfers(legs))).toEqual({ ok: BATCH + 10 });
});

test("a chain over several batches that its call does not end is open", async () => {
  const ledger = await pair("event-loop");
  const legs: NewTransfer[] = chain("leg", BATCH + 10).map((leg) => ({ ...leg, linked: true }));
  const results = await ledger.createTransfers(legs);
  expect(counts(results)).toEqual({ linked_event_failed: BATCH + 9, linked_event_chain_open: 1 });
  expect(results.at(-1)!.result).toBe("linked_event_chain_open");
  expect(ledger.transferCount).toBe(0);
});

test("chains are not torn apart where a batch is full, nor joined where calls share one", async () => {
  const ledger = await pair("event-loop");
  const length = 1000;
  const many = Array.from({ length: 40 }, (_, i) => chain(`${i}-`, length)).flat();
  const open: NewTransfer = { id: "open", debit: "a", credit: "b", amount: 1n, linked: true };
  const [made, left, other] = await Promise.all([
    ledger.createTransfers(many),
    ledger.createTransfers([open]),
    ledger.createTransfers([{ id: "other", debit: "a", credit: "b", amount: 1n }]),
  ]);
  expect(counts(made)).toEqual({ ok: 40 * length });
  expect(left).toEqual([{ result: "linked_event_chain_open", sequence: 0 }]);
  expect(counts(other)).toEqual({ ok: 1 });
});
