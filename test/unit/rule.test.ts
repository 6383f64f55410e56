/** What the transfer rule says beyond plain transfers: overdraft limits, expected versions, balancing. */
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Ledger, LedgerOptions, NewAccount, NewTransfer, PlainTransfer } from "../../src/index.js";
import { FEW_CONFIGURATIONS, openLedgerHere, openParts, startClock, temporaryFolder } from "../support/ledgers.js";

const CAPACITY = { accounts: 1000, transfers: 100_000 };
const LARGEST = 2n ** 128n - 1n;

async function open(options: LedgerOptions, path = ":memory:"): Promise<Ledger> {
  const ledger = await openLedgerHere(path, { capacity: CAPACITY, ...options });
  onTestFinished(() => ledger.close());
  return ledger;
}

async function openBank(options: LedgerOptions, overdraftLimit: bigint, path?: string): Promise<Ledger> {
  const ledger = await open(options, path);
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "alice", asset: "USD", debitsMustNotExceedCredits: true, overdraftLimit },
  ]);
  return ledger;
}

function pay(id: string, amount: bigint, more: Partial<PlainTransfer> = {}): PlainTransfer {
  return { id, debit: "alice", credit: "bank", amount, ...more };
}

async function results(ledger: Ledger, ...transfers: NewTransfer[]): Promise<string[]> {
  return (await ledger.createTransfers(transfers)).map(({ result }) => result);
}

test.each(FEW_CONFIGURATIONS)(
  "an account may owe as much as its overdraft limit, and not one unit more ($name)",
  async ({ options }) => {
    const ledger = await openBank(options, 50n);
    expect(await results(ledger, pay("a", 51n), pay("b", 50n), pay("c", 1n))).toEqual([
      "exceeds_credits",
      "ok",
      "exceeds_credits",
    ]);
    expect(ledger.account("alice")).toMatchObject({ balance: -50n, overdraftLimit: 50n, version: 1 });
  },
);

test("an overdraft limit counts in full width, below and above 2^64, and up to everything", async () => {
  for (const overdraft of [2n ** 64n - 1n, 2n ** 64n, 2n ** 64n + 1n, LARGEST - 6n]) {
    const ledger = await openBank({ mode: "event-loop" }, overdraft);
    const funding = { id: "funding", debit: "bank", credit: "alice", amount: 5n };
    const codes = await results(ledger, funding, pay("more", overdraft + 6n), pay("all", overdraft + 5n));
    expect(codes).toEqual(["ok", "exceeds_credits", "ok"]);
    expect(ledger.account("alice")!.balance).toBe(-overdraft);
  }
});

test("an overdraft limit of whole multiples of 2^64 is still there after a reservation has come and gone", async () => {
  const overdraft = 2n ** 64n;
  const ledger = await openBank({ mode: "event-loop" }, overdraft);
  const codes = await results(
    ledger,
    { ...pay("reserved", 1n), pending: true },
    { id: "back", void: "reserved" },
    pay("more", overdraft + 1n),
    pay("all", overdraft),
  );
  expect(codes).toEqual(["ok", "ok", "exceeds_credits", "ok"]);
});

test.each(FEW_CONFIGURATIONS)(
  "what one side of a refused transfer was ahead of its turn is taken back in full width ($name)",
  async ({ options }) => {
    const large = 3n * 2n ** 64n + 5n;
    const ledger = await open(options);
    await ledger.createAccounts([
      { id: "bank", asset: "USD" },
      { id: "payer", asset: "USD", debitsMustNotExceedCredits: true },
      { id: "lender", asset: "USD", creditsMustNotExceedDebits: true },
    ]);
    await ledger.createTransfers([
      { id: "funding", debit: "bank", credit: "payer", amount: large },
      { id: "loan", debit: "lender", credit: "bank", amount: large },
    ]);
    const codes = await results(
      ledger,
      { id: "paid", debit: "payer", credit: "bank", amount: large },
      { id: "not paid", debit: "payer", credit: "bank", amount: large },
      { id: "repaid", debit: "bank", credit: "lender", amount: large },
      { id: "not repaid", debit: "bank", credit: "lender", amount: large },
    );
    expect(codes).toEqual(["ok", "exceeds_credits", "ok", "exceeds_debits"]);
    const { debitsPosted, creditsPosted } = ledger.account("bank")!;
    expect([debitsPosted, creditsPosted]).toEqual([2n * large, 2n * large]);
  },
);

