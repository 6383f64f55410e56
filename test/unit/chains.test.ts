/** Where chains begin and end: with calls and batches, and across the batches that a long call takes inside. */
import { expect, onTestFinished, test } from "vitest";
import { type Ledger, type LedgerOptions, type NewTransfer, openLedger } from "../../src/index.js";
import { makeTransfers } from "../support/ledgers.js";
import { Model, type ModelNewTransfer, type ModelResult } from "../support/model.js";

const MODES: readonly { readonly name: string; readonly options: LedgerOptions }[] = [
  { name: "event-loop", options: { mode: "event-loop" } },
  { name: "2 workers", options: { workers: 2 } },
];

/** Transfers that a batch holds. */
const BATCH_CAPACITY = 16_384;

const ACCOUNTS = [
  { id: "bank", asset: "USD" },
  { id: "shop", asset: "USD" },
  { id: "purse", asset: "USD", debitsMustNotExceedCredits: true },
];

const pay = (id: string, more: Partial<ModelNewTransfer> = {}): ModelNewTransfer => ({
  ...{ id, debit: "bank", credit: "shop", amount: 1n, ...more },
});
const linked = (id: string): ModelNewTransfer => pay(id, { linked: true });
const broke = (id: string): ModelNewTransfer => pay(id, { debit: "purse" });

async function open(options: LedgerOptions): Promise<{ ledger: Ledger; model: Model }> {
  const ledger = await openLedger(":memory:", { ...options, capacity: { accounts: 100, transfers: 200_000 } });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts(ACCOUNTS);
  const model = new Model(["USD"]);
  for (const account of ACCOUNTS) model.createAccount(account);
  return { ledger, model };
}

/** The first result that differs, because printing tens of thousands helps nobody. */
function expectSame(found: readonly ModelResult[], expected: readonly ModelResult[]): void {
  expect(found.length).toBe(expected.length);
  const row = (results: readonly ModelResult[], index: number) => ({ index, ...results[index] });
  for (const index of expected.keys()) {
    const [one, other] = [found[index]!, expected[index]!];
    if (one.result === other.result && one.sequence === other.sequence && one.reason === other.reason) continue;
    expect(row(found, index)).toEqual(row(expected, index));
  }
}

/** Makes a call's transfers in ledger and model. */
async function expectCall({ ledger, model }: Awaited<ReturnType<typeof open>>, call: readonly ModelNewTransfer[]) {
  expectSame(await makeTransfers(ledger, call), model.createTransfers(call));
  expect(ledger.digest()).toBe(model.digest());
  expect(ledger.transferCount).toBe(model.transferCount);
}

test.each(MODES)(
  "a chain that a call leaves open does not go on in the next call of its batch ($name)",
  async (mode) => {
    const { ledger } = await open(mode.options);
    // The first two calls take the batches that may be under way, the others share the one behind.
    const calls = [[pay("a")], [pay("b")], [pay("c"), linked("d"), linked("e")], [pay("f")], [linked("g"), pay("h")]];
    const results = await Promise.all(calls.map((call) => makeTransfers(ledger, call)));
    expect(results.map((ofCall) => ofCall.map(({ result }) => result))).toEqual([
      ["ok"],
      ["ok"],
      ["ok", "linked_event_failed", "linked_event_chain_open"],
      ["ok"],
      ["ok", "ok"],
    ]);
    expect(results.flat().map(({ sequence }) => sequence)).toEqual([1, 2, 3, 0, 0, 4, 5, 6]);
  },
);

test.each(MODES)("a chain that a batch leaves open does not go on in the next batch ($name)", async ({ options }) => {
  const { ledger } = await open(options);
  const batches = [await ledger.batch(), await ledger.batch()];
  batches[0]!.add(linked("a") as NewTransfer);
  batches[1]!.add(pay("b") as NewTransfer);
  const results = await Promise.all(batches.map((batch) => batch.submit()));
  expect(results.map((ofBatch) => ofBatch.get(0))).toEqual([
    { result: "linked_event_chain_open", sequence: 0 },
    { result: "ok", sequence: 1 },
  ]);
});

