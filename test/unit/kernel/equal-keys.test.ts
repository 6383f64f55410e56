/**
 * Ids of 17 to 64 bytes are hashed, and no two texts of one hash are known. So a kernel whose hash has few values stands in
 * for the real one: wherever ids are told apart by their hash alone, it takes one account or transfer for another.
 */
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type * as Kernel from "../../../src/core/kernel.js";
import { wholeWorkload } from "../../support/arbitraries.js";
import { expectSameResults, expectSameState, openParts, temporaryFolder, verifyFile } from "../../support/ledgers.js";
import { Model, type ModelNewTransfer } from "../../support/model.js";

vi.mock("../../../src/core/kernel.js", async (original) => {
  const kernel = await original<typeof Kernel>();
  const { buildKernelOfFewHashes } = await import("../../support/few-hashes.js");
  const module = new WebAssembly.Module(await buildKernelOfFewHashes());
  return {
    ...kernel,
    kernelModule: () => module,
    instantiateKernel: (memory: WebAssembly.Memory) => kernel.instantiateKernel(memory, module),
  };
});

/** Long ones of one length, which remains a part of the hash. Accounts have 8 hashes, and half are short; transfers have 1,024. */
const account = (id: string): string => (/[02468]$/.test(id) ? id : id.padStart(24, "one account of many: "));
const transfer = (id: string): string => id.padStart(40, "a transfer whose hash others have, too: ");

const RENAMES: Readonly<Record<string, (id: string) => string>> = {
  ...{ id: transfer, post: transfer, void: transfer, debit: account, credit: account },
};

function renamed(of: ModelNewTransfer): ModelNewTransfer {
  const fields = Object.entries(of).map(([field, value]) => [field, RENAMES[field]?.(value as string) ?? value]);
  return Object.fromEntries(fields) as unknown as ModelNewTransfer;
}

test.each([{ mode: "event-loop" }, { mode: "parallel", workers: 2 }] as const)(
  "ids whose hashes are equal are told apart wherever they are looked for (%o)",
  { timeout: 120_000 },
  async (way) => {
    const path = join(temporaryFolder(), "ledger.db");
    const model = new Model(["USD"]);
    const { accounts, transfers } = wholeWorkload(11, 2000, { contestedPercent: 15, wholePercent: 20 });
    const parts = await openParts(path, way);
    const created = accounts.map(({ id, ...rest }) => ({ ...rest, id: account(id) }));
    // The last one does not exist, though its hash does.
    const missing = created.pop()!.id;
    for (const each of created) model.createAccount(each);
    expect(await parts.ledger.createAccounts([...created, ...created])).toEqual([
      ...created.map(() => ({ result: "ok" })),
      ...created.map(() => ({ result: "exists" })),
    ]);
    const rows = transfers.map(renamed);
    expect(rows.some(({ debit, credit }) => debit === missing || credit === missing)).toBe(true);
    for (let from = 0; from < rows.length; from += 500) {
      const call = rows.slice(from, from + 500);
      await expectSameResults({ calls: [call], expected: [model.createTransfers(call)] }, [parts.ledger]);
    }
    for (const { id } of created.slice(0, 70)) expect(parts.ledger.account(id)?.id).toBe(id);
    expect(parts.ledger.account(missing)).toBeUndefined();
    expectSameState(parts.ledger, model);
    await parts.abandon();

    const again = await openParts(path, way);
    onTestFinished(() => again.ledger.close());
    // The journal is asked about every id that has a twin.
    const last = rows.slice(-500);
    await expectSameResults({ calls: [last], expected: [model.createTransfers(last)] }, [again.ledger]);
    expectSameState(again.ledger, model);
    const digest = again.ledger.digest();
    await again.ledger.close();
    expect(await verifyFile(path)).toMatchObject({ digest });
  },
);

test("ids that were chosen so that one part of the index has no room for them are refused, not searched for ever", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  const { ledger } = await openParts(path, { mode: "event-loop" });
  await ledger.createAccounts(["bank", "shop"].map((id) => ({ id, asset: "USD" })));
  const chosen = Array.from({ length: 4000 }, (_, i) => {
    return { id: `one of eight hashes ${i}`, debit: "bank", credit: "shop", amount: 1n };
  });
  for (const { result } of await ledger.createTransfers(chosen)) expect(result).toBe("ok");
  await ledger.close();
  await expect(verifyFile(path)).rejects.toMatchObject({
    code: "journal_corrupt",
    details: { chunk: expect.any(Number) },
  });
});
