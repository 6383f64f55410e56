/** Accounts' histories: bounds, cursors, what is seen while batches execute, and an index that was damaged. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { VerifyReport } from "../../../src/engine/verify.js";
import type { HistoryOptions, Ledger, PlainTransfer } from "../../../src/index.js";
import { openParts, temporaryFolder, verifyFile } from "../../support/ledgers.js";

const ACCOUNTS = ["bank", "shop", "a", "b", "quiet"].map((id) => ({ id, asset: "USD" }));
const RUN_LOG2 = 6;
const RUN = 2 ** RUN_LOG2;
/** Four full runs, and some of a fifth. */
const COUNT = 4 * RUN + 10;

/** The transfer of this sequence: amounts tell which. The quiet account has the fifth and the last of the first run. */
function transferOf(sequence: number): PlainTransfer {
  const amount = BigInt(sequence);
  if (sequence === 5 || sequence === RUN) return { id: `t${sequence}`, debit: "bank", credit: "quiet", amount };
  const [debit, credit] = sequence % 3 === 0 ? ["a", "b"] : sequence % 3 === 1 ? ["b", "shop"] : ["bank", "a"];
  return { id: `t${sequence}`, debit: debit!, credit: credit!, amount };
}

const TRANSFERS = Array.from({ length: COUNT }, (_, i) => transferOf(i + 1));

async function filled(path: string, historyRunLog2 = RUN_LOG2): ReturnType<typeof openParts> {
  const parts = await openParts(path, { mode: "event-loop", historyRunLog2 });
  await parts.ledger.createAccounts(ACCOUNTS);
  for (let from = 0; from < COUNT; from += 30) await parts.ledger.createTransfers(TRANSFERS.slice(from, from + 30));
  return parts;
}

async function sequencesOf(ledger: Ledger, account: string, options: HistoryOptions = {}): Promise<number[]> {
  const { entries } = await ledger.history(account, { limit: 10_000, ...options });
  return entries.map(({ transfer }) => transfer.sequence);
}

function expectedOf(account: string): number[] {
  const sequences = TRANSFERS.flatMap(({ debit, credit }, i) =>
    debit === account || credit === account ? [i + 1] : [],
  );
  return sequences.reverse();
}

async function expectAll(ledger: Ledger): Promise<void> {
  for (const { id } of ACCOUNTS) expect(await sequencesOf(ledger, id), id).toEqual(expectedOf(id));
}

test("an account's entries say who, how much, and what was there after each", async () => {
  const { ledger } = await filled(":memory:");
  const { entries, cursor } = await ledger.history("quiet");
  expect(cursor).toBeUndefined();
  expect(entries).toMatchObject([
    { direction: "credit", counterparty: "bank", amount: 64n, balance: 69n, transfer: { id: "t64" } },
    { direction: "credit", counterparty: "bank", amount: 5n, balance: 5n, transfer: { id: "t5" } },
  ]);
  expect((await ledger.history("bank", { limit: 1, before: 6 })).entries).toMatchObject([
    { direction: "debit", counterparty: "quiet", amount: 5n, balance: -7n },
  ]);
});

test("an account without entries has an empty history, and one that does not exist is an error", async () => {
  const { ledger } = await openParts(":memory:");
  await ledger.createAccounts(ACCOUNTS);
  expect(await ledger.history("a")).toEqual({ entries: [] });
  await expect(ledger.history("nobody")).rejects.toMatchObject({
    code: "unknown_account",
    message: "the ledger has no account 'nobody': check the id",
  });
});

test("a rejected transfer is no entry, and neither are its accounts' balances changed by it", async () => {
  const { ledger } = await openParts(":memory:");
  await ledger.createAccounts([...ACCOUNTS, { id: "purse", asset: "USD", debitsMustNotExceedCredits: true }]);
  await ledger.createTransfers([
    { id: "1", debit: "bank", credit: "purse", amount: 5n },
    { id: "2", debit: "purse", credit: "bank", amount: 6n },
    { id: "3", debit: "purse", credit: "bank", amount: 2n },
  ]);
  expect((await ledger.history("purse")).entries).toMatchObject([
    { transfer: { id: "3" }, balance: 3n },
    { transfer: { id: "1" }, balance: 5n },
  ]);
});

