/**
 * Which column of a file means what. A CSV file's first line is read ahead of everything else, so that a wrong column stops
 * a job before it starts; lines of JSON name their members themselves.
 */
import { LedgerError } from "../core/errors.js";
import { MEMBER_NAME_SIZE_MAX, ROW_SIZE_MAX } from "../core/layout.js";
import { type RoleNames, TRANSFER_ROLE_NAMES } from "./columns.js";
import { mapColumns, readHeader } from "./csv-header.js";
import type { ByteSource } from "./input-window.js";

/** How a file's rows are written: delimited text with a header, or a JSON object a line. */
export type FileFormat = "csv" | "ndjson";

/** Which column means what. */
export interface MappedColumns {
  readonly format: FileFormat;
  /** Role (ROLE_*) of each column of a CSV file. */
  readonly roles: Uint8Array;
  /** Header of the column that has a role, or name of the member. */
  readonly names: ReadonlyMap<number, string>;
}

/** The format of a file: as asked, else by its name. */
export function formatOf(name: string | undefined, asked: FileFormat | undefined): FileFormat {
  return asked ?? (name !== undefined && /\.(ndjson|jsonl)$/i.test(name) ? "ndjson" : "csv");
}

/**
 * Finds out which column means what: `names` says what each role's is called. Returns the source of the rows. Throws what
 * {@link takeHeader} throws; of NDJSON, `duplicate_column` where two roles share a name and `invalid_argument` where one is
 * too long.
 */
export async function takeColumns(
  source: ByteSource,
  file: { readonly format: FileFormat; readonly delimiter: string },
  names: ReadonlyMap<number, string>,
  roles: RoleNames = TRANSFER_ROLE_NAMES,
): Promise<{ columns: MappedColumns; rows: ByteSource }> {
  if (file.format === "csv") return takeHeader(source, file.delimiter, names, roles);
  checkMembers(source.name, names);
  const columns: MappedColumns = { format: "ndjson", roles: new Uint8Array(0), names };
  return { columns, rows: await withoutByteOrderMark(source) };
}

function checkMembers(file: string, names: ReadonlyMap<number, string>): void {
  const seen = new Set<string>();
  for (const name of names.values()) {
    const byteLength = Buffer.byteLength(name);
    if (byteLength > MEMBER_NAME_SIZE_MAX) {
      throw new LedgerError(
        "invalid_argument",
        `${file}: the name of a member takes at most ${MEMBER_NAME_SIZE_MAX} bytes, not ${byteLength}: ${name}`,
      );
    }
    if (seen.has(name)) {
      throw new LedgerError("duplicate_column", `${file}: "${name}" can't mean two things. Name two members.`, {
        details: { file, column: name },
      });
    }
    seen.add(name);
  }
}

const BYTE_ORDER_MARK = Buffer.from("\ufeff");

async function withoutByteOrderMark(source: ByteSource): Promise<ByteSource> {
  const first = new Uint8Array(BYTE_ORDER_MARK.length);
  let length = 0;
  while (length < first.length) {
    const count = await source.read(first.subarray(length));
    if (count === 0) break;
    length += count;
  }
  return BYTE_ORDER_MARK.equals(first) ? source : prefixed(first.subarray(0, length), source);
}

const READ_SIZE = 64 * 1024;
/** What files are delimited by when it is not a comma. */
const OTHER_DELIMITERS = [";", "\t", "|"];

/**
 * Reads the header and maps the columns named in `names`. Returns the mapping and the source of the rows behind it.
 * Throws `invalid_header`, `missing_column`, `duplicate_column` or `too_many_columns`, naming the file.
 */
export async function takeHeader(
  source: ByteSource,
  delimiter: string,
  names: ReadonlyMap<number, string>,
  roles: RoleNames = TRANSFER_ROLE_NAMES,
): Promise<{ columns: MappedColumns; rows: ByteSource }> {
  let bytes = new Uint8Array(0);
  for (;;) {
    const mapped = mapHeader(bytes, delimiter, names, roles, source.name);
    if (mapped !== undefined) {
      return { columns: mapped.columns, rows: prefixed(bytes.subarray(mapped.byteLength), source) };
    }
    const block = new Uint8Array(READ_SIZE);
    const count = bytes.length < ROW_SIZE_MAX ? await source.read(block) : 0;
    if (count === 0) break;
    const joined = new Uint8Array(bytes.length + count);
    joined.set(bytes);
    joined.set(block.subarray(0, count), bytes.length);
    bytes = joined;
  }
  // A header may be the whole file, without a line end.
  const mapped =
    bytes.length < ROW_SIZE_MAX ? mapHeader(withLineEnd(bytes), delimiter, names, roles, source.name) : undefined;
  if (mapped !== undefined) return { columns: mapped.columns, rows: source };
  throw new LedgerError(
    "invalid_header",
    bytes.length === 0
      ? `${source.name} is empty: expected a CSV file whose first line names the columns`
      : `${source.name} has no header in its first ${bytes.length} bytes: expected a CSV file whose first line names the columns`,
    { details: { file: source.name } },
  );
}

/** The header within `bytes`, mapped; undefined where it does not end there. Errors name the file. */
function mapHeader(
  bytes: Uint8Array,
  delimiter: string,
  names: ReadonlyMap<number, string>,
  roles: RoleNames,
  file: string,
): { columns: MappedColumns; byteLength: number } | undefined {
  const nameOf = (role: number): string => Object.keys(roles).find((name) => roles[name] === role)!;
  const mapping = Object.fromEntries([...names].map(([role, column]) => [nameOf(role), column]));
  try {
    const header = readHeader(bytes, { delimiter });
    if (header === undefined) return undefined;
    const columns: MappedColumns = { format: "csv", roles: mapColumns(header.columns, mapping, roles), names };
    return { columns, byteLength: header.byteLength };
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const message = `${file}: ${error.message}${delimiterHint(error, delimiter)}`;
    throw new LedgerError(error.code, message, { details: { ...error.details, file } });
  }
}

/** What to try where the whole header was taken for one name. */
function delimiterHint({ code, details }: LedgerError, delimiter: string): string {
  const columns = details.columns;
  if (code !== "missing_column" || !Array.isArray(columns) || columns.length !== 1) return "";
  const other = OTHER_DELIMITERS.find((character) => character !== delimiter && String(columns[0]).includes(character));
  return other === undefined ? "" : ` It looks delimited by ${JSON.stringify(other)}: choose that as the delimiter.`;
}

function withLineEnd(bytes: Uint8Array): Uint8Array {
  const ended = new Uint8Array(bytes.length + 1);
  ended.set(bytes);
  ended[bytes.length] = 10;
  return ended;
}

/** A source that gives `first` before what `source` has left. */
function prefixed(first: Uint8Array, source: ByteSource): ByteSource {
  let rest = first;
  return {
    name: source.name,
    byteLength: source.byteLength,
    async read(target) {
      if (rest.length === 0) return source.read(target);
      const count = Math.min(rest.length, target.length);
      target.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    close: () => source.close(),
  };
}
