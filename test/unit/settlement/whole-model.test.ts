/** Everything a transfer can be, from a file: the same as from a call of the API, in both formats. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import {
  type Ledger,
  type LedgerOptions,
  type NewTransfer,
  openLedger,
  type SettleFileOptions,
  type Transfer,
} from "../../../src/index.js";
import { read } from "../../support/cli.js";
import { RUNS_FACTOR, runsOf, temporaryFolder } from "../../support/ledgers.js";

const FIELDS = [
  ...["id", "debit", "credit", "amount", "code", "userData", "linked", "pending", "post", "void", "timeout"],
  ...["balancingDebit", "balancingCredit", "closingDebit", "closingCredit"],
  ...["expectedDebitVersion", "expectedCreditVersion", "effectiveDate"],
] as const;
type Field = (typeof FIELDS)[number];
/** Headers are not the API's names. */
const COLUMNS = Object.fromEntries(FIELDS.map((field) => [field, `the ${field}`])) as unknown as NonNullable<
  SettleFileOptions["columns"]
>;

interface Row extends Omit<Partial<Record<Field, unknown>>, "amount"> {
  readonly id: string;
  readonly amount?: bigint | undefined;
}

async function open(way: LedgerOptions = { workers: 2 }): Promise<Ledger> {
  const ledger = await openLedger(":memory:", { ...way, capacity: { accounts: 100, transfers: 50_000 } });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "JPY" },
    { id: "alice, with a name of more than 16 bytes", asset: "JPY", debitsMustNotExceedCredits: true },
    { id: "bob", asset: "JPY", debitsMustNotExceedCredits: true, overdraftLimit: 20n },
    { id: "mirror", asset: "JPY", creditsMustNotExceedDebits: true },
    { id: "euro", asset: "EUR" },
  ]);
  return ledger;
}

function csvOf(rows: readonly Row[]): string {
  const text = (value: unknown): string => (value === undefined ? "" : `"${String(value).replaceAll('"', '""')}"`);
  const header = FIELDS.map((field) => `the ${field}`).join(",");
  return [header, ...rows.map((row) => FIELDS.map((field) => text(row[field])).join(","))].join("\n");
}

function ndjsonOf(rows: readonly Row[]): string {
  const value = (part: unknown): string => (typeof part === "bigint" ? String(part) : JSON.stringify(part));
  const line = (row: Row): string =>
    `{${Object.entries(row)
      .filter(([, part]) => part !== undefined)
      .map(([name, part]) => `"the ${name}":${value(part)}`)
      .join(",")}}`;
  return rows.map(line).join("\n");
}

async function settle(ledger: Ledger, name: string, text: string): Promise<string[]> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, name), text);
  await ledger.settleFile({
    transfers: join(folder, name),
    columns: COLUMNS,
    asset: "JPY",
    job: "job",
    results: join(folder, "results.csv"),
  });
  return read(folder, "results.csv").split("\n").slice(1, -1);
}

/** What is recorded of a transfer, but not when, and for which job. */
async function recorded(ledger: Ledger): Promise<Partial<Transfer>[]> {
  const { transfers } = await ledger.transfers({ limit: 10_000 });
  return transfers.map(({ timestamp: _timestamp, job: _job, row: _row, ...rest }) => rest);
}

const flag = fc.constantFrom(undefined, undefined, undefined, false, false, true);
const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 1 });
const seldom = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, value);
const id = fc.oneof(
  { weight: 5, arbitrary: fc.nat({ max: 40 }).map((number) => `t${number}`) },
  fc.nat({ max: 5 }).map((number) => `a transfer, "${number}", with a long name`),
  fc.nat({ max: 5 }).map((number) => `00000000-0000-4000-8000-00000000000${number}`),
);
const account = fc.constantFrom("bank", "alice, with a name of more than 16 bytes", "bob", "mirror", "bank", "bob");
const common = {
  id,
  code: rarely(fc.nat({ max: 65_535 })),
  userData: rarely(fc.bigInt(0n, 2n ** 128n - 1n)),
  linked: flag,
  effectiveDate: rarely(fc.constantFrom("0001-01-01", "1969-12-31", "2024-02-29", "9999-12-31")),
};
const moving = {
  ...common,
  debit: fc.oneof({ weight: 20, arbitrary: account }, fc.constantFrom("euro", "nobody")),
  credit: account,
  amount: fc.oneof({ weight: 9, arbitrary: fc.bigInt(1n, 60n) }, fc.constantFrom(0n, 2n ** 127n)),
  balancingDebit: seldom(fc.boolean()),
  balancingCredit: seldom(fc.boolean()),
  expectedDebitVersion: seldom(fc.nat({ max: 5 })),
  expectedCreditVersion: seldom(fc.nat({ max: 5 })),
};
const resolving = {
  ...common,
  debit: seldom(account),
  credit: seldom(account),
  amount: rarely(fc.bigInt(0n, 60n)),
};
const row: fc.Arbitrary<Row> = fc.oneof(
  { weight: 3, arbitrary: fc.record(moving) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...moving,
      pending: fc.constant(true),
      timeout: rarely(fc.integer({ min: 1000, max: 2 ** 32 - 1 })),
      closingDebit: seldom(fc.boolean()),
      closingCredit: seldom(fc.boolean()),
    }),
  },
  { weight: 3, arbitrary: fc.record({ ...resolving, post: id }) },
  { weight: 2, arbitrary: fc.record({ ...resolving, void: id }) },
);
/** Most rows that post or void name a row before them that is pending. */
function withPendings(rows: readonly Row[]): readonly Row[] {
  const pendings: string[] = [];
  return rows.map((row, index) => {
    if (row.pending === true) pendings.push(row.id);
    const target = pendings[(index * 7) % Math.max(1, pendings.length)];
    if (index % 4 === 0 || target === undefined) return row;
    if (row.post !== undefined) return { ...row, post: target };
    return row.void === undefined ? row : { ...row, void: target };
  });
}

