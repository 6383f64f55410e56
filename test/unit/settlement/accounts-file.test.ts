/** Accounts files: opened once, refused as a whole where anything is wrong. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type AccountColumns,
  type Ledger,
  LedgerError,
  type NewAccount,
  type NewTransfer,
  type SettleFileSummary,
} from "../../../src/index.js";
import { openLedgerFor } from "../../../src/ledger.js";
import { applyAccountsFile } from "../../../src/settlement/accounts-file.js";
import { openFileToRepeat } from "../../../src/settlement/input-window.js";
import { openingTransferId } from "../../../src/settlement/job.js";
import { temporaryFolder } from "../../support/cli.js";
import { openLedgerHere } from "../../support/ledgers.js";

interface ApplyOptions {
  readonly asset?: string;
  readonly opening?: boolean;
  readonly delimiter?: string;
  /** More columns than these. */
  readonly columns?: Partial<AccountColumns>;
}

interface Bench {
  readonly ledger: Ledger;
  apply(accounts: string, options?: ApplyOptions): Promise<SettleFileSummary>;
}

async function open(): Promise<Bench> {
  const folder = temporaryFolder();
  const ledger = await openLedgerHere(join(folder, "l.db"), { mode: "event-loop" });
  onTestFinished(() => ledger.close());
  return {
    ledger,
    apply(accounts, { asset = "USD", opening = true, delimiter = ",", columns } = {}) {
      const file = join(folder, "accounts.csv");
      writeFileSync(file, accounts);
      const transfers = join(folder, "transfers.csv");
      writeFileSync(transfers, ["from", "to", "amount\n"].join(delimiter));
      return ledger.settleFile({
        transfers,
        columns: { debit: "from", credit: "to", amount: "amount" },
        asset,
        delimiter,
        accounts: { file, columns: { id: "id", ...(opening ? { opening: "opening" } : {}), ...columns } },
      });
    },
  };
}

/** The error that applying the file ends in; the ledger must be what it was before. */
async function refusalOf(
  bench: Bench,
  accounts: string,
  options?: Parameters<Bench["apply"]>[1],
): Promise<LedgerError> {
  const { ledger } = bench;
  const before = { digest: ledger.digest(), transfers: ledger.transferCount, accounts: ledger.accountCount };
  const error = await bench.apply(accounts, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LedgerError);
  expect({ digest: ledger.digest(), transfers: ledger.transferCount, accounts: ledger.accountCount }).toEqual(before);
  return error as LedgerError;
}

const FILE = "id,opening\nalice,100.00\nbob,0\ncarol,2.5\n";

