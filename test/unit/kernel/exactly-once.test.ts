/** The exactly-once index as the kernel leaves it: every entry is where the search for its id comes by. */
import { expect, test } from "vitest";
import * as layout from "../../../src/core/layout.js";
import type { Engine } from "../../../src/engine/engine.js";
import type { NewTransfer } from "../../../src/index.js";
import type { Store } from "../../../src/stores/store.js";
import { intercept, openParts } from "../../support/ledgers.js";

const ACCOUNTS = [
  { id: "bank", asset: "USD" },
  { id: "shop", asset: "USD" },
  { id: "poor", asset: "USD", debitsMustNotExceedCredits: true },
];

const pay = (id: string, linked = false, debit = "bank"): NewTransfer => ({
  id,
  debit,
  credit: "shop",
  amount: 1n,
  linked,
});

/** Goes through all tables: an empty place before an entry would end the search for it. */
function inspect({ view, plan }: Engine): { sequences: number[]; displaced: number; tableLog2: number } {
  const sequences: number[] = [];
  let displaced = 0;
  let tableLog2 = 0;
  for (let partition = 0; partition < layout.ID_PARTITIONS; partition++) {
    const header = layout.ID_PARTITION_HEADERS + partition * layout.IP_HEADER_SIZE;
    const log2 = view.getUint32(header + layout.IP_LOG2, true);
    const size = 2 ** log2;
    const entryAt = (position: number): bigint =>
      view.getBigUint64(plan.idIndex + partition * plan.idPartitionStride + position * layout.ID_ENTRY_SIZE, true);
    let count = 0;
    for (let position = 0; position < size; position++) {
      const entry = entryAt(position);
      if (entry === 0n) continue;
      count++;
      sequences.push(Number(entry & BigInt(layout.ID_SEQUENCE_MASK)));
      const tag = entry >> BigInt(layout.ID_SEQUENCE_BITS);
      const bucket = Number(tag >> BigInt(layout.ID_HASH_BITS - log2)) / layout.ID_BUCKET_CAPACITY;
      const home = Math.floor(bucket) * layout.ID_BUCKET_CAPACITY;
      for (let at = home; at !== position; at = (at + 1) % size) {
        if (entryAt(at) === 0n) throw new Error(`partition ${partition}: ${position} can't be reached from ${home}`);
      }
      if ((position - home + size) % size >= layout.ID_BUCKET_CAPACITY) displaced++;
    }
    expect(view.getUint32(header + layout.IP_COUNT, true)).toBe(count);
    tableLog2 = Math.max(tableLog2, log2);
  }
  return { sequences: sequences.sort((a, b) => a - b), displaced, tableLog2 };
}

/** Where ids go depends on the ledger's seed: under one that never changes, as many leave their buckets in every run. */
function withSeed(store: Store): Store {
  return intercept(store, { description: { ...store.description, seedLow: 5n, seedHigh: 7n } });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

test.each(["parallel", "event-loop"] as const)(
  "ids that overflow their buckets are found while tables grow (%s)",
  async (mode) => {
    const { ledger, engine } = await openParts(":memory:", { mode, wrap: withSeed });
    await ledger.createAccounts(ACCOUNTS);
    let displaced = 0;
    for (let batch = 0; batch < 6; batch++) {
      await ledger.createTransfers(Array.from({ length: 6000 }, (_, i) => pay(`${batch}-${i}`)));
      displaced += inspect(engine).displaced;
    }
    const { sequences, tableLog2 } = inspect(engine);
    expect(sequences).toEqual(upTo(36_000));
    expect(displaced).toBeGreaterThan(100);
    expect(tableLog2).toBeGreaterThan(layout.ID_INITIAL_LOG2 + 1);
    const again = await ledger.createTransfers(
      Array.from({ length: 36_000 }, (_, i) => pay(`${Math.floor(i / 6000)}-${i % 6000}`)),
    );
    expect(again.every(({ result, sequence }, i) => result === "exists" && sequence === i + 1)).toBe(true);
    expect(inspect(engine).sequences).toEqual(upTo(36_000));
  },
);

test("ids of chains that broke leave no hole in a bucket that others overflowed", async () => {
  const { ledger, engine } = await openParts(":memory:", { mode: "event-loop", wrap: withSeed });
  await ledger.createAccounts(ACCOUNTS);
  // Every fourth chain breaks at its last leg, which alone is recorded; the ids of the others are withdrawn.
  const transfers = Array.from({ length: 8000 }, (_, i) => {
    const isLast = i % 8 === 7;
    return pay(`${i}`, !isLast, isLast && i % 32 === 31 ? "poor" : "bank");
  });
  const results = await ledger.createTransfers(transfers);
  expect(results.filter(({ result }) => result === "ok")).toHaveLength(6000);
  expect(results.filter(({ result }) => result === "exceeds_credits")).toHaveLength(250);
  const { sequences, displaced } = inspect(engine);
  expect(sequences).toEqual(upTo(6250));
  expect(displaced).toBeGreaterThan(0);
  const again = await ledger.createTransfers(transfers.map(({ id }) => pay(id)));
  expect(again.filter(({ result }) => result === "ok")).toHaveLength(1750);
  expect(inspect(engine).sequences).toEqual(upTo(8000));
});