test("a chain that fails takes back amounts of any width, whatever its legs did with them", async () => {
  const words = [1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 64n + 2n, 3n * 2n ** 64n + 5n];
  const ledger = await open({ mode: "event-loop" });
  await ledger.createAccounts([
    ...["bank", "shop"].map((id) => ({ id, asset: "USD" })),
    { id: "purse", asset: "USD", debitsMustNotExceedCredits: true },
  ]);
  const move = { debit: "bank", credit: "shop", linked: true };
  for (const [i, moved] of words.entries()) {
    for (const [j, reserved] of words.entries()) {
      const name = `${i} ${j}`;
      await ledger.createTransfers([
        { ...move, id: `held ${name}`, amount: reserved, pending: true, linked: false },
        { ...move, id: `kept ${name}`, amount: reserved, pending: true, linked: false },
        { ...move, id: `paid ${name}`, amount: moved, linked: false },
      ]);
      const before = [ledger.account("bank"), ledger.account("shop")];
      const codes = await results(
        ledger,
        { ...move, id: `moved ${name}`, amount: moved },
        { ...move, id: `reserved ${name}`, amount: reserved, pending: true },
        { id: `posted ${name}`, post: `held ${name}`, ...(moved < reserved ? { amount: moved } : {}), linked: true },
        { id: `voided ${name}`, void: `kept ${name}`, linked: true },
        { ...move, id: `refused ${name}`, debit: "purse", amount: 1n, linked: false },
      );
      expect(codes).toEqual([...Array(4).fill("linked_event_failed"), "exceeds_credits"]);
      expect([ledger.account("bank"), ledger.account("shop")]).toEqual(before);
    }
  }
});

test("an overdraft limit is part of what an account is, and needs an account that is limited", async () => {
  const ledger = await openBank({ mode: "event-loop" }, 50n);
  const created = await ledger.createAccounts([
    { id: "alice", asset: "USD", debitsMustNotExceedCredits: true, overdraftLimit: 50n },
    { id: "alice", asset: "USD", debitsMustNotExceedCredits: true, overdraftLimit: 51n },
    { id: "alice", asset: "USD", debitsMustNotExceedCredits: true },
    { id: "carol", asset: "USD", overdraftLimit: 1n },
    { id: "carol", asset: "USD", creditsMustNotExceedDebits: true, overdraftLimit: 1n },
    { id: "carol", asset: "USD", overdraftLimit: 0n },
  ]);
  expect(created.map(({ result }) => result)).toEqual([
    "exists",
    "exists_with_different_overdraft_limit",
    "exists_with_different_overdraft_limit",
    "overdraft_limit_needs_a_limit",
    "overdraft_limit_needs_a_limit",
    "ok",
  ]);
});

test("of two that decided by the same version one is made, and the other's id is burnt", async () => {
  for (const { options } of FEW_CONFIGURATIONS) {
    const ledger = await openBank(options, 500n);
    const { version } = ledger.account("alice")!;
    const first = pay("first", 100n, { expectedDebitVersion: version });
    const second = pay("second", 100n, { expectedDebitVersion: version });
    const made = await Promise.all([results(ledger, first), results(ledger, second)]);
    expect(made.flat()).toEqual(["ok", "version_mismatch"]);
    expect(await ledger.createTransfers([first, second])).toEqual([
      { result: "exists", sequence: 1 },
      { result: "id_already_failed", sequence: 2, reason: "version_mismatch" },
    ]);
    expect(ledger.account("alice")).toMatchObject({ balance: -100n, version: version + 1 });
  }
});

