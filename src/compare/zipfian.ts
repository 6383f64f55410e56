/** Zipfian ranks, as the YCSB benchmark draws them: a few accounts are in most transfers. */
import type { Random } from "./random.js";

/** Skew of the YCSB benchmark. */
export const YCSB_SKEW = 0.99;

/**
 * Draws ranks from 0 to `count` - 1, where rank r comes up about 1 / (r + 1)^skew as often as rank 0.
 *
 * The method is that of Gray, Sundaresan, Englert, Baclawski and Weinberger, "Quickly Generating Billion-Record
 * Synthetic Databases" (SIGMOD 1994), which YCSB (Cooper et al., SoCC 2010) uses: exact for the first two ranks,
 * a continuous approximation behind them. Making one sums `count` terms; a draw takes a power at most.
 */
export class Zipfian {
  readonly #count: number;
  readonly #sum: number;
  readonly #sumOfTwo: number;
  readonly #exponent: number;
  readonly #scale: number;

  /** `count` is at least 2; `skew` lies between 0 and 1, both excluded. */
  constructor(count: number, skew: number = YCSB_SKEW) {
    this.#count = count;
    this.#sum = harmonic(count, skew);
    this.#sumOfTwo = harmonic(2, skew);
    this.#exponent = 1 / (1 - skew);
    this.#scale = count === 2 ? 0 : (1 - (2 / count) ** (1 - skew)) / (1 - this.#sumOfTwo / this.#sum);
  }

  draw(random: Random): number {
    const unit = random.unit();
    const part = unit * this.#sum;
    if (part < 1) return 0;
    if (part < this.#sumOfTwo) return 1;
    const rank = Math.floor(this.#count * (this.#scale * unit - this.#scale + 1) ** this.#exponent);
    return Math.min(rank, this.#count - 1);
  }
}

/** The sum of 1 / i^skew for i from 1 to `count`. */
export function harmonic(count: number, skew: number): number {
  let sum = 0;
  for (let i = 1; i <= count; i++) sum += 1 / i ** skew;
  return sum;
}
