/** A unit of several groups: kept as a whole, or as if it had never begun. */
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import type { Store } from "../../../src/stores/store.js";
import { group, readAll, Scratch, temporaryFolder } from "./support.js";

async function openWith(path: string, scratch: Scratch): Promise<Store> {
  const store = await openSqliteStore(path);
  await store.attach(scratch.memory);
  return store;
}

async function makeLedger(path: string): Promise<Scratch> {
  const scratch = new Scratch();
  const store = await openWith(path, scratch);
  await store.commit({ ...group(scratch.transfers(10)), assets: [{ code: "USD", scale: 2 }] });
  await store.close();
  return scratch;
}

test("what was committed since it began is there to be read, and gone once it is undone", async () => {
  const path = join(temporaryFolder(), "a.ledger");
  const scratch = await makeLedger(path);
  const bytes = readFileSync(path);
  const store = await openWith(path, scratch);
  await store.begin();
  const chunk = scratch.transfers(5);
  await store.commit({ ...group(chunk), assets: [{ code: "JPY", scale: 0 }], jobs: [{ hash: "ab", name: "job" }] });
  expect(await readAll(store, scratch)).toHaveLength(2);
  expect(await store.readChunkOf(12, scratch.target)).toMatchObject({ chunk: 1 });
  expect(await store.undo()).toMatchObject({
    chunkCount: 1,
    transferCount: 10,
    assets: [{ code: "USD", scale: 2 }],
  });
  expect(await readAll(store, scratch)).toHaveLength(1);
  expect(await store.readChunkOf(12, scratch.target)).toBeUndefined();
  expect(await store.jobName("ab")).toBeUndefined();
  // The next group continues where the journal was, and numbers assets as if nothing had been.
  await store.commit({ ...group(chunk), assets: [{ code: "EUR", scale: 2 }] });
  await store.close();
  const reopened = await openWith(path, scratch);
  expect(reopened.description).toMatchObject({ chunkCount: 2, transferCount: 15 });
  expect(reopened.description.assets.map(({ code }) => code)).toEqual(["USD", "EUR"]);
  await reopened.close();
  expect(readFileSync(path).equals(bytes)).toBe(false);
});

test("a unit within a unit is taken back alone, and kept only with the outer one", async () => {
  const path = join(temporaryFolder(), "a.ledger");
  const scratch = await makeLedger(path);
  const store = await openWith(path, scratch);
  const add = async (count: number, code: string): Promise<void> => {
    await store.commit({ ...group(scratch.transfers(count)), assets: [{ code, scale: 0 }] });
  };
  await store.begin();
  await add(5, "JPY");
  await store.begin();
  await add(3, "KRW");
  const { assets, ...left } = await store.undo();
  expect(left).toMatchObject({ chunkCount: 2, transferCount: 15 });
  expect(assets.map(({ code }) => code)).toEqual(["USD", "JPY"]);
  scratch.nextSequence = 16;
  await store.begin();
  await add(4, "CLP");
  await store.keep();
  expect(await readAll(store, scratch)).toHaveLength(3);
  expect(await store.undo()).toMatchObject({ chunkCount: 1, transferCount: 10, assets: [{ code: "USD", scale: 2 }] });
  expect(await readAll(store, scratch)).toHaveLength(1);
  await store.close();
});

test("a file larger than SQLite's memory is byte for byte what it was once the unit is undone", async () => {
  const path = join(temporaryFolder(), "a.ledger");
  const scratch = await makeLedger(path);
  const bytes = readFileSync(path);
  const store = await openWith(path, scratch);
  await store.begin();
  for (let written = 0; written < 1500; written += 50) {
    scratch.rewind();
    await store.commit(group(...Array.from({ length: 50 }, () => scratch.transfers(1024))));
  }
  // 72 MB, of which a cache of 32 MiB keeps less than half from the file.
  expect(readFileSync(path).length).toBeGreaterThan(30_000_000);
  await store.undo();
  await store.close();
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

test("all of it is on disk once it is kept, and none of it before", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "a.ledger");
  const scratch = await makeLedger(path);
  const store = await openWith(path, scratch);
  await store.begin();
  await store.commit(group(scratch.transfers(5)));
  await store.commit(group(scratch.transfers(6)));
  const asAfterACrash = (name: string): string => {
    for (const suffix of ["", "-journal"]) copyFileSync(path + suffix, join(folder, name + suffix));
    return join(folder, name);
  };
  const during = asAfterACrash("during");
  await store.keep();
  const after = asAfterACrash("after");
  await store.commit(group(scratch.transfers(1)));
  await store.close();
  for (const [copy, transferCount] of [
    [during, 10],
    [after, 21],
    [path, 22],
  ] as const) {
    const opened = await openWith(copy, scratch);
    expect(opened.description.transferCount).toBe(transferCount);
    await readAll(opened, scratch);
    await opened.close();
  }
});

test("a store that is closed in the middle keeps nothing of it", async () => {
  const path = join(temporaryFolder(), "a.ledger");
  const scratch = await makeLedger(path);
  const bytes = readFileSync(path);
  const store = await openWith(path, scratch);
  await store.begin();
  await store.commit(group(scratch.transfers(5)));
  await store.close();
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

test("on a full disk the unit is gone, what was before is there, and the store writes no more", async () => {
  const path = join(temporaryFolder(), "a.ledger");
  const scratch = await makeLedger(path);
  const bytes = readFileSync(path);
  const store = await openSqliteStore(path, { sizeMax: 4 * 1024 * 1024 });
  await store.attach(scratch.memory);
  await store.begin();
  const filling = async (): Promise<void> => {
    for (;;) {
      scratch.rewind();
      await store.commit(group(...Array.from({ length: 20 }, () => scratch.transfers(1024))));
    }
  };
  await expect(filling()).rejects.toMatchObject({ code: "store_failed" });
  await expect(store.keep()).rejects.toMatchObject({ code: "store_failed" });
  expect(await store.undo()).toMatchObject({ transferCount: 10 });
  await expect(store.begin()).rejects.toMatchObject({ code: "store_failed" });
  await store.close();
  expect(readFileSync(path).equals(bytes)).toBe(true);
});
