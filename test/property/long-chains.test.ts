/** Chains that take more than a batch, in files: they end as the model says, in whatever way the file is settled. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Ledger, LedgerOptions, SettleFileSummary } from "../../src/index.js";
import { read } from "../support/cli.js";
import { makeTransfers, openLedgerHere, RUNS_MS_MAX, runsOf, temporaryFolder } from "../support/ledgers.js";
import { ACCOUNTS, COLUMNS, csvOf, ndjsonOf, type Plan, plans, rowsOfPlan } from "../support/long-chains.js";
import { Model, type ModelResult } from "../support/model.js";

const WAYS: readonly { readonly options: LedgerOptions; readonly isJson?: boolean; readonly atomic?: boolean }[] = [
  { options: { mode: "event-loop" } },
  { options: { workers: 1 }, isJson: true },
  { options: { workers: 2 } },
  { options: { workers: 3 }, isJson: true, atomic: true },
];

async function withLedger<T>(options: LedgerOptions, action: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await openLedgerHere(":memory:", { ...options, capacity: { accounts: 100, transfers: 300_000 } });
  try {
    await ledger.createAccounts(ACCOUNTS);
    return await action(ledger);
  } finally {
    await ledger.close();
  }
}

interface Settled {
  readonly summary: SettleFileSummary;
  readonly lines: readonly string[];
}

async function settle(ledger: Ledger, folder: string, file: string, atomic = false): Promise<Settled> {
  const results = join(folder, "results.csv");
  const more = { transfers: join(folder, file), columns: COLUMNS, asset: "JPY", job: "job", results, atomic };
  const { durationMs: _, ...summary } = await ledger.settleFile(more);
  return { summary: { ...summary, durationMs: 0 }, lines: read(folder, "results.csv").split("\n").slice(1, -1) };
}

function linesOf(ids: readonly string[], results: readonly ModelResult[]): string[] {
  return results.map(({ result, sequence }, index) => {
    const id = ids[index]!;
    const field = /[",]/.test(id) ? `"${id.replaceAll('"', '""')}"` : id;
    return `${index + 1},${field},${result},${sequence === 0 ? "" : sequence}`;
  });
}

/** An atomic job of which not every row was ok: what was made was not. */
function refused(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line.replace(/,(\w+),\d+$/, (_, result) => `,${result === "ok" ? "linked_event_failed" : result},`),
  );
}

/** The first line that differs, because printing tens of thousands helps nobody. */
function expectSame(found: readonly string[], expected: readonly string[], what: string): void {
  for (const [index, line] of expected.entries()) {
    if (found[index] !== line) expect(found[index], what).toBe(line);
  }
  expect(found.length, what).toBe(expected.length);
}

const EXAMPLES: readonly Plan[] = [
  {
    chains: [
      { legs: 33_000, fate: "made", place: "last" },
      { legs: 17_000, fate: "twin of a post", place: "last" },
    ],
    open: 0,
  },
  {
    chains: [
      { legs: 33_000, fate: "refused", place: "last" },
      { legs: 3, fate: "made", place: "last" },
    ],
    open: 0,
  },
  { chains: [{ legs: 40_000, fate: "twin behind", place: "second" }], open: 0 },
  { chains: [{ legs: 20_000, fate: "twin of the refused", place: "middle" }], open: 17_000 },
];

test("a chain of any length in a file ends as the model says", { timeout: RUNS_MS_MAX }, async () => {
  const folder = temporaryFolder();
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(plans, fc.nat(1), async (plan, half) => {
      const rows = rowsOfPlan(plan);
      const model = new Model(["JPY"]);
      for (const account of ACCOUNTS) model.createAccount(account);
      const before = model.digest();
      const expected = model.createTransfers(rows);
      const lines = linesOf(
        rows.map(({ id }) => id),
        expected,
      );
      for (const { result } of expected) seen.add(result);
      writeFileSync(join(folder, "t.csv"), csvOf(rows));
      writeFileSync(join(folder, "t.ndjson"), ndjsonOf(rows));
      const isGood = expected.every(({ result }) => result === "ok");
      // Half of the ways: a plan of tens of thousands of rows takes a second in each.
      for (const { options, isJson, atomic } of WAYS.filter((_, way) => way % 2 === half)) {
        const what = JSON.stringify({ plan, options, isJson, atomic });
        const isRefused = atomic === true && !isGood;
        await withLedger(options, async (ledger) => {
          const file = isJson === true ? "t.ndjson" : "t.csv";
          const first = await settle(ledger, folder, file, atomic);
          expectSame(first.lines, isRefused ? refused(lines) : lines, what);
          expect(ledger.digest(), what).toBe(isRefused ? before : model.digest());
          expect(ledger.transferCount, what).toBe(isRefused ? 0 : model.transferCount);
          const again = await settle(ledger, folder, file, atomic);
          expectSame(again.lines, first.lines, `again: ${what}`);
          expect(again.summary.results, what).toEqual(first.summary.results);
          expect(again.summary.replayed, what).toBe(isRefused ? first.summary.replayed : model.transferCount);
          expect(ledger.digest(), what).toBe(isRefused ? before : model.digest());
        });
      }
      await withLedger({ workers: 2 }, async (ledger) => {
        const results = await makeTransfers(ledger, rows);
        expectSame(
          linesOf(
            rows.map(({ id }) => id),
            results,
          ),
          lines,
          `createTransfers: ${JSON.stringify(plan)}`,
        );
        expect(ledger.digest()).toBe(model.digest());
      });
    }),
    { ...runsOf(5), examples: EXAMPLES.map((plan, index) => [plan, index % 2]) },
  );
  for (const result of ["ok", "exceeds_credits", "exists", "linked_event_failed", "linked_event_chain_open"]) {
    expect([...seen]).toContain(result);
  }
});
