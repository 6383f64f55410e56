/** What makes a job: which rows it has settled before, and which ids belong to somebody else. */
import { execFile, execFileSync } from "node:child_process";
import { appendFileSync, closeSync, constants, openSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Ledger, LedgerError, LedgerOptions, SettleFileOptions } from "../../../src/index.js";
import { read, temporaryFolder } from "../../support/cli.js";
import { openLedgerHere } from "../../support/ledgers.js";

const HEADER = "id,from,to,amount\n";

interface Settled {
  readonly job: string;
  readonly replayed: number;
  /** `id,result,sequence` by row. */
  readonly rows: readonly string[];
  readonly text: string;
  readonly digest: string;
}

interface Bench {
  ledger: Ledger;
  readonly folder: string;
  /** Settles rows from a file of this name, with an id column unless `columns` says otherwise. */
  settle(rows: string, options?: Partial<SettleFileOptions> & { file?: string }): Promise<Settled>;
  reopen(options?: LedgerOptions): Promise<void>;
}

async function open(options: LedgerOptions = { mode: "event-loop" }): Promise<Bench> {
  const folder = temporaryFolder();
  const path = join(folder, "l.db");
  const bench: Bench = {
    ledger: await openLedgerHere(path, options),
    folder,
    async settle(rows, { file = "transfers.csv", ...rest } = {}) {
      writeFileSync(join(folder, file), `${HEADER}${rows}`);
      const summary = await bench.ledger.settleFile({
        transfers: join(folder, file),
        columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
        asset: "USD",
        results: join(folder, "results.csv"),
        ...rest,
      });
      const text = read(folder, "results.csv");
      const lines = text.split("\n").slice(1, -1);
      expect(lines.map((line) => Number(line.split(",")[0]))).toEqual(lines.map((_, index) => index + 1));
      return {
        job: summary.job,
        replayed: summary.replayed,
        rows: lines.map((line) => line.slice(line.indexOf(",") + 1)),
        text,
        digest: bench.ledger.digest(),
      };
    },
    async reopen(other = options) {
      await bench.ledger.close();
      bench.ledger = await openLedgerHere(path, other);
    },
  };
  onTestFinished(() => bench.ledger.close());
  await bench.ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "alice", asset: "USD", debitsMustNotExceedCredits: true },
    { id: "bob", asset: "USD", debitsMustNotExceedCredits: true },
    { id: "euro", asset: "EUR" },
  ]);
  return bench;
}

const ROWS = "t1,bank,alice,10\nt2,alice,bob,20\nt3,alice,bob,4\nt4,nobody,bob,1\n";

/** Legs of a chain that no batch holds. */
const LEGS = Array.from({ length: 17_000 }, (_, i) => {
  return { id: `leg-${i}`, debit: "bank", credit: "bob", amount: 1n, linked: true };
});

