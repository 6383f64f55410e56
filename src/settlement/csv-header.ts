/** The header line of a settlement file: its columns' names, and which column plays which role. */
import { LedgerError } from "../core/errors.js";
import { JC_COLUMNS_MAX } from "../core/layout.js";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const QUOTE = 34;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** What a file begins with. */
export interface Header {
  /** Names in file order, exactly as written: neither trimmed nor changed in case. */
  readonly columns: string[];
  /** Bytes up to where the first row may begin: byte order mark, empty lines and line end included. */
  readonly byteLength: number;
}

export interface HeaderOptions {
  /** One ASCII character. Default: `,`. */
  readonly delimiter?: string;
}

/**
 * Reads the first record of a file, by the grammar of the rows: RFC 4180, LF or CR LF, empty lines skipped.
 *
 * Returns `undefined` where the record does not end within `bytes`: give more of the file, or, at the end of a file
 * that has no last line end, the same bytes and a line feed.
 *
 * @throws LedgerError `invalid_delimiter`, or `invalid_header` for misplaced quotes and for names that are not UTF-8.
 */
export function readHeader(bytes: Uint8Array, options: HeaderOptions = {}): Header | undefined {
  const delimiter = delimiterByte(options.delimiter ?? ",");
  let position = BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte) ? BYTE_ORDER_MARK.length : 0;
  while (lineEndLength(bytes, position) > 0) position += lineEndLength(bytes, position);
  const columns: string[] = [];
  while (position < bytes.length) {
    const field = readField(bytes, position, delimiter, columns.length + 1);
    if (field === undefined) return undefined;
    columns.push(field.name);
    if (bytes[field.end] !== delimiter) return { columns, byteLength: field.end + lineEndLength(bytes, field.end) };
    position = field.end + 1;
  }
  return undefined;
}

/**
 * Gives every column its role: `mapping` says which column plays a role, `roles` the number of each role.
 * The result has one byte a column, 0 where it plays none.
 *
 * @throws LedgerError `too_many_columns`; `missing_column` where a name is not in the header; `duplicate_column` where
 *   it is there twice, or plays two roles; `unknown_role` where `roles` has no such role.
 */
export function mapColumns(
  columns: readonly string[],
  mapping: Readonly<Record<string, string>>,
  roles: Readonly<Record<string, number>>,
): Uint8Array<ArrayBuffer> {
  if (columns.length > JC_COLUMNS_MAX) {
    throw new LedgerError(
      "too_many_columns",
      `The header has ${columns.length} columns; at most ${JC_COLUMNS_MAX} can be read. Is the delimiter right?`,
      { details: { count: columns.length, maximum: JC_COLUMNS_MAX } },
    );
  }
  const result = new Uint8Array(columns.length);
  for (const [role, column] of Object.entries(mapping)) {
    const number = Object.hasOwn(roles, role) ? roles[role] : undefined;
    if (number === undefined) {
      throw new LedgerError(
        "unknown_role",
        `"${role}" is not a role of a column. Roles: ${list(Object.keys(roles))}.`,
        {
          details: { role, roles: Object.keys(roles) },
        },
      );
    }
    const index = columns.indexOf(column);
    if (index < 0) throw missingColumn(columns, column, role);
    if (columns.indexOf(column, index + 1) >= 0) {
      throw new LedgerError(
        "duplicate_column",
        `The header has "${column}" (${role}) more than once. Columns found: ${list(columns)}.`,
        { details: { column, role, columns } },
      );
    }
    if (result[index] !== 0) {
      const other = Object.keys(mapping).find((name) => name !== role && mapping[name] === column);
      throw new LedgerError("duplicate_column", `"${column}" can't be both ${other} and ${role}. Name two columns.`, {
        details: { column, role, columns },
      });
    }
    result[index] = number;
  }
  return result;
}

function delimiterByte(delimiter: string): number {
  const byte = delimiter.charCodeAt(0);
  if (delimiter.length !== 1 || byte > 127 || [LINE_FEED, CARRIAGE_RETURN, QUOTE].includes(byte)) {
    throw new LedgerError(
      "invalid_delimiter",
      `The delimiter must be one ASCII character other than a quote or a line end, not ${JSON.stringify(delimiter)}.`,
      { details: { delimiter } },
    );
  }
  return byte;
}

/** 1 at an LF, 2 at a CR LF, else 0. */
function lineEndLength(bytes: Uint8Array, position: number): number {
  if (bytes[position] === LINE_FEED) return 1;
  return bytes[position] === CARRIAGE_RETURN && bytes[position + 1] === LINE_FEED ? 2 : 0;
}

/** Reads the field at `start`. `end` is where its delimiter or line end is; undefined where `bytes` end before. */
function readField(
  bytes: Uint8Array,
  start: number,
  delimiter: number,
  column: number,
): { name: string; end: number } | undefined {
  const isQuoted = bytes[start] === QUOTE;
  let end = start;
  if (isQuoted) {
    end = bytes.indexOf(QUOTE, start + 1);
    while (end >= 0 && bytes[end + 1] === QUOTE) end = bytes.indexOf(QUOTE, end + 2);
    if (end < 0) return undefined;
    end++;
  } else {
    while (end < bytes.length && bytes[end] !== delimiter && bytes[end] !== QUOTE && lineEndLength(bytes, end) === 0) {
      end++;
    }
  }
  // A CR that ends the bytes may be half a line end.
  if (end >= bytes.length || (end === bytes.length - 1 && bytes[end] === CARRIAGE_RETURN)) return undefined;
  if (bytes[end] !== delimiter && lineEndLength(bytes, end) === 0) {
    throw new LedgerError(
      "invalid_header",
      `Column ${column} of the header has ${isQuoted ? "text behind its closing quote" : "a quote inside"}. ` +
        "Put the whole name in quotes, and double the quotes inside.",
      { details: { column, offset: end } },
    );
  }
  const text = decode(isQuoted ? bytes.subarray(start + 1, end - 1) : bytes.subarray(start, end), column);
  return { name: isQuoted ? text.replaceAll('""', '"') : text, end };
}

function decode(bytes: Uint8Array, column: number): string {
  try {
    // A copy: the decoder refuses shared memory. A byte order mark inside the header is part of a name.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.slice());
  } catch (cause) {
    throw new LedgerError("invalid_header", `Column ${column} of the header is not UTF-8. Convert the file to UTF-8.`, {
      cause,
      details: { column },
    });
  }
}

function missingColumn(columns: readonly string[], column: string, role: string): LedgerError {
  const nearest = nearestName(columns, column);
  const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  return new LedgerError(
    "missing_column",
    `The header has no column "${column}" (${role}).${hint} Columns found: ${list(columns)}.`,
    { details: { column, role, columns, nearest } },
  );
}

/** At most 20 names, quoted; the rest is counted. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => `"${name}"`);
  if (names.length > shown.length) shown.push(`and ${names.length - shown.length} more`);
  return shown.join(", ");
}

/** The name that takes the fewest edits, provided that fewer than half of its characters would change. */
function nearestName(names: readonly string[], wanted: string): string | undefined {
  let nearest: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const edits = editDistance(name.trim().toLowerCase(), wanted.trim().toLowerCase());
    if (edits < fewest && edits * 2 < Math.max(name.length, 1)) {
      nearest = name;
      fewest = edits;
    }
  }
  return nearest;
}

/** Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (from[i] === to[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[to.length]!;
}
