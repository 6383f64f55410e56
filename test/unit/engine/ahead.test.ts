/**
 * Batches that are handed to the workers while the one before them executes: they need no word from the coordinator's
 * thread between the two, and what comes of them is what comes of one after the other.
 */
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { BatchResults } from "../../../src/core/batch.js";
import * as layout from "../../../src/core/layout.js";
import type { Engine } from "../../../src/engine/engine.js";
import { TURN_LENGTH } from "../../../src/engine/executor.js";
import { randomNumbers, wholeWorkload } from "../../support/arbitraries.js";
import { expectSameState, openLedgerHere, openParts, RUNS_MS_MAX, runsOf } from "../../support/ledgers.js";
import { Model, type ModelNewTransfer, type ModelResult } from "../../support/model.js";
import { fill, turn } from "./support.js";

const pay = (id: string, amount = 1n) => ({ id, debit: "bank", credit: "shop", amount });

/** Fills a batch and says that it needs nothing but the workers. Returns what comes of it. */
async function submit(engine: Engine, ids: readonly string[]): Promise<{ results: Promise<string[]> }> {
  const writer = await fill(
    engine,
    ids.map((id) => pay(id)),
  );
  const promised = { transfers: writer.count, pendings: 0 };
  engine.room.promise(promised);
  const results = engine.execute(writer.context, { slices: 1, flags: 0, promised }).then(async ({ durable }) => {
    const found = new BatchResults(engine.bytes, writer.context, writer.count);
    engine.releaseContext(writer.context);
    await durable;
    return ids.map((_, i) => `${found.result(i)} ${found.sequence(i)}`);
  });
  return { results };
}

/** Lets what is settled be noticed, but no message of another thread. */
async function microtasks(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

/** Blocks this thread until the turn has come, or so many milliseconds have passed; returns whether it has. */
function blockUntil(engine: Engine, wanted: number, milliseconds = 2000): boolean {
  const words = new Int32Array(engine.memory.buffer);
  const word = (layout.SUPERBLOCK + layout.SB_TURN) >>> 2;
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    const found = Atomics.load(words, word);
    if (found - wanted >= 0) return true;
    Atomics.wait(words, word, found, 10);
  }
  return false;
}

function turnOf(engine: Engine): number {
  return engine.view.getInt32(layout.SUPERBLOCK + layout.SB_TURN, true);
}

async function openBank(workers: number) {
  const parts = await openParts(":memory:", { workers });
  await parts.ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  return parts;
}

test.each([1, 2, 3])(
  "the next batch executes while the coordinator's thread is blocked (%i workers)",
  async (workers) => {
    const { engine, ledger } = await openBank(workers);
    const before = turnOf(engine);
    const first = await submit(engine, ["a", "b"]);
    const second = await submit(engine, ["c", "d"]);
    await microtasks();
    expect(blockUntil(engine, before + 2 * TURN_LENGTH)).toBe(true);
    expect(ledger.account("bank")!.debitsPosted).toBe(4n);
    // This thread has not heard of the end of either.
    expect(ledger.transferCount).toBe(0);
    expect(await first.results).toEqual(["ok 1", "ok 2"]);
    expect(await second.results).toEqual(["ok 3", "ok 4"]);
    expect(ledger.transferCount).toBe(4);
  },
);

test.each([1, 2, 3])(
  "a batch that must ask the journal lets none behind it begin, and both come out right (%i workers)",
  async (workers) => {
    const { engine, ledger } = await openBank(workers);
    const zeroth = await submit(engine, ["a"]);
    await zeroth.results;
    const before = turnOf(engine);
    const first = await submit(engine, ["b", "a"]);
    const second = await submit(engine, ["c", "b"]);
    await microtasks();
    // The first has stopped; the second has been with the workers meanwhile.
    expect(blockUntil(engine, before + 1)).toBe(true);
    expect(blockUntil(engine, before + TURN_LENGTH, 100)).toBe(false);
    expect(ledger.account("shop")!.creditsPosted).toBe(1n);
    const third = await submit(engine, ["d", "c", "a"]);
    expect(await first.results).toEqual(["ok 2", "exists 1"]);
    expect(await second.results).toEqual(["ok 3", "exists 2"]);
    expect(await third.results).toEqual(["ok 4", "exists 3", "exists 1"]);
    expect(ledger.account("shop")!.creditsPosted).toBe(4n);
  },
);

