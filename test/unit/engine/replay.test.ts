/** Whatever was made and refused is there again when the journal is replayed. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { GOLDEN_ACCOUNTS } from "../../support/golden.js";
import { openParts, temporaryFolder, verifyFile } from "../../support/ledgers.js";

/** An id of each way that ids are kept: in their own bytes, as a hash, as a UUID. */
const IDS = [
  { kind: "16 bytes", id: "p".repeat(16) },
  { kind: "17 bytes", id: "p".repeat(17) },
  { kind: "64 bytes", id: "p".repeat(64) },
  { kind: "a UUID", id: "0f8fad5b-d9cb-469f-a165-70867728950e" },
];

test.each(IDS)("posts and voids of a pending transfer replay whose id has $kind", async ({ id }) => {
  const path = join(temporaryFolder(), "ledger.db");
  const { ledger } = await openParts(path, { mode: "event-loop" });
  await ledger.createAccounts(GOLDEN_ACCOUNTS);
  const pend = { debit: "bank", credit: "shop", amount: 5n, pending: true } as const;
  const results = await ledger.createTransfers([
    { id, ...pend },
    { id: "too much", post: id, amount: 6n },
    { id: "post", post: id, amount: 3n },
    { id: "void", void: id },
    { id: `${id.slice(0, -1)}0`, ...pend },
    { id: "void the other", void: `${id.slice(0, -1)}0` },
    { id: "not pending", post: "post" },
  ]);
  expect(results.map(({ result }) => result)).toEqual([
    ...["ok", "exceeds_pending_transfer_amount", "ok", "pending_transfer_already_posted", "ok", "ok"],
    "pending_transfer_not_pending",
  ]);
  const digest = ledger.digest();
  await ledger.close();
  expect((await verifyFile(path)).digest).toBe(digest);
});
