/** What a worker thread of the first question does: its part of the same job, taking one instruction after the other. */
import { workerData } from "node:worker_threads";
import { atomic as memoryAtomic } from "../strategies/memory/atomic.js";
import { BankMemory } from "../strategies/memory/bank-memory.js";
import { instantiateStrategies } from "../strategies/memory/kernel.js";
import { atomic as postgresAtomic } from "../strategies/postgres/atomic.js";
import { attachPostgresBank, type PostgresBankAddress } from "../strategies/postgres/bank.js";
import { runBank } from "./run-bank.js";
import { type SignedInstructions, Verifier } from "./signatures.js";
import { monotonicMs, StartLine } from "./start-line.js";
import { InstructionsInMemory } from "./verify-and-transfer.js";
import type { Workload } from "./workload.js";

/** What the pool hands to every worker when it starts. */
export type WorkData =
  | {
      readonly work: "signatures";
      readonly memory: WebAssembly.Memory;
      readonly instructions: SignedInstructions;
      readonly words: Int32Array;
    }
  | {
      readonly work: "round-trips";
      readonly address: PostgresBankAddress;
      readonly workload: Workload;
      readonly words: Int32Array;
    };

export interface WorkTask {
  /** Number of this thread among so many. */
  readonly thread: number;
  readonly threads: number;
  /** Instructions from the first on. */
  readonly operations: number;
}

/** What one thread's part came to. Milliseconds are those of the clock that all threads share. */
export interface WorkDone {
  readonly startedMs: number;
  readonly endedMs: number;
  readonly ok: number;
  readonly refused: number;
  readonly conflicts: number;
}

const data = (Array.isArray(workerData) ? workerData[1] : workerData) as WorkData;
const startLine = new StartLine(data.words);
const work = data.work === "signatures" ? prepareSignatures(data) : await prepareRoundTrips(data);

type Work = (task: WorkTask, next: () => number) => Promise<Omit<WorkDone, "startedMs" | "endedMs">>;

function prepareSignatures({ memory, instructions }: WorkData & { work: "signatures" }): Work {
  const bank = new BankMemory(memory);
  const verifier = new Verifier(instructions);
  const kernel = instantiateStrategies(memory);
  return async ({ thread, operations }, next) =>
    new InstructionsInMemory(bank, kernel, verifier, thread).run(memoryAtomic, operations, next);
}

async function prepareRoundTrips({ address, workload }: WorkData & { work: "round-trips" }): Promise<Work> {
  const bank = await attachPostgresBank(postgresAtomic, address, 1);
  return ({ operations }, next) => runBank(bank, workload, { concurrency: 1, operations, next });
}

/** Meets the other threads, then takes instructions until none is left. */
export async function doWork(task: WorkTask): Promise<WorkDone> {
  startLine.meet(task.threads);
  const startedMs = monotonicMs();
  const { ok, refused, conflicts } = await work(task, () => startLine.take());
  return { startedMs, endedMs: monotonicMs(), ok, refused, conflicts };
}