test("bounds by sequence leave out what they name, and bounds by time take it in", async () => {
  const { ledger } = await openParts(":memory:", { historyRunLog2: 4 });
  await ledger.createAccounts(ACCOUNTS);
  const times: bigint[] = [];
  for (let sequence = 1; sequence <= 40; sequence++) {
    await ledger.createTransfers([{ id: `t${sequence}`, debit: "bank", credit: "a", amount: 1n }]);
    times.push((await ledger.transfer(`t${sequence}`))!.timestamp);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const date = (time: bigint): Date => new Date(Number(time / 1_000_000n));
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => to - i);
  expect(await sequencesOf(ledger, "a", { before: 20, after: 10 })).toEqual(range(11, 19));
  expect(await sequencesOf(ledger, "a", { before: 0 })).toEqual([]);
  expect(await sequencesOf(ledger, "a", { before: 1 })).toEqual([]);
  expect(await sequencesOf(ledger, "a", { after: 40 })).toEqual([]);
  expect(await sequencesOf(ledger, "a", { before: 5, after: 30 })).toEqual([]);
  expect(await sequencesOf(ledger, "a", { from: date(times[9]!), to: date(times[19]!) })).toEqual(range(10, 20));
  expect(await sequencesOf(ledger, "a", { from: times[9]! + 1n, to: times[19]! - 1n })).toEqual(range(11, 19));
  expect(await sequencesOf(ledger, "a", { to: times[0]! - 1n })).toEqual([]);
  expect(await sequencesOf(ledger, "a", { from: times[39]! + 1n })).toEqual([]);
  expect(await sequencesOf(ledger, "a", { from: times[35]!, before: 39 })).toEqual([38, 37, 36]);
  expect(await ledger.balanceAt("a", { time: date(times[19]!) })).toBe(20n);
  expect(await ledger.balanceAt("a", { time: times[19]! - 1n })).toBe(19n);
  expect(await ledger.balanceAt("bank", { time: new Date(0) })).toBe(0n);
  expect(await ledger.balanceAt("bank", { time: new Date("9999-01-01") })).toBe(-40n);
  const { entries } = await ledger.history("a", { to: times[19]!, limit: 1 });
  expect(entries).toMatchObject([{ balance: 20n }]);
});

test("a cursor goes on where its page ended, however much the ledger has grown since", async () => {
  const { ledger } = await filled(":memory:");
  const expected = expectedOf("b");
  const first = await ledger.history("b", { limit: 7 });
  const more = Array.from({ length: 3 * RUN }, (_, i) => ({ ...transferOf(3), id: `more-${i}` }));
  await ledger.createTransfers(more);
  const second = await ledger.history("b", { limit: 10_000, cursor: first.cursor! });
  const sequences = [...first.entries, ...second.entries].map(({ transfer }) => transfer.sequence);
  expect(sequences).toEqual(expected);
  const [last, next] = [first.entries[6]!, second.entries[0]!];
  expect(next.balance).toBe(last.balance - (last.direction === "credit" ? last.amount : -last.amount));
});

test("a past balance is that after the transfer named, at every sequence, across runs and before them", async () => {
  const { ledger } = await filled(":memory:");
  for (const { id } of ACCOUNTS) {
    for (let sequence = 0; sequence <= COUNT; sequence += 1 + (sequence % 5)) {
      const made = TRANSFERS.slice(0, sequence);
      const balance = made.reduce(
        (sum, { debit, credit, amount }) => sum + (credit === id ? amount : 0n) - (debit === id ? amount : 0n),
        0n,
      );
      expect(await ledger.balanceAt(id, { sequence }), `${id} at ${sequence}`).toBe(balance);
    }
  }
  expect(await ledger.balanceAt("bank", { sequence: 1_000_000 })).toBe(ledger.account("bank")!.balance);
});

