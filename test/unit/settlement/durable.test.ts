/** A results file never says what is not on disk. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { openEngine } from "../../../src/engine/open.js";
import { Ledger } from "../../../src/index.js";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import { read, temporaryFolder } from "../../support/cli.js";
import { generateJob } from "../../support/generate.js";
import { intercept } from "../../support/ledgers.js";

const ROWS = 40_000;
const HEADER = "row,id,result,sequence\n";

it.for(["parallel", "event-loop"] as const)(
  "rows reach the results file after their commit, in order (%s)",
  async (mode) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "transfers.csv"), generateJob(50, ROWS).transfers);
    const opened = await openSqliteStore(join(folder, "l.db"));
    // Every commit waits until it is let through.
    const waiting: (() => void)[] = [];
    let committed = 0;
    const store = intercept(opened, {
      commit: async (group) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        await opened.commit(group);
        committed++;
      },
    });
    const capacities = { accounts: 50_000, transfers: 100_000, contexts: 4, input: 8 << 20 };
    const ledger = new Ledger(await openEngine(store, { mode, workers: 2, capacities }), store);
    const progress: number[] = [];
    let ended = false;
    const settling = ledger
      .settleFile({
        transfers: join(folder, "transfers.csv"),
        columns: { id: "reference", debit: "from", credit: "to", amount: "amount" },
        asset: "USD",
        createAccounts: "unlimited",
        results: join(folder, "results.csv"),
        onProgress: ({ rows }) => progress.push(rows),
      })
      .finally(() => {
        ended = true;
      });
    const partial = (): string => read(folder, "results.csv.partial");
    while (waiting.length === 0 && !ended) await sleep(1);
    await sleep(100);
    expect(ledger.transferCount).toBeGreaterThan(0);
    expect(partial()).toBe(HEADER);
    expect(progress).toEqual([]);
    waiting.shift()!();
    while (committed === 0 && !ended) await sleep(1);
    while (!ended && partial() === HEADER) await sleep(1);
    // What the first group held, and nothing of the next one, which waits.
    await sleep(50);
    const first = partial().slice(HEADER.length).split("\n").slice(0, -1);
    expect(first.length).toBeLessThan(ROWS);
    expect(first[0]).toMatch(/^1,payment-1,/);
    expect(Number(first.at(-1)!.split(",")[0])).toBe(progress.at(-1));
    while (!ended) {
      waiting.shift()?.();
      await sleep(1);
    }
    expect((await settling).transfers).toBe(ROWS);
    const whole = read(folder, "results.csv").slice(HEADER.length).split("\n");
    expect(whole.length).toBe(ROWS + 1);
    expect(whole.slice(0, first.length)).toEqual(first);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    waiting.forEach((go) => void go());
    const closing = ledger.close();
    const pump = setInterval(() => waiting.splice(0).forEach((go) => void go()), 1);
    await closing;
    clearInterval(pump);
  },
);
