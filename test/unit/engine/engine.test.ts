/** What the engine does that the public ledger does not show. */
import { expect, test } from "vitest";
import { BatchResults } from "../../../src/core/batch.js";
import type { BatchRequest, Engine } from "../../../src/engine/engine.js";
import type { PlainTransfer, TransferResult } from "../../../src/index.js";
import { openParts } from "../../support/ledgers.js";
import { fill } from "./support.js";

async function execute(
  engine: Engine,
  transfers: readonly PlainTransfer[],
  request: Omit<BatchRequest, "slices">,
): Promise<TransferResult[]> {
  const writer = await fill(engine, transfers);
  const { durable } = await engine.execute(writer.context, { ...request, slices: writer.slices });
  const results = new BatchResults(engine.bytes, writer.context, writer.count);
  engine.releaseContext(writer.context);
  await durable;
  return Array.from({ length: results.length }, (_, i) => results.get(i));
}

test("a batch whose amounts are written in another asset than the accounts hold is refused, known ids too", async () => {
  const { ledger, engine } = await openParts(":memory:", { workers: 2 });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
    { id: "euro", asset: "EUR" },
  ]);
  const pay = { id: "pay", debit: "bank", credit: "shop", amount: 5n };
  const [usd, eur] = [engine.assets.number("USD"), engine.assets.number("EUR")];
  expect(await execute(engine, [pay], { asset: usd })).toEqual([{ result: "ok", sequence: 1 }]);
  const again = [
    pay,
    { ...pay, amount: 6n },
    { ...pay, code: 3 },
    { ...pay, userData: 1n },
    { ...pay, id: "new" },
    { ...pay, id: "across", credit: "euro" },
  ];
  expect(await execute(engine, again, { asset: eur })).toEqual([
    { result: "exists_with_different_asset", sequence: 1 },
    { result: "exists_with_different_amount", sequence: 1 },
    // The asset comes before the code in the order of checks, and behind user data.
    { result: "exists_with_different_asset", sequence: 1 },
    { result: "exists_with_different_user_data", sequence: 1 },
    { result: "transfer_must_have_the_same_asset_as_accounts", sequence: 0 },
    { result: "accounts_must_have_the_same_asset", sequence: 0 },
  ]);
  // The same within one batch.
  const twice = [
    { ...pay, id: "twice" },
    { ...pay, id: "twice" },
  ];
  expect((await execute(engine, twice, { asset: usd })).map(({ result }) => result)).toEqual(["ok", "exists"]);
});

test("batches execute in the order they were given, and commit in that order, whoever awaits them", async () => {
  const { ledger, engine } = await openParts(":memory:", { workers: 2 });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  const order: string[] = [];
  const runs = ["a", "b", "c"].map(async (name) => {
    const writer = await fill(engine, [{ id: name, debit: "bank", credit: "shop", amount: 1n }]);
    const { durable } = await engine.execute(writer.context, { slices: 1 });
    engine.releaseContext(writer.context);
    order.push(`${name} executed`);
    await durable;
    order.push(`${name} durable`);
  });
  const last = engine.exclusively(async () => void order.push("alone"));
  await Promise.all([...runs, last]);
  expect(order.filter((entry) => entry.endsWith("executed"))).toEqual(["a executed", "b executed", "c executed"]);
  expect(order.filter((entry) => entry.endsWith("durable"))).toEqual(["a durable", "b durable", "c durable"]);
  expect(engine.transferCount).toBe(3);
});