describe("an accounts file", () => {
  it("makes limited accounts and pays their opening balances from an unlimited account", async () => {
    const bench = await open();
    expect(await bench.apply(FILE)).toMatchObject({ accountsCreated: 3, accountsOpened: 2 });
    expect(bench.ledger.account("alice")).toMatchObject({
      balance: 10000n,
      version: 1,
      debitsMustNotExceedCredits: true,
    });
    expect(bench.ledger.account("bob")).toMatchObject({ balance: 0n, version: 0, debitsMustNotExceedCredits: true });
    expect(bench.ledger.account("opening-balances:USD")).toMatchObject({
      balance: -10250n,
      debitsMustNotExceedCredits: false,
      creditsMustNotExceedDebits: false,
    });
  });

  it("is applied once however often it is given, also in another order or with more accounts", async () => {
    const bench = await open();
    await bench.apply(FILE);
    const digest = bench.ledger.digest();
    expect(await bench.apply(FILE)).toMatchObject({ accountsCreated: 0, accountsOpened: 0 });
    expect(await bench.apply("id,opening\ncarol,2.50\nalice,100\n")).toMatchObject({ accountsOpened: 0 });
    expect(bench.ledger.digest()).toBe(digest);
    expect(await bench.apply(`${FILE}dave,7\n`)).toMatchObject({ accountsCreated: 1, accountsOpened: 1 });
    expect(bench.ledger.account("dave")!.balance).toBe(700n);
  });

  it("opens an account that exists and was not opened before", async () => {
    const bench = await open();
    await bench.ledger.createAccounts([{ id: "alice", asset: "USD", debitsMustNotExceedCredits: true }]);
    expect(await bench.apply(FILE)).toMatchObject({ accountsCreated: 2, accountsOpened: 2 });
    expect(await bench.apply("id,opening\nbob,3\n")).toMatchObject({ accountsCreated: 0, accountsOpened: 1 });
    expect(bench.ledger.account("bob")!.balance).toBe(300n);
  });

  it("goes on where an earlier run stopped half way", async () => {
    const whole = await open();
    const rows = Array.from({ length: 3000 }, (_, i) => `account-with-a-long-name-${i},${i % 7}.25\n`);
    const file = `id,opening\n${rows.join("")}`;
    await whole.apply(file);
    const resumed = await open();
    await resumed.apply(`id,opening\n${rows.slice(0, 1700).join("")}`);
    await resumed.ledger.createAccounts([
      { id: "account-with-a-long-name-2000", asset: "USD", debitsMustNotExceedCredits: true },
    ]);
    expect(await resumed.apply(file)).toMatchObject({ accountsCreated: 1299, accountsOpened: 1300 });
    expect(resumed.ledger.digest()).toBe(whole.ledger.digest());
  });

  it("needs no column of opening balances", async () => {
    const bench = await open();
    expect(await bench.apply("id,name\na,x\nb,\n", { opening: false })).toMatchObject({
      accountsCreated: 2,
      accountsOpened: 0,
    });
    expect(bench.ledger.transferCount).toBe(0);
    expect(await refusalOf(bench, "id,name\nc,x,y\n", { opening: false })).toMatchObject({
      code: "invalid_accounts",
      message: expect.stringMatching(/row 1: invalid_row/),
    });
  });

  it("keeps assets apart: one account of opening balances for each", async () => {
    const bench = await open();
    await bench.apply("id,opening\ndollars,1\n");
    await bench.apply("id,opening\nyen,1\n", { asset: "JPY" });
    await bench.apply("id;opening\nsats;0.00000001\n", { asset: "BTC:8", delimiter: ";" });
    expect([...bench.ledger.accounts()].map(({ id, balance }) => `${id} ${balance}`)).toEqual([
      "dollars 100",
      "opening-balances:BTC -1",
      "opening-balances:JPY -1",
      "opening-balances:USD -100",
      "sats 1",
      "yen 1",
    ]);
  });
});

describe("an accounts file that is not what was checked", () => {
  it("is a pipe, of which nothing would be left to apply: refused before anything is made", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "accounts.ndjson");
    execFileSync("mkfifo", [file]);
    writeFileSync(join(folder, "transfers.ndjson"), "");
    const ledger = await openLedgerHere(join(folder, "l.db"), { mode: "event-loop" });
    onTestFinished(() => ledger.close());
    await expect(
      ledger.settleFile({ transfers: join(folder, "transfers.ndjson"), asset: "USD", accounts: { file } }),
    ).rejects.toMatchObject({ code: "cannot_read", message: expect.stringContaining("regular file") });
  });

  it("is written to before it is applied: no row of it is left out in silence", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "accounts.csv");
    writeFileSync(path, "id,opening\nalice,1\nbob,2\n");
    const { ledger, engine } = await openLedgerFor(join(folder, "l.db"), { mode: "event-loop" }, {});
    onTestFinished(() => ledger.close());
    const source = await openFileToRepeat(path);
    onTestFinished(() => source.close());
    const target = {
      createAccounts: (accounts: readonly NewAccount[]) => {
        // The first of them is the one that pays.
        if (accounts.length === 1) writeFileSync(path, "id,opening\nalice,-1\nbob,2,3\n");
        return ledger.createAccounts(accounts);
      },
      createTransfers: (transfers: readonly NewTransfer[]) => ledger.createTransfers(transfers),
    };
    const asset = { code: "USD", scale: 2, number: engine.assets.register({ code: "USD", scale: 2 }) };
    const columns = { id: "id", opening: "opening" };
    await expect(
      applyAccountsFile(engine, target, { source, columns, format: "csv", delimiter: ",", asset }),
    ).rejects.toMatchObject({ code: "input_changed" });
  });
});

