/** A row as one JSON object: the columns that hold something, whole numbers as numbers, flags as true. */
import type { LedgerError } from "../core/errors.js";
import type { Column, Row, Table } from "./tables.js";

/** The row as one line of JSON. */
export function objectOf({ columns }: Table, row: Row): string {
  let text = "";
  for (const [i, { name, kind }] of columns.entries()) {
    const field = row[i]!;
    if (field === "") continue;
    text += `${text === "" ? "{" : ","}"${name}":${kind === "integer" || kind === "flag" ? field : JSON.stringify(field)}`;
  }
  return `${text}}`;
}

/** The row that the line holds. What `complain` makes of a complaint, and the column that it is about, is thrown. */
export function fieldsOf(table: Table, line: string, complain: (what: string, column?: string) => LedgerError): Row {
  let object: Readonly<Record<string, unknown>> | null;
  try {
    object = JSON.parse(line) as Readonly<Record<string, unknown>> | null;
  } catch {
    throw complain("it is not JSON");
  }
  if (typeof object !== "object" || object === null || Array.isArray(object)) {
    throw complain("it is not an object in JSON");
  }
  let known = 0;
  const row = table.columns.map((column) => {
    const value = object[column.name];
    if (value === undefined) return "";
    known++;
    return (
      textOf(column, value) ??
      throwing(complain(`it is ${JSON.stringify(value)}, expected ${expected(column)}`, column.name))
    );
  });
  if (known < Object.keys(object).length) {
    const name = Object.keys(object).find((key) => !table.columns.some((column) => column.name === key));
    throw complain(`there is no such column`, name);
  }
  return row;
}

function textOf({ kind }: Column, value: unknown): string | undefined {
  if (kind === "integer") return Number.isSafeInteger(value) ? String(value) : undefined;
  if (kind === "flag") return value === true ? "true" : undefined;
  return typeof value === "string" ? value : undefined;
}

function expected({ kind }: Column): string {
  return { integer: "a whole number", flag: "true or nothing", text: "text", nanoseconds: "text", amount: "text" }[
    kind
  ];
}

function throwing(error: LedgerError): never {
  throw error;
}
