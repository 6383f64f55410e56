/**
 * The accounts file of a job: accounts, which may not go below zero unless it says so, and opening balances as real transfers from the
 * unlimited account `opening-balances:ASSET`, made once however often the file is given.
 *
 * The file is read twice: once to check every row, so that a file with a mistake changes nothing, and once to apply it.
 */
import { formatAmount } from "../core/assets.js";
import { BatchResults, RecordWriter } from "../core/batch.js";
import { UNSIGNED_128_LIMIT } from "../core/checks.js";
import { LedgerError } from "../core/errors.js";
import { readId } from "../core/identifiers.js";
import { jobOfName } from "../core/job.js";
import * as layout from "../core/layout.js";
import type { TransferResultCode } from "../core/results.js";
import type { NewAccount, NewTransfer } from "../core/types.js";
import type { Engine } from "../engine/engine.js";
import { ACCOUNT_ROLE_NAMES, type AccountColumns, accountColumnNames } from "./columns.js";
import { configureParser } from "./configuration.js";
import { type FileFormat, takeColumns } from "./header.js";
import { type FileSource, InputWindow, openFileToRepeat } from "./input-window.js";
import { openingTransferId } from "./job.js";
import { expectedInstead, rowProblem } from "./row-problem.js";

export interface AccountsFile {
  readonly source: FileSource;
  readonly columns: AccountColumns;
  readonly format: FileFormat;
  readonly delimiter: string;
  readonly asset: { readonly number: number; readonly code: string; readonly scale: number };
  /** Stops between parts of the file; what was applied stays, and the same call goes on. */
  readonly signal?: AbortSignal;
}

/** What applying a file needs from the ledger. */
export interface AccountsTarget {
  createAccounts(accounts: readonly NewAccount[]): Promise<readonly { readonly result: string }[]>;
  createTransfers(transfers: readonly NewTransfer[]): Promise<readonly { readonly result: string }[]>;
}

export interface AccountsSummary {
  readonly rows: number;
  readonly created: number;
  readonly opened: number;
}

/** One account of the file. */
interface OpeningRow {
  readonly row: number;
  readonly id: string;
  readonly opening: bigint;
  readonly overdraftLimit: bigint;
  readonly code: number;
  readonly userData: bigint;
  readonly debitsMustNotExceedCredits: boolean;
  readonly creditsMustNotExceedDebits: boolean;
}

const PROBLEMS_MAX = 5;
const PARTS_UNDER_WAY = 16;

/** The account that opening balances of an asset are paid from. */
export function openingAccountId(asset: string): string {
  return `opening-balances:${asset}`;
}

/** Throws what is wrong with the header of an accounts file, before there is a ledger to apply it to. */
export async function checkAccountsHeader({
  file,
  columns,
  format,
  delimiter,
}: {
  readonly file: string;
  readonly columns: AccountColumns;
  readonly format: FileFormat;
  readonly delimiter: string;
}): Promise<void> {
  const source = await openFileToRepeat(file);
  try {
    await takeColumns(source, { format, delimiter }, accountColumnNames(columns), ACCOUNT_ROLE_NAMES);
  } finally {
    await source.close();
  }
}

/** Applies the file. Throws `invalid_accounts` naming file, row and column of what is wrong, with nothing changed. */
export async function applyAccountsFile(
  engine: Engine,
  target: AccountsTarget,
  file: AccountsFile,
): Promise<AccountsSummary> {
  const check = await new FileCheck(engine, file).run();
  if (check.isApplied) return { rows: check.rows, created: 0, opened: 0 };
  const openingAccount = openingAccountId(file.asset.code);
  let rows = 0;
  let created = 0;
  let opened = 0;
  await target.createAccounts([{ id: openingAccount, asset: file.asset.code }]);
  const apply = async (part: readonly OpeningRow[]): Promise<void> => {
    const creating = target.createAccounts(
      part.map(({ row: _row, opening: _opening, ...account }) => ({ ...account, asset: file.asset.code })),
    );
    const openings = part.filter(({ opening }) => opening > 0n);
    const opening = target.createTransfers(
      openings.map((row) => ({
        id: openingTransferId(file.asset.code, row.id),
        debit: openingAccount,
        credit: row.id,
        amount: row.opening,
      })),
    );
    const [accountResults, results] = await Promise.all([creating, opening]);
    created += accountResults.filter(({ result }) => result === "ok").length;
    for (const [index, { result }] of results.entries()) {
      if (result === "ok") opened++;
      else if (result !== "exists") throw openingDiffers(file, openings[index]!.id, result);
    }
  };
  // Several parts are under way at a time: each waits for the disk, not for the one before.
  const underWay: Promise<void>[] = [];
  for await (const part of readRows(engine, file, () => {})) {
    rows += part.length;
    const applying = apply(part);
    // Its failure is thrown where it is awaited, in the file's order.
    applying.catch(() => {});
    underWay.push(applying);
    if (underWay.length === PARTS_UNDER_WAY) await underWay.shift();
  }
  await Promise.all(underWay);
  return { rows, created, opened };
}

