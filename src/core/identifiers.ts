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

/** Bytes that a text takes where texts are padded to 8. */
export function padded(byteLength: number): number {
  return (byteLength + 7) & ~7;
}

/** Whether a kind stands for an id at all. */
export function isIdKind(kind: number): boolean {
  return kind !== KIND_NONE && kind !== KIND_TOO_LONG && kind !== KIND_NOT_UTF8;
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

/** Writes ids into shared memory and looks accounts up by them, for one thread. */
export class Identifiers {
  readonly #kernel: Kernel;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;

  constructor(kernel: Kernel, memory: WebAssembly.Memory) {
    this.#kernel = kernel;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
  }

  /**
   * Writes an id: its 16-byte key at `key`, and its bytes at `text` where the kind asks for them. Returns the kind, one
   * of those that are no ids where the string is empty, too long (half a surrogate pair counts as three bytes, which is
   * what it would take) or not well-formed Unicode, in this order.
   *
   * Both addresses are multiples of 4; `text` has room for 64 bytes.
   */
  write(id: string, key: number, text: number): number {
    const { length } = id;
    if (length <= KIND_INLINE_MAX) {
      // The common case without a call: short ASCII straight into the key.
      if (this.#writeAscii(id, key)) {
        const end = (key + KIND_INLINE_MAX) >>> 2;
        for (let word = (key + length + 3) >>> 2; word < end; word++) this.#words[word] = 0;
        return length;
      }
    } else if (length <= KIND_TEXT_MAX && this.#writeAscii(id, text)) {
      return this.#kernel.readKey(text, length, key);
    }
    return this.#writeEncoded(id, key, text);
  }

  /** Writes the string four characters at a time. False where one is not ASCII; then the bytes are of no use. */
  #writeAscii(id: string, to: number): boolean {
    const words = this.#words;
    const { length } = id;
    let seen = 0;
    let word = to >>> 2;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      const first = id.charCodeAt(i);
      const second = id.charCodeAt(i + 1);
      const third = id.charCodeAt(i + 2);
      const fourth = id.charCodeAt(i + 3);
      seen |= first | second | third | fourth;
      words[word++] = first | (second << 8) | (third << 16) | (fourth << 24);
    }
    if (i < length) {
      let last = 0;
      for (let shift = 0; i < length; i++, shift += 8) {
        const unit = id.charCodeAt(i);
        seen |= unit;
        last |= unit << shift;
      }
      words[word] = last;
    }
    return seen < 128;
  }

  #writeEncoded(id: string, key: number, text: number): number {
    // In the order of checks. A character takes a byte at least, so no long string is encoded to be refused.
    if (id.length > KIND_TEXT_MAX) return KIND_TOO_LONG;
    const encoded = encoder.encode(id);
    if (encoded.length === 0) return KIND_NONE;
    if (encoded.length > KIND_TEXT_MAX) return KIND_TOO_LONG;
    if (!id.isWellFormed()) return KIND_NOT_UTF8;
    this.#bytes.set(encoded, text);
    return this.#kernel.readKey(text, encoded.length, key);
  }

  /** Slot of the account with this id, or undefined. For the coordinator's thread, whose scratch words it uses. */
  findAccount(id: string): number | undefined {
    const kind = this.write(id, KEY_SCRATCH, TEXT_SCRATCH);
    if (!isIdKind(kind)) return undefined;
    const slot = this.#kernel.findAccountByKey(KEY_SCRATCH, kind, TEXT_SCRATCH) >>> 0;
    return slot === NO_SLOT ? undefined : slot;
  }
}