describe("which rows are replayed", () => {
  it("the same content under another path is the same job", async () => {
    const bench = await open();
    const first = await bench.settle(ROWS, { file: "one.csv" });
    expect(first.rows).toEqual(["t1,ok,1", "t2,exceeds_credits,2", "t3,ok,3", "t4,debit_account_not_found,4"]);
    const again = await bench.settle(ROWS, { file: "two.csv" });
    expect(again).toEqual({ ...first, replayed: 4 });
    await bench.reopen({ workers: 2 });
    expect(await bench.settle(ROWS, { file: "three.csv" })).toEqual(again);
  });

  it("a job that is named keeps its name whatever the path, and its rows are not another job's", async () => {
    const bench = await open();
    const first = await bench.settle(ROWS, { job: "monday" });
    expect(first.job).toBe("monday");
    const other = await bench.settle(ROWS, { job: "tuesday" });
    expect(other).toMatchObject({ replayed: 0, digest: first.digest });
    expect(other.rows).toEqual(["t1,exists,1", "t2,id_already_failed,2", "t3,exists,3", "t4,id_already_failed,4"]);
    expect(await bench.settle(ROWS, { job: "monday" })).toEqual({ ...first, replayed: 4 });
    expect(await bench.settle(ROWS, { job: "tuesday" })).toEqual(other);
  });

  it("rows added to the end of a named job's file are settled, those before are replayed", async () => {
    const bench = await open();
    const first = await bench.settle(ROWS, { job: "j" });
    const longer = await bench.settle(`${ROWS}t5,bank,bob,7\nt1,bank,alice,10\n`, { job: "j" });
    expect(longer.replayed).toBe(4);
    expect(longer.rows).toEqual([...first.rows, "t5,ok,5", "t1,exists,1"]);
  });

  it("rows that come into the file while it is settled are no part of the job, which goes on under its name", async () => {
    const bench = await open({ workers: 2 });
    const file = join(bench.folder, "growing.csv");
    // Longer than what is read ahead, and without a column of ids.
    const row = `bank,alice,1,${"x".repeat(1000)}\n`;
    const count = 20_000;
    writeFileSync(file, `from,to,amount,note\n${row.repeat(count)}`);
    const options: SettleFileOptions = {
      transfers: file,
      columns: { debit: "from", credit: "to", amount: "amount" },
      asset: "USD",
    };
    const settling = bench.ledger.settleFile(options).catch((reason: unknown) => reason as LedgerError);
    // Not at the first progress: a busy disk may tell of that when all of the file has been read.
    while (bench.ledger.transferCount === 0) await nextTurn();
    appendFileSync(file, row);
    const error = await settling;
    expect(error).toMatchObject({ code: "input_changed", details: { path: file, job: expect.any(String) } });
    const job = String((error as LedgerError).details.job);
    expect((error as LedgerError).message).toContain(`'${job}'`);
    const before = bench.ledger.transferCount;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(count);
    expect(await bench.ledger.settleFile({ ...options, job })).toMatchObject({
      replayed: before,
      results: { ok: count + 1 },
    });
    expect(bench.ledger.account("alice")?.balance).toBe(BigInt(count + 1) * 100n);
  });

  it("rows that were changed under a job's name are not replayed, and change nothing", async () => {
    const bench = await open();
    const first = await bench.settle(ROWS, { job: "j" });
    const changed = await bench.settle("t1,bank,alice,11\nt2,alice,bob,21\nt3,alice,bank,4\nt4,someone,bob,1\n", {
      job: "j",
    });
    expect(changed).toMatchObject({ replayed: 0, digest: first.digest });
    expect(changed.rows).toEqual([
      "t1,exists_with_different_amount,1",
      "t2,id_already_failed,2",
      "t3,exists_with_different_credit_account_id,3",
      "t4,id_already_failed,4",
    ]);
    expect((await bench.settle("t1,alice,bank,10\n", { job: "j" })).rows).toEqual([
      "t1,exists_with_different_debit_account_id,1",
    ]);
  });

  it("rows that moved within a named job are another row's ids", async () => {
    const bench = await open();
    await bench.settle("t1,bank,alice,10\nt2,bank,alice,5\n", { job: "j" });
    expect(await bench.settle("t2,bank,alice,5\nt1,bank,alice,10\n", { job: "j" })).toMatchObject({
      replayed: 0,
      rows: ["t2,exists,2", "t1,exists,1"],
    });
  });

  it("a malformed row that shares its id with a later good row stays what it is in every run", async () => {
    const bench = await open();
    const rows = [
      "t1,bank,alice,oops",
      "t2,bank,bank,5",
      "t3,bank,alice,0",
      "t4,bank,euro,1",
      "t5,bank",
      ",bank,alice,1",
      "t1,bank,alice,1",
      "t2,bank,alice,2",
      "t3,bank,alice,3",
      "t4,bank,alice,4",
      "t1,bank,alice,-1",
      "t2,bank,bank,5",
      "t3,bank,alice,0",
      "t4,bank,euro,4",
    ].join("\n");
    const first = await bench.settle(`${rows}\n`);
    expect(first.rows).toEqual([
      "t1,invalid_amount,",
      "t2,accounts_must_be_different,",
      "t3,amount_must_not_be_zero,",
      "t4,accounts_must_have_the_same_asset,",
      ",invalid_row,",
      ",id_must_not_be_empty,",
      "t1,ok,1",
      "t2,ok,2",
      "t3,ok,3",
      "t4,ok,4",
      "t1,invalid_amount,",
      "t2,exists_with_different_credit_account_id,2",
      "t3,exists_with_different_amount,3",
      "t4,exists_with_different_credit_account_id,4",
    ]);
    expect(await bench.settle(`${rows}\n`)).toEqual({ ...first, replayed: 4 });
    await bench.reopen({ workers: 1 });
    expect(await bench.settle(`${rows}\n`)).toEqual({ ...first, replayed: 4 });
  });

  it("a rerun that may create accounts reports what was recorded when it might not, and creates nothing for it", async () => {
    const bench = await open();
    const first = await bench.settle(ROWS);
    expect(await bench.settle(ROWS, { createAccounts: "unlimited" })).toEqual({ ...first, replayed: 4 });
    expect(bench.ledger.account("nobody")).toBeUndefined();
  });

  it("accounts that appear later do not change what a rerun reports", async () => {
    const bench = await open();
    const first = await bench.settle(`${ROWS}t5,bank,ghost,1\n`);
    expect(first.rows.at(-1)).toBe("t5,credit_account_not_found,5");
    await bench.ledger.createAccounts([
      { id: "nobody", asset: "USD" },
      { id: "ghost", asset: "USD" },
    ]);
    const again = await bench.settle(`${ROWS}t5,bank,ghost,1\n`);
    expect(again).toMatchObject({ text: first.text, replayed: 5 });
  });

  it("nor do accounts that appear later in another asset", async () => {
    const bench = await open();
    const rows = "t1,nobody,bob,1\nt2,bank,ghost,1\nt3,nobody,ghost,1\n";
    const first = await bench.settle(rows);
    await bench.ledger.createAccounts([
      { id: "nobody", asset: "EUR" },
      { id: "ghost", asset: "EUR" },
    ]);
    expect(await bench.settle(rows)).toMatchObject({ text: first.text, replayed: 3 });
  });

  it("ids derived from the row serve a named job whose file grew, and another asset is no replay", async () => {
    const bench = await open();
    const columns = { debit: "from", credit: "to", amount: "amount" };
    const first = await bench.settle(ROWS, { columns, job: "j" });
    const longer = await bench.settle(`${ROWS}t5,bank,bob,7\n`, { columns, job: "j" });
    expect(longer).toMatchObject({ replayed: 4 });
    expect(longer.rows.slice(0, 4)).toEqual(first.rows);
    // A row whose debit account was missing has no asset to compare.
    const inEuro = await bench.settle(ROWS, { columns, job: "j", asset: "EUR" });
    expect(inEuro.digest).toBe(longer.digest);
    expect(inEuro.rows.slice(0, 3).map((row) => row.split(",")[1])).toEqual([
      "exists_with_different_asset",
      "id_already_failed",
      "exists_with_different_asset",
    ]);
  });
});

