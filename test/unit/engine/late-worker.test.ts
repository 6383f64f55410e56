/**
 * A batch is over when its first worker says so; another may still be on its way through the stages. The context must
 * not be filled again before it has left: it would number and apply records that nobody has looked at yet.
 */
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { BatchResults } from "../../../src/core/batch.js";
import { openParts, temporaryFolder } from "../../support/ledgers.js";
import { fill, turn } from "./support.js";

/** Tasks of the pool, in the order they are handed out, whose start is held back until they are let go. */
const schedule = vi.hoisted(() => ({ held: new Set<number>(), started: 0, release: [] as (() => void)[] }));

vi.mock("piscina", async (original) => {
  const piscina = await original<typeof import("piscina")>();
  class HeldPiscina extends piscina.Piscina {
    override async run(...task: Parameters<InstanceType<typeof piscina.Piscina>["run"]>): Promise<unknown> {
      if (schedule.held.has(schedule.started++)) await new Promise<void>((resolve) => schedule.release.push(resolve));
      return super.run(...task);
    }
  }
  return { ...piscina, Piscina: HeldPiscina };
});

const pay = (id: string) => ({ id, debit: "bank", credit: "shop", amount: 1n });

test.each([
  { name: "whose ids are new", ids: ["two", "three"], expected: ["ok 2", "ok 3"] },
  { name: "that had to ask the journal about ids", ids: ["one", "two"], expected: ["exists 1", "ok 2"] },
])(
  "the context of a batch $name is not filled again while a worker may still look at it",
  async ({ ids, expected }) => {
    const path = join(temporaryFolder(), "ledger.db");
    const first = await openParts(path, { workers: 2 });
    await first.ledger.createAccounts([
      { id: "bank", asset: "USD" },
      { id: "shop", asset: "USD" },
    ]);
    await first.ledger.createTransfers([pay("one")]);
    await first.ledger.close();

    const { ledger, engine } = await openParts(path, { workers: 2 });
    const writer = await fill(engine, ids.map(pay));
    // The first worker begins at once, the second one late.
    schedule.held.add(schedule.started + 1);
    const executed = engine.execute(writer.context, { slices: 1 }).then(({ durable }) => {
      const results = new BatchResults(engine.bytes, writer.context, writer.count);
      engine.releaseContext(writer.context);
      return durable.then(() => results);
    });
    while (schedule.release.length === 0) await turn(1);
    await turn(50);

    const taken: number[] = [];
    const acquiring = Array.from({ length: engine.plan.contextCount }, () =>
      engine.acquireContext().then((context) => taken.push(context)),
    );
    await turn(20);
    expect(taken).not.toContain(writer.context);
    expect(taken).toHaveLength(engine.plan.contextCount - 1);

    schedule.release.shift()!();
    const results = await executed;
    await Promise.all(acquiring);
    expect(taken).toContain(writer.context);
    for (const context of taken) engine.releaseContext(context);
    expect(ids.map((_, i) => `${results.result(i)} ${results.sequence(i)}`)).toEqual(expected);
    expect((await ledger.createTransfers([pay("after")]))[0]!.result).toBe("ok");
  },
);

test("closing lets a call finish that waits for a context which a late worker still looks at", async () => {
  const { ledger } = await openParts(":memory:", { workers: 2 });
  await ledger.createAccounts([
    { id: "bank", asset: "USD" },
    { id: "shop", asset: "USD" },
  ]);
  // All contexts but one are being filled.
  await Promise.all([ledger.batch(), ledger.batch(), ledger.batch()]);
  schedule.held.add(schedule.started + 1);
  await ledger.createTransfers([pay("one")]);
  const waiting = ledger.createTransfers([pay("two")]);
  const closing = ledger.close();
  setTimeout(() => schedule.release.shift()!(), 20);
  expect((await waiting)[0]!.result).toBe("ok");
  await closing;
});
