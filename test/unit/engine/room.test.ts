/** Room in the memory: what is promised to one is not given to another, and what does not fit is refused beforehand. */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Capacities } from "../../../src/core/memory.js";
import type { Engine, EngineOptions } from "../../../src/engine/engine.js";
import { openEngine } from "../../../src/engine/open.js";
import { Ledger, type LedgerOptions, type SettleFileSummary } from "../../../src/index.js";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import { folderOf, read, temporaryFolder } from "../../support/cli.js";
import { seededRandom } from "../../support/generate.js";
import { openLedgerHere } from "../../support/ledgers.js";

const HEADER = "id,from,to,amount\n";

function settle(ledger: Ledger, folder: string, text: string, results?: string): Promise<SettleFileSummary> {
  writeFileSync(join(folder, "transfers.csv"), HEADER + text);
  return ledger.settleFile({
    transfers: join(folder, "transfers.csv"),
    columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
    asset: "USD",
    createAccounts: "unlimited",
    ...(results === undefined ? {} : { results: join(folder, results) }),
  });
}

function rowsOf(count: number, prefix: string): string {
  return Array.from({ length: count }, (_, i) => `${prefix}${i},bank,shop,1.00\n`).join("");
}

/** A ledger as `openLedger` opens it, with its engine, and with as much room as is said. */
async function openWith(
  capacities: Partial<Capacities>,
  options: EngineOptions = { mode: "parallel", workers: 2 },
): Promise<{ ledger: Ledger; engine: Engine }> {
  const store = await openSqliteStore(":memory:");
  const engine = await openEngine(store, {
    ...options,
    capacities: { contexts: 4, input: 32 * 1024 * 1024, ...capacities },
  });
  const ledger = new Ledger(engine, store);
  onTestFinished(() => ledger.close());
  return { ledger, engine };
}

/** Keeps every batch waiting that is asked for from now on, until the returned function is called. */
function holdBatches(engine: Engine): () => void {
  let open = (): void => {};
  void engine.exclusively(() => new Promise<void>((resolve) => (open = resolve)));
  return () => open();
}

describe.each([
  { mode: "event-loop" as const, workers: 1 },
  { mode: "parallel" as const, workers: 2 },
])("%o", (options) => {
  test.each([
    [5_000, "fits beside it, and both are made"],
    [10_000, "does not fit beside it, and is refused before anything of it is made"],
  ])("a file of %i rows whose batch waits when a call is promised room %s", async (rows) => {
    const { ledger, engine } = await openWith({ accounts: 10, transfers: 30_000 }, options);
    const accounts = ["bank", "shop"].map((id) => ({ id, asset: "USD" }));
    await ledger.createAccounts(accounts);
    const release = holdBatches(engine);
    const execute = vi.spyOn(engine, "execute");
    const settling = settle(ledger, temporaryFolder(), rowsOf(rows, "row-")).catch((error: unknown) => error);
    await vi.waitFor(() => expect(execute).toHaveBeenCalled());
    // Accepted as a whole, though it takes two batches that come after the file's.
    const call = ledger.createTransfers(
      Array.from({ length: 25_000 }, (_, i) => ({ id: `call-${i}`, debit: "bank", credit: "shop", amount: 1n })),
    );
    release();
    expect(new Set((await call).map(({ result }) => result))).toEqual(new Set(["ok"]));
    const settled = await settling;
    if (rows === 5_000) expect(settled).toMatchObject({ results: { ok: 5_000 } });
    else expect(settled).toMatchObject({ code: "transfers_full", details: { capacity: 30_000, found: 25_000 } });
    expect(ledger.transferCount).toBe(rows === 5_000 ? 30_000 : 25_000);
  });
});

async function open(options: LedgerOptions): Promise<Ledger> {
  const ledger = await openLedgerHere(":memory:", options);
  onTestFinished(() => ledger.close());
  return ledger;
}

test("a file that needs all the room there is, and not as much as a batch could, is settled", async () => {
  const ledger = await open({ mode: "event-loop", capacity: { accounts: 3, transfers: 500 } });
  const folder = temporaryFolder();
  expect(await settle(ledger, folder, rowsOf(499, "a"))).toMatchObject({ results: { ok: 499 } });
  expect(await settle(ledger, folder, "b,bank,new,1.00\n")).toMatchObject({ results: { ok: 1 } });
  await expect(settle(ledger, folder, "c,bank,shop,1.00\n")).rejects.toMatchObject({ code: "transfers_full" });
  expect(ledger.accountCount).toBe(3);
});

