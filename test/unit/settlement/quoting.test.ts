/** The kernel writes the ids of the results file, and balances.ts those of the balances: both must quote alike. */
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { expect, onTestFinished, test } from "vitest";
import { folderOf, read } from "../../support/cli.js";
import { openLedgerHere } from "../../support/ledgers.js";

const IDS = [
  "plain",
  "a,b",
  'a"b',
  '"',
  '""',
  '"a"',
  "a\nb",
  "a\rb",
  "a\r\nb",
  " a ",
  "a;b",
  "a'b",
  "a\tb",
  "é,ü",
  `${"long ".repeat(9)},"`,
];

function quoted(id: string): string {
  return `"${id.replaceAll('"', '""')}"`;
}

test("results and balances write the same id alike, and a reader of CSV gets it back", async () => {
  const rows = IDS.map((id) => `${quoted(id)},${quoted(id)},bank,1\n`);
  const folder = folderOf({ "transfers.csv": `id,from,to,amount\n${rows.join("")}` });
  const ledger = await openLedgerHere(":memory:", { mode: "event-loop" });
  onTestFinished(() => ledger.close());
  await ledger.settleFile({
    transfers: join(folder, "transfers.csv"),
    columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
    asset: "USD",
    createAccounts: "unlimited",
    results: join(folder, "results.csv"),
    balances: join(folder, "balances.csv"),
  });
  const results = read(folder, "results.csv");
  const balances = read(folder, "balances.csv");
  for (const id of IDS) {
    const text = /[",\r\n]/.test(id) ? quoted(id) : id;
    expect(results).toContain(`,${text},ok,`);
    expect(balances).toContain(`\n${text},USD,`);
  }
  const parsed = (text: string, column: number): string[] =>
    (parse(text, { record_delimiter: "\n" }) as string[][]).slice(1).map((fields) => fields[column]!);
  expect(parsed(results, 1)).toEqual(IDS);
  expect(new Set(parsed(balances, 0))).toEqual(new Set([...IDS, "bank"]));
});
