/** Planning the memory: regions that do not overlap, and refusals before anything is reserved. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import * as layout from "../../../src/core/layout.js";
import { checkMemory, createMemory, type MemoryPlan, planMemory } from "../../../src/core/memory.js";

function regionsOf(plan: MemoryPlan): [name: string, start: number, byteLength: number][] {
  return [
    ["accounts", plan.accounts, plan.accountCapacity * layout.ACCOUNT_SIZE],
    ["accountsCold", plan.accountsCold, plan.accountCapacity * layout.ACCOUNT_COLD_SIZE],
    ["accountIndex", plan.accountIndex, plan.accountIndexSize],
    ["text", plan.text, plan.textSize],
    ["idIndex", plan.idIndex, plan.idPartitionStride * layout.ID_PARTITIONS],
    ["contexts", plan.contexts, plan.contextCount * layout.CONTEXT_SIZE],
    ["chunks", plan.chunks, plan.chunkCount * layout.CHUNK_BUFFER_SIZE],
    ["input", plan.input, plan.inputSize],
    ["exchange", plan.exchange, plan.exchangeSize],
  ];
}

test.prop([
  fc.record({ accounts: fc.integer({ min: 1, max: 3_000_000 }), transfers: fc.integer({ min: 1, max: 30_000_000 }) }),
])("regions lie one behind the other, aligned to cache lines, inside the memory", (capacities) => {
  const plan = planMemory(capacities);
  let end = layout.REGIONS_START;
  for (const [name, start, byteLength] of regionsOf(plan)) {
    expect(start, name).toBeGreaterThanOrEqual(end);
    expect(start % layout.CACHE_LINE, name).toBe(0);
    end = start + byteLength;
  }
  expect(end).toBeLessThanOrEqual(plan.pageCount * layout.PAGE_SIZE);
  // Every id index partition has room for its share of the transfers, and to double.
  expect(plan.idPartitionStride % layout.ID_ENTRY_SIZE).toBe(0);
  expect((plan.idPartitionStride / 1.5 / layout.ID_ENTRY_SIZE) * layout.ID_PARTITIONS).toBeGreaterThan(
    capacities.transfers,
  );
});

test.each([
  [{ accounts: 0, transfers: 1 }, "capacity_out_of_range"],
  [{ accounts: 1.5, transfers: 1 }, "capacity_out_of_range"],
  [{ accounts: Number.NaN, transfers: 1 }, "capacity_out_of_range"],
  [{ accounts: 16_000_001, transfers: 1 }, "capacity_out_of_range"],
  [{ accounts: 1, transfers: 0 }, "capacity_out_of_range"],
  [{ accounts: 1, transfers: 200_000_001 }, "capacity_out_of_range"],
  [{ accounts: 16_000_000, transfers: 200_000_000 }, "capacity_too_large"],
])("%o is refused with %s before memory is reserved", (capacities, code) => {
  expect(() => planMemory(capacities)).toThrow(expect.objectContaining({ name: "LedgerError", code }));
});

test("a memory that is not a ledger's, or of another layout version, is not attached to", () => {
  const memory = createMemory(planMemory({ accounts: 1, transfers: 1, contexts: 1, chunks: 1 }), { low: 1n, high: 2n });
  expect(() => checkMemory(memory)).not.toThrow();
  const view = new DataView(memory.buffer);
  view.setUint32(layout.SUPERBLOCK + layout.SB_VERSION, layout.LAYOUT_VERSION + 1, true);
  expect(() => checkMemory(memory)).toThrow(
    `layout version ${layout.LAYOUT_VERSION}, found ${layout.LAYOUT_VERSION + 1}`,
  );
  view.setUint32(layout.SUPERBLOCK + layout.SB_MAGIC, 7, true);
  expect(() => checkMemory(memory)).toThrow("found the magic number 7");
});
