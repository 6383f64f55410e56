/** Random commands, against the model: laws 1 to 4 and 6 in every configuration. */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { type Ledger, openLedger, TRANSFER_RESULTS, type TransferResultCode } from "../../src/index.js";
import { type Clock, Materializer, MODEL_ASSETS, nanosecondsOf, type Run, run } from "../support/arbitraries.js";
import {
  CONFIGURATIONS,
  expectLawful,
  expectSameResults,
  expectSameState,
  RUNS_FACTOR,
  RUNS_MS_MAX,
  runsOf,
  startClock,
} from "../support/ledgers.js";
import { Model } from "../support/model.js";

/** Random transfers at least; PARALLEL_LEDGER_OPERATIONS says how many, and a long run makes 1,000,000. */
const OPERATIONS = Number(process.env.PARALLEL_LEDGER_OPERATIONS ?? (RUNS_FACTOR > 1 ? 1_000_000 : 20_000));

/** What they may take: 6 ms each, which is ten times what they take. */
const OPERATIONS_MS_MAX = Math.max(RUNS_MS_MAX, OPERATIONS * 6);

/** Random transfers of a run, a little less than there are on average. */
const OPERATIONS_A_RUN = 140;

/** Results that no call of the API has: the API refuses such values by an error, or has no way to say them. */
const ONLY_IN_FILES: readonly TransferResultCode[] = [
  // Fields of a row that can't be read.
  "invalid_row",
  "invalid_code",
  "invalid_user_data",
  "invalid_flag",
  "invalid_timeout",
  "invalid_expected_version",
  "invalid_effective_date",
  // Only a file says which asset its amounts are in.
  "exists_with_different_asset",
  "transfer_must_have_the_same_asset_as_accounts",
  "pending_transfer_has_different_asset",
  // A call names a pending transfer by the very field that posts or voids it.
  "pending_id_must_be_empty",
  // There is a name for every flag, and none for the others.
  "reserved_flag",
];

/** Batches that an engine executes serially after one that was mostly contested, before it tries again. */
const SERIAL_RUN = 16;

/** One ledger a configuration and the model that went with them through everything so far. */
interface Fleet {
  readonly model: Model;
  readonly ledgers: readonly Ledger[];
}

/** Runs of a fleet: comparing digests takes longer with every run's accounts. */
const FLEET_RUNS = 150;

let fleet: Fleet | undefined;
let runs = 0;
/** Results of random transfers, by how many had them. */
const seen = new Map<string, number>();

async function openFleet(): Promise<Fleet> {
  const capacity = { accounts: 40_000, transfers: 400_000 };
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

/** Batches too small to be contested, until the engines use their parallel plans again. */
async function leaveSerialPlan({ model, ledgers }: Fleet, clock: Clock): Promise<void> {
  const refused = [{ id: "never recorded", debit: "nobody", credit: "somebody", amount: 0n }];
  // A batch is a batch: what was reserved until now expires in every ledger, or in none.
  model.createTransfers(refused, nanosecondsOf(clock));
  const leave = async (ledger: Ledger): Promise<void> => {
    for (let i = 0; i < (ledger.workers > 1 ? SERIAL_RUN : 1); i++) await ledger.createTransfers(refused);
  };
  await Promise.all(ledgers.map(leave));
}

/** Compares everything that a fleet has in the end. */
async function endFleet(): Promise<void> {
  const { model, ledgers } = fleet ?? { model: undefined, ledgers: [] };
  for (const ledger of ledgers) {
    expectSameState(ledger, model!);
    expectLawful(ledger);
  }
  await discardFleet();
}

async function runOnce({ padded, commands }: Run, clock: Clock): Promise<void> {
  if (runs > 0 && runs % FLEET_RUNS === 0) await endFleet();
  fleet ??= await openFleet();
  const { model, ledgers } = fleet;
  const materializer = new Materializer(model, runs++, padded, clock);
  try {
    if (padded) await leaveSerialPlan(fleet, clock);
    await expectSameResults(materializer.begin(), ledgers);
    for (const symbols of commands) await expectSameResults(materializer.next(symbols), ledgers);
    const digest = model.digest();
    for (const [i, ledger] of ledgers.entries()) expect(ledger.digest(), CONFIGURATIONS[i]!.name).toBe(digest);
    for (const ledger of ledgers) expect(ledger.transferCount).toBe(model.transferCount);
  } catch (error) {
    await discardFleet();
    throw error;
  }
  for (const [result, count] of materializer.counts) seen.set(result, (seen.get(result) ?? 0) + count);
}

test(
  "random commands have the results, balances, versions, sequences and digest of the model in every configuration",
  async () => {
    const settings = {
      ...runsOf(OPERATIONS / OPERATIONS_A_RUN / RUNS_FACTOR),
      interruptAfterTimeLimit: OPERATIONS_MS_MAX * 0.8,
    };
    const { seed = Date.now() & 0x7fffffff } = settings;
    const clock = startClock();
    const property = fc.asyncProperty(run, (one) => runOnce(one, clock));
    await fc.assert(property, { ...settings, seed });
    await endFleet();
    if (settings.path !== undefined) return;
    const operations = [...seen.values()].reduce((sum, count) => sum + count);
    console.log(
      `${operations} random transfers in ${runs} runs, in ${CONFIGURATIONS.length} configurations, seed ${seed}`,
    );
    expect(operations).toBeGreaterThanOrEqual(OPERATIONS);
    const reachable = TRANSFER_RESULTS.map(({ name }) => name).filter((name) => !ONLY_IN_FILES.includes(name));
    expect(
      reachable.filter((name) => !seen.has(name)),
      "results that no transfer had",
    ).toEqual([]);
    expect([...seen.keys()].filter((name) => !reachable.some((known) => known === name))).toEqual([]);
  },
  OPERATIONS_MS_MAX,
);
