/** The columns that a plain file does not have: the transfer's code and its user data. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type Ledger, type NewTransfer, openLedger, type SettleFileSummary } from "../../../src/index.js";
import { read } from "../../support/cli.js";
import { runsOf, temporaryFolder } from "../../support/ledgers.js";

const HEADER = "id,reference,from,to,kind,amount";
const COLUMNS = { id: "id", debit: "from", credit: "to", amount: "amount", code: "kind", userData: "reference" };

interface Settled {
  readonly ledger: Ledger;
  readonly summary: SettleFileSummary;
  /** Results by row. */
  readonly results: readonly string[];
}

/** Settles rows of `reference,kind` with ids t0, t1, …, each for 1.00 from the bank to the shop. */
async function settle(rows: readonly (readonly [reference: string, kind: string])[]): Promise<Settled> {
  const folder = temporaryFolder();
  const ledger = await openLedger(":memory:", { mode: "event-loop", capacity: { accounts: 100, transfers: 50_000 } });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  const lines = rows.map(([reference, kind], i) => `t${i},${reference},bank,shop,${kind},1.00`);
  writeFileSync(join(folder, "transfers.csv"), `${[HEADER, ...lines].join("\n")}\n`);
  const summary = await ledger.settleFile({
    transfers: join(folder, "transfers.csv"),
    columns: COLUMNS,
    asset: "USD",
    results: join(folder, "results.csv"),
  });
  const results = read(folder, "results.csv").split("\n").slice(1, -1);
  return { ledger, summary, results: results.map((line) => line.split(",")[2]!) };
}

function asked(row: number, code: number, userData: bigint): NewTransfer {
  return { id: `t${row}`, debit: "bank", credit: "shop", amount: 100n, code, userData };
}

test("codes and user data of any size are recorded as they are written", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          code: fc.oneof(fc.constantFrom(0, 1, 65_535), fc.nat({ max: 65_535 })),
          userData: fc.oneof(
            fc.constantFrom(0n, 1n, 2n ** 64n - 1n, 2n ** 64n, 2n ** 128n - 1n),
            fc.bigInt(0n, 2n ** 128n - 1n),
          ),
          zeros: fc.nat({ max: 50 }),
        }),
        { minLength: 1, maxLength: 30 },
      ),
      async (rows) => {
        const zeros = (count: number): string => "0".repeat(count);
        const { ledger, results } = await settle(
          rows.map((row) => [`${zeros(row.zeros)}${row.userData}`, `${zeros(row.zeros)}${row.code}`]),
        );
        expect(results).toEqual(rows.map(() => "ok"));
        const codes = async (transfers: NewTransfer[]): Promise<string[]> =>
          (await ledger.createTransfers(transfers)).map(({ result }) => result);
        expect(await codes(rows.map(({ code, userData }, i) => asked(i, code, userData)))).toEqual(
          rows.map(() => "exists"),
        );
        expect(await codes(rows.map(({ code, userData }, i) => asked(i, code, userData ^ (1n << 127n))))).toEqual(
          rows.map(() => "exists_with_different_user_data"),
        );
        expect(await codes(rows.map(({ code, userData }, i) => asked(i, code ^ 1, userData)))).toEqual(
          rows.map(() => "exists_with_different_code"),
        );
      },
    ),
    runsOf(10),
  );
}, 120_000);

test("an empty field is 0", async () => {
  const { ledger, results } = await settle([
    ["", ""],
    ['""', '""'],
  ]);
  expect(results).toEqual(["ok", "ok"]);
  expect(await ledger.createTransfers([asked(0, 0, 0n), asked(1, 0, 0n)])).toEqual([
    { result: "exists", sequence: 1 },
    { result: "exists", sequence: 2 },
  ]);
});

test("what is no number, or too large, is refused with the column's name, and nothing of the row is recorded", async () => {
  const bad = ["-1", "+1", "1.0", " 1", "1 ", "1e3", "0x1", "x", "¹", '"1""2"'];
  const rows = [
    ...bad.map((text): [string, string] => ["7", text]),
    ["7", "65536"],
    ["7", `${2n ** 64n}`],
    ["7", `${2n ** 128n + 1n}`],
    ...bad.map((text): [string, string] => [text, "7"]),
    [`${2n ** 128n}`, "7"],
    ["9".repeat(60), "7"],
    ["x", "x"],
  ] as [string, string][];
  const { ledger, summary, results } = await settle(rows);
  const codes = bad.length + 3;
  expect(results).toEqual(
    rows.map((_, i) => (i < codes || i === rows.length - 1 ? "invalid_code" : "invalid_user_data")),
  );
  expect(ledger.transferCount).toBe(0);
  expect(summary.problems[0]).toMatchObject({ row: 1, column: "kind", result: "invalid_code" });
});
