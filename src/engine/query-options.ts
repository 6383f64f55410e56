/** Options of queries: checked before anything happens, and cursors, which say where the next page begins. */
import { createHash } from "node:crypto";
import { CODE_MAX, invalid, typeOf, UNSIGNED_128_LIMIT } from "../core/checks.js";
import { TRANSFER_RESULTS } from "../core/results.js";
import type { Moment, TransferFilter } from "../core/types.js";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 10_000;

/** Refuses options that there are not. */
export function checkNames(what: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw invalid(`the options of ${what} must be an object, not ${typeOf(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw invalid(`'${name}' is not an option of ${what}: expected ${names.join(", ")}`);
  }
}

/** Refuses what can't be called, and a signal that is none: they would stop in the middle what they are for. */
export function checkCallbacks(what: string, options: object, callbacks: readonly string[]): void {
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of callbacks) {
    const value = given[name];
    if (value === undefined || typeof value === "function") continue;
    throw invalid(`'${name}' of ${what} must be a function, not ${typeOf(value)}`);
  }
  const { signal } = given;
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw invalid(`'signal' of ${what} must be an AbortSignal, not ${typeOf(signal)}`);
}

export function readLimit(limit: number | undefined): number {
  if (limit === undefined) return LIMIT_DEFAULT;
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw invalid(`'limit' must be a whole number from 1 to ${LIMIT_MAX}, not ${String(limit)}`);
}

/** A sequence, or `otherwise` where none is given. */
export function readSequence(name: string, sequence: number | undefined, otherwise: number): number {
  if (sequence === undefined) return otherwise;
  if (Number.isSafeInteger(sequence) && sequence >= 0) return sequence;
  throw invalid(`'${name}' must be a sequence, a whole number from 0, not ${String(sequence)}`);
}

/** Nanoseconds since 1970 of a moment, undefined where none is given. */
export function readMoment(name: string, moment: Moment | undefined): bigint | undefined {
  if (moment === undefined) return undefined;
  if (typeof moment === "bigint") return moment;
  if (moment instanceof Date && !Number.isNaN(moment.getTime())) return BigInt(moment.getTime()) * 1_000_000n;
  throw invalid(`'${name}' must be a valid Date, or a bigint of nanoseconds since 1970, not ${String(moment)}`);
}

const RECORDED_RESULTS: readonly string[] = TRANSFER_RESULTS.filter(({ recorded }) => recorded).map(({ name }) => name);

/** Refuses what no transfer's field can be, so that a mistake is not an empty page. */
export function checkFields({ account, job, code, userData, result }: TransferFilter): void {
  if (account !== undefined && typeof account !== "string") {
    throw invalid(`'account' must be a string, not ${typeOf(account)}`);
  }
  if (job !== undefined && typeof job !== "string") throw invalid(`'job' must be a string, not ${typeOf(job)}`);
  if (code !== undefined && !(Number.isInteger(code) && code >= 0 && code <= CODE_MAX)) {
    throw invalid(`'code' must be a whole number from 0 to ${CODE_MAX}, not ${String(code)}`);
  }
  if (userData !== undefined && (typeof userData !== "bigint" || userData < 0n || userData >= UNSIGNED_128_LIMIT)) {
    throw invalid("'userData' must be a bigint from 0 to 2^128 − 1");
  }
  if (result !== undefined && !RECORDED_RESULTS.includes(result)) {
    throw invalid(`'result' must be one that is recorded, not '${String(result)}': ${RECORDED_RESULTS.join(", ")}`);
  }
}

/** Where the next page begins. */
export interface Position {
  /** Only sequences below this one. */
  readonly before: number;
  /** Of an account's history: its balance before the entries that were given. */
  readonly balance: bigint;
}

/**
 * Cursors of one ledger. A cursor carries its position, and a checksum over that, the query it belongs to and the
 * ledger's seed: one of another query or another ledger is refused.
 */
export class Cursors {
  readonly #seed: string;

  constructor(seed: string) {
    this.#seed = seed;
  }

  write(query: string, { before, balance }: Position): string {
    const position = `${before},${balance}`;
    return Buffer.from(`${position},${this.#checksum(query, position)}`).toString("base64url");
  }

  read(query: string, cursor: string): Position {
    const parts = typeof cursor === "string" ? Buffer.from(cursor, "base64url").toString("latin1").split(",") : [];
    const [before = "", balance = "", checksum] = parts;
    if (checksum !== this.#checksum(query, `${before},${balance}`)) {
      throw invalid("'cursor' is not one that this query gave: pass a page's cursor on with the same options");
    }
    return { before: Number(before), balance: BigInt(balance) };
  }

  #checksum(query: string, position: string): string {
    return createHash("sha256").update(`${this.#seed}\0${query}\0${position}`).digest("base64url").slice(0, 12);
  }
}

/** A query as a text that is the same for every page. */
export function textOf(kind: string, values: readonly unknown[]): string {
  return JSON.stringify([kind, ...values], (_, value) => (typeof value === "bigint" ? `${value}n` : value));
}