describe("an opening balance that the state would refuse burns no id", () => {
  const closing = { amount: 0n, pending: true } as const;
  it("of an account that is closed", async () => {
    const bench = await open();
    const { ledger } = bench;
    await ledger.createAccounts([{ id: "alice", asset: "USD", debitsMustNotExceedCredits: true }]);
    await ledger.createAccounts([{ id: "bank", asset: "USD" }]);
    const close = { id: "close", debit: "alice", credit: "bank", ...closing, closingDebit: true };
    await ledger.createTransfers([close]);
    expect((await refusalOf(bench, FILE)).message).toMatch(
      /row 1, column 'opening': account 'alice' is closed: void the transfer that closes it, and try again/,
    );
    // Nor where others were opened before.
    await bench.apply("id,opening\ncarol,2.5\nalice,0\n");
    expect((await refusalOf(bench, FILE)).message).toMatch(/row 1, column 'opening': account 'alice' is closed/);
    await ledger.createTransfers([{ id: "reopen", void: "close" }]);
    expect(await bench.apply(FILE)).toMatchObject({ accountsCreated: 1, accountsOpened: 1 });
    expect(ledger.account("alice")!.balance).toBe(10000n);
  });

  it("where the account that pays is closed, which a file that was applied before does not need", async () => {
    const bench = await open();
    await bench.apply(FILE);
    const close = { id: "close", debit: "opening-balances:USD", credit: "bob", ...closing, closingDebit: true };
    await bench.ledger.createTransfers([close]);
    expect(await bench.apply(FILE)).toMatchObject({ accountsCreated: 0, accountsOpened: 0 });
    expect(await bench.apply(`${FILE}erin,0\n`)).toMatchObject({ accountsCreated: 1, accountsOpened: 0 });
    expect((await refusalOf(bench, `${FILE}dave,7\n`)).message).toMatch(
      /row 4, column 'opening': account 'opening-balances:USD' is closed/,
    );
  });

  it.each(["bank", "alice"])("where what is reserved leaves no room in the totals of %s", async (id) => {
    const bench = await open();
    const payer = id === "bank" ? "opening-balances:USD" : "bank";
    const payee = id === "bank" ? "bank" : "alice";
    await bench.ledger.createAccounts([
      { id: payer, asset: "USD" },
      { id: payee, asset: "USD", debitsMustNotExceedCredits: id === "alice" },
    ]);
    const rest = 2n ** 128n - 10000n;
    await bench.ledger.createTransfers([{ id: "p", debit: payer, credit: payee, amount: rest, pending: true }]);
    const { message } = await refusalOf(bench, FILE);
    expect(message).toMatch(/row 1, column 'opening': with this balance, totals would reach 2\^128/);
  });
});

