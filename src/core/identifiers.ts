/** Ids as strings on this side, as 128-bit keys on the kernel's: writing them, and giving them back as they came. */
import type { Kernel } from "./kernel.js";
import {
  KEY_SCRATCH,
  KIND_INLINE_MAX,
  KIND_NONE,
  KIND_NOT_UTF8,
  KIND_TEXT_MAX,
  KIND_TOO_LONG,
  KIND_UUID,
  NO_SLOT,
  TEXT_SCRATCH,
} from "./layout.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Whether a kind's key is only a hash, so that the id's bytes are kept beside it. */
export function isHashKind(kind: number): boolean {
  return kind > KIND_INLINE_MAX && kind <= KIND_TEXT_MAX;
}

/** Whether a kind stands for an id at all. */
export function isIdKind(kind: number): boolean {
  return kind !== KIND_NONE && kind !== KIND_TOO_LONG && kind !== KIND_NOT_UTF8;
}

/**
 * Writes the id's bytes at `to` and returns their number, at most 64; -1 where there are more, -2 where the string is
 * not well-formed Unicode. Almost every id is ASCII, and a loop over it beats the encoder.
 */
function writeText(id: string, bytes: Uint8Array, to: number): number {
  const length = id.length;
  if (length > KIND_TEXT_MAX) return id.isWellFormed() ? -1 : -2;
  for (let i = 0; i < length; i++) {
    const unit = id.charCodeAt(i);
    if (unit > 127) return writeEncoded(id, bytes, to);
    bytes[to + i] = unit;
  }
  return length;
}

function writeEncoded(id: string, bytes: Uint8Array, to: number): number {
  if (!id.isWellFormed()) return -2;
  const encoded = encoder.encode(id);
  if (encoded.length > KIND_TEXT_MAX) return -1;
  bytes.set(encoded, to);
  return encoded.length;
}

/**
 * Writes an id: its 16-byte key at `key`, and its bytes at `text` where the kind asks for them. Returns the kind,
 * one of those that are no ids where the string is empty, too long or not well-formed.
 *
 * `bytes` is the whole shared memory. `text` has room for 64 bytes, `key` is zeroed or overwritten as a whole.
 */
export function writeId(kernel: Kernel, bytes: Uint8Array, id: string, key: number, text: number): number {
  const length = id.length;
  if (length <= KIND_INLINE_MAX) {
    // The common case without a call: short ASCII straight into the key.
    let i = 0;
    for (; i < length; i++) {
      const unit = id.charCodeAt(i);
      if (unit > 127) break;
      bytes[key + i] = unit;
    }
    if (i === length) {
      for (; i < 16; i++) bytes[key + i] = 0;
      return length;
    }
  }
  const byteLength = writeText(id, bytes, text);
  if (byteLength > 0) return kernel.readKey(text, byteLength, key);
  return byteLength === 0 ? KIND_NONE : byteLength === -1 ? KIND_TOO_LONG : KIND_NOT_UTF8;
}

const HEXADECIMAL = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

/** The id whose key is at `key` and whose bytes, for kinds 17–64, are at `text`. Empty for kinds that are no ids. */
export function readId(bytes: Uint8Array, kind: number, key: number, text: number): string {
  if (!isIdKind(kind)) return "";
  if (kind === KIND_UUID) {
    let id = "";
    for (let octet = 0; octet < 16; octet++) {
      if (octet === 4 || octet === 6 || octet === 8 || octet === 10) id += "-";
      id += HEXADECIMAL[bytes[key + octet]!]!;
    }
    return id;
  }
  const from = isHashKind(kind) ? text : key;
  // The decoder refuses shared memory, so the bytes are copied first.
  return decoder.decode(bytes.slice(from, from + kind));
}

/** Slot of the account with this id, or undefined. Uses the scratch words of the coordinator's thread. */
export function findAccountSlot(kernel: Kernel, bytes: Uint8Array, id: string): number | undefined {
  const kind = writeId(kernel, bytes, id, KEY_SCRATCH, TEXT_SCRATCH);
  if (!isIdKind(kind)) return undefined;
  const slot = kernel.findAccountByKey(KEY_SCRATCH, kind, TEXT_SCRATCH) >>> 0;
  return slot === NO_SLOT ? undefined : slot;
}
