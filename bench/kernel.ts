/**
 * `kernel`: the stages without store, files and coordinator. One thread with the serial plan, one with the partitioned
 * plan, and two worker threads sharing the partitioned plan, on the same batches; the states must end equal.
 *
 * Batches come in rows: what it costs to wake threads is the engine's business, and is in the other benchmarks.
 */
import { Piscina } from "piscina";
import { Bench } from "tinybench";
import { AccountTable } from "../src/core/accounts.js";
import { RecordWriter } from "../src/core/batch.js";
import { builtFile } from "../src/core/built.js";
import { stateDigest } from "../src/core/digest.js";
import { Identifiers } from "../src/core/identifiers.js";
import { instantiateKernel, type Kernel, kernelModule } from "../src/core/kernel.js";
import * as layout from "../src/core/layout.js";
import { createMemory, type MemoryPlan, planMemory } from "../src/core/memory.js";
import { type EngineWorkerData, Executor, TURN_LENGTH } from "../src/engine/executor.js";
import { check, type Measurement, median, type Size, seeded, type Trial } from "./trial.js";

const BATCH = 8190;
/** Batches that are filled, then executed, at a time. */
const ROW = 8;
const SEED = 20_231_123;
/** A batch's transfers are for 1–100, so nobody runs dry and every transfer must succeed. */
const OPENING = 1_000_000_000n;

interface Workload {
  readonly accounts: number;
  readonly isHot: boolean;
  /** Rows of batches that each side executes. */
  readonly rows: number;
}

/** One side: its own memory, the same seeded batches. */
class Side {
  readonly #plan: MemoryPlan;
  readonly #memory: WebAssembly.Memory;
  readonly #kernel: Kernel;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #ids: Identifiers;
  readonly #executor: Executor;
  readonly #pool: Piscina | undefined;
  readonly #accountIds: string[];
  readonly #random = seeded(SEED);
  readonly #workload: Workload;
  readonly #serial: boolean;
  readonly #threads: number;
  readonly #contexts: readonly number[];
  #batch = 0;

