/** Reading: the window over a source of any length, the header ahead of the rows, what can't be read. */
import { execFileSync } from "node:child_process";
import { appendFileSync, renameSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it, vi } from "vitest";
import * as layout from "../../../src/core/layout.js";
import { takeHeader } from "../../../src/settlement/header.js";
import {
  type ByteSource,
  checkReadable,
  InputWindow,
  openFile,
  openFileToRepeat,
  openStream,
} from "../../../src/settlement/input-window.js";
import { temporaryFolder } from "../../support/cli.js";

/** A source that gives its bytes in pieces of these sizes, the last size for the rest. */
function inPieces(bytes: Uint8Array, sizes: readonly number[]): ByteSource {
  let at = 0;
  let piece = 0;
  return {
    name: "pieces",
    byteLength: undefined,
    async read(target) {
      const size = Math.min(sizes[Math.min(piece++, sizes.length - 1)]!, target.length, bytes.length - at);
      target.set(bytes.subarray(at, at + size));
      at += size;
      return size;
    },
    async close() {},
  };
}

async function drain(source: ByteSource): Promise<string> {
  const block = new Uint8Array(7);
  const parts: Buffer[] = [];
  for (;;) {
    const count = await source.read(block);
    if (count === 0) return Buffer.concat(parts).toString("utf8");
    parts.push(Buffer.from(block.subarray(0, count)));
  }
}

const NAMES = new Map([
  [layout.ROLE_DEBIT, "from"],
  [layout.ROLE_CREDIT, "to"],
  [layout.ROLE_AMOUNT, "amount"],
]);

describe("the header is read ahead of the rows", () => {
  it.for([
    ["from,to,amount\na,b,1\n", "a,b,1\n"],
    ["\ufefffrom,to,amount\r\na,b,1", "a,b,1"],
    ["from,to,amount", ""],
    ["\n\nfrom,to,amount\n", ""],
    ['"from",to,"amount"\n\na,b,1\n', "\na,b,1\n"],
  ] as const)("%j", async ([text, rest]) => {
    for (const sizes of [[1], [2, 3, 5], [1000]]) {
      const { columns, rows } = await takeHeader(inPieces(Buffer.from(text), sizes), ",", NAMES);
      expect([...columns.roles]).toEqual([layout.ROLE_DEBIT, layout.ROLE_CREDIT, layout.ROLE_AMOUNT]);
      expect(await drain(rows)).toBe(rest);
    }
  });

  it.for([
    ["", "invalid_header", /^pieces is empty: expected a CSV file whose first line names the columns$/],
    ["\ufeff", "invalid_header", /^pieces has no header in its first 3 bytes/],
    ["\n\n\n", "invalid_header", /^pieces has no header in its first 3 bytes/],
    ['"from,to\n', "invalid_header", /^pieces has no header/],
    ['fr"om,to\n', "invalid_header", /^pieces: Column 1 of the header has a quote inside/],
    ["a,b,c\n", "missing_column", /^pieces: .*no column "from" \(debit\).*Columns found: "a", "b", "c"\.$/],
    ["from;to;amount\n", "missing_column", /It looks delimited by ";": choose that as the delimiter\.$/],
    ["from\tto\tamount\n", "missing_column", /It looks delimited by "\\t"/],
    ["from,to,amount,from\n", "duplicate_column", /^pieces: The header has "from" \(debit\) more than once/],
    [`${"c,".repeat(1024)}from\n`, "too_many_columns", /^pieces: The header has 1025 columns; at most 1024/],
  ] as const)("%j is refused", async ([text, code, message]) => {
    await expect(takeHeader(inPieces(Buffer.from(text), [100]), ",", NAMES)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      details: { file: "pieces" },
    });
  });

  it("a header without an end is given up after the length that a row may have", async () => {
    const endless = inPieces(Buffer.alloc(layout.ROW_SIZE_MAX * 2, "x"), [1 << 16]);
    await expect(takeHeader(endless, ",", NAMES)).rejects.toMatchObject({ code: "invalid_header" });
  });
});