test("a balance asked for at no point, at two, or of nobody is refused", async () => {
  const { ledger } = await openParts(":memory:", { mode: "event-loop" });
  await ledger.createAccounts(ACCOUNTS);
  for (const at of [{}, { sequence: 1, time: new Date() }, { sequence: -1 }, { time: 5 }, { sequences: 1 }, null]) {
    await expect(ledger.balanceAt("a", at as never)).rejects.toMatchObject({ code: "invalid_argument" });
  }
  await expect(ledger.balanceAt("nobody", { sequence: 1 })).rejects.toMatchObject({ code: "unknown_account" });
});

describe("refused are", () => {
  const wrong: [HistoryOptions, string][] = [
    [{ limit: 0 }, "'limit' must be a whole number from 1 to 10000, not 0"],
    [{ limit: 10_001 }, "not 10001"],
    [{ before: -1 }, "'before' must be a sequence, a whole number from 0, not -1"],
    [{ after: 1.5 }, "'after' must be a sequence"],
    [{ from: new Date("nonsense") }, "'from' must be a valid Date, or a bigint of nanoseconds since 1970"],
    [{ to: 17 as never }, "'to' must be a valid Date"],
    [{ cursor: "nonsense" }, "'cursor' is not one that this query gave"],
    [{ limits: 7 } as never, "'limits' is not an option of history: expected limit, before, after, from, to, cursor"],
  ];
  test.for(wrong)("%o", async ([options, message]) => {
    const { ledger } = await openParts(":memory:", { mode: "event-loop" });
    await ledger.createAccounts(ACCOUNTS);
    await expect(ledger.history("a", options)).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining(message),
    });
  });

  test("cursors of another account, of other options, and of another ledger", async () => {
    const { ledger } = await filled(":memory:");
    const other = await filled(":memory:");
    const { cursor } = await ledger.history("a", { limit: 3, before: 50 });
    const refusal = { code: "invalid_argument", message: expect.stringContaining("'cursor'") };
    await expect(ledger.history("b", { before: 50, cursor: cursor! })).rejects.toMatchObject(refusal);
    await expect(ledger.history("a", { before: 51, cursor: cursor! })).rejects.toMatchObject(refusal);
    await expect(other.ledger.history("a", { before: 50, cursor: cursor! })).rejects.toMatchObject(refusal);
    expect((await ledger.history("a", { before: 50, cursor: cursor! })).entries.length).toBeGreaterThan(0);
  });
});

test.each(["parallel", "event-loop"] as const)(
  "while batches execute, a history is that of a boundary between two of them (%s)",
  async (mode) => {
    const { ledger } = await openParts(":memory:", { mode, historyRunLog2: 10 });
    await ledger.createAccounts(ACCOUNTS);
    const calls: Promise<unknown>[] = [];
    // Every call pays 1, 2, … 100 to the shop, and all of it back.
    for (let call = 0; call < 300; call++) {
      const transfers = Array.from({ length: 100 }, (_, i) => [
        { id: `${call}-${i}`, debit: "bank", credit: "shop", amount: BigInt(i + 1) },
        { id: `${call}-${i}-back`, debit: "shop", credit: "bank", amount: BigInt(i + 1) },
      ]);
      calls.push(ledger.createTransfers(transfers.flat()));
    }
    let isOver = false;
    void Promise.all(calls).then(() => {
      isOver = true;
    });
    let seen = 0;
    for (let round = 0; !isOver || round === 0; round++) {
      const { entries } = await ledger.history("shop", { limit: 50 });
      const [newest] = entries;
      if (newest === undefined) continue;
      expect(newest.transfer.sequence).toBeGreaterThanOrEqual(seen);
      seen = newest.transfer.sequence;
      for (const { balance, amount, direction } of entries) {
        expect(balance).toBe(direction === "credit" ? amount : 0n);
      }
    }
    await Promise.all(calls);
    expect(ledger.transferCount).toBe(60_000);
  },
);

