import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import SQLite from "better-sqlite3";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import * as layout from "../../../src/core/layout.js";
import { openLedger } from "../../../src/index.js";
import { openSqliteStore, type SqliteStoreOptions } from "../../../src/stores/sqlite.js";
import type { SnapshotRequest, Store } from "../../../src/stores/store.js";
import { group, readAll, Scratch, startChild, temporaryFolder } from "./support.js";

const { threads } = vi.hoisted(() => ({ threads: [] as Worker[] }));

// Only remembers the threads, so that a test can end one.
vi.mock("node:worker_threads", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:worker_threads")>();
  class RememberedWorker extends original.Worker {
    constructor(...values: ConstructorParameters<typeof Worker>) {
      super(...values);
      threads.push(this);
    }
  }
  return { ...original, Worker: RememberedWorker };
});

async function openWith(path: string, scratch: Scratch, options: SqliteStoreOptions = {}): Promise<Store> {
  const store = await openSqliteStore(path, options);
  await store.attach(scratch.memory);
  return store;
}

describe("the journal", () => {
  const places: readonly { place: string; isFile?: true; options?: SqliteStoreOptions }[] = [
    { place: "a file", isFile: true },
    { place: "a file on the calling thread", isFile: true, options: { onCallingThread: true } },
    { place: "memory" },
    { place: "memory on the calling thread", options: { onCallingThread: true } },
  ];
  for (const { place, isFile = false, options = {} } of places) {
    test(`chunks come back as they were committed, from ${place}`, async () => {
      const scratch = new Scratch();
      const store = await openWith(isFile ? join(temporaryFolder(), "a.ledger") : ":memory:", scratch, options);
      const committed = [scratch.accounts(3, 40), scratch.transfers(1), scratch.transfers(1024), scratch.transfers(7)];
      const expected = committed.map((range) => scratch.bytes(range));
      await store.commit(group(...committed.slice(0, 2)));
      await store.commit(group(...committed.slice(2)));

      const found = await readAll(store, scratch);

      expect(found.map(({ chunk }) => chunk)).toEqual([0, 1, 2, 3]);
      expect(found.map((range) => scratch.bytes(range))).toEqual(expected);
      expect(found.every(({ address }) => address % 8 === 0)).toBe(true);
      await store.close();
    });
  }

  test("a ledger opened again knows what it holds", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    const scratch = new Scratch();
    const store = await openWith(path, scratch);
    const { seedLow, seedHigh } = store.description;
    expect(store.description).toMatchObject({ chunkCount: 0, transferCount: 0, accountCount: 0, assets: [] });
    await store.commit({
      chunks: [scratch.accounts(3, 40), scratch.transfers(10)],
      assets: [{ code: "USD", scale: 2 }],
      jobs: [{ hash: "00".repeat(16), name: "monday.csv" }],
    });
    await store.commit({ chunks: [scratch.transfers(5)], assets: [{ code: "JPY", scale: 0 }], jobs: [] });
    await store.close();

    const reopened = await openSqliteStore(path, { mode: "existing" });

    expect(reopened.description).toEqual({
      seedLow,
      seedHigh,
      chunkCount: 3,
      transferCount: 15,
      accountCount: 3,
      accountTextSize: 40,
      pendingCount: 0,
      lastTimestamp: 0n,
      assets: [
        { code: "USD", scale: 2 },
        { code: "JPY", scale: 0 },
      ],
      snapshot: undefined,
      isTemporary: false,
    });
    expect(await reopened.jobName("00".repeat(16))).toBe("monday.csv");
    expect(await reopened.jobName("11".repeat(16))).toBeUndefined();
    await reopened.close();
  });

  test("every ledger draws its own seed", async () => {
    const stores = await Promise.all([openSqliteStore(":memory:"), openSqliteStore(":memory:")]);
    expect(stores[0]?.description.seedLow).not.toBe(stores[1]?.description.seedLow);
    await Promise.all(stores.map((store) => store.close()));
  });

  test("a job that is announced again keeps its first name", async () => {
    const store = await openWith(":memory:", new Scratch());
    await store.commit({ chunks: [], assets: [], jobs: [{ hash: "ab", name: "first" }] });
    await store.commit({ chunks: [], assets: [], jobs: [{ hash: "ab", name: "second" }] });
    expect(await store.jobName("ab")).toBe("first");
    await store.close();
  });

  test("a sequence leads to the chunk that holds it, past chunks of accounts", async () => {
    const scratch = new Scratch();
    const store = await openWith(":memory:", scratch);
    await store.commit(
      group(scratch.transfers(10), scratch.accounts(2, 0), scratch.transfers(1), scratch.transfers(4)),
    );
    const chunkOf = async (sequence: number) => (await store.readChunkOf(sequence, scratch.target))?.chunk;
    expect(await Promise.all([0, 1, 10, 11, 12, 15, 16].map(chunkOf))).toEqual([undefined, 0, 0, 2, 3, 3, undefined]);
    await store.close();
  });

  test("as many chunks are read as fit, and one that can't fit is an error instead of an end", async () => {
    const scratch = new Scratch();
    const store = await openWith(":memory:", scratch);
    await store.commit(group(scratch.transfers(2), scratch.transfers(2), scratch.transfers(2)));
    const { address } = scratch.target;
    expect(await store.readChunks(0, { address, byteLength: 2 * 192 + 191 })).toHaveLength(2);
    expect(await store.readChunks(2, { address, byteLength: 192 })).toHaveLength(1);
    expect(await store.readChunks(3, { address, byteLength: 192 })).toHaveLength(0);
    await expect(store.readChunks(0, { address, byteLength: 191 })).rejects.toMatchObject({ code: "range_too_small" });
    await expect(store.readChunkOf(1, { address, byteLength: 191 })).rejects.toMatchObject({ code: "range_too_small" });
    await store.close();
  });

  test("a chunk that does not continue the journal is refused, with its whole group and every later one", async () => {
    const scratch = new Scratch();
    const store = await openWith(":memory:", scratch);
    await store.commit(group(scratch.transfers(10)));
    const gap = new Scratch(12).transfers(1);
    await expect(store.commit(group(scratch.transfers(1), gap))).rejects.toMatchObject({ code: "store_failed" });
    await expect(store.commit(group())).rejects.toMatchObject({ code: "store_failed" });
    expect(await readAll(store, scratch)).toHaveLength(1);
    await store.close();
  });
});

