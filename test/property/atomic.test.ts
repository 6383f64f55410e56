/** Random files: an atomic run is the plain run or nothing, and a dry run is the real one that nobody sees. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Ledger, LedgerOptions, SettleFileSummary } from "../../src/index.js";
import { read, temporaryFolder } from "../support/cli.js";
import { openLedgerHere, RUNS_MS_MAX, runsOf } from "../support/ledgers.js";

interface RandomJob {
  readonly earlier: string;
  readonly rows: string;
  readonly create: "limited" | "unlimited" | undefined;
  readonly mode: LedgerOptions;
}

const ACCOUNTS = ["bank", "a", "b", "c", "unknown", "a-name-of-more-than-sixteen-bytes"];

/** Rows that `refusals` says may be refused, or that can't be. */
function rowsOf(refusals: boolean): fc.Arbitrary<string> {
  const account = fc.constantFrom(...(refusals ? ACCOUNTS : ACCOUNTS.slice(1, 4)));
  const amount = refusals ? fc.constantFrom("1", "0.5", "3", "1000", "0", "x") : fc.constantFrom("1", "0.5", "3");
  const debit = refusals ? account : fc.constant("bank");
  const id = fc.nat({ max: refusals ? 30 : 1_000_000 });
  const row = fc
    .tuple(id, debit, account, amount)
    .map(([number, from, to, text]) => `id-${number},${from},${to},${text}`);
  const rows = refusals
    ? fc.array(row, { minLength: 1, maxLength: 40 })
    : fc.uniqueArray(row, { minLength: 1, maxLength: 40, selector: (line) => line.split(",")[0] });
  return rows.map((lines) => lines.map((line) => `${line}\n`).join(""));
}

const jobs: fc.Arbitrary<RandomJob> = fc.record({
  earlier: fc.oneof(rowsOf(true), fc.constant("")),
  rows: fc.oneof(rowsOf(true), rowsOf(false)),
  create: fc.constantFrom("limited", "unlimited", undefined),
  mode: fc.constantFrom<LedgerOptions>({ mode: "event-loop" }, { workers: 2 }),
});

/** One that is kept and one that is refused, so that both are seen whatever the seed. */
const EXAMPLE = { earlier: "id-2,bank,b,1\n", create: undefined, mode: { mode: "event-loop" } } as const;

interface Ended {
  readonly summary: Omit<SettleFileSummary, "durationMs" | "kept">;
  readonly kept: boolean | undefined;
  readonly results: string;
  readonly outputs: readonly string[];
  readonly digest: string;
}

/** Opens the ledger of that name, for one thing. */
async function withLedger<Value>(
  path: string,
  way: LedgerOptions,
  use: (ledger: Ledger) => Promise<Value>,
): Promise<Value> {
  const ledger = await openLedgerHere(path, { ...way, capacity: { accounts: 40_000, transfers: 100_000 } });
  try {
    return await use(ledger);
  } finally {
    await ledger.close();
  }
}

async function settle(
  ledger: Ledger,
  folder: string,
  { rows, create }: Pick<RandomJob, "rows" | "create">,
  options: { readonly atomic?: boolean; readonly job?: string } = {},
): Promise<Ended> {
  writeFileSync(join(folder, "transfers.csv"), `id,from,to,amount\n${rows}`);
  const {
    durationMs: _,
    kept,
    ...summary
  } = await ledger.settleFile({
    transfers: join(folder, "transfers.csv"),
    columns: { id: "id", debit: "from", credit: "to", amount: "amount" },
    asset: "USD",
    job: "the job",
    results: join(folder, "results.csv"),
    balances: join(folder, "balances.csv"),
    net: join(folder, "net.csv"),
    ...(create === undefined ? {} : { createAccounts: create }),
    ...options,
  });
  const outputs = [read(folder, "balances.csv"), read(folder, "net.csv")];
  return { summary, kept, results: read(folder, "results.csv"), outputs, digest: ledger.digest() };
}

/** A ledger with accounts, and with what an earlier job did. */
async function prepare(folder: string, path: string, { earlier, create }: RandomJob) {
  return withLedger(path, { mode: "event-loop" }, async (ledger) => {
    const limited = { asset: "USD", debitsMustNotExceedCredits: true };
    await ledger.createAccounts([{ id: "bank", asset: "USD" }, ...["a", "b", "c"].map((id) => ({ id, ...limited }))]);
    if (earlier !== "") await settle(ledger, folder, { rows: earlier, create }, { job: "an earlier job" });
    return { digestBefore: ledger.digest(), lastSequence: ledger.transferCount };
  });
}

/** What the results of a refused job must be, from those of the plain run: `linked_event_failed` for what was made. */
function refusedOf(results: string, lastSequence: number): string {
  return results.replaceAll(/,(\w+),(\d+)$/gm, (line, result: string, sequence: string) => {
    if (Number(sequence) <= lastSequence) return line;
    return `,${result === "ok" ? "linked_event_failed" : result},`;
  });
}

test("an atomic run equals the plain run or nothing, a dry run the real one", { timeout: RUNS_MS_MAX }, async () => {
  const seen = { kept: 0, refused: 0 };
  const folder = temporaryFolder();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(jobs, async (job) => {
      const own = join(folder, `${run++}`);
      mkdirSync(own);
      const [path, other] = [join(own, "plain.db"), join(own, "atomic.db")];
      const { digestBefore, lastSequence } = await prepare(own, path, job);
      const before = readFileSync(path);
      writeFileSync(other, before);
      const { mode } = job;
      const dryMode = { ...mode, dryRun: true };
      const atomically = { atomic: true };

      const dry = await withLedger(path, dryMode, (ledger) => settle(ledger, own, job));
      const plain = await withLedger(path, mode, (ledger) => settle(ledger, own, job));
      expect(plain).toEqual(dry);
      const dryAtomic = await withLedger(other, dryMode, (ledger) => settle(ledger, own, job, atomically));
      expect(readFileSync(other).equals(before), "a dry run changes nothing").toBe(true);
      const [atomic, again] = await withLedger(other, mode, async (ledger) => [
        await settle(ledger, own, job, atomically),
        await settle(ledger, own, job, atomically),
      ]);
      expect(atomic).toEqual(dryAtomic);

      const isGood = Object.keys(plain.summary.results).join() === "ok";
      expect(atomic.kept).toBe(isGood);
      if (isGood) {
        seen.kept++;
        expect({ ...atomic, kept: undefined }).toEqual(plain);
      } else {
        seen.refused++;
        expect(atomic.digest).toBe(digestBefore);
        expect(readFileSync(other).equals(before), "a refused job changes nothing").toBe(true);
        expect(atomic.results).toBe(refusedOf(plain.results, lastSequence));
      }
      const { replayed, ...summary } = again.summary;
      expect(replayed).toBe(isGood ? summary.transfers : atomic.summary.replayed);
      expect({ ...again, summary: { ...summary, replayed: atomic.summary.replayed } }).toEqual(atomic);
      rmSync(own, { recursive: true });
    }),
    {
      ...runsOf(4),
      examples: [[{ ...EXAMPLE, rows: "id-1,bank,a,1\n" }], [{ ...EXAMPLE, rows: "id-1,a,b,9\nid-2,bank,b,1\n" }]],
    },
  );
  expect(seen.kept).toBeGreaterThan(0);
  expect(seen.refused).toBeGreaterThan(0);
});
