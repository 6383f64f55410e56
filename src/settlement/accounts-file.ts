/**
 * The accounts file of a job: accounts that may not go below zero, and opening balances as real transfers from the
 * unlimited account `opening-balances:ASSET`, made once however often the file is given.
 *
 * The file is read twice: once to check every row, so that a file with a mistake changes nothing, and once to apply it.
 */
import { LedgerError } from "../core/errors.js";
import { findAccountSlot, readId } from "../core/identifiers.js";
import * as layout from "../core/layout.js";
import type { NewAccount, NewTransfer } from "../core/types.js";
import type { Engine } from "../engine/engine.js";
import { configureParser } from "./configuration.js";
import { takeHeader } from "./header.js";
import { type ByteSource, InputWindow } from "./input-window.js";
import { jobOfName, openingTransferId } from "./job.js";
import { rowProblem } from "./row-problem.js";

/** Columns of an accounts file: the header of each. */
export interface AccountColumns {
  readonly id: string;
  /** Opening balance in the job's asset; where absent, accounts open with nothing. */
  readonly opening?: string;
}

export interface AccountsFile {
  /** Opens the file from its beginning; called twice. */
  readonly open: () => Promise<ByteSource>;
  readonly name: string;
  readonly columns: AccountColumns;
  readonly delimiter: string;
  readonly asset: { readonly number: number; readonly code: string; readonly scale: number };
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
}

const PROBLEMS_MAX = 5;

/** The account that opening balances of an asset are paid from. */
export function openingAccountId(asset: string): string {
  return `opening-balances:${asset}`;
}

/** Applies the file. Throws `invalid_accounts` naming file, row and column of what is wrong, with nothing changed. */
export async function applyAccountsFile(
  engine: Engine,
  target: AccountsTarget,
  file: AccountsFile,
): Promise<AccountsSummary> {
  await checkFile(engine, file);
  const openingAccount = openingAccountId(file.asset.code);
  let rows = 0;
  let created = 0;
  let opened = 0;
  await target.createAccounts([{ id: openingAccount, asset: file.asset.code }]);
  for await (const part of readRows(engine, file, () => {})) {
    const accounts = part.map(({ id }) => ({ id, asset: file.asset.code, debitsMustNotExceedCredits: true }));
    const accountResults = await target.createAccounts(accounts);
    created += accountResults.filter(({ result }) => result === "ok").length;
    const transfers = part
      .filter(({ opening }) => opening > 0n)
      .map(({ id, opening }) => ({
        id: openingTransferId(file.asset.code, id),
        debit: openingAccount,
        credit: id,
        amount: opening,
      }));
    const results = await target.createTransfers(transfers);
    for (const [index, { result }] of results.entries()) {
      if (result === "ok") opened++;
      else if (result !== "exists") throw openingDiffers(file, transfers[index]!.credit, result);
    }
    rows += part.length;
  }
  return { rows, created, opened };
}

function openingDiffers(file: AccountsFile, id: string, result: string): LedgerError {
  return new LedgerError(
    "opening_balance_differs",
    `${file.name}: account '${id}' was opened before with another balance (${result}): an opening balance is made ` +
      `once; correct it by a transfer`,
    { details: { file: file.name, account: id, result } },
  );
}

