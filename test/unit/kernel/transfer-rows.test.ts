/** Every column of a transfer, in CSV and in NDJSON: the kernel against a reference, and NDJSON against JSON.parse. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { Cuts } from "../../support/csv-kernel.js";
import { runsOf } from "../../support/ledgers.js";
import {
  ALL_ROLES,
  type Format,
  isLinked,
  parseTransfers,
  type Role,
  type Row,
  referenceTransfer,
} from "../../support/transfer-rows.js";

const UUID = "0189b3f2-44aa-7c01-9b1c-0123456789ab";
const MIB = 1024 * 1024;

function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** The API's names. */
const MEMBERS: ReadonlyMap<string, Role> = new Map(ALL_ROLES.map((role) => [role, role]));
const NDJSON: Format = { format: "ndjson", members: MEMBERS };

const share = fc.nat({ max: 10_000 }).map((value) => value / 10_000);
const cutsOf = (windowSize: fc.Arbitrary<number>): fc.Arbitrary<Cuts> =>
  fc.record({
    windowSize,
    share: share.map((value) => Math.max(value, 0.01)),
    slices: fc.array(share, { maxLength: 15 }),
    backwards: fc.boolean(),
    shift: fc.nat({ max: 63 }),
    around: fc.constantFrom('"', "}\n", "\n", "\\", "0", "\r\n", "\xff"),
  });

const idText = fc.oneof(
  fc.constantFrom("", "a", UUID, UUID.toUpperCase(), "x".repeat(16), "x".repeat(17), "x".repeat(64), "x".repeat(65)),
  fc.string({ unit: "grapheme", maxLength: 30 }).map(bytesOf),
  fc.constantFrom("\xff", "\xed\xa0\x80", `${"y".repeat(30)}\xc3`),
);
const flagText = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("", "", "0", "1", "true", "false", "TRUE", "False", "tRuE") },
  fc.constantFrom("2", "yes", "tru", "truee", "fals", "falsy", "True ", " 1", "01", "\x14rue", "/", "null"),
);
const wholeText = (...values: (bigint | number)[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant("") },
    { weight: 6, arbitrary: fc.constantFrom(...values.map(String)) },
    fc.constantFrom("-1", "+1", "1.0", "1e1", " 1", "x", "000", "007", "9".repeat(60)),
  );
const dateText = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  {
    weight: 6,
    arbitrary: fc
      .date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T00:00:00Z"), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10)),
  },
  fc
    .tuple(
      fc.constantFrom("0000", "0001", "1900", "2000", "2023", "2024", "2100", "9999"),
      fc.integer({ min: 0, max: 13 }),
      fc.integer({ min: 0, max: 32 }),
    )
    .map(([year, month, day]) => `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`),
  fc.constantFrom("2026-1-31", "2026/01/31", "20260131", "2026-01-31 ", "2026-01-3x", "-026-01-31", "12026-01-31"),
);
const TEXTS: Record<Role, fc.Arbitrary<string>> = {
  id: fc.oneof({ weight: 9, arbitrary: fc.uuid() }, idText),
  debit: idText,
  credit: idText,
  amount: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom("1", "12.5", "0.01", "0", "340282366920938463463374607431768211.45") },
    fc.constantFrom("", "1.005", "-1", "1e3", "x", "340282366920938463463374607431768211455"),
  ),
  code: wholeText(0, 1, 65_535, 65_536),
  userData: wholeText(1n, 2n ** 64n, 2n ** 128n - 1n, 2n ** 128n),
  linked: flagText,
  pending: flagText,
  post: fc.oneof({ weight: 3, arbitrary: fc.constant("") }, idText),
  void: fc.oneof({ weight: 3, arbitrary: fc.constant("") }, idText),
  balancingDebit: flagText,
  balancingCredit: flagText,
  closingDebit: flagText,
  closingCredit: flagText,
  timeout: wholeText(1, 86_400, 2 ** 32 - 1, 2 ** 32, 0),
  expectedDebitVersion: wholeText(0, 7, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n, 2n ** 64n),
  expectedCreditVersion: wholeText(0, 7, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n, 2n ** 64n),
  effectiveDate: dateText,
};
/** A row's fields: each role has its plainest text often, so that rows get as far as their last check. */
const plainly = (role: Role): fc.Arbitrary<string> => {
  const plain: Partial<Record<Role, string>> = { id: "t1", debit: "a", credit: "b", amount: "1.00" };
  return fc.oneof({ weight: 5, arbitrary: fc.constant(plain[role] ?? "") }, TEXTS[role]);
};
const fieldsOf = (roles: readonly Role[]): fc.Arbitrary<Partial<Record<Role, string>>> =>
  fc.record(Object.fromEntries(roles.map((role) => [role, plainly(role)])));

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