test("a file that would create one account too many is refused, and nothing of its batch is made", async () => {
  const ledger = await open({ mode: "event-loop", capacity: { accounts: 4, transfers: 500 } });
  const folder = temporaryFolder();
  await settle(ledger, folder, "a,bank,shop,1.00\n");
  const before = ledger.digest();
  // Refused rows ask for no account, and the same account is asked for once.
  const fitting = "b,bank,x,1.00\nc,x,y,1.00\nd,x,y,1.00\ne,z,z,1.00\nf,u,v,1e3\n,s,t,1.00\ng,w,,1.00\n";
  await expect(settle(ledger, folder, `${fitting}h,x,one too many,1.00\n`)).rejects.toMatchObject({
    code: "accounts_full",
    details: { capacity: 4, found: 2, needed: 3 },
  });
  expect(ledger.digest()).toBe(before);
  expect(ledger.transferCount).toBe(1);
  expect(await settle(ledger, folder, fitting)).toMatchObject({ results: { ok: 3 } });
  expect(ledger.accountCount).toBe(4);
});

describe("room for the text of long ids", () => {
  /** Room for many accounts, and for the text of so many of the longest ids. */
  const openWithText = async (ids: number): Promise<Ledger> =>
    (await openWith({ accounts: 40_000, transfers: 100_000, accountText: ids * 64 })).ledger;

  const id = (i: number): string => `${i}`.padStart(63 + (i % 2), "-");
  const creating = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `t${from + i},bank,${id(from + i)},1.00\n`).join("");

  test("that a batch would not have is missed before the batch changes anything", async () => {
    const ledger = await openWithText(100);
    const folder = temporaryFolder();
    await settle(ledger, folder, creating(0, 60));
    const before = ledger.digest();
    await expect(settle(ledger, folder, creating(60, 101))).rejects.toMatchObject({
      code: "accounts_full",
      message: expect.stringContaining("ids"),
    });
    expect(ledger.digest()).toBe(before);
    expect(ledger.transferCount).toBe(60);
    // The ledger goes on, to the last id that fits.
    expect(await settle(ledger, folder, creating(60, 100))).toMatchObject({ results: { ok: 40 } });
    const long = { id: id(100), asset: "USD" };
    await expect(ledger.createAccounts([long])).rejects.toMatchObject({ code: "accounts_full" });
    expect(await ledger.createAccounts([{ id: "short", asset: "USD" }])).toEqual([{ result: "ok" }]);
  });

  test("that a call would not have is missed before any account is created", async () => {
    const ledger = await openWithText(5);
    const accounts = Array.from({ length: 6 }, (_, i) => ({ id: id(i), asset: "USD" }));
    await expect(ledger.createAccounts(accounts)).rejects.toMatchObject({ code: "accounts_full" });
    expect(ledger.accountCount).toBe(0);
    // The same id twice takes room once.
    const five = [...accounts.slice(0, 5), accounts[4]!];
    expect((await ledger.createAccounts(five)).map(({ result }) => result)).toEqual([...Array(5).fill("ok"), "exists"]);
  });

  test("is there for as many of the longest ids as there may be accounts", async () => {
    const ledger = await open({ mode: "event-loop", capacity: { accounts: 20_000, transfers: 1 } });
    const accounts = Array.from({ length: 20_000 }, (_, i) => ({ id: `${i}`.padStart(64, "-"), asset: "USD" }));
    expect(new Set((await ledger.createAccounts(accounts)).map(({ result }) => result))).toEqual(new Set(["ok"]));
  });
});

/** Rows of every kind, among them one that is longer than the window, rows of several lines, and accounts to create. */
function mixedRows(): string {
  const random = seededRandom(11);
  const rows: string[] = [];
  for (let row = 0; row < 40_000; row++) {
    const account = (): string => {
      const which = random(3000);
      return which % 3 === 0 ? `"a,${"long".repeat(8)}\n${which}"` : `account-${which}`;
    };
    const amount = random(50) === 0 ? "1e3" : `${random(100)}.25`;
    rows.push(`${random(100) === 0 ? `r${random(row + 1)}` : `r${row}`},${account()},${account()},${amount}\n`);
    if (row === 20_000) rows.push(`"${"x".repeat(5 * 1024 * 1024)}\n",a,b,1.00\n`);
  }
  return rows.join("");
}

test("what a batch needs is counted without changing what it does", async () => {
  const folder = folderOf({});
  const text = mixedRows();
  const roomy = await open({ workers: 2 });
  const expected = await settle(roomy, folder, text, "expected.csv");
  // So little that the last batches are counted, and so much that each fits: ids that repeat in one count again.
  const tight = await open({
    workers: 2,
    capacity: { accounts: roomy.accountCount, transfers: roomy.transferCount + 300 },
  });
  expect(await settle(tight, folder, text, "found.csv")).toMatchObject({ results: expected.results });
  expect(read(folder, "found.csv") === read(folder, "expected.csv")).toBe(true);
  expect(tight.digest()).toBe(roomy.digest());
});