test("a version counts every change before it in the same batch, whoever else may be executed in any order", async () => {
  for (const { options } of FEW_CONFIGURATIONS) {
    // Alice may owe so much that nothing but the expectations asks for an order.
    const ledger = await openBank(options, 500n);
    const fund = (id: string): NewTransfer => ({ id, debit: "bank", credit: "alice", amount: 10n });
    const others = Array.from({ length: 60 }, (_, i) => ({ ...fund(`other-${i}`), credit: "carol" }));
    await ledger.createAccounts([{ id: "carol", asset: "USD" }]);
    const found = await results(
      ledger,
      ...others,
      fund("one"),
      pay("at 1", 5n, { expectedDebitVersion: 1 }),
      fund("two"),
      pay("at 2", 5n, { expectedDebitVersion: 2 }),
      pay("at 3", 5n, { expectedDebitVersion: 3, expectedCreditVersion: 63 }),
      pay("at 4", 5n, { expectedDebitVersion: 4, expectedCreditVersion: 0 }),
    );
    expect(found.slice(-6)).toEqual(["ok", "ok", "ok", "version_mismatch", "ok", "version_mismatch"]);
  }
});

test("a mismatch comes after accounts that are missing or hold other assets, and before every limit", async () => {
  const ledger = await openBank({ mode: "event-loop" }, 0n);
  await ledger.createAccounts([{ id: "euro", asset: "EUR" }]);
  const wrong = { expectedDebitVersion: 7, expectedCreditVersion: 7 };
  const found = await results(
    ledger,
    pay("missing", 1n, { ...wrong, credit: "nobody" }),
    pay("asset", 1n, { ...wrong, credit: "euro" }),
    pay("limit", 1n, wrong),
    { ...pay("overflow", LARGEST, wrong), debit: "bank", credit: "alice" },
  );
  expect(found).toEqual([
    "credit_account_not_found",
    "accounts_must_have_the_same_asset",
    "version_mismatch",
    "version_mismatch",
  ]);
});

test("limits and expectations are the same when the journal is replayed", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  // Left without a snapshot, so that the next opening replays all of it.
  const { ledger: first, abandon } = await openParts(path, { mode: "event-loop" });
  await first.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "alice", asset: "USD", debitsMustNotExceedCredits: true, overdraftLimit: 2n ** 100n },
  ]);
  await results(
    first,
    pay("a", 2n ** 99n, { expectedDebitVersion: 0 }),
    pay("b", 1n, { expectedCreditVersion: 0 }),
    pay("balanced", 2n ** 98n, { balancingDebit: true, expectedDebitVersion: 1 }),
    { id: "back", debit: "bank", credit: "alice", amount: 2n ** 98n },
  );
  const digest = first.digest();
  await abandon();
  const again = await open({ mode: "event-loop" }, path);
  expect(again.digest()).toBe(digest);
  expect(again.account("alice")).toMatchObject({ overdraftLimit: 2n ** 100n, balance: -(2n ** 99n), version: 3 });
  expect(await results(again, pay("c", 2n ** 99n), pay("d", 1n))).toEqual(["ok", "exceeds_credits"]);
});

test.each(FEW_CONFIGURATIONS)(
  "a balancing transfer moves what there is, at most what is asked, and says how much ($name)",
  async ({ options }) => {
    const ledger = await openBank(options, 20n);
    await ledger.createAccounts([{ id: "loan", asset: "USD", creditsMustNotExceedDebits: true }]);
    const balancing = { balancingDebit: true };
    const sweep: PlainTransfer = { ...pay("sweep", 0n, balancing) };
    const found = await ledger.createTransfers([
      { id: "fund", debit: "bank", credit: "alice", amount: 100n },
      { id: "lend", debit: "loan", credit: "alice", amount: 7n },
      pay("less", 50n, balancing),
      { id: "repay", debit: "alice", credit: "loan", amount: 10n, balancingCredit: true },
      { id: "repaid", debit: "alice", credit: "loan", amount: 10n, balancingCredit: true },
      sweep,
      pay("nothing left", 5n, balancing),
      sweep,
      { ...sweep, amount: 1n },
      { ...sweep, balancingDebit: false },
    ]);
    expect(found).toEqual([
      { result: "ok", sequence: 1 },
      { result: "ok", sequence: 2 },
      { result: "ok", sequence: 3, amount: 50n },
      { result: "ok", sequence: 4, amount: 7n },
      { result: "exceeds_debits", sequence: 5 },
      { result: "ok", sequence: 6, amount: 70n },
      { result: "exceeds_credits", sequence: 7 },
      { result: "exists", sequence: 6, amount: 70n },
      { result: "exists_with_different_amount", sequence: 6 },
      { result: "exists_with_different_flags", sequence: 6 },
    ]);
    expect(ledger.account("alice")!.balance).toBe(-20n);
    // In a later batch, too, when the journal must be asked what was moved then.
    expect(await ledger.createTransfers([sweep])).toEqual([{ result: "exists", sequence: 6, amount: 70n }]);
  },
);

