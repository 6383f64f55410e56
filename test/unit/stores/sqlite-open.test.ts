/** What is not ours stays as it is; what is ours has one owner. */
import { createHash } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import SQLite from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import { startChild, temporaryFolder } from "./support.js";

/** Everything about a folder that must not change. */
function fingerprint(folder: string): unknown[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const { size, mtimeMs } = statSync(path);
      return [name, size, mtimeMs, createHash("sha256").update(readFileSync(path)).digest("hex")];
    });
}

async function makeLedger(path: string): Promise<void> {
  await (await openSqliteStore(path)).close();
}

describe("a file that is somebody else's is refused and left as it is:", () => {
  const NOT_OURS: Record<string, (path: string) => void> = {
    "a text": (path) => writeFileSync(path, "date,amount\n".repeat(100)),
    "a few bytes": (path) => writeFileSync(path, "x"),
    zeros: (path) => writeFileSync(path, Buffer.alloc(65536)),
    "a database with a rollback journal": (path) => new SQLite(path).exec("CREATE TABLE mine (a)").close(),
    "a database of no tables": (path) => new SQLite(path).exec("CREATE TABLE a (a); DROP TABLE a").close(),
    "a database of another application": (path) => {
      new SQLite(path).exec("CREATE TABLE mine (a); PRAGMA application_id = 7").close();
    },
    "a database with a write-ahead log": (path) => {
      new SQLite(path).exec("PRAGMA journal_mode = WAL; CREATE TABLE mine (a)").close();
    },
  };
  for (const [what, make] of Object.entries(NOT_OURS)) {
    test(what, async () => {
      const folder = temporaryFolder();
      const path = join(folder, "file");
      make(path);
      const before = fingerprint(folder);
      await expect(openSqliteStore(path)).rejects.toMatchObject({
        code: "not_a_ledger",
        message: expect.stringContaining(path),
      });
      expect(fingerprint(folder)).toEqual(before);
    });
  }

  test("a database with a hot journal, which its owner has yet to roll back", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "file");
    new SQLite(path).exec("CREATE TABLE mine (a)").close();
    await startChild("tear", path).ended;
    const before = fingerprint(folder);
    expect(before).toHaveLength(2);
    await expect(openSqliteStore(path)).rejects.toMatchObject({ code: "not_a_ledger" });
    expect(fingerprint(folder)).toEqual(before);
  });

  test("a database that somebody has open", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "file");
    const database = new SQLite(path);
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE mine (a)");
    const before = fingerprint(folder).filter((entry) => (entry as string[])[0] !== "file-shm");
    await expect(openSqliteStore(path)).rejects.toMatchObject({ code: "not_a_ledger" });
    expect(fingerprint(folder).filter((entry) => (entry as string[])[0] !== "file-shm")).toEqual(before);
    database.close();
  });
});

describe("what can't be opened is said to be so:", () => {
  test("a directory", async () => {
    await expect(openSqliteStore(temporaryFolder())).rejects.toMatchObject({ code: "cannot_open" });
  });

  test("a folder that does not exist", async () => {
    const path = join(temporaryFolder(), "missing", "a.ledger");
    await expect(openSqliteStore(path)).rejects.toMatchObject({
      code: "cannot_open",
      message: expect.stringContaining("does not exist"),
    });
  });

  test("a missing file that should exist, which is not made", async () => {
    const folder = temporaryFolder();
    const opening = openSqliteStore(join(folder, "a.ledger"), { mode: "existing" });
    await expect(opening).rejects.toMatchObject({ code: "cannot_open" });
    expect(readdirSync(folder)).toEqual([]);
  });

  for (const mode of [0o000, 0o444]) {
    test(`a file of mode ${mode.toString(8).padStart(3, "0")}`, async () => {
      const folder = temporaryFolder();
      const path = join(folder, "a.ledger");
      await makeLedger(path);
      chmodSync(path, mode);
      chmodSync(folder, 0o777);
      // The superuser may read and write everything, so somebody else has to try.
      const child = startChild("open", path, process.getuid?.() === 0 ? 65534 : undefined);
      expect(await child.line()).toBe("cannot_open");
    });
  }

  test("a name that SQLite would be handed without its last blank", async () => {
    const folder = temporaryFolder();
    await expect(openSqliteStore(join(folder, "a.ledger "))).rejects.toMatchObject({ code: "cannot_open" });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a ledger of a newer release, which stays as it is", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a.ledger");
    await makeLedger(path);
    new SQLite(path).exec("PRAGMA user_version = 4").close();
    const before = fingerprint(folder);
    await expect(openSqliteStore(path)).rejects.toMatchObject({
      code: "ledger_too_new",
      details: { expected: 3, found: 4 },
    });
    expect(fingerprint(folder)).toEqual(before);
  });

  test("a ledger that lost its second half", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    await makeLedger(path);
    writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size / 2));
    await expect(openSqliteStore(path)).rejects.toMatchObject({ code: "journal_corrupt" });
  });
});

test("an empty file becomes a ledger", async () => {
  const path = join(temporaryFolder(), "a.ledger");
  writeFileSync(path, "");
  const store = await openSqliteStore(path, { mode: "existing" });
  expect(store.description.chunkCount).toBe(0);
  await store.close();
  const database = new SQLite(path, { readonly: true });
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  expect(database.pragma("page_size", { simple: true })).toBe(16384);
  database.close();
});

test("a ledger that some tool gave a write-ahead log is taken back to its own journal mode", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "a.ledger");
  await makeLedger(path);
  new SQLite(path).exec("PRAGMA journal_mode = WAL; UPDATE meta SET value = value").close();
  await makeLedger(path);
  const database = new SQLite(path, { readonly: true });
  expect(database.pragma("journal_mode", { simple: true })).toBe("delete");
  database.close();
  expect(readdirSync(folder)).toEqual(["a.ledger"]);
});

describe("a ledger has one owner:", () => {
  test("the same process can't open it twice, and its own lock holds after it has tried", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    const store = await openSqliteStore(path);
    await expect(openSqliteStore(path)).rejects.toMatchObject({ code: "ledger_locked" });
    // A POSIX lock is lost when its process closes any other descriptor of the file.
    expect(await startChild("open", path).line()).toBe("ledger_locked");
    await store.close();
  });

  test("another process can't open it until its owner has ended, however that came", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    const child = startChild("hold", path);
    expect(await child.line()).toBe("open");
    const start = performance.now();
    await expect(openSqliteStore(path)).rejects.toMatchObject({
      code: "ledger_locked",
      message: expect.stringContaining(path),
    });
    expect(performance.now() - start).toBeLessThan(2000);
    child.process.kill("SIGKILL");
    await child.ended;
    await (await openSqliteStore(path)).close();
  });

  test("two that open a new file at once do not both get it", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    const attempts = await Promise.allSettled(Array.from({ length: 4 }, () => openSqliteStore(path)));
    const stores = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
    const codes = attempts.flatMap((attempt) => (attempt.status === "rejected" ? [attempt.reason.code] : []));
    expect(stores).toHaveLength(1);
    expect(codes).toEqual(["ledger_locked", "ledger_locked", "ledger_locked"]);
    await stores[0]?.close();
  });
});