test.each(MODES)(
  "a chain lies where a long call is cut into batches, whole and broken ($name)",
  async ({ options }) => {
    const parts = await open(options);
    const filling = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => pay(`${prefix}${i}`));
    const chain = (prefix: string) => Array.from({ length: 10 }, (_, i) => linked(`${prefix}${i}`));
    await expectCall(parts, [
      ...[...filling("a", BATCH_CAPACITY - 5), ...chain("whole"), pay("end of whole")],
      ...[...filling("b", BATCH_CAPACITY - 20), ...chain("broken"), broke("end of broken")],
      ...[...chain("malformed"), pay("end of malformed", { amount: 0n }), ...chain("broken"), ...chain("open")],
    ]);
  },
);

test("a chain may take more than a batch: made whole, and again", async () => {
  const parts = await open({ workers: 2 });
  const chain = [...Array.from({ length: BATCH_CAPACITY + 100 }, (_, i) => linked(`leg-${i}`)), pay("end")];
  await expectCall(parts, [pay("before"), ...chain, pay("after")]);
  await expectCall(parts, chain);
  await expectCall(parts, [...chain.slice(0, -1), pay("other end")]);
});

test("a chain that takes more than a batch is undone whole, and only what broke it is recorded", async () => {
  const parts = await open({ workers: 2 });
  const legs = Array.from({ length: BATCH_CAPACITY + 100 }, (_, i) => linked(`leg-${i}`));
  await expectCall(parts, [pay("before"), ...legs, pay("malformed", { amount: 0n }), pay("between")]);
  await expectCall(parts, [...legs, broke("broke"), pay("after")]);
  await expectCall(parts, [broke("broke"), pay("leg-0"), ...legs]);
});

/** Pairs of legs with one id, of which at least one names what is not there. */
const TWINS: readonly (readonly [ModelNewTransfer, ModelNewTransfer])[] = [
  ...["nobody", "somebody", "bank"].flatMap((debit) =>
    ["shop", "no shop, by a name that is longer"].map(
      (credit) => [pay("twin", { debit: "nobody" }), pay("twin", { debit, credit })] as const,
    ),
  ),
  ...[{}, { debit: "nobody" }, { debit: "bank" }, { debit: "somebody", credit: "nobody" }].flatMap((one) =>
    [{}, { debit: "nobody" }, { credit: "nobody, and no more" }].map(
      (other) =>
        [
          { id: "twin", post: "unknown", amount: 1n, ...one },
          { id: "twin", post: "unknown", amount: 1n, ...other },
        ] as const,
    ),
  ),
];

test.each(MODES)("legs of one id are compared by the accounts they name, there or not ($name)", async ({ options }) => {
  const parts = await open(options);
  for (const twins of TWINS) {
    await expectCall(parts, [...twins.map((leg) => ({ ...leg, linked: true })), pay("end")]);
  }
  expect(parts.ledger.transferCount).toBe(0);
});

test.each(["before them", "between them", "behind them"])(
  "so are legs of a chain that takes more than a batch, with most of it %s",
  async (place) => {
    const parts = await open({ workers: 2 });
    const many = Array.from({ length: BATCH_CAPACITY }, (_, i) => linked(`leg-${i}`));
    const at = (name: string): ModelNewTransfer[] => (name === place ? many : []);
    for (const [one, other] of TWINS) {
      const twins = [one, other].map((leg) => ({ ...leg, linked: true }));
      const chain = [
        ...at("before them"),
        twins[0]!,
        ...at("between them"),
        twins[1]!,
        ...at("behind them"),
        pay("end"),
      ];
      await expectCall(parts, chain);
    }
    expect(parts.ledger.transferCount).toBe(0);
  },
);

