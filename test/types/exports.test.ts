/** The public API is what `src/index.ts` names, and has the shapes below: a change of either shows up here. */
import { readFileSync } from "node:fs";
import { expect, expectTypeOf, test } from "vitest";
import type {
  Account,
  AccountColumns,
  AccountResult,
  AccountResultCode,
  BatchResults,
  ExportFormat,
  ExportOptions,
  FileProgress,
  HistoryEntry,
  HistoryOptions,
  HistoryPage,
  ImportOptions,
  InterchangeSummary,
  JsonValue,
  LedgerErrorOptions,
  LedgerOptions,
  Mode,
  Moment,
  NetSummary,
  NewAccount,
  NewTransfer,
  PointInTime,
  RowProblem,
  SettleFileOptions,
  SettleFileSummary,
  SettleOptions,
  SettleSummary,
  Transfer,
  TransferColumns,
  TransferFilter,
  TransferPage,
  TransferResult,
  TransferResultCode,
  TransferResultRow,
} from "../../src/index.js";
import * as api from "../../src/index.js";
import { EXPORTED_VALUES } from "../support/api.js";

const TYPES = [
  "Account",
  "AccountColumns",
  "AccountResult",
  "AccountResultCode",
  "ExportFormat",
  "ExportOptions",
  "FileProgress",
  "HistoryEntry",
  "HistoryOptions",
  "HistoryPage",
  "ImportOptions",
  "InterchangeSummary",
  "JsonValue",
  "LedgerErrorOptions",
  "LedgerOptions",
  "Mode",
  "Moment",
  "NetSummary",
  "NewAccount",
  "NewTransfer",
  "PendingTransfer",
  "PlainTransfer",
  "PointInTime",
  "PostTransfer",
  "Reversal",
  "Reversible",
  "RowProblem",
  "SettleFileOptions",
  "SettleFileSummary",
  "SettleOptions",
  "SettleSummary",
  "Transfer",
  "TransferColumns",
  "TransferFilter",
  "TransferPage",
  "TransferResult",
  "TransferResultCode",
  "TransferResultRow",
  "VoidTransfer",
];

test("the values exported are these and no others", () => {
  expect(Object.keys(api).sort()).toEqual([...EXPORTED_VALUES]);
  expectTypeOf<keyof typeof api>().toEqualTypeOf<(typeof EXPORTED_VALUES)[number]>();
});