describe("the snapshot", () => {
  const HOT = 4 * 1024 * 1024;
  const COLD = HOT + 65536;
  const TEXT = COLD + 65536;
  const REGION = 5 * 1024 * 1024;
  const REGION_SIZE = 4 * 1024 * 1024 + 100;

  function writeAccount(scratch: Scratch, slot: number, id: string, version: bigint, debits: bigint, credits: bigint) {
    const { view, memory } = scratch;
    const hot = HOT + slot * layout.ACCOUNT_SIZE;
    const encoded = Buffer.from(id);
    view.setBigUint64(hot + layout.AC_VERSION, version, true);
    for (const [field, amount] of [
      [layout.AC_DEBITS_POSTED, debits] as const,
      [layout.AC_CREDITS_POSTED, credits] as const,
    ]) {
      view.setBigUint64(hot + field, BigInt.asUintN(64, amount), true);
      view.setBigUint64(hot + field + 8, amount >> 64n, true);
    }
    view.setUint16(hot + layout.AC_ASSET, 1, true);
    if (/^[0-9a-f]{8}-/.test(id)) {
      view.setUint8(hot + layout.AC_ID_KIND, layout.KIND_UUID);
      new Uint8Array(memory.buffer, hot + layout.AC_KEY, 16).set(Buffer.from(id.replaceAll("-", ""), "hex"));
    } else {
      view.setUint8(hot + layout.AC_ID_KIND, encoded.length);
      const isInline = encoded.length <= layout.KIND_INLINE_MAX;
      const text = isInline ? hot + layout.AC_KEY : TEXT + slot * 64;
      new Uint8Array(memory.buffer, text, encoded.length).set(encoded);
      view.setUint32(COLD + slot * layout.ACCOUNT_COLD_SIZE + layout.AO_ID_TEXT, isInline ? 0 : text - TEXT, true);
    }
  }

  function request(accountCount: number, transferCount: number, digest: string): SnapshotRequest {
    const regions = [
      { name: "image", address: REGION, byteLength: REGION_SIZE },
      { name: "nothing", address: REGION, byteLength: 0 },
    ];
    const tables = { accountCount, accounts: HOT, accountsCold: COLD, accountText: TEXT };
    return { layoutVersion: 7, transferCount, digest, regions, ...tables };
  }

  test("comes back byte for byte, described as it was written, and replaced by the next one", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    const scratch = new Scratch();
    const store = await openWith(path, scratch);
    await store.commit(group(scratch.transfers(3)));
    const image = { address: REGION, byteLength: REGION_SIZE };
    for (const [value, digest] of [[1, "aa"] as const, [2, "bb"] as const]) {
      new Uint8Array(scratch.memory.buffer, REGION, REGION_SIZE).fill(value);
      scratch.view.setUint8(REGION + REGION_SIZE - 1, 99);
      await store.writeSnapshot(request(0, 3, digest));
    }
    const expected = scratch.bytes(image);
    await store.close();

    const reopened = await openWith(path, scratch);
    new Uint8Array(scratch.memory.buffer, REGION, REGION_SIZE).fill(0);
    expect(reopened.description.snapshot).toEqual({
      layoutVersion: 7,
      chunkCount: 1,
      transferCount: 3,
      accountCount: 0,
      digest: "bb",
      regions: [
        { name: "image", byteLength: REGION_SIZE },
        { name: "nothing", byteLength: 0 },
      ],
    });
    await reopened.readSnapshot([{ name: "image", ...image }]);
    expect(scratch.bytes(image).equals(expected)).toBe(true);

    const shorter = [{ name: "image", address: REGION, byteLength: 100 }];
    await expect(reopened.readSnapshot(shorter)).rejects.toMatchObject({ code: "snapshot_corrupt" });
    const longer = [{ name: "image", address: REGION, byteLength: REGION_SIZE + 1 }];
    await expect(reopened.readSnapshot(longer)).rejects.toMatchObject({ code: "snapshot_corrupt" });
    await reopened.close();
  });

  test("takes the room of the one before the last: the file does not grow for ever", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    const scratch = new Scratch();
    const store = await openWith(path, scratch);
    const sizes: number[] = [];
    for (let round = 0; round < 6; round++) {
      await store.writeSnapshot(request(0, 0, "aa"));
      sizes.push(statSync(path).size);
    }
    expect(sizes[5]).toBe(sizes[1]);
    expect(statSync(`${path}-journal`).size).toBeLessThan(REGION_SIZE / 10);
    await store.close();
  });

  test("with a damaged byte is reported, and leaves the journal readable", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    const scratch = new Scratch();
    const store = await openWith(path, scratch);
    await store.commit(group(scratch.transfers(3)));
    await store.writeSnapshot(request(0, 3, "aa"));
    await store.close();
    const database = new SQLite(path);
    const piece = database.prepare<[], Buffer>("SELECT data FROM snapshot_pieces WHERE piece = 1").pluck().get()!;
    piece[1000]! ^= 1;
    database.prepare("UPDATE snapshot_pieces SET data = ? WHERE piece = 1").run(piece);
    database.close();

    const reopened = await openWith(path, scratch);
    const ranges = [{ name: "image", address: REGION, byteLength: REGION_SIZE }];
    await expect(reopened.readSnapshot(ranges)).rejects.toMatchObject({ code: "snapshot_corrupt" });
    expect(await readAll(reopened, scratch)).toHaveLength(1);
    await reopened.close();
  });

  test("ahead of the journal is refused and fails nothing else", async () => {
    const scratch = new Scratch();
    const store = await openWith(":memory:", scratch);
    await expect(store.writeSnapshot(request(0, 3, "aa"))).rejects.toMatchObject({ code: "snapshot_too_early" });
    await store.commit(group(scratch.transfers(3)));
    await store.writeSnapshot(request(0, 3, "aa"));
    await store.close();
  });

  test("refreshes the rows of accounts that are new or changed, whatever their ids and amounts", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    const scratch = new Scratch();
    let store = await openWith(path, scratch);
    const uuid = "0198c0de-0000-7000-8000-00000000000f";
    const long = "a name with more than sixteen bytes: é";
    await store.commit({ chunks: [scratch.accounts(3, 48)], assets: [{ code: "USD", scale: 2 }], jobs: [] });
    writeAccount(scratch, 0, "acct-é", 0n, 0n, 0n);
    writeAccount(scratch, 1, uuid, 2n, 5n, 2n ** 63n);
    writeAccount(scratch, 2, long, 3n, 2n ** 128n - 1n, 0n);
    await store.writeSnapshot(request(3, 0, "aa"));
    // Known to be unchanged from its version alone: the row must not be written again.
    writeAccount(scratch, 1, uuid, 2n, 6n, 6n);
    writeAccount(scratch, 0, "acct-é", 1n, 9n, 0n);
    await store.writeSnapshot(request(3, 0, "bb"));
    await store.close();
    store = await openWith(path, scratch);
    await store.commit(group(scratch.accounts(1, 0)));
    writeAccount(scratch, 3, "late", 1n, 0n, 4n);
    await store.writeSnapshot(request(4, 0, "cc"));
    await store.close();

    const database = new SQLite(path, { readonly: true });
    const rows = database
      .prepare("SELECT id, asset, debits_posted, credits_posted, balance, version FROM accounts ORDER BY slot")
      .safeIntegers()
      .raw()
      .all();
    database.close();
    expect(rows).toEqual([
      ["acct-é", "USD", 9n, 0n, -9n, 1n],
      [uuid, "USD", 5n, "9223372036854775808", 2n ** 63n - 5n, 2n],
      [long, "USD", `${2n ** 128n - 1n}`, 0n, `-${2n ** 128n - 1n}`, 3n],
      ["late", "USD", 0n, 4n, 4n, 1n],
    ]);
  });

  test("every account has one row that is found by its id, however many are new at a time", async () => {
    const path = join(temporaryFolder(), "a.ledger");
    const scratch = new Scratch();
    const store = await openWith(path, scratch);
    await store.commit({ chunks: [scratch.accounts(47, 0)], assets: [{ code: "USD", scale: 2 }], jobs: [] });
    for (let slot = 0; slot < 53; slot++) writeAccount(scratch, slot, `a-${slot}`, 1n, BigInt(slot), 0n);
    await store.writeSnapshot(request(47, 0, "aa"));
    await store.commit(group(scratch.accounts(6, 0)));
    await store.writeSnapshot(request(53, 0, "bb"));
    await store.close();

    const database = new SQLite(path, { readonly: true });
    const plan = database.prepare<[], { detail: string }>("EXPLAIN QUERY PLAN SELECT slot FROM accounts WHERE id = ''");
    expect(plan.get()?.detail).toContain("INDEX accounts_id");
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    const select = database.prepare<[string], { slot: number; debits: number }>(
      "SELECT slot, debits_posted AS debits FROM accounts WHERE id = ?",
    );
    for (let slot = 0; slot < 53; slot++) expect(select.all(`a-${slot}`)).toEqual([{ slot, debits: slot }]);
    database.close();
  });
});

