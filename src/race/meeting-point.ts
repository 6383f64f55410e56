/** Where two withdrawals meet that have both read and have not written: the interleaving that makes the race. */
import { WITHDRAWALS } from "./race-case.js";

export class MeetingPoint {
  readonly #open: () => void;
  readonly #opened: Promise<void>;
  readonly #patienceMs: number;
  #arrived = 0;
  #isOpen = false;
  #met = false;

  /**
   * Opens once everybody has come, however long that takes on a busy machine, or when the first has waited for
   * `patienceMs`: behind a strategy that lets only one in, the other can't come before the first has gone on.
   */
  constructor(patienceMs: number) {
    let open = (): void => {};
    this.#opened = new Promise((resolve) => {
      open = resolve;
    });
    this.#open = () => {
      this.#isOpen = true;
      open();
    };
    this.#patienceMs = patienceMs;
  }

  /** Whether everybody has come before it opened. */
  get met(): boolean {
    return this.#met;
  }

  /** Waits for the others. */
  readonly arrive = async (): Promise<void> => {
    this.#arrived++;
    if (this.#isOpen) return;
    if (this.#arrived === WITHDRAWALS) {
      this.#met = true;
      this.#open();
      return;
    }
    const timer = setTimeout(this.#open, this.#patienceMs);
    await this.#opened;
    clearTimeout(timer);
  };
}
