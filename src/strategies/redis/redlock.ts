/**
 * Redlock: the same lock on several Redis servers that know nothing of each other. It is held by whoever has set the key
 * on a majority of them in less time than the lease, so that any minority of the servers may be gone.
 * (The algorithm: https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/)
 *
 * The keys are set everywhere at once. What is left of the lease is the lease less the time that took, less what the
 * servers' clocks may drift apart meanwhile. Whoever gets no majority, or no time, lets go everywhere, also where the
 * answer never came: the key may have been set all the same.
 *
 * Cautions, from the exchange that every user should read: Martin Kleppmann
 * (https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html) and the author's answer
 * (http://antirez.com/news/101).
 * - Clocks. The servers count leases by their own clocks. One that jumps ahead, by an administrator or a time service,
 *   drops its key early, and a second client can then gather a majority. The answer: don't let clocks jump, slew them.
 * - Pauses. A client that is stopped between acquiring and writing has the same problem as with one server, and more
 *   servers don't shorten its pause. The answer: every lock that frees itself has it, and the time that acquiring took
 *   is checked. What comes after the check isn't.
 * - Fencing. A number that grows with each holder lets the resource refuse those who are late. The random token does
 *   not grow, and independent servers have no common counter; the answer is that a resource which can compare tokens
 *   and refuse can also do without the lock, which is an argument for what `optimistic` does.
 * - Partitions and restarts. A server that restarts without its data forgets a key within its lease, and may give the
 *   majority to a second client: it has to stay away for a lease first, or write every key to disk before answering.
 *
 * So: more available than one server, not more exclusive. The same advice holds: a lock to save work; for money, a
 * condition in the statement that writes.
 */
import { randomUUID } from "node:crypto";
import { LedgerError } from "../../core/errors.js";
import { connectRedis, type RedisClient } from "../../servers/clients.js";
import type { Lease, LeaseLock } from "./lease.js";
import { deleteKey, setKey } from "./lock.js";

const NODES_MIN = 3;
/** What two clocks may run apart, as a share of the lease, and what their ticks and the network add to it. */
const DRIFT_SHARE = 0.01;
const DRIFT_MS = 2;
/** A server that takes longer to answer than this share of the lease is not waited for. */
const ANSWER_SHARE = 0.2;

class Redlock implements LeaseLock {
  readonly #nodes: readonly RedisClient[];
  readonly #leaseMs: number;

  constructor(nodes: readonly RedisClient[], leaseMs: number) {
    this.#nodes = nodes;
    this.#leaseMs = leaseMs;
  }

  async tryAcquire(resource: string): Promise<Lease | undefined> {
    const drift = this.#leaseMs * DRIFT_SHARE + DRIFT_MS;
    const validUntil = performance.now() + this.#leaseMs - drift;
    const lease = { resource, token: randomUUID(), validUntil };
    const holders = await this.#count((node) => setKey(node, lease, this.#leaseMs));
    if (holders > this.#nodes.length / 2 && performance.now() < validUntil) return lease;
    await this.release(lease);
    return undefined;
  }

  async release(lease: Lease): Promise<boolean> {
    return (await this.#count((node) => deleteKey(node, lease))) > this.#nodes.length / 2;
  }

  /** On how many nodes the command did what it should; one that fails or is too slow did not. */
  async #count(command: (node: RedisClient) => Promise<boolean>): Promise<number> {
    const answers = this.#nodes.map((node) => inTime(command(node), this.#leaseMs * ANSWER_SHARE));
    return (await Promise.all(answers)).filter((did) => did).length;
  }

  async close(): Promise<void> {
    for (const node of this.#nodes) node.destroy();
  }
}

/** The answer, or false where it is an error or does not come in time. */
async function inTime(answer: Promise<boolean>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
  });
  try {
    return await Promise.race([answer.catch(() => false), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Opens a lock on independent Redis servers, at least three, with leases of `leaseMs` milliseconds. */
export async function openRedlock(urls: readonly string[], leaseMs: number): Promise<LeaseLock> {
  if (urls.length < NODES_MIN) {
    throw new LedgerError(
      "invalid_argument",
      `expected at least ${NODES_MIN} independent Redis servers, found ${urls.length}: a majority of fewer survives no failure`,
      { details: { nodes: urls.length } },
    );
  }
  const outcomes = await Promise.allSettled(urls.map(connectRedis));
  const nodes = outcomes.filter((outcome) => outcome.status === "fulfilled").map(({ value }) => value);
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return new Redlock(nodes, leaseMs);
  for (const node of nodes) node.destroy();
  throw failure.reason;
}