describe("the thread", () => {
  test("leaves one file behind when the ledger is closed, and closing twice is closing once", async () => {
    const folder = temporaryFolder();
    const scratch = new Scratch();
    const store = await openWith(join(folder, "a.ledger"), scratch);
    const commit = store.commit(group(scratch.transfers(1000)));
    await Promise.all([store.close(), store.close()]);
    await commit;
    expect(readdirSync(folder)).toEqual(["a.ledger"]);
    await expect(store.commit(group())).rejects.toMatchObject({ code: "ledger_closed" });
  });

  test("that dies fails the calls under way and all later ones", async () => {
    const scratch = new Scratch();
    const store = await openWith(":memory:", scratch);
    // From here on the thread takes no message, which its caller has yet to hear.
    const terminated = threads.at(-1)?.terminate();
    const underway = store.commit(group(scratch.transfers(1000)));
    await expect(underway).rejects.toMatchObject({ code: "store_failed" });
    await terminated;
    await expect(store.jobName("00")).rejects.toMatchObject({ code: "store_failed" });
    await store.close();
  });

  test("lets its process end, be the ledger closed or left open", async () => {
    for (const errand of ["open", "leave"] as const) {
      const child = startChild(errand, join(temporaryFolder(), "a.ledger"));
      await child.ended;
      expect(child.lines).toEqual(["open"]);
      expect(child.process.signalCode).toBeNull();
    }
  });

  test("is not started for options that make no sense", async () => {
    const started = threads.length;
    const nonsense = [
      { mod: "create" },
      { mode: "new" },
      { copy: 1 },
      { sizeMax: 0 },
      { sizeMax: Number.NaN },
      { onCallingThread: "yes" },
    ];
    for (const options of nonsense) {
      await expect(openSqliteStore(":memory:", options as object)).rejects.toMatchObject({ code: "invalid_option" });
    }
    expect(threads).toHaveLength(started);
  });
});

