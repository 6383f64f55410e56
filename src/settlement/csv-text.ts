/** Writing CSV from strings, for files that have a line per account. */

/** Characters gathered before they are written. */
export const BLOCK_SIZE = 256 * 1024;

/**
 * A CSV field (RFC 4180): quoted where it holds a comma, a quote or a line break. The kernel quotes the ids of the
 * results file by the same rule, on bytes in shared memory; a string would have to be copied there and back.
 */
export function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
