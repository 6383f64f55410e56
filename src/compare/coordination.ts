/** What coordination costs: every strategy in shared memory, by threads and by contention. */
import { MEMORY_STRATEGIES } from "../strategies/memory/strategies.js";
import { Arena, type Operations } from "./arena.js";
import type { Part } from "./comparison.js";
import type { Measuring, Side } from "./measuring.js";
import { Random } from "./random.js";
import { changesOf, makeSmallBank, SMALLBANK_DESCRIPTION, SMALLBANK_MIX, smallBankOperations } from "./smallbank.js";
import { CONTENTIONS, type Contention, makeWorkload, type Workload } from "./workload.js";

/** Every contention with every number of accounts; the hot account that is short of money with one of them. */
export async function measureCoordination(measuring: Measuring): Promise<void> {
  const { plan } = measuring;
  const grid = (["uniform", "zipfian", "hot"] as const).flatMap((contention) =>
    plan.accounts.map((accounts): [Contention, number] => [contention, accounts]),
  );
  for (const [contention, accounts] of [...grid, ["hot-scarce", plan.scarceAccounts] as const]) {
    const workload = makeWorkload({
      contention,
      accounts,
      transfers: plan.transfers,
      seed: seedOf(measuring, `${contention} ${accounts}`),
    });
    measuring.note(workload, CONTENTIONS[contention]);
    await measureArena(measuring, "coordination", workload, { withLoop: true });
  }
}

/** The grid on which Block-STM was measured: payments between any two of so many accounts, all funded. */
export async function measurePeers(measuring: Measuring): Promise<void> {
  for (const accounts of measuring.plan.peers) {
    const workload = {
      ...makeWorkload({
        contention: "uniform",
        accounts,
        transfers: measuring.plan.transfers,
        seed: seedOf(measuring, `peer-to-peer ${accounts}`),
        opening: "ample",
      }),
      name: `peer-to-peer, ${accounts} accounts`,
    };
    measuring.note(workload, "any two of the accounts, all with money enough for all their payments");
    await measureArena(measuring, "peer-to-peer", workload, { withLoop: false });
  }
}

/** SmallBank, whose operations read accounts before they decide what to change. */
export async function measureSmallBank(measuring: Measuring): Promise<void> {
  const { plan } = measuring;
  const workload = makeSmallBank(plan.customers, plan.transfers, seedOf(measuring, "SmallBank"));
  measuring.note(workload, SMALLBANK_DESCRIPTION);
  await measureArena(measuring, "smallbank", workload, {
    withLoop: false,
    operations: {
      all: smallBankOperations(workload),
      changes: (count, isOk) => {
        let [least, most] = [0, 0];
        for (let i = 0; i < count; i++) {
          const [few, many] = changesOf(SMALLBANK_MIX[workload.kinds[i]!]![0], isOk(i));
          least += few;
          most += many;
        }
        return [least, most];
      },
    },
  });
}

/** A seed of its own for each workload, from the comparison's and the workload's name. */
export function seedOf({ seed }: Measuring, name: string): number {
  let mixed = seed;
  for (const character of name) mixed = new Random(mixed ^ character.codePointAt(0)!).next();
  return mixed;
}

/** Runs every strategy on one workload, laid out once: on each number of threads, and on the event loop. */
async function measureArena(
  measuring: Measuring,
  part: Part,
  workload: Workload,
  { withLoop, operations }: { readonly withLoop: boolean; readonly operations?: Operations },
): Promise<void> {
  const { plan } = measuring;
  const arena = await Arena.open(workload, Math.max(...plan.threads), operations);
  try {
    const { name, accounts } = workload;
    const common = { part, place: "memory", workload: name, accounts };
    const sides = MEMORY_STRATEGIES.flatMap((strategy): Side[] => [
      ...(strategy.isParallel ? plan.threads : [1]).map((threads) => ({
        cell: {
          ...common,
          strategy: strategy.name,
          way: strategy.isParallel ? ("threads" as const) : ("sequential" as const),
          threads,
          concurrency: threads,
          operations: plan.transfers,
        },
        run: () => arena.runThreads(strategy, threads, plan.transfers),
      })),
      ...(withLoop ? [loopSide(measuring, arena, strategy, common)] : []),
    ]);
    await measuring.sides(name, sides);
  } finally {
    await arena.close();
  }
}

function loopSide(
  { plan }: Measuring,
  arena: Arena,
  strategy: (typeof MEMORY_STRATEGIES)[number],
  common: Pick<Side["cell"], "part" | "place" | "workload" | "accounts">,
): Side {
  const { concurrency, loopTransfers: operations } = plan;
  return {
    cell: { ...common, strategy: strategy.name, way: "event-loop", threads: 1, concurrency, operations },
    run: () => arena.runEventLoop(strategy, concurrency, operations),
  };
}
