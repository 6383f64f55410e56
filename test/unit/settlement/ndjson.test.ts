/** Files of JSON lines: the same job as a CSV file of the same rows, whatever members are called. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type LedgerError,
  type LedgerOptions,
  openLedger,
  type SettleFileOptions,
  type SettleFileSummary,
} from "../../../src/index.js";
import { read } from "../../support/cli.js";
import { temporaryFolder } from "../../support/ledgers.js";

interface Settled {
  readonly summary: SettleFileSummary;
  readonly digest: string;
  readonly results: string;
}

type Options = Partial<SettleFileOptions> & { readonly accountsFile?: readonly [name: string, text: string] };

/** Settles a file of this name and text into a ledger of its own. */
async function settle(name: string, text: string, { accountsFile, ...options }: Options = {}): Promise<Settled> {
  const folder = temporaryFolder();
  // So that what is compared with CSV is compared between the modes, too.
  const way: LedgerOptions = name.endsWith(".csv") ? { workers: 2 } : { mode: "event-loop" };
  const ledger = await openLedger(":memory:", { ...way, capacity: { accounts: 1000, transfers: 50_000 } });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  writeFileSync(join(folder, name), text);
  if (accountsFile !== undefined) writeFileSync(join(folder, accountsFile[0]), accountsFile[1]);
  const summary = await ledger.settleFile({
    transfers: join(folder, name),
    asset: "USD",
    job: "job",
    results: join(folder, "results.csv"),
    ...(accountsFile === undefined
      ? {}
      : { accounts: { file: join(folder, accountsFile[0]), columns: { id: "id", opening: "opening" } } }),
    ...options,
  });
  return { summary, digest: ledger.digest(), results: read(folder, "results.csv") };
}

const refusal = (run: Promise<unknown>): Promise<LedgerError> =>
  run.then(
    () => Promise.reject(new Error("nothing was refused")),
    (error: LedgerError) => error,
  );

const COLUMNS = { id: "id", debit: "from", credit: "to", amount: "amount", code: "kind", userData: "reference" };

