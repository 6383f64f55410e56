/** Where the data lives: the same transfers through one interface, in memory, in a file, in a server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Servers } from "../servers/servers.js";
import { openMemoryBank } from "../strategies/memory/bank.js";
import { MEMORY_STRATEGIES } from "../strategies/memory/strategies.js";
import { openPostgresBank } from "../strategies/postgres/bank.js";
import { POSTGRES_STRATEGIES } from "../strategies/postgres/strategies.js";
import { openSqliteBank } from "../strategies/sqlite/bank.js";
import { SQLITE_STRATEGIES } from "../strategies/sqlite/strategies.js";
import type { Bank, OpeningAccount, Strategy } from "../strategies/strategy.js";
import { seedOf } from "./coordination.js";
import type { Measuring, Side } from "./measuring.js";
import { runBank } from "./run-bank.js";
import { auditedBank } from "./work.js";
import { CONTENTIONS, makeWorkload, openingAccounts } from "./workload.js";

/** Minor units that accounts open with: so few that some debits must be refused. */
const OPENING = 200;

/** A strategy in one place, how to open a bank under it, and how many transfers a repetition makes. */
interface Placed {
  readonly strategy: Strategy;
  readonly operations: number;
  readonly open: (accounts: readonly OpeningAccount[]) => Promise<Bank>;
}

export async function measurePlaces(measuring: Measuring, servers: Servers): Promise<void> {
  const { plan } = measuring;
  const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-compare-"));
  try {
    for (const contention of ["uniform", "hot-scarce"] as const) {
      const workload = makeWorkload({
        contention,
        accounts: plan.durableAccounts,
        transfers: Math.max(plan.loopTransfers, plan.durableTransfers),
        seed: seedOf(measuring, `places ${contention}`),
        opening: OPENING,
      });
      measuring.note(workload, `${CONTENTIONS[contention]}; all open with ${OPENING} minor units`);
      const banks: Bank[] = [];
      try {
        const sides: Side[] = [];
        for (const placed of placesOf(measuring, servers, join(folder, contention))) {
          const bank = await placed.open(openingAccounts(workload));
          banks.push(bank);
          sides.push(sideOf(measuring, placed, bank, workload));
        }
        await measuring.sides(workload.name, sides);
      } finally {
        for (const bank of banks) await bank.close();
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function sideOf(
  { plan: { concurrency } }: Measuring,
  { strategy, operations }: Placed,
  bank: Bank,
  workload: ReturnType<typeof makeWorkload>,
): Side {
  const { name, accounts } = workload;
  return {
    cell: {
      part: "places",
      strategy: strategy.name,
      place: strategy.place,
      way: "event-loop",
      threads: 1,
      concurrency,
      workload: name,
      accounts,
      operations,
    },
    run: () => auditedBank(bank, () => runBank(bank, workload, { concurrency, operations })),
  };
}

function placesOf({ plan }: Measuring, { postgres }: Servers, prefix: string): Placed[] {
  const { concurrency, loopTransfers, durableTransfers } = plan;
  return [
    ...MEMORY_STRATEGIES.map(
      (strategy): Placed => ({
        strategy,
        operations: loopTransfers,
        open: async (accounts) => openMemoryBank(strategy, accounts),
      }),
    ),
    ...SQLITE_STRATEGIES.map(
      (strategy): Placed => ({
        strategy,
        operations: durableTransfers,
        open: (accounts) => openSqliteBank(strategy, accounts, { path: `${prefix}-${strategy.name}.db` }),
      }),
    ),
    ...(postgres === undefined ? [] : POSTGRES_STRATEGIES).map(
      (strategy): Placed => ({
        strategy,
        operations: durableTransfers,
        open: (accounts) => openPostgresBank(strategy, accounts, { url: postgres!.url, connections: concurrency }),
      }),
    ),
  ];
}
