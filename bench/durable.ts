/**
 * `durable`: 10,000 accounts, uniform, batches of 8,190, random UUIDs as ids, every result awaited, everything on disk;
 * against the same input done with better-sqlite3 by hand: three statements a transfer, one transaction a batch.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { type BatchResults, openLedger } from "../src/index.js";
import { check, inTurn, type Measurement, type Size, seeded, type Trial } from "./trial.js";

const BATCH = 8190;
const OPENING = 1_000_000_000n;
/** Batches submitted ahead of the oldest whose results are awaited. */
const WINDOW = 64;

interface Input {
  readonly accounts: readonly string[];
  readonly ids: readonly string[];
  readonly debits: readonly string[];
  readonly credits: readonly string[];
  readonly amounts: readonly bigint[];
}

function generate(accountCount: number, count: number): Input {
  const random = seeded(7);
  const accounts = Array.from({ length: accountCount }, (_, i) => `account-${i}`);
  const input = {
    accounts,
    ids: [] as string[],
    debits: [] as string[],
    credits: [] as string[],
    amounts: [] as bigint[],
  };
  for (let i = 0; i < count; i++) {
    const debit = random(accountCount);
    const credit = random(accountCount);
    input.ids.push(uuid(random));
    input.debits.push(accounts[debit]!);
    input.credits.push(accounts[credit === debit ? (credit + 1) % accountCount : credit]!);
    input.amounts.push(BigInt(1 + random(1000)));
  }
  return input;
}

/** A random UUID (version 4) of the seeded generator. */
function uuid(random: (limit: number) => number): string {
  const group = (): string => random(65_536).toString(16).padStart(4, "0");
  const versioned = (0x4000 | random(4096)).toString(16);
  const variant = (0x8000 | random(16_384)).toString(16);
  return `${group()}${group()}-${group()}-${versioned}-${variant}-${group()}${group()}${group()}`;
}

/** Transfers a second of the ledger; results awaited and on disk. */
async function runLedger(folder: string, input: Input, run: number): Promise<number> {
  const ledger = await openLedger(join(folder, `ledger-${run}.db`));
  try {
    await ledger.createAccounts([{ id: "opening", asset: "USD" }]);
    await ledger.createAccounts(input.accounts.map((id) => ({ id, asset: "USD", debitsMustNotExceedCredits: true })));
    await ledger.createTransfers(
      input.accounts.map((id) => ({ id: `open-${id}`, debit: "opening", credit: id, amount: OPENING })),
    );
    const start = performance.now();
    const inFlight: Promise<BatchResults>[] = [];
    let made = 0;
    const take = async (): Promise<void> => {
      made += (await inFlight.shift()!).counts().get("ok") ?? 0;
    };
    for (let from = 0; from < input.ids.length; from += BATCH) {
      const batch = await ledger.batch();
      const end = Math.min(input.ids.length, from + BATCH);
      for (let i = from; i < end; i++) {
        batch.addPlain(input.ids[i]!, input.debits[i]!, input.credits[i]!, input.amounts[i]!);
      }
      inFlight.push(batch.submit());
      if (inFlight.length >= WINDOW) await take();
    }
    while (inFlight.length > 0) await take();
    const seconds = (performance.now() - start) / 1000;
    check(made === input.ids.length, `${made} of ${input.ids.length} transfers were made`);
    checkBalances(input, (id) => ledger.account(id)!.balance);
    return input.ids.length / seconds;
  } finally {
    await ledger.close();
  }
}

/** Transfers a second of the program a careful engineer writes by hand. */
async function runByHand(folder: string, input: Input, run: number): Promise<number> {
  const database = new Database(join(folder, `by-hand-${run}.db`));
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec(`
    CREATE TABLE accounts (id TEXT PRIMARY KEY, debits INTEGER NOT NULL, credits INTEGER NOT NULL);
    CREATE TABLE transfers (
      id TEXT PRIMARY KEY,
      debit TEXT NOT NULL REFERENCES accounts,
      credit TEXT NOT NULL REFERENCES accounts,
      amount INTEGER NOT NULL
    );
  `);
  const open = database.prepare("INSERT INTO accounts VALUES (?, 0, ?)");
  database.transaction(() => {
    for (const id of input.accounts) open.run(id, OPENING);
  })();
  const insert = database.prepare("INSERT INTO transfers VALUES (?, ?, ?, ?)");
  const debit = database.prepare("UPDATE accounts SET debits = debits + ? WHERE id = ? AND credits - debits >= ?");
  const credit = database.prepare("UPDATE accounts SET credits = credits + ? WHERE id = ?");
  const start = performance.now();
  for (let from = 0; from < input.ids.length; from += BATCH) {
    database.transaction(() => {
      const end = Math.min(input.ids.length, from + BATCH);
      for (let i = from; i < end; i++) {
        const amount = input.amounts[i]!;
        insert.run(input.ids[i], input.debits[i], input.credits[i], amount);
        check(debit.run(amount, input.debits[i], amount).changes === 1, "a debit was refused");
        credit.run(amount, input.credits[i]);
      }
    })();
  }
  const seconds = (performance.now() - start) / 1000;
  const balance = database
    .prepare("SELECT credits - debits AS balance FROM accounts WHERE id = ?")
    .pluck()
    .safeIntegers();
  checkBalances(input, (id) => balance.get(id) as bigint);
  database.close();
  return input.ids.length / seconds;
}

/** Balances must be those that adding up says. */
function checkBalances(input: Input, balanceOf: (id: string) => bigint): void {
  const balances = new Map(input.accounts.map((id) => [id, OPENING]));
  for (let i = 0; i < input.ids.length; i++) {
    balances.set(input.debits[i]!, balances.get(input.debits[i]!)! - input.amounts[i]!);
    balances.set(input.credits[i]!, balances.get(input.credits[i]!)! + input.amounts[i]!);
  }
  for (const [id, balance] of balances) check(balanceOf(id) === balance, `balance of ${id}`);
}

export const durableTrial: Trial = {
  name: "durable",
  description: "10,000 accounts, UUIDs, batches of 8,190 strings and bigints, results awaited, everything on disk",
  async run(size: Size): Promise<Measurement[]> {
    const full = size === "full";
    const accounts = full ? 10_000 : 50;
    const input = generate(accounts, full ? BATCH * 100 : 500);
    const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-bench-"));
    try {
      let run = 0;
      const rates = await inTurn(full ? 3 : 1, {
        ledger: () => runLedger(folder, input, run++),
        byHand: () => runByHand(folder, input, run++),
      });
      return [
        { name: "parallel-ledger", value: rates.ledger, unit: "transfers/s", expected: { atLeast: 2_000_000 } },
        { name: "better-sqlite3 by hand", value: rates.byHand, unit: "transfers/s" },
        {
          name: "parallel-ledger / by hand",
          value: rates.ledger / rates.byHand,
          unit: "ratio",
          expected: { atLeast: 30 },
        },
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
