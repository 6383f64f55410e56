/** What names a run over a file, and the ids of opening balances. */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { derivedId, type Job, jobOfName } from "../core/job.js";

/**
 * The job of a stream that nobody named: one of its own. What it holds is known only at its end, and a name that all
 * streams share would take a row that two of them have in the same place for the same row again.
 */
export function jobOfStream(): Job {
  return jobOfName(`stream-${randomUUID()}`);
}

/** The id of the transfer that opens an account: the same however often, and wherever, the balance is given. */
export function openingTransferId(asset: string, account: string): string {
  return derivedId(`opening\0${asset}\0${account}`);
}

/** The name of a file's job: the same for the same content, wherever the file lies. */
export async function jobNameOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(block as Buffer);
  return `file-${hash.digest("hex").slice(0, 32)}`;
}
