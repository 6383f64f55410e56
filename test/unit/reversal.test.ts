/** Taking back what jobs and single transfers have done. */
import { expect, onTestFinished, test, vi } from "vitest";
import { type Ledger, type NewTransfer, openLedger } from "../../src/index.js";
import { intercept, openParts, startClock } from "../support/ledgers.js";

async function bank(): Promise<Ledger> {
  const ledger = await openLedger(":memory:", { mode: "event-loop" });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "alice", asset: "USD", debitsMustNotExceedCredits: true },
    { id: "shop", asset: "USD", debitsMustNotExceedCredits: true },
  ]);
  return ledger;
}

const balances = (ledger: Ledger): bigint[] => ["bank", "alice", "shop"].map((id) => ledger.account(id)!.balance);

test("what transfers have done is taken back, newest first, once", async () => {
  const ledger = await bank();
  const transfers: NewTransfer[] = [
    { id: "fund", debit: "bank", credit: "alice", amount: 100n },
    { id: "pay", debit: "alice", credit: "shop", amount: 100n, code: 7, userData: 9n },
    { id: "refused", debit: "alice", credit: "shop", amount: 1n },
  ];
  await ledger.createTransfers(transfers);
  const ids = transfers.map(({ id }) => id);
  // Oldest first, alice would not have what the bank takes back.
  expect(await ledger.reverse({ transfers: ids })).toEqual({ result: "ok", transfers: 2 });
  expect(balances(ledger)).toEqual([0n, 0n, 0n]);
  const { transfers: made } = await ledger.transfers({ limit: 2 });
  expect(made).toMatchObject([
    { debit: "alice", credit: "bank", amount: 100n },
    { debit: "shop", credit: "alice", amount: 100n, code: 7, userData: 9n },
  ]);
  expect(await ledger.reverse({ transfers: ids })).toEqual({ result: "exists", transfers: 2 });
  expect(ledger.transferCount).toBe(5);
});

test("what is reserved is released, what was posted is paid back, what was released stays so", async () => {
  const ledger = await bank();
  await ledger.createTransfers([
    { id: "fund", debit: "bank", credit: "alice", amount: 100n },
    { id: "open", debit: "alice", credit: "shop", amount: 10n, pending: true },
    { id: "posted", debit: "alice", credit: "shop", amount: 20n, pending: true },
    { id: "post", post: "posted", amount: 15n },
    { id: "voided", debit: "alice", credit: "shop", amount: 30n, pending: true },
    { id: "void", void: "voided" },
  ]);
  const transfers = ["open", "posted", "post", "voided", "void"];
  expect(await ledger.reverse({ transfers })).toEqual({ result: "ok", transfers: 2 });
  expect(ledger.account("alice")).toMatchObject({ balance: 100n, debitsPending: 0n });
  expect(ledger.account("shop")).toMatchObject({ balance: 0n, creditsPending: 0n });
  // What somebody else released was not taken back.
  expect(await ledger.reverse({ transfers })).toEqual({ result: "exists", transfers: 2 });
});

test("what was taken back stays so, whatever else is to be taken back with it", async () => {
  const ledger = await bank();
  await ledger.createTransfers([
    { id: "open", debit: "bank", credit: "alice", amount: 10n, pending: true },
    { id: "one", debit: "bank", credit: "alice", amount: 1n },
    { id: "two", debit: "bank", credit: "alice", amount: 2n },
    { id: "three", debit: "bank", credit: "alice", amount: 4n },
  ]);
  expect(await ledger.reverse({ transfers: ["two"] })).toEqual({ result: "ok", transfers: 1 });
  const all = { transfers: ["open", "one", "two", "three"] };
  expect(await ledger.reverse(all)).toEqual({ result: "ok", transfers: 4 });
  expect(await ledger.reverse({ transfers: ["three"] })).toEqual({ result: "exists", transfers: 1 });
  expect(await ledger.reverse(all)).toEqual({ result: "exists", transfers: 4 });
  expect([balances(ledger), ledger.transferCount]).toEqual([[0n, 0n, 0n], 8]);
  // One that moves something has an opposite of its own, and nothing is chained to it.
  expect((await ledger.transfers({ limit: 4 })).transfers.every(({ linked }) => linked === undefined)).toBe(true);
});