describe("the rows of a CSV file with any columns", () => {
  const file = fc
    .shuffledSubarray(ALL_ROLES, { minLength: 1 })
    .chain((roles) =>
      fc.tuple(fc.constant(roles), fc.array(fc.option(fieldsOf(roles), { freq: 20 }), { maxLength: 30, size: "max" })),
    );
  test.prop([file, cutsOf(fc.integer({ min: 1, max: 2000 }))], runsOf(50))(
    "are those of a reference, however the file is cut",
    ([roles, rows], cuts) => {
      const columns: readonly Role[] = roles;
      const line = (row: Partial<Record<Role, string>> | null): string =>
        row === null ? '"x"y\n' : `${columns.map((role) => quoted(row[role]!)).join(",")}\n`;
      expect(parseTransfers(rows.map(line).join(""), { format: "csv", columns }, 2, cuts)).toEqual(
        rows.map((row) => referenceTransfer(row ?? undefined, columns, 2)),
      );
    },
  );

  it("is refused with the column that is at fault", () => {
    const columns: Role[] = [
      "id",
      "debit",
      "credit",
      "amount",
      "pending",
      "timeout",
      "effectiveDate",
      "expectedDebitVersion",
    ];
    const text = [
      "t1,a,b,1,true,60,2024-02-29,0\n",
      "t2,a,b,1,ja,60,,\n",
      "t3,a,b,1,1,0,,\n",
      "t4,a,b,1,1,,2023-02-29,\n",
      "t5,a,b,1,1,,,9007199254740992\n",
      "t6,a,b,1,1,,,-1\n",
    ].join("");
    expect(parseTransfers(text, { format: "csv", columns }, 2)).toMatchObject([
      { status: "ok", content: { flags: 2, timeout: 60, day: 19_782 } },
      { status: "invalid_flag", role: "pending" },
      { status: "invalid_timeout", role: "timeout" },
      { status: "invalid_effective_date", role: "effectiveDate" },
      { status: "invalid_expected_version", role: "expectedDebitVersion" },
      { status: "invalid_expected_version", role: "expectedDebitVersion" },
    ]);
  });
});

/** A JSON string of a text of one character a byte, some of its characters as escapes. */
function jsonString(text: string, escaped: (index: number) => boolean): string {
  const decoded = Buffer.from(text, "latin1").toString("utf8");
  // What is not UTF-8 can't be written as escapes.
  if (bytesOf(decoded) !== text) return `"${text.replace(/[\\"]/g, "\\$&")}"`;
  const units = [...decoded].map((character, index) => {
    if (!escaped(index) && character >= " " && !['"', "\\"].includes(character)) return bytesOf(character);
    return Array.from({ length: character.length }, (_, unit) => {
      return `\\u${character.charCodeAt(unit).toString(16).padStart(4, "0")}`;
    }).join("");
  });
  return `"${units.join("")}"`;
}

const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\r"), maxLength: 2 });
const unmapped = fc
  .tuple(fc.constantFrom("note", "x", "Amount", "ids", ""), fc.json({ maxDepth: 6 }))
  .map(([name, value]) => ({ name, value: bytesOf(value) }));