/** Reads the whole file and throws where any row can't be applied. */
async function checkFile(engine: Engine, file: AccountsFile): Promise<void> {
  const problems: string[] = [];
  const seen = new Map<string, number>();
  const complain = (row: number, column: string | undefined, what: string): void => {
    problems.push(`row ${row}${column === undefined ? "" : `, column '${column}'`}: ${what}`);
  };
  const openingSlot = findAccountSlot(engine.kernel, engine.bytes, openingAccountId(file.asset.code));
  if (
    openingSlot !== undefined &&
    (engine.accounts.flags(openingSlot) !== 0 || engine.accounts.asset(openingSlot) !== file.asset.number)
  ) {
    throw new LedgerError(
      "invalid_accounts",
      `the account '${openingAccountId(file.asset.code)}' exists and is not an unlimited account of ${file.asset.code}: ` +
        `opening balances can't be paid from it`,
    );
  }
  for await (const part of readRows(engine, file, complain)) {
    if (problems.length >= PROBLEMS_MAX) break;
    for (const { row, id } of part) {
      const earlier = seen.get(id);
      if (earlier !== undefined) complain(row, file.columns.id, `account '${id}' stands in row ${earlier} already`);
      seen.set(id, row);
      const slot = findAccountSlot(engine.kernel, engine.bytes, id);
      if (slot === undefined) continue;
      const { accounts, assets } = engine;
      if (accounts.flags(slot) !== layout.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS) {
        complain(row, file.columns.id, `account '${id}' exists without the limit that accounts of this file have`);
      } else if (accounts.asset(slot) !== file.asset.number) {
        complain(row, file.columns.id, `account '${id}' exists and holds ${assets.get(accounts.asset(slot)).code}`);
      }
    }
  }
  if (problems.length === 0) return;
  const shown = problems.slice(0, PROBLEMS_MAX);
  const more = problems.length > shown.length ? "\n  and more" : "";
  throw new LedgerError(
    "invalid_accounts",
    `${file.name} can't be applied, and nothing was:\n  ${shown.join("\n  ")}${more}`,
    { details: { file: file.name, problems: shown } },
  );
}

/** The file's accounts, up to a slice at a time. Rows that can't be read are complained of and left out. */
async function* readRows(
  engine: Engine,
  file: AccountsFile,
  complain: (row: number, column: string | undefined, what: string) => void,
): AsyncGenerator<OpeningRow[]> {
  const { bytes, view, kernel, plan } = engine;
  const source = await file.open();
  const context = await engine.acquireContext();
  try {
    const columnOfRole = new Map([[layout.ROLE_CREDIT, file.columns.id]]);
    if (file.columns.opening !== undefined) columnOfRole.set(layout.ROLE_AMOUNT, file.columns.opening);
    const { columns, rows: bytesOfRows } = await takeHeader(source, file.delimiter, columnOfRole);
    const window = new InputWindow(bytesOfRows, bytes, plan.input, plan.inputSize);
    let row = 1;
    let skipping = 0;
    for (;;) {
      await window.fill(layout.ROW_SIZE_MAX + layout.PAGE_SIZE);
      if (window.available === 0 && window.isFinal) return;
      // The configuration is the engine's only one: another reader may have used it since the last turn.
      configureParser(engine, {
        roles: columns.roles,
        scale: file.asset.scale,
        delimiter: file.delimiter,
        asset: file.asset.number,
        createFlags: 0,
        idPrefix: jobOfName("accounts").idPrefix,
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
    await source.close();
  }
}

function readRow(
  engine: Engine,
  context: number,
  index: number,
  row: number,
  columnOfRole: ReadonlyMap<number, string>,
  complain: (row: number, column: string | undefined, what: string) => void,
): OpeningRow | undefined {
  const { bytes, view } = engine;
  const problem = rowProblem(engine, context, index, row, columnOfRole);
  const idColumn = columnOfRole.get(layout.ROLE_CREDIT);
  if (problem !== undefined) {
    complain(row, problem.column, problem.result);
    return undefined;
  }
  const record = context + layout.CX_RECORDS + index * layout.RECORD_SIZE;
  const kind = bytes[record + layout.TR_CREDIT_KIND]!;
  if (kind === layout.KIND_NONE) return void complain(row, idColumn, "the id is empty");
  if (kind === layout.KIND_TOO_LONG) return void complain(row, idColumn, "the id takes more than 64 bytes");
  if (kind === layout.KIND_NOT_UTF8) return void complain(row, idColumn, "the id is not valid UTF-8");
  const hasCold = (view.getUint16(record + layout.TR_FLAGS, true) & layout.TR_HAS_COLD) !== 0;
  const text = hasCold ? view.getUint32(record + layout.TR_CREDIT_TEXT, true) : 0;
  const high = hasCold ? view.getBigUint64(record + layout.TR_AMOUNT_HIGH, true) : 0n;
  return {
    row,
    id: readId(bytes, kind, record + layout.TR_CREDIT, text),
    opening: view.getBigUint64(record + layout.TR_AMOUNT, true) | (high << 64n),
  };
}
