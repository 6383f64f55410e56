/** What the commands say, and where: one JSON line for programs, sentences and tables for people. */
import { createRequire } from "node:module";
import type Table from "cli-table3";
import type { Ora } from "ora";
import { LedgerError } from "../core/errors.js";

/** 0: done. 1: a failure. 2: bad usage or unusable input. */
export type ExitCode = 0 | 1 | 2;

/** Errors that the user mends by other arguments or other input. */
const USAGE_CODES = new Set([
  "invalid_argument",
  "invalid_option",
  "cannot_read",
  "cannot_create",
  "cannot_open",
  "input_changed",
  "missing_column",
  "duplicate_column",
  "too_many_columns",
  "invalid_header",
  "invalid_delimiter",
  "invalid_accounts",
  "invalid_export",
  "unknown_asset",
  "unknown_account",
  "unknown_transfer",
  "unknown_job",
  "asset_scale_differs",
  "opening_balance_differs",
  "not_a_comparison",
  "not_a_ledger",
  "ledger_too_new",
  "capacity_out_of_range",
  "capacity_too_large",
]);

/** The exit code that an error deserves. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof LedgerError && USAGE_CODES.has(error.code) ? 2 : 1;
}

/** Options that every command has. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** For what most runs don't print, so that they don't wait until it is loaded. */
const require = createRequire(import.meta.url);

/** Where nobody watches a terminal there is no progress to show, and nothing to load for it. */
const ora = process.stderr.isTTY === true ? (await import("ora")).default : undefined;

/** Speaks for one command. */
export class Output {
  readonly #options: OutputOptions;
  readonly #progress: Ora | undefined;

  constructor(options: OutputOptions) {
    this.#options = options;
    // Standard input may be the job's: the spinner must not swallow it.
    if (options.quiet !== true) this.#progress = ora?.({ stream: process.stderr, discardStdin: false });
  }

  /** Shows what is going on, where somebody watches a terminal. */
  progress(text: string): void {
    if (this.#progress === undefined) return;
    if (!this.#progress.isSpinning) this.#progress.start();
    this.#progress.text = text;
  }

  /** Takes the progress line away. */
  endProgress(): void {
    this.#progress?.stop();
  }

  /** Says something to people: on standard output if that is a terminal nobody parses, else on standard error. */
  say(text: string): void {
    if (this.#options.quiet === true) return;
    const stream = this.#options.json !== true && process.stdout.isTTY === true ? process.stdout : process.stderr;
    stream.write(`${text}\n`);
  }

  /** Prints the result for programs, if they asked for it. */
  json(value: unknown): void {
    if (this.#options.json === true) process.stdout.write(`${JSON.stringify(value)}\n`);
  }
}

/** A plain table: a header line, columns aligned, numbers to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[],
): string {
  const none = {
    top: "",
    "top-mid": "",
    "top-left": "",
    "top-right": "",
    bottom: "",
    "bottom-mid": "",
    "bottom-left": "",
  };
  const bare = {
    ...none,
    "bottom-right": "",
    left: "  ",
    "left-mid": "",
    mid: "",
    "mid-mid": "",
    right: "",
    "right-mid": "",
  };
  const TableOfLibrary = require("cli-table3") as typeof Table;
  const built = new TableOfLibrary({
    head: [...head],
    chars: { ...bare, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: head.map((_, column) => (rightAligned.includes(column) ? "right" : "left")),
  });
  for (const row of rows) built.push([...row]);
  return built.toString();
}

/** A count with thousands separated. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** A duration for people. */
export function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}