function openingDiffers(file: AccountsFile, id: string, result: string): LedgerError {
  return new LedgerError(
    "opening_balance_differs",
    `${file.source.name}: account '${id}' was opened before with another balance (${result}): an opening balance is made ` +
      `once; correct it by a transfer`,
    { details: { file: file.source.name, account: id, result } },
  );
}

/** Reads the whole file and throws where any row can't be applied. */
class FileCheck {
  readonly #engine: Engine;
  readonly #file: AccountsFile;
  readonly #openingAccount: string;
  /** Undefined where the ledger has no such account yet; then no account was opened before. */
  readonly #openingSlot: number | undefined;
  readonly #columnOfRole: ReadonlyMap<number, string>;
  readonly #problems: string[] = [];
  readonly #rowOfId = new Map<string, number>();
  /** Code of the error: `opening_balance_differs` where that is all that is wrong. */
  #code = "invalid_accounts";
  /** Debits of the opening account once everything is applied. */
  #openingTotal = 0n;
  #isApplied: boolean;

  constructor(engine: Engine, file: AccountsFile) {
    this.#engine = engine;
    this.#file = file;
    this.#columnOfRole = accountColumnNames(file.columns);
    this.#openingAccount = openingAccountId(file.asset.code);
    this.#openingSlot = engine.ids.findAccount(this.#openingAccount);
    this.#isApplied = this.#openingSlot !== undefined;
  }

