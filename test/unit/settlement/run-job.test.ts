/** What is checked of a job before anything of it is done, for callers of `settleFile`. */
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Ledger, SettleFileOptions } from "../../../src/index.js";
import { temporaryFolder } from "../../support/cli.js";
import { openLedgerHere } from "../../support/ledgers.js";

const FILES = {
  "accounts.csv": "id,opening\nalice,5\nbob,0\n",
  "transfers.csv": "from,to,amount\nalice,bob,1\n",
};

interface Bench {
  readonly ledger: Ledger;
  readonly folder: string;
  readonly options: SettleFileOptions;
  at(name: string): string;
}

async function open(): Promise<Bench> {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  for (const [name, text] of Object.entries(FILES)) writeFileSync(at(name), text);
  const ledger = await openLedgerHere(at("l.db"), { mode: "event-loop" });
  onTestFinished(() => ledger.close());
  const options = {
    transfers: at("transfers.csv"),
    columns: { debit: "from", credit: "to", amount: "amount" },
    asset: "USD",
    accounts: { file: at("accounts.csv") },
  };
  return { ledger, folder, options, at };
}

/** Expects the job to be refused with this message, and everything to be what it was before. */
async function expectRefusal({ ledger, folder, options, at }: Bench, changes: object, message: RegExp): Promise<void> {
  const before = readdirSync(folder);
  await expect(ledger.settleFile({ ...options, ...changes })).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringMatching(message),
  });
  expect([ledger.transferCount, ledger.accountCount]).toEqual([0, 0]);
  expect(readdirSync(folder)).toEqual(before);
  for (const [name, text] of Object.entries(FILES)) expect(readFileSync(at(name), "utf8")).toBe(text);
}

describe("an output that would overwrite something is refused", () => {
  it("the ledger, by whatever way, and what is beside it; an input; another output", async () => {
    const bench = await open();
    const { at, folder } = bench;
    symlinkSync("l.db", at("link"));
    symlinkSync(folder, at("folder"));
    await expectRefusal(
      bench,
      { results: at("l.db") },
      /^the ledger and 'results' both name .*l\.db: give each a file/,
    );
    await expectRefusal(bench, { balances: at("link") }, /^the ledger and 'balances' both name /);
    await expectRefusal(bench, { net: at("folder/l.db") }, /^the ledger and 'net' both name /);
    await expectRefusal(bench, { results: at("l.db-journal") }, /^the ledger and 'results' both name /);
    await expectRefusal(bench, { results: at("transfers.csv") }, /^'transfers' and 'results' both name /);
    await expectRefusal(bench, { net: at("accounts.csv") }, /^'accounts' and 'net' both name /);
    await expectRefusal(bench, { results: at("x"), balances: at("x") }, /^'results' and 'balances' both name /);
    await expectRefusal(bench, { results: at("x.partial"), net: at("x") }, /^'results' and 'net' would both use /);
    await expectRefusal(bench, { results: "" }, /^'results' must be the path of a file, not ''$/);
  });
});

describe("what nobody would read is refused", () => {
  it.each([
    [{ dryRun: true }, /^'dryRun' is not an option of settleFile: expected transfers, /],
    [{ result: "x" }, /^'result' is not an option of settleFile/],
    [{ columns: { debit: "from", credit: "to", amount: "amount", pendng: "x" } }, /^'pendng' is not an option of 'co/],
    [{ columns: { debit: "from", credit: "to" } }, /^'columns\.amount' must be the name of a column, not 'undefined'$/],
    [{ columns: { debit: "from", credit: "to", amount: "amount", id: 5 } }, /^'columns\.id' must be the name of a col/],
    [
      { columns: { debit: "from", credit: "to", amount: "amount", id: "" } },
      /^'columns\.id' must be the name of a col/,
    ],
    [{ accounts: { path: "x" } }, /^'path' is not an option of 'accounts': expected file, columns$/],
    [{ accounts: { file: "x", columns: { opening: "o" } } }, /^'accounts\.columns\.id' must be the name of a column/],
    [{ job: 5 }, /^a job's name must be a string of Unicode, not 5$/],
    [{ job: "\ud800" }, /^a job's name must be a string of Unicode, not "\\ud800"$/],
  ])("%j", async (changes, message) => expectRefusal(await open(), changes, message));
});