describe("a file of JSON lines", () => {
  it("is the same job as a CSV file of the same rows", async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({
      id: i % 7 === 0 ? `a reference as long as this "${i}"` : `t${i}`,
      from: i % 3 === 0 ? "bank" : "shop",
      to: i % 3 === 0 ? "shop" : i % 500 === 7 ? "nobody" : "bank",
      amount: i % 100 === 99 ? "1.234" : `${i % 50}.${String(i % 100).padStart(2, "0")}`,
      kind: String(i % 70_000),
      reference: i % 5 === 0 ? "" : String(2n ** 70n + BigInt(i)),
    }));
    const quoted = (text: string): string => (text.includes('"') ? `"${text.replaceAll('"', '""')}"` : text);
    const csv = rows.map((row) => `${Object.values(row).map(quoted).join(",")}\n`);
    const json = rows.map(({ amount, ...row }, i) => {
      const value = i % 2 === 0 ? `"${amount}"` : amount.replace(/^0+(?=\d)/, "");
      return `{"amount":${value},${JSON.stringify(i % 4 === 0 ? { note: { a: [1, {}] }, ...row } : row).slice(1)}\n`;
    });
    const fromCsv = await settle("transfers.csv", `${Object.keys(rows[0]!).join(",")}\n${csv.join("")}`, {
      columns: COLUMNS,
    });
    const fromJson = await settle("transfers.ndjson", json.join(""), { columns: COLUMNS });
    expect(Object.keys(fromCsv.summary.results)).toContain("debit_account_not_found".replace("debit", "credit"));
    expect(fromJson.results).toBe(fromCsv.results);
    expect(fromJson.digest).toBe(fromCsv.digest);
  });

  it("may call its members as the API does, and then needs no columns", async () => {
    const text =
      '\ufeff{"id":"t1","debit":"bank","credit":"shop","amount":"1.50","userData":7,"code":3,"linked":false}\n';
    for (const name of ["transfers.jsonl", "TRANSFERS.NDJSON"]) {
      expect((await settle(name, text)).results).toBe("row,id,result,sequence\n1,t1,ok,1\n");
    }
    expect((await settle("transfers.txt", text, { format: "ndjson" })).results).toContain("1,t1,ok,1");
    expect(await refusal(settle("transfers.txt", text))).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("needs columns"),
    });
  });

  it("is read as CSV where that is asked for, whatever its name", async () => {
    const columns = { id: "id", debit: "from", credit: "to", amount: "amount" };
    const text = "id,from,to,amount\nt1,bank,shop,1\n";
    expect((await settle("transfers.ndjson", text, { columns, format: "csv" })).results).toContain("1,t1,ok,1");
  });

  it("says where its lines are wrong, and with which member", async () => {
    const text = [
      '{"id":"t1","from":"bank","to":"shop","amount":1e3}',
      "",
      '{"id":"t2","from":"bank","to":"shop","amount":1,"kind":-1}',
      '{"id":"t3","from":{"id":"bank"},"to":"shop","amount":1}',
      "t4,bank,shop,1",
      '{"id":"t5","from":"bank","to":"shop","amount":0.99}',
    ];
    const { summary, results } = await settle("t.ndjson", text.join("\r\n"), { columns: COLUMNS });
    expect(summary.problems).toEqual([
      { row: 1, column: "amount", result: "invalid_amount" },
      { row: 2, column: "kind", result: "invalid_code" },
      { row: 3, column: undefined, result: "invalid_row" },
      { row: 4, column: undefined, result: "invalid_row" },
    ]);
    expect(results.split("\n").slice(1, 6)).toEqual([
      "1,t1,invalid_amount,",
      "2,t2,invalid_code,",
      "3,,invalid_row,",
      "4,,invalid_row,",
      "5,t5,ok,1",
    ]);
  });

  it("without a member of ids gets them from the job and the row", async () => {
    const columns = { debit: "from", credit: "to", amount: "amount" };
    const csv = await settle("t.csv", "from,to,amount\nbank,shop,1\n", { columns });
    const json = await settle("t.ndjson", '{"from":"bank","to":"shop","amount":1}\n', { columns });
    expect(json.results).toBe(csv.results);
  });

  it("has no member of two meanings, nor one of a name without end", async () => {
    const twice = { ...COLUMNS, code: "amount" };
    expect(await refusal(settle("t.ndjson", "", { columns: twice }))).toMatchObject({
      code: "duplicate_column",
      message: expect.stringMatching(/t\.ndjson: "amount" can't mean two things/),
    });
    const long = { ...COLUMNS, id: "é".repeat(129) };
    expect(await refusal(settle("t.ndjson", "", { columns: long }))).toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("at most 256 bytes, not 258"),
    });
    const longest = "é".repeat(128);
    const text = `{"${longest}":"t1","from":"bank","to":"shop","amount":1}`;
    expect((await settle("t.ndjson", text, { columns: { ...COLUMNS, id: longest } })).results).toContain("1,t1,ok,1");
  });

  it("may hold accounts, each format by its own name", async () => {
    const columns = { id: "id", debit: "from", credit: "to", amount: "amount" };
    const accounts = '{"id":"alice","opening":"12.50"}\n{"opening":null,"id":"bob"}\n{"id":"carol"}\n';
    const { summary, results } = await settle("t.csv", "id,from,to,amount\nt1,alice,bob,12.50\n", {
      columns,
      accountsFile: ["accounts.ndjson", accounts],
    });
    expect(summary).toMatchObject({ accountsCreated: 3, accountsOpened: 1 });
    expect(results).toContain("1,t1,ok,2");
  });

  it("of accounts is refused with the line that is wrong", async () => {
    const accounts = '{"id":"alice","opening":"12.50"}\n{"id":"bob","opening":1e3}\n[]\n';
    const error = await refusal(settle("t.ndjson", "", { accountsFile: ["accounts.jsonl", accounts] }));
    expect(error).toMatchObject({ code: "invalid_accounts" });
    expect(error.message).toMatch(/row 2, column 'opening': invalid_amount.*row 3: invalid_row/s);
  });
});
