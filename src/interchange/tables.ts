/**
 * The tables of an export, the same in every format: their columns, and a row as the texts of its fields.
 *
 * A row's fields are texts in the order of the columns, empty where there is nothing: what a CSV file holds. The other
 * formats say the same in their own types. `docs/export.md` explains every column.
 */
import { createHash, type Hash } from "node:crypto";
import { BALANCE_COLUMNS } from "../settlement/balances.js";
import { field } from "../settlement/csv-text.js";

/**
 * What a column holds: text; whole numbers below 2^53; nanoseconds, which take 63 bits; amounts as decimals in the scale
 * of the row's asset; flags, which are `true` or nothing.
 */
export type ColumnKind = "text" | "integer" | "nanoseconds" | "amount" | "flag";

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
}

export type TableName = "accounts" | "transfers" | "expiries" | "balances";

export interface Table {
  readonly name: TableName;
  readonly columns: readonly Column[];
}

/** The texts of a row's fields, in the order of the table's columns. */
export type Row = readonly string[];

function columns(kinds: Readonly<Record<string, ColumnKind>>): Column[] {
  return Object.entries(kinds).map(([name, kind]) => ({ name, kind }));
}

/** Accounts as they were created, in that order. */
export const ACCOUNTS: Table = {
  name: "accounts",
  columns: columns({
    number: "integer",
    id: "text",
    asset: "text",
    code: "integer",
    debits_must_not_exceed_credits: "flag",
    credits_must_not_exceed_debits: "flag",
    overdraft_limit: "amount",
    user_data: "text",
    metadata: "text",
    after: "integer",
    timestamp: "nanoseconds",
  }),
};

/** Recorded transfers, made and rejected, in the order of their sequences. */
export const TRANSFERS: Table = {
  name: "transfers",
  columns: columns({
    sequence: "integer",
    timestamp: "nanoseconds",
    id: "text",
    result: "text",
    debit: "text",
    credit: "text",
    asset: "text",
    amount: "amount",
    code: "integer",
    user_data: "text",
    effective_date: "text",
    linked: "flag",
    pending: "flag",
    timeout: "integer",
    post: "text",
    void: "text",
    balancing_debit: "flag",
    balancing_credit: "flag",
    closing_debit: "flag",
    closing_credit: "flag",
    asked_amount: "amount",
    expected_debit_version: "integer",
    expected_credit_version: "integer",
    broke_chain: "flag",
    job: "text",
    row: "integer",
  }),
};

/** When pending transfers expired, and how many. */
export const EXPIRIES: Table = {
  name: "expiries",
  columns: columns({ number: "integer", after: "integer", timestamp: "nanoseconds", count: "integer" }),
};

/** What all of it comes to: every account's totals, by the bytes of its id, and whether it is closed. */
export const BALANCES: Table = {
  name: "balances",
  columns: [...BALANCE_COLUMNS.map((name) => ({ name, kind: kindOfBalance(name) })), ...columns({ closed: "flag" })],
};

function kindOfBalance(name: string): ColumnKind {
  if (name === "id" || name === "asset") return "text";
  return name === "version" ? "integer" : "amount";
}

export const TABLES: readonly Table[] = [ACCOUNTS, TRANSFERS, EXPIRIES, BALANCES];

/** The header line of a table as CSV. */
export function headerOf(table: Table): string {
  return `${table.columns.map(({ name }) => name).join(",")}\n`;
}

/** Rows as lines of CSV. */
export function linesOf(rows: readonly Row[]): string {
  return rows.map((fields) => `${fields.map(field).join(",")}\n`).join("");
}

/** Counts a table's rows and adds its checksum up: the SHA-256 of the table as a CSV file, whatever its format. */
export class TableSum {
  readonly #hash: Hash;
  rows = 0;

  constructor(table: Table) {
    this.#hash = createHash("sha256").update(headerOf(table));
  }

  /** Adds so many rows, as lines of CSV. */
  add(rows: number, lines: string): void {
    this.rows += rows;
    this.#hash.update(lines);
  }

  /** Lower-case hexadecimal. Nothing can be added afterwards. */
  digest(): string {
    return this.#hash.digest("hex");
  }
}
