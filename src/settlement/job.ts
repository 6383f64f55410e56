/** What names a run over a file, and the ids of opening balances. */
import { createHash, randomUUID } from "node:crypto";
import { derivedId, type Job, jobOfName } from "../core/job.js";
import type { FileSource } from "./input-window.js";

const READ_SIZE = 1024 * 1024;

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
export async function jobNameOfFile(file: FileSource): Promise<string> {
  const source = file.again();
  const hash = createHash("sha256");
  const block = Buffer.alloc(READ_SIZE);
  for (let count = await source.read(block); count > 0; count = await source.read(block)) {
    hash.update(block.subarray(0, count));
  }
  return `file-${hash.digest("hex").slice(0, 32)}`;
}
