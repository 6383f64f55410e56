/** Reading the rows of an export: every field is checked, and what can't be right is said with file, row and column. */
import type { AccountTable } from "../core/accounts.js";
import { type AssetRegistry, formatAmount } from "../core/assets.js";
import { CODE_MAX, TIMEOUT_MAX, UNSIGNED_128_LIMIT } from "../core/checks.js";
import { dayOf, isDate } from "../core/dates.js";
import type { LedgerError } from "../core/errors.js";
import { type Identifiers, isIdKind } from "../core/identifiers.js";
import { jobOfName } from "../core/job.js";
import type { RecordedTransfer } from "../core/journal.js";
import type { JournalAccount } from "../core/journal-writer.js";
import * as layout from "../core/layout.js";
import { TRANSFER_RESULTS, type TransferResultCode } from "../core/results.js";
import { invalidExport } from "./manifest.js";
import { assetOf } from "./rows.js";
import type { Row, Table } from "./tables.js";

const TIMESTAMP_LIMIT = 1n << 63n;
/** Hashes of jobs' names kept at hand. */
const JOBS_KEPT = 1000;

const RECORDED: ReadonlyMap<string, TransferResultCode> = new Map(
  TRANSFER_RESULTS.filter(({ recorded }) => recorded).map(({ name }) => [name, name]),
);

const FLAGS: readonly (readonly [column: string, bit: number])[] = [
  ["linked", layout.TRANSFER_LINKED],
  ["pending", layout.TRANSFER_PENDING],
  ["balancing_debit", layout.TRANSFER_BALANCING_DEBIT],
  ["balancing_credit", layout.TRANSFER_BALANCING_CREDIT],
  ["closing_debit", layout.TRANSFER_CLOSING_DEBIT],
  ["closing_credit", layout.TRANSFER_CLOSING_CREDIT],
];

/** Where a row stands in the order of things. */
export interface Moment {
  /** Transfers recorded before. */
  readonly after: number;
  /** Nanoseconds since 1970. */
  readonly timestamp: bigint;
}

/** The fields of one row after the other, by their columns' names. */
class Fields {
  readonly #name: string;
  readonly #places: ReadonlyMap<string, number>;
  #row: Row = [];
  #number = 0;

  constructor(table: Table, name: string) {
    this.#name = name;
    this.#places = new Map(table.columns.map((column, place) => [column.name, place]));
  }

  take(row: Row, number: number): this {
    this.#row = row;
    this.#number = number;
    return this;
  }

  text(column: string): string {
    return this.#row[this.#places.get(column)!]!;
  }

