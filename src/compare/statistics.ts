/** Medians and what is made of them. */

/** The middle value, or the mean of the two in the middle. `values` holds at least one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Runs every side once a round, in turn, `rounds` times, so that whatever else the machine does meets all of them alike;
 * every other round goes backwards, so that none always follows the same one. Returns each side's samples.
 */
export async function inTurn<Side, Sample>(
  sides: readonly Side[],
  rounds: number,
  run: (side: Side, round: number) => Promise<Sample>,
): Promise<Map<Side, Sample[]>> {
  const samples = new Map<Side, Sample[]>(sides.map((side) => [side, []]));
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      samples.get(side)!.push(await run(side, round));
    }
  }
  return samples;
}