  constructor(workload: Workload, serial: boolean, threads: number) {
    this.#workload = workload;
    this.#serial = serial;
    this.#threads = threads;
    this.#plan = planMemory({
      accounts: workload.accounts,
      transfers: BATCH * (workload.rows + 1) * ROW,
      contexts: ROW,
    });
    this.#memory = createMemory(this.#plan, { low: 1n, high: 2n });
    this.#kernel = instantiateKernel(this.#memory);
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
    this.#ids = new Identifiers(this.#kernel, this.#memory);
    this.#executor = new Executor(this.#memory, this.#kernel);
    this.#accountIds = Array.from({ length: workload.accounts }, (_, i) => `account-${i}`);
    this.#contexts = Array.from({ length: ROW }, (_, i) => this.#plan.contexts + i * layout.CONTEXT_SIZE);
    this.#openAccounts();
    this.#view.setUint32(layout.SUPERBLOCK + layout.SB_NEXT_SEQUENCE, 1, true);
    if (threads > 0) {
      const workerData: EngineWorkerData = { memory: this.#memory, kernel: kernelModule(), workers: threads };
      this.#pool = new Piscina({
        filename: builtFile("bench/kernel-worker.js").href,
        minThreads: threads,
        maxThreads: threads,
        workerData,
      });
    }
  }

  #openAccounts(): void {
    this.#accountIds.forEach((id, slot) => {
      const kind = this.#ids.write(id, layout.KEY_SCRATCH, layout.TEXT_SCRATCH);
      const flags = layout.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS;
      const fault = this.#kernel.createAccount(
        layout.KEY_SCRATCH,
        kind,
        layout.TEXT_SCRATCH,
        1,
        flags,
        0,
        0n,
        0n,
        0n,
        0n,
        0,
      );
      check(fault === 0, "there is room for every account");
      const address = this.#plan.accounts + slot * layout.ACCOUNT_SIZE;
      this.#view.setBigUint64(address + layout.AC_CREDITS_POSTED, OPENING, true);
    });
  }

  /** Writes the next row of batches; not timed. */
  fill(): void {
    for (const context of this.#contexts) this.#fillBatch(context);
  }

  #fillBatch(context: number): void {
    const { accounts, isHot } = this.#workload;
    const random = this.#random;
    const writer = new RecordWriter(this.#ids, this.#memory, context);
    for (let i = 0; i < BATCH; i++) {
      const debit = random(accounts);
      const credit = isHot ? 0 : random(accounts);
      const other = credit === debit ? (debit + 1) % accounts : credit;
      const id = `t${this.#batch * BATCH + i}`;
      writer.write(id, this.#accountIds[debit]!, this.#accountIds[other]!, BigInt(1 + random(100)), 0, 0n);
    }
    writer.finish();
    for (let slice = 0; slice < writer.slices; slice++) this.#kernel.readKeys(context, slice);
    this.#writeScalars(context, writer.slices);
  }

  #writeScalars(context: number, slices: number): void {
    this.#bytes.fill(0, context + layout.CX_STAGES, context + layout.CX_SCALARS_END);
    this.#view.setUint32(context + layout.CX_SLICES_USED, slices, true);
    this.#view.setUint32(context + layout.CX_PLAN, this.#serial ? layout.PLAN_SERIAL : 0, true);
    this.#view.setUint32(context + layout.CX_TURN, this.#batch * TURN_LENGTH, true);
    this.#view.setUint32(context + layout.CX_CHUNK_FIRST, (this.#batch * slices) % this.#plan.chunkCount, true);
    this.#batch++;
  }

  /** Executes the row. */
  async execute(): Promise<void> {
    const pool = this.#pool;
    if (pool === undefined) for (const context of this.#contexts) this.#executor.run(context);
    else await Promise.all(Array.from({ length: this.#threads }, () => pool.run(this.#contexts)));
  }

  /** Every transfer must have been made. */
  checkRow(): void {
    for (const context of this.#contexts) {
      for (let i = 0; i < BATCH; i++) {
        const result = this.#bytes[context + layout.CX_RESULT + i];
        check(result === 0, `transfer ${i} of a batch has result ${result}`);
      }
    }
  }

  digest(): string {
    return stateDigest(new AccountTable(this.#memory, this.#plan, () => "USD"));
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
  }
}

/** Nanoseconds a transfer of each side. */
async function measure(workload: Workload): Promise<Record<"single" | "one" | "two", number>> {
  const sides = {
    single: new Side(workload, true, 0),
    one: new Side(workload, false, 0),
    two: new Side(workload, false, 2),
  };
  const names = ["single", "one", "two"] as const;
  const latencies: Record<"single" | "one" | "two", number[]> = { single: [], one: [], two: [] };
  try {
    const rounds = Math.min(5, workload.rows);
    for (let round = 0; round < rounds; round++) {
      // The sides take turns, so that a machine whose speed drifts treats them alike.
      const bench = new Bench({ iterations: Math.floor(workload.rows / rounds), time: 0, warmup: false });
      for (const name of names) {
        const side = sides[name];
        bench.add(name, () => side.execute(), {
          // Said, or it would be found out by a call that no batch was filled for.
          async: true,
          beforeEach: () => side.fill(),
          afterEach: () => side.checkRow(),
        });
      }
      await bench.run();
      for (const task of bench.tasks) {
        const { result } = task;
        if (result.state !== "completed") throw new Error(`${task.name}: ${JSON.stringify(result)}`);
        // The first round finds the kernel not yet optimised.
        if (round > 0 || rounds === 1) latencies[task.name as "single"].push(result.latency.p50);
      }
    }
    const digest = sides.single.digest();
    check(sides.one.digest() === digest, "one partition ends in another state than the serial plan");
    check(sides.two.digest() === digest, "two workers end in another state than the serial plan");
  } finally {
    await sides.two.close();
  }
  const nanoseconds = (values: readonly number[]): number => (median(values) * 1e6) / (BATCH * ROW);
  return { single: nanoseconds(latencies.single), one: nanoseconds(latencies.one), two: nanoseconds(latencies.two) };
}

/** The prototype's figures, in nanoseconds a transfer: best single thread, one partition, two partitions. */
const PROTOTYPE: Readonly<Record<string, readonly [number, number, number]>> = {
  "10,000 accounts, uniform": [55, 59, 49],
  "1,000,000 accounts, uniform": [200, 215, 129],
  "1,000,000 accounts, one hot": [194, 209, 137],
};
const ALLOWED = 1.3;

export const kernelTrial: Trial = {
  name: "kernel",
  description: "batches of 8,190 in memory: validate, look up, exactly-once, execute, encode",
  async run(size: Size): Promise<Measurement[]> {
    const full = size === "full";
    const measurements: Measurement[] = [];
    for (const accounts of full ? [10_000, 1_000_000] : [100]) {
      for (const isHot of [false, true]) {
        const { single, one, two } = await measure({ accounts, isHot, rows: full ? 25 : 1 });
        const label = `${accounts.toLocaleString("en-US")} accounts, ${isHot ? "one hot" : "uniform"}`;
        const prototype = PROTOTYPE[label];
        const expected = (i: number): Pick<Measurement, "expected"> =>
          prototype === undefined ? {} : { expected: { atMost: Math.round(prototype[i]! * ALLOWED) } };
        measurements.push(
          { name: `${label}: single thread`, value: single, unit: "ns/transfer", ...expected(0) },
          { name: `${label}: one partition`, value: one, unit: "ns/transfer", ...expected(1) },
          { name: `${label}: two workers`, value: two, unit: "ns/transfer", ...expected(2) },
          { name: `${label}: single / two workers`, value: single / two, unit: "ratio" },
        );
      }
    }
    return measurements;
  },
};