test.each([
  ["made", 16_400],
  ["undone", 11],
] as const)("a call keeps its room while a chain of it that no batch holds is %s", async (end, left) => {
  const capacity = { accounts: 10, transfers: 16_400 };
  const { ledger } = await openWith(capacity, { mode: "event-loop", workers: 1 });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
    { id: "purse", asset: "USD", debitsMustNotExceedCredits: true },
  ]);
  const transfers = Array.from({ length: 16_400 }, (_, i) => {
    const debit = i === 16_394 && end === "undone" ? "purse" : "bank";
    return { id: `leg ${i}`, debit, credit: "shop", amount: 1n, linked: i >= 5 && i < 16_394 };
  });
  const call = ledger.createTransfers(transfers);
  const full = { code: "transfers_full", details: { capacity: 16_400, found: 16_400 } };
  const one = (): Promise<unknown> => ledger.createTransfers([{ ...transfers[0]!, id: "one" }]);
  await expect(one()).rejects.toMatchObject(full);
  const results = (await call).map(({ result }) => result);
  expect(results.filter((result) => result !== "linked_event_failed")).toHaveLength(left);
  expect(results.slice(0, 5).concat(results.slice(16_395))).toEqual(Array(10).fill("ok"));
  expect(ledger.transferCount).toBe(left);
  if (end === "made") await expect(one()).rejects.toMatchObject(full);
  else
    expect(
      await ledger.createTransfers(transfers.slice(11).map((transfer) => ({ ...transfer, linked: false }))),
    ).toHaveLength(16_389);
});

test.each([
  ["fails before it", "is changed", 2],
  ["leaves it open", "is open", 5],
] as const)("a call that %s gives the room of its long chain back", async (_, end, made) => {
  const { ledger } = await openWith({ accounts: 10, transfers: 16_400 }, { mode: "event-loop", workers: 1 });
  await ledger.createAccounts(["bank", "shop"].map((id) => ({ id, asset: "USD" })));
  const row = (i: number, linked: boolean) => ({ id: `leg ${i}`, debit: "bank", credit: "shop", amount: 1n, linked });
  const transfers = Array.from({ length: 16_400 }, (_, i) => row(i, i >= 5 && (end === "is open" || i < 16_394)));
  const call = ledger.createTransfers(transfers).catch((error: unknown) => error);
  if (end === "is changed") Object.assign(transfers[2]!, { pending: true });
  const found = await call;
  if (end === "is changed") expect(found).toMatchObject({ code: "invalid_argument" });
  await vi.waitFor(() => expect(ledger.transferCount).toBe(made));
  const others = Array.from({ length: 16_400 - made }, (_, i) => row(i + made, false));
  expect(await ledger.createTransfers(others)).toHaveLength(others.length);
});

describe("room for pending transfers", () => {
  const capacity = { accounts: 10, transfers: 1000, pendings: 100 };
  const accounts = ["bank", "shop"].map((id) => ({ id, asset: "USD" }));
  const reserve = (ledger: Ledger, name: string, count: number) =>
    ledger.createTransfers(
      Array.from({ length: count }, (_, i) => {
        return { id: `${name}-${i}`, debit: "bank", credit: "shop", amount: 1n, pending: true as const };
      }),
    );
  /** Expects that so many more fit, and not one beyond them. */
  async function expectLeft(ledger: Ledger, count: number): Promise<void> {
    const found = 100 - count;
    await expect(reserve(ledger, "more", count + 1)).rejects.toMatchObject({
      code: "pendings_full",
      details: { capacity: 100, found },
    });
    expect(await reserve(ledger, "more", count)).toHaveLength(count);
  }

  test.each(["close", "crash"])("is what those made before the file was opened have left, after a %s", async (end) => {
    const file = join(temporaryFolder(), "ledger.db");
    const first = await openLedgerHere(file, { mode: "event-loop", capacity });
    await first.createAccounts(accounts);
    await reserve(first, "made", 40);
    const crashed = join(temporaryFolder(), "crashed.db");
    copyFileSync(file, crashed);
    await first.close();
    const ledger = await openLedgerHere(end === "crash" ? crashed : file, { mode: "event-loop", capacity });
    onTestFinished(() => ledger.close());
    await expectLeft(ledger, 60);
  });

  test("is what was left before a job that was taken back", async () => {
    const ledger = await open({ mode: "event-loop", capacity });
    await ledger.createAccounts(accounts);
    await reserve(ledger, "made", 40);
    const transfers = join(temporaryFolder(), "job.csv");
    writeFileSync(transfers, "id,from,to,amount,pending\na,bank,shop,1.00,true\nb,bank,nobody,1.00,true\n");
    const columns = { id: "id", debit: "from", credit: "to", amount: "amount", pending: "pending" };
    expect(await ledger.settleFile({ transfers, columns, asset: "USD", atomic: true })).toMatchObject({ kept: false });
    await expectLeft(ledger, 60);
  });
});