/** A line of the fields given, their members in any order, with values in any form that means the same. */
const lineOf = (fields: Partial<Record<Role, string>>): fc.Arbitrary<string> => {
  const present = (Object.keys(fields) as Role[]).map((role) =>
    fc.tuple(fc.constant(role), fc.nat(), fc.boolean(), fc.boolean()).map(([role, seed, isBare, isLeftOut]) => {
      const text = fields[role]!;
      const isEscaped = (index: number): boolean => ((seed >> (index % 24)) & 1) === 1;
      const isToken = /^(true|false|-?(0|[1-9]\d*)(\.\d+)?(e\d+)?)$/.test(text);
      if (text === "" && isLeftOut) return undefined;
      const value = isBare && isToken ? text : text === "" && isBare ? "null" : jsonString(text, isEscaped);
      return { name: role as string, value };
    }),
  );
  return fc
    .tuple(fc.tuple(...present), fc.array(unmapped, { maxLength: 2 }), space, fc.infiniteStream(fc.nat()))
    .map(([mapped, others, space, order]) => {
      const members = [...mapped, ...others]
        .filter((member) => member !== undefined)
        .map((member) => ({ member, place: order.next().value }))
        .sort((a, b) => a.place - b.place);
      const text = members.map(({ member }) => {
        return `${space}${jsonString(bytesOf(member.name), (index) => index === 1)}${space}:${space}${member.value}`;
      });
      return `${space}{${text.join(`${space},`)}${space}}${space}`;
    });
};

