/** Runs races, one after the other, and says whether each ended as it is declared to. */
import { isAsDeclared, type RaceCase, type RaceOutcome } from "./race-case.js";

/** A race that was run. */
export interface RaceReport extends RaceOutcome {
  readonly group: string;
  readonly name: string;
  readonly expected: RaceCase["expected"];
  readonly forced: string;
  readonly asDeclared: boolean;
  readonly milliseconds: number;
}

export interface RunOptions {
  /** Called with each race before it is run. */
  readonly onRace?: (race: RaceCase) => void;
  /** Looked at between races: where it is aborted, the rest is not run, and the signal's reason is thrown. */
  readonly signal?: AbortSignal;
}

export async function runRaces(races: readonly RaceCase[], options: RunOptions = {}): Promise<RaceReport[]> {
  const reports: RaceReport[] = [];
  for (const race of races) {
    options.signal?.throwIfAborted();
    options.onRace?.(race);
    const start = performance.now();
    const outcome = await race.run();
    const milliseconds = performance.now() - start;
    const { group, name, expected, forced } = race;
    reports.push({ group, name, expected, forced, ...outcome, asDeclared: isAsDeclared(race, outcome), milliseconds });
  }
  return reports;
}

/** Whether the races show what they are for: at least one was run, and all ended as declared. */
export function areAsDeclared(reports: readonly RaceReport[]): boolean {
  return reports.length > 0 && reports.every(({ asDeclared }) => asDeclared);
}
