/** Closing a ledger while it is at work: calls finish, settlements stop where they can go on later. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { type Ledger, type LedgerOptions, type NewTransfer, openLedger } from "../../src/index.js";
import { temporaryFolder } from "../support/ledgers.js";

const WAYS: readonly LedgerOptions[] = [{ mode: "event-loop" }, { workers: 1 }, { workers: 2 }];
const CLOSED = { name: "LedgerError", code: "ledger_closed" };
const HEADER = "id,debit,credit,amount\n";
const FILE = { columns: { id: "id", debit: "debit", credit: "credit", amount: "amount" }, asset: "USD", job: "monday" };

async function open(way: LedgerOptions, path = ":memory:"): Promise<Ledger> {
  const ledger = await openLedger(path, { ...way, capacity: { accounts: 1000, transfers: 500_000 } });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  return ledger;
}

function pays(count: number, prefix: string, more: Partial<NewTransfer> = {}): NewTransfer[] {
  return Array.from({ length: count }, (_, i) => ({
    ...{ id: `${prefix}-${i}`, debit: "bank", credit: "shop", amount: 1n },
    ...more,
  })) as NewTransfer[];
}

/** Pieces of a file that has no end. */
function* endless(): Generator<Buffer> {
  yield Buffer.from(HEADER);
  for (let first = 0; ; first += 1000) {
    const rows = Array.from({ length: 1000 }, (_, i) => `row-${first + i},bank,shop,1\n`);
    yield Buffer.from(rows.join(""));
  }
}

test.each(WAYS)("calls of every kind that were made before are finished (%o)", async (way) => {
  const ledger = await open(way);
  await ledger.createTransfers(pays(300, "first"));
  const folder = temporaryFolder();
  const calls = [
    ledger.createTransfers([...pays(2, "before"), ...pays(17_000, "leg", { linked: true }), ...pays(3, "behind")]),
    ledger.history("shop"),
    ledger.transfers(),
    ledger.balanceAt("shop", { sequence: 10 }),
    ledger.transfer("first-0"),
    ledger.metadata("shop"),
    ledger.createAccounts([{ id: "late", asset: "USD" }]),
    ledger.reverse({ transfers: ["first-1", "first-2"] }),
    ledger.export(join(folder, "export")),
  ] as const;
  const closing = ledger.close();
  const [made, ...others] = await Promise.all(calls);
  expect(new Set(made.map(({ result }) => result))).toEqual(new Set(["ok"]));
  expect(others.at(-1)).toMatchObject({ accounts: 3 });
  await closing;
});

test.each(WAYS)("a batch that is still being filled can't be submitted any more (%o)", async (way) => {
  const ledger = await open(way);
  const batch = await ledger.batch();
  batch.addPlain("late", "bank", "shop", 1n);
  const closing = ledger.close();
  await expect(batch.submit()).rejects.toMatchObject(CLOSED);
  await closing;
  expect(() => batch.add(pays(1, "later")[0]!)).toThrow("submitted or discarded");
});

test.each(
  WAYS.flatMap((way) => [
    { ...way, atomic: false },
    { ...way, atomic: true },
  ]),
)("a file's job stops, leaves no file behind, and goes on when it is run again (%o)", async ({ atomic, ...way }) => {
  const folder = temporaryFolder();
  const ledger = await open(way, join(folder, "l.db"));
  const results = join(folder, "results.csv");
  let begun = (): void => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const job = ledger.settleFile({
    ...{ ...FILE, atomic, results, balances: join(folder, "balances.csv") },
    transfers: Readable.from(endless()),
    onProgress: () => begun(),
  });
  const next = ledger.settleFile({ ...FILE, transfers: Readable.from(endless()) });
  const refused = [expect(job).rejects.toMatchObject(CLOSED), expect(next).rejects.toMatchObject(CLOSED)];
  await hasBegun;
  await ledger.close();
  await Promise.all(refused);
  expect(readdirSync(folder)).toEqual(["l.db"]);
  const again = await openLedger(join(folder, "l.db"), way);
  onTestFinished(() => again.close());
  const made = again.transferCount;
  expect(made > 0).toBe(!atomic);
  const rows = Array.from({ length: made }, (_, i) => `row-${i},bank,shop,1\n`);
  expect(await again.settleFile({ ...FILE, transfers: Readable.from([HEADER, ...rows]) })).toMatchObject({
    ...{ transfers: made, replayed: made },
  });
});

/** The beginning of a file whose rest never comes. */
async function* begun(): AsyncGenerator<Buffer> {
  yield Buffer.from(`${HEADER}row-1,bank,shop,1\n`);
  await new Promise(() => {});
}

test.each([
  ["a stream", (): Readable => new PassThrough()],
  ["what a stream is made of", (): Readable => Readable.from(begun())],
])("a file's job stops that waits for bytes of %s", async (_, transfers) => {
  const ledger = await open({ mode: "event-loop" });
  const job = ledger.settleFile({ ...FILE, transfers: transfers() });
  const refused = expect(job).rejects.toMatchObject(CLOSED);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await ledger.close();
  await refused;
});

test.each(WAYS)("a settlement stops, and what it took is made and reported (%o)", async (way) => {
  const path = join(temporaryFolder(), "l.db");
  const ledger = await open(way, path);
  let taken = 0;
  let delivered = 0;
  let closing: Promise<void> | undefined;
  async function* source(): AsyncGenerator<NewTransfer> {
    for (const transfer of pays(40_000, "taken")) {
      taken++;
      yield transfer;
    }
    closing = ledger.close();
    // It never gets any further.
    await new Promise(() => {});
  }
  const settling = ledger.settle(source(), {
    onResults: async (results) => {
      delivered += results.length;
      // Who waits for the end while it is being waited for.
      await closing;
    },
  });
  await expect(settling).rejects.toMatchObject(CLOSED);
  expect([taken, delivered]).toEqual([40_000, 40_000]);
  await closing;
  const again = await openLedger(path, way);
  onTestFinished(() => again.close());
  expect(again.transferCount).toBe(40_000);
});

test.each([
  ["everything is taken resolves", false],
  ["transfers of a chain are not taken rejects", true],
])("a settlement whose source ends while the ledger closes, of which %s", async (_, linked) => {
  const ledger = await open({ mode: "event-loop" });
  let closing: Promise<void> | undefined;
  async function* source(): AsyncGenerator<NewTransfer> {
    yield* pays(2, "made");
    yield* pays(1, "last", linked ? { linked } : {});
    closing = ledger.close();
  }
  const settling = ledger.settle(source());
  if (linked) await expect(settling).rejects.toMatchObject(CLOSED);
  else expect(await settling).toMatchObject({ transfers: 3, results: { ok: 3 } });
  await closing;
});
