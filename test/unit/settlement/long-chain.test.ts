/** Chains of a file that fit no batch, and what a job does beside making their rows. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test, vi } from "vitest";
import type { Ledger, SettleFileOptions, SettleFileSummary } from "../../../src/index.js";
import { cli, read, verifiedDigest } from "../../support/cli.js";
import { openWithPurse, startClock, temporaryFolder } from "../../support/ledgers.js";

const LEGS = 40_000;
const HEADER = "id,from,to,amount,chained";
const COLUMNS = { id: "id", debit: "from", credit: "to", amount: "amount", linked: "chained" };

interface Leg {
  readonly from?: string;
  readonly to?: string;
  readonly amount?: string;
}

/** A row, a chain of `LEGS` rows of which some are as given, and a row behind it. */
function fileOf(legs: Readonly<Record<number, Leg>> = {}): string {
  const chain = Array.from({ length: LEGS }, (_, i) => {
    const { from = "bank", to = "shop", amount = "1" } = legs[i] ?? {};
    return `leg ${i},${from},${to},${amount},${i < LEGS - 1 ? 1 : 0}`;
  });
  return [HEADER, "before,bank,shop,5,0", ...chain, "behind,bank,shop,7,0", ""].join("\n");
}

function open(folder: string): Promise<Ledger> {
  return openWithPurse(join(folder, "l.db"), { capacity: { accounts: 100_000, transfers: 200_000 } });
}

function settle(
  ledger: Ledger,
  folder: string,
  text: string,
  more: Partial<SettleFileOptions> = {},
): Promise<SettleFileSummary> {
  writeFileSync(join(folder, "t.csv"), text);
  return ledger.settleFile({
    ...{ transfers: join(folder, "t.csv"), columns: COLUMNS, asset: "JPY", job: "job" },
    ...{ results: join(folder, "results.csv"), net: join(folder, "net.csv"), ...more },
  });
}

const linesOf = (folder: string, name: string): string[] => read(folder, name).split("\n").slice(1, -1);

test("netting counts a chain that was made, and nothing of one that was not", async () => {
  const folder = temporaryFolder();
  const ledger = await open(folder);
  await settle(ledger, folder, fileOf());
  expect(linesOf(folder, "net.csv")).toEqual([
    `bank,JPY,${LEGS + 12},0,-${LEGS + 12},${LEGS + 2}`,
    `shop,JPY,0,${LEGS + 12},${LEGS + 12},${LEGS + 2}`,
  ]);
  const broken = fileOf({ 30000: { from: "purse" } })
    .replaceAll(/^(\w)/gm, "2$1")
    .replace("2id", "id");
  const summary = await settle(ledger, folder, broken, { job: "another job" });
  expect(summary).toMatchObject({
    transfers: LEGS + 2,
    results: { ok: 2, linked_event_failed: LEGS - 1, exceeds_credits: 1 },
    net: { accounts: 2, gross: 12n },
  });
  expect(linesOf(folder, "net.csv")).toEqual(["bank,JPY,12,0,-12,2", "shop,JPY,0,12,12,2"]);
  expect(linesOf(folder, "results.csv").filter((line) => !line.endsWith(",linked_event_failed,"))).toEqual([
    `1,2before,ok,${LEGS + 3}`,
    `30002,2leg 30000,exceeds_credits,${LEGS + 4}`,
    `${LEGS + 2},2behind,ok,${LEGS + 5}`,
  ]);
  expect(await ledger.transfer("2leg 30000")).toMatchObject({ linked: true, job: "another job", row: 30_002 });
  expect(await ledger.transfer("2leg 1")).toBeUndefined();
});

test("the accounts that legs before the one that was refused created stay, as in a chain of one batch", async () => {
  const folder = temporaryFolder();
  const create = { createAccounts: "unlimited" } as const;
  const name = (i: number): string => `account ${i} ${"with a long name".repeat(i % 2)}`;
  const legs = Object.fromEntries(Array.from({ length: LEGS }, (_, i) => [i, { to: name(i) }]));
  const ledger = await open(folder);
  const refused = { ...legs, 17500: { from: "purse", to: name(17_500) } };
  await settle(ledger, folder, fileOf(refused), create);
  const short = (text: string): string =>
    text
      .split("\n")
      .filter((line) => !/^leg \d{2}/.test(line))
      .join("\n");
  const other = temporaryFolder();
  const inOneBatch = await open(other);
  await settle(inOneBatch, other, short(fileOf({ ...legs, 6: { from: "purse", to: name(6) } })), create);
  for (const [settled, breaker] of [
    [ledger, 17_500],
    [inOneBatch, 6],
  ] as const) {
    expect(settled.accountCount).toBe(3 + breaker + 1);
    expect([0, 1, breaker, breaker + 1].map((i) => settled.account(name(i))?.version)).toEqual([0, 0, 0, undefined]);
    expect(await settled.transfer(`leg ${breaker}`)).toMatchObject({
      credit: name(breaker),
      result: "exceeds_credits",
    });
  }
  const digest = ledger.digest();
  await settle(ledger, folder, fileOf(refused), create);
  expect(ledger.digest()).toBe(digest);
  await ledger.close();
  expect(await verifiedDigest(join(folder, "l.db"))).toBe(digest);
  // One that is refused for what it says breaks its chain before a leg is tried.
  const untried = await open(temporaryFolder());
  await settle(untried, folder, fileOf({ ...legs, 39000: { amount: "x" } }), create);
  expect(untried.accountCount).toBe(3);
});

