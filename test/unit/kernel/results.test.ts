/** The lines of the results file, which the kernel writes sixteen bytes and eight digits at a time, against plain JS. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { RecordWriter } from "../../../src/core/batch.js";
import { Identifiers } from "../../../src/core/identifiers.js";
import { instantiateKernel } from "../../../src/core/kernel.js";
import * as layout from "../../../src/core/layout.js";
import { createMemory, planMemory } from "../../../src/core/memory.js";
import { TRANSFER_RESULTS } from "../../../src/core/results.js";

interface Line {
  readonly id: string;
  readonly result: (typeof TRANSFER_RESULTS)[number];
  /** 0 for none. */
  readonly sequence: number;
}

const plan = planMemory({ accounts: 1, transfers: 1, pendings: 1, contexts: 1, chunks: layout.SLICE_COUNT });
const memory = createMemory(plan, { low: 1n, high: 2n });
const kernel = instantiateKernel(memory);
const bytes = Buffer.from(memory.buffer);
const context = plan.contexts;

/** The lines as the kernel writes them, of transfers that were recorded earlier. */
function format(firstRow: bigint, lines: readonly Line[]): string {
  const writer = new RecordWriter(new Identifiers(kernel, memory), memory, context);
  for (const { id } of lines) writer.write(id, "from", "to", 1n, 0, 0n);
  writer.finish();
  bytes.writeUInt32LE(writer.slices, context + layout.CX_SLICES_USED);
  bytes.writeUInt32LE(layout.PLAN_FORMAT, context + layout.CX_PLAN);
  bytes.writeBigUInt64LE(firstRow, context + layout.CX_FIRST_ROW);
  let text = "";
  for (let slice = 0; slice < writer.slices; slice++) {
    const first = slice * layout.SLICE_CAPACITY;
    kernel.readKeys(context, slice);
    for (const [i, { result, sequence }] of lines.slice(first, first + layout.SLICE_CAPACITY).entries()) {
      bytes[context + layout.CX_STATE + first + i] = layout.STATE_KNOWN;
      bytes[context + layout.CX_RESULT + first + i] = result.number;
      bytes.writeUInt32LE(sequence, context + layout.CX_SEQUENCE + 4 * (first + i));
    }
    const entry = context + layout.CX_SLICES + slice * layout.SLICE_ENTRY_SIZE;
    bytes.writeUInt32LE(first, entry + layout.SL_ROW_BASE);
    kernel.encode(context, slice);
    const area = context + layout.CX_RESULT_TEXT + slice * layout.RESULT_AREA_SIZE;
    text += bytes.toString("utf8", area, area + bytes.readUInt32LE(entry + layout.SL_RESULT_TEXT_SIZE));
  }
  return text;
}

function expected(firstRow: bigint, lines: readonly Line[]): string {
  const quoted = (id: string): string => (/[",\r\n]/.test(id) ? `"${id.replaceAll('"', '""')}"` : id);
  return lines
    .map(({ id, result, sequence }, i) => `${firstRow + BigInt(i)},${quoted(id)},${result.name},${sequence || ""}\n`)
    .join("");
}

/** Compares a line at a time: the difference of two long texts takes minutes to find. */
function check(firstRow: bigint, lines: readonly Line[]): void {
  const found = format(firstRow, lines);
  const wanted = expected(firstRow, lines);
  if (found === wanted) return;
  let same = 0;
  while (found[same] === wanted[same]) same++;
  const lineStart = wanted.lastIndexOf("\n", same - 1) + 1;
  expect(found.slice(lineStart, lineStart + 200)).toBe(wanted.slice(lineStart, lineStart + 200));
}

const result = fc.constantFrom(...TRANSFER_RESULTS);
const id = fc.oneof(
  fc.uuid(),
  fc.string({ unit: fc.constantFrom(..."aZ09 ;'\t"), minLength: 1, maxLength: 64 }),
  fc.string({ unit: fc.constantFrom(...'aaaaaaaaaaaaaaaaaaaa,"\r\n'), minLength: 1, maxLength: 64 }),
  fc.string({ unit: fc.constantFrom(..."aé€😀,"), minLength: 1, maxLength: 16 }),
);
/** Whole numbers of any count of digits. */
const ofDigits = (most: bigint): fc.Arbitrary<bigint> =>
  fc
    .tuple(fc.bigInt(1n, most), fc.nat(most.toString().length - 1))
    .map(([value, fewer]) => value / 10n ** BigInt(fewer));
const sequence = ofDigits(BigInt(layout.ID_SEQUENCE_MASK)).map(Number);

test("every line is its row, its id as a CSV field, its result and its sequence", () => {
  const line = fc.record({ id, result, sequence });
  fc.assert(
    fc.property(ofDigits(2n ** 63n), fc.array(line, { minLength: 1, maxLength: 40 }), (first, lines) => {
      check(first, lines);
    }),
    { numRuns: 1000 },
  );
});

test("a comma, a quote or a line break is found at every place of an id of every length", () => {
  const ok = TRANSFER_RESULTS.find(({ name }) => name === "ok")!;
  for (let length = 1; length <= layout.KIND_TEXT_MAX; length++) {
    const lines = Array.from({ length: 4 * length }, (_, i) => {
      const place = i >> 2;
      return { id: `${"x".repeat(place)}${',"\r\n'[i & 3]}${"x".repeat(length - place - 1)}`, result: ok, sequence: 1 };
    });
    check(1n, lines);
  }
});

test("rows and sequences are right wherever their count of digits changes", () => {
  const ok = TRANSFER_RESULTS.find(({ name }) => name === "ok")!;
  for (let power = 1n; power < 10n ** 19n; power *= 10n) {
    const lines = [-1n, 0n, 1n].map((distance) => {
      const near = power + distance;
      return { id: "x", result: ok, sequence: near <= BigInt(layout.ID_SEQUENCE_MASK) ? Number(near) : 0 };
    });
    check(power - 1n, lines);
  }
});

test("the longest lines there can be stay in their slice's area", () => {
  const longest = TRANSFER_RESULTS.reduce((a, b) => (b.name.length > a.name.length ? b : a));
  const lines = Array.from({ length: layout.SLICE_CAPACITY + 1 }, () => ({
    id: '"'.repeat(layout.KIND_TEXT_MAX),
    result: longest,
    sequence: layout.ID_SEQUENCE_MASK,
  }));
  const first = 2n ** 64n - BigInt(lines.length);
  const area = context + layout.CX_RESULT_TEXT + layout.RESULT_AREA_SIZE;
  bytes.fill(0xee, area, area + layout.RESULT_AREA_SIZE);
  format(first, lines.slice(0, layout.SLICE_CAPACITY));
  expect(bytes.subarray(area, area + 64).every((byte) => byte === 0xee)).toBe(true);
  check(first, lines);
});
