/** What happens when a thread or the store dies: nothing is acknowledged, nothing more is accepted, nothing is lost. */
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import * as layout from "../../../src/core/layout.js";
import { type Ledger, LedgerError, type NewTransfer, openLedger } from "../../../src/index.js";
import type { Store } from "../../../src/stores/store.js";
import { intercept, type OpenedParts, openParts, temporaryFolder } from "../../support/ledgers.js";
import { turn, withThreads } from "./support.js";

const MODES = ["parallel", "event-loop"] as const;
type Mode = (typeof MODES)[number];

function pay(id: string): NewTransfer {
  return { id, debit: "bank", credit: "shop", amount: 1n };
}

async function createAccounts(ledger: Ledger): Promise<void> {
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
}

/** Everything that a ledger offers is refused with the failure, and closing works. */
async function expectRefusesAll(ledger: Ledger, code: string): Promise<void> {
  const refusal = expect.objectContaining({ name: "LedgerError", code });
  await expect(async () => ledger.createTransfers([pay("later")])).rejects.toEqual(refusal);
  await expect(async () => ledger.createAccounts([{ id: "later", asset: "USD" }])).rejects.toEqual(refusal);
  await expect(async () => ledger.batch()).rejects.toEqual(refusal);
  await expect(async () => ledger.settle([pay("later")])).rejects.toEqual(refusal);
  expect(() => ledger.account("bank")).toThrow(LedgerError);
  expect(() => ledger.digest()).toThrow(LedgerError);
  await ledger.close();
}

/** The file opens again with what was acknowledged, `count` transfers, and takes what was not. */
async function expectNothingLost(path: string, digest: string, kept: readonly string[], lost: string): Promise<void> {
  const ledger = await openLedger(path, { workers: 2, capacity: { accounts: 1000, transfers: 100_000 } });
  onTestFinished(() => ledger.close());
  expect(ledger.digest()).toBe(digest);
  expect(await ledger.createTransfers(kept.map(pay))).toEqual(
    kept.map((_, i) => ({ result: "exists", sequence: i + 1 })),
  );
  expect(await ledger.createTransfers([pay(lost)])).toEqual([{ result: "ok", sequence: kept.length + 1 }]);
}

test.each(MODES)(
  "a kernel that traps in the middle of a batch rejects it, and the file has what was acknowledged (%s)",
  async (mode) => {
    const path = join(temporaryFolder(), "ledger.db");
    const { ledger, engine } = await openParts(path, { mode, workers: 3 });
    await createAccounts(ledger);
    await ledger.createTransfers([pay("one"), pay("two")]);
    const digest = ledger.digest();
    // Far behind the memory's end: the first look at an account traps.
    engine.view.setUint32(layout.SUPERBLOCK + layout.SB_ACCOUNTS, 0xffffff00, true);
    const code = mode === "parallel" ? "worker_failed" : "internal";
    const first = ledger.createTransfers([pay("lost")]);
    const second = ledger.createTransfers(Array.from({ length: 20_000 }, (_, i) => pay(`waiting-${i}`)));
    await expect(first).rejects.toMatchObject({ name: "LedgerError", code });
    await expect(second).rejects.toMatchObject({ name: "LedgerError", code });
    await expectRefusesAll(ledger, code);
    await expectNothingLost(path, digest, ["one", "two"], "lost");
  },
);

async function openWithThreads(path: string): Promise<OpenedParts & { readonly threads: readonly Worker[] }> {
  const { value, threads } = await withThreads(() => openParts(path, { workers: 3 }));
  // The store's thread came first.
  return { ...value, threads: threads.slice(1) };
}

test("a worker thread that dies with a batch before it rejects the batch, and the file has what was acknowledged", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  const { ledger, threads } = await openWithThreads(path);
  expect(threads).toHaveLength(3);
  await createAccounts(ledger);
  await ledger.createTransfers([pay("one"), pay("two")]);
  const digest = ledger.digest();
  // Without a turn of the event loop between: the pool does not know of the death when it hands out the tasks.
  for (const thread of threads) void thread.terminate();
  await expect(ledger.createTransfers([pay("lost")])).rejects.toMatchObject({
    name: "LedgerError",
    code: "worker_failed",
  });
  await expectRefusesAll(ledger, "worker_failed");
  await expectNothingLost(path, digest, ["one", "two"], "lost");
});

test("a worker thread that dies while there is nothing to do is replaced, and nobody notices", async () => {
  const { ledger, threads } = await openWithThreads(":memory:");
  await createAccounts(ledger);
  await ledger.createTransfers([pay("one")]);
  await Promise.all(threads.map((thread) => thread.terminate()));
  await turn(50);
  expect(await ledger.createTransfers([pay("two"), pay("one")])).toEqual([
    { result: "ok", sequence: 2 },
    { result: "exists", sequence: 1 },
  ]);
});

