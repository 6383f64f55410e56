/** What to tell people about rows that could not be read. */
import * as layout from "../core/layout.js";
import { resultName, type TransferResultCode } from "../core/results.js";
import type { Engine } from "../engine/engine.js";

/** A row that was refused for what is written in it. */
export interface RowProblem {
  /** 1-based, not counting the header. */
  readonly row: number;
  /** Header of the column at fault, undefined where it is the row as a whole. */
  readonly column: string | undefined;
  readonly result: TransferResultCode;
}

/** The problem of record `index` of a batch, or undefined where the parser found none. */
export function rowProblem(
  engine: Engine,
  context: number,
  index: number,
  row: number,
  columnOfRole: ReadonlyMap<number, string>,
): RowProblem | undefined {
  const record = context + layout.CX_RECORDS + index * layout.RECORD_SIZE;
  const status = engine.bytes[record + layout.TR_STATUS]!;
  if (status === 0) return undefined;
  return {
    row,
    column: columnOfRole.get(engine.bytes[record + layout.TR_STATUS_ROLE]!),
    result: resultName(status),
  };
}
