/** What runs in an arena is audited: whatever is wrong with the accounts afterwards is found. */
import { beforeAll, describe, expect, it } from "vitest";
import { Arena } from "../../../src/compare/arena.js";
import { booksBetween } from "../../../src/compare/books.js";
import { makeWorkload } from "../../../src/compare/workload.js";
import * as layout from "../../../src/core/layout.js";
import { partitioned } from "../../../src/strategies/memory/partitioned.js";
import { serial } from "../../../src/strategies/memory/serial.js";
import { MEMORY_STRATEGIES } from "../../../src/strategies/memory/strategies.js";

const TRANSFERS = 2_000;
const NOTHING = { durationMs: 1, ok: 0, refused: 0, conflicts: 0 };

describe("an arena", () => {
  const workload = makeWorkload({ contention: "zipfian", accounts: 10, transfers: TRANSFERS, seed: 2, opening: 500 });
  let arena: Arena;
  beforeAll(async () => {
    arena = await Arena.open(workload, 2);
    return () => arena.close();
  });

  /** Adds to one of an account's totals behind the strategies' backs. */
  function tamper(account: number, field: number, amount: bigint): () => Promise<typeof NOTHING> {
    return async () => {
      const { view } = arena.memory;
      const address = arena.memory.account(account) + field;
      view.setBigUint64(address, view.getBigUint64(address, true) + amount, true);
      return NOTHING;
    };
  }

  it("finds nothing wrong where nothing was done", async () => {
    expect(await arena.audited(0, async () => NOTHING)).toMatchObject({
      appeared: 0,
      overdrawn: 0,
      versions: 0,
      changes: 0,
    });
  });

  it("finds money that appears, and money that vanishes", async () => {
    expect(await arena.audited(0, tamper(3, layout.AC_CREDITS_POSTED, 7n))).toMatchObject({
      appeared: 7,
      overdrawn: 0,
    });
    expect(await arena.audited(0, tamper(3, layout.AC_DEBITS_POSTED, 7n))).toMatchObject({
      appeared: -7,
      overdrawn: 0,
    });
  });

  it("finds an account below zero, and by how much", async () => {
    const debit = BigInt(workload.openings[4]! + 9);
    expect(await arena.audited(0, tamper(4, layout.AC_DEBITS_POSTED, debit))).toMatchObject({
      overdrawn: 1,
      overdrawnBy: 9,
    });
  });

  it("finds a change that a version counted and nobody made", async () => {
    expect(await arena.audited(0, tamper(5, layout.AC_VERSION, 1n))).toMatchObject({ versions: 1, changes: 0 });
  });

  it("starts every run from the same accounts: serial comes to the same twice, and partitioned to the same as serial", async () => {
    const first = await arena.runThreads(serial, 1, TRANSFERS);
    const again = await arena.runThreads(serial, 1, TRANSFERS);
    const batched = await arena.runThreads(partitioned, 2, TRANSFERS);
    expect(first.refused).toBeGreaterThan(0);
    for (const { ok, refused, versions } of [again, batched]) {
      expect({ ok, refused, versions }).toEqual({ ok: first.ok, refused: first.refused, versions: 2 * first.ok });
    }
  });

  it.for(MEMORY_STRATEGIES)(
    "runs $name on the event loop after threads, and gives every operation an outcome",
    async (strategy) => {
      await arena.runThreads(strategy, 2, TRANSFERS);
      const { ok, refused } = await arena.runEventLoop(strategy, 10, TRANSFERS);
      expect(ok + refused).toBe(TRANSFERS);
    },
  );
});

describe("books of any bank", () => {
  const account = (balance: bigint, version: bigint) => ({ balance, version, limited: true });

  it("are what has changed since they were read before", () => {
    const before = [account(5n, 3n), account(10n, 4n)];
    const after = [account(-2n, 4n), account(18n, 5n)];
    expect(booksBetween(before, after, 2)).toEqual({
      appeared: 1,
      overdrawn: 1,
      overdrawnBy: 2,
      versions: 2,
      changes: 2,
    });
  });

  it("allow a range of changes where the order decides how many there are, and nothing outside it", () => {
    const books = (versions: bigint, least: number, most: number): number =>
      booksBetween([account(0n, 0n)], [account(0n, versions)], [least, most]).changes;
    expect(books(3n, 2, 4)).toBe(3);
    expect(books(1n, 2, 4)).toBe(2);
    expect(books(9n, 2, 4)).toBe(4);
  });
});