  /** The error that the field in this column is: what it is, and what was expected. */
  wrong(column: string, expected: string): LedgerError {
    return invalidExport(
      `${this.#name}, row ${this.#number}, column '${column}': it is '${this.text(column)}', expected ${expected}`,
      { file: this.#name, row: this.#number, column },
    );
  }

  integer(column: string, maximum: number, minimum = 0): number {
    const text = this.text(column);
    const value = Number(text);
    if (!Number.isInteger(value) || value < minimum || value > maximum || String(value) !== text) {
      throw this.wrong(column, `a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  }

  big(column: string, limit: bigint, what: string): bigint {
    const text = this.text(column);
    const value = /^\d{1,39}$/.test(text) ? BigInt(text) : limit;
    if (value >= limit || String(value) !== text) throw this.wrong(column, what);
    return value;
  }

  amount(column: string, scale: number): bigint {
    const text = this.text(column);
    const value = /^\d+(\.\d+)?$/.test(text) && text.length <= 60 ? BigInt(text.replace(".", "")) : UNSIGNED_128_LIMIT;
    if (value >= UNSIGNED_128_LIMIT || formatAmount(value, scale) !== text) {
      throw this.wrong(column, scale === 0 ? "a whole number below 2^128" : `an amount with ${scale} decimals`);
    }
    return value;
  }

  flag(column: string): boolean {
    const text = this.text(column);
    if (text !== "" && text !== "true") throw this.wrong(column, "'true' or nothing");
    return text !== "";
  }

  expect(column: string, value: string, why: string): void {
    if (this.text(column) !== value) throw this.wrong(column, `'${value}': ${why}`);
  }
}

/** Reads rows of accounts, transfers and expiries in the order in which they were recorded. */
export class RowReader {
  readonly #ids: Identifiers;
  readonly #accounts: AccountTable;
  readonly #assets: AssetRegistry;
  readonly #fields: Fields;
  readonly #jobs = new Map<string, string>();
  #last: Moment = { after: 0, timestamp: 0n };

  constructor(
    parts: { readonly ids: Identifiers; readonly accounts: AccountTable; readonly assets: AssetRegistry },
    table: Table,
    name: string,
  ) {
    this.#ids = parts.ids;
    this.#accounts = parts.accounts;
    this.#assets = parts.assets;
    this.#fields = new Fields(table, name);
  }

  /** When the row of this number, an account's or an expiry's, was recorded. Never goes back from one to the next. */
  moment(row: Row, number: number, transferCount: number): Moment {
    const fields = this.#fields.take(row, number);
    fields.expect("number", String(number), "rows are numbered from 1");
    const after = fields.integer("after", transferCount, this.#last.after);
    this.#last = { after, timestamp: this.#timestamp() };
    return this.#last;
  }

  #timestamp(): bigint {
    const value = this.#fields.big("timestamp", TIMESTAMP_LIMIT, "nanoseconds since 1970, below 2^63");
    if (value < this.#last.timestamp) throw this.#fields.wrong("timestamp", `${this.#last.timestamp}, or later`);
    return value;
  }

  account(row: Row, number: number): JournalAccount {
    const fields = this.#fields.take(row, number);
    const asset = this.#assets.number(fields.text("asset"));
    if (asset === 0) throw fields.wrong("asset", "an asset that the manifest lists");
    const debits = fields.flag("debits_must_not_exceed_credits");
    const credits = fields.flag("credits_must_not_exceed_debits");
    if (debits && credits) throw fields.wrong("credits_must_not_exceed_debits", "nothing: the other limit is set");
    const overdraftLimit = fields.amount("overdraft_limit", this.#assets.get(asset).scale);
    if (overdraftLimit !== 0n && !debits) {
      throw fields.wrong("overdraft_limit", "zero: the account has no limit 'debits_must_not_exceed_credits'");
    }
    return {
      id: this.#idIn("id"),
      asset,
      code: fields.integer("code", CODE_MAX),
      flags:
        (debits ? layout.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS : 0) |
        (credits ? layout.ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS : 0),
      overdraftLimit,
      userData: fields.big("user_data", UNSIGNED_128_LIMIT, "a whole number below 2^128"),
      metadata: this.#metadata(),
    };
  }

  #metadata(): Uint8Array | undefined {
    const text = this.#fields.text("metadata");
    if (text === "") return undefined;
    const encoded = Buffer.from(text);
    if (encoded.length > layout.METADATA_SIZE_MAX || !isJson(text)) {
      throw this.#fields.wrong("metadata", "JSON of at most 64 KiB, or nothing");
    }
    return encoded;
  }

  /** Pending transfers that expired: none where all that were due had been resolved. */
  expired(row: Row, number: number): number {
    return this.#fields.take(row, number).integer("count", 2 ** 32 - 1);
  }

  /** An id that is there. */
  #idIn(column: string): string {
    const id = this.#fields.text(column);
    if (!isIdKind(this.#ids.write(id, layout.KEY_SCRATCH, layout.TEXT_SCRATCH))) {
      throw this.#fields.wrong(column, "an id of 1 to 64 bytes of UTF-8");
    }
    return id;
  }

  /** An account's slot, or the id where there is none. */
  #side(column: string): { slot: number | undefined; missing: string | undefined } {
    if (this.#fields.text(column) === "") return { slot: undefined, missing: undefined };
    const id = this.#idIn(column);
    const slot = this.#ids.findAccount(id);
    return { slot, missing: slot === undefined ? id : undefined };
  }

  /** The transfer of this sequence, among the accounts that there are now. */
  transfer(row: Row, sequence: number): RecordedTransfer {
    const fields = this.#fields.take(row, sequence);
    fields.expect("sequence", String(sequence), "sequences have no gaps");
    const timestamp = this.#timestamp();
    this.#last = { after: sequence, timestamp };
    const result = RECORDED.get(fields.text("result"));
    if (result === undefined) throw fields.wrong("result", "'ok', or a reason for which transfers are recorded");
    const debit = this.#side("debit");
    const credit = this.#side("credit");
    const { code: asset, scale } = assetOf(this.#accounts, this.#assets, debit.slot, credit.slot);
    fields.expect("asset", asset, "the asset of its accounts");
    const { flags, pendingId } = this.#flags();
    const optional = <Value>(column: string, read: () => Value): Value | undefined =>
      fields.text(column) === "" ? undefined : read();
    const version = (column: string): bigint | undefined =>
      optional(column, () => BigInt(fields.integer(column, Number.MAX_SAFE_INTEGER)));
    return {
      sequence,
      timestamp,
      id: this.#idIn("id"),
      result,
      debitSlot: debit.slot,
      creditSlot: credit.slot,
      missingDebit: debit.missing,
      missingCredit: credit.missing,
      amount: fields.amount("amount", scale),
      code: fields.integer("code", CODE_MAX),
      userData: fields.big("user_data", UNSIGNED_128_LIMIT, "a whole number below 2^128"),
      effectiveDay: optional("effective_date", () => this.#day()),
      flags,
      brokeChain: fields.flag("broke_chain"),
      pendingId,
      timeout: optional("timeout", () => fields.integer("timeout", TIMEOUT_MAX, 1)) ?? 0,
      askedAmount: optional("asked_amount", () => fields.amount("asked_amount", scale)),
      expectedDebitVersion: version("expected_debit_version"),
      expectedCreditVersion: version("expected_credit_version"),
      ...this.#job(),
    };
  }

  #flags(): { flags: number; pendingId: string | undefined } {
    const fields = this.#fields;
    let flags = 0;
    for (const [column, bit] of FLAGS) if (fields.flag(column)) flags |= bit;
    const isPost = fields.text("post") !== "";
    const isVoid = fields.text("void") !== "";
    if (isPost && isVoid) throw fields.wrong("void", "nothing: the row has a 'post'");
    if (isPost) flags |= layout.TRANSFER_POST;
    if (isVoid) flags |= layout.TRANSFER_VOID;
    return { flags, pendingId: isPost ? this.#idIn("post") : isVoid ? this.#idIn("void") : undefined };
  }

  #day(): number {
    const date = this.#fields.text("effective_date");
    if (!isDate(date)) throw this.#fields.wrong("effective_date", "a day such as 2026-01-31");
    return dayOf(date);
  }

  /** The hash of the job's name, and the row. */
  #job(): { job: string | undefined; row: number } {
    const fields = this.#fields;
    const name = fields.text("job");
    if (name === "") {
      fields.expect("row", "", "it has no job");
      return { job: undefined, row: 0 };
    }
    let job = this.#jobs.get(name);
    if (job === undefined) {
      if (this.#jobs.size === JOBS_KEPT) this.#jobs.clear();
      job = jobOfName(name).hash;
      this.#jobs.set(name, job);
    }
    return { job, row: fields.integer("row", Number.MAX_SAFE_INTEGER, 1) };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