describe("the lines of an NDJSON file", () => {
  const row = fieldsOf(ALL_ROLES).chain((fields) => fc.tuple(fc.constant(fields), lineOf(fields)));
  const broken = fc.constantFrom("{", "[]", "null", '{"id":1,}', '{"amount":{}}', "{} {}", '{"id":"\n');
  test.prop(
    [
      fc.array(fc.oneof({ weight: 15, arbitrary: row }, broken), { maxLength: 12, size: "max" }),
      cutsOf(fc.integer({ min: 1, max: 3000 })),
    ],
    runsOf(50),
  )("are those of a reference, however members are written and the file is cut", (rows, cuts) => {
    const text = rows
      .map((row) => (typeof row === "string" ? `${row.replaceAll("\n", "")}\n` : `${row[1]}\n`))
      .join("");
    expect(parseTransfers(text, NDJSON, 2, cuts)).toEqual(
      rows.map((row) => referenceTransfer(typeof row === "string" ? undefined : row[0], ALL_ROLES, 2)),
    );
  });

  const piece = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        ...[
          '{"id":"a"}',
          '"id"',
          '"debit"',
          ":",
          ",",
          "{",
          "}",
          "[",
          "]",
          '"',
          "\\",
          '\\"',
          "\\u",
          "\\ud83d",
          "\\ude00",
        ],
        ...[
          "\\u0061",
          "\\n",
          "\\/",
          "\\x",
          "0",
          "-0",
          "1.5",
          "01",
          "1.",
          ".5",
          "1e5",
          "1E+",
          "e",
          "true",
          "tru",
          "null",
        ],
        ...["false", "nul", " ", "\t", "\r", "\0", "\x7f", "é", "👛", "\u2028", "NaN", "'a'", "//", "\ufeff", "\v"],
      ),
    },
    { weight: 2, arbitrary: fc.json({ maxDepth: 4 }) },
    { weight: 2, arbitrary: fc.json({ maxDepth: 3 }).map((json) => `"credit":${json}`) },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 10 }).map((id) => `"id":${JSON.stringify(id)}`) },
  );
  const mutated = fc
    .tuple(
      fc.dictionary(fc.constantFrom("id", "debit", "a", "b"), fc.jsonValue({ maxDepth: 4 })).map((value) => {
        return JSON.stringify(value);
      }),
      share,
      fc.oneof(fc.constant(""), piece),
      fc.nat({ max: 2 }),
    )
    .map(([text, at, inserted, removed]) => {
      const place = Math.round(at * text.length);
      return text.slice(0, place) + inserted + text.slice(place + removed);
    });
  const hostile = fc
    .oneof(
      fc.array(piece, { maxLength: 14, size: "max" }).map((pieces) => pieces.join("")),
      fc.array(piece, { maxLength: 14, size: "max" }).map((pieces) => `{${pieces.join("")}}`),
      fc.array(piece, { maxLength: 6 }).map((pieces) => `{${pieces.join(",")}}`),
      mutated,
    )
    .map((text) => text.replaceAll("\n", " ").toWellFormed());

  /** What JSON.parse makes of a line. */
  function parsedId(line: string): Pick<Row, "status"> & { id?: string } {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return { status: "invalid_row" };
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) return { status: "invalid_row" };
    const { id, credit } = value as Record<string, unknown>;
    const isNested = [id, credit].some((field) => typeof field === "object" && field !== null);
    if (isNested) return { status: "invalid_row" };
    if (typeof id !== "string") return { status: id === undefined || id === null ? "id_must_not_be_empty" : "number" };
    // Half a surrogate pair would take three bytes, as what Buffer puts in its place does.
    const byteLength = Buffer.byteLength(id);
    if (byteLength === 0) return { status: "id_must_not_be_empty" };
    if (byteLength > 64) return { status: "id_too_long" };
    return id.isWellFormed() ? { status: "ok", id } : { status: "id_not_utf8" };
  }

  test.prop([fc.array(hostile, { maxLength: 20 }), cutsOf(fc.integer({ min: 1, max: 500 }))], runsOf(300))(
    "are read or refused as JSON.parse reads or refuses them",
    (lines, cuts) => {
      const members = new Map<string, Role>([
        ["id", "id"],
        ["credit", "credit"],
        ["amount", "post"],
      ]);
      // Every row posts something, so that it needs no amount.
      const text = lines.map((line) => bytesOf(line)).map((line) => (line === "" || line === "\r" ? "-" : line));
      const rows = parseTransfers(text.join("\n"), { format: "ndjson", members }, 2, cuts);
      const posting = (row: Row): boolean => row.status !== "invalid_row";
      rows.forEach((row, index) => {
        const line = Buffer.from(text[index]!, "latin1").toString("utf8");
        const expected = parsedId(line);
        if (expected.status === "invalid_row") expect([line, row.status]).toEqual([line, "invalid_row"]);
        else expect([line, posting(row)]).toEqual([line, true]);
      });
      expect(rows).toHaveLength(text.length);
    },
  );

  test.prop([fc.array(hostile, { maxLength: 20 })], runsOf(200))("have the ids that JSON.parse reads", (lines) => {
    const members = new Map<string, Role>([
      ["id", "id"],
      ["credit", "credit"],
      ["an amount\u00e9", "amount"],
    ]);
    const valid = lines.filter(
      (line) => line.startsWith("{") && line.endsWith("}") && parsedId(line).status !== "number",
    );
    // An amount first, of a name with an escape, so that nothing is wrong but what the line itself has.
    const text = valid.map((line) => {
      return bytesOf(
        line.replace(/^\{\s*(\}?)/, (_, end: string) => `{"an\\u0020amount\\u00E9":1${end === "" ? "," : "}"}`),
      );
    });
    const rows = parseTransfers(text.join("\n"), { format: "ndjson", members }, 2);
    const expected = text.map((line) => parsedId(Buffer.from(line, "latin1").toString("utf8")));
    expect(
      rows.map((row) =>
        "content" in row
          ? { status: row.status, id: Buffer.from(row.content.id.text, "latin1").toString() }
          : { status: row.status },
      ),
    ).toEqual(expected);
  });

  it("numbers are those of JSON.parse, all of up to five characters", () => {
    const alphabet = ["-", "+", "0", "1", ".", "e", "E", " "];
    let texts = [""];
    for (let length = 1; length <= 5; length++) {
      texts = texts.flatMap((text) => alphabet.map((character) => text + character));
      const rows = parseTransfers(texts.map((text) => `{"x":[${text}],"id":${text}}\n`).join(""), NDJSON, 2);
      const isValid = (text: string): boolean => {
        try {
          return typeof JSON.parse(text) === "number";
        } catch {
          return false;
        }
      };
      const wrong = texts.filter((text, index) => (rows[index]!.status !== "invalid_row") !== isValid(text));
      expect(wrong).toEqual([]);
    }
  });

  const parseLine = (line: string): Row => {
    const rows = parseTransfers(line, NDJSON, 2);
    expect(rows).toHaveLength(1);
    return rows[0]!;
  };
  const withAmount = (amount: string): Row => parseLine(`{"id":"t","debit":"a","credit":"b","amount":${amount}}\n`);

  it.each([
    ["12.34", 1234n],
    ['"12.34"', 1234n],
    ['"1\\u0032.34"', 1234n],
    ["90071992547409.93", 9007199254740993n],
    ["340282366920938463463374607431768211.45", 34028236692093846346337460743176821145n],
    ["0.1", 10n],
    ["0", 0n],
  ])("amounts are what is written, never a double: %s", (text, amount) => {
    expect(withAmount(text)).toMatchObject({ status: "ok", content: { amount } });
  });

  it.each(["1e3", "-1", "-0", "1.005", "true", '""', "null", '"1 "', '"\\n1"', `"${"\\u0030".repeat(65)}1"`])(
    "the amount %s is refused",
    (text) => {
      expect(withAmount(text)).toEqual({ status: "invalid_amount", role: "amount", linked: false });
    },
  );

  it("the last of members with the same name counts, whatever the others held", () => {
    const id = (members: string): Row => parseLine(`{"debit":"a","credit":"b","amount":1,${members}}`);
    expect(id('"id":"x","id":"y"')).toMatchObject({ status: "ok", content: { id: { text: "y" } } });
    expect(id('"id":{"a":[1]},"\\u0069d":"y"')).toMatchObject({ status: "ok", content: { id: { text: "y" } } });
    expect(id('"id":"y","id":[]')).toMatchObject({ status: "invalid_row" });
    expect(id('"id":"y","id":null')).toMatchObject({ status: "id_must_not_be_empty" });
  });

  it("texts without their escapes stay apart, as long as they may be", () => {
    const text = (letter: string, length: number): string => `"\\u00e9${letter.repeat(length)}"`;
    const line = `{"id":${text("i", 62)},"credit":${text("c", 62)},"debit":${text("d", 63)},"post":${text("p", 62)},"void":null}`;
    expect(parseLine(line)).toMatchObject({
      status: "ok",
      content: {
        id: { text: `\xc3\xa9${"i".repeat(62)}` },
        credit: { text: `\xc3\xa9${"c".repeat(62)}` },
        debit: { kind: "too long" },
        pending: { text: `\xc3\xa9${"p".repeat(62)}` },
      },
    });
  });

  it("half a surrogate pair is no UTF-8, a whole one is four bytes", () => {
    for (const half of ["\\ud83d", "\\ude00", "\\ude00\\ud83d", "\\ud83dx", "\\ud83d\\u0041"]) {
      expect(parseLine(`{"id":"${half}","debit":"a","credit":"b","amount":1}`)).toMatchObject({
        status: "id_not_utf8",
      });
    }
    expect(parseLine('{"id":"\\ud83d\\ude00","debit":"a","credit":"b","amount":1}')).toMatchObject({
      status: "ok",
      content: { id: { kind: 4, text: bytesOf("😀") } },
    });
  });

  it("a line may have 1 MiB, line end included, and any depth, and the next one is read", () => {
    const fill = (size: number, text: string): string => text.repeat(size);
    const line = (size: number): string => {
      const rest = '{"id":"t","debit":"a","credit":"b","amount":1,"x":""}\n';
      return rest.replace('""', `"${fill(size - rest.length, "x")}"`);
    };
    const statuses = (text: string): string[] => parseTransfers(text, NDJSON, 2).map(({ status }) => status);
    expect(statuses(line(MIB) + line(100))).toEqual(["ok", "ok"]);
    expect(statuses(line(MIB + 1) + line(100))).toEqual(["invalid_row", "ok"]);
    expect(statuses(line(5 * MIB) + line(100))).toEqual(["invalid_row", "ok"]);
    const deep = (open: string, close: string): string =>
      `{"id":"t","debit":"a","credit":"b","amount":1,"x":${open}${close}}\n`;
    const depth = 500_000;
    expect(statuses(deep("[".repeat(depth), "]".repeat(depth)) + line(100))).toEqual(["ok", "ok"]);
    expect(statuses(deep("[".repeat(2 * depth), "") + line(100))).toEqual(["invalid_row", "ok"]);
    expect(statuses(deep(`${'{"":'.repeat(100_000)}[`, "}".repeat(100_000)) + line(100))).toEqual([
      "invalid_row",
      "ok",
    ]);
  });

  it("empty lines are none, and the file's end ends a line", () => {
    expect(parseTransfers("\n\r\n{}\r\n\n{}", NDJSON, 2).map(({ status }) => status)).toEqual([
      "invalid_amount",
      "invalid_amount",
    ]);
  });
});

