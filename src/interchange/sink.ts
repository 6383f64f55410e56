/** Where an export is written to, and where an import reads from, whatever the format. */
import type { Manifest } from "./manifest.js";
import type { Row, Table } from "./tables.js";

/** Takes the tables of an export. Nothing is at its place before `finish`; what is there is never overwritten. */
export interface RowSink {
  /** Appends rows, which `lines` has as lines of CSV. Throws `cannot_write`. */
  write(table: Table, rows: readonly Row[], lines: string): Promise<void>;
  /** Brings everything to disk and to its place. Throws `cannot_write`, and `cannot_create` where something is there. */
  finish(manifest: Manifest): Promise<void>;
  /** Gives up: leaves nothing behind. */
  discard(): Promise<void>;
}

/** Gives the tables of an export back. */
export interface RowSource {
  readonly manifest: Manifest;
  /** What people call the table: the name of its file, or the table's with that of the file it is in. */
  nameOf(table: Table): string;
  /** The rows, from the first on. Throws `invalid_export` where a row can't be read, and `cannot_read`. */
  rows(table: Table): AsyncGenerator<Row>;
  close(): Promise<void>;
}
