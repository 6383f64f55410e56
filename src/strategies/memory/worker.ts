/** What a worker of a bank's pool does: attach once, then execute the operation or the array it is told to. */
import { workerData } from "node:worker_threads";
import { BankMemory } from "./bank-memory.js";
import { instantiateStrategies } from "./kernel.js";
import {
  BANK,
  BK_READY,
  GATE_CLOSED,
  GATE_OPEN,
  GATE_REACHED,
  LN_GATE,
  LN_WORD,
  LOCK_WAITED_FOR,
  STEP_BACK_OFF,
  STEP_DONE,
  STEP_GAP,
  STEP_MASK,
  STEP_SLEEP,
  STEP_WAKE,
} from "./layout.js";

/** What the pool hands to every worker when it starts. */
export interface BankWorkerData {
  readonly memory: WebAssembly.Memory;
  /** STRATEGY_* number. */
  readonly strategy: number;
}

/** Meet the other workers; execute the lane's own operation; or share the array's operations up to before `end`. */
export type BankTask =
  | { readonly task: "meet"; readonly threads: number }
  | { readonly task: "execute"; readonly lane: number }
  | {
      readonly task: "run" | "record";
      readonly strategy: number;
      readonly lane: number;
      readonly threads: number;
      readonly end: number;
    };

/** Milliseconds of the system's monotonic clock, which all threads share. */
export interface RunTimes {
  readonly startedMs: number;
  readonly endedMs: number;
}

const { memory, strategy } = (Array.isArray(workerData) ? workerData[1] : workerData) as BankWorkerData;
const bank = new BankMemory(memory);
const kernel = instantiateStrategies(memory);

/** How long a thread that is early looks on; tasks reach all threads within about a tenth of it. */
const MEET_AWAKE_MS = 5;

const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * Waits until all threads stand here; the last one to come lets everybody go. Whoever is early looks on for a while
 * before sleeping, so that all begin at once and none is still waking up while the others are done.
 */
function meet(threads: number): void {
  const word = (BANK + BK_READY) >>> 2;
  Atomics.add(bank.words, word, 1);
  Atomics.notify(bank.words, word);
  const sleepFrom = performance.now() + MEET_AWAKE_MS;
  for (;;) {
    const ready = Atomics.load(bank.words, word);
    if (ready >= threads) return;
    if (performance.now() >= sleepFrom) Atomics.wait(bank.words, word, ready);
  }
}

/** Waits between reading and writing until the coordinator opens the gate, where it has closed it. */
function passGate(lane: number): void {
  const word = (lane + LN_GATE) >>> 2;
  if (Atomics.compareExchange(bank.words, word, GATE_CLOSED, GATE_REACHED) !== GATE_CLOSED) return;
  Atomics.notify(bank.words, word);
  while (Atomics.load(bank.words, word) !== GATE_OPEN) Atomics.wait(bank.words, word, GATE_REACHED);
}

/** An operation that was over before it came to its gate must not leave the coordinator waiting there. */
function leaveGate(lane: number): void {
  const word = (lane + LN_GATE) >>> 2;
  Atomics.store(bank.words, word, GATE_OPEN);
  Atomics.notify(bank.words, word);
}

/** Index of the word that the operation in the lane sleeps on, or on which it wakes somebody. */
function wordOf(lane: number): number {
  return bank.view.getUint32(lane + LN_WORD, true) >>> 2;
}

function execute(lane: number): void {
  let next = kernel.beginOperation(lane, strategy);
  while ((next & STEP_MASK) !== STEP_DONE) {
    if ((next & STEP_GAP) !== 0) passGate(lane);
    if ((next & STEP_SLEEP) !== 0) Atomics.wait(bank.words, wordOf(lane), LOCK_WAITED_FOR);
    if ((next & STEP_BACK_OFF) !== 0) kernel.backOff(lane);
    next = kernel.step(lane, strategy);
    if ((next & STEP_WAKE) !== 0) Atomics.notify(bank.words, wordOf(lane), 1);
  }
  leaveGate(lane);
}

/** Does the task. */
export function serveBank(task: BankTask): RunTimes | undefined {
  switch (task.task) {
    case "meet":
      meet(task.threads);
      return undefined;
    case "execute":
      execute(task.lane);
      return undefined;
    case "run":
    case "record": {
      meet(task.threads);
      const startedMs = monotonicMs();
      if (task.task === "run") kernel.runClaimed(task.lane, task.strategy, task.end);
      else kernel.runRecorded(task.lane, task.strategy, task.end);
      return { startedMs, endedMs: monotonicMs() };
    }
  }
}
