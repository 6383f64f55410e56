/** Writing CSV from strings, for files that have a line per account. */

/** Characters gathered before they are written. */
export const BLOCK_SIZE = 256 * 1024;

/** A CSV field (RFC 4180): quoted where it holds a comma, a quote or a line break. */
export function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
