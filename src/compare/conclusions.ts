/**
 * What the figures say, in sentences made from the figures: none is written here, and a sentence that a run does not
 * bear out does not appear.
 */
import { areSound, type Cell, type Comparison, isSafe, type Part, perSecond } from "./comparison.js";
import { cellsOf, costOf, ratioToBaseline, strategiesOf, threadsMax, workloadsOf } from "./findings.js";
import { counted, integer, listed, rate, significant, times } from "./format.js";
import { placeTitle, workloadTitle } from "./words.js";

/** Ratios closer to 1 than this are called no difference: medians of a few samples can't tell them apart. */
const NOTICEABLE = 1.1;

/** Sentences about a part; none where it was not measured. */
export function conclusionsOf(comparison: Comparison, part: Part): string[] {
  switch (part) {
    case "work":
      return workConclusions(comparison);
    case "coordination":
    case "smallbank":
    case "peer-to-peer":
      return coordinationConclusions(comparison, part);
    case "places":
      return placesConclusions(comparison);
  }
}

function effect(ratio: number): "helped" | "made no difference" | "cost time" {
  if (ratio >= NOTICEABLE) return "helped";
  return ratio > 1 / NOTICEABLE ? "made no difference" : "cost time";
}

type Effect = ReturnType<typeof effect>;

/** Concurrency and parallelism had the same effect: which had more of it, if that can be told. */
function bothText(same: Effect, ratio: number): string {
  if (same !== "helped" || effect(ratio) === "made no difference") return `both ${same}`;
  return ratio > 1
    ? "both helped, concurrency more than parallelism"
    : "both helped, parallelism more than concurrency";
}

function workConclusions(comparison: Comparison): string[] {
  return workloadsOf(comparison, "work").flatMap((workload) => {
    const cells = cellsOf(comparison, "work", workload);
    const loop = cells.find(({ way }) => way === "event-loop");
    const threads = cells.find(({ way }) => way === "threads");
    if (loop === undefined || threads === undefined) return [];
    const [concurrent, parallel] = [ratioToBaseline(comparison, loop)!, ratioToBaseline(comparison, threads)!];
    const [first, second] = [effect(concurrent), effect(parallel)];
    const verdict =
      first === second ? bothText(first, concurrent / parallel) : `concurrency alone ${first}, parallelism ${second}`;
    return [
      `${workloadTitle(workload)}: ${verdict}. Against one after the other, ${integer(loop.concurrency)} under way at once on one ` +
        `thread came to ${times(concurrent)}, ${counted(threads.threads, "worker thread")} to ${times(parallel)}.`,
    ];
  });
}

/** Winners that are named one by one. */
const NAMED_MAX = 4;

interface Rated {
  readonly cell: Cell;
  readonly ratio: number;
}

function ratedOf(comparison: Comparison, part: Part, isWanted: (cell: Cell) => boolean): Rated[] {
  return cellsOf(comparison, part)
    .filter((cell) => cell.strategy !== "serial" && isSafe(comparison, cell) && isWanted(cell))
    .flatMap((cell) => {
      const ratio = ratioToBaseline(comparison, cell);
      return ratio === undefined ? [] : [{ cell, ratio }];
    })
    .sort((a, b) => b.ratio - a.ratio);
}

/** A strategy and its ratio, and on which workload where the part has several. */
function naming(comparison: Comparison, part: Part): (rated: Rated) => string {
  const isOnly = workloadsOf(comparison, part).length === 1;
  return ({ cell, ratio }) =>
    `${cell.strategy} at ${times(ratio)}${isOnly ? "" : ` (${workloadTitle(cell.workload)})`}`;
}

