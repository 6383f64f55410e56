/**
 * A lock on one Redis: `SET key token NX PX lease` takes it, a script that compares the token before it deletes the key
 * lets it go. (The recipe: https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/)
 *
 * The script matters: a holder whose lease ran out would otherwise delete the lock of the one who came after.
 *
 * Cautions. The lock ends by time, the work does not. A holder that is paused longer than its lease (garbage collection,
 * a blocked event loop, a stopped virtual machine, a slow disk) wakes up believing in a lock that is another's by then,
 * and nothing in the lock can tell it so before it writes; looking at the clock first moves the gap and does not close
 * it. Martin Kleppmann's article on this is https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html:
 * a lock with a lease is fine where two holders at once cost some work done twice; where they cost correctness, the
 * resource itself has to refuse the one that is late. And one Redis is one point of failure: restarted without its
 * data, or replaced by a replica that had not heard of the key yet, it gives the lock away a second time.
 *
 * So: a lock to save work. For money, a condition in the statement that writes (`atomic`, `optimistic`), and ids that
 * make a repetition harmless.
 */
import { randomUUID } from "node:crypto";
import { connectRedis, type RedisClient } from "../../servers/clients.js";
import type { Lease, LeaseLock } from "./lease.js";

const RELEASE = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`;

/** Sets the key where nobody has it. True where it is set now. */
export async function setKey(client: RedisClient, { resource, token }: Key, leaseMs: number): Promise<boolean> {
  const expiration = { type: "PX", value: leaseMs } as const;
  return (await client.set(resource, token, { condition: "NX", expiration })) === "OK";
}

/** Deletes the key where it still holds the token. True where it did. */
export async function deleteKey(client: RedisClient, { resource, token }: Key): Promise<boolean> {
  return (await client.eval(RELEASE, { keys: [resource], arguments: [token] })) === 1;
}

type Key = Pick<Lease, "resource" | "token">;

class RedisLock implements LeaseLock {
  readonly #client: RedisClient;
  readonly #leaseMs: number;

  constructor(client: RedisClient, leaseMs: number) {
    this.#client = client;
    this.#leaseMs = leaseMs;
  }

  async tryAcquire(resource: string): Promise<Lease | undefined> {
    // From before the question: the server's lease begins later, so ours never ends after it.
    const validUntil = performance.now() + this.#leaseMs;
    const lease = { resource, token: randomUUID(), validUntil };
    return (await setKey(this.#client, lease, this.#leaseMs)) ? lease : undefined;
  }

  release(lease: Lease): Promise<boolean> {
    return deleteKey(this.#client, lease);
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }
}

/** Opens a lock on one Redis, with leases of `leaseMs` milliseconds. */
export async function openRedisLock(url: string, leaseMs: number): Promise<LeaseLock> {
  return new RedisLock(await connectRedis(url), leaseMs);
}