  /** Returns the number of rows, and whether an earlier run has applied all of them. */
  async run(): Promise<{ rows: number; isApplied: boolean }> {
    this.#checkOpeningAccount();
    const complain: Complain = (row, column, what) => this.#complain(row, column, what);
    for await (const part of readRows(this.#engine, this.#file, complain)) {
      if (this.#problems.length > PROBLEMS_MAX) break;
      const known = part.filter((row) => this.#checkAccount(row));
      if (this.#openingSlot !== undefined && known.length > 0) await this.#checkOpenings(known);
    }
    if (this.#problems.length > 0) throw this.#error();
    return { rows: this.#rowOfId.size, isApplied: this.#isApplied };
  }

  #checkOpeningAccount(): void {
    const { accounts } = this.#engine;
    const { asset, source } = this.#file;
    const { name } = source;
    const slot = this.#openingSlot;
    if (slot === undefined) return;
    if ((accounts.flags(slot) & layout.ACCOUNT_FLAGS_KNOWN) !== 0 || accounts.asset(slot) !== asset.number) {
      throw new LedgerError(
        "invalid_accounts",
        `${name} can't be applied, and nothing was: the account '${this.#openingAccount}' exists and is not an ` +
          `unlimited account of ${asset.code}: opening balances can't be paid from it`,
        { details: { file: name, account: this.#openingAccount } },
      );
    }
    const { debitsPosted, debitsPending } = accounts.read(slot);
    this.#openingTotal = debitsPosted + debitsPending;
  }

  /** Checks the row's account; returns whether the ledger has it already. */
  #checkAccount(account: OpeningRow): boolean {
    const { row, id } = account;
    const file = this.#file;
    const { accounts, assets, ids } = this.#engine;
    const earlier = this.#rowOfId.get(id);
    if (earlier !== undefined) this.#complain(row, file.columns.id, `account '${id}' stands in row ${earlier} already`);
    this.#rowOfId.set(id, row);
    if (id === this.#openingAccount) {
      this.#complain(row, file.columns.id, `opening balances are paid from '${id}', so it can't have one itself`);
      return false;
    }
    const contradiction = contradictionIn(account);
    if (contradiction !== undefined) {
      const [role, what] = contradiction;
      this.#complain(row, this.#columnOfRole.get(role), what);
      return false;
    }
    const slot = ids.findAccount(id);
    if (slot === undefined) {
      this.#isApplied = false;
      this.#checkOpening(account);
      return false;
    }
    const exists = `account '${id}' exists`;
    if ((accounts.flags(slot) & layout.ACCOUNT_FLAGS_KNOWN) !== flagsOf(account)) {
      this.#complain(row, file.columns.id, `${exists} with other limits than this file gives it`);
    } else if (accounts.asset(slot) !== file.asset.number) {
      this.#complain(row, file.columns.id, `${exists} and holds ${assets.get(accounts.asset(slot)).code}`);
    } else if (accounts.code(slot) !== account.code) {
      this.#complain(row, file.columns.code ?? file.columns.id, `${exists} with the code ${accounts.code(slot)}`);
    } else if (accounts.userData(slot) !== account.userData) {
      const column = file.columns.userData ?? file.columns.id;
      this.#complain(row, column, `${exists} with the user data ${accounts.userData(slot)}`);
    } else if (accounts.overdraftLimit(slot) !== account.overdraftLimit) {
      const limit = formatAmount(accounts.overdraftLimit(slot), file.asset.scale);
      this.#complain(row, file.columns.overdraft ?? file.columns.id, `${exists} with the overdraft limit ${limit}`);
    } else if (this.#openingSlot === undefined) {
      this.#checkOpening(account, slot);
    } else {
      return true;
    }
    return false;
  }

  /** Checks an opening balance to be made; `slot` is the account's where there is one. */
  #checkOpening({ row, id, opening }: OpeningRow, slot?: number): void {
    const { accounts } = this.#engine;
    const column = this.#file.columns.opening;
    for (const [closable, name] of [
      [this.#openingSlot, this.#openingAccount],
      [slot, id],
    ] as const) {
      if (opening === 0n || closable === undefined) continue;
      if ((accounts.flags(closable) & layout.ACCOUNT_CLOSED) === 0) continue;
      this.#complain(row, column, `account '${name}' is closed: void the transfer that closes it, and try again`);
      return;
    }
    const credited = slot === undefined ? undefined : accounts.read(slot);
    const credits = credited === undefined ? 0n : credited.creditsPosted + credited.creditsPending;
    this.#openingTotal += opening;
    if (this.#openingTotal < UNSIGNED_128_LIMIT && credits + opening < UNSIGNED_128_LIMIT) return;
    this.#complain(row, column, "with this balance, totals would reach 2^128");
  }

  /** Compares opening balances with those that were made. */
  async #checkOpenings(rows: readonly OpeningRow[]): Promise<void> {
    const results = await this.#probe(rows);
    rows.forEach((account, index) => {
      const { row, id } = account;
      const result = results[index]!;
      if (result === "amount_must_not_be_zero" || result === "exists_with_different_asset") return;
      if (result === "transfer_must_have_the_same_asset_as_accounts") {
        this.#isApplied = false;
        this.#checkOpening(account, this.#engine.ids.findAccount(id));
        return;
      }
      const what =
        result === "exists_with_different_amount"
          ? `account '${id}' was opened before with another balance; that is done once: correct it by a transfer`
          : `the opening balance of account '${id}' can't be made again (${result})`;
      this.#complain(row, this.#file.columns.opening, what, "opening_balance_differs");
    });
  }

  /**
   * What the opening transfers of accounts that exist would give, found out without making any: in an asset that no
   * account holds, a new one is refused and not recorded, and one that was made before shows the first difference.
   * The asset is the last of the differences but one that can occur here.
   */
  async #probe(rows: readonly OpeningRow[]): Promise<TransferResultCode[]> {
    const engine = this.#engine;
    const { asset } = this.#file;
    const writer = new RecordWriter(engine.ids, engine.memory, await engine.acquireContext());
    try {
      for (const { id, opening } of rows) {
        writer.write(openingTransferId(asset.code, id), this.#openingAccount, id, opening, 0, 0n);
      }
      writer.finish();
      // Nothing of it is recorded, so it needs no room.
      await engine.execute(writer.context, {
        slices: writer.slices,
        asset: layout.NO_ASSET,
        promised: { transfers: 0, pendings: 0 },
      });
      const results = new BatchResults(engine.bytes, writer.context, rows.length);
      return rows.map((_, index) => results.result(index));
    } finally {
      engine.releaseContext(writer.context);
    }
  }

  #complain(row: number, column: string | undefined, what: string, code = "invalid_accounts"): void {
    if (code === "invalid_accounts" || this.#problems.length === 0) this.#code = code;
    this.#problems.push(`row ${row}${column === undefined ? "" : `, column '${column}'`}: ${what}`);
  }

  #error(): LedgerError {
    const { name } = this.#file.source;
    const shown = this.#problems.slice(0, PROBLEMS_MAX);
    const more = this.#problems.length > shown.length ? "\n  and more" : "";
    return new LedgerError(this.#code, `${name} can't be applied, and nothing was:\n  ${shown.join("\n  ")}${more}`, {
      details: { file: name, problems: shown },
    });
  }
}

/** What of a row can't be together: the role of the column to look at, and why. */
function contradictionIn(account: OpeningRow): readonly [role: number, what: string] | undefined {
  const { debitsMustNotExceedCredits, creditsMustNotExceedDebits, overdraftLimit, opening } = account;
  if (debitsMustNotExceedCredits && creditsMustNotExceedDebits) {
    return [
      layout.ROLE_CREDITS_MUST_NOT_EXCEED_DEBITS,
      "an account can't have both limits (flags_are_mutually_exclusive)",
    ];
  }
  if (creditsMustNotExceedDebits && opening > 0n) {
    return [layout.ROLE_AMOUNT, "an account that may not be owed can't open with a balance (exceeds_debits)"];
  }
  if (overdraftLimit === 0n || debitsMustNotExceedCredits) return undefined;
  return [layout.ROLE_OVERDRAFT_LIMIT, "only an account that may not owe can have one (overdraft_limit_needs_a_limit)"];
}

function flagsOf({ debitsMustNotExceedCredits, creditsMustNotExceedDebits }: OpeningRow): number {
  return (
    (debitsMustNotExceedCredits ? layout.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS : 0) |
    (creditsMustNotExceedDebits ? layout.ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS : 0)
  );
}

/** Told of a row that can't be applied, and why. */
type Complain = (row: number, column: string | undefined, what: string) => void;

/** The file's accounts, up to a slice at a time. Rows that can't be read are complained of and left out. */
async function* readRows(engine: Engine, file: AccountsFile, complain: Complain): AsyncGenerator<OpeningRow[]> {
  const { bytes, view, kernel, plan } = engine;
  const context = await engine.acquireContext();
  try {
    const columnOfRole = accountColumnNames(file.columns);
    const { columns, rows: bytesOfRows } = await takeColumns(
      file.source.again(),
      file,
      columnOfRole,
      ACCOUNT_ROLE_NAMES,
    );
    const window = new InputWindow(bytesOfRows, bytes, plan.input, plan.inputSize);
    let row = 1;
    let skipping = 0;
    for (;;) {
      file.signal?.throwIfAborted();
      await window.fill(layout.ROW_SIZE_MAX + layout.PAGE_SIZE);
      if (window.available === 0 && window.isFinal) return;
      // The configuration is the engine's only one: another reader may have used it since the last turn.
      configureParser(engine, {
        columns,
        scale: file.asset.scale,
        delimiter: file.delimiter,
        asset: file.asset.number,
        createFlags: 0,
        idPrefix: jobOfName("accounts").idPrefix,
        isAmountOptional: file.format === "ndjson" || file.columns.opening === undefined,
        fixedDebit: openingAccountId(file.asset.code),
      });
      const slice = context + layout.CX_SLICES;
      view.setUint32(slice + layout.SL_INPUT_START, window.start, true);
      view.setUint32(slice + layout.SL_INPUT_END, window.end, true);
      view.setUint32(context + layout.CX_SLICES_USED, 1, true);
      view.setUint32(context + layout.CX_INPUT_START, window.start, true);
      view.setUint32(context + layout.CX_INPUT_END, window.end, true);
      view.setUint32(context + layout.CX_INPUT_LIMIT, window.end, true);
      view.setUint32(context + layout.CX_INPUT_FINAL, window.isFinal ? 1 : 0, true);
      view.setUint32(context + layout.CX_SKIPPING, skipping, true);
      kernel.parseSlice(context, 0);
      kernel.stitchSlices(context);
      skipping = view.getUint32(context + layout.CX_SKIPPING, true);
      const consumed = view.getUint32(context + layout.CX_OUT_CONSUMED, true);
      const count = view.getUint32(context + layout.CX_OUT_COUNT, true);
      if (count === 0 && consumed === window.start && window.isFinal) return;
      window.consumeTo(consumed);
      const rows: OpeningRow[] = [];
      for (let index = 0; index < count; index++, row++) {
        const read = readRow(engine, context, index, row, columnOfRole, complain);
        if (read !== undefined) rows.push(read);
      }
      yield rows;
    }
  } finally {
    engine.releaseContext(context);
  }
}

function readRow(
  engine: Engine,
  context: number,
  index: number,
  row: number,
  columnOfRole: ReadonlyMap<number, string>,
  complain: Complain,
): OpeningRow | undefined {
  const { bytes, view } = engine;
  const problem = rowProblem(engine, context, index, row, columnOfRole);
  const idColumn = columnOfRole.get(layout.ROLE_CREDIT);
  if (problem !== undefined) {
    const expected = expectedInstead(problem.result);
    complain(row, problem.column, expected === undefined ? problem.result : `${problem.result}: ${expected}`);
    return undefined;
  }
  const record = context + layout.CX_RECORDS + index * layout.RECORD_SIZE;
  const kind = bytes[record + layout.TR_CREDIT_KIND]!;
  if (kind === layout.KIND_NONE) return void complain(row, idColumn, "the id is empty");
  if (kind === layout.KIND_TOO_LONG) return void complain(row, idColumn, "the id takes more than 64 bytes");
  if (kind === layout.KIND_NOT_UTF8) return void complain(row, idColumn, "the id is not valid UTF-8");
  const hasCold = (view.getUint16(record + layout.TR_FLAGS, true) & layout.TR_HAS_COLD) !== 0;
  const text = hasCold ? view.getUint32(record + layout.TR_CREDIT_TEXT, true) : 0;
  const cold = (field: number): bigint => (hasCold ? view.getBigUint64(record + field, true) : 0n);
  const flags = view.getUint16(record + layout.TR_FLAGS, true);
  const creditsMustNotExceedDebits = (flags & layout.TRANSFER_CLOSING_CREDIT) !== 0;
  const isLimitStated = hasCold && view.getUint32(record + layout.TR_IS_LIMIT_STATED, true) !== 0;
  return {
    row,
    id: readId(bytes, kind, record + layout.TR_CREDIT, text),
    opening: view.getBigUint64(record + layout.TR_AMOUNT, true) | (cold(layout.TR_AMOUNT_HIGH) << 64n),
    overdraftLimit: cold(layout.TR_OVERDRAFT_LIMIT) | (cold(layout.TR_OVERDRAFT_LIMIT + 8) << 64n),
    code: view.getUint16(record + layout.TR_CODE, true),
    userData: cold(layout.TR_USER_DATA) | (cold(layout.TR_USER_DATA + 8) << 64n),
    debitsMustNotExceedCredits: isLimitStated
      ? (flags & layout.TRANSFER_CLOSING_DEBIT) !== 0
      : !creditsMustNotExceedDebits,
    creditsMustNotExceedDebits,
  };
}
