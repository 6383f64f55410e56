/**
 * A lock on one Redis whose holders are numbered: each acquisition gets a fencing token, greater than every earlier
 * one. (The idea: https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html)
 *
 * The token is for the resource, not for the lock: a resource that remembers the greatest token it has met refuses
 * whoever comes with a smaller one. Key and number are set in one script; a client that was paused between two commands
 * would otherwise get a number that belongs behind its successor's.
 *
 * Cautions. The numbers grow as long as Redis keeps its data; one that restarts empty begins again at 1. A resource that
 * compares tokens only when it is written to lets a late holder in whose write comes before the successor's: it has to
 * meet the token when it is read, too. And a resource that can do all that can also compare a version, which needs
 * neither the lock nor the token.
 */
import { randomUUID } from "node:crypto";
import type { RedisClient } from "../../servers/clients.js";
import { deleteKey } from "./lock.js";

/** A lock held, and the holder's number. */
export interface FencedLease {
  readonly resource: string;
  readonly token: string;
  readonly fence: number;
}

const ACQUIRE = `
  if redis.call("SET", KEYS[1], ARGV[1], "NX", "PX", ARGV[2]) then return redis.call("INCR", KEYS[2]) end
  return 0`;

/** Takes the lock for `leaseMs` milliseconds, or says at once that another has it. */
export async function tryAcquireFenced(
  client: RedisClient,
  resource: string,
  leaseMs: number,
): Promise<FencedLease | undefined> {
  const token = randomUUID();
  const options = { keys: [resource, fenceKeyOf(resource)], arguments: [token, String(leaseMs)] };
  const fence = Number(await client.eval(ACQUIRE, options));
  return fence === 0 ? undefined : { resource, token, fence };
}

/** Lets go. False where the lock was no longer the holder's. */
export function releaseFenced(client: RedisClient, lease: FencedLease): Promise<boolean> {
  return deleteKey(client, lease);
}

/** Where a resource's last number is kept. It has no expiry: the number outlives the lock. */
export function fenceKeyOf(resource: string): string {
  return `${resource}:fence`;
}