test.each([1, 2])(
  "what is made pending takes room once, before the coordinator's thread hears of it and after (%i workers)",
  async (workers) => {
    const capacity = { accounts: 10, transfers: 10_000, pendings: 100 };
    const ledger = await openLedgerHere(":memory:", { workers, capacity });
    onTestFinished(() => ledger.close());
    await ledger.createAccounts([
      { id: "bank", asset: "USD" },
      { id: "shop", asset: "USD" },
    ]);
    const reserve = (name: string, count: number) =>
      ledger.createTransfers(
        Array.from({ length: count }, (_, i) => ({ ...pay(`${name}-${i}`), pending: true as const })),
      );
    const made = reserve("made", 40);
    await microtasks();
    expect(ledger.account("bank")!.debitsPending).toBe(40n);
    expect(ledger.transferCount).toBe(0);
    const more = reserve("more", 60);
    const full = { code: "pendings_full", details: { capacity: 100, found: 100 } };
    await expect(reserve("refused", 1)).rejects.toMatchObject(full);
    expect([...(await made), ...(await more)].every(({ result }) => result === "ok")).toBe(true);
    await expect(reserve("refused", 1)).rejects.toMatchObject(full);
  },
);

interface Submitted {
  readonly transfers: readonly ModelNewTransfer[];
  readonly results: Promise<BatchResults>;
}

/** Cuts a list into batches of 1 to 60 that end with no chain open. */
function cut(transfers: readonly ModelNewTransfer[], random: (below: number) => number): ModelNewTransfer[][] {
  const batches: ModelNewTransfer[][] = [];
  for (let from = 0; from < transfers.length; ) {
    let end = Math.min(transfers.length, from + 1 + random(60));
    while (end < transfers.length && transfers[end - 1]!.linked === true) end++;
    batches.push(transfers.slice(from, end));
    from = end;
  }
  return batches;
}

test.each([1, 2, 3, "auto"] as const)(
  "batches that are submitted without waiting give the model's results, whatever they repeat of those before (%s workers)",
  async (workers) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
        const { accounts, transfers } = wholeWorkload(seed, 3000, { contestedPercent: 15, wholePercent: 1 });
        const model = new Model(["USD"]);
        const ledger = await openLedgerHere(":memory:", { workers, capacity: { accounts: 1000, transfers: 10_000 } });
        try {
          await ledger.createAccounts(accounts as Parameters<typeof ledger.createAccounts>[0]);
          for (const account of accounts) model.createAccount(account);
          const random = randomNumbers(seed);
          const submitted: Submitted[] = [];
          for (const batch of cut(transfers, random)) {
            const builder = await ledger.batch();
            for (const transfer of batch) builder.add(transfer as Parameters<typeof builder.add>[0]);
            submitted.push({ transfers: batch, results: builder.submit() });
            // Reading waits for what the workers have, and a call that is no batch takes its turn among them.
            if (random(5) === 0) expect(ledger.account("rich-0")).toBeDefined();
            if (random(40) === 0) void ledger.createAccounts([{ id: `late-${submitted.length}`, asset: "USD" }]);
          }
          for (const { transfers: batch, results } of submitted) {
            const found = await results;
            const expected: ModelResult[] = model.createTransfers(batch);
            expect(batch.map((_, index) => found.get(index))).toEqual(expected);
          }
          for (const { id } of ledger.accounts()) {
            if (id.startsWith("late-")) model.createAccount({ id, asset: "USD" });
          }
          expectSameState(ledger, model);
        } finally {
          await ledger.close();
        }
      }),
      runsOf(1),
    );
  },
  RUNS_MS_MAX,
);

