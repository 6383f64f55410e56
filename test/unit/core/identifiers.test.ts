/** Ids go in as strings, become keys, and come back as they went in. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { Identifiers, isHashKind, isIdKind, readId } from "../../../src/core/identifiers.js";
import { instantiateKernel } from "../../../src/core/kernel.js";
import * as layout from "../../../src/core/layout.js";
import { createMemory, planMemory } from "../../../src/core/memory.js";

const plan = planMemory({ accounts: 1000, transfers: 1000, contexts: 1, chunks: 1 });
const memory = createMemory(plan, { low: 1n, high: 2n });
const kernel = instantiateKernel(memory);
const bytes = new Uint8Array(memory.buffer);
const ids = new Identifiers(kernel, memory);
const KEY = plan.exchange;
const TEXT = plan.exchange + 64;

/** Writes an id over whatever lay there before. */
function write(id: string, key = KEY, text = TEXT, rubbish = 0xaa): number {
  bytes.fill(rubbish, key, key + 16);
  bytes.fill(rubbish, text, text + 64);
  return ids.write(id, key, text);
}

function keyOf(id: string): string {
  const kind = write(id);
  return `${kind}:${Buffer.from(bytes.slice(KEY, KEY + 16)).toString("hex")}`;
}

/** Any well-formed string of 1 to 64 bytes. */
const anyId = fc
  .oneof(
    fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 64 }),
    fc.string({ unit: "binary", minLength: 1, maxLength: 64 }),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
    fc.uuid(),
    fc.uuid().map((id) => id.toUpperCase()),
    fc.uuid().map((id) => id.replaceAll("-", "_")),
  )
  .filter((id) => id !== "" && id.isWellFormed() && Buffer.byteLength(id) <= 64);

test.prop([anyId, fc.constantFrom(0, 0xaa, 0xff)], { numRuns: 2000 })(
  "any string of 1 to 64 bytes comes back as it went in, whatever lay in memory before",
  (id, rubbish) => {
    const kind = write(id, KEY, TEXT, rubbish);
    expect(isIdKind(kind)).toBe(true);
    expect(readId(bytes, kind, KEY, TEXT)).toBe(id);
    const byteLength = Buffer.byteLength(id);
    const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
    expect(kind).toBe(isUuid ? layout.KIND_UUID : byteLength);
    expect(isHashKind(kind)).toBe(!isUuid && byteLength > 16);
  },
);

test.prop([anyId, anyId], { numRuns: 1000 })("equal ids have equal keys, and different ids different ones", (a, b) => {
  expect(keyOf(a)).toBe(keyOf(a));
  if (a !== b) expect(keyOf(a)).not.toBe(keyOf(b));
});

test.prop([anyId, fc.nat({ max: 63 })], { numRuns: 1000 })(
  "no byte outside an id's key and text changes",
  (id, offset) => {
    const key = KEY + 4 * (offset % 4);
    const text = TEXT + 64 + 8 * (offset % 8);
    bytes.fill(0x55, KEY, KEY + 512);
    ids.write(id, key, text);
    const mayChange = (at: number): boolean => (at >= key && at < key + 16) || (at >= text && at < text + 64);
    const changed = Array.from({ length: 512 }, (_, i) => KEY + i).filter((at) => bytes[at] !== 0x55 && !mayChange(at));
    expect(changed).toEqual([]);
  },
);

describe("strings that are no ids", () => {
  test.each([
    ["", layout.KIND_NONE],
    ["x".repeat(65), layout.KIND_TOO_LONG],
    ["ü".repeat(33), layout.KIND_TOO_LONG],
    ["x".repeat(1_000_000), layout.KIND_TOO_LONG],
    ["\ud83d", layout.KIND_NOT_UTF8],
    ["a\ude00b", layout.KIND_NOT_UTF8],
    [`${"x".repeat(61)}\ud83d`, layout.KIND_NOT_UTF8],
    [`${"x".repeat(62)}\ud83d`, layout.KIND_TOO_LONG],
    [`${"x".repeat(64)}\ud83d`, layout.KIND_TOO_LONG],
  ])("%j is of the kind %i", (id, kind) => {
    expect(write(id)).toBe(kind);
    expect(isIdKind(kind)).toBe(false);
    expect(readId(bytes, kind, KEY, TEXT)).toBe("");
    expect(ids.findAccount(id)).toBeUndefined();
  });

  test.prop([fc.string({ unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)), maxLength: 80 })])(
    "any string of code units is an id exactly where it is well-formed and has 1 to 64 bytes",
    (text) => {
      const byteLength = Buffer.byteLength(text);
      expect(isIdKind(write(text))).toBe(text.isWellFormed() && byteLength >= 1 && byteLength <= 64);
    },
  );
});

test("the edges of every kind", () => {
  const kinds: [string, number][] = [
    ["x", 1],
    ["x".repeat(16), 16],
    ["x".repeat(17), 17],
    ["x".repeat(64), 64],
    ["ü".repeat(8), 16],
    [`${"ü".repeat(8)}x`, 17],
    ["ü".repeat(32), 64],
    ["\0", 1],
    ["x\0", 2],
    ["01234567-89ab-cdef-0123-456789abcdef", layout.KIND_UUID],
    ["01234567-89AB-cdef-0123-456789abcdef", 36],
    ["01234567-89ag-cdef-0123-456789abcdef", 36],
    ["0123456-789ab-cdef-0123-456789abcdef", 36],
    ["01234567-89ab-cdef-0123-456789abcde", 35],
    ["01234567-89ab-cdef-0123-456789abcdef0", 37],
  ];
  for (const [id, kind] of kinds) expect(write(id), id).toBe(kind);
});