describe("the window", () => {
  test.prop([
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
    fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
    fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
  ])(
    "shows every byte once, in order, whatever the pieces and whatever is taken of it",
    async (bytes, sizes, takes) => {
      const memory = new Uint8Array(100);
      const window = new InputWindow(inPieces(bytes, sizes), memory, 20, 64);
      const seen: number[] = [];
      for (;;) {
        await window.fill(32);
        if (window.available === 0 && window.isFinal) break;
        expect(window.available >= 32 || window.isFinal || window.end === 84).toBe(true);
        window.readAhead();
        const count = Math.min(window.available, takes.next().value!);
        seen.push(...memory.subarray(window.start, window.start + count));
        window.consumeTo(window.start + count);
      }
      expect(seen).toEqual([...bytes]);
      expect(window.bytesRead).toBe(bytes.length);
      expect([...memory.subarray(0, 20), ...memory.subarray(84)].every((byte) => byte === 0)).toBe(true);
    },
  );

  it("moves little of what it has read ahead, however much faster it reads than is consumed", async () => {
    const megabyte = 1024 * 1024;
    const bytes = Buffer.from(Uint32Array.from({ length: 6 * megabyte }, (_, i) => i).buffer);
    const memory = Buffer.alloc(8 * megabyte);
    const window = new InputWindow(inPieces(bytes, [bytes.length]), memory, 0, memory.length);
    const move = vi.spyOn(memory, "copyWithin");
    let seen = 0;
    for (;;) {
      await window.fill(megabyte);
      if (window.available === 0) break;
      window.readAhead();
      const count = Math.min(window.available, megabyte / 2);
      expect(memory.compare(bytes, seen, seen + count, window.start, window.start + count)).toBe(0);
      seen += count;
      window.consumeTo(window.start + count);
    }
    expect(seen).toBe(bytes.length);
    const moved = move.mock.calls.reduce((sum, [, from, to]) => sum + (to! - from), 0);
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(bytes.length / 10);
  });

  it("a failure of the source is not taken for its end", async () => {
    const source: ByteSource = {
      name: "failing",
      byteLength: undefined,
      read: () => Promise.reject(new Error("cable")),
      close: async () => {},
    };
    const window = new InputWindow(source, new Uint8Array(4 << 20), 0, 4 << 20);
    window.readAhead();
    await expect(window.fill(1)).rejects.toThrow("cable");
    await expect(window.fill(1)).rejects.toThrow("cable");
    expect(window.isFinal).toBe(false);
  });
});

describe("a stream", () => {
  it("is read to its end, past pieces that are empty", async () => {
    const pieces = ["", "from,to", "", "", ",amount\n", "bank,shop,1\n", ""];
    expect(await drain(openStream(Readable.from(pieces.map((piece) => Buffer.from(piece))), "pieces"))).toBe(
      "from,to,amount\nbank,shop,1\n",
    );
  });

  it("may be one of text that is cut within a surrogate pair", async () => {
    expect(await drain(openStream(Readable.from(["a\ud83d", "", "\ude00b", "👛"]), "text"))).toBe("a😀b👛");
  });

  it("may be one of text, which is read as UTF-8", async () => {
    expect(await drain(openStream(Readable.from(["Grüße", "", " 1 €\n"]), "text"))).toBe("Grüße 1 €\n");
  });
});

/** Whatever a stream of it is told, it has no more to say. */
async function* neverGoingOn(): AsyncGenerator<Buffer> {
  await new Promise(() => {});
}

