import fc from "fast-check";
import { expect, test } from "vitest";
import { RecordWriter } from "../../../src/core/batch.js";
import { Identifiers, readId } from "../../../src/core/identifiers.js";
import { instantiateKernel } from "../../../src/core/kernel.js";
import * as layout from "../../../src/core/layout.js";
import { createMemory, planMemory } from "../../../src/core/memory.js";
import { runsOf } from "../../support/ledgers.js";

const plan = planMemory({ accounts: 1, transfers: 1, contexts: 1, chunks: 1 });
const memory = createMemory(plan, { low: 3n, high: 4n });
const kernel = instantiateKernel(memory);
const ids = new Identifiers(kernel, memory);
const bytes = new Uint8Array(memory.buffer);
const view = new DataView(memory.buffer);
const context = plan.contexts;

type Ids = readonly [id: string, debit: string, credit: string];

/** Writes records of these ids as a batch, has their keys read as a slice's owner does, and reads the ids back. */
function roundTrip(records: readonly Ids[]): Ids[] {
  const writer = new RecordWriter(ids, memory, context);
  for (const [id, debit, credit] of records) writer.write(id, debit, credit, 5n, 0, 0n);
  writer.finish();
  for (let slice = 0; slice < writer.slices; slice++) kernel.readKeys(context, slice);
  return records.map((_, index) => {
    const record = context + layout.CX_RECORDS + index * layout.RECORD_SIZE;
    const field = (key: number, kind: number, text: number): string =>
      readId(bytes, bytes[record + kind]!, record + key, view.getUint32(record + text, true));
    return [
      field(layout.TR_ID, layout.TR_ID_KIND, layout.TR_ID_TEXT),
      field(layout.TR_DEBIT, layout.TR_DEBIT_KIND, layout.TR_DEBIT_TEXT),
      field(layout.TR_CREDIT, layout.TR_CREDIT_KIND, layout.TR_CREDIT_TEXT),
    ];
  });
}

/** What comes back: an id that can't be one comes back empty. */
function expected(records: readonly Ids[]): Ids[] {
  const back = (id: string): string => (id.isWellFormed() && Buffer.byteLength(id) <= 64 ? id : "");
  return records.map(([id, debit, credit]) => [back(id), back(debit), back(credit)]);
}

const anyId = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: "grapheme-ascii", maxLength: 64 }) },
  { weight: 2, arbitrary: fc.uuid() },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 70 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "\ud800", "é", "\u{1f600}", "a".repeat(64), "a".repeat(65), "é".repeat(32)),
  },
);

test("ids of every kind come back as they went in, whatever else their batch holds", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyId, anyId, anyId), { minLength: 1, maxLength: 40 }), (records) => {
      expect(roundTrip(records)).toEqual(expected(records));
    }),
    runsOf(200),
  );
});

test("a text that ends in a character of two, three or four bytes is never taken for ASCII", () => {
  for (const last of ["é", "€", "\u{1f600}", "éé", "aé", "\ud800", "\udc00a"]) {
    const records: Ids[] = [
      ["first", "a", "b"],
      ["second", "c", `d${last}`],
    ];
    expect(roundTrip(records)).toEqual(expected(records));
  }
});

test("the longest ids fill the text arenas of a whole batch without touching each other", () => {
  const long = (name: string, index: number): string => `${name}-${index}-`.padEnd(64, "x");
  const odd = (index: number): string =>
    index % 97 === 0 ? `é${long("credit", index)}`.slice(0, 63) : long("credit", index);
  const records = Array.from(
    { length: layout.BATCH_CAPACITY },
    (_, index): Ids => [long("id", index), long("debit", index), odd(index)],
  );
  expect(roundTrip(records)).toEqual(expected(records));
});
