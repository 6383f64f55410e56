/** The bytes of accounts' ids in shared memory, and the order they give, without making a string of any id. */
import { isHashKind } from "./identifiers.js";
import * as layout from "./layout.js";

/** Where the accounts lie in memory: addresses of the hot table, the cold one and the region of long ids' text. */
export interface AccountRegions {
  readonly accounts: number;
  readonly accountsCold: number;
  readonly text: number;
}

/** Bytes that one pass sorts by: with the slot's 24 bits they fill one 64-bit word. */
const PASS_BYTES = 5;
const SLOT_BITS = 24;
/** Fewer slots than this are put in order one by one. */
const FEW = 12;

const HYPHEN = 45;
/** By position in a UUID's text, which half of its octets' hexadecimal digits stands there; -1 for a hyphen. */
const UUID_DIGITS = Int8Array.from({ length: layout.UUID_TEXT_LENGTH }, (_, position) =>
  [8, 13, 18, 23].includes(position) ? -1 : position - [8, 13, 18, 23].filter((hyphen) => hyphen < position).length,
);
const HEXADECIMAL = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

/** Ids by slot. Reads are valid for slots that exist; an id never changes. */
export class IdBytes {
  readonly #regions: AccountRegions;
  readonly #bytes: Uint8Array;
  readonly #units: Uint32Array;

  constructor(memory: SharedArrayBuffer, regions: AccountRegions) {
    this.#regions = regions;
    this.#bytes = new Uint8Array(memory);
    this.#units = new Uint32Array(memory);
  }

  /** Byte length of the id as text. */
  length(slot: number): number {
    const kind = this.#kind(slot);
    return kind === layout.KIND_UUID ? layout.UUID_TEXT_LENGTH : kind;
  }

  /** Copies the id's text to `target` from `at` on; returns its byte length. */
  copy(slot: number, target: Uint8Array, at: number): number {
    const kind = this.#kind(slot);
    const start = this.#start(slot, kind);
    const length = this.length(slot);
    for (let position = 0; position < length; position++) target[at + position] = this.#byteAt(kind, start, position);
    return length;
  }

  #hot(slot: number): number {
    return this.#regions.accounts + slot * layout.ACCOUNT_SIZE;
  }

  #kind(slot: number): number {
    return this.#bytes[this.#hot(slot) + layout.AC_ID_KIND]!;
  }

  /** Address of the id's bytes; of a UUID, that of its octets. */
  #start(slot: number, kind: number): number {
    if (!isHashKind(kind)) return this.#hot(slot) + layout.AC_KEY;
    const { accountsCold, text } = this.#regions;
    return text + this.#units[(accountsCold + slot * layout.ACCOUNT_COLD_SIZE + layout.AO_ID_TEXT) >>> 2]!;
  }

  /** The byte at `position` of the text of an id of this kind at `start`, zero behind its end. */
  #byteAt(kind: number, start: number, position: number): number {
    if (kind === layout.KIND_UUID) return this.#uuidByteAt(start, position);
    return position < kind ? this.#bytes[start + position]! : 0;
  }

  #uuidByteAt(key: number, position: number): number {
    if (position >= layout.UUID_TEXT_LENGTH) return 0;
    const digit = UUID_DIGITS[position]!;
    if (digit < 0) return HYPHEN;
    const octet = this.#bytes[key + (digit >> 1)]!;
    return HEXADECIMAL[(digit & 1) === 0 ? octet >> 4 : octet & 15]!;
  }

  /** The slots from 0 to `count` − 1 in the order of their ids' bytes. Takes 12 bytes a slot meanwhile. */
  slotsInOrder(count: number): Uint32Array {
    const slots = new Uint32Array(count);
    for (let slot = 0; slot < count; slot++) slots[slot] = slot;
    this.#sort(slots, new BigUint64Array(count), 0, count, 0);
    return slots;
  }

  /**
   * Sorts the slots `from`…`to` − 1, whose ids agree in the bytes before `depth`: by the next bytes, as words that the
   * engine sorts natively, then each group that agrees in those as well. `words` is scratch, used at the same places.
   */
  #sort(slots: Uint32Array, words: BigUint64Array, from: number, to: number, depth: number): void {
    if (to - from <= FEW || depth >= layout.KIND_TEXT_MAX) {
      this.#sortFew(slots, from, to, depth);
      return;
    }
    const units = new Uint32Array(words.buffer);
    if (this.#writeWords(slots, units, from, to, depth)) {
      this.#sort(slots, words, from, to, depth + PASS_BYTES);
      return;
    }
    words.subarray(from, to).sort();
    for (let i = from; i < to; i++) slots[i] = units[2 * i]! & (2 ** SLOT_BITS - 1);
    let group = from;
    for (let i = from + 1; i <= to; i++) {
      const isSame =
        i < to &&
        units[2 * i + 1] === units[2 * group + 1] &&
        units[2 * i]! >>> SLOT_BITS === units[2 * group]! >>> SLOT_BITS;
      if (isSame) continue;
      // Only words before `i` are overwritten, and those have been read.
      if (i - group > 1) this.#sort(slots, words, group, i, depth + PASS_BYTES);
      group = i;
    }
  }

  /** Writes a word a slot: five bytes of the id, then the slot. Returns whether all ids agree in those bytes. */
  #writeWords(slots: Uint32Array, units: Uint32Array, from: number, to: number, depth: number): boolean {
    let differences = 0;
    for (let i = from; i < to; i++) {
      const slot = slots[i]!;
      const kind = this.#kind(slot);
      const start = this.#start(slot, kind);
      const high =
        (this.#byteAt(kind, start, depth) << 24) |
        (this.#byteAt(kind, start, depth + 1) << 16) |
        (this.#byteAt(kind, start, depth + 2) << 8) |
        this.#byteAt(kind, start, depth + 3);
      const fifth = this.#byteAt(kind, start, depth + 4);
      units[2 * i] = (fifth << SLOT_BITS) | slot;
      units[2 * i + 1] = high;
      differences |= (units[2 * i + 1]! ^ units[2 * from + 1]!) | (fifth ^ (units[2 * from]! >>> SLOT_BITS));
    }
    return differences === 0;
  }

  #sortFew(slots: Uint32Array, from: number, to: number, depth: number): void {
    for (let i = from + 1; i < to; i++) {
      const slot = slots[i]!;
      let place = i;
      while (place > from && this.#compare(slot, slots[place - 1]!, depth) < 0) {
        slots[place] = slots[place - 1]!;
        place--;
      }
      slots[place] = slot;
    }
  }

  /** Order of two ids that agree in the bytes before `depth`. */
  #compare(a: number, b: number, depth: number): number {
    const kindA = this.#kind(a);
    const kindB = this.#kind(b);
    const startA = this.#start(a, kindA);
    const startB = this.#start(b, kindB);
    for (let position = depth; position < layout.KIND_TEXT_MAX; position++) {
      const difference = this.#byteAt(kindA, startA, position) - this.#byteAt(kindB, startB, position);
      if (difference !== 0) return difference;
    }
    // An id that ends where the other has zero bytes is its beginning, and comes first.
    return this.length(a) - this.length(b);
  }
}
