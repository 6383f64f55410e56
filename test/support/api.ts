/** The values that the package exports, sorted: these and no others. */
export const EXPORTED_VALUES = [
  "ACCOUNT_RESULTS",
  "Batch",
  "BatchResults",
  "Ledger",
  "LedgerError",
  "TRANSFER_RESULTS",
  "importLedger",
  "openLedger",
] as const;
