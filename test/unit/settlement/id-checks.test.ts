/** Calls and files check ids in the same order: empty, too long, not well-formed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { read, rowsOf, temporaryFolder } from "../../support/cli.js";
import { openLedgerHere } from "../../support/ledgers.js";

/** The same faulty id as a string and as bytes of a file: half a surrogate pair on one side, a stray byte on the other. */
const FAULTY: readonly [what: string, text: string, bytes: Buffer, complaint: string][] = [
  ["empty", "", Buffer.alloc(0), "must_not_be_empty"],
  ["of 65 bytes", "x".repeat(65), Buffer.alloc(65, "x"), "too_long"],
  ["of 66 bytes in 33 characters", "ü".repeat(33), Buffer.from("ü".repeat(33)), "too_long"],
  ["not well-formed", "x\ud83d", Buffer.from([0x78, 0xff]), "not_utf8"],
  [
    "not well-formed, of 64 bytes",
    `${"x".repeat(61)}\ud83d`,
    Buffer.concat([Buffer.alloc(63, "x"), Buffer.from([0xff])]),
    "not_utf8",
  ],
  [
    "too long and not well-formed",
    `${"x".repeat(70)}\ud83d`,
    Buffer.concat([Buffer.alloc(70, "x"), Buffer.from([0xff])]),
    "too_long",
  ],
  [
    "too long and not well-formed at its beginning",
    `\ud83d${"x".repeat(62)}`,
    Buffer.concat([Buffer.from([0xff]), Buffer.alloc(64, "x")]),
    "too_long",
  ],
];

test.each(FAULTY)("an id that is %s", async (_, text, bytes, complaint) => {
  const ledger = await openLedgerHere(":memory:", { mode: "event-loop" });
  onTestFinished(() => ledger.close());
  expect(await ledger.createAccounts([{ id: text, asset: "USD" }])).toEqual([{ result: `id_${complaint}` }]);
  const good = { id: "id", debit: "debit", credit: "credit", amount: 1n };
  const expected = [`id_${complaint}`, `debit_account_id_${complaint}`, `credit_account_id_${complaint}`];
  const called = await ledger.createTransfers([
    { ...good, id: text },
    { ...good, debit: text },
    { ...good, credit: text },
  ]);
  expect(called.map(({ result }) => result)).toEqual(expected);

  const folder = temporaryFolder();
  const [id, debit, credit] = ["id", "debit", "credit"].map((field) => Buffer.from(field)) as [Buffer, Buffer, Buffer];
  const row = (...fields: Buffer[]): Buffer =>
    Buffer.concat(fields.flatMap((field) => [field, Buffer.from(",")]).concat(Buffer.from("1\n")));
  const rows = [row(bytes, debit, credit), row(id, bytes, credit), row(id, debit, bytes)];
  writeFileSync(join(folder, "transfers.csv"), Buffer.concat([Buffer.from("id,from,to,amount\n"), ...rows]));
  await ledger.settleFile({
    transfers: join(folder, "transfers.csv"),
    columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
    asset: "USD",
    results: join(folder, "results.csv"),
  });
  expect(rowsOf(read(folder, "results.csv")).map((line) => line.split(",")[2])).toEqual(expected);
});
