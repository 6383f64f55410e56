/** `parallel-ledger race`: two withdrawals of 60 from a balance of 100, in every way that they can meet. */
import { LedgerError } from "../core/errors.js";
import { type PreparedRaces, prepareRaces, RACE_PARTS, type RacePart, type SkippedRaces } from "../race/all-races.js";
import { classify, OPENING_BALANCE, type RaceCase, WITHDRAWAL } from "../race/race-case.js";
import { areAsDeclared, type RaceReport, runRaces } from "../race/run-races.js";
import { Output, type OutputOptions, seconds, table } from "./output.js";

export interface RaceArguments extends OutputOptions {
  readonly only?: string;
}

/**
 * Runs the races and prints how they ended. The exit code is 1 where one did not end as it is declared to: an unsafe way
 * that did no harm, or a safe one that did.
 */
export async function race(args: RaceArguments, prepare = prepareRaces): Promise<void> {
  const output = new Output(args);
  const parts = readParts(args.only);
  const interrupt = new AbortController();
  const onSignal = (): void => {
    interrupt.abort(new LedgerError("interrupted", "interrupted: the rest of the races was not run"));
  };
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  let prepared: PreparedRaces | undefined;
  try {
    output.progress("starting servers");
    prepared = await prepare(parts);
    const onRace = ({ group, name }: RaceCase): void => output.progress(`${group}: ${name}`);
    const reports = await runRaces(prepared.races, { onRace, signal: interrupt.signal });
    output.endProgress();
    report(output, args, reports, prepared);
    if (!areAsDeclared(reports)) process.exitCode = 1;
  } finally {
    output.endProgress();
    process.removeListener("SIGINT", onSignal);
    process.removeListener("SIGTERM", onSignal);
    await prepared?.close();
  }
}

function readParts(text: string | undefined): ReadonlySet<RacePart> {
  if (text === undefined) return new Set(RACE_PARTS);
  const names = text.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!RACE_PARTS.some((part) => part === name)) {
      throw new LedgerError(
        "invalid_argument",
        `--only must name some of ${RACE_PARTS.join(", ")}, separated by commas, not '${name}'`,
      );
    }
  }
  return new Set(names as RacePart[]);
}

function report(
  output: Output,
  args: RaceArguments,
  races: readonly RaceReport[],
  { skipped, servers }: PreparedRaces,
): void {
  const asDeclared = areAsDeclared(races);
  output.json({
    ok: asDeclared,
    races: races.map((race) => ({
      ...race,
      outcome: classify(race),
      balance: Number(race.balance),
      milliseconds: rounded(race.milliseconds),
      ...(race.timeline && { timeline: race.timeline.map((event) => ({ ...event, ms: rounded(event.ms) })) }),
    })),
    skipped,
    servers: {
      postgres: servers.postgres?.version,
      redis: servers.redis.map(({ version }) => version),
    },
  });
  if (args.json === true) return;
  const groups = [...new Set(races.map(({ group }) => group))];
  const text = [
    `A balance of ${OPENING_BALANCE} and two withdrawals of ${WITHDRAWAL}. FORBIDDEN: both are paid. ACCEPTABLE: one is refused.`,
    ...groups.map((group) => outcomes(group, races)),
    ...groups.map((group) => timelines(group, races)).filter((lines) => lines !== ""),
    ...(skipped.length === 0 ? [] : [skippedText(skipped)]),
    verdict(races, skipped),
  ];
  process.stdout.write(`${text.join("\n\n")}\n`);
}

/** To the microsecond: finer is noise. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

const OUTCOME_WORDS = { forbidden: "FORBIDDEN", acceptable: "ACCEPTABLE", neither: "NEITHER" } as const;

function outcomes(group: string, races: readonly RaceReport[]): string {
  const rows = races
    .filter((race) => race.group === group)
    .map((race) => [
      race.name,
      String(race.balance),
      String(race.paid),
      race.met ? race.forced : "one at a time",
      OUTCOME_WORDS[classify(race)],
      race.asDeclared ? "as declared" : `WRONG, declared: ${race.forced}, ${OUTCOME_WORDS[race.expected]}`,
      seconds(race.milliseconds),
    ]);
  return `${group}\n${table(["", "balance", "paid", "forced", "outcome", "", ""], rows, [1, 2, 6])}`;
}

function timelines(group: string, races: readonly RaceReport[]): string {
  return races
    .filter((race) => race.group === group && race.timeline !== undefined)
    .map(({ name, timeline, balance, paid }) => {
      const width = Math.max(...timeline!.map(({ who }) => who.length));
      const lines = timeline!.map(
        ({ ms, who, what }) => `${ms.toFixed(0).padStart(6)} ms  ${who.padEnd(width)}  ${what}`,
      );
      return [`${group}: ${name}`, ...lines, `           ${paid} paid, the balance is ${balance}`].join("\n");
    })
    .join("\n\n");
}

function skippedText(skipped: readonly SkippedRaces[]): string {
  return skipped.map(({ races, reason }) => `SKIPPED: ${races}. ${reason}`).join("\n");
}

function verdict(races: readonly RaceReport[], skipped: readonly SkippedRaces[]): string {
  const not = skipped.length === 0 ? "" : " Not all could be run: see SKIPPED.";
  if (races.length === 0) return `No race was run.${not}`;
  const wrong = races.filter(({ asDeclared }) => !asDeclared).map(({ group, name }) => `${name} (${group})`);
  if (wrong.length > 0)
    return `${wrong.length} of ${races.length} races did not end as declared: ${wrong.join(", ")}.${not}`;
  const forbidden = races.filter(({ expected }) => expected === "forbidden").length;
  return (
    `${races.length} races: each of the ${forbidden} unsafe ways paid twice, and none of the other ` +
    `${races.length - forbidden} did.${not}`
  );
}
