/** What every benchmark shares: sizes, measurements, medians. */
import { execFileSync } from "node:child_process";

/** Sizes: `full` for figures, `tiny` for the test suite, which only checks that the benchmark runs and its answers. */
export type Size = "full" | "tiny";

/** One figure. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: "ns/transfer" | "transfers/s" | "rows/s" | "ms" | "ratio";
  /** Figure that is expected on two cores, and whether it should be at most or at least that. */
  readonly expected?: { readonly atMost: number } | { readonly atLeast: number };
}

/** A benchmark: checks its own answers and throws where they are wrong. */
export interface Trial {
  readonly name: string;
  readonly description: string;
  run(size: Size): Promise<Measurement[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Waits until the system has written what earlier sides left to write, so that no side pays for another's. */
function quietDisk(): void {
  try {
    execFileSync("sync");
  } catch {
    // A system without the command writes on its own.
  }
}

/** Runs each side in turn, `rounds` times, and returns the median of each. */
export async function inTurn<Name extends string>(
  rounds: number,
  sides: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number>> {
  const values = Object.fromEntries(Object.keys(sides).map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(sides) as Name[]) {
      quietDisk();
      values[name].push(await sides[name]());
    }
  }
  return Object.fromEntries(Object.keys(sides).map((name) => [name, median(values[name as Name])])) as Record<
    Name,
    number
  >;
}

/** A small seeded generator (xorshift32): the same numbers everywhere. */
export function seeded(seed: number): (limit: number) => number {
  let state = seed | 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

export function check(condition: boolean, message: string): void {
  if (!condition) throw new Error(`the benchmark's answer is wrong: ${message}`);
}