function coordinationConclusions(comparison: Comparison, part: Part): string[] {
  const threads = threadsMax(comparison, part);
  const alone = ratedOf(comparison, part, ({ way, threads: count }) => way === "threads" && count === 1);
  const together = ratedOf(comparison, part, ({ way, threads: count }) => way === "threads" && count === threads);
  if (together.length === 0) return [];
  const named = naming(comparison, part);
  const sentences: string[] = [];
  const winners = together.filter(({ ratio }) => ratio > 1);
  const most = winners.slice(0, NAMED_MAX).map(named);
  const won =
    winners.length === 0
      ? ""
      : `: ${listed(winners.length > NAMED_MAX ? [...most, `${winners.length - NAMED_MAX} more`] : most)}`;
  const losers = together.filter(({ ratio }) => ratio <= 1);
  sentences.push(
    `With ${counted(threads, "worker thread")}, ${winners.length} of ${counted(together.length, "measurement")} of safe strategies beat ` +
      `one thread that coordinates nothing${won}.`,
  );
  if (losers.length === 1) sentences.push(`It was not worth its threads for ${named(losers[0]!)}.`);
  if (losers.length > 1) {
    sentences.push(
      `The ${losers.length} that lost came to between ${named(losers.at(-1)!)} and ${named(losers[0]!)}: there more threads bought less ` +
        "than coordinating them cost.",
    );
  }
  const never = strategiesOf(comparison, part).filter((strategy) => {
    if (!together.some(({ cell }) => cell.strategy === strategy)) return false;
    return workloadsOf(comparison, part).every(
      (workload) => (costOf(comparison, part, strategy, workload) ?? "never") === "never",
    );
  });
  if (never.length > 0) {
    sentences.push(
      `COST: ${listed(never)} never beat serial, whatever the workload, with up to ${counted(threads, "thread")}.`,
    );
  }
  sentences.push(...scalingSentence(comparison, part, threads));
  if (alone.length > 0) {
    const [dearest, cheapest] = [alone.at(-1)!, alone[0]!];
    sentences.push(
      `Coordination alone, on one thread that nobody disturbs, left between ${times(dearest.ratio)} (${dearest.cell.strategy}) and ` +
        `${times(cheapest.ratio)} (${cheapest.cell.strategy}) of serial's throughput.`,
    );
  }
  const loops = cellsOf(comparison, part).filter((cell) => cell.way === "event-loop" && isSafe(comparison, cell));
  if (loops.length > 0) {
    const ratios = loops.map((cell) => ratioToBaseline(comparison, cell) ?? 0);
    sentences.push(
      `Taking turns on the event loop reached at most ${times(Math.max(...ratios))} of serial: a promise costs more than a transfer in memory.`,
    );
  }
  return sentences;
}

/** Where more threads made a strategy slower than it is alone. */
function scalingSentence(comparison: Comparison, part: Part, threads: number): string[] {
  if (threads === 1) return [];
  const pairs = ratedOf(comparison, part, (cell) => cell.way === "threads" && cell.threads === threads).flatMap(
    ({ cell }) => {
      const single = cellsOf(comparison, part, cell.workload).find(
        (other) => other.strategy === cell.strategy && other.way === "threads" && other.threads === 1,
      );
      return single === undefined ? [] : [{ cell, ratio: perSecond(cell) / perSecond(single) }];
    },
  );
  if (pairs.length === 0) return [];
  const named = naming(comparison, part);
  const slower = pairs.filter(({ ratio }) => ratio < 1);
  const best = pairs.reduce((most, pair) => (pair.ratio > most.ratio ? pair : most));
  const worst = pairs.reduce((least, pair) => (pair.ratio < least.ratio ? pair : least));
  return [
    `${counted(threads, "thread")} instead of one made the same strategy slower in ${slower.length === 0 ? "none" : slower.length} of ` +
      `${counted(pairs.length, "case")}: against its own single thread, from ${named(worst)} to ${named(best)}.`,
  ];
}

function placesConclusions(comparison: Comparison): string[] {
  return workloadsOf(comparison, "places").flatMap((workload) => {
    const cells = cellsOf(comparison, "places", workload).filter((cell) => isSafe(comparison, cell));
    const places = [...new Set(cells.map(placeTitle))].map((place) => {
      const here = cells.filter((cell) => placeTitle(cell) === place);
      return { place, best: here.reduce((most, cell) => (perSecond(cell) > perSecond(most) ? cell : most)) };
    });
    if (places.length < 2) return [];
    const fastest = places.map(({ place, best }) => `${place} ${rate(perSecond(best))} (${best.strategy})`);
    return [
      `${workloadTitle(workload)}, the fastest safe strategy in each place: ${listed(fastest)}.${lockSentence(cells)}`,
    ];
  });
}

