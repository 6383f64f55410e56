/** An account's metadata: any JSON value, kept as text. */
import { invalid } from "./checks.js";
import { METADATA_SIZE_MAX } from "./layout.js";

/** What JSON can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

const encoder = new TextEncoder();

/** The value's text in UTF-8. Throws `invalid_argument` where it is no JSON value, or longer than 64 KiB. */
export function encodeMetadata(value: unknown, at: string): Uint8Array {
  let text: string;
  try {
    checkJson(value, `${at}: 'metadata'`);
    text = JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) throw invalid(`${at}: 'metadata' is nested too deeply, or contains itself`);
    throw error;
  }
  const encoded = encoder.encode(text);
  if (encoded.length > METADATA_SIZE_MAX) {
    throw invalid(`${at}: 'metadata' takes at most ${METADATA_SIZE_MAX} bytes as JSON, not ${encoded.length}`);
  }
  return encoded;
}

/** Whether two texts of JSON say the same: the order of an object's members does not matter. */
export function isSameJson(a: string, b: string): boolean {
  return a === b || canonical(JSON.parse(a) as JsonValue) === canonical(JSON.parse(b) as JsonValue);
}

function checkJson(value: unknown, what: string): void {
  if (value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) return;
  if (Array.isArray(value)) {
    // Not `forEach`, which leaves holes out.
    for (let index = 0; index < value.length; index++) checkJson(value[index], `${what}[${index}]`);
    return;
  }
  const prototype = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) {
    throw invalid(`${what} must be a JSON value, not ${typeof value === "object" ? "an instance" : String(value)}`);
  }
  for (const [name, part] of Object.entries(value as object)) checkJson(part, `${what}.${name}`);
}

/** Text that is the same for the same value. */
function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value as { readonly [name: string]: JsonValue });
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join(",")}}`;
}
