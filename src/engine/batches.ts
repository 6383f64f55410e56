/** Batches that callers fill themselves, straight in shared memory. */
import { BatchResults, RecordWriter } from "../core/batch.js";
import { invalid, readTransfer } from "../core/checks.js";
import { LedgerError } from "../core/errors.js";
import { BATCH_CAPACITY } from "../core/layout.js";
import type { NewTransfer } from "../core/types.js";
import type { Engine, ExecutedBatch } from "./engine.js";
import { Places } from "./places.js";

/** Begins to write a batch, in a context of its own. */
export async function acquireWriter(engine: Engine): Promise<RecordWriter> {
  return new RecordWriter(engine.ids, engine.memory, await engine.acquireContext());
}

/** A batch that was executed, with its results; they may be handed out once they are durable. */
interface WrittenBatch extends ExecutedBatch {
  readonly results: BatchResults;
}

/** Executes a filled batch, copies its results, and gives its context back; `onExecuted` is called either way. */
export async function executeWritten(
  engine: Engine,
  writer: RecordWriter,
  onExecuted: () => void,
): Promise<WrittenBatch> {
  const { context, count } = writer;
  writer.finish();
  try {
    const { slices, flags, pendings } = writer;
    const promised = { transfers: count, pendings };
    const { durable } = await engine.execute(context, { slices, promised, flags });
    return { results: new BatchResults(engine.bytes, context, count, flags), durable };
  } finally {
    engine.releaseContext(context);
    onExecuted();
  }
}

/** A batch being filled. Made by `Ledger.batch`; it holds up to 16,384 transfers. */
export class Batch {
  readonly #writer: RecordWriter;
  readonly #submit: () => Promise<BatchResults>;
  readonly #discard: () => void;
  /** How errors count the batch's first transfer. */
  readonly #firstIndex: number;
  #ended = false;

  /** @internal Use `Ledger.batch`. */
  constructor(writer: RecordWriter, submit: () => Promise<BatchResults>, discard: () => void, firstIndex: number) {
    this.#firstIndex = firstIndex;
    this.#writer = writer;
    this.#submit = submit;
    this.#discard = discard;
  }

  /** Transfers added so far. */
  get length(): number {
    return this.#writer.count;
  }

  get isFull(): boolean {
    return this.#writer.isFull;
  }

  /** Adds a transfer. Throws `invalid_argument`, and `batch_full` after 16,384. */
  add(transfer: NewTransfer): void {
    this.#check();
    const read = readTransfer(transfer, this.#firstIndex + this.length);
    // A getter of the transfer's may have filled the batch meanwhile, or ended it.
    this.#check();
    this.#writer.add(read);
  }

  /** Adds a plain transfer without an object for it. Throws `invalid_argument`, and `batch_full` after 16,384. */
  addPlain(id: string, debit: string, credit: string, amount: bigint): void {
    this.#check();
    const areTypes =
      typeof id === "string" && typeof debit === "string" && typeof credit === "string" && typeof amount === "bigint";
    if (areTypes) this.#writer.write(id, debit, credit, amount, 0, 0n);
    else readTransfer({ id, debit, credit, amount }, this.#firstIndex + this.length);
  }

  #check(): void {
    if (this.#ended) throw invalid("the batch was submitted or discarded: begin another");
    if (this.isFull) {
      throw new LedgerError("batch_full", `a batch holds ${BATCH_CAPACITY} transfers: submit it, begin another`);
    }
  }

  /** Executes the batch in its turn; resolves with its results once they are on disk. */
  async submit(): Promise<BatchResults> {
    if (this.#ended) throw invalid("the batch was submitted or discarded before");
    this.#ended = true;
    return this.#submit();
  }

  /** Forgets the batch. */
  discard(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#discard();
  }
}

/** Begins batches, a number of them at a time; whoever wants one more waits until one has ended. */
export class Batches {
  readonly #engine: Engine;
  readonly #places: Places;

  constructor(engine: Engine, countMax: number) {
    this.#engine = engine;
    this.#places = new Places(countMax);
  }

  /** Errors count its transfers from `firstIndex` on; `check` throws where it may not be submitted any more. */
  async begin(firstIndex: number, check: () => void): Promise<Batch> {
    const engine = this.#engine;
    await this.#places.take();
    const writer = await acquireWriter(engine);
    const end = (): void => this.#places.release();
    const discard = (): void => {
      engine.releaseContext(writer.context);
      end();
    };
    const submit = async (): Promise<BatchResults> => {
      try {
        check();
        engine.room.promise({ transfers: writer.count, pendings: writer.pendings });
      } catch (error) {
        discard();
        throw error;
      }
      const { results, durable } = await executeWritten(engine, writer, end);
      await durable;
      return results;
    };
    return new Batch(writer, submit, discard, firstIndex);
  }

  /** Begins no more: whoever waits is refused. */
  refuse(error: Error): void {
    this.#places.refuse(error);
  }
}