describe("on the calling thread", () => {
  test("a ledger in memory and on the event loop starts no thread; one that has either elsewhere does", async () => {
    const started = threads.length;
    await (await openLedger(":memory:", { mode: "event-loop" })).close();
    expect(threads).toHaveLength(started);
    await (await openLedger(join(temporaryFolder(), "a.ledger"), { mode: "event-loop" })).close();
    expect(threads).toHaveLength(started + 1);
    await (await openLedger(":memory:", { workers: 1 })).close();
    expect(threads).toHaveLength(started + 2);
  });

  test("every call has a turn of the event loop to itself, so that whoever asks on and on keeps nothing else out", async () => {
    const store = await openWith(":memory:", new Scratch(), { onCallingThread: true });
    let isAnswered = false;
    const answered = store.chunkCount().then(() => {
      isAnswered = true;
    });
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    expect(isAnswered).toBe(false);
    await answered;
    let isDue = false;
    setTimeout(() => {
      isDue = true;
    }, 5);
    const start = performance.now();
    while (!isDue && performance.now() - start < 5000) await store.chunkCount();
    expect(isDue).toBe(true);
    await store.close();
  });

  test("a ledger works where a test has put timers of its own in the place of the real ones", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const ledger = await openLedger(":memory:", { mode: "event-loop" });
    await ledger.createAccounts([
      { id: "a", asset: "USD" },
      { id: "b", asset: "USD" },
    ]);
    // More than one slice of the event loop holds.
    const transfers = Array.from({ length: 8000 }, (_, i) => ({ id: `t${i}`, debit: "a", credit: "b", amount: 1n }));
    expect(await ledger.createTransfers(transfers)).toHaveLength(8000);
    await ledger.settle([{ id: "last", debit: "a", credit: "b", amount: 1n }]);
    expect(ledger.account("b")?.balance).toBe(8001n);
    await ledger.close();
  });

  test("failures and the end arrive as from a thread", async () => {
    const scratch = new Scratch();
    const store = await openWith(":memory:", scratch, { onCallingThread: true });
    const other = new Scratch(7);
    await store.attach(other.memory);
    await expect(store.commit(group(other.transfers(1)))).rejects.toMatchObject({ name: "LedgerError" });
    const asked = store.chunkCount();
    const closing = store.close();
    expect(await asked).toBe(0);
    await closing;
    await store.close();
    await expect(store.chunkCount()).rejects.toMatchObject({ code: "ledger_closed" });
  });
});
