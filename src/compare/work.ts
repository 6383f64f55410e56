/** Concurrency or parallelism? The same job in every way of executing it, for work that computes and work that waits. */
import { Piscina } from "piscina";
import { builtFile } from "../core/built.js";
import { atomic } from "../strategies/memory/atomic.js";
import { attachMemoryBank } from "../strategies/memory/bank.js";
import { instantiateStrategies } from "../strategies/memory/kernel.js";
import { serial } from "../strategies/memory/serial.js";
import { atomic as postgresAtomic } from "../strategies/postgres/atomic.js";
import { openPostgresBank } from "../strategies/postgres/bank.js";
import type { Bank } from "../strategies/strategy.js";
import { Arena, CHANGES_OF_TRANSFER } from "./arena.js";
import { booksBetween } from "./books.js";
import type { Sample } from "./comparison.js";
import { seedOf } from "./coordination.js";
import type { Measuring, Side } from "./measuring.js";
import { type Outcome, runBank } from "./run-bank.js";
import { signWorkload, Verifier } from "./signatures.js";
import { StartLine } from "./start-line.js";
import { InstructionsInMemory } from "./verify-and-transfer.js";
import type { WorkData, WorkDone, WorkTask } from "./work-worker.js";
import { makeWorkload, openingAccounts, type Workload } from "./workload.js";

/** Threads that libuv keeps for what Node.js does elsewhere: its default, unless the environment says otherwise. */
const LIBUV_THREADS = Number(process.env.UV_THREADPOOL_SIZE ?? 4);

/** Work that keeps a core busy: each instruction's signature is verified before its transfer is made in memory. */
export async function measureSignatures(measuring: Measuring): Promise<void> {
  const { plan } = measuring;
  const workload = workOf(measuring, "cpu-bound", plan.signatures);
  measuring.note(workload, "an Ed25519 signature verified by node:crypto before each transfer; one in 100 is forged");
  const instructions = signWorkload(workload, seedOf(measuring, "keys"));
  const arena = await Arena.open(workload, 1);
  const startLine = new StartLine();
  const threads = Math.max(...plan.threads);
  const data: WorkData = { work: "signatures", memory: arena.memory.memory, instructions, words: startLine.words };
  const pool = openPool(data, threads);
  try {
    const onThreads = (): Promise<Outcome> => runPool(pool, startLine, threads, plan.signatures);
    await measuring.sides("verifying signatures", [
      ...signatureSides(measuring, arena, new Verifier(instructions)),
      signatureSide(measuring, arena, { way: "threads", threads, concurrency: threads }, onThreads),
    ]);
  } finally {
    await pool.destroy();
    await arena.close();
  }
}

/** One after the other, taking turns on this thread, and with the verifying on libuv's threads. */
function signatureSides(measuring: Measuring, arena: Arena, verifier: Verifier): Side[] {
  const { concurrency, signatures: operations } = measuring.plan;
  const instructions = new InstructionsInMemory(arena.memory, instantiateStrategies(arena.memory.memory), verifier, 0);
  const bank = attachMemoryBank(atomic, arena.memory);
  const oneByOne = async (): Promise<Outcome> => {
    let next = 0;
    const startedMs = performance.now();
    const done = instructions.run(serial, operations, () => next++);
    return { ...done, durationMs: performance.now() - startedMs };
  };
  const onLoop = (isGenuine: (i: number) => boolean | Promise<boolean>) => (): Promise<Outcome> =>
    runBank(bank, arena.workload, { concurrency, operations, isGenuine });
  return [
    signatureSide(measuring, arena, { way: "sequential", threads: 1, concurrency: 1 }, oneByOne),
    signatureSide(
      measuring,
      arena,
      { way: "event-loop", threads: 1, concurrency },
      onLoop((i) => verifier.isGenuine(i)),
    ),
    signatureSide(
      measuring,
      arena,
      { way: "thread-pool", threads: LIBUV_THREADS, concurrency },
      onLoop((i) => verifier.isGenuineElsewhere(i)),
    ),
  ];
}

