/**
 * `history`: the last 100 entries of an account in a ledger of 10,000,000 transfers between 10,000 accounts, opened
 * anew; and of one whose entries are all among the first transfers.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HistoryPage, type Ledger, openLedger } from "../src/index.js";
import { check, type Measurement, median, type Size, seeded, type Trial } from "./trial.js";

const ENTRIES = 100;
const QUIET = "quiet";
/** Batches submitted ahead of the oldest whose results are awaited. */
const WINDOW = 16;

interface Scale {
  readonly accounts: number;
  readonly transfers: number;
  readonly batch: number;
  /** Accounts asked, each once. */
  readonly asked: number;
}

const SCALES: Record<Size, Scale> = {
  full: { accounts: 10_000, transfers: 10_000_000, batch: 8190, asked: 101 },
  tiny: { accounts: 20, transfers: 5_000, batch: 500, asked: 5 },
};

/** The newest entries of every account as they were made, newest last: the amount, negative where it paid. */
type Expected = Map<string, { sequence: number; amount: bigint }[]>;

async function build(ledger: Ledger, { accounts, transfers, batch }: Scale): Promise<Expected> {
  const names = Array.from({ length: accounts }, (_, i) => `account-${i}`);
  const expected: Expected = new Map([...names, QUIET].map((name) => [name, []]));
  await ledger.createAccounts([...names, QUIET].map((id) => ({ id, asset: "USD" })));
  const random = seeded(23);
  const note = (name: string, sequence: number, amount: bigint): void => {
    const entries = expected.get(name)!;
    entries.push({ sequence, amount });
    if (entries.length > 2 * ENTRIES) entries.splice(0, ENTRIES);
  };
  const inFlight: Promise<unknown>[] = [];
  for (let made = 0; made < transfers; ) {
    const next = await ledger.batch();
    for (const end = Math.min(transfers, made + batch); made < end; made++) {
      // The quiet account's transfers are all among the first, each in a batch's own chunk.
      const isQuiet = made < transfers / 20 && made % Math.floor(transfers / 20 / (ENTRIES + 20)) === 0;
      const debit = isQuiet ? QUIET : names[random(accounts)]!;
      const other = names[random(accounts)]!;
      const credit = other === debit ? names[(names.indexOf(other) + 1) % accounts]! : other;
      const amount = BigInt(1 + random(1000));
      next.addPlain(`t-${made}`, debit, credit, amount);
      note(debit, made + 1, -amount);
      note(credit, made + 1, amount);
    }
    inFlight.push(next.submit());
    if (inFlight.length >= WINDOW) await inFlight.shift();
  }
  await Promise.all(inFlight);
  return expected;
}

function checkPage({ entries }: HistoryPage, expected: readonly { sequence: number; amount: bigint }[]): void {
  check(entries.length === Math.min(ENTRIES, expected.length), `${entries.length} entries`);
  for (const [i, { transfer, direction, amount, balance }] of entries.entries()) {
    const made = expected[expected.length - 1 - i]!;
    check(transfer.sequence === made.sequence, `sequence ${transfer.sequence} instead of ${made.sequence}`);
    check((direction === "credit" ? amount : -amount) === made.amount, `amount of ${made.sequence}`);
    const newer = entries[i - 1];
    if (newer === undefined) continue;
    check(newer.balance - (newer.direction === "credit" ? newer.amount : -newer.amount) === balance, "a balance");
  }
}

async function timed(ledger: Ledger, account: string, expected: Expected): Promise<number> {
  const start = performance.now();
  const page = await ledger.history(account, { limit: ENTRIES });
  const milliseconds = performance.now() - start;
  checkPage(page, expected.get(account)!);
  return milliseconds;
}

export const historyTrial: Trial = {
  name: "history",
  description: "10,000,000 transfers between 10,000 accounts, opened anew: the last 100 entries of an account",
  async run(size: Size): Promise<Measurement[]> {
    const scale = SCALES[size];
    const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-bench-"));
    try {
      const path = join(folder, "ledger.db");
      const before = await openLedger(path, { mode: "event-loop" });
      const expected = await build(before, scale);
      await before.close();
      const ledger = await openLedger(path, { mode: "event-loop" });
      try {
        const first = await timed(ledger, "account-0", expected);
        const recent: number[] = [];
        const quiet: number[] = [];
        for (let i = 1; i <= scale.asked; i++) {
          recent.push(await timed(ledger, `account-${i % scale.accounts}`, expected));
          quiet.push(await timed(ledger, QUIET, expected));
        }
        return [
          { name: "any account", value: median(recent), unit: "ms", expected: { atMost: 5 } },
          { name: "any account, slowest", value: Math.max(...recent), unit: "ms" },
          { name: "entries long ago only", value: median(quiet), unit: "ms", expected: { atMost: 5 } },
          { name: "entries long ago only, slowest", value: Math.max(...quiet), unit: "ms" },
          { name: "first query after opening", value: first, unit: "ms" },
        ];
      } finally {
        await ledger.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
