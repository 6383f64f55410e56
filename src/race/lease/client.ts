/**
 * A client of the race for an expired lock: a process of its own, so that it can be stopped like any other, that does
 * what it is told, one step a message, and reports each.
 */
import { readSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { connectRedis, openPostgresPool, type RedisClient } from "../../servers/clients.js";
import { type FencedLease, releaseFenced, tryAcquireFenced } from "../../strategies/redis/fenced-lock.js";
import { now } from "../timeline.js";
import { type Access, GUARDS, type Guard, type Reading } from "./guards.js";
import {
  type ClientCommand,
  type ClientEvent,
  type ClientOptions,
  RELEASE_PIPE,
  type StampedEvent,
} from "./protocol.js";

const POLL_MS = 5;

/** Reports to the coordinator; resolves when the report is on its way. */
function say(event: ClientEvent): Promise<void> {
  const stamped: StampedEvent = { ...event, at: now() };
  return new Promise((resolve) => process.send!(stamped, () => resolve()));
}

/** What the client knows after reading. */
interface Position {
  readonly guard: Guard;
  readonly access: Access;
  readonly lease: FencedLease | undefined;
  readonly seen: Reading | undefined;
}

class Client {
  readonly #pool: Pool;
  readonly #redis: RedisClient;
  #position: Position | undefined;

  constructor(pool: Pool, redis: RedisClient) {
    this.#pool = pool;
    this.#redis = redis;
  }

  async obey(command: ClientCommand): Promise<void> {
    if (command.do === "read") return this.#read(command);
    if (command.do === "block") return block();
    return this.#withdraw(BigInt(command.amount));
  }

  async #read({ guard: name, table, leaseMs }: Extract<ClientCommand, { do: "read" }>): Promise<void> {
    const guard = GUARDS[name];
    const lease = guard.takesLock ? await this.#lock(table, leaseMs) : undefined;
    const access = { pool: this.#pool, table, fence: lease?.fence ?? 0 };
    const seen = await guard.read(access);
    this.#position = { guard, access, lease, seen };
    await say({ event: "read", balance: seen?.balance });
  }

  async #lock(resource: string, leaseMs: number): Promise<FencedLease> {
    for (;;) {
      const lease = await tryAcquireFenced(this.#redis, resource, leaseMs);
      if (lease !== undefined) {
        await say({ event: "locked", fence: lease.fence });
        return lease;
      }
      await sleep(POLL_MS);
    }
  }

  async #withdraw(amount: bigint): Promise<void> {
    const { guard, access, lease, seen } = this.#position!;
    const isEnough = seen !== undefined && BigInt(seen.balance) >= amount;
    const balance = isEnough ? await guard.withdraw(access, amount, seen) : undefined;
    await say({ event: "withdrew", balance });
    if (lease !== undefined) await say({ event: "released", wasHeld: await releaseFenced(this.#redis, lease) });
    await say({ event: "done" });
  }
}

/** A synchronous call that takes long: no timer, no answer and no message gets through until it returns. */
async function block(): Promise<void> {
  await say({ event: "blocked" });
  readSync(RELEASE_PIPE, new Uint8Array(1));
}

/** Connects, says so, and obeys until the coordinator is gone. */
export async function serveRace({ postgresUrl, redisUrl, companion }: ClientOptions): Promise<void> {
  process.once("disconnect", () => {
    if (companion !== undefined) kill(companion);
    process.exit();
  });
  const client = new Client(await openPostgresPool(postgresUrl, 1), await connectRedis(redisUrl));
  let previous = Promise.resolve();
  process.on("message", (command: ClientCommand) => {
    previous = previous
      .then(() => client.obey(command))
      .catch((error: unknown) =>
        say({ event: "failed", message: error instanceof Error ? error.message : String(error) }),
      );
  });
  await say({ event: "ready" });
}

function kill(id: number): void {
  try {
    process.kill(id, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