test("a first entry of a run and a last one are found, whichever run holds them", async () => {
  const { ledger } = await filled(":memory:");
  await expectAll(ledger);
  for (const edge of [1, RUN, RUN + 1, 2 * RUN, 2 * RUN + 1, 4 * RUN, 4 * RUN + 1, COUNT]) {
    for (const id of [transferOf(edge).debit, transferOf(edge).credit]) {
      expect(await sequencesOf(ledger, id, { before: edge + 1, after: edge - 1 })).toEqual([edge]);
    }
  }
});

describe("an index", () => {
  const DAMAGES: Record<string, string> = {
    "of which a run is missing":
      "DELETE FROM history_runs WHERE run = 0; DELETE FROM history_pages WHERE page < 1073741824",
    "of which everything is missing": "DELETE FROM history_runs; DELETE FROM history_pages",
    "whose tables are missing, as in a file of an earlier release": "DROP TABLE history_runs; DROP TABLE history_pages",
    "of another version": "UPDATE history_runs SET version = 99; UPDATE history_pages SET data = zeroblob(100)",
    "with runs of another size": "UPDATE history_runs SET size = 128",
  };
  const NOTICED: Record<string, string> = {
    "with a page that was changed":
      "UPDATE history_pages SET data = CAST(substr(data, 1, 40) || x'0102' || substr(data, 43) AS BLOB)",
    "with a page that was cut short": "UPDATE history_pages SET data = substr(data, 1, 20)",
    "with a page that is missing": "DELETE FROM history_pages WHERE page = (SELECT min(page) FROM history_pages)",
    "with a page in the place of another":
      "UPDATE history_pages SET data = (SELECT data FROM history_pages ORDER BY page DESC LIMIT 1)",
  };

  async function damaged(sql: string): Promise<string> {
    const path = join(temporaryFolder(), "ledger.db");
    const { ledger } = await filled(path);
    await ledger.close();
    const database = new Database(path);
    expect(database.prepare("SELECT count(*) FROM history_runs").pluck().get()).toBe(4);
    database.exec(sql);
    database.close();
    return path;
  }

  const verify = (path: string): Promise<VerifyReport> => verifyFile(path, { historyRunLog2: RUN_LOG2 });

  test.each(Object.entries({ ...DAMAGES, ...NOTICED }))("%s is built again from the journal", async (_, sql) => {
    const path = await damaged(sql);
    const { ledger } = await openParts(path, { mode: "event-loop", historyRunLog2: RUN_LOG2 });
    await expectAll(ledger);
    await ledger.createTransfers(Array.from({ length: RUN }, (_, i) => ({ ...transferOf(3), id: `more-${i}` })));
    await ledger.close();
    await verify(path);
    const again = await openParts(path, { mode: "event-loop", historyRunLog2: RUN_LOG2 });
    expect((await sequencesOf(again.ledger, "quiet")).length).toBe(2);
  });

  test.each(Object.entries(NOTICED))("%s is noticed by verify", async (_, sql) => {
    const path = await damaged(sql);
    await expect(verify(path)).rejects.toMatchObject({ code: "history_differs", details: { run: 0 } });
  });

  test("is the same bytes, whoever built it and when", async () => {
    const pagesOf = (path: string): unknown => {
      const database = new Database(path, { readonly: true });
      const rows = database.prepare("SELECT page, data FROM history_pages ORDER BY page").raw().all();
      database.close();
      return rows;
    };
    const path = join(temporaryFolder(), "ledger.db");
    await (await filled(path)).ledger.close();
    const asCommitted = pagesOf(path);
    const database = new Database(path);
    database.exec("DELETE FROM history_runs; DELETE FROM history_pages");
    database.close();
    const { ledger } = await openParts(path, { workers: 3, historyRunLog2: RUN_LOG2 });
    await ledger.history("a");
    await ledger.close();
    expect(pagesOf(path)).toEqual(asCommitted);
  });
});
