/** `name=header` lists of the command line. */
import { LedgerError } from "../core/errors.js";

/**
 * Reads `debit=from,credit=to,…`: names from `allowed`, each at most once, those in `required` present.
 * A comma or an equals sign in a header is written `\,` or `\=`. Throws `invalid_argument`.
 */
export function readColumns(
  option: string,
  text: string,
  required: readonly string[],
  optional: readonly string[],
): Map<string, string> {
  const allowed = [...required, ...optional];
  const columns = new Map<string, string>();
  for (const part of splitUnescaped(text, ",")) {
    const [name, header, ...rest] = splitUnescaped(part, "=");
    if (name === undefined || header === undefined || header === "" || rest.length > 0) {
      throw invalid(`${option}: '${part}' is not of the form NAME=HEADER, for example ${allowed[0]}=account`);
    }
    if (!allowed.includes(name)) {
      throw invalid(`${option}: '${name}' is not a column that this file can have: expected ${allowed.join(", ")}`);
    }
    if (columns.has(name)) throw invalid(`${option}: '${name}' is named twice`);
    columns.set(name, withoutEscapes(header));
  }
  for (const name of required) {
    if (!columns.has(name)) throw invalid(`${option}: '${name}=…' is missing: expected ${required.join("=…, ")}=…`);
  }
  return columns;
}

function invalid(message: string): LedgerError {
  return new LedgerError("invalid_argument", message);
}

function splitUnescaped(text: string, separator: string): string[] {
  return text.split(new RegExp(`(?<!\\\\)${separator}`));
}

function withoutEscapes(text: string): string {
  return text.replaceAll("\\,", ",").replaceAll("\\=", "=");
}