test("both sides of a balancing transfer bound it, in full width", async () => {
  const ledger = await openBank({ mode: "event-loop" }, 0n);
  await ledger.createAccounts([{ id: "debtor", asset: "USD" }]);
  const large = 2n ** 127n + 5n;
  const both = { balancingDebit: true, balancingCredit: true, debit: "alice", credit: "debtor" };
  const found = await ledger.createTransfers([
    { id: "fund", debit: "bank", credit: "alice", amount: large },
    { id: "owe", debit: "debtor", credit: "bank", amount: large - 2n ** 64n },
    { id: "rest", amount: 0n, ...both },
    { id: "owe more", debit: "debtor", credit: "bank", amount: 2n ** 65n },
    { id: "last", amount: LARGEST, ...both },
  ]);
  expect(found.map(({ result, amount }) => [result, amount])).toEqual([
    ["ok", undefined],
    ["ok", undefined],
    ["ok", large - 2n ** 64n],
    ["ok", undefined],
    ["ok", 2n ** 64n],
  ]);
});

test("credits and an overdraft limit that take more than 128 bits together bound a balancing transfer all the same", async () => {
  const ledger = await openBank({ mode: "event-loop" }, 4n);
  const found = await ledger.createTransfers([
    { id: "fund", debit: "bank", credit: "alice", amount: LARGEST },
    pay("asked", 4n, { balancingDebit: true }),
    pay("nearly all", LARGEST - 6n),
    pay("rest", 0n, { balancingDebit: true }),
  ]);
  // What is left is 2 of its own and 4 of the overdraft; its debits can't reach 2^128.
  expect(found.map(({ result, amount }) => [result, amount])).toEqual([
    ["ok", undefined],
    ["ok", 4n],
    ["ok", undefined],
    ["overflows_debits_posted", undefined],
  ]);
  expect(await ledger.createTransfers([pay("two", 2n, { balancingDebit: true })])).toEqual([
    { result: "ok", sequence: 5, amount: 2n },
  ]);
});

/** Amounts on both sides of where one 64-bit word carries into the next. */
const WORDS = [0n, 1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 64n + 2n, 3n * 2n ** 64n + 5n];

test("what there is to balance is right however its totals lie across words: posted, reserved, owed", async () => {
  const ledger = await open({ mode: "event-loop", capacity: { accounts: 2000, transfers: 10_000 } });
  await ledger.createAccounts([{ id: "bank", asset: "USD" }]);
  const accounts: NewAccount[] = [];
  const moves: NewTransfer[] = [];
  const sweeps: { readonly sweep: NewTransfer; readonly room: bigint }[] = [];
  for (const own of WORDS) {
    for (const posted of WORDS) {
      for (const reserved of WORDS) {
        for (const overdraftLimit of WORDS) {
          const room = own + overdraftLimit - posted - reserved;
          if (room < 0n) continue;
          const id = `${accounts.length}`;
          accounts.push({ id, asset: "USD", debitsMustNotExceedCredits: true, overdraftLimit });
          const wanted = [
            { id: `${id} own`, debit: "bank", credit: id, amount: own },
            { id: `${id} posted`, debit: id, credit: "bank", amount: posted },
            { id: `${id} reserved`, debit: id, credit: "bank", amount: reserved, pending: true as const },
          ];
          moves.push(...wanted.filter(({ amount }) => amount > 0n));
          sweeps.push({
            sweep: { id: `${id} all`, debit: id, credit: "bank", amount: 0n, balancingDebit: true },
            room,
          });
        }
      }
    }
  }
  expect(sweeps.length).toBeGreaterThan(400);
  expect(new Set((await ledger.createAccounts(accounts)).map(({ result }) => result))).toEqual(new Set(["ok"]));
  expect(new Set(await results(ledger, ...moves))).toEqual(new Set(["ok"]));
  const swept = await ledger.createTransfers(sweeps.map(({ sweep }) => sweep));
  const found = swept.map(({ result, amount }, i) => `${sweeps[i]!.sweep.id}: ${result} ${amount ?? ""}`);
  expect(found).toEqual(
    sweeps.map(({ sweep, room }) => `${sweep.id}: ${room === 0n ? "exceeds_credits " : `ok ${room}`}`),
  );
});