type Executed = Pick<Side["cell"], "way" | "threads" | "concurrency">;

function signatureSide({ plan }: Measuring, arena: Arena, executed: Executed, run: () => Promise<Outcome>): Side {
  const { name: workload, accounts } = arena.workload;
  const operations = plan.signatures;
  const strategy = executed.way === "sequential" ? serial.name : atomic.name;
  return {
    cell: { part: "work", place: "memory", strategy, workload, accounts, operations, ...executed },
    run: () => arena.audited(operations, run),
  };
}

/** Work that waits: each transfer is a transaction in PostgreSQL. */
export async function measureRoundTrips(measuring: Measuring, url: string): Promise<void> {
  const { plan } = measuring;
  const workload = workOf(measuring, "io-bound", plan.durableTransfers);
  measuring.note(workload, "a durable transaction in PostgreSQL for each transfer, by the strategy atomic");
  const { concurrency, durableTransfers: operations } = plan;
  const bank = await openPostgresBank(postgresAtomic, openingAccounts(workload), { url, connections: concurrency });
  const threads = Math.max(...plan.threads);
  const startLine = new StartLine();
  const pool = openPool({ work: "round-trips", address: bank.address, workload, words: startLine.words }, threads);
  try {
    const cell = { part: "work", strategy: postgresAtomic.name, place: "postgres", workload: workload.name } as const;
    const side = (executed: Executed, run: () => Promise<Outcome>): Side => ({
      cell: { ...cell, accounts: workload.accounts, operations, ...executed },
      run: () => auditedBank(bank, run),
    });
    await measuring.sides("waiting for PostgreSQL", [
      side({ way: "sequential", threads: 1, concurrency: 1 }, () =>
        runBank(bank, workload, { concurrency: 1, operations }),
      ),
      side({ way: "event-loop", threads: 1, concurrency }, () => runBank(bank, workload, { concurrency, operations })),
      side({ way: "threads", threads, concurrency: threads }, () => runPool(pool, startLine, threads, operations)),
    ]);
  } finally {
    await pool.destroy();
    await bank.close();
  }
}

function workOf(measuring: Measuring, name: string, transfers: number): Workload {
  const accounts = measuring.plan.durableAccounts;
  const seed = seedOf(measuring, name);
  return { ...makeWorkload({ contention: "uniform", accounts, transfers, seed }), name };
}

/** Compares the bank's books before and after a run. */
export async function auditedBank(bank: Bank, run: () => Promise<Outcome>): Promise<Sample> {
  const before = await bank.accounts();
  const { durationMs, ok, refused, conflicts } = await run();
  const books = booksBetween(before, await bank.accounts(), ok * CHANGES_OF_TRANSFER);
  return { durationMs, ok, refused, conflicts, ...books };
}

function openPool(workerData: WorkData, threads: number): Piscina<WorkTask, WorkDone> {
  return new Piscina({
    filename: builtFile("workers/compare.js").href,
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
    workerData,
  });
}

/** Gives every thread its part. From the moment at which all stood at the start to the last one's end. */
async function runPool(
  pool: Piscina<WorkTask, WorkDone>,
  startLine: StartLine,
  threads: number,
  operations: number,
): Promise<Outcome> {
  startLine.reset();
  const done = await Promise.all(
    Array.from({ length: threads }, (_, thread) => pool.run({ thread, threads, operations })),
  );
  const sum = (figure: "ok" | "refused" | "conflicts"): number => done.reduce((total, part) => total + part[figure], 0);
  const startedMs = Math.min(...done.map((part) => part.startedMs));
  const endedMs = Math.max(...done.map((part) => part.endedMs));
  return { durationMs: endedMs - startedMs, ok: sum("ok"), refused: sum("refused"), conflicts: sum("conflicts") };
}