describe("a batch does not end within a chain of linked rows", () => {
  const columns: Role[] = ["id", "debit", "credit", "amount", "linked"];
  const csv: Format = { format: "csv", columns };
  const linked = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("1", "true") },
    fc.constantFrom("", "0", "x", "bad row"),
  );
  const chains = fc.array(
    fc.tuple(linked, fc.nat({ max: 60 })).map(([linked, size]) => {
      return linked === "bad row" ? '"x"y\n' : `t,${"d".repeat(size)},c,1,${linked}\n`;
    }),
    { maxLength: 60, size: "max" },
  );

  /** Rows of each batch but the last, and whether it says that it is one open chain. */
  function batchesOf(text: string, format: Format, cuts: Cuts): { rows: Row[]; isChainOpen: boolean }[] {
    const sizes: [number, boolean][] = [];
    const rows = parseTransfers(text, format, 0, cuts, { onBatch: (...batch) => sizes.push(batch) });
    return sizes.map(([size, isChainOpen]) => ({ rows: rows.splice(0, size), isChainOpen }));
  }

  test.prop([chains, cutsOf(fc.integer({ min: 1, max: 800 }))], runsOf(100))(
    "unless it is nothing else, and says so",
    (lines, cuts) => {
      const text = lines.join("");
      const batches = batchesOf(text, csv, cuts);
      expect(batches.flatMap(({ rows }) => rows)).toEqual(parseTransfers(text, csv, 0));
      batches.forEach(({ rows, isChainOpen }, index) => {
        const isLast = index === batches.length - 1;
        const isAllLinked = rows.length > 0 && rows.every(isLinked);
        if (isChainOpen) expect([isAllLinked, isLast]).toEqual([true, false]);
        else if (!isLast && rows.length > 0) expect(isLinked(rows.at(-1)!)).toBe(false);
      });
    },
  );

  it("is left to the next batch as a whole, over slices that are full", () => {
    const row = (isLinked: boolean): string => `t,a,b,1,${isLinked ? 1 : 0}\n`;
    const slices = Array.from({ length: 15 }, (_, slice) => (slice + 1) / 16);
    const chainAt = (before: number, length: number): string =>
      row(false).repeat(before) + row(true).repeat(length) + row(false).repeat(100);
    const sizes = (text: string): [number, boolean][] =>
      batchesOf(text, csv, { slices }).map(({ rows, isChainOpen }) => [rows.length, isChainOpen]);
    expect(sizes(chainAt(16_000, 3000))).toEqual([
      [16_000, false],
      [3100, false],
    ]);
    // It does not fit what was planned for the batch, but it fits a batch.
    const planned = batchesOf(chainAt(3000, 16_300), csv, { slices, share: 0.2 });
    expect(planned.slice(0, 2).map(({ rows, isChainOpen }) => [rows.length, isChainOpen])).toEqual([
      [3000, false],
      [16_384, false],
    ]);
    expect(sizes(chainAt(0, 20_000))).toEqual([
      [16_384, true],
      [3716, false],
    ]);
    // Not linked: nothing to leave.
    expect(sizes(chainAt(20_000, 0)).map(([rows]) => rows)).toEqual([16_384, 3716]);
  });

  it("a row that is too long to be read counts as linked, wherever the window ends", () => {
    const text = `t1,a,b,1,0\nt2,a,b,1,1\nt3,${"x".repeat(3 * MIB)},b,1,1\nt4,a,b,1,0\nt5,a,b,1,0\n`;
    const batches = batchesOf(text, csv, { windowSize: MIB + 1024 });
    expect(batches.map(({ rows, isChainOpen }) => [rows.map(({ status }) => status), isChainOpen])).toEqual([
      [["ok"], false],
      [["ok", "invalid_row"], true],
      [[], false],
      [["ok", "ok"], false],
    ]);
  });

  it("of NDJSON, too", () => {
    const line = (linked: boolean): string => `{"id":"t","debit":"a","credit":"b","amount":1,"linked":${linked}}\n`;
    const text = line(false).repeat(5) + line(true).repeat(3) + line(false).repeat(5);
    const batches = batchesOf(text, NDJSON, { windowSize: line(true).length * 7 });
    expect(batches.map(({ rows }) => rows.length)).toEqual([5, 6, 2]);
  });
});
