/** Jobs: what names a run over a file, and the ids that its rows get where the file has none. */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";

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

/**
 * The job of a stream that nobody named: one of its own. What it holds is known only at its end, and a name that all
 * streams share would take a row that two of them have in the same place for the same row again.
 */
export function jobOfStream(): Job {
  return jobOfName(`stream-${randomUUID()}`);
}

/** A version 8 UUID (RFC 9562) with the first 122 free bits of the octets given. */
function uuidOctets(octets: Uint8Array): Uint8Array {
  const uuid = Uint8Array.from(octets.subarray(0, 16));
  uuid[6] = (uuid[6]! & 0x0f) | 0x80;
  uuid[8] = (uuid[8]! & 0x3f) | 0x80;
  return uuid;
}

/** The id of the transfer that opens an account: the same however often, and wherever, the balance is given. */
export function openingTransferId(asset: string, account: string): string {
  const octets = uuidOctets(createHash("sha256").update(`parallel-ledger opening\0${asset}\0${account}`).digest());
  const text = Buffer.from(octets).toString("hex");
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}

/** The name of a file's job: the same for the same content, wherever the file lies. */
export async function jobNameOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(block as Buffer);
  return `file-${hash.digest("hex").slice(0, 32)}`;
}
