/** How a list of transfers is cut into batches does not matter. */
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type Ledger, type NewTransfer, openLedger } from "../../src/index.js";
import { type Shares, type WholeWorkload, wholeWorkload } from "../support/arbitraries.js";
import { CONFIGURATIONS, expectLawful, makeTransfers, RUNS_MS_MAX, runsOf } from "../support/ledgers.js";
import { Model, type ModelNewTransfer, type ModelResult } from "../support/model.js";

/** Transfers that a batch holds. */
const BATCH_CAPACITY = 16_384;

interface Expected {
  readonly model: Model;
  readonly results: readonly ModelResult[];
}

function modelOf({ accounts, transfers }: WholeWorkload): Expected {
  const model = new Model(["USD"]);
  for (const account of accounts) model.createAccount(account);
  return { model, results: model.createTransfers(transfers) };
}

/** The list in parts of `size`, or a little more where a chain lies across the end: a chain must not end with its batch. */
function partsOf(transfers: readonly ModelNewTransfer[], size: number, sizeMax = size + 100): ModelNewTransfer[][] {
  const parts: ModelNewTransfer[][] = [];
  let part: ModelNewTransfer[] = [];
  let chain: ModelNewTransfer[] = [];
  for (const [i, transfer] of transfers.entries()) {
    chain.push(transfer);
    if (transfer.linked === true && i < transfers.length - 1) continue;
    if (part.length > 0 && (part.length >= size || part.length + chain.length > sizeMax)) {
      parts.push(part);
      part = [];
    }
    part.push(...chain);
    chain = [];
  }
  return [...parts, part];
}

/** Settles the list in batches of `size`, several under way at a time. */
async function settleInBatches(
  ledger: Ledger,
  transfers: readonly ModelNewTransfer[],
  size: number,
): Promise<ModelResult[]> {
  const submitted: Promise<ModelResult[]>[] = [];
  for (const part of partsOf(transfers, size, BATCH_CAPACITY)) {
    const batch = await ledger.batch();
    for (const transfer of part) batch.add(transfer as NewTransfer);
    submitted.push(batch.submit().then((results) => Array.from({ length: results.length }, (_, i) => results.get(i))));
  }
  return (await Promise.all(submitted)).flat();
}

/** The first difference, because printing tens of thousands of results helps nobody. */
function expectSameResults(found: readonly ModelResult[], expected: readonly ModelResult[], what: string): void {
  expect(found.length, what).toBe(expected.length);
  const differs = (i: number): boolean =>
    found[i]!.result !== expected[i]!.result ||
    found[i]!.sequence !== expected[i]!.sequence ||
    found[i]!.reason !== expected[i]!.reason ||
    found[i]!.amount !== expected[i]!.amount;
  const first = expected.findIndex((_, i) => differs(i));
  if (first >= 0) expect({ index: first, ...found[first]! }, what).toEqual({ index: first, ...expected[first]! });
}

async function openFor(
  { accounts, transfers }: WholeWorkload,
  configuration: (typeof CONFIGURATIONS)[number],
): Promise<Ledger> {
  const capacity = { accounts: 1000, transfers: transfers.length + 20_000 };
  const ledger = await openLedger(":memory:", { ...configuration.options, capacity });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts(accounts);
  return ledger;
}

async function expectIndependenceOfBatchSize(seed: number, count: number, shares: Shares, sizes: readonly number[]) {
  const workload = wholeWorkload(seed, count, shares);
  const { model, results } = modelOf(workload);
  const digest = model.digest();
  for (const configuration of CONFIGURATIONS) {
    for (const size of sizes) {
      const what = `${configuration.name}, batches of ${size}`;
      const ledger = await openFor(workload, configuration);
      expectSameResults(await settleInBatches(ledger, workload.transfers, size), results, what);
      expect(ledger.digest(), what).toBe(digest);
      expect(ledger.transferCount, what).toBe(model.transferCount);
      expectLawful(ledger);
      await ledger.close();
    }
  }
}

/** From almost nothing contested, where the plan stays parallel, to mostly contested, where it becomes serial. */
const workload = {
  seed: fc.noShrink(fc.nat()),
  shares: fc.constantFrom<Shares[]>(
    { contestedPercent: 3, wholePercent: 0 },
    { contestedPercent: 3, wholePercent: 1 },
    { contestedPercent: 15, wholePercent: 20 },
    { contestedPercent: 40, wholePercent: 0 },
    { contestedPercent: 90, wholePercent: 40 },
  ),
};

test(
  "batches of 1 and 7 give the results and the digest of one thread, transfer by transfer",
  async () => {
    const property = fc.asyncProperty(fc.record(workload), ({ seed, shares }) =>
      expectIndependenceOfBatchSize(seed, 700, shares, [1, 7]),
    );
    await fc.assert(property, runsOf(1));
  },
  RUNS_MS_MAX,
);

test(
  "batches of 1,000, 8,190 and 16,384 give the results and the digest of one thread, transfer by transfer",
  async () => {
    const property = fc.asyncProperty(fc.record(workload), ({ seed, shares }) =>
      expectIndependenceOfBatchSize(seed, 18_000, shares, [1000, 8190, 16_384]),
    );
    await fc.assert(property, runsOf(1));
  },
  RUNS_MS_MAX,
);

test(
  "a call of 40,000 transfers, which takes several batches inside, gives the results of one thread",
  async () => {
    const property = fc.asyncProperty(fc.record(workload), async ({ seed, shares }) => {
      const list = wholeWorkload(seed, 40_000, shares);
      const { model, results } = modelOf(list);
      for (const configuration of CONFIGURATIONS) {
        const ledger = await openFor(list, configuration);
        // Two calls at once: the second begins in the middle of a batch.
        const [first, ...rest] = partsOf(list.transfers, 23_456);
        const calls = [first!, rest.flat()];
        const found = await Promise.all(calls.map((call) => makeTransfers(ledger, call)));
        expectSameResults(found.flat(), results, configuration.name);
        expect(ledger.digest(), configuration.name).toBe(model.digest());
        await ledger.close();
      }
    });
    await fc.assert(property, runsOf(1));
  },
  RUNS_MS_MAX,
);
