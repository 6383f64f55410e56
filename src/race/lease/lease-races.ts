/**
 * The race for a lock whose lease runs out.
 *
 * A takes the lock, reads 100 and is held up for longer than its lease. B takes the lock, which is free by then, and
 * reads 100 as well. A wakes up and writes, none the wiser. Then B writes. Both have done everything right.
 *
 * The order is forced: nobody is told to make the next step before the last one is reported, and A can't make one while
 * it is held up. Two ways of holding A up, both without its knowledge: its process is stopped, as a debugger, a laptop's
 * lid or a virtual machine's migration does, or its event loop is blocked by a synchronous call.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fenceKeyOf } from "../../strategies/redis/fenced-lock.js";
import { OPENING_BALANCE, type RaceCase, type RaceOutcome, WITHDRAWAL, WITHDRAWALS } from "../race-case.js";
import { now, Timeline } from "../timeline.js";
import type { Arena } from "./arena.js";
import type { ClientProcess } from "./client-process.js";
import { createTable, GUARDS, type GuardName } from "./guards.js";
import type { StampedEvent } from "./protocol.js";

/** A's lease: so short that waiting for its end bores nobody. */
const LEASE_MS = 200;
/** B's lease: so long that B holds the lock whatever else the machine is doing. */
const LONG_LEASE_MS = 60_000;
/** The number before A's. A gets 33 and B 34, as in the article that the example is known from. */
const FENCE_BEFORE = 32;

/** How A is held up. */
export type Pause = "stopped" | "blocked";

interface LeaseRace {
  readonly guard: GuardName;
  readonly writesFirst: "A" | "B";
  readonly expected: RaceCase["expected"];
}

const RACES: readonly LeaseRace[] = [
  { guard: "none", writesFirst: "A", expected: "forbidden" },
  { guard: "tokenOnWrites", writesFirst: "B", expected: "acceptable" },
  { guard: "tokenOnWrites", writesFirst: "A", expected: "forbidden" },
  { guard: "tokenOnReadsAndWrites", writesFirst: "A", expected: "acceptable" },
  { guard: "version", writesFirst: "A", expected: "acceptable" },
];

const GROUPS: Readonly<Record<Pause, string>> = {
  stopped: "lock that expires, A's process stopped",
  blocked: "lock that expires, A's event loop blocked",
};

/** Every guard against a client that was held up in this way. */
export function leaseRaces(arena: Arena, pause: Pause): RaceCase[] {
  return RACES.map((race, index): RaceCase => {
    const { name, showsToken } = GUARDS[race.guard];
    return {
      group: GROUPS[pause],
      name: showsToken ? `${name}, ${race.writesFirst} first` : name,
      expected: race.expected,
      forced: "both had read",
      mustMeet: true,
      run: () => runRace(arena, pause, race, `${arena.schema}.${pause}_${index}`),
    };
  });
}

async function runRace(arena: Arena, pause: Pause, race: LeaseRace, table: string): Promise<RaceOutcome> {
  const { pool, redis, a, b } = arena;
  const { guard, writesFirst } = race;
  const timeline = new Timeline();
  a.listen((event) => record(timeline, "A", event, guard));
  b.listen((event) => record(timeline, "B", event, guard));
  await pool.query(createTable(table, OPENING_BALANCE));
  const lastFence = fenceKeyOf(table);
  await redis.set(lastFence, FENCE_BEFORE);

  a.tell({ do: "read", guard, table, leaseMs: LEASE_MS });
  const readByA = await a.until("read");
  const letGo = await holdUp(a, pause, timeline);
  // Where there is a lock, B gets it, and reads, when A's lease has run out, and not before.
  b.tell({ do: "read", guard, table, leaseMs: LONG_LEASE_MS });
  const readByB = await b.until("read");
  await sleep(Math.max(0, readByA.at + LEASE_MS - now()));
  const withdraw = { do: "withdraw", amount: String(WITHDRAWAL) } as const;
  const steps = {
    async A(): Promise<boolean> {
      // What A was about to do next is what it does when it wakes up.
      a.tell(withdraw);
      letGo();
      return isPaid(a);
    },
    async B(): Promise<boolean> {
      b.tell(withdraw);
      return isPaid(b);
    },
  };
  const paid = [await steps[writesFirst](), await steps[writesFirst === "A" ? "B" : "A"]()];
  const { rows } = await pool.query<{ balance: string }>(`SELECT balance FROM ${table}`);
  await redis.del(lastFence);
  return {
    balance: BigInt(rows[0]!.balance),
    paid: paid.filter((isMade) => isMade).length,
    met: [readByA, readByB].filter(({ balance }) => balance === String(OPENING_BALANCE)).length === WITHDRAWALS,
    timeline: timeline.events(),
  };
}

/** Waits for the client to have written, or been refused. */
async function isPaid(client: ClientProcess): Promise<boolean> {
  const { balance } = await client.until("withdrew");
  await client.until("done");
  return balance !== undefined;
}

/** Holds the client up, and returns what lets it go again. */
async function holdUp(client: ClientProcess, pause: Pause, timeline: Timeline): Promise<() => void> {
  if (pause === "stopped") {
    client.stop();
    timeline.add("A", "is stopped (SIGSTOP) and does not know it");
    return () => {
      timeline.add("A", "is continued (SIGCONT)");
      client.continue();
    };
  }
  client.tell({ do: "block" });
  await client.until("blocked");
  return () => {
    timeline.add("A", "the call returns");
    client.unblock();
  };
}

/** Puts a client's event into the timeline, in words. */
function record(timeline: Timeline, who: "A" | "B", event: StampedEvent, guard: GuardName): void {
  const what = describe(who, event, GUARDS[guard].showsToken);
  if (what !== undefined) timeline.add(who, what, event.at);
}

function describe(who: "A" | "B", event: StampedEvent, showsToken: boolean): string | undefined {
  switch (event.event) {
    case "locked": {
      const lock = who === "A" ? `takes the lock for ${LEASE_MS} ms` : "takes the lock, as A's lease has run out";
      return showsToken ? `${lock}; token ${event.fence}` : lock;
    }
    case "read":
      return event.balance === undefined ? "reads: refused" : `reads the balance: ${event.balance}`;
    case "blocked":
      return "calls something synchronous that takes long";
    case "withdrew":
      return event.balance === undefined
        ? `withdraws ${WITHDRAWAL}: refused`
        : `withdraws ${WITHDRAWAL}: done, the balance is ${event.balance}`;
    case "released":
      return event.wasHeld ? "gives the lock back" : "would give the lock back, but it is another's by now";
    default:
      return undefined;
  }
}
