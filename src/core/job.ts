/** Jobs by their names, and ids that follow from texts. */
import { createHash } from "node:crypto";

/** A job's name and what is derived from it. */
export interface Job {
  readonly name: string;
  /** 64-bit halves of the name's hash, as journal chunks carry it. */
  readonly low: bigint;
  readonly high: bigint;
  /** 32 hexadecimal digits: the low half, then the high one. */
  readonly hash: string;
  /** 16 octets of a UUID whose last five are free for the row. */
  readonly idPrefix: Uint8Array;
}

/** The job of this name, 1–128 bytes. */
export function jobOfName(name: string): Job {
  const digest = createHash("sha256").update(`parallel-ledger job\0${name}`).digest();
  const low = digest.readBigUInt64LE(0);
  const high = digest.readBigUInt64LE(8);
  const hexadecimal = (word: bigint): string => word.toString(16).padStart(16, "0");
  const idPrefix = uuidOctets(digest.subarray(16));
  idPrefix.fill(0, 11);
  return { name, low, high, hash: hexadecimal(low) + hexadecimal(high), idPrefix };
}

/** A version 8 UUID (RFC 9562) with the first 122 free bits of the octets given. */
function uuidOctets(octets: Uint8Array): Uint8Array {
  const uuid = Uint8Array.from(octets.subarray(0, 16));
  uuid[6] = (uuid[6]! & 0x0f) | 0x80;
  uuid[8] = (uuid[8]! & 0x3f) | 0x80;
  return uuid;
}

/** The id that follows from a text, which says what it is for: a version 8 UUID of its hash. */
export function derivedId(text: string): string {
  const octets = uuidOctets(createHash("sha256").update(`parallel-ledger ${text}`).digest());
  const digits = Buffer.from(octets).toString("hex");
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}
