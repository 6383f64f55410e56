/** What was acknowledged is there again after closing and opening, from the snapshot or from the journal alone. */
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Ledger } from "../../src/index.js";
import { type Clock, Materializer, MODEL_ASSETS, nanosecondsOf, run } from "../support/arbitraries.js";
import {
  expectLawful,
  expectSameResults,
  expectSameState,
  makeTransfers,
  openParts,
  RUNS_MS_MAX,
  runsOf,
  startClock,
  temporaryFolder,
  verifyFile,
} from "../support/ledgers.js";
import { Model } from "../support/model.js";

/** How a session of the ledger ends. */
type Ending =
  /** Closed: the next opening reads the snapshot. */
  | "snapshot"
  /** Left without one: the next opening reads the snapshot before, if there is one, and replays what came after. */
  | "abandoned"
  /** Closed, and the snapshot's rows deleted: the next opening replays the whole journal. */
  | "snapshotDeleted";

const session = fc.record({
  configuration: fc.constantFrom(
    { mode: "event-loop" as const, workers: 1 },
    { mode: "parallel" as const, workers: 1 },
    { mode: "parallel" as const, workers: 2 },
    { mode: "parallel" as const, workers: 3 },
  ),
  work: run,
  ending: fc.constantFrom<Ending>("snapshot", "abandoned", "snapshotDeleted"),
});

function deleteSnapshot(path: string): void {
  const database = new Database(path);
  database.exec("DELETE FROM snapshot; DELETE FROM snapshot_pieces; DELETE FROM accounts;");
  database.close();
}

/** Every id that an outcome was recorded for is known: asked again for nonsense, it names the sequence. */
async function expectIdsKnown(ledger: Ledger, model: Model, clock: Clock): Promise<void> {
  const again = model.recordedIds().map((id) => ({ id, debit: "nobody", credit: "nobody", amount: 0n }));
  const expected = model.createTransfers(again, nanosecondsOf(clock));
  expect(await makeTransfers(ledger, again)).toEqual(expected);
  expect(expected.map(({ sequence }) => sequence)).toEqual(again.map((_, i) => i + 1));
}

let files = 0;

test(
  "sessions of random commands on one file end in the model's state, however each of them ended",
  async () => {
    const folder = temporaryFolder();
    const clock = startClock();
    const property = fc.asyncProperty(fc.array(session, { minLength: 2, maxLength: 4 }), async (sessions) => {
      const path = join(folder, `${files++}.db`);
      const model = new Model(MODEL_ASSETS);
      for (const [number, { configuration, work, ending }] of sessions.entries()) {
        const { ledger, abandon } = await openParts(path, { ...configuration, accounts: 2000, transfers: 50_000 });
        try {
          expectSameState(ledger, model);
          await expectIdsKnown(ledger, model, clock);
          const materializer = new Materializer(model, number, work.padded, clock);
          await expectSameResults(materializer.begin(), [ledger]);
          for (const command of work.commands) await expectSameResults(materializer.next(command), [ledger]);
          expectSameState(ledger, model);
          expectLawful(ledger);
        } finally {
          if (ending === "abandoned") await abandon();
          else await ledger.close();
        }
        if (ending === "snapshotDeleted") deleteSnapshot(path);
      }
      const { ledger } = await openParts(path, { mode: "event-loop", accounts: 2000, transfers: 50_000 });
      try {
        expectSameState(ledger, model);
        await expectIdsKnown(ledger, model, clock);
      } finally {
        await ledger.close();
      }
      // The snapshot is, region by region, what the journal replays to, however the batches fell.
      expect(await verifyFile(path)).toMatchObject({ digest: model.digest(), transfers: model.transferCount });
    });
    await fc.assert(property, runsOf(5));
  },
  RUNS_MS_MAX,
);
