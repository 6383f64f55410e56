/** A number of places that callers take and give back, first come, first served. For one thread. */

interface Waiter {
  readonly take: () => void;
  readonly refuse: (error: Error) => void;
}

export class Places {
  #free: number;
  #refusal: Error | undefined;
  readonly #waiters: Waiter[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves once a place is the caller's, who gives it back by {@link release}. */
  async take(): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((take, refuse) => this.#waiters.push({ take, refuse }));
  }

  release(): void {
    // Handed over, not set free: whoever asks before the waiter runs again must not find it.
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#free++;
    else waiter.take();
  }

  /** Refuses whoever waits and whoever will ask. */
  refuse(error: Error): void {
    this.#refusal = error;
    for (const waiter of this.#waiters.splice(0)) waiter.refuse(error);
  }
}
