/** Ids in shared memory: their bytes, and the order that these give. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { AccountTable } from "../../../src/core/accounts.js";
import { Identifiers } from "../../../src/core/identifiers.js";
import { instantiateKernel } from "../../../src/core/kernel.js";
import * as layout from "../../../src/core/layout.js";
import { createMemory, planMemory } from "../../../src/core/memory.js";
import { seededRandom } from "../../support/generate.js";
import { runsOf } from "../../support/ledgers.js";

/** A table of accounts with these ids, in slots of the same order. */
function tableOf(ids: readonly string[]): AccountTable {
  const plan = planMemory({ accounts: ids.length, transfers: 1, accountText: ids.length * 64, contexts: 1, chunks: 1 });
  const memory = createMemory(plan, { low: 1n, high: 2n });
  const kernel = instantiateKernel(memory);
  const identifiers = new Identifiers(kernel, memory);
  for (const id of ids) {
    const kind = identifiers.write(id, layout.KEY_SCRATCH, layout.TEXT_SCRATCH);
    const fault = kernel.createAccount(layout.KEY_SCRATCH, kind, layout.TEXT_SCRATCH, 1, 0, 0, 0n, 0n, 0n, 0n, 0);
    if (fault !== 0) throw new Error("no room");
  }
  return new AccountTable(memory, plan, () => "USD");
}

function inOrder(ids: readonly string[]): string[] {
  const table = tableOf(ids);
  return [...table.slotsById()].map((slot) => table.id(slot));
}

function sorted(ids: readonly string[]): string[] {
  return [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Ids that agree in many bytes: few characters, zero bytes and umlauts among them, behind beginnings of their own. */
const similarId = fc
  .tuple(
    fc.constantFrom("", "account-", "customers/europe/branch-17/account-", "0123456789abcde", "é"),
    fc.array(fc.constantFrom("\0", "a", "b", "é", "0", "9", "f", "-"), { maxLength: 12 }),
  )
  .map(([beginning, end]) => beginning + end.join(""));
/** UUIDs, and texts that are nearly UUIDs, so that octets and text must be put in one order. */
const uuidLike = fc
  .tuple(fc.uuid(), fc.constantFrom(36, 36, 35, 20, 8), fc.boolean())
  .map(([id, length, isUpper]) => (isUpper ? id.toUpperCase() : id).slice(0, length));
const anyIds = fc.uniqueArray(
  fc
    .oneof(similarId, similarId, uuidLike, fc.string({ unit: "binary", maxLength: 16 }))
    .filter((id) => id !== "" && id.isWellFormed() && Buffer.byteLength(id) <= 64),
  { minLength: 1, maxLength: 300, size: "max" },
);

describe("accounts come in the order of their ids' bytes", () => {
  test.prop([anyIds], runsOf(60))("whatever the ids have in common", (ids) => {
    expect(inOrder(ids)).toEqual(sorted(ids));
  });

  test.each([
    ["that end in zero bytes", Array.from({ length: 60 }, (_, i) => `a${"\0".repeat(i)}`).reverse()],
    [
      "of 64 bytes that differ in the last",
      Array.from({ length: 90 }, (_, i) => "x".repeat(63) + String.fromCharCode(122 - i)),
    ],
    ["of which there is one", ["only"]],
  ])("ids %s", (_, ids) => {
    expect(inOrder(ids)).toEqual(sorted(ids));
  });

  test("tens of thousands, in any order", () => {
    const random = seededRandom(7);
    const ids = Array.from({ length: 30_000 }, (_, i) => ({ id: `account-${i}`, key: random(2 ** 30) }))
      .sort((a, b) => a.key - b.key)
      .map(({ id }) => id);
    // Compared as one text: comparing an array's elements one by one takes seconds.
    expect(inOrder(ids).join("\n") === sorted(ids).join("\n")).toBe(true);
  });
});

test.prop([anyIds], runsOf(20))("an id's bytes are those of its text", (ids) => {
  const table = tableOf(ids);
  const target = Buffer.alloc(80);
  ids.forEach((id, slot) => {
    target.fill(0xaa);
    const length = table.ids.copy(slot, target, 3);
    expect(target.toString("utf8", 3, 3 + length)).toBe(id);
    expect(table.ids.length(slot)).toBe(length);
    expect(target[2]).toBe(0xaa);
    expect(target[3 + length]).toBe(0xaa);
  });
});
