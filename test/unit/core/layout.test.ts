/** The layout's assertions: they hold, and they notice what breaks the layout. */
import { expect, test, vi } from "vitest";
import type * as Layout from "../../../src/core/layout.js";

/** Runs the assertions against the layout with some constants changed. */
async function assertWith(changes: Partial<Record<keyof typeof Layout, number>>): Promise<() => void> {
  vi.resetModules();
  vi.doMock("../../../src/core/layout.js", async (original) => ({ ...(await original<typeof Layout>()), ...changes }));
  const { assertLayout } = await import("../../../src/core/layout-assertions.js");
  vi.doUnmock("../../../src/core/layout.js");
  return assertLayout;
}

test("the layout as it is passes", async () => {
  expect(await assertWith({})).not.toThrow();
});

test.each([
  ["two fields that overlap", { AC_CREDITS_POSTED: 8 }, "account.AC_CREDITS_POSTED at 8 overlaps AC_DEBITS_POSTED"],
  ["a word that is not aligned", { AC_VERSION: 33 }, "account.AC_VERSION at 33 is not aligned to 8"],
  ["a field beyond its structure", { AC_KEY: 56 }, "account.AC_KEY ends at 72, beyond 64"],
  ["an account that is not a cache line", { ACCOUNT_SIZE: 128 }, "an account is two cache lines"],
  ["a power of two that is not the size's", { ACCOUNT_SIZE_LOG2: 7 }, "ACCOUNT_SIZE_LOG2"],
  ["records whose cold lines lie elsewhere", { COLD_OFFSET: 2097152 }, "cold record"],
  ["regions of a context that overlap", { CX_RESULT: 65000 }, "context.CX_RESULT"],
  ["a slice table too small for the slices", { SLICE_COUNT: 32 }, "slices"],
  ["chunk buffers too small for a full slice", { CHUNK_BUFFER_SIZE: 303199 }, "fits a chunk buffer"],
  ["text arenas too small for three ids a record", { TEXT_ARENA_SIZE: 190000 }, "context.CX_RESULT_TEXT|text arena"],
  ["an index entry without room for the last slot", { ACCOUNT_CAPACITY_MAX: 16777215 }, "room for every slot"],
  ["an id entry that is not 64 bits", { ID_HASH_BITS: 37 }, "id entry"],
  ["job configuration that reaches into the result names", { JC_MEMBER_SIZE: 2048 }, "fixed.RESULT_NAMES"],
])("%s: the assertions name it", async (_, changes, message) => {
  expect(await assertWith(changes)).toThrow(new RegExp(message));
});
