/** What an export says about itself: `ledger.json` in a folder, the table `ledger` in SQLite. */
import type { Asset } from "../core/assets.js";
import { LedgerError } from "../core/errors.js";
import { TABLES, type TableName } from "./tables.js";

/** `csv` and `ndjson`: a folder of files. `sqlite`: one file. */
export type ExportFormat = "csv" | "ndjson" | "sqlite";

export const EXPORT_FORMATS: readonly ExportFormat[] = ["csv", "ndjson", "sqlite"];

/** Raised whenever a column changes its meaning: an older library refuses a newer export. */
const EXPORT_VERSION = 2;
const EXPORT_KIND = "parallel-ledger export";

/** A table's rows, and the SHA-256 of the table as a CSV file. */
export interface TableSummary {
  readonly rows: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly kind: typeof EXPORT_KIND;
  readonly version: number;
  readonly format: ExportFormat;
  /** The state digest of the ledger. */
  readonly digest: string;
  /** In the order in which the ledger numbers them. */
  readonly assets: readonly Asset[];
  /** Transfers that reserved an amount: the ledger keeps each in memory for ever. */
  readonly reservations: number;
  readonly tables: Readonly<Record<TableName, TableSummary>>;
}

export function manifestOf(parts: Omit<Manifest, "kind" | "version">): Manifest {
  return { kind: EXPORT_KIND, version: EXPORT_VERSION, ...parts };
}

/** The error of an export that can't be imported: where, and what is wrong. */
export function invalidExport(message: string, details: Readonly<Record<string, unknown>> = {}): LedgerError {
  return new LedgerError("invalid_export", message, { details });
}

/** Reads a manifest; `where` names it in errors. Throws `invalid_export`. */
export function readManifest(text: string, where: string): Manifest {
  const fail = (what: string): never => {
    throw invalidExport(`${where}: ${what}`, { where });
  };
  let value: Partial<Manifest> | null = null;
  try {
    value = JSON.parse(text) as Partial<Manifest> | null;
  } catch {
    fail("it is not JSON, expected what an export writes");
  }
  if (typeof value !== "object" || value === null || value.kind !== EXPORT_KIND) {
    return fail(`it is not the manifest of an export: expected the field "kind":"${EXPORT_KIND}"`);
  }
  const { version, format, digest, assets, reservations, tables } = value;
  if (version !== EXPORT_VERSION) {
    return fail(
      `it has version ${version}, and this release reads version ${EXPORT_VERSION}: use the one that wrote it`,
    );
  }
  if (!EXPORT_FORMATS.includes(format!)) return fail(`"format" must be one of ${EXPORT_FORMATS}, not '${format}'`);
  if (!isChecksum(digest)) return fail('"digest" must be 64 hexadecimal digits');
  if (!Array.isArray(assets) || !assets.every(isAsset)) {
    return fail('"assets" must be a list of objects with "code" and "scale"');
  }
  if (!Number.isSafeInteger(reservations) || reservations! < 0) return fail('"reservations" must be a whole number');
  for (const { name } of TABLES) {
    const summary = tables?.[name];
    if (!Number.isSafeInteger(summary?.rows) || summary!.rows < 0 || !isChecksum(summary!.sha256)) {
      return fail(`"tables" must say of '${name}' how many "rows" it has, and its "sha256"`);
    }
  }
  if (reservations! > tables!.transfers.rows) {
    return fail(`"reservations" is ${reservations}, and there are ${tables!.transfers.rows} transfers`);
  }
  return value as Manifest;
}

function isChecksum(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

function isAsset(value: unknown): value is Asset {
  const { code, scale } = (value ?? {}) as Partial<Asset>;
  return typeof code === "string" && Number.isInteger(scale);
}
