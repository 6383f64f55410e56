/** Where threads of a comparison meet before the clock runs, and the counter from which they take work. */

/** Words of the shared array. Threads change them by atomic operations only. */
const READY = 0;
const NEXT = 1;
const WORDS = 2;

export class StartLine {
  /** Goes to other threads as it is; make a start line of it there. */
  readonly words: Int32Array;

  constructor(words: Int32Array = new Int32Array(new SharedArrayBuffer(WORDS * 4))) {
    this.words = words;
  }

  /** Makes it new. Nobody may stand at it. */
  reset(): void {
    this.words.fill(0);
  }

  /** Waits until so many threads stand here; the last one to come lets all of them go. */
  meet(threads: number): void {
    Atomics.add(this.words, READY, 1);
    Atomics.notify(this.words, READY);
    for (;;) {
      const ready = Atomics.load(this.words, READY);
      if (ready >= threads) return;
      Atomics.wait(this.words, READY, ready);
    }
  }

  /** The next index that nobody has taken. */
  take(): number {
    return Atomics.add(this.words, NEXT, 1);
  }
}

/** Milliseconds of the system's monotonic clock, which all threads share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
