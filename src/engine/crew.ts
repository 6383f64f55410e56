/**
 * The worker threads of a ledger: who gets a batch, and when nobody has it any more.
 *
 * All tasks of a batch reach their workers before any of the next one, so whoever waits for a batch's turn waits for somebody
 * who can come. None waits on this thread, which may be blocked until the workers have done them.
 */
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { builtFile } from "../core/built.js";
import { LedgerError } from "../core/errors.js";
import { kernelModule } from "../core/kernel.js";
import { type EngineWorkerData, type ExecutionOutcome, NO_CONTEXT } from "./executor.js";

/** More than there can be: a batch is handed over when the one before the last is over, and may leave a task behind. */
const TASKS_A_WORKER = 64;

export class Crew {
  readonly #workers: number;
  readonly #pool: Piscina;
  readonly #fail: (cause: unknown) => LedgerError;
  /** By context: settled once no worker looks at it any more. */
  readonly #leaving = new Map<number, Promise<unknown>>();
  /** Settled once no worker has the batch any more that was handed over ahead of its turn. */
  #ahead: Promise<unknown> | undefined;
  /** Whether the task that is handed out now is its batch's only one. */
  #isLone = false;
  /** By thread: the number of the last task it was given. */
  readonly #given = new Map<number, number>();
  #tasks = 0;

  /** `fail` is told of a worker that died with a batch, lets those go who wait for it, and says what to throw. */
  constructor(memory: WebAssembly.Memory, workers: number, fail: (cause: unknown) => LedgerError) {
    const workerData: EngineWorkerData = { memory, kernel: kernelModule(), workers };
    this.#workers = workers;
    this.#fail = fail;
    this.#pool = new Piscina({
      // The pool requires what is at a path, and tries to import it only where that fails.
      filename: fileURLToPath(builtFile("workers/engine.cjs")),
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: TASKS_A_WORKER,
      loadBalancer: (_task, threads) => this.#choose(threads),
      // Or tasks that wait for threads to be replaced would change places.
      stricterFIFO: true,
      workerData,
    });
    // A worker that fails between batches is replaced by the pool; one that fails in a batch rejects its task.
    this.#pool.on("error", () => {});
  }

  /** Resolves once every worker is running, so that a caller who blocks this thread can't keep one from starting. */
  async ready(): Promise<void> {
    const met = await Promise.all(Array.from({ length: this.#workers }, () => this.#pool.run(NO_CONTEXT)));
    if (met.some((outcome) => outcome !== "done")) {
      throw new LedgerError("worker_failed", `the ${this.#workers} worker threads did not start within ten seconds`);
    }
  }

  /** Hands the batch over to so many workers; resolves with what the first of them says that has something to say. */
  async run(context: number, workers: number, isAhead = false): Promise<ExecutionOutcome> {
    this.#isLone = workers === 1;
    const tasks = Array.from({ length: workers }, () => this.#pool.run(context) as Promise<ExecutionOutcome>);
    // The batch is over when the first worker says so; the others have nothing left to do but may still be looking.
    const left = Promise.allSettled(tasks);
    this.#leaving.set(context, left);
    if (isAhead) this.#noteAhead(left);
    let isOver = false;
    const orFailure = (cause: unknown): ExecutionOutcome => {
      // One that dies when the batch is over leaves nothing undone; the pool replaces it.
      if (isOver) return "done";
      throw this.#fail(cause);
    };
    try {
      const outcome = await Promise.race(tasks.map((task) => task.catch(orFailure)));
      // This context runs again: whoever still looks must not meet ids half confirmed, nor stay behind unnoticed.
      if (outcome === "candidates" || outcome === "postponed") await left;
      return outcome;
    } catch (failure) {
      await left;
      throw failure;
    } finally {
      isOver = true;
    }
  }

  #noteAhead(left: Promise<unknown>): void {
    const ahead = left.then(() => {
      if (this.#ahead === ahead) this.#ahead = undefined;
    });
    this.#ahead = ahead;
  }

  /** Settled once no worker looks at the context any more; undefined where none ever did. */
  left(context: number): Promise<unknown> | undefined {
    return this.#leaving.get(context);
  }

  /** Settled once no worker has the batch any more that was handed over ahead of its turn; undefined where none has one. */
  get ahead(): Promise<unknown> | undefined {
    return this.#ahead;
  }

  /**
   * Who gets the next task. A batch's only one goes to the first worker: it is awake if any is, and has the last batch's
   * accounts in its cache. Else it is the worker with the fewest tasks, of those the one that got its last one
   * longest ago, so that a batch's tasks, as many as there are workers, go to a worker each.
   */
  #choose<T extends { readonly id: number; readonly currentUsage: number }>(threads: readonly T[]): T | null {
    const free = threads.filter(({ currentUsage }) => currentUsage < TASKS_A_WORKER);
    const last = ({ id }: T): number => this.#given.get(id) ?? 0;
    if (!this.#isLone) free.sort((a, b) => a.currentUsage - b.currentUsage || last(a) - last(b));
    const [chosen] = free;
    if (chosen === undefined) return null;
    this.#given.set(chosen.id, ++this.#tasks);
    return chosen;
  }

  /** Ends the threads. Nothing may be executing. */
  async close(): Promise<void> {
    await this.#pool.close({ force: true });
  }
}