/** What a lock outside the database costs, beside one conditional update inside it. */
function lockSentence(cells: readonly Cell[]): string {
  const inside = cells.find(({ place, strategy }) => place === "postgres" && strategy === "atomic");
  const locks = cells.filter((cell) => placeTitle(cell).endsWith("Redis lock"));
  if (inside === undefined || locks.length === 0) return "";
  const parts = locks.map((cell) => `${times(perSecond(cell) / perSecond(inside))} with ${cell.strategy}`);
  return ` A lock in Redis left ${listed(parts)} of what one conditional update in PostgreSQL does.`;
}

/** What became of the books, in one sentence or two. */
export function booksConclusions(comparison: Comparison): string[] {
  const safe = comparison.cells.filter((cell) => isSafe(comparison, cell));
  const broken = safe.filter((cell) => !areSound(cell));
  const sentences = [
    broken.length === 0
      ? `Every one of ${counted(safe.length, "measurement")} of safe strategies ended with sound books: money conserved, no account overdrawn, every change counted.`
      : `${integer(broken.length)} of ${counted(safe.length, "measurement")} of safe strategies ended with WRONG books: a defect.`,
  ];
  const others = comparison.cells.filter((cell) => !isSafe(comparison, cell));
  const wrong = others.filter((cell) => !areSound(cell));
  if (others.length > 0) {
    const sum = (figure: (sample: Cell["samples"][number]) => number): number =>
      wrong.reduce((total, { samples }) => total + samples.reduce((inner, sample) => inner + figure(sample), 0), 0);
    const appeared = sum((sample) => Math.max(0, sample.appeared));
    const vanished = sum((sample) => Math.max(0, -sample.appeared));
    const overdrawn = sum((sample) => sample.overdrawn);
    const names = listed([...new Set(others.map(({ strategy }) => strategy))]);
    sentences.push(
      wrong.length === 0
        ? `The books of ${names} happened to be right in all ${integer(others.length)} measurements, which promises nothing.`
        : `The books of ${names} were wrong in ${wrong.length} of ${others.length} measurements: ${integer(appeared)} minor units appeared, ` +
            `${integer(vanished)} vanished, accounts were overdrawn ${counted(overdrawn, "time")}.`,
    );
  }
  return sentences;
}

/** The whole in one sentence, for the top of the report. */
export function headline(comparison: Comparison): string {
  const parts: string[] = [];
  const work = (workload: string, way: Cell["way"]): number | undefined => {
    const cell = cellsOf(comparison, "work", workload).find((candidate) => candidate.way === way);
    return cell && ratioToBaseline(comparison, cell);
  };
  const [cpu, io] = [work("cpu-bound", "threads"), work("io-bound", "event-loop")];
  if (io !== undefined) parts.push(`waiting for a database, concurrency on one thread came to ${times(io)}`);
  if (cpu !== undefined) {
    const { threads } = cellsOf(comparison, "work", "cpu-bound").find(({ way }) => way === "threads")!;
    parts.push(`verifying signatures, ${counted(threads, "thread")} came to ${times(cpu)}`);
  }
  const together = ratedOf(comparison, "coordination", ({ way, threads }) => {
    return way === "threads" && threads === threadsMax(comparison, "coordination");
  });
  if (together.length > 0) {
    const ratios = together.map(({ ratio }) => ratio);
    parts.push(
      `moving money in memory, coordinating ${counted(threadsMax(comparison, "coordination"), "thread")} came to between ` +
        `${significant(Math.min(...ratios))} and ${times(Math.max(...ratios))}`,
    );
  }
  const sentence = parts.join("; ");
  return sentence === ""
    ? ""
    : `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}, of what one thread does one after the other.`;
}
