/** The public API, all of it. */
export { BatchResults } from "./core/batch.js";
export { LedgerError, type LedgerErrorOptions } from "./core/errors.js";
export type { JsonValue } from "./core/metadata.js";
export {
  ACCOUNT_RESULTS,
  type AccountResultCode,
  TRANSFER_RESULTS,
  type TransferResultCode,
  type TransferResultRow,
} from "./core/results.js";
export type {
  Account,
  AccountResult,
  HistoryEntry,
  HistoryOptions,
  HistoryPage,
  Moment,
  NewAccount,
  NewTransfer,
  PendingTransfer,
  PlainTransfer,
  PointInTime,
  PostTransfer,
  Transfer,
  TransferFilter,
  TransferPage,
  TransferResult,
  VoidTransfer,
} from "./core/types.js";
export { Batch } from "./engine/batches.js";
export type { Mode } from "./engine/engine.js";
export type { ExportOptions, InterchangeSummary } from "./interchange/exporting.js";
export { type ImportOptions, importLedger } from "./interchange/importing.js";
export type { ExportFormat } from "./interchange/manifest.js";
export { Ledger, openLedger } from "./ledger.js";
export type { LedgerOptions } from "./options.js";
export type { AccountColumns, TransferColumns } from "./settlement/columns.js";
export type { NetSummary } from "./settlement/net.js";
export type { Reversal, Reversible } from "./settlement/reversal.js";
export type { RowProblem } from "./settlement/row-problem.js";
export type { SettleFileOptions, SettleFileSummary } from "./settlement/run-job.js";
export type { FileProgress } from "./settlement/settle-file.js";
export type { SettleOptions, SettleSummary } from "./settlement/stream-settlement.js";
