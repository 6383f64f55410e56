/** Results on their way out: in the order of their batches, while later ones execute. */

/** Batches executed whose results are not delivered yet; who reads them slowly holds the source back. */
const UNDELIVERED_MAX = 32;

export class Deliveries {
  readonly #onFailure: () => void;
  #last: Promise<void> = Promise.resolve();
  /** The last ones, some of which may be over. */
  readonly #undelivered: Promise<void>[] = [];

  /** `onFailure` is called for the first delivery that fails, and for all behind it, which are not tried. */
  constructor(onFailure: () => void) {
    this.#onFailure = onFailure;
  }

  /** Delivers a batch's results, behind those of all before it. */
  add(deliver: () => Promise<void>): void {
    this.#last = this.#last.then(deliver);
    this.#last.catch(this.#onFailure);
    this.#undelivered.push(this.#last);
  }

  /** Resolves once the reader is near enough for another batch to be executed; rejects where a delivery has failed since. */
  async waitForReader(): Promise<void> {
    while (this.#undelivered.length >= UNDELIVERED_MAX) await this.#undelivered.shift();
  }

  /** Resolves once everything so far is delivered; rejects with the first failure. */
  all(): Promise<void> {
    return this.#last;
  }
}
