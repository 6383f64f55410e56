/**
 * What every race here is about: a balance of 100 and two withdrawals of 60. There are two ways it may end, and one of
 * them is forbidden.
 */

export const OPENING_BALANCE = 100n;
export const WITHDRAWAL = 60n;
export const WITHDRAWALS = 2;

/** Something that happened in a race, at a time in milliseconds since it began. */
export interface TimelineEvent {
  readonly ms: number;
  readonly who: string;
  readonly what: string;
}

/** How a race ended. */
export interface RaceOutcome {
  readonly balance: bigint;
  /** Withdrawals that whoever asked for them was told were made. */
  readonly paid: number;
  /** Whether what makes the race has happened: see {@link RaceCase.forced}. */
  readonly met: boolean;
  readonly timeline?: readonly TimelineEvent[];
}

/** One way of withdrawing twice. */
export interface RaceCase {
  readonly group: string;
  readonly name: string;
  /** `forbidden`: this way exists to be seen failing. `acceptable`: it must hold. */
  readonly expected: "forbidden" | "acceptable";
  /** What is made to happen, so that it is a race each time. */
  readonly forced: string;
  /** False for strategies that keep the second withdrawal out until the first is done: they let it happen to nobody. */
  readonly mustMeet: boolean;
  run(): Promise<RaceOutcome>;
}

/** Which of the outcomes it was: `forbidden`, both paid from a balance that holds one; `acceptable`, one refused. */
export function classify({ balance, paid }: RaceOutcome): "forbidden" | "acceptable" | "neither" {
  if (paid === WITHDRAWALS && balance === OPENING_BALANCE - 2n * WITHDRAWAL) return "forbidden";
  if (paid === 1 && balance === OPENING_BALANCE - WITHDRAWAL) return "acceptable";
  return "neither";
}

/** Whether the race ended as declared, and was one. */
export function isAsDeclared(race: RaceCase, outcome: RaceOutcome): boolean {
  return classify(outcome) === race.expected && (outcome.met || !race.mustMeet);
}