test("a row that can't be read breaks the chain around it, and only it is reported", async () => {
  const folder = temporaryFolder();
  const ledger = await open(folder);
  const wide = "9".repeat(2 ** 20 + 5);
  const bad = { 20000: { amount: wide }, 20001: { amount: "x" }, 39999: { amount: "y" } };
  const summary = await settle(ledger, folder, `${fileOf(bad)}last,bank,shop,z,0\nend,bank,shop,1,0\n`);
  expect(summary.results).toEqual({ ok: 3, invalid_row: 1, linked_event_failed: LEGS - 1, invalid_amount: 1 });
  expect(summary.problems.map(({ row, result }) => [row, result])).toEqual([
    [20_002, "invalid_row"],
    [LEGS + 3, "invalid_amount"],
  ]);
  expect(linesOf(folder, "results.csv")[20_001]).toBe("20002,,invalid_row,");
});

test("an atomic job goes on behind a chain that broke as any other, and keeps nothing", async () => {
  const folder = temporaryFolder();
  const ledger = await open(folder);
  const text = `${fileOf({ 0: { to: "purse", amount: "9" }, 35000: { from: "purse", amount: "10" } })}late,purse,shop,1,0\n`;
  const digest = ledger.digest();
  const summary = await settle(ledger, folder, text, { atomic: true });
  expect(summary).toMatchObject({ kept: false, results: { linked_event_failed: LEGS + 1, exceeds_credits: 2 } });
  // What the chain had put into the purse is not there any more.
  expect(linesOf(folder, "results.csv").at(-1)).toBe(`${LEGS + 3},late,exceeds_credits,`);
  expect(ledger.digest()).toBe(digest);
  expect(ledger.transferCount).toBe(0);
  const made = fileOf({ 0: { to: "purse", amount: "9" }, 35000: { from: "purse", amount: "9" } });
  expect(await settle(ledger, folder, made, { atomic: true })).toMatchObject({ kept: true, results: { ok: LEGS + 2 } });
});

test("a job that is stopped within a chain keeps the rows before it, and leaves no file behind", async () => {
  const folder = temporaryFolder();
  const ledger = await open(folder);
  const stop = new AbortController();
  const text = fileOf().replaceAll(/^leg \d+/gm, "$& with an id of more than sixteen bytes");
  // No more than about a megabyte is read ahead, so the chain is under way at its end.
  async function* rows(): AsyncGenerator<Buffer> {
    for (let at = 0; at < text.length; at += 100_000) {
      if (at > text.length - 300_000) stop.abort(new Error("stopped"));
      yield Buffer.from(text.slice(at, at + 100_000));
    }
  }
  const run = settle(ledger, folder, "", { transfers: Readable.from(rows()), signal: stop.signal });
  await expect(run).rejects.toThrow("stopped");
  expect(ledger.account("shop")!.balance).toBe(5n);
  expect(ledger.transferCount).toBe(1);
  expect(readdirSync(folder).filter((name) => !name.startsWith("l.db"))).toEqual(["t.csv"]);
  const again = await settle(ledger, folder, "", { transfers: Readable.from([Buffer.from(text)]) });
  expect(again.results).toEqual({ ok: LEGS + 2 });
});

test("a chain has one clock, however long its rows take to come", async () => {
  const clock = startClock();
  const folder = temporaryFolder();
  const ledger = await open(folder);
  const wide = "x".repeat(30);
  const rows = Array.from({ length: LEGS }, (_, i) => `leg ${i} ${wide},bank,shop,1,1,,,\n`);
  const text = `id,from,to,amount,chained,reserve,seconds,collect\nhold,bank,shop,5,1,1,1,\n${rows.join("")}post,,,,0,,,hold\n`;
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < text.length; at += 200_000) {
      clock.milliseconds += 10_000;
      vi.setSystemTime(clock.milliseconds);
      yield Buffer.from(text.slice(at, at + 200_000));
    }
  }
  const columns = { ...COLUMNS, pending: "reserve", timeout: "seconds", post: "collect" };
  const summary = await settle(ledger, folder, "", { transfers: Readable.from(chunks()), columns });
  expect(summary.results).toEqual({ ok: LEGS + 2 });
  const [first, last] = [await ledger.transfer("hold"), await ledger.transfer("post")];
  expect(last!.timestamp).toBe(first!.timestamp);
  expect(ledger.account("bank")).toMatchObject({ debitsPending: 0n, debitsPosted: BigInt(LEGS + 5) });
});

test.skipIf(process.platform === "win32")("a chain's results reach a device in their order", async () => {
  const folder = temporaryFolder();
  const text = fileOf({ 25000: { from: "purse" } });
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const reading = readFile(pipe, "utf8");
  await settle(await open(folder), folder, text, { results: pipe });
  const lines = await reading;
  const other = temporaryFolder();
  await settle(await open(other), other, text);
  expect(lines === read(other, "results.csv")).toBe(true);
});

test("a dry run of a chain that breaks writes what the run writes, and changes nothing", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "t.csv"), fileOf({ 25000: { from: "purse" } }));
  writeFileSync(join(folder, "a.csv"), "id,opening\nbank,50000\nshop,0\npurse,0\n");
  const args = "settle --db l.db --accounts a.csv --transfers t.csv --asset JPY --quiet --job j --results".split(" ");
  const columns = ["--columns", "id=id,debit=from,credit=to,amount=amount,linked=chained"];
  expect((await cli([...args, "dry.csv", ...columns, "--dry-run"], { cwd: folder })).code).toBe(0);
  expect(existsSync(join(folder, "l.db"))).toBe(false);
  expect((await cli([...args, "results.csv", ...columns], { cwd: folder })).code).toBe(0);
  expect(linesOf(folder, "results.csv")[25_001]).toBe("25002,leg 25000,exceeds_credits,3");
  expect(read(folder, "dry.csv") === read(folder, "results.csv")).toBe(true);
});
