import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { LedgerError } from "../../../src/core/errors.js";
import { mapColumns, readHeader } from "../../../src/settlement/csv-header.js";

const ROLES = { id: 1, debit: 2, credit: 3, amount: 4 };

function header(text: string, delimiter?: string) {
  return readHeader(Buffer.from(text), delimiter === undefined ? {} : { delimiter });
}

/** Code and message of the error that `run` throws. */
function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof LedgerError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("readHeader", () => {
  it.for<[string, string[], number]>([
    ["id,debit,amount\n1,2,3\n", ["id", "debit", "amount"], 16],
    ["id,debit\r\n", ["id", "debit"], 10],
    ["\ufeffid,debit\n", ["id", "debit"], 12],
    ["\n\r\n\nid\nx", ["id"], 7],
    ["\ufeff\nid\n", ["id"], 7],
    ["\n\ufeffid\n", ["\ufeffid"], 7],
    ['"a,b","c\r\n""d"""\r\n', ["a,b", 'c\r\n"d"'], 18],
    [",\n", ["", ""], 2],
    ['""\n', [""], 3],
    ["a\rb,c\n", ["a\rb", "c"], 6],
    ["Konto-Nr. ß, b \n", ["Konto-Nr. ß", " b "], 17],
  ])("reads %j", ([text, columns, byteLength]) => {
    expect(header(text)).toEqual({ columns, byteLength });
  });

  it("takes another delimiter", () => {
    expect(header("a;b,c\n", ";")).toEqual({ columns: ["a", "b,c"], byteLength: 6 });
    expect(header("a\tb\n", "\t")).toEqual({ columns: ["a", "b"], byteLength: 4 });
  });

  it.for(["", "\ufeff", "\n", "a", "a,", "a,b", "a,b\r", '"', '"a', '"a\n', '"a"', '"a""', '"a"\r', "\r"])(
    "asks for more of %j",
    (text) => {
      expect(header(text)).toBeUndefined();
    },
  );

  it("refuses misplaced quotes and says where", () => {
    expect(errorOf(() => header('a,b"c\n'))).toMatch(/^invalid_header: Column 2 .* a quote inside/);
    expect(errorOf(() => header('"a"b,c\n'))).toMatch(/^invalid_header: Column 1 .* text behind its closing quote/);
    expect(errorOf(() => header('"a"\rb\n'))).toMatch(/^invalid_header: Column 1/);
  });

  it("refuses names that are not UTF-8", () => {
    expect(errorOf(() => readHeader(Buffer.from([97, 44, 0xff, 10])))).toMatch(/^invalid_header: Column 2 .*not UTF-8/);
  });

  it.for(["", "ab", '"', "\n", "\r", "é"])("refuses %j as a delimiter", (delimiter) => {
    expect(errorOf(() => header("a\n", delimiter))).toMatch(/^invalid_delimiter: /);
  });

  it("reads from shared memory", () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(4));
    bytes.set(Buffer.from("a,b\n"));
    expect(readHeader(bytes)).toEqual({ columns: ["a", "b"], byteLength: 4 });
  });

  const names = fc.array(
    fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", "a", "é", "\ufeff", "👛"), maxLength: 6 }),
    { minLength: 1, maxLength: 5 },
  );
  test.prop([names, fc.constantFrom("\n", "\r\n"), fc.string({ unit: "grapheme" })])(
    "names come back as they were quoted, and no part of the header is enough",
    (columns, lineEnd, rest) => {
      const line = columns.map((name) => `"${name.replaceAll('"', '""')}"`).join(",") + lineEnd;
      const byteLength = Buffer.byteLength(line);
      expect(header(line + rest)).toEqual({ columns, byteLength });
      for (let length = 0; length < byteLength; length++) {
        expect(readHeader(Buffer.from(line).subarray(0, length))).toBeUndefined();
      }
    },
  );
});

describe("mapColumns", () => {
  it("gives each column the number of its role", () => {
    const mapping = { amount: "value", debit: "from", credit: "to" };
    expect(mapColumns(["from", "to", "note", "value"], mapping, ROLES)).toEqual(Uint8Array.of(2, 3, 0, 4));
  });

  it("names the columns found and the nearest one where a column is missing", () => {
    const error = errorOf(() => mapColumns(["Amuont", "payer", "payee"], { amount: "amount" }, ROLES));
    expect(error).toBe(
      'missing_column: The header has no column "amount" (amount). Did you mean "Amuont"? ' +
        'Columns found: "Amuont", "payer", "payee".',
    );
    expect(errorOf(() => mapColumns(["x", "payer"], { amount: "amount" }, ROLES))).not.toContain("Did you mean");
  });

  it("shows no more than 20 of the columns found", () => {
    const columns = Array.from({ length: 25 }, (_, i) => `c${i}`);
    expect(errorOf(() => mapColumns(columns, { id: "reference" }, ROLES))).toMatch(/"c19", and 5 more\.$/);
  });

  it("refuses a mapped column that the header has twice, and lets others be", () => {
    expect(errorOf(() => mapColumns(["a", "b", "a"], { id: "a" }, ROLES))).toMatch(
      /^duplicate_column: .*"a", "b", "a"/,
    );
    expect(mapColumns(["a", "b", "a"], { id: "b" }, ROLES)).toEqual(Uint8Array.of(0, 1, 0));
  });

  it("refuses one column in two roles", () => {
    expect(errorOf(() => mapColumns(["a", "b"], { debit: "a", credit: "a" }, ROLES))).toBe(
      'duplicate_column: "a" can\'t be both debit and credit. Name two columns.',
    );
  });

  it("refuses a role that does not exist", () => {
    expect(errorOf(() => mapColumns(["a"], { dbit: "a" }, ROLES))).toMatch(/^unknown_role: "dbit"/);
    expect(errorOf(() => mapColumns(["a"], { constructor: "a" }, ROLES))).toMatch(/^unknown_role: /);
  });

  it("takes 1024 columns and no more", () => {
    const columns = Array.from({ length: 1024 }, (_, i) => `c${i}`);
    expect(mapColumns(columns, { id: "c1023" }, ROLES)[1023]).toBe(1);
    expect(errorOf(() => mapColumns([...columns, "more"], { id: "c0" }, ROLES))).toMatch(/^too_many_columns: .*1025/);
  });
});
