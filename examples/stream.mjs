/**
 * A batch settlement job that streams its instructions: constant memory, results as they reach the disk, and an id for
 * each instruction, so that running it again changes nothing. Run it after a build: node examples/stream.mjs [FILE]
 */
import { openLedger } from "parallel-ledger";

const ledger = await openLedger(process.argv[2] ?? ":memory:");
await ledger.createAccounts([{ id: "treasury", asset: "EUR" }]);
await ledger.createAccounts(
  Array.from({ length: 1000 }, (_, i) => ({ id: `member-${i}`, asset: "EUR", debitsMustNotExceedCredits: true })),
);

/** Any iterable or async iterable will do: a file, a queue, a query. */
async function* instructions() {
  for (let i = 0; i < 1000; i++) {
    yield { id: `grant-${i}`, debit: "treasury", credit: `member-${i}`, amount: 500_00n };
  }
  for (let i = 0; i < 100_000; i++) {
    yield { id: `dues-${i}`, debit: `member-${i % 1000}`, credit: `member-${(i * 7 + 1) % 1000}`, amount: 7_50n };
  }
}

const rejected = [];
const summary = await ledger.settle(instructions(), {
  onResults(batch, firstIndex) {
    for (let i = 0; i < batch.length; i++) {
      if (batch.result(i) !== "ok") rejected.push({ instruction: firstIndex + i, result: batch.result(i) });
    }
  },
});
console.log(`${summary.transfers} instructions`, summary.results, `digest ${ledger.digest().slice(0, 16)}…`);

await ledger.close();