describe("a file", () => {
  const write = (path: string, text: string): void => {
    writeFileSync(path, text);
    utimesSync(path, 1, 1);
  };

  it("is read as often as wanted, however far others have read", async () => {
    const path = join(temporaryFolder(), "file");
    write(path, "0123456789".repeat(10));
    const file = await openFileToRepeat(path);
    await file.read(new Uint8Array(7));
    expect(await drain(file.again())).toBe("0123456789".repeat(10));
    expect(await drain(file)).toBe("0123456789".repeat(10).slice(7));
    await file.close();
  });

  it.each([
    ["longer", (path: string): void => appendFileSync(path, "more")],
    ["shorter", (path: string): void => truncateSync(path, 3)],
    ["other bytes", (path: string): void => writeFileSync(path, "9876543210")],
  ])("that becomes %s while it is read is read no further", async (_, change) => {
    const path = join(temporaryFolder(), "file");
    write(path, "0123456789");
    const file = await openFileToRepeat(path);
    const again = file.again();
    await file.read(new Uint8Array(5));
    change(path);
    for (const source of [file, again]) {
      await expect(source.read(new Uint8Array(5))).rejects.toMatchObject({
        code: "input_changed",
        details: { path },
        message: expect.stringContaining("was changed while it was read"),
      });
    }
    await file.close();
  });

  it("that another one takes the place of is read to its end", async () => {
    const path = join(temporaryFolder(), "file");
    write(path, "0123456789");
    const file = await openFileToRepeat(path);
    writeFileSync(`${path}.new`, "9876543210");
    renameSync(`${path}.new`, path);
    expect(await drain(file.again())).toBe("0123456789");
    await file.close();
  });

  it("that must be read twice can't be a pipe", async () => {
    const path = join(temporaryFolder(), "pipe");
    execFileSync("mkfifo", [path]);
    await expect(openFileToRepeat(path)).rejects.toMatchObject({
      code: "cannot_read",
      message: `${path} can't be read: it is read more than once, so it must be a regular file`,
    });
  });
});

describe("what can't be read is named", () => {
  it("a missing file, a directory", async () => {
    const folder = temporaryFolder();
    const missing = join(folder, "none.csv");
    for (const open of [openFile, openFileToRepeat, checkReadable]) {
      await expect(open(missing)).rejects.toMatchObject({
        code: "cannot_read",
        message: `${missing} can't be read: there is no such file: check the path`,
      });
      await expect(open(folder)).rejects.toMatchObject({
        code: "cannot_read",
        message: `${folder} is a directory: expected a CSV file`,
      });
    }
  });

  it("a stream that fails, by its name", async () => {
    const source = openStream(
      new Readable({
        read() {
          this.destroy(new Error("cable"));
        },
      }),
      "standard input",
    );
    await expect(source.read(new Uint8Array(1))).rejects.toMatchObject({
      code: "cannot_read",
      message: "standard input can't be read: cable",
    });
  });

  it("a stream of text in which half of a surrogate pair stands alone, wherever pieces end", async () => {
    for (const pieces of [
      ["a\ud83d"],
      ["a\ud83d", "b"],
      ["\ude00"],
      ["a\ud83d", Buffer.from("b")],
      ["\ud83d", "\ud83d"],
    ]) {
      await expect(drain(openStream(Readable.from(pieces), "standard input"))).rejects.toMatchObject({
        code: "cannot_read",
        message: "standard input can't be read: its text holds half of a surrogate pair",
      });
    }
  });

  it("a stream of anything but bytes and text", async () => {
    const source = openStream(Readable.from([{}]), "standard input");
    await expect(source.read(new Uint8Array(1))).rejects.toMatchObject({
      code: "cannot_read",
      message: "standard input can't be read: its pieces must be bytes or text, not object",
    });
  });

  it("a signal that came before the first read ends that one", async () => {
    const enough = AbortSignal.abort(new Error("enough"));
    const source = openStream(new PassThrough(), "standard input", enough);
    await expect(source.read(new Uint8Array(1))).rejects.toThrow("enough");
    await source.close();
  });

  it.each([
    ["waits itself", (): Readable => new PassThrough()],
    ["is made of something that waits", (): Readable => Readable.from(neverGoingOn())],
  ])("a signal ends a read of a stream that %s", async (_, open) => {
    const controller = new AbortController();
    const source = openStream(open(), "standard input", controller.signal);
    const reading = source.read(new Uint8Array(1));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
    await expect(source.read(new Uint8Array(1))).rejects.toThrow("enough");
    await source.close();
  });

  it("a pipe is checked without being opened", async () => {
    const folder = temporaryFolder();
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await checkReadable(join(folder, "pipe"));
    writeFileSync(join(folder, "file"), "");
    await checkReadable(join(folder, "file"));
  });
});