test("the names in index.ts, types included, are these and no others, each exported by name", () => {
  const source = readFileSync(new URL("../../src/index.ts", import.meta.url), "utf8");
  const statements = [...source.matchAll(/export\s+(type\s+)?\{([^}]*)\}\s+from\s+"\.\/[^"]+";/g)];
  expect(source.replaceAll(/\/\*[\s\S]*?\*\//g, "").match(/\bexport\b/g)).toHaveLength(statements.length);
  const names = statements.flatMap(([, isType, list]) =>
    list!
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "")
      .map((name) => (name.startsWith("type ") ? name : `${isType === undefined ? "" : "type "}${name}`)),
  );
  expect(names.filter((name) => !name.startsWith("type ")).sort()).toEqual([...EXPORTED_VALUES]);
  expect(names.filter((name) => name.startsWith("type ")).sort()).toEqual(TYPES.map((name) => `type ${name}`));
});

test("the types have these shapes (checked by `npm run types`)", () => {
  type Ledger = api.Ledger;
  expectTypeOf<Mode>().toEqualTypeOf<"parallel" | "event-loop">();
  expectTypeOf<NewAccount>().toEqualTypeOf<{
    readonly id: string;
    readonly asset: string;
    readonly code?: number;
    readonly debitsMustNotExceedCredits?: boolean;
    readonly creditsMustNotExceedDebits?: boolean;
    readonly overdraftLimit?: bigint;
    readonly userData?: bigint;
    readonly metadata?: JsonValue;
  }>();
  const moves = { id: "t", debit: "a", credit: "b", amount: 1n };
  expectTypeOf(moves).toExtend<NewTransfer>();
  expectTypeOf({ ...moves, pending: true as const, timeout: 60, closingDebit: true }).toExtend<NewTransfer>();
  expectTypeOf({ id: "t", post: "p" }).toExtend<NewTransfer>();
  expectTypeOf({ id: "t", void: "p", amount: 1n, linked: true }).toExtend<NewTransfer>();
  // What makes no sense together can't be written.
  expectTypeOf({ ...moves, timeout: 60 }).not.toExtend<NewTransfer>();
  expectTypeOf({ ...moves, closingCredit: true }).not.toExtend<NewTransfer>();
  expectTypeOf({ ...moves, pending: true as const, post: "p" }).not.toExtend<NewTransfer>();
  expectTypeOf({ id: "t", post: "p", void: "p" }).not.toExtend<NewTransfer>();
  expectTypeOf({ id: "t", post: "p", balancingDebit: true }).not.toExtend<NewTransfer>();
  expectTypeOf({ id: "t", post: "p", expectedDebitVersion: 1 }).not.toExtend<NewTransfer>();
  expectTypeOf({ id: "t", debit: "a", credit: "b" }).not.toExtend<NewTransfer>();
  expectTypeOf<Account>().toEqualTypeOf<{
    readonly id: string;
    readonly asset: string;
    readonly code: number;
    readonly userData: bigint;
    readonly debitsMustNotExceedCredits: boolean;
    readonly creditsMustNotExceedDebits: boolean;
    readonly overdraftLimit: bigint;
    readonly debitsPosted: bigint;
    readonly creditsPosted: bigint;
    readonly debitsPending: bigint;
    readonly creditsPending: bigint;
    readonly balance: bigint;
    readonly version: number;
    readonly closed: boolean;
  }>();
  expectTypeOf<TransferResult>().toEqualTypeOf<{
    readonly result: TransferResultCode;
    readonly sequence: number;
    readonly reason?: TransferResultCode;
    readonly amount?: bigint;
  }>();
  expectTypeOf<AccountResult>().toEqualTypeOf<{ readonly result: AccountResultCode }>();
  expectTypeOf<"ok" | "exists" | "id_already_failed" | "exceeds_credits">().toExtend<TransferResultCode>();
  expectTypeOf<string>().not.toExtend<TransferResultCode>();
  expectTypeOf<(typeof api.TRANSFER_RESULTS)[number]["name"]>().toEqualTypeOf<TransferResultCode>();
  expectTypeOf<(typeof api.TRANSFER_RESULTS)[number]>().toExtend<TransferResultRow>();
  expectTypeOf<(typeof api.ACCOUNT_RESULTS)[number]>().toEqualTypeOf<AccountResultCode>();
  expectTypeOf<keyof LedgerOptions>().toEqualTypeOf<"mode" | "workers" | "capacity" | "assets" | "dryRun">();
  expectTypeOf<Parameters<typeof api.openLedger>>().toEqualTypeOf<
    [path: string, options?: LedgerOptions | undefined]
  >();
  expectTypeOf(api.openLedger).returns.resolves.toEqualTypeOf<Ledger>();
  expectTypeOf<ExportFormat>().toEqualTypeOf<"csv" | "ndjson" | "sqlite">();
  expectTypeOf<keyof ExportOptions>().toEqualTypeOf<"format" | "onProgress" | "signal">();
  expectTypeOf<keyof ImportOptions>().toEqualTypeOf<"onProgress" | "signal">();
  expectTypeOf<Parameters<typeof api.importLedger>>().toEqualTypeOf<
    [from: string, path: string, options?: ImportOptions | undefined]
  >();
  expectTypeOf(api.importLedger).returns.resolves.toEqualTypeOf<InterchangeSummary>();
  expectTypeOf<keyof InterchangeSummary>().toEqualTypeOf<"accounts" | "transfers" | "digest" | "durationMs">();
  expectTypeOf<keyof Ledger>().toEqualTypeOf<
    | "mode"
    | "workers"
    | "accountCount"
    | "export"
    | "transferCount"
    | "snapshotDamage"
    | "createAccounts"
    | "createTransfers"
    | "batch"
    | "settle"
    | "settleFile"
    | "account"
    | "accounts"
    | "metadata"
    | "transfer"
    | "history"
    | "balanceAt"
    | "transfers"
    | "reverse"
    | "digest"
    | "close"
    | typeof Symbol.asyncDispose
  >();
  expectTypeOf<Ledger["createAccounts"]>().toEqualTypeOf<
    (accounts: readonly NewAccount[]) => Promise<AccountResult[]>
  >();
  expectTypeOf<Ledger["createTransfers"]>().toEqualTypeOf<
    (transfers: readonly NewTransfer[]) => Promise<TransferResult[]>
  >();
  expectTypeOf<Moment>().toEqualTypeOf<Date | bigint>();
  expectTypeOf<HistoryOptions>().toEqualTypeOf<{
    readonly limit?: number;
    readonly before?: number;
    readonly after?: number;
    readonly from?: Moment;
    readonly to?: Moment;
    readonly cursor?: string;
  }>();
  expectTypeOf<HistoryEntry>().toEqualTypeOf<{
    readonly transfer: Transfer;
    readonly direction: "debit" | "credit";
    readonly counterparty: string;
    readonly amount: bigint;
    readonly balance: bigint;
  }>();
  expectTypeOf<HistoryPage>().toEqualTypeOf<{ readonly entries: readonly HistoryEntry[]; readonly cursor?: string }>();
  expectTypeOf<Ledger["history"]>().toEqualTypeOf<
    (account: string, options?: HistoryOptions) => Promise<HistoryPage>
  >();
  expectTypeOf<{ readonly sequence: number }>().toExtend<PointInTime>();
  expectTypeOf<{ readonly time: Moment }>().toExtend<PointInTime>();
  expectTypeOf<{ readonly sequence: number; readonly time: Moment }>().not.toExtend<PointInTime>();
  expectTypeOf<Ledger["balanceAt"]>().toEqualTypeOf<(account: string, at: PointInTime) => Promise<bigint>>();
  expectTypeOf<TransferFilter>().toEqualTypeOf<{
    readonly limit?: number;
    readonly account?: string;
    readonly job?: string;
    readonly code?: number;
    readonly userData?: bigint;
    readonly result?: TransferResultCode;
    readonly fromSequence?: number;
    readonly toSequence?: number;
    readonly from?: Moment;
    readonly to?: Moment;
    readonly cursor?: string;
  }>();
  expectTypeOf<TransferPage>().toEqualTypeOf<{ readonly transfers: readonly Transfer[]; readonly cursor?: string }>();
  expectTypeOf<Ledger["transfers"]>().toEqualTypeOf<(filter?: TransferFilter) => Promise<TransferPage>>();
  expectTypeOf<Ledger["transfer"]>().toEqualTypeOf<(id: string) => Promise<Transfer | undefined>>();
  expectTypeOf<Ledger["snapshotDamage"]>().toEqualTypeOf<api.LedgerError | undefined>();
  expectTypeOf<Ledger["account"]>().toEqualTypeOf<(id: string) => Account | undefined>();
  expectTypeOf<Ledger["digest"]>().toEqualTypeOf<() => string>();
  expectTypeOf<Ledger["close"]>().toEqualTypeOf<() => Promise<void>>();
  expectTypeOf<Ledger["batch"]>().returns.resolves.toEqualTypeOf<api.Batch>();
  expectTypeOf<Ledger["settle"]>().returns.resolves.toEqualTypeOf<SettleSummary>();
  expectTypeOf<Ledger["settleFile"]>().toEqualTypeOf<(options: SettleFileOptions) => Promise<SettleFileSummary>>();
  expectTypeOf<keyof api.Batch>().toEqualTypeOf<"length" | "isFull" | "add" | "addPlain" | "submit" | "discard">();
  expectTypeOf<api.Batch["submit"]>().toEqualTypeOf<() => Promise<BatchResults>>();
  expectTypeOf<keyof BatchResults>().toEqualTypeOf<"length" | "result" | "sequence" | "get" | "counts">();
  expectTypeOf<keyof SettleOptions>().toEqualTypeOf<"onResults" | "onProgress" | "signal">();
  expectTypeOf<keyof SettleSummary>().toEqualTypeOf<"transfers" | "results" | "durationMs">();
  expectTypeOf<api.LedgerError>().toExtend<Error>();
  expectTypeOf<api.LedgerError["code"]>().toEqualTypeOf<string>();
  expectTypeOf<keyof LedgerErrorOptions>().toEqualTypeOf<"cause" | "details">();
  // These belong to settlement jobs, whose own tests pin what they do; here, that they are there.
  expectTypeOf<AccountColumns>().toBeObject();
  expectTypeOf<TransferColumns>().toBeObject();
  expectTypeOf<RowProblem>().toBeObject();
  expectTypeOf<NetSummary>().toBeObject();
  expectTypeOf<FileProgress>().toBeObject();
});