describe("an accounts file that is wrong is refused as a whole, with row and column", () => {
  const bad: readonly [string, string, RegExp][] = [
    ["a negative balance", "new,1\na,-1\n", /row 2, column 'opening': invalid_amount: expected digits/],
    ["an empty balance", "new,1\na,\n", /row 2, column 'opening': invalid_amount/],
    ["an exponent", "a,1.00E+07\n", /row 1, column 'opening': invalid_amount/],
    ["too many decimals", "a,1.234\n", /row 1, column 'opening': invalid_amount/],
    ["2^128", `a,${2n ** 128n}\n`, /row 1, column 'opening': invalid_amount/],
    ["an empty id", "new,1\n,2\n", /row 2, column 'id': the id is empty/],
    ["an id of 65 bytes", `${"x".repeat(65)},1\n`, /row 1, column 'id': the id takes more than 64 bytes/],
    ["an account twice", "a,1\nb,1\na,1\n", /row 3, column 'id': account 'a' stands in row 1 already/],
    ["a row that is too short", "new,1\na\n", /row 2: invalid_row: expected as many fields/],
    ["an unclosed quote", 'new,1\n"a,1\nb,1\n', /row 2: invalid_row/],
    ["the account that pays", "opening-balances:USD,1\n", /row 1, column 'id': opening balances are paid from/],
    [
      "totals beyond 2^128",
      `new,${"9".repeat(36)}\na,${2n ** 128n / 100n}\n`,
      /row 2, column 'opening': .* reach 2\^128/,
    ],
    [
      "an account without the limit",
      "new,1\nunlimited,1\n",
      /row 2, column 'id': account 'unlimited' exists with other limits/,
    ],
    ["an account of another asset", "new,1\neuro,1\n", /row 2, column 'id': account 'euro' exists and holds EUR/],
  ];
  it.for(bad)("%s", async ([, rows, message]) => {
    const bench = await open();
    await bench.ledger.createAccounts([
      { id: "unlimited", asset: "USD" },
      { id: "euro", asset: "EUR", debitsMustNotExceedCredits: true },
    ]);
    const error = await refusalOf(bench, `id,opening\n${rows}`);
    expect(error.code).toBe("invalid_accounts");
    expect(error.message).toMatch(/accounts\.csv can't be applied, and nothing was:/);
    expect(error.message).toMatch(message);
  });

  it("an id that is not UTF-8", async () => {
    const bench = await open();
    const error = await refusalOf(bench, Buffer.from("id,opening\nnew,1\n\xff,1\n", "latin1") as unknown as string);
    expect(error.message).toMatch(/row 2, column 'id': the id is not valid UTF-8/);
  });

  it("a balance that differs from the one made before, whatever else the file holds", async () => {
    const bench = await open();
    await bench.apply(FILE);
    for (const rows of ["new,1\nalice,100.01\n", "new,1\nalice,0\n"]) {
      const error = await refusalOf(bench, `id,opening\n${rows}`);
      expect(error.code).toBe("opening_balance_differs");
      expect(error.message).toMatch(/row 2, column 'opening': account 'alice' was opened before with another balance/);
    }
    const both = await refusalOf(bench, "id,opening\nalice,1\nnew,-1\n");
    expect(both.code).toBe("invalid_accounts");
    expect(both.details.problems).toHaveLength(2);
  });

  it("a balance whose id somebody has burned or used for something else", async () => {
    const bench = await open();
    await bench.apply("id,opening\nbob,1\n");
    await bench.ledger.createAccounts([{ id: "carol", asset: "USD", debitsMustNotExceedCredits: true }]);
    await bench.ledger.createTransfers([
      { id: openingTransferId("USD", "carol"), debit: "carol", credit: "bob", amount: 1n },
      { id: openingTransferId("USD", "dave"), debit: "opening-balances:USD", credit: "bob", amount: 1n },
    ]);
    await bench.ledger.createAccounts([{ id: "dave", asset: "USD", debitsMustNotExceedCredits: true }]);
    const error = await refusalOf(bench, "id,opening\ncarol,1\ndave,0.01\n");
    expect(error.message).toMatch(/row 1, .*account 'carol' can't be made again \(id_already_failed\)/);
    expect(error.message).toMatch(/row 2, .*account 'dave' .*\(exists_with_different_credit_account_id\)/);
  });

  it("an account of opening balances that is not what it should be", async () => {
    const bench = await open();
    await bench.ledger.createAccounts([{ id: "opening-balances:USD", asset: "USD", debitsMustNotExceedCredits: true }]);
    const error = await refusalOf(bench, FILE);
    expect(error.message).toMatch(/'opening-balances:USD' exists and is not an unlimited account of USD/);
  });

  it("names the first problems and says that there are more", async () => {
    const bench = await open();
    const error = await refusalOf(bench, `id,opening\n${",1\n".repeat(20)}`);
    expect(error.message.split("\n")).toHaveLength(7);
    expect(error.message).toMatch(/row 5, .*\n {2}and more$/);
  });

  it("columns that are not there", async () => {
    const bench = await open();
    const error = await refusalOf(bench, "id,openning\na,1\n");
    expect(error).toMatchObject({ code: "missing_column" });
    expect(error.message).toMatch(
      /accounts\.csv: .*no column "opening".*Did you mean "openning"\? Columns found: "id", "openning"/,
    );
  });
});

describe("what else an accounts file may say of an account", () => {
  const columns = {
    overdraft: "overdraft",
    code: "kind",
    debitsMustNotExceedCredits: "may not owe",
    creditsMustNotExceedDebits: "may not be owed",
  };
  const HEADER = "id,opening,overdraft,kind,may not owe,may not be owed";
  const file = (...rows: string[]): string => `${[HEADER, ...rows].join("\n")}\n`;

  it("is the account's, and once it is, it stays", async () => {
    const bench = await open();
    const text = file("a,1,,,,", "b,1,250.50,7,true,0", "c,0,,65535,false,", "d,0,0.00,0,0,1", "e,0,,,,TRUE");
    expect(await bench.apply(text, { columns })).toMatchObject({ accountsCreated: 5, accountsOpened: 2 });
    const limited = { debitsMustNotExceedCredits: true, creditsMustNotExceedDebits: false };
    const unlimited = { debitsMustNotExceedCredits: false, creditsMustNotExceedDebits: false };
    const mirrored = { debitsMustNotExceedCredits: false, creditsMustNotExceedDebits: true };
    expect(bench.ledger.account("a")).toMatchObject({ ...limited, overdraftLimit: 0n, code: 0, balance: 100n });
    expect(bench.ledger.account("b")).toMatchObject({ ...limited, overdraftLimit: 25_050n, code: 7, balance: 100n });
    expect(bench.ledger.account("c")).toMatchObject({ ...unlimited, overdraftLimit: 0n, code: 65_535 });
    expect(bench.ledger.account("d")).toMatchObject({ ...mirrored, code: 0 });
    expect(bench.ledger.account("e")).toMatchObject(mirrored);
    const digest = bench.ledger.digest();
    expect(await bench.apply(text, { columns })).toMatchObject({ accountsCreated: 0, accountsOpened: 0 });
    expect(bench.ledger.digest()).toBe(digest);
  });

  const bad: readonly [string, string, RegExp][] = [
    ["a code that is too large", "a,1,,65536,,", /row 1, column 'kind': invalid_code/],
    ["a flag that is none", "a,1,,,yes,", /row 1, column 'may not owe': invalid_flag: expected true or 1/],
    ["a limit finer than the asset", "a,1,1.005,,,", /row 1, column 'overdraft': invalid_amount/],
    ["a limit of 2^128", `a,1,${2n ** 128n},,,`, /row 1, column 'overdraft': invalid_amount/],
    ["a limit without its digits", "a,1,.5,,,", /row 1, column 'overdraft': invalid_amount/],
    ["a limit that ends in its point", "a,1,5.,,,", /row 1, column 'overdraft': invalid_amount/],
    ["a negative limit", "a,1,-5,,,", /row 1, column 'overdraft': invalid_amount/],
    ["both limits", "a,1,,,1,1", /row 1, column 'may not be owed': an account can't have both limits/],
    [
      "a balance of an account that may not be owed",
      "a,0.01,,,,1",
      /row 1, column 'opening': an account that may not be/,
    ],
    ["an overdraft of an account that may owe", "a,1,5,,0,", /row 1, column 'overdraft': only an account that may not/],
    ["other limits than it has", "known,1,,3,0,", /row 1, column 'id': account 'known' exists with other limits/],
    ["another code than it has", "known,1,5,4,,", /row 1, column 'kind': account 'known' exists with the code 3/],
    [
      "another overdraft",
      "known,1,,3,,",
      /row 1, column 'overdraft': account 'known' exists with the overdraft limit 5.00/,
    ],
  ];
  it.for(bad)("is refused: %s", async ([, row, message]) => {
    const bench = await open();
    await bench.apply(file("known,1,5,3,,"), { columns });
    const error = await refusalOf(bench, file(row), { columns });
    expect(error.code).toBe("invalid_accounts");
    expect(error.message).toMatch(message);
  });
});
