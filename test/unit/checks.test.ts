/** The order of checks, where the golden file can't say it: accounts, amounts in another asset, records that no call makes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { BatchResults } from "../../src/core/batch.js";
import * as layout from "../../src/core/layout.js";
import { type Ledger, type NewAccount, openLedger, type PlainTransfer } from "../../src/index.js";
import { read } from "../support/cli.js";
import { openParts, temporaryFolder } from "../support/ledgers.js";
import { fill } from "./engine/support.js";

const ACCOUNTS: readonly NewAccount[] = [
  { id: "bank", asset: "USD" },
  { id: "shop", asset: "USD" },
  { id: "ann", asset: "USD" },
];

test("an account is refused by the first check that applies", async () => {
  const { ledger } = await openParts(":memory:", { mode: "event-loop" });
  const both = { debitsMustNotExceedCredits: true, creditsMustNotExceedDebits: true };
  const limited = { debitsMustNotExceedCredits: true };
  // Everything that may be wrong, of which one thing less is wrong each time.
  const wrong = { ...both, asset: "???", code: 2, userData: 2n, metadata: 2, overdraftLimit: 2n };
  const rows: readonly [NewAccount, string][] = [
    [{ ...wrong, id: "" }, "id_must_not_be_empty"],
    [{ ...wrong, id: "a".repeat(65) }, "id_too_long"],
    [{ ...wrong, id: `${"a".repeat(64)}\ud83d` }, "id_too_long"],
    [{ ...wrong, id: "\ud83d" }, "id_not_utf8"],
    [{ ...limited, id: "a", asset: "USD", code: 1, userData: 1n, metadata: 1, overdraftLimit: 1n }, "ok"],
    [{ ...wrong, id: "a" }, "exists_with_different_flags"],
    [{ ...wrong, ...both, debitsMustNotExceedCredits: false, id: "a" }, "exists_with_different_flags"],
    [{ ...wrong, creditsMustNotExceedDebits: false, id: "a" }, "exists_with_different_asset"],
    [{ ...wrong, ...limited, creditsMustNotExceedDebits: false, asset: "EUR", id: "a" }, "exists_with_different_asset"],
    [{ ...limited, id: "a", asset: "USD", code: 2, userData: 2n, metadata: 2 }, "exists_with_different_code"],
    [{ ...limited, id: "a", asset: "USD", code: 1, userData: 2n, metadata: 2 }, "exists_with_different_user_data"],
    [{ ...limited, id: "a", asset: "USD", code: 1, userData: 1n, metadata: 2 }, "exists_with_different_metadata"],
    [
      { ...limited, id: "a", asset: "USD", code: 1, userData: 1n, metadata: 1 },
      "exists_with_different_overdraft_limit",
    ],
    [{ ...limited, id: "a", asset: "USD", code: 1, userData: 1n, metadata: 1, overdraftLimit: 1n }, "exists"],
    [{ ...wrong, id: "b" }, "flags_are_mutually_exclusive"],
    [{ ...wrong, debitsMustNotExceedCredits: false, id: "b" }, "overdraft_limit_needs_a_limit"],
    [{ ...wrong, ...limited, creditsMustNotExceedDebits: false, id: "b" }, "asset_unknown"],
    [{ ...wrong, ...limited, creditsMustNotExceedDebits: false, id: "b", asset: "USD" }, "ok"],
  ];
  const results = await ledger.createAccounts(rows.map(([account]) => account));
  expect(results.map(({ result }) => result)).toEqual(rows.map(([, result]) => result));
  expect(ledger.accountCount).toBe(2);
});

/** Has a job in `asset` post or void, and gives the results of its rows. */
async function settleIn(asset: string, ledger: Ledger, rows: readonly object[]): Promise<string[]> {
  const folder = temporaryFolder();
  const [transfers, results] = [join(folder, "transfers.ndjson"), join(folder, "results.csv")];
  writeFileSync(transfers, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await ledger.settleFile({ transfers, asset, job: asset, results });
  return read(folder, "results.csv")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",").slice(1).join(","));
}

test("a post or void in another asset than the pending transfer's is refused, behind its accounts, before its code", async () => {
  for (const mode of ["event-loop", "parallel"] as const) {
    const ledger = await openLedger(":memory:", { mode, capacity: { accounts: 100 } });
    onTestFinished(() => ledger.close());
    await ledger.createAccounts(ACCOUNTS);
    await ledger.createTransfers([{ id: "r", debit: "bank", credit: "shop", amount: 5n, pending: true, code: 3 }]);
    const inEuro = await settleIn("EUR", ledger, [
      { id: "e1", post: "r", credit: "ann", code: 4 },
      { id: "e2", post: "r", code: 4, amount: "9.00" },
      { id: "e3", void: "r" },
      { id: "e3", void: "r" },
    ]);
    expect(inEuro).toEqual([
      "e1,pending_transfer_has_different_credit_account_id,2",
      "e2,pending_transfer_has_different_asset,3",
      "e3,pending_transfer_has_different_asset,4",
      "e3,id_already_failed,4",
    ]);
    expect(ledger.account("bank")).toMatchObject({ debitsPending: 5n, version: 1 });
    expect(await settleIn("USD", ledger, [{ id: "u1", post: "r", amount: "0.05" }])).toEqual(["u1,ok,5"]);
  }
});

/** A bit of a record's flags that means nothing. */
const NO_FLAG = 0x100;

test("a record with a flag that has no meaning, or a plain one with a pending id, is refused in its turn", async () => {
  const { ledger, engine } = await openParts(":memory:", { workers: 2 });
  await ledger.createAccounts(ACCOUNTS);
  const pay = (id: string, more: Partial<PlainTransfer> = {}): PlainTransfer => ({
    ...{ id, debit: "bank", credit: "shop", amount: 5n },
    ...more,
  });
  expect(await ledger.createTransfers([pay("known")])).toEqual([{ result: "ok", sequence: 1 }]);
  const { view } = engine;
  const change = {
    flag: (record: number): void =>
      view.setUint16(record + layout.TR_FLAGS, view.getUint16(record + layout.TR_FLAGS, true) | NO_FLAG, true),
    pendingId: (record: number): void => view.setUint8(record + layout.TR_PENDING_KIND, 1),
    timeout: (record: number): void => view.setUint32(record + layout.TR_TIMEOUT, 5, true),
  };
  const cases: readonly [PlainTransfer, readonly (keyof typeof change)[], string, number][] = [
    [pay("known"), ["flag"], "reserved_flag", 0],
    [pay(""), ["flag"], "reserved_flag", 0],
    [pay("b", { amount: -1n }), ["flag"], "invalid_amount", 0],
    [pay("c", { credit: "bank", userData: 1n }), ["pendingId"], "accounts_must_be_different", 0],
    [pay("d", { amount: 0n, userData: 1n }), ["pendingId", "timeout"], "pending_id_must_be_empty", 0],
    [pay("d"), [], "ok", 2],
  ];
  const writer = await fill(
    engine,
    cases.map(([transfer]) => transfer),
  );
  for (const [i, [, changes]] of cases.entries()) {
    for (const name of changes) change[name](writer.context + layout.CX_RECORDS + i * layout.RECORD_SIZE);
  }
  const { durable } = await engine.execute(writer.context, { slices: writer.slices, asset: 0 });
  const results = new BatchResults(engine.bytes, writer.context, writer.count);
  const found = cases.map((_, i) => results.get(i));
  engine.releaseContext(writer.context);
  await durable;
  expect(found).toEqual(cases.map(([, , result, sequence]) => ({ result, sequence })));
});
