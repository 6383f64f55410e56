/** Reading while batches execute: whole batches or nothing of them. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Ledger, PlainTransfer } from "../../../src/index.js";
import { intercept, openLedgerHere, openParts, temporaryFolder } from "../../support/ledgers.js";
import { Model } from "../../support/model.js";
import { turn } from "./support.js";

const MODES = [
  { name: "event-loop", options: { mode: "event-loop" } as const },
  { name: "2 workers", options: { workers: 2 } as const },
  { name: "4 workers", options: { workers: 4 } as const },
];
const BATCHES = 12;
const BATCH_SIZE = 16_384;

const ACCOUNTS = [
  { id: "bank", asset: "USD" },
  { id: "shop", asset: "USD" },
  ...Array.from({ length: 30 }, (_, i) => ({ id: `purse-${i}`, asset: "USD", debitsMustNotExceedCredits: true })),
];

/** Batch `number`: the bank pays the purses and these pay the shop, some of them more than they have. */
function batchOf(number: number): PlainTransfer[] {
  return Array.from({ length: BATCH_SIZE }, (_, i) => {
    const id = `${number}-${i}`;
    if (i % 4 < 2) return { id, debit: "bank", credit: "shop", amount: BigInt(i) + 1n };
    const purse = `purse-${(i * 7) % 30}`;
    return i % 4 === 2
      ? { id, debit: "bank", credit: purse, amount: 2n }
      : { id, debit: purse, credit: "shop", amount: BigInt(1 + (i % 5)) };
  });
}

/** The model's digest and every account's version after each batch, and before the first. */
function boundaries(): { digests: string[]; versions: Map<string, number[]> } {
  const model = new Model(["USD"]);
  for (const account of ACCOUNTS) model.createAccount(account);
  const digests = [model.digest()];
  const versions = new Map(ACCOUNTS.map(({ id }) => [id, [0]]));
  for (let number = 0; number < BATCHES; number++) {
    for (const transfer of batchOf(number)) model.createTransfer(transfer);
    digests.push(model.digest());
    for (const [id, list] of versions) list.push(model.accounts.get(id)!.version);
  }
  return { digests, versions };
}

const expected = boundaries();

async function open(options: (typeof MODES)[number]["options"]): Promise<Ledger> {
  const capacity = { accounts: 1000, transfers: 400_000 };
  const ledger = await openLedgerHere(":memory:", { ...options, capacity });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts(ACCOUNTS);
  return ledger;
}

async function submit(ledger: Ledger, number: number): Promise<{ done: Promise<unknown> }> {
  const batch = await ledger.batch();
  for (const transfer of batchOf(number)) batch.add(transfer);
  return { done: batch.submit() };
}

test.each(MODES)(
  "a digest read in the middle of a batch shows the batch as a whole or not at all ($name)",
  async ({ options }) => {
    const ledger = await open(options);
    let reads = 0;
    let boundary = 0;
    for (let number = 0; number < BATCHES; number++) {
      let running = true;
      const { done } = await submit(ledger, number);
      void done.then(() => {
        running = false;
      });
      while (running) {
        const found = expected.digests.indexOf(ledger.digest());
        expect(found).toBeGreaterThanOrEqual(boundary);
        boundary = found;
        reads++;
        await new Promise((resolve) => setImmediate(resolve));
      }
      boundary = number + 1;
      expect(ledger.digest()).toBe(expected.digests[boundary]);
    }
    expect(reads).toBeGreaterThanOrEqual(BATCHES);
  },
);

test.each(MODES)(
  "an account read in every turn while batches execute is always at a boundary ($name)",
  async ({ options }) => {
    const ledger = await open(options);
    let running = true;
    const all = (async () => {
      const pending: Promise<unknown>[] = [];
      for (let number = 0; number < BATCHES; number++) pending.push((await submit(ledger, number)).done);
      await Promise.all(pending);
      running = false;
    })();
    let reads = 0;
    let boundary = 0;
    while (running) {
      const bank = ledger.account("bank")!;
      const found = expected.versions.get("bank")!.indexOf(bank.version);
      expect(found, `version ${bank.version}`).toBeGreaterThanOrEqual(boundary);
      boundary = found;
      // Read in the same turn, everything is of the same boundary: whatever left the bank is elsewhere.
      const sum = [...ledger.accounts()].reduce((total, { balance }) => total + balance, 0n);
      expect(sum).toBe(0n);
      expect(ledger.account("bank")).toEqual(bank);
      reads++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await all;
    expect(reads).toBeGreaterThanOrEqual(BATCHES);
    expect(ledger.digest()).toBe(expected.digests.at(-1));
  },
);

test.each(MODES)(
  "each account of a list is at a boundary, though batches execute while the list is read ($name)",
  async ({ options }) => {
    const ledger = await open(options);
    for (let number = 0; number < BATCHES; number++) {
      const { done } = await submit(ledger, number);
      for (const { id, version } of ledger.accounts()) {
        expect(expected.versions.get(id), `version ${version} of ${id}`).toContain(version);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await done;
    }
  },
);

test.each(MODES)(
  "while a batch waits for the journal, reads do not: they show the state before it ($name)",
  async ({ options }) => {
    const path = join(temporaryFolder(), "ledger.db");
    const one = { id: "one", debit: "bank", credit: "shop", amount: 1n };
    const before = await openParts(path, options);
    await before.ledger.createAccounts(ACCOUNTS);
    await before.ledger.createTransfers([one]);
    await before.ledger.close();

    let release: (() => void) | undefined;
    const { ledger } = await openParts(path, {
      ...options,
      wrap: (store) =>
        intercept(store, {
          readChunkOf: async (sequence, range) => {
            await new Promise<void>((resolve) => {
              release = resolve;
            });
            return store.readChunkOf(sequence, range);
          },
        }),
    });
    const digest = ledger.digest();
    const call = ledger.createTransfers([one, { ...one, id: "two" }]);
    while (release === undefined) await turn(1);
    const start = performance.now();
    expect(ledger.digest()).toBe(digest);
    expect(ledger.account("shop")).toMatchObject({ creditsPosted: 1n, version: 1 });
    expect(performance.now() - start).toBeLessThan(500);
    release();
    expect(await call).toEqual([
      { result: "exists", sequence: 1 },
      { result: "ok", sequence: 2 },
    ]);
    expect(ledger.account("shop")).toMatchObject({ creditsPosted: 2n, version: 2 });
  },
);
