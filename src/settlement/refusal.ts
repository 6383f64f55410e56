/** The results file of an atomic job that was refused: what each row's result would have been, and that nothing was made. */
import { LINKED_EVENT_FAILED, OK } from "../core/codes.js";
import { resultName } from "../core/results.js";

const MADE = resultName(OK);
const NOT_MADE = resultName(LINKED_EVENT_FAILED);

/**
 * Changes lines of a results file, given in order and in pieces of whole lines. Sequences above `lastSequence` were
 * taken back: they are left out, and an `ok` that has one was not made. Others are of transfers that stay.
 */
export function refusedResults(lastSequence: number): (lines: string) => string {
  /** Whether the line before ended within quotes: then the row goes on. */
  let isInQuotes = false;
  const change = (line: string): string => {
    for (let at = line.indexOf('"'); at >= 0; at = line.indexOf('"', at + 1)) isInQuotes = !isInQuotes;
    const sequenceAt = line.lastIndexOf(",") + 1;
    if (isInQuotes || Number(line.slice(sequenceAt)) <= lastSequence) return line;
    const resultAt = line.lastIndexOf(",", sequenceAt - 2) + 1;
    const result = line.slice(resultAt, sequenceAt - 1);
    if (resultAt === 0 || result === "result") return line;
    return `${line.slice(0, resultAt)}${result === MADE ? NOT_MADE : result},`;
  };
  return (lines) => lines.split("\n").map(change).join("\n");
}

/** Rows by number of result: those made, `made` of them by this job, become those that were not. */
export function refusedCounts(counts: readonly number[], made: number): number[] {
  const refused = [...counts];
  refused[OK]! -= made;
  refused[LINKED_EVENT_FAILED]! += made;
  return refused;
}
