/**
 * The CSV grammar once more, written for reading: one character after another, one row after another, on strings of
 * one character a byte. It shares no code with the kernel.
 */

const ROW_SIZE_MAX = 1024 * 1024;

/** The fields of each row; `undefined` for a row that must be refused as a whole, whatever its columns mean. */
export function referenceRows(text: string, delimiter: string): (string[] | undefined)[] {
  const rows: (string[] | undefined)[] = [];
  const isLineEnd = (at: number) => text[at] === "\n" || (text[at] === "\r" && text[at + 1] === "\n");
  let at = 0;
  while (at < text.length) {
    const start = at;
    if (isLineEnd(at)) {
      at += text[at] === "\n" ? 1 : 2;
      continue;
    }
    const fields: string[] = [];
    let isValid = true;
    while (true) {
      let field = "";
      if (text[at] === '"') {
        at++;
        while (at < text.length && !(text[at] === '"' && text[at + 1] !== '"')) {
          field += text[at];
          at += text[at] === '"' ? 2 : 1;
        }
        isValid = at < text.length;
        at++;
      } else {
        while (at < text.length && text[at] !== delimiter && text[at] !== '"' && !isLineEnd(at)) field += text[at++];
      }
      fields.push(field);
      if (text[at] !== delimiter) break;
      at++;
    }
    if (at < text.length && !isLineEnd(at)) isValid = false;
    // Behind an error, too, the row ends at the next line feed; without one, it is where we stand.
    const lineFeed = text.indexOf("\n", at);
    at = lineFeed < 0 ? text.length : lineFeed + 1;
    rows.push(isValid && at - start <= ROW_SIZE_MAX ? fields : undefined);
  }
  return rows;
}

/** What the job says about the columns, as the kernel's job configuration does. */
export interface Columns {
  readonly delimiter: string;
  readonly roles: readonly ("none" | "id" | "debit" | "credit" | "amount")[];
  readonly scale: number;
}

/** An id as the record should hold it. `text` is empty where the kind says that there is none. */
export interface ReadId {
  readonly kind: number | "uuid" | "none" | "too long" | "not UTF-8";
  readonly text: string;
}

export interface ReadRow {
  readonly status: "ok" | "invalid_row" | "invalid_amount" | "id_must_not_be_empty" | "id_too_long" | "id_not_utf8";
  readonly role: "none" | "id" | "amount";
  readonly id: ReadId;
  readonly debit: ReadId;
  readonly credit: ReadId;
  readonly amount: bigint;
}

const NO_ID: ReadId = { kind: "none", text: "" };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

function isUtf8(text: string): boolean {
  try {
    UTF8.decode(Buffer.from(text, "latin1"));
    return true;
  } catch {
    return false;
  }
}

/** What the text of an id is. */
export function referenceId(text: string | undefined): ReadId {
  if (text === undefined || text === "") return NO_ID;
  if (text.length > 64) return { kind: "too long", text: "" };
  if (!isUtf8(text)) return { kind: "not UTF-8", text: "" };
  return { kind: UUID.test(text) ? "uuid" : text.length, text };
}

/** Minor units, undefined where the text is no amount. */
export function referenceAmount(text: string | undefined, scale: number): bigint | undefined {
  const [, whole, fraction] = /^([0-9]+)(?:\.([0-9]+))?$/.exec(text ?? "") ?? [];
  if (whole === undefined || (fraction ?? "").length > scale) return undefined;
  const amount = BigInt(whole + (fraction ?? "").padEnd(scale, "0"));
  return amount < 2n ** 128n ? amount : undefined;
}

/** What the record of a row with these fields should say. */
export function referenceRow(fields: string[] | undefined, columns: Columns): ReadRow {
  const refused = { role: "none", id: NO_ID, debit: NO_ID, credit: NO_ID, amount: 0n } as const;
  if (fields?.length !== columns.roles.length) return { status: "invalid_row", ...refused };
  const fieldOf = (role: Columns["roles"][number]) => fields[columns.roles.indexOf(role)];
  const amount = referenceAmount(fieldOf("amount"), columns.scale);
  const id = referenceId(fieldOf("id"));
  const row = {
    id,
    debit: referenceId(fieldOf("debit")),
    credit: referenceId(fieldOf("credit")),
    amount: amount ?? 0n,
  };
  if (amount === undefined) return { status: "invalid_amount", role: "amount", ...row };
  if (columns.roles.includes("id")) {
    if (id.kind === "none") return { status: "id_must_not_be_empty", role: "id", ...row };
    if (id.kind === "too long") return { status: "id_too_long", role: "id", ...row };
    if (id.kind === "not UTF-8") return { status: "id_not_utf8", role: "id", ...row };
  }
  return { status: "ok", role: "none", ...row };
}

/** The whole file, in one go. */
export function referenceParse(text: string, columns: Columns): ReadRow[] {
  return referenceRows(text, columns.delimiter).map((fields) => referenceRow(fields, columns));
}