describe("ids that somebody else has used", () => {
  it("within a file", async () => {
    const bench = await open();
    const { rows, digest } = await bench.settle(
      "t1,bank,alice,10\nt1,bank,alice,10\nt1,bank,alice,9\nt1,bank,bob,10\nt1,alice,bob,10\n" +
        "t2,alice,bob,999\nt2,alice,bob,1\nt2,alice,bob,999\n",
    );
    expect(rows).toEqual([
      "t1,ok,1",
      "t1,exists,1",
      "t1,exists_with_different_amount,1",
      "t1,exists_with_different_credit_account_id,1",
      "t1,exists_with_different_debit_account_id,1",
      "t2,exceeds_credits,2",
      "t2,id_already_failed,2",
      "t2,id_already_failed,2",
    ]);
    expect(bench.ledger.account("alice")).toMatchObject({ balance: 1000n, version: 1 });
    expect(bench.ledger.digest()).toBe(digest);
  });

  it("by direct calls before", async () => {
    const bench = await open();
    await bench.ledger.createTransfers([
      { id: "t1", debit: "bank", credit: "alice", amount: 1000n },
      { id: "t2", debit: "alice", credit: "bob", amount: 99999n },
      { id: "t3", debit: "bank", credit: "alice", amount: 1000n, userData: 7n },
      { id: "t5", debit: "bank", credit: "alice", amount: 1000n, code: 7 },
    ]);
    const { rows, replayed } = await bench.settle(
      "t1,bank,alice,10\nt2,alice,bob,999.99\nt3,bank,alice,10\nt4,bank,bob,1\nt5,bank,alice,10\n",
    );
    expect(replayed).toBe(0);
    expect(rows).toEqual([
      "t1,exists,1",
      "t2,id_already_failed,2",
      "t3,exists_with_different_user_data,3",
      "t4,ok,5",
      "t5,exists_with_different_code,4",
    ]);
    // And the other way round.
    expect(await bench.ledger.createTransfers([{ id: "t4", debit: "bank", credit: "bob", amount: 100n }])).toEqual([
      { result: "exists", sequence: 5 },
    ]);
  });

  it("a stream without a name is another job each time, and a pipe with a path as well", async () => {
    const bench = await open();
    const stream = (rows: string) => Readable.from([Buffer.from(HEADER + rows)]);
    const first = await bench.settle("", { transfers: stream(ROWS) });
    expect(first.rows).toEqual(["t1,ok,1", "t2,exceeds_credits,2", "t3,ok,3", "t4,debit_account_not_found,4"]);
    // Another day's stream, which happens to have the same row in the same place: its id was used, and it is told so.
    const second = await bench.settle("", { transfers: stream("t1,bank,alice,10\nt5,bank,bob,1\n") });
    expect(second).toMatchObject({ replayed: 0, rows: ["t1,exists,1", "t5,ok,5"] });
    expect(second.job).not.toBe(first.job);
    const pipe = join(bench.folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    for (let run = 0; run < 2; run++) {
      const writing = writeFile(pipe, HEADER + ROWS);
      const piped = await bench.settle("", { transfers: pipe });
      await writing;
      expect(piped).toMatchObject({
        replayed: 0,
        rows: ["t1,exists,1", "t2,id_already_failed,2", "t3,exists,3", "t4,id_already_failed,4"],
      });
    }
  });

  it("a stream with a name resumes", async () => {
    const bench = await open();
    const stream = (rows: string) => Readable.from([Buffer.from(HEADER + rows)]);
    const broken = await bench.settle("", { transfers: stream("t1,bank,alice,10\nt2,alice,bob,20\n"), job: "monday" });
    const whole = await bench.settle("", { transfers: stream(ROWS), job: "monday" });
    expect(whole).toMatchObject({ replayed: 2, job: "monday" });
    expect(whole.text.startsWith(broken.text)).toBe(true);
  });

  it("a job keeps its name where a chain of another caller is undone before the job's first rows are on disk", async () => {
    const { ledger, folder } = await open();
    const chain = ledger.createTransfers([...LEGS, { id: "last", debit: "alice", credit: "bob", amount: 1n }]);
    async function* rows(): AsyncGenerator<Buffer> {
      yield Buffer.from(HEADER);
      yield Buffer.from("t1,bank,alice,10\n");
      await chain;
    }
    await ledger.settleFile({
      transfers: Readable.from(rows()),
      columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
      asset: "USD",
      job: "monday",
    });
    expect((await chain).at(-1)!.result).toBe("exceeds_credits");
    expect(await ledger.transfer("t1")).toMatchObject({ result: "ok", job: "monday" });
    expect(await ledger.export(join(folder, "export"))).toMatchObject({ transfers: 2 });
  });

  it("a stream with an id column is a job of its own, and one without needs a name", async () => {
    const bench = await open();
    const columns = { id: "id", debit: "from", credit: "to", amount: "amount" };
    const stream = () => Readable.from([Buffer.from(HEADER + ROWS)]);
    const first = await bench.settle(ROWS, { transfers: stream(), columns });
    expect(first.replayed).toBe(0);
    expect(await bench.settle(ROWS)).toMatchObject({ replayed: 0, digest: first.digest });
    const { id: _, ...withoutId } = columns;
    await expect(bench.settle(ROWS, { transfers: stream(), columns: withoutId })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    const named = await bench.settle(ROWS, { transfers: stream(), columns: withoutId, job: "n" });
    expect(await bench.settle(ROWS, { transfers: stream(), columns: withoutId, job: "n" })).toEqual({
      ...named,
      replayed: 4,
    });
  });
});

it("who reads results slowly holds the job back", async () => {
  const { ledger, folder } = await open({ mode: "event-loop", capacity: { transfers: 1_000_000 } });
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const count = 700_000;
  function* pieces(): Generator<Buffer> {
    yield Buffer.from(HEADER);
    for (let first = 0; first < count; first += 1000) {
      yield Buffer.from(Array.from({ length: 1000 }, (_, i) => `${first + i},bank,bob,1\n`).join(""));
    }
  }
  const job = ledger.settleFile({
    transfers: Readable.from(pieces()),
    columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
    asset: "USD",
    job: "monday",
    results: pipe,
  });
  for (let before = -1; before !== ledger.transferCount; ) {
    before = ledger.transferCount;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const executed = ledger.transferCount;
  const lines = promisify(execFile)("wc", ["-l", pipe]);
  expect(await job).toMatchObject({ results: { ok: count } });
  closeSync(reader);
  expect(executed).toBeLessThan(count);
  expect(Number.parseInt((await lines).stdout, 10)).toBe(count + 1);
}, 60_000);

describe("closing balances", () => {
  it("are those of one moment, whatever else is called meanwhile", async () => {
    const { ledger, folder } = await open({ mode: "event-loop" });
    const count = 30_000;
    await ledger.createAccounts(Array.from({ length: count }, (_, i) => ({ id: `account-${i}`, asset: "USD" })));
    let isOver = false;
    const others = (async () => {
      for (let call = 0; !isOver; call++) {
        const move = (_: unknown, i: number) => ({
          id: `${call}-${i}`,
          debit: `account-${count - 1 - i}`,
          credit: `account-${i}`,
          amount: 1n,
        });
        await ledger.createTransfers(Array.from({ length: 10 }, move));
      }
    })();
    await ledger.settleFile({
      transfers: Readable.from([HEADER + ROWS]),
      columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
      asset: "USD",
      balances: join(folder, "balances.csv"),
    });
    isOver = true;
    await others;
    const lines = read(folder, "balances.csv").split("\n").slice(1, -1);
    expect(lines).toHaveLength(count + 4);
    const cents = lines.map((line) => BigInt(line.split(",")[6]!.replace(".", "")));
    expect(cents.reduce((sum, balance) => sum + balance, 0n)).toBe(0n);
  });

  it("are written however many chains are taken back meanwhile", async () => {
    const { ledger, folder } = await open({ mode: "event-loop" });
    const chains = Array.from({ length: 4 }, (_, i) =>
      ledger.createTransfers([...LEGS, { id: `last-${i}`, debit: "alice", credit: "bob", amount: 1n }]),
    );
    await ledger.settleFile({
      transfers: Readable.from([HEADER]),
      columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
      asset: "USD",
      balances: join(folder, "balances.csv"),
    });
    expect(read(folder, "balances.csv")).toContain("\nbob,USD,0.00,0.00,0.00,0.00,0.00,0\n");
    await Promise.all(chains);
  });
});

describe("accounts that only transfers name", () => {
  it("are created limited or unlimited, once, by well-formed rows only", async () => {
    for (const [create, result] of [
      ["limited", "exceeds_credits"],
      ["unlimited", "ok"],
    ] as const) {
      const bench = await open();
      const rows = "t1,new,newer,1\nt2,bad,worse,x\nt3,same,same,1\nt4,zero,none,0\nt5,bank,new,5\nt6,new,newer,5\n";
      const settled = await bench.settle(rows, { createAccounts: create });
      expect(settled.rows.map((row) => row.split(",")[1])).toEqual([
        result,
        "invalid_amount",
        "accounts_must_be_different",
        "amount_must_not_be_zero",
        "ok",
        "ok",
      ]);
      expect([...bench.ledger.accounts()].map(({ id }) => id)).toEqual([
        "alice",
        "bank",
        "bob",
        "euro",
        "new",
        "newer",
      ]);
      expect(bench.ledger.account("new")!.debitsMustNotExceedCredits).toBe(create === "limited");
      expect(await bench.settle(rows, { createAccounts: create })).toMatchObject({
        text: settled.text,
        digest: settled.digest,
      });
    }
  });
});
