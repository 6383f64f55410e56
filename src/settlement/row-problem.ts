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

/** What the parser expects, where a result's name does not say it. */
const EXPECTED: Partial<Record<TransferResultCode, string>> = {
  invalid_row:
    "expected as many fields as the header names, quotes around a whole field or not at all, every quote closed, and " +
    "at most 1 MiB; of NDJSON, one JSON object a line, and no arrays or objects where a column is read",
  invalid_amount: "expected digits, a point and no more decimals than the asset has; no sign, no exponent, below 2^128",
  invalid_code: "expected a whole number from 0 to 65,535, or nothing for 0",
  invalid_user_data: "expected a whole number below 2^128, or nothing for 0",
  invalid_flag: "expected true or 1, or false, 0 or nothing",
  invalid_timeout: "expected whole seconds from 1 to 4,294,967,295, or nothing for none",
  invalid_expected_version: "expected a whole number below 2^53, or nothing for any",
  invalid_effective_date: "expected a day of the calendar, as 2026-01-31, or nothing for none",
  id_too_long: "expected at most 64 bytes",
  id_not_utf8: "expected UTF-8",
};

/** What was expected of rows that got this result; undefined where its name says it. */
export function expectedInstead(result: TransferResultCode): string | undefined {
  return EXPECTED[result];
}