/**
 * Opens a ledger of one recorded transfer in the file, stops its next batch between dedupe and classify, where the
 * journal is asked about an id, and claims a unit of the next stage that nobody will ever execute: what a thread
 * leaves behind that dies at work.
 */
async function openStuck(
  path: string,
): Promise<{ ledger: Ledger; threads: readonly Worker[]; isStuck: () => boolean }> {
  let inTheMiddle = (): void => {};
  const wrap = (store: Store): Store =>
    intercept(store, {
      readChunkOf: (sequence, range) => {
        inTheMiddle();
        return store.readChunkOf(sequence, range);
      },
    });
  const { value, threads } = await withThreads(() => openParts(path, { workers: 3, wrap }));
  const { engine, ledger } = value;
  const words = new Int32Array(engine.memory.buffer);
  let stage = 0;
  inTheMiddle = () => {
    // The ledger's first batch since it was opened took the context that was free last.
    const context = engine.plan.contexts + (engine.plan.contextCount - 1) * layout.CONTEXT_SIZE;
    stage = context + layout.CX_STAGES + layout.STAGE_CLASSIFY * layout.STAGE_STRIDE;
    Atomics.add(words, (stage + layout.STAGE_NEXT) >>> 2, 1);
  };
  const units = layout.ACCOUNT_PARTITIONS + 1;
  const isStuck = (): boolean => stage !== 0 && Atomics.load(words, (stage + layout.STAGE_DONE) >>> 2) === units - 1;
  return { ledger, threads: threads.slice(1), isStuck };
}

test("a worker thread that dies at work rejects the batch, and lets the threads go that wait for it", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  const before = await openParts(path);
  await createAccounts(before.ledger);
  await before.ledger.createTransfers([pay("one")]);
  const digest = before.ledger.digest();
  await before.ledger.close();

  const { ledger, threads, isStuck } = await openStuck(path);
  const stuck = ledger.createTransfers([pay("one"), pay("lost")]);
  const outcome = expect(stuck).rejects.toMatchObject({ name: "LedgerError", code: "worker_failed" });
  while (!isStuck()) await turn(1);
  const waiting = ledger.createTransfers([pay("waiting")]);
  await threads[0]!.terminate();
  await outcome;
  await expect(waiting).rejects.toMatchObject({ code: "worker_failed" });
  await expectRefusesAll(ledger, "worker_failed");
  await expectNothingLost(path, digest, ["one"], "lost");
});

test.each(MODES)(
  "a journal that can't be read in the middle of a batch rejects it, and nothing more is accepted (%s)",
  async (mode) => {
    const path = join(temporaryFolder(), "ledger.db");
    const before = await openParts(path);
    await createAccounts(before.ledger);
    await before.ledger.createTransfers([pay("one")]);
    const digest = before.ledger.digest();
    await before.ledger.close();

    const unreadable = new LedgerError("journal_corrupt", "the journal's chunk 1 can't be read");
    const wrap = (store: Store): Store => intercept(store, { readChunkOf: () => Promise.reject(unreadable) });
    const { ledger } = await openParts(path, { mode, wrap });
    await expect(ledger.createTransfers([pay("lost"), pay("one")])).rejects.toMatchObject({ code: "journal_corrupt" });
    await expectRefusesAll(ledger, "journal_corrupt");
    await expectNothingLost(path, digest, ["one"], "lost");
  },
);

/** Lets the first commits pass and fails from then on. */
function failingAfter(commits: number): (store: Store) => Store {
  let left = commits;
  return (store) =>
    intercept(store, {
      commit: async (group) => {
        if (left-- > 0) return store.commit(group);
        await turn(20);
        throw new LedgerError("disk_full", "there is no room left on the disk");
      },
    });
}

test.each(MODES)(
  "a store that fails while a long source settles rejects the settlement and every call (%s)",
  async (mode: Mode) => {
    const path = join(temporaryFolder(), "ledger.db");
    const { ledger } = await openParts(path, { mode, wrap: failingAfter(2) });
    await createAccounts(ledger);
    await ledger.createTransfers([pay("one")]);
    const digest = ledger.digest();
    function* source(): Generator<NewTransfer> {
      for (let i = 0; i < 100_000; i++) yield pay(`lost-${i}`);
    }
    await expect(ledger.settle(source())).rejects.toMatchObject({ name: "LedgerError", code: "disk_full" });
    await expectRefusesAll(ledger, "disk_full");
    await expectNothingLost(path, digest, ["one"], "lost-0");
  },
);