test("a chain that takes more than a batch, and that its call does not end, is open", async () => {
  const { ledger } = await open({ mode: "event-loop" });
  const legs = Array.from({ length: BATCH_CAPACITY + 10 }, (_, i) => linked(`${i}`));
  const results = await makeTransfers(ledger, legs);
  expect(results.at(-1)).toEqual({ result: "linked_event_chain_open", sequence: 0 });
  expect(new Set(results.slice(0, -1).map(({ result }) => result))).toEqual(new Set(["linked_event_failed"]));
  expect(ledger.transferCount).toBe(0);
});

test("a stream's chains are not torn apart where its batches end", async () => {
  const { ledger } = await open({ mode: "event-loop" });
  const legs = 1000;
  function* source(): Generator<NewTransfer> {
    for (let i = 0; i < 40 * legs; i++) yield (i % legs === legs - 1 ? pay(`${i}`) : linked(`${i}`)) as NewTransfer;
    // Of the last one the end is missing.
    yield linked("open") as NewTransfer;
    yield linked("open too") as NewTransfer;
  }
  const summary = await ledger.settle(source());
  expect(summary.transfers).toBe(40 * legs + 2);
  expect(summary.results).toEqual({ ok: 40 * legs, linked_event_failed: 1, linked_event_chain_open: 1 });
});

test("a stream's chain may take more than a batch, made, broken and open", async () => {
  const { ledger, model } = await open({ workers: 2 });
  const legs = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => linked(`${prefix}${i}`));
  const transfers = [
    pay("before"),
    ...[...legs("made", BATCH_CAPACITY), pay("end")],
    ...[pay("between"), ...legs("broken", 2 * BATCH_CAPACITY), broke("broke")],
    ...[pay("behind"), ...legs("made", BATCH_CAPACITY), pay("end")],
    ...legs("open", BATCH_CAPACITY + 1),
  ];
  const found: ModelResult[] = [];
  const summary = await ledger.settle(transfers as NewTransfer[], {
    onResults: (results, firstIndex) => {
      expect(firstIndex).toBe(found.length);
      for (let index = 0; index < results.length; index++) found.push(results.get(index));
    },
  });
  const expected = model.createTransfers(transfers);
  expectSame(found, expected);
  expect(summary.transfers).toBe(transfers.length);
  expect(summary.results.linked_event_failed).toBe(3 * BATCH_CAPACITY);
  expect(ledger.digest()).toBe(model.digest());
});

test("a transfer of the wrong type in a stream's long chain is named, and nothing of the chain is made", async () => {
  const { ledger } = await open({ mode: "event-loop" });
  const legs = Array.from({ length: BATCH_CAPACITY + 10 }, (_, i) => linked(`${i}`));
  legs[BATCH_CAPACITY + 5] = { ...linked("wrong"), amount: 1 as unknown as bigint };
  const source = [pay("before"), ...legs, pay("end")] as NewTransfer[];
  await expect(ledger.settle(source)).rejects.toThrow(`transfer ${BATCH_CAPACITY + 6}: 'amount' must be a bigint`);
  expect(ledger.transferCount).toBe(1);
});

test("a leg of a chain of several batches that only legs before it made fail is recorded as refused, and moves nothing", async () => {
  const ledger = await openLedger(":memory:", { mode: "event-loop", capacity: { accounts: 100, transfers: 60_000 } });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
    { id: "alice", asset: "USD", debitsMustNotExceedCredits: true },
  ]);
  await ledger.createTransfers([{ id: "funding", debit: "bank", credit: "alice", amount: 100n }]);
  const results = await ledger.createTransfers([
    { id: "first", debit: "alice", credit: "bank", amount: 100n, linked: true },
    ...Array.from({ length: BATCH_CAPACITY }, (_, i) => ({
      id: `${i}`,
      debit: "bank",
      credit: "shop",
      amount: 1n,
      linked: true,
    })),
    { id: "last", debit: "alice", credit: "bank", amount: 1n },
  ]);
  expect(results.at(-1)!.result).toBe("exceeds_credits");
  expect(ledger.account("alice")!.balance).toBe(100n);
  expect((await ledger.transfer("last"))!.result).toBe("exceeds_credits");
});
