import { fc, test } from "@fast-check/vitest";
import { parse as csvParse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { SLICE_CAPACITY } from "../../../src/core/layout.js";
import { type Cuts, type JobOptions, parse, parseUnstitched } from "../../support/csv-kernel.js";
import { type Columns, type ReadRow, referenceParse, referenceRows } from "../../support/csv-reference.js";
import { runsOf } from "../../support/ledgers.js";

const COLUMNS: Columns = { delimiter: ",", roles: ["id", "debit", "credit", "amount"], scale: 2 };
const UUID = "0189b3f2-44aa-7c01-9b1c-0123456789ab";
const MIB = 1024 * 1024;

/** A string of one character a byte. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** The one row that the kernel makes of `text`. */
function parseRow(text: string, columns: Columns = COLUMNS, job: JobOptions = {}): ReadRow {
  const rows = parse(text, columns, {}, job);
  expect(rows).toHaveLength(1);
  return rows[0]!;
}

// Not `fc.double`: most of its numbers are next to zero.
const share = fc.nat({ max: 10_000 }).map((value) => value / 10_000);
const cutsOf = (windowSize: fc.Arbitrary<number>): fc.Arbitrary<Cuts> =>
  fc.record({
    windowSize,
    share: share.map((value) => Math.max(value, 0.01)),
    slices: fc.array(share, { maxLength: 15 }),
    backwards: fc.boolean(),
    shift: fc.nat({ max: 63 }),
    around: fc.constantFrom('"', 'x"', "\n", "x\n", ",", "\r\n", "\xff"),
  });

const columns: fc.Arbitrary<Columns> = fc.record({
  delimiter: fc.constantFrom(",", ";", "\t", "|"),
  roles: fc
    .shuffledSubarray(["id", "debit", "credit", "amount", "none"] as const, { minLength: 1 })
    .chain((roles) => fc.constantFrom(roles, [...roles, "none" as const])),
  scale: fc.integer({ min: 0, max: 18 }),
});

/** What breaks parsers, in pieces that are likely to meet. */
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('"', '""', ",", ";", "\n", "\r\n", "\r", ",\n", '",', ',"', '"\n', '"\r\n') },
  {
    weight: 3,
    arbitrary: fc.constantFrom("a", "0", "12.5", ".", "-1", "\0", " ", bytesOf("é"), bytesOf("\ufeff"), "\xff"),
  },
  { weight: 1, arbitrary: fc.constantFrom(UUID, UUID.toUpperCase(), "x".repeat(64), "y".repeat(65), "9".repeat(39)) },
  { weight: 1, arbitrary: fc.string({ unit: fc.nat({ max: 255 }).map((byte) => String.fromCharCode(byte)) }) },
);
const hostileText = fc.array(piece, { maxLength: 60, size: "max" }).map((pieces) => pieces.join(""));