test("a zero amount is for balancing transfers only", async () => {
  const ledger = await openBank({ mode: "event-loop" }, 0n);
  const { balancingDebit, ...plain } = pay("zero", 0n, { balancingDebit: true });
  expect(balancingDebit).toBe(true);
  expect(await results(ledger, plain, { ...plain, balancingDebit: true })).toEqual([
    "amount_must_not_be_zero",
    "exceeds_credits",
  ]);
});

test.each([
  [{ balancingDebit: 1 as never }, "'balancingDebit' must be true or false"],
  [{ expectedDebitVersion: -1 }, "'expectedDebitVersion' must be a whole number from 0"],
  [{ expectedDebitVersion: 1.5 }, "'expectedDebitVersion' must be a whole number from 0"],
  [{ expectedCreditVersion: 2 ** 53 }, "'expectedCreditVersion' must be a whole number from 0"],
  [{ expectedCreditVersion: 3n as never }, "'expectedCreditVersion' must be a whole number from 0"],
])("the field %o is refused by name before anything happens", async (more, message) => {
  const ledger = await openBank({ mode: "event-loop" }, 0n);
  await expect(ledger.createTransfers([pay("x", 1n, more)])).rejects.toThrow(message);
  expect(ledger.transferCount).toBe(0);
});

test("what posts or voids a transfer whose id is longer than its key replays from the journal", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  const { ledger, abandon } = await openParts(path, { mode: "event-loop" });
  await ledger.createAccounts(["alice", "bank"].map((id) => ({ id, asset: "USD" })));
  const long = (first: string): string => first.padEnd(64, "-");
  const codes = await results(
    ledger,
    pay(long("p"), 5n, { pending: true } as object),
    pay(long("q"), 7n, { pending: true } as object),
    { id: "posting", post: long("p") },
    { id: "voiding", void: long("q") },
    { id: "nothing", void: long("r") },
  );
  expect(codes).toEqual(["ok", "ok", "ok", "ok", "pending_transfer_not_found"]);
  const digest = ledger.digest();
  await abandon();
  expect((await open({ mode: "event-loop" }, path)).digest()).toBe(digest);
});

test("a reservation that has run out is shown until the next batch", async () => {
  const clock = startClock();
  const ledger = await openBank({ mode: "event-loop" }, 500n);
  await ledger.createTransfers([{ ...pay("r", 5n), pending: true, timeout: 1 }]);
  vi.setSystemTime(clock.milliseconds + 5000);
  expect(ledger.account("alice")).toMatchObject({ debitsPending: 5n, version: 1 });
  expect(await results(ledger, pay("refused", 0n))).toEqual(["amount_must_not_be_zero"]);
  expect(ledger.account("alice")).toMatchObject({ debitsPending: 0n, version: 2 });
});

test("more reservations than one chunk of the journal counts run out at once, and replay from it", async () => {
  const clock = startClock();
  const path = join(temporaryFolder(), "ledger.db");
  const { ledger, abandon } = await openParts(path, { workers: 1 });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "alice", asset: "USD", debitsMustNotExceedCredits: true },
  ]);
  const count = 2 * 4096 + 1;
  await ledger.createTransfers([
    { id: "funding", debit: "bank", credit: "alice", amount: BigInt(count) },
    ...Array.from({ length: count }, (_, i) => ({ ...pay(`reserved-${i}`, 1n), pending: true as const, timeout: 60 })),
  ]);
  expect(ledger.account("alice")!.debitsPending).toBe(BigInt(count));
  clock.milliseconds += 61_000;
  vi.setSystemTime(clock.milliseconds);
  expect(await results(ledger, pay("all", BigInt(count)))).toEqual(["ok"]);
  expect(ledger.account("alice")).toMatchObject({ debitsPending: 0n, balance: 0n, version: 2 * count + 2 });
  const digest = ledger.digest();
  await abandon();
  const again = await open({ mode: "event-loop" }, path);
  expect(again.digest()).toBe(digest);
});
