/** How a list of transfers is cut into batches does not matter. */
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type Ledger, openLedger } from "../../src/index.js";
import { contendedWorkload, type Workload } from "../support/arbitraries.js";
import { CONFIGURATIONS, expectLawful, RUNS_MS_MAX, runsOf } from "../support/ledgers.js";
import { Model, type ModelNewTransfer, type ModelResult } from "../support/model.js";

interface Expected {
  readonly model: Model;
  readonly results: readonly ModelResult[];
}

function modelOf({ accounts, transfers }: Workload): Expected {
  const model = new Model(["USD"]);
  for (const account of accounts) model.createAccount(account);
  return { model, results: transfers.map((transfer) => model.createTransfer(transfer)) };
}

/** Settles the list in batches of exactly `size`, several under way at a time. */
async function settleInBatches(
  ledger: Ledger,
  transfers: readonly ModelNewTransfer[],
  size: number,
): Promise<ModelResult[]> {
  const submitted: Promise<ModelResult[]>[] = [];
  for (let from = 0; from < transfers.length; from += size) {
    const batch = await ledger.batch();
    for (const transfer of transfers.slice(from, from + size)) batch.add(transfer);
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
    found[i]!.reason !== expected[i]!.reason;
  const first = expected.findIndex((_, i) => differs(i));
  if (first >= 0) expect({ index: first, ...found[first]! }, what).toEqual({ index: first, ...expected[first]! });
}

async function openFor(
  { accounts, transfers }: Workload,
  configuration: (typeof CONFIGURATIONS)[number],
): Promise<Ledger> {
  const capacity = { accounts: 1000, transfers: transfers.length + 20_000 };
  const ledger = await openLedger(":memory:", { ...configuration.options, capacity });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts(accounts);
  return ledger;
}

async function expectIndependenceOfBatchSize(
  seed: number,
  count: number,
  contestedPercent: number,
  sizes: readonly number[],
) {
  const workload = contendedWorkload(seed, count, contestedPercent);
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
const workload = { seed: fc.noShrink(fc.nat()), contestedPercent: fc.constantFrom(3, 15, 40, 90) };

test(
  "batches of 1 and 7 give the results and the digest of one thread, transfer by transfer",
  async () => {
    const property = fc.asyncProperty(fc.record(workload), ({ seed, contestedPercent }) =>
      expectIndependenceOfBatchSize(seed, 1500, contestedPercent, [1, 7]),
    );
    await fc.assert(property, runsOf(2));
  },
  RUNS_MS_MAX,
);

test(
  "batches of 1,000, 8,190 and 16,384 give the results and the digest of one thread, transfer by transfer",
  async () => {
    const property = fc.asyncProperty(fc.record(workload), ({ seed, contestedPercent }) =>
      expectIndependenceOfBatchSize(seed, 40_000, contestedPercent, [1000, 8190, 16_384]),
    );
    await fc.assert(property, runsOf(3));
  },
  RUNS_MS_MAX,
);

test(
  "a call of 40,000 transfers, which takes several batches inside, gives the results of one thread",
  async () => {
    const property = fc.asyncProperty(fc.record(workload), async ({ seed, contestedPercent }) => {
      const list = contendedWorkload(seed, 40_000, contestedPercent);
      const { model, results } = modelOf(list);
      for (const configuration of CONFIGURATIONS) {
        const ledger = await openFor(list, configuration);
        // Two calls at once: the second begins in the middle of a batch.
        const calls = [list.transfers.slice(0, 23_456), list.transfers.slice(23_456)];
        const found = await Promise.all(calls.map((call) => ledger.createTransfers(call)));
        expectSameResults(found.flat(), results, configuration.name);
        expect(ledger.digest(), configuration.name).toBe(model.digest());
        await ledger.close();
      }
    });
    await fc.assert(property, runsOf(3));
  },
  RUNS_MS_MAX,
);
