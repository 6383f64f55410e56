/** Random commands, against the model: laws 1 to 4 and 6 in every configuration. */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { type Ledger, openLedger } from "../../src/index.js";
import { type ConcreteCommand, Materializer, MODEL_ASSETS, type Run, run } from "../support/arbitraries.js";
import { CONFIGURATIONS, expectLawful, expectSameState, RUNS_MS_MAX, runsOf } from "../support/ledgers.js";
import { Model } from "../support/model.js";

/** Batches that an engine executes serially after one that was mostly contested, before it tries again. */
const SERIAL_RUN = 16;

/** One ledger a configuration and the model that went with them through everything so far. */
interface Fleet {
  readonly model: Model;
  readonly ledgers: readonly Ledger[];
}

let fleet: Fleet | undefined;
let runs = 0;

async function openFleet(): Promise<Fleet> {
  const capacity = { accounts: 200_000, transfers: 4_000_000 };
  const ledgers = await Promise.all(
    CONFIGURATIONS.map(({ options }) => openLedger(":memory:", { ...options, capacity })),
  );
  return { model: new Model(MODEL_ASSETS), ledgers };
}

/** After a failure ledgers and model have parted: the next run, a smaller one, begins with new ones. */
async function discardFleet(): Promise<void> {
  const discarded = fleet;
  fleet = undefined;
  await Promise.all((discarded?.ledgers ?? []).map((ledger) => ledger.close()));
}

afterAll(discardFleet);

/** Has a ledger do the command, and compares what it says of each account or transfer with the model. */
async function expectSameResults(ledger: Ledger, command: ConcreteCommand, configuration: string): Promise<void> {
  if ("create" in command) {
    expect(await ledger.createAccounts(command.create), configuration).toEqual(command.expected);
    return;
  }
  const results = await Promise.all(command.calls.map((call) => ledger.createTransfers(call)));
  expect(results, configuration).toEqual(command.expected);
}

/** Batches too small to be contested, until the engine uses its parallel plan again. */
async function leaveSerialPlan(ledger: Ledger): Promise<void> {
  const refused = { id: "never recorded", debit: "nobody", credit: "somebody", amount: 0n };
  for (let i = 0; i < SERIAL_RUN; i++) await ledger.createTransfers([refused]);
}

async function runOnce({ padded, commands }: Run): Promise<void> {
  fleet ??= await openFleet();
  const { model, ledgers } = fleet;
  const materializer = new Materializer(model, runs++, padded);
  try {
    if (padded) await Promise.all(ledgers.filter((ledger) => ledger.workers > 1).map(leaveSerialPlan));
    const todo = [materializer.begin(), ...commands.map((command) => materializer.next(command))];
    await Promise.all(
      ledgers.map(async (ledger, i) => {
        for (const command of todo) await expectSameResults(ledger, command, CONFIGURATIONS[i]!.name);
      }),
    );
    const digest = model.digest();
    for (const [i, ledger] of ledgers.entries()) expect(ledger.digest(), CONFIGURATIONS[i]!.name).toBe(digest);
    for (const ledger of ledgers) expect(ledger.transferCount).toBe(model.transferCount);
  } catch (error) {
    await discardFleet();
    throw error;
  }
}

test(
  "random commands have the results, balances, versions, sequences and digest of the model in every configuration",
  async () => {
    await fc.assert(fc.asyncProperty(run, runOnce), runsOf(150));
    const { model, ledgers } = fleet!;
    for (const ledger of ledgers) {
      expectSameState(ledger, model);
      expectLawful(ledger);
    }
  },
  RUNS_MS_MAX,
);