test.each([2])(
  "a pending transfer expires before the first batch whose time is past it, however many are under way (%i workers)",
  async (workers) => {
    const ledger = await openLedgerHere(":memory:", { workers, capacity: { accounts: 100, transfers: 200_000 } });
    onTestFinished(() => ledger.close());
    await ledger.createAccounts([
      { id: "bank", asset: "USD" },
      { id: "purse", asset: "USD", debitsMustNotExceedCredits: true },
    ]);
    const [, reserved] = await ledger.createTransfers([
      { id: "opening", debit: "bank", credit: "purse", amount: 1_000_000n },
      { id: "reserved", debit: "purse", credit: "bank", amount: 1_000_000n, pending: true, timeout: 1 },
    ]);
    expect(reserved!.result).toBe("ok");
    const { timestamp } = (await ledger.transfer("reserved"))!;
    const expiresAt = timestamp + 1_000_000_000n;
    const submitted: Promise<unknown>[] = [];
    const end = performance.now() + 1300;
    let count = 0;
    while (performance.now() < end) {
      const batch = await ledger.batch();
      batch.addPlain(`${count++}`, "purse", "bank", 1n);
      submitted.push(batch.submit());
      if (submitted.length % 20 === 0) await turn(1);
    }
    await Promise.all(submitted);
    const found = { before: 0, after: 0 };
    for (let i = 0; i < count; i++) {
      const transfer = (await ledger.transfer(`${i}`))!;
      const isPast = transfer.timestamp >= expiresAt;
      expect(`${i} ${transfer.result}`).toBe(`${i} ${isPast ? "ok" : "exceeds_credits"}`);
      found[isPast ? "after" : "before"]++;
    }
    expect(found.before).toBeGreaterThan(0);
    expect(found.after).toBeGreaterThan(0);
  },
);

test("on the event loop, a read that runs a stopped batch to its end takes nothing from the batches behind it", async () => {
  const ledger = await openLedgerHere(":memory:", {
    mode: "event-loop",
    capacity: { accounts: 100, transfers: 100_000 },
  });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  await ledger.createTransfers([pay("a")]);
  // It stops for the journal, and is read at between any two steps of this thread.
  const stopped = ledger.createTransfers([pay("b"), pay("a")]);
  for (let i = 0; i < 300; i++) {
    ledger.account("bank");
    await null;
  }
  expect((await stopped).map(({ result }) => result)).toEqual(["ok", "exists"]);
  const next = ledger.createTransfers(Array.from({ length: 16_000 }, (_, i) => pay(`next-${i}`)));
  for (let i = 0; i < 50; i++) {
    ledger.account("bank");
    await new Promise((resolve) => setImmediate(resolve));
  }
  await next;
  expect(ledger.account("shop")!.creditsPosted).toBe(16_002n);
});

test.each([2, 3])("a read waits for no batch that the workers don't have (%i workers)", async (workers) => {
  const ledger = await openLedgerHere(":memory:", { workers, capacity: { accounts: 100, transfers: 100_000 } });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  const submitted: Promise<unknown>[] = [];
  for (let number = 0; number < 300; number++) {
    const batch = await ledger.batch();
    for (let i = 0; i < 50; i++) batch.addPlain(`${number}-${i}`, "bank", "shop", 1n);
    submitted.push(batch.submit());
    if (number % 3 === 0) await Promise.resolve();
    // Throws where that takes a second.
    expect(ledger.account("bank")!.debitsPosted % 50n).toBe(0n);
  }
  await Promise.all(submitted);
  expect(ledger.account("shop")!.creditsPosted).toBe(15_000n);
});