/** Files that are mostly right, so that rows get as far as their meaning. */
const fieldText = fc.oneof(
  fc.constantFrom("", "a", "acct-17", UUID, "x".repeat(16), "x".repeat(17), "x".repeat(64), "x".repeat(65)),
  fc.string({ unit: "binary", maxLength: 40 }).map(bytesOf),
  fc.string({ unit: fc.constantFrom('"', "\n", "\r", ",", "x"), maxLength: 70 }),
  fc.bigInt({ min: 0n, max: 2n ** 129n }).map(String),
  fc.tuple(fc.nat(), fc.nat({ max: 99999 })).map((parts) => parts.join(".")),
);
const lineEnd = fc.constantFrom("\n", "\r\n");
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const field = fc.tuple(fieldText, fc.boolean()).map(([text, always]) => {
  return always || /["\r\n,;\t|]/.test(text) ? quoted(text) : text;
});
const line = (count: number, delimiter: string) =>
  fc.tuple(fc.array(field, { minLength: count, maxLength: count }), lineEnd).map(([fields, end]) => {
    return fields.join(delimiter) + end;
  });

describe("the same rows as a reference parser, however the file is cut", () => {
  test.prop([hostileText, columns, cutsOf(fc.integer({ min: 1, max: 300 }))], runsOf(500))(
    "hostile bytes",
    (text, columns, cuts) => {
      expect(parse(text, columns, cuts)).toEqual(referenceParse(text, columns));
    },
  );

  test.prop(
    [
      columns.chain((columns) =>
        fc.tuple(
          fc.constant(columns),
          fc.array(fc.oneof({ weight: 9, arbitrary: line(columns.roles.length, columns.delimiter) }, piece), {
            maxLength: 30,
            size: "max",
          }),
        ),
      ),
      cutsOf(fc.integer({ min: 1, max: 2000 })),
    ],
    runsOf(250),
  )("rows of which most are right", ([columns, lines], cuts) => {
    const text = lines.join("");
    expect(parse(text, columns, cuts)).toEqual(referenceParse(text, columns));
  });

  test.prop([fc.integer({ min: 0, max: 3 * SLICE_CAPACITY }), cutsOf(fc.integer({ min: 1, max: 40_000 }))], runsOf(15))(
    "more rows than a slice holds",
    (count, cuts) => {
      const lines = Array.from({ length: count }, (_, i) => (i % 50 === 7 ? '"\n\n","a\n",b,1\n' : `${i},a,b,1\n`));
      const text = lines.join("\n");
      const wide = { ...cuts, windowSize: Math.max(cuts.windowSize!, 100), share: 1 };
      expect(parse(text, COLUMNS, wide)).toEqual(referenceParse(text, COLUMNS));
    },
  );

  const longPattern = fc
    .tuple(
      fc.constantFrom("x", '"', '""', '"x', ',"', '","', "\n", '"\n', "\r\n", '\n"', 'x"\n', "a,b,c,1\n", '"",'),
      fc.constantFrom("y".repeat(100), "yy,".repeat(100)),
    )
    .map(([pattern, filling]) => (pattern.includes("\n") ? filling + pattern + filling : pattern));
  // Kept as a recipe, or a failure would print megabytes.
  const longPiece = fc.record({
    start: fc.constantFrom("", '"', "x", 'x"', ","),
    pattern: longPattern,
    size: fc.integer({ min: MIB - 3, max: 3 * MIB }),
  });
  test.prop(
    [
      fc.array(fc.oneof(longPiece, line(4, ","), piece), { minLength: 1, maxLength: 6 }),
      cutsOf(fc.integer({ min: MIB + 1, max: 4 * MIB })),
    ],
    runsOf(5),
  )(
    "rows that are too long for a window",
    (pieces, cuts) => {
      const text = pieces
        .map((piece) => {
          if (typeof piece === "string") return piece;
          return piece.start + piece.pattern.repeat(Math.ceil(piece.size / piece.pattern.length));
        })
        .join("")
        .slice(0, 8 * MIB);
      const expected = referenceParse(text, COLUMNS);
      const rows = parse(text, COLUMNS, { ...cuts, share: 1 });
      expect(rows.length).toBe(expected.length);
      // Comparing a million rows by vitest's equality takes minutes; their serialised forms say the same.
      const serialised = (row: ReadRow) => JSON.stringify({ ...row, amount: String(row.amount) });
      expect(rows.findIndex((row, i) => serialised(row) !== serialised(expected[i]!))).toBe(-1);
    },
    300_000,
  );

  const cut = fc.record({
    tail: fc.array(piece, { minLength: 1, maxLength: 6 }),
    opening: fc.constantFrom("", '"'),
    at: share,
  });
  const refused = referenceParse("x\n", COLUMNS)[0]!;
  test.prop([cut], {
    ...runsOf(100),
    examples: [
      [{ tail: ['"x,"'], opening: '"', at: 0.5 }],
      [{ tail: ['x"y,"'], opening: "", at: 0.5 }],
      [{ tail: ['""', ',"'], opening: '"', at: 0.5 }],
    ],
  })("a row that is skipped ends where it ends, wherever in it the window did", (cut) => {
    const tail = cut.tail.join("");
    // Any row that reaches the window's end, less the tail, is too long.
    const windowSize = MIB + 1024;
    const start = `1,${cut.opening}`;
    const fileOf = (filling: number) => `${start}${"x".repeat(filling)}${tail}\n2,a,"b\n",1\n3,a,b,1\n`;
    const rows = parse(fileOf(windowSize - start.length - Math.round(cut.at * tail.length)), COLUMNS, { windowSize });
    // Its length changes nothing about where the row ends.
    expect(rows).toEqual([refused, ...referenceParse(fileOf(1), COLUMNS).slice(1)]);
  });
});

describe("slices on their own", () => {
  test.prop([
    fc.array(fc.constantFrom("1,a,b,1\n", '2,"a",b,1\r\n', "x\n", "\n", "\r\n"), { maxLength: 200 }),
    fc.array(share),
  ])("where no quoted field holds a line end, every row is read once before anything is stitched", (lines, slices) => {
    const text = lines.join("");
    expect(parseUnstitched(text, COLUMNS, { slices: slices.slice(0, 15) }).join("")).toBe(text);
  });

  it("a slice that begins inside a quoted field is read again", () => {
    const text = `1,"${"\n2,a,b,1".repeat(100)}\n",b,1\n`;
    const cuts = { slices: [0.2, 0.4, 0.6, 0.8] };
    expect(parseUnstitched(text, COLUMNS, cuts).join("")).not.toBe(text);
    expect(parse(text, COLUMNS, cuts)).toEqual(referenceParse(text, COLUMNS));
  });
});

describe("the grammar is csv-parse's", () => {
  const options = {
    record_delimiter: ["\n", "\r\n"],
    skip_empty_lines: true,
    encoding: "latin1" as const,
    relax_column_count: true,
  };
  // csv-parse takes a NUL behind a closing quote for the end of the file.
  const textWithoutNul = hostileText.map((text) => text.replaceAll("\0", ""));

  test.prop([textWithoutNul, fc.constantFrom(",", ";")], runsOf(1000))(
    "the reference parser refuses a row exactly where csv-parse refuses the file, and else reads the same fields",
    (text, delimiter) => {
      const rows = referenceRows(text, delimiter);
      const parseIt = () => csvParse(Buffer.from(text, "latin1"), { ...options, delimiter });
      if (rows.includes(undefined)) expect(parseIt).toThrow();
      else expect(rows).toEqual(parseIt());
    },
  );

  test.prop([fc.array(line(4, ","), { maxLength: 20 }), cutsOf(fc.integer({ min: 1, max: 2000 }))], runsOf(70))(
    "the kernel reads the ids that csv-parse reads",
    (lines, cuts) => {
      const text = lines.join("");
      const fields = csvParse(Buffer.from(text, "latin1"), options) as string[][];
      const rows = parse(text, COLUMNS, cuts);
      expect(rows.map((row) => row.status === "invalid_row")).toEqual(fields.map(() => false));
      for (const [i, row] of rows.entries()) {
        for (const [column, id] of [row.id, row.debit, row.credit].entries()) {
          if (typeof id.kind === "number" || id.kind === "uuid") expect(id.text).toBe(fields[i]![column]);
        }
      }
    },
  );
});

describe("rows", () => {
  it("LF, CR LF and the end of the file end a row; empty lines are none", () => {
    const rows = parse("\n\r\n1,a,b,1\r\n\n2,a,b,1\n\r\n\r\n3,a,b,1", COLUMNS);
    expect(rows.map((row) => [row.status, row.id.text, row.amount])).toEqual([
      ["ok", "1", 100n],
      ["ok", "2", 100n],
      ["ok", "3", 100n],
    ]);
  });

  it("a CR that no LF follows is data", () => {
    expect(parseRow("1,a\r,\rb,1\n")).toMatchObject({ debit: { text: "a\r" }, credit: { text: "\rb" }, status: "ok" });
    expect(parseRow("1,a,b,1\r")).toMatchObject({ status: "invalid_amount" });
    expect(parseRow('1,a,b,"1"\r')).toMatchObject({ status: "invalid_row" });
    expect(parseRow("1,a,b,1\r\r\n")).toMatchObject({ status: "invalid_amount" });
  });

  it("a byte order mark is not the parser's: the header's reader skips it", () => {
    expect(parseRow("\xef\xbb\xbf1,a,b,1\n").id.text).toBe("\xef\xbb\xbf1");
  });

  it.for(["1,a,b\n", "1,a,b,1,\n", "1,a,b,1,2\n", "1\n", '""\n', ",,,,\n"])(
    "%j has the wrong number of fields",
    (text) => {
      expect(parseRow(text)).toMatchObject({ status: "invalid_row", role: "none", id: { kind: "none" }, amount: 0n });
    },
  );

  it("quoted fields may hold delimiters, line ends and doubled quotes", () => {
    expect(parseRow('"1,""",",\r\n","\n""","2.50"\r\n')).toMatchObject({
      status: "ok",
      id: { text: '1,"' },
      debit: { text: ",\r\n" },
      credit: { text: '\n"' },
      amount: 250n,
    });
  });

  it("after a misplaced quote or byte the row ends at the next LF, whatever quotes follow", () => {
    for (const broken of ['1,a"b,"x,1', '1,"a"b,",1', '"1"\r,a,b,"', '1,a,b,1"']) {
      const rows = parse(`${broken}\n2,a,b,1\n`, COLUMNS);
      expect(rows.map((row) => row.status)).toEqual(["invalid_row", "ok"]);
    }
  });

  it("a quote that is never closed takes the rest of the file", () => {
    expect(parse('1,a,b,1\n2,"a,b,1\n3,a,b,1\n', COLUMNS).map((row) => row.status)).toEqual(["ok", "invalid_row"]);
  });

  it("a row may have 1 MiB, line end included, and no byte more", () => {
    for (const end of ["\n", "\r\n", ""]) {
      for (const quote of ["", '"']) {
        const rest = `${quote},b,1${end}`;
        const row = (size: number) => `1,${quote}${"a".repeat(size - rest.length - 2 - quote.length)}${rest}`;
        expect(parseRow(row(MIB))).toMatchObject({ status: "ok", debit: { kind: "too long" }, amount: 100n });
        expect(parseRow(row(MIB + 1))).toMatchObject({ status: "invalid_row", debit: { kind: "none" } });
      }
    }
  });

  it("a field of 10 MB is one refused row, and the rows around it are read", () => {
    const text = `1,a,b,1\n2,a,"${'\n,""'.repeat(2.5 * MIB)}",1\n3,a,b,1\n`;
    const cuts = { windowSize: 4 * MIB, share: 0.5, slices: [0.25, 0.5, 0.75] };
    expect(parse(text, COLUMNS, cuts).map((row) => row.status)).toEqual(["ok", "invalid_row", "ok"]);
  });
});

describe("amounts", () => {
  const amountOf = (text: string, scale: number) => {
    const row = parseRow(`1,a,b,${text}\n`, { ...COLUMNS, scale });
    return row.status === "ok" ? row.amount : `${row.status} ${row.role} ${row.amount}`;
  };

  it.for<[string, number, bigint]>([
    ["0", 2, 0n],
    ["0.00", 2, 0n],
    ["7", 0, 7n],
    ["1.5", 2, 150n],
    ["007.10", 2, 710n],
    ["999999999999999999", 0, 999999999999999999n],
    ["9999999999999999999", 0, 9999999999999999999n],
    ["18446744073709551615", 0, 2n ** 64n - 1n],
    ["18446744073709551616", 0, 2n ** 64n],
    ["10", 18, 10n ** 19n],
    ["18.446744073709551616", 18, 2n ** 64n],
    ["340282366920938463463374607431768211455", 0, 2n ** 128n - 1n],
    ["3402823669209384634633746074317682114.55", 2, 2n ** 128n - 1n],
    [`${"0".repeat(5000)}1`, 18, 10n ** 18n],
    ['"12.34"', 2, 1234n],
  ])("%s at scale %i", ([text, scale, amount]) => {
    expect(amountOf(text, scale)).toBe(amount);
  });

  it.for<[string, number]>([
    ["", 2],
    [".", 2],
    [".5", 2],
    ["5.", 2],
    ["1.", 0],
    ["1.0", 0],
    ["1.005", 2],
    ["1.000", 2],
    ["1.2.3", 2],
    ["-1", 2],
    ["+1", 2],
    ["1e3", 2],
    [" 1", 2],
    ["1 ", 2],
    ["1:", 2],
    ["/1", 2],
    ["1_000", 2],
    ['"1""2"', 2],
    ["340282366920938463463374607431768211456", 0],
    ["340282366920938463463374607431768211460", 0],
    ["3402823669209384634633746074317682114.56", 2],
    ["999999999999999999999999999999999999999", 0],
    ["340282366920938463463374607431768211455", 1],
    ["1".repeat(5000), 0],
  ])("%s at scale %i is refused", ([text, scale]) => {
    expect(amountOf(text, scale)).toBe("invalid_amount amount 0");
  });

  test.prop([fc.bigInt({ min: 0n, max: 2n ** 129n }), fc.integer({ min: 0, max: 18 }), fc.nat({ max: 18 })])(
    "any amount",
    (amount, scale, digits) => {
      const fraction = digits === 0 ? "" : `.${"123456789012345678".slice(0, digits)}`;
      const text = `1,a,b,${amount}${fraction}\n`;
      const columns = { ...COLUMNS, scale };
      expect(parse(text, columns)).toEqual(referenceParse(text, columns));
    },
  );
});

describe("ids", () => {
  const idOf = (text: string) => parseRow(`${text},a,b,1\n`);

  it.for<[string, ReadRow["id"]["kind"]]>([
    ["a", 1],
    ["a\0", 2],
    ["\0", 1],
    ["x".repeat(16), 16],
    ["x".repeat(17), 17],
    ["x".repeat(36), 36],
    ["x".repeat(64), 64],
    [UUID, "uuid"],
    [UUID.toUpperCase(), 36],
    [UUID.replace("a", "A"), 36],
    [UUID.replace("a", "g"), 36],
    [UUID.replace("a", "`"), 36],
    [UUID.replace("9", ":"), 36],
    [UUID.replace("0", "/"), 36],
    [UUID.replaceAll("-", "_"), 36],
    [bytesOf("é".repeat(8)), 16],
    [bytesOf("é".repeat(32)), 64],
    [bytesOf("\u0080\u07ff\u0800\ud7ff\ue000\uffff\u{10000}\u{10ffff}"), 24],
    [bytesOf("\ufeffa"), 4],
  ])("%j is an id", ([text, kind]) => {
    expect(idOf(text)).toMatchObject({ status: "ok", id: { kind, text } });
    expect(idOf(quoted(text))).toMatchObject({ status: "ok", id: { kind, text } });
  });

  it("doubled quotes count once", () => {
    expect(idOf(quoted('"'.repeat(64)))).toMatchObject({ status: "ok", id: { kind: 64, text: '"'.repeat(64) } });
    expect(idOf(quoted('"'.repeat(65)))).toMatchObject({ status: "id_too_long" });
  });

  it("none, too long and not UTF-8 are complaints, in this order", () => {
    expect(idOf("")).toMatchObject({ status: "id_must_not_be_empty", role: "id", id: { kind: "none" } });
    expect(idOf('""')).toMatchObject({ status: "id_must_not_be_empty", role: "id", id: { kind: "none" } });
    expect(idOf("x".repeat(65))).toMatchObject({ status: "id_too_long", role: "id", id: { kind: "too long" } });
    expect(idOf("\xff".repeat(65))).toMatchObject({ status: "id_too_long" });
    expect(idOf(bytesOf("é".repeat(33)))).toMatchObject({ status: "id_too_long" });
  });

  it.for([
    "\x80",
    "\xff",
    "\xc0\x80",
    "\xc1\xbf",
    "\xe0\x9f\xbf",
    "\xed\xa0\x80",
    "\xf0\x8f\xbf\xbf",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xc3",
    "\xe2\x82",
    "\xf0\x9f\x98",
    "\xe2\x28\xa1",
    "\xf0\x9f\x28\x80",
  ])("%j is not UTF-8", (text) => {
    for (const id of [text, `abc${text}`, `${text}abc`, "x".repeat(20) + text, text + "x".repeat(20)]) {
      expect(idOf(id)).toMatchObject({ status: "id_not_utf8", role: "id", id: { kind: "not UTF-8" } });
      expect(idOf(quoted(id))).toMatchObject({ status: "id_not_utf8" });
    }
  });

  it("a bad account id only shows in its kind, and a bad amount comes before a bad id", () => {
    expect(parseRow(`1,,${"x".repeat(65)},1\n`)).toMatchObject({
      status: "ok",
      debit: { kind: "none" },
      credit: { kind: "too long" },
    });
    expect(parseRow("1,\xff,b,1\n")).toMatchObject({
      status: "ok",
      debit: { kind: "not UTF-8" },
      credit: { text: "b" },
    });
    expect(parseRow(",a,b,x\n")).toMatchObject({
      status: "invalid_amount",
      id: { kind: "none" },
      debit: { text: "a" },
    });
  });

  it("without an id column the row's number makes the id, also where the row is refused", () => {
    const idPrefix = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 + i).fill(0, 11);
    const lines = Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? "broken\n" : "a,b,1\n"));
    const columns: Columns = { delimiter: ",", roles: ["debit", "credit", "amount"], scale: 0 };
    const cuts = { windowSize: 4000, slices: [0.3, 0.4, 0.9] };
    const firstRow = 0xfe_ffff_f000n;
    const rows = parse(lines.join(""), columns, cuts, { idPrefix, firstRow });
    expect(rows.map((row) => row.id.text)).toEqual(
      lines.map((_, i) => {
        const number = (firstRow + BigInt(i)).toString(16).padStart(10, "0");
        return `f0f1f2f3-f4f5-f6f7-f8f9-fa${number}`;
      }),
    );
    expect(rows.map((row) => row.status)).toEqual(lines.map((_, i) => (i % 3 === 0 ? "invalid_row" : "ok")));
  });

  it("a fixed debit account is every readable row's", () => {
    const columns: Columns = { delimiter: ",", roles: ["credit", "amount"], scale: 0 };
    const key = Uint8Array.from(Buffer.from("opening\0\0\0\0\0\0\0\0\0"));
    const rows = parse("a,1\nb,x\nc\n", columns, {}, { fixedDebit: { key, kind: 7, text: 0 } });
    expect(rows.map((row) => [row.status, row.debit.text])).toEqual([
      ["ok", "opening"],
      ["invalid_amount", "opening"],
      ["invalid_row", ""],
    ]);
  });
});
