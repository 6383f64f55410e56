/** Lines of a results file whose rows were not made after all, because of others that had to be made with them. */
import { LINKED_EVENT_FAILED, OK } from "../core/codes.js";
import { resultName } from "../core/results.js";
import type { Breaker } from "../engine/chains.js";

const MADE = resultName(OK);
const NOT_MADE = resultName(LINKED_EVENT_FAILED);

/** Changes lines of a results file, given in order and in pieces of whole lines. */
export type ChangeLines = (lines: string) => string;

/** `change` makes what a row's line ends with, `result,sequence`, of what it ended with. */
function changeEnds(change: (result: string, sequence: string) => string): ChangeLines {
  /** Whether the line before ended within quotes: then the row goes on. */
  let isInQuotes = false;
  const changeLine = (line: string): string => {
    for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at + 1)) isInQuotes = !isInQuotes;
    const sequenceAt = line.lastIndexOf(",") + 1;
    const resultAt = line.lastIndexOf(",", sequenceAt - 2) + 1;
    if (isInQuotes || resultAt === 0) return line;
    const result = line.slice(resultAt, sequenceAt - 1);
    return line.slice(0, resultAt) + change(result, line.slice(sequenceAt));
  };
  return (lines) => lines.split("\n").map(changeLine).join("\n");
}

/**
 * The results of an atomic job that was refused. Sequences above `lastSequence` were taken back: they are left out, and
 * an `ok` that has one was not made. Others are of transfers that stay.
 */
export function refusedResults(lastSequence: number): ChangeLines {
  return changeEnds((result, sequence) => {
    if (result === "result" || Number(sequence) <= lastSequence) return `${result},${sequence}`;
    return `${result === MADE ? NOT_MADE : result},`;
  });
}

/** The results of a chain that was broken; the lines are those of its rows. */
export function failedResults(breaker: Breaker): ChangeLines {
  let index = 0;
  const sequence = breaker.sequence === 0 ? "" : breaker.sequence;
  return changeEnds(() => (index++ === breaker.index ? `${resultName(breaker.result)},${sequence}` : `${NOT_MADE},`));
}

/** Rows by number of result: those made, `made` of them by this job, become those that were not. */
export function refusedCounts(counts: readonly number[], made: number): number[] {
  const refused = [...counts];
  refused[OK]! -= made;
  refused[LINKED_EVENT_FAILED]! += made;
  return refused;
}
