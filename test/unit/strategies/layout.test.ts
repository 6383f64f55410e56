/** The assertions on a bank's layout: they hold, and they notice what breaks it. */
import { expect, test, vi } from "vitest";
import type * as Layout from "../../../src/strategies/memory/layout.js";

const LAYOUT = "../../../src/strategies/memory/layout.js";

/** Runs the assertions against the layout with some constants changed. */
async function assertWith(changes: Partial<Record<keyof typeof Layout, number>>): Promise<() => void> {
  vi.resetModules();
  vi.doMock(LAYOUT, async (original) => ({ ...(await original<typeof Layout>()), ...changes }));
  const { assertBankLayout } = await import("../../../src/strategies/memory/layout-assertions.js");
  vi.doUnmock(LAYOUT);
  return assertBankLayout;
}

test("the layout as it is passes", async () => {
  expect(await assertWith({})).not.toThrow();
});

test.each([
  ["a lock word outside the id's key", { AC_LOCK: 64 }, "AC_LOCK in AC_KEY"],
  ["a header that reaches into the regions", { BANK: 65472 }, "the bank's header"],
  ["counters of a run that share a cache line", { BK_DONE: 224 }, "bank.BK_DONE at 224 overlaps BK_TICKET"],
  ["an amount that is not aligned", { OP_AMOUNT: 17 }, "operation.OP_AMOUNT at 17 is not aligned"],
  ["copies that overlap what was read", { LN_READ_VERSIONS: 312 }, "lane.LN_READ_VERSIONS at 312 overlaps LN_COPIES"],
  ["a lane whose power of two is another", { LANE_SIZE_LOG2: 8 }, "lanes and their counters"],
])("%s: the assertions name it", async (_, changes, message) => {
  expect(await assertWith(changes)).toThrow(message);
});