const listOfRows = fc.oneof(
  fc.array(row, { minLength: 1, maxLength: 60, size: "max" }),
  fc.uniqueArray(row, { minLength: 1, maxLength: 40, selector: ({ id }) => id }),
);
const rowsOf = listOfRows.map(withPendings);

test("a file of transfers of all kinds ends as a call with them ends, in CSV and in NDJSON", async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(rowsOf, async (rows) => {
      const byApi = await open({ mode: "event-loop" });
      const transfers = rows.map((row) => {
        return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));
      }) as unknown as NewTransfer[];
      const results = await byApi.createTransfers(transfers);
      const expected = results.map(({ result, sequence }, index) => {
        const name = rows[index]!.id;
        return `${index + 1},${/[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name},${result},${sequence || ""}`;
      });
      for (const { result } of results) seen.add(result);
      for (const [name, text, way] of [
        ["t.csv", csvOf(rows), { workers: 2 }],
        ["t.ndjson", ndjsonOf(rows), { mode: "event-loop" }],
      ] as const) {
        const ledger = await open(way);
        expect((await settle(ledger, name, text)).map(withoutAsset)).toEqual(expected.map(withoutAsset));
        expect(ledger.digest()).toBe(byApi.digest());
        expect(await recorded(ledger)).toEqual(await recorded(byApi));
        // The same job again reports the same, also where a later row took the id of a failed chain's leg.
        expect((await settle(ledger, name, text)).map(withoutAsset)).toEqual(expected.map(withoutAsset));
        expect(ledger.digest()).toBe(byApi.digest());
        await ledger.close();
      }
      await byApi.close();
    }),
    runsOf(9),
  );
  // The long tests have enough of them to meet what is rare.
  const rare = RUNS_FACTOR > 1 ? ["pending_transfer_already_posted", "version_mismatch"] : [];
  for (const result of ["ok", "linked_event_failed", ...rare]) {
    expect([...seen]).toContain(result);
  }
}, 240_000);

/** A file says which asset its amounts are in, a call does not: only that makes a difference to accounts of another. */
function withoutAsset(line: string): string {
  return line.replace("transfer_must_have_the_same_asset_as_accounts", "accounts_must_have_the_same_asset");
}

test("chains across batches are made as a whole or not at all", async () => {
  const row = (index: number, linked: boolean, debit = "bank"): Row => ({
    id: `t${index}`,
    ...{ debit, credit: "bob", amount: 1n, linked },
  });
  const rows: Row[] = [];
  // Chains of 1 to 40 legs; every fifth has a leg that fails at its end.
  for (let chain = 0; rows.length < 45_000; chain++) {
    const legs = 1 + (chain % 40);
    for (let leg = 0; leg < legs; leg++) {
      const isLast = leg === legs - 1;
      rows.push(row(rows.length, !isLast, isLast && chain % 5 === 4 ? "nobody" : "bank"));
    }
  }
  const ledger = await open();
  const results = await settle(ledger, "t.csv", csvOf(rows));
  const outcomes = results.map((line) => line.split(",")[2]);
  let from = 0;
  for (let chain = 0; from < rows.length; chain++) {
    const legs = 1 + (chain % 40);
    const expected = Array.from({ length: legs }, (_, leg) =>
      chain % 5 !== 4 ? "ok" : leg === legs - 1 ? "debit_account_not_found" : "linked_event_failed",
    );
    expect(outcomes.slice(from, from + legs)).toEqual(expected);
    from += legs;
  }
  expect(ledger.account("bob")!.balance).toBe(BigInt(outcomes.filter((outcome) => outcome === "ok").length));
});

test("rows that can't be read break the chain around them, before and behind", async () => {
  const header = "id,from,to,amount,chained\n";
  const lines = [
    ...["t1,bank,bob,1,1", "t2,bank,bob,x,1", "t3,bank,bob,1,0", "t4,bank,bob,1,"],
    ...["t5,bank,bob,1,true", 't6,"x"y', "t7,bank,bob,1,0", "t8,bank,bob,1,0"],
    ...["t9,bank,bob,1,maybe", "t10,bank,bob,1,0", "t11,bank,bob,1,0", "t12,bank,bob,1,1"],
  ];
  const folder = temporaryFolder();
  writeFileSync(join(folder, "t.csv"), header + lines.join("\n"));
  const ledger = await open();
  await ledger.settleFile({
    transfers: join(folder, "t.csv"),
    columns: { id: "id", debit: "from", credit: "to", amount: "amount", linked: "chained" },
    asset: "JPY",
    results: join(folder, "results.csv"),
  });
  expect(read(folder, "results.csv").split("\n").slice(1, -1)).toEqual([
    "1,t1,linked_event_failed,",
    "2,t2,invalid_amount,",
    "3,t3,linked_event_failed,",
    "4,t4,ok,1",
    "5,t5,linked_event_failed,",
    "6,,invalid_row,",
    "7,t7,linked_event_failed,",
    "8,t8,ok,2",
    "9,t9,invalid_flag,",
    "10,t10,linked_event_failed,",
    "11,t11,ok,3",
    "12,t12,linked_event_chain_open,",
  ]);
});
