/** A private copy holds what the ledger holds, leaves it as it is, and is gone when it is closed. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import { group, readAll, Scratch, startChild, temporaryFolder } from "./support.js";

/** Names, sizes, times and bytes of everything in the folder. */
function fingerprint(folder: string): unknown[] {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name));
      return [name, size, mtimeMs, readFileSync(join(folder, name)).toString("hex")];
    });
}

async function makeLedger(path: string): Promise<Scratch> {
  const scratch = new Scratch();
  const store = await openSqliteStore(path);
  await store.attach(scratch.memory);
  await store.commit(group(scratch.accounts(2, 0), scratch.transfers(100)));
  await store.close();
  return scratch;
}

async function expectCopyOfThree(path: string, scratch: Scratch): Promise<void> {
  const store = await openSqliteStore(path, { copy: true });
  expect(store.description).toMatchObject({ chunkCount: 2, transferCount: 100, isTemporary: true });
  await store.attach(scratch.memory);
  await store.commit(group(scratch.transfers(7)));
  expect(await readAll(store, scratch)).toHaveLength(3);
  await store.close();
}

test("what is committed to a copy is in no file afterwards", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "a.ledger");
  const scratch = await makeLedger(path);
  const before = fingerprint(folder);
  await expectCopyOfThree(path, scratch);
  expect(fingerprint(folder)).toEqual(before);
});

test("the ledger may be used while a copy of it is", async () => {
  const path = join(temporaryFolder(), "a.ledger");
  await makeLedger(path);
  const copies = await Promise.all([openSqliteStore(path, { copy: true }), openSqliteStore(path, { copy: true })]);
  const store = await openSqliteStore(path);
  for (const opened of [store, ...copies]) {
    expect(opened.description.transferCount).toBe(100);
    await opened.close();
  }
});

test("a copy of no ledger is an empty one, and makes no file", async () => {
  const folder = temporaryFolder();
  const store = await openSqliteStore(join(folder, "a.ledger"), { copy: true });
  expect(store.description).toMatchObject({ transferCount: 0, isTemporary: true });
  expect(readdirSync(folder)).not.toContain("a.ledger");
  await store.close();
  expect(readdirSync(folder)).toEqual([]);
  const missing = openSqliteStore(join(folder, "a.ledger"), { copy: true, mode: "existing" });
  await expect(missing).rejects.toMatchObject({ code: "cannot_open" });
});

test("a transaction that a crash tore is rolled back in the copy alone", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "a.ledger");
  const scratch = await makeLedger(path);
  await startChild("tear", path).ended;
  const before = fingerprint(folder);
  expect(before).toHaveLength(2);
  await expectCopyOfThree(path, scratch);
  expect(fingerprint(folder)).toEqual(before);
});

test("a ledger that is open elsewhere, and a file that is none, are refused and nothing is left", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "a.ledger");
  await makeLedger(path);
  const holder = startChild("hold", path);
  expect(await holder.line()).toBe("open");
  await expect(openSqliteStore(path, { copy: true })).rejects.toMatchObject({ code: "ledger_locked" });
  holder.process.kill("SIGKILL");
  await holder.ended;
  const store = await openSqliteStore(path);
  await expect(openSqliteStore(path, { copy: true })).rejects.toMatchObject({ code: "ledger_locked" });
  await store.close();
  await expect(openSqliteStore(folder, { copy: true })).rejects.toMatchObject({ code: "cannot_open" });
  expect(readdirSync(folder)).toEqual(["a.ledger"]);
});
