/** Room in the memory: what is promised to one is not given to another, and what does not fit is refused beforehand. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Capacities } from "../../../src/core/memory.js";
import type { Engine, EngineOptions } from "../../../src/engine/engine.js";
import { openEngine } from "../../../src/engine/open.js";
import { Ledger, type SettleFileSummary } from "../../../src/index.js";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import { temporaryFolder } from "../../support/cli.js";

const HEADER = "id,from,to,amount\n";

function settle(ledger: Ledger, folder: string, text: string): Promise<SettleFileSummary> {
  writeFileSync(join(folder, "transfers.csv"), HEADER + text);
  return ledger.settleFile({
    transfers: join(folder, "transfers.csv"),
    columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
    asset: "USD",
  });
}

function rowsOf(count: number, prefix: string): string {
  return Array.from({ length: count }, (_, i) => `${prefix}${i},bank,shop,1.00\n`).join("");
}

/** A ledger as `openLedger` opens it, with its engine, and with as much room as is said. */
async function openWith(
  capacities: Partial<Capacities>,
  options: EngineOptions = { mode: "parallel", workers: 2 },
): Promise<{ ledger: Ledger; engine: Engine }> {
  const store = await openSqliteStore(":memory:");
  const engine = await openEngine(store, {
    ...options,
    capacities: { contexts: 4, input: 32 * 1024 * 1024, ...capacities },
  });
  const ledger = new Ledger(engine, store);
  onTestFinished(() => ledger.close());
  return { ledger, engine };
}

/** Keeps every batch waiting that is asked for from now on, until the returned function is called. */
function holdBatches(engine: Engine): () => void {
  let open = (): void => {};
  void engine.exclusively(() => new Promise<void>((resolve) => (open = resolve)));
  return () => open();
}

describe.each([
  { mode: "event-loop" as const, workers: 1 },
  { mode: "parallel" as const, workers: 2 },
])("%o", (options) => {
  test("a file whose batch waits when a call is promised room is refused where both do not fit", async () => {
    const { ledger, engine } = await openWith({ accounts: 10, transfers: 30_000 }, options);
    await ledger.createAccounts(["bank", "shop"].map((id) => ({ id, asset: "USD" })));
    const release = holdBatches(engine);
    const execute = vi.spyOn(engine, "execute");
    const settling = settle(ledger, temporaryFolder(), rowsOf(10_000, "row-")).catch((error: unknown) => error);
    await vi.waitFor(() => expect(execute).toHaveBeenCalled());
    // Accepted as a whole, though it takes two batches that come after the file's.
    const call = ledger.createTransfers(
      Array.from({ length: 25_000 }, (_, i) => ({ id: `call-${i}`, debit: "bank", credit: "shop", amount: 1n })),
    );
    release();
    expect(new Set((await call).map(({ result }) => result))).toEqual(new Set(["ok"]));
    expect(await settling).toMatchObject({ code: "transfers_full", details: { capacity: 30_000, found: 25_000 } });
    expect(ledger.transferCount).toBe(25_000);
  });
});
