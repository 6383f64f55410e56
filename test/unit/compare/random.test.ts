import { describe, expect, it } from "vitest";
import { Random } from "../../../src/compare/random.js";
import { harmonic, YCSB_SKEW, Zipfian } from "../../../src/compare/zipfian.js";

const DRAWS = 200_000;

describe("random numbers", () => {
  it("are the same from the same seed, and others from another", () => {
    const numbers = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 100 }, () => random.next());
    };
    expect(numbers(7)).toEqual(numbers(7));
    expect(numbers(7)).not.toEqual(numbers(8));
    // Written down, so that a committed comparison can be drawn again by a later release.
    expect(numbers(1).slice(0, 3)).toEqual([393288148, 2174103013, 3814759091]);
  });

  it("come up evenly, and stay below their limit", () => {
    const random = new Random(3);
    const counts = new Uint32Array(10);
    for (let i = 0; i < DRAWS; i++) counts[random.below(10)]!++;
    for (const count of counts) expect(Math.abs(count - DRAWS / 10)).toBeLessThan(6 * Math.sqrt(DRAWS / 10));
    for (let i = 0; i < 1_000; i++) expect(random.unit()).toBeLessThan(1);
  });
});

describe("Zipfian ranks", () => {
  it.for([2, 10, 1_000, 100_000])("of %d come up as often as Zipf's law says", (count) => {
    const random = new Random(11);
    const zipfian = new Zipfian(count);
    const counts = new Uint32Array(count);
    for (let i = 0; i < DRAWS; i++) counts[zipfian.draw(random)]!++;
    const sum = harmonic(count, YCSB_SKEW);
    const share = (first: number, last: number): number =>
      counts.slice(first, last).reduce((total, drawn) => total + drawn, 0) / DRAWS;
    const law = (first: number, last: number): number => (harmonic(last, YCSB_SKEW) - harmonic(first, YCSB_SKEW)) / sum;
    expect(share(0, 1)).toBeCloseTo(law(0, 1), 2);
    expect(share(1, 2)).toBeCloseTo(law(1, 2), 2);
    // Gray's method is continuous behind the first two ranks: within two hundredths of the law over each tenth power.
    for (let first = 1; first < count; first *= 10) {
      expect(Math.abs(share(first, first * 10) - law(first, Math.min(count, first * 10)))).toBeLessThan(0.02);
    }
  });
});
