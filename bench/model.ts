/**
 * `model`: what more than plain transfers costs. Of 100 payments 60 are plain, 30 are reserved and posted a batch later, and
 * 10 are chains of four; against the same number of plain transfers. 10,000 accounts, random ids, results awaited, on disk.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BatchResults, type NewTransfer, openLedger } from "../src/index.js";
import { check, inTurn, type Measurement, type Size, seeded, type Trial } from "./trial.js";

const BATCH = 8190;
const CHAIN = 4;
/** Batches submitted ahead of the oldest whose results are awaited. */
const WINDOW = 64;

type Batches = readonly (readonly NewTransfer[])[];

/** Batches of about as many transfers in all: of the mix, or plain. */
function generate(accountCount: number, count: number, isMixed: boolean): Batches {
  const random = seeded(11);
  const batches: NewTransfer[][] = [[]];
  let reserved: string[] = [];
  let posting: string[] = [];
  let made = 0;
  const next = (): { id: string; debit: string; credit: string; amount: bigint } => {
    const debit = random(accountCount);
    const credit = (debit + 1 + random(accountCount - 1)) % accountCount;
    const id = `${made++}-${random(2 ** 30).toString(36)}`;
    return { id, debit: `account-${debit}`, credit: `account-${credit}`, amount: BigInt(1 + random(1000)) };
  };
  const room = (transfers: number): NewTransfer[] => {
    const last = batches.at(-1)!;
    if (last.length + transfers <= BATCH) return last;
    const batch: NewTransfer[] = [];
    batches.push(batch);
    posting = [...posting, ...reserved];
    reserved = [];
    return batch;
  };
  const post = (): void => {
    const pending = posting.pop();
    if (pending !== undefined) room(1).push({ id: `post-${pending}`, post: pending });
  };
  while (made < count) {
    const kind = isMixed ? random(100) : 0;
    if (kind < 60) {
      room(1).push(next());
    } else if (kind < 90) {
      const pending = next();
      room(1).push({ ...pending, pending: true });
      reserved.push(pending.id);
      post();
    } else {
      const batch = room(CHAIN);
      for (let leg = 1; leg <= CHAIN; leg++) batch.push({ ...next(), ...(leg < CHAIN ? { linked: true } : {}) });
    }
  }
  while (posting.length > 0) post();
  return batches;
}

/** Transfers a second; results awaited and on disk. */
async function settle(path: string, accountCount: number, batches: Batches): Promise<number> {
  const transfers = batches.reduce((sum, { length }) => sum + length, 0);
  const ledger = await openLedger(path);
  try {
    await ledger.createAccounts(Array.from({ length: accountCount }, (_, i) => ({ id: `account-${i}`, asset: "USD" })));
    const start = performance.now();
    const inFlight: Promise<BatchResults>[] = [];
    let made = 0;
    const take = async (): Promise<void> => {
      made += (await inFlight.shift()!).counts().get("ok") ?? 0;
    };
    for (const filled of batches) {
      const batch = await ledger.batch();
      for (const transfer of filled) batch.add(transfer);
      inFlight.push(batch.submit());
      if (inFlight.length >= WINDOW) await take();
    }
    while (inFlight.length > 0) await take();
    const seconds = (performance.now() - start) / 1000;
    check(made === transfers, `${made} of ${transfers} transfers were made`);
    return transfers / seconds;
  } finally {
    await ledger.close();
  }
}

export const modelTrial: Trial = {
  name: "model",
  description: "60 % plain, 30 % reserved and then posted, 10 % chains of four, against plain ones; everything on disk",
  async run(size: Size): Promise<Measurement[]> {
    const full = size === "full";
    const accounts = full ? 10_000 : 50;
    const count = full ? BATCH * 60 : 500;
    const mixed = generate(accounts, count, true);
    const plain = generate(accounts, count, false);
    const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-bench-"));
    try {
      let run = 0;
      const rates = await inTurn(full ? 9 : 1, {
        mixed: () => settle(join(folder, `mixed-${run++}.db`), accounts, mixed),
        plain: () => settle(join(folder, `plain-${run++}.db`), accounts, plain),
      });
      return [
        { name: "pending, posted, chained", value: rates.mixed, unit: "transfers/s" },
        { name: "plain", value: rates.plain, unit: "transfers/s" },
        {
          name: "pending, posted, chained / plain",
          value: rates.mixed / rates.plain,
          unit: "ratio",
          expected: { atLeast: 0.5 },
        },
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
