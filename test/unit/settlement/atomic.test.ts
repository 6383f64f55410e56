/** Atomic jobs: all rows or none, whatever their number, and what a refused job says and leaves. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { openEngine } from "../../../src/engine/open.js";
import { Ledger, type LedgerOptions, type SettleFileOptions, type SettleFileSummary } from "../../../src/index.js";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import type { Store } from "../../../src/stores/store.js";
import { read, temporaryFolder, verifiedDigest } from "../../support/cli.js";
import { intercept, openLedgerHere } from "../../support/ledgers.js";

const WAYS: readonly LedgerOptions[] = [{ mode: "event-loop" }, { workers: 3 }];
const HEADER = "id,from,to,amount\n";
const ACCOUNTS = [
  { id: "bank", asset: "USD" },
  { id: "alice", asset: "USD", debitsMustNotExceedCredits: true },
  { id: "bob", asset: "USD", debitsMustNotExceedCredits: true },
];

interface Bench {
  ledger: Ledger;
  readonly folder: string;
  readonly path: string;
  settle(rows: string, options?: Partial<SettleFileOptions>): Promise<SettleFileSummary>;
  results(): string[];
  reopen(): Promise<void>;
}

async function open(way: LedgerOptions = { mode: "event-loop" }): Promise<Bench> {
  const folder = temporaryFolder();
  const path = join(folder, "l.db");
  const bench: Bench = {
    ledger: await openLedgerHere(path, way),
    folder,
    path,
    settle(rows, options = {}) {
      writeFileSync(join(folder, "transfers.csv"), HEADER + rows);
      return bench.ledger.settleFile({
        transfers: join(folder, "transfers.csv"),
        columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
        asset: "USD",
        results: join(folder, "results.csv"),
        job: "j",
        atomic: true,
        ...options,
      });
    },
    results: () => read(folder, "results.csv").split("\n").slice(1, -1),
    async reopen() {
      await bench.ledger.close();
      bench.ledger = await openLedgerHere(path, way);
    },
  };
  onTestFinished(() => bench.ledger.close());
  await bench.ledger.createAccounts(ACCOUNTS);
  await bench.ledger.createTransfers([{ id: "t0", debit: "bank", credit: "alice", amount: 100n }]);
  // From here on the file changes only by what the tests do.
  await bench.reopen();
  return bench;
}

const GOOD = "t1,bank,alice,10\nt2,alice,bob,4\n";
const BAD = `${GOOD}t3,bob,alice,999\nt4,bank,bob,1\nt5,bank,nobody,1\nt6,bank,bob,x\nt4,bank,bob,1\nt0,bank,alice,1\n`;
const REFUSED = [
  "1,t1,linked_event_failed,",
  "2,t2,linked_event_failed,",
  "3,t3,exceeds_credits,",
  "4,t4,linked_event_failed,",
  "5,t5,credit_account_not_found,",
  "6,t6,invalid_amount,",
  "7,t4,exists,",
  "8,t0,exists,1",
];

describe.each(WAYS)("with $mode $workers", (way) => {
  it("a job of which every row is ok is kept, and a second run replays it", async () => {
    const bench = await open(way);
    const summary = await bench.settle(GOOD);
    expect(summary).toMatchObject({ kept: true, replayed: 0, results: { ok: 2 } });
    const results = bench.results();
    expect(results).toEqual(["1,t1,ok,2", "2,t2,ok,3"]);
    await bench.reopen();
    expect(bench.ledger.account("bob")).toMatchObject({ balance: 400n });
    expect(await bench.settle(GOOD)).toMatchObject({ kept: true, replayed: 2, results: { ok: 2 } });
    expect(bench.results()).toEqual(results);
  });

  it("a job of which a row is refused leaves no trace but its results, and gives them again", async () => {
    const bench = await open(way);
    const digest = bench.ledger.digest();
    const before = readFileSync(bench.path);
    for (let run = 0; run < 2; run++) {
      const outputs = { balances: join(bench.folder, "balances.csv"), net: join(bench.folder, "net.csv") };
      const summary = await bench.settle(BAD, outputs);
      expect(summary).toMatchObject({ kept: false, replayed: 0, transfers: 8 });
      expect(summary.results).toEqual({
        invalid_amount: 1,
        linked_event_failed: 3,
        exists: 2,
        credit_account_not_found: 1,
        exceeds_credits: 1,
      });
      expect(bench.results()).toEqual(REFUSED);
      expect(read(bench.folder, "net.csv")).toBe("id,asset,paid,received,net,transfers\n");
      expect(summary.net).toMatchObject({ accounts: 0, gross: 0n });
      expect(read(bench.folder, "balances.csv")).toContain("alice,USD,0.00,1.00,0.00,0.00,1.00,1\n");
      expect(bench.ledger.digest()).toBe(digest);
      expect(bench.ledger.transferCount).toBe(1);
    }
    await bench.reopen();
    expect(readFileSync(bench.path).equals(before)).toBe(true);
    expect(readdirSync(bench.folder).sort()).toEqual([
      "balances.csv",
      "l.db",
      "net.csv",
      "results.csv",
      "transfers.csv",
    ]);
    // No id is used up: neither those that were ok nor those that were refused.
    expect(await bench.settle(`${GOOD}t3,bob,alice,4\nt5,bank,bob,1\n`)).toMatchObject({ kept: true });
    expect(bench.results().map((line) => line.split(",")[2])).toEqual(["ok", "ok", "ok", "ok"]);
  });

  it("a ledger that took a job back goes on as if there had been none", async () => {
    const bench = await open(way);
    const plain = await openLedgerHere(":memory:", way);
    await plain.createAccounts(ACCOUNTS);
    await plain.createTransfers([{ id: "t0", debit: "bank", credit: "alice", amount: 100n }]);
    const rows = Array.from({ length: 40_000 }, (_, i) => `r${i},bank,account-${i % 3000},1\n`).join("");
    // Long ids have text of their own, and so many accounts and ids make every table grow.
    const long = "a-name-that-takes-more-than-sixteen-bytes";
    const bad = `${rows}x,bank,${long},1\ny,${long},bank,2\n`;
    expect(await bench.settle(bad, { createAccounts: "limited" })).toMatchObject({ kept: false });
    expect(bench.ledger.accountCount).toBe(3);
    expect(bench.ledger.account(long)).toBeUndefined();
    const transfers = Array.from({ length: 2000 }, (_, i) => ({
      id: `r${i}`,
      debit: i % 2 === 0 ? "bank" : "alice",
      credit: "bob",
      amount: BigInt(i),
    }));
    for (const ledger of [bench.ledger, plain]) await ledger.createAccounts([{ id: long, asset: "EUR" }]);
    expect(await bench.ledger.createTransfers(transfers)).toEqual(await plain.createTransfers(transfers));
    expect(bench.ledger.digest()).toBe(plain.digest());
    const digest = plain.digest();
    await plain.close();
    await bench.ledger.close();
    expect(await verifiedDigest(bench.path)).toBe(digest);
  });
});

describe("a refused job's results", () => {
  it("keep what rows of an earlier run, and other jobs, made", async () => {
    const bench = await open();
    await bench.settle(GOOD, { atomic: false });
    const net = join(bench.folder, "net.csv");
    expect(await bench.settle(`${GOOD}t3,bank,bob,1\nt4,alice,bob,999\n`, { net })).toMatchObject({
      kept: false,
      replayed: 2,
      results: { ok: 2, linked_event_failed: 1, exceeds_credits: 1 },
      net: { accounts: 3, gross: 1400n },
    });
    expect(bench.results()).toEqual(["1,t1,ok,2", "2,t2,ok,3", "3,t3,linked_event_failed,", "4,t4,exceeds_credits,"]);
    expect(read(bench.folder, "net.csv")).toContain("alice,USD,4.00,10.00,6.00,2\n");
    // What a run without `atomic` recorded as refused stays refused.
    await bench.settle(`${GOOD}t3,alice,bob,999\n`, { atomic: false });
    expect(await bench.settle(`${GOOD}t3,alice,bob,999\n`)).toMatchObject({ kept: false, replayed: 3 });
    expect(bench.results()).toEqual(["1,t1,ok,2", "2,t2,ok,3", "3,t3,exceeds_credits,4"]);
  });

  it("hold ids that look like results as they are", async () => {
    const bench = await open();
    const ids = ["a\n7,b,ok,99", '",ok,99\n', "ok,99", 'quo"te', "é\r\n,ok,12"];
    const quoted = ids.map((id) => `"${id.replaceAll('"', '""')}"`);
    const rows = quoted.map((id) => `${id},bank,alice,1\n`).join("");
    expect(await bench.settle(`${rows}bad,alice,bob,999\n`)).toMatchObject({ kept: false });
    expect(read(bench.folder, "results.csv")).toBe(
      `row,id,result,sequence\n${quoted.map((id, i) => `${i + 1},${id},linked_event_failed,\n`).join("")}6,bad,exceeds_credits,\n`,
    );
  });
});

describe("what belongs to an atomic job", () => {
  it("accounts that its rows create; the accounts file is applied before and stays", async () => {
    const bench = await open();
    writeFileSync(join(bench.folder, "accounts.csv"), "id,opening\ncarol,7\n");
    const accounts = { file: join(bench.folder, "accounts.csv"), columns: { id: "id", opening: "opening" } };
    const rows = "t1,carol,new,7\nt2,new,newer,7\nt3,newer,carol,8\n";
    const refused = await bench.settle(rows, { accounts, createAccounts: "limited" });
    expect(refused).toMatchObject({ kept: false, accountsCreated: 1, accountsOpened: 1 });
    expect([...bench.ledger.accounts()].map(({ id }) => id)).toEqual([
      "alice",
      "bank",
      "bob",
      "carol",
      "opening-balances:USD",
    ]);
    const kept = await bench.settle(rows.replace(",8", ",7"), { accounts, createAccounts: "limited" });
    expect(kept).toMatchObject({ kept: true, accountsCreated: 0, results: { ok: 3 } });
    expect(bench.ledger.account("newer")).toMatchObject({ version: 2, debitsMustNotExceedCredits: true });
  });

  it("an asset that nobody had used before: it is there for whoever uses it next", async () => {
    const bench = await open();
    expect(await bench.settle("t1,x,y,1\n", { asset: "BTC:8", createAccounts: "limited" })).toMatchObject({
      kept: false,
    });
    expect(await bench.settle("t1,x,y,1\n", { asset: "JPY", createAccounts: "unlimited" })).toMatchObject({
      kept: true,
    });
    await bench.ledger.createAccounts([{ id: "z", asset: "BTC" }]);
    await bench.reopen();
    expect(bench.ledger.account("z")).toMatchObject({ asset: "BTC" });
    expect(bench.ledger.account("x")).toMatchObject({ asset: "JPY", balance: -1n });
  });

  it("nothing that others do meanwhile: they wait, and what they do stays", async () => {
    const bench = await open({ workers: 2 });
    const rows = new PassThrough();
    const job = bench.settle("", { transfers: rows, createAccounts: "limited" });
    rows.write(HEADER + Array.from({ length: 60_000 }, (_, i) => `r${i},bank,account-${i % 100},1\n`).join(""));
    while (bench.ledger.transferCount < 10_000) await sleep(1);
    const other = bench.ledger.createTransfers([
      { id: "other", debit: "bank", credit: "bob", amount: 5n },
      { id: "r1", debit: "bank", credit: "bob", amount: 6n },
    ]);
    // Several batches wait for their turn, and hold every context that the job has not taken.
    const batches = await Promise.all([bench.ledger.batch(), bench.ledger.batch()]);
    for (const [index, batch] of batches.entries()) batch.addPlain(`batch-${index}`, "bank", "bob", 1n);
    const submitted = batches.map((batch) => batch.submit());
    const accounts = bench.ledger.createAccounts([{ id: "account-1", asset: "USD" }]);
    await sleep(20);
    rows.end("bad,bob,bank,999\n");
    expect(await job).toMatchObject({ kept: false });
    expect(await other).toEqual([
      { result: "ok", sequence: 2 },
      { result: "ok", sequence: 3 },
    ]);
    expect((await Promise.all(submitted)).map((results) => results.result(0))).toEqual(["ok", "ok"]);
    expect(await accounts).toEqual([{ result: "ok" }]);
    expect(bench.ledger.account("bob")).toMatchObject({ balance: 13n });
    const digest = bench.ledger.digest();
    await bench.ledger.close();
    expect(await verifiedDigest(bench.path)).toBe(digest);
  });
});

describe("an atomic job that does not get to its end", () => {
  it("because it is interrupted, leaves nothing, and the ledger goes on", async () => {
    const bench = await open({ workers: 2 });
    const before = bench.ledger.digest();
    const interrupt = new AbortController();
    const rows = new PassThrough();
    const job = bench.settle("", { transfers: rows, createAccounts: "limited", signal: interrupt.signal });
    rows.write(HEADER + Array.from({ length: 60_000 }, (_, i) => `r${i},bank,account-${i % 100},1\n`).join(""));
    while (bench.ledger.transferCount < 10_000) await sleep(1);
    interrupt.abort(new Error("stopped"));
    await expect(job).rejects.toThrow("stopped");
    expect(bench.ledger.digest()).toBe(before);
    expect(readdirSync(bench.folder).filter((name) => name.startsWith("results"))).toEqual([]);
    expect(await bench.settle(GOOD)).toMatchObject({ kept: true });
  });

  it("because there is no room for it, leaves nothing, and the ledger goes on", async () => {
    const bench = await open();
    await bench.ledger.close();
    bench.ledger = await openLedgerHere(bench.path, { mode: "event-loop", capacity: { transfers: 20_000 } });
    const before = bench.ledger.digest();
    const rows = Array.from({ length: 40_000 }, (_, i) => `r${i},bank,bob,1\n`).join("");
    await expect(bench.settle(rows)).rejects.toMatchObject({ code: "transfers_full" });
    expect(bench.ledger.digest()).toBe(before);
    expect(bench.ledger.transferCount).toBe(1);
    expect(await bench.ledger.createTransfers([{ id: "r1", debit: "bank", credit: "bob", amount: 1n }])).toEqual([
      { result: "ok", sequence: 2 },
    ]);
  });

  async function openOn(path: string, calls: (store: Store) => Partial<Store>): Promise<Ledger> {
    const opened = await openSqliteStore(path);
    const store = intercept(opened, calls(opened));
    const capacities = { accounts: 5000, transfers: 200_000, contexts: 4, input: 8 << 20 };
    return new Ledger(await openEngine(store, { mode: "event-loop", workers: 1, capacities }), store);
  }

  test.each(["commit", "keep"] as const)("because %s fails, leaves nothing, and the ledger refuses", async (call) => {
    const bench = await open();
    const before = bench.ledger.digest();
    await bench.ledger.close();
    bench.ledger = await openOn(bench.path, (store) => ({
      [call]: async (...values: never[]) => {
        if (call === "commit") await (store.commit as (...given: never[]) => Promise<void>)(...values);
        throw new Error("the disk is gone");
      },
    }));
    await expect(bench.settle(GOOD)).rejects.toThrow("the disk is gone");
    await expect(bench.ledger.createTransfers([])).rejects.toThrow("the disk is gone");
    expect(readdirSync(bench.folder).filter((name) => name.startsWith("results"))).toEqual([]);
    await bench.reopen();
    expect(bench.ledger.digest()).toBe(before);
    expect(await bench.settle(GOOD)).toMatchObject({ kept: true, replayed: 0 });
  });

  it("is not read while it is taken back", async () => {
    const bench = await open();
    await bench.ledger.close();
    let found: unknown;
    let isOpen = false;
    const ledger = await openOn(bench.path, (store) => ({
      readChunks: async (...values) => {
        try {
          if (isOpen) ledger.account("bob");
        } catch (error) {
          found = error;
        }
        return store.readChunks(...values);
      },
    }));
    isOpen = true;
    bench.ledger = ledger;
    expect(await bench.settle(BAD)).toMatchObject({ kept: false });
    expect(found).toMatchObject({ code: "busy" });
    expect(ledger.account("bob")).toMatchObject({ balance: 0n });
  });
});

it("an atomic that is neither true nor false is refused before anything happens", async () => {
  const bench = await open();
  await expect(bench.settle(GOOD, { atomic: "yes" as unknown as boolean })).rejects.toMatchObject({
    code: "invalid_argument",
  });
});