test("a reservation that has run out is none, before a batch has noticed it and afterwards", async () => {
  const clock = startClock();
  const ledger = await bank();
  await ledger.createTransfers([
    { id: "held", debit: "bank", credit: "alice", amount: 10n, pending: true, timeout: 1 },
    { id: "longer", debit: "bank", credit: "alice", amount: 20n, pending: true, timeout: 2 },
    { id: "fund", debit: "bank", credit: "alice", amount: 1n },
  ]);
  vi.setSystemTime(clock.milliseconds + 1000);
  expect(await ledger.reverse({ transfers: ["held"] })).toEqual({ result: "exists", transfers: 0 });
  expect(ledger.account("alice")!.creditsPending).toBe(30n);
  expect(await ledger.reverse({ transfers: ["held", "longer", "fund"] })).toEqual({ result: "ok", transfers: 2 });
  expect(ledger.account("alice")).toMatchObject({ balance: 0n, creditsPending: 0n });
  expect(await ledger.reverse({ transfers: ["held", "longer", "fund"] })).toEqual({ result: "exists", transfers: 2 });
});

test("where a limit forbids one, nothing is taken back or recorded, and it can be tried again", async () => {
  const ledger = await bank();
  await ledger.createTransfers([
    { id: "fund", debit: "bank", credit: "alice", amount: 100n },
    { id: "one", debit: "alice", credit: "shop", amount: 60n },
    { id: "two", debit: "alice", credit: "shop", amount: 40n },
    { id: "spend", debit: "shop", credit: "bank", amount: 50n },
  ]);
  const before = ledger.digest();
  const refusal = { id: "one", reason: "exceeds_credits" };
  expect(await ledger.reverse({ transfers: ["one", "two"] })).toEqual({ result: "refused", transfers: 2, refusal });
  expect([ledger.digest(), ledger.transferCount]).toEqual([before, 4]);
  await ledger.createTransfers([{ id: "refill", debit: "bank", credit: "shop", amount: 50n }]);
  expect(await ledger.reverse({ transfers: ["one", "two"] })).toEqual({ result: "ok", transfers: 2 });
  expect(balances(ledger)).toEqual([-100n, 100n, 0n]);
});

test("of many transfers those are taken back that are named, wherever they lie, with few questions to the store", async () => {
  let questions = 0;
  const { ledger } = await openParts(":memory:", {
    mode: "event-loop",
    wrap: (store) =>
      intercept(store, {
        findTransfers: (query) => {
          questions++;
          expect(query.before - query.after).toBeLessThanOrEqual(1001);
          return store.findTransfers(query);
        },
      }),
  });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "alice", asset: "USD" },
  ]);
  const count = 9000;
  const transfers = Array.from({ length: count }, (_, i) => ({
    id: `t${i}`,
    debit: "bank",
    credit: "alice",
    amount: 1n,
  }));
  await ledger.createTransfers(transfers.slice(0, 8000));
  await ledger.createTransfers(transfers.slice(8000));
  // Side by side, past a thousand and past a batch; and as far apart as one question goes, and farther.
  const runs = [0, 31, 63, 96, ...Array.from({ length: 2500 }, (_, i) => 1000 + i), 7999, 8000, 8999];
  const ids = [...runs.toReversed(), ...runs.slice(0, 5)].map((i) => `t${i}`);
  expect(await ledger.reverse({ transfers: ids })).toEqual({ result: "ok", transfers: runs.length });
  expect(ledger.account("alice")?.balance).toBe(BigInt(count - runs.length));
  // Two for what is 31 and 32 apart and what is 33 farther, three for the thousands, one for those past a batch, one for the last.
  expect(questions).toBe(7);
  for (const i of [0, 1, 31, 32, 96, 999, 1000, 3499, 3500, 8000, 8001, 8999]) {
    expect(await ledger.reverse({ transfers: [`t${i}`] }), `t${i}`).toEqual({
      result: runs.includes(i) ? "exists" : "ok",
      transfers: 1,
    });
  }
  const unknown = ["t1", "t2", "who", "what"];
  await expect(ledger.reverse({ transfers: unknown })).rejects.toMatchObject({ details: { id: "who" } });
});

test("a transfer or a job that there is not is said not to be there", async () => {
  const ledger = await bank();
  await expect(ledger.reverse({ transfers: ["nobody"] })).rejects.toMatchObject({ code: "unknown_transfer" });
  await expect(ledger.reverse({ job: "nobody" })).rejects.toMatchObject({ code: "unknown_job" });
});

test("what names nothing to take back is refused", async () => {
  const ledger = await bank();
  await ledger.createTransfers([{ id: "fund", debit: "bank", credit: "alice", amount: 1n }]);
  const both = { job: "j", transfers: ["fund"] };
  for (const what of [{}, both, { transfer: ["fund"] }, { transfers: "fund" }, { transfers: [1] }, null]) {
    await expect(ledger.reverse(what as never), JSON.stringify(what)).rejects.toMatchObject({
      code: "invalid_argument",
    });
  }
  expect(await ledger.reverse({ transfers: [] })).toEqual({ result: "exists", transfers: 0 });
  expect(ledger.transferCount).toBe(1);
});
