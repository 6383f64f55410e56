/** `settle`: CSV file to results file, durable: a million rows of a UUID, two account names, a decimal, a currency. */
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLedger } from "../src/index.js";
import { check, inTurn, type Measurement, type Size, seeded, type Trial } from "./trial.js";

const ACCOUNTS = 10_000;

async function writeFiles(folder: string, rows: number, accounts: number): Promise<void> {
  const random = seeded(11);
  const accountFile = await open(join(folder, "accounts.csv"), "w");
  await accountFile.write(
    `id,opening\n${Array.from({ length: accounts }, (_, i) => `customer-${i},1000000.00\n`).join("")}`,
  );
  await accountFile.close();
  const file = await open(join(folder, "transfers.csv"), "w");
  await file.write("id,debit,credit,amount,currency\n");
  const hexadecimal = (digits: number): string =>
    (random(2 ** 16) * 2 ** 16 + random(2 ** 16)).toString(16).padStart(8, "0").slice(0, digits);
  let block = "";
  for (let row = 0; row < rows; row++) {
    const debit = random(accounts);
    const credit = random(accounts);
    const other = credit === debit ? (credit + 1) % accounts : credit;
    const id = `${row.toString(16).padStart(8, "0")}-${hexadecimal(4)}-4${hexadecimal(3)}-8${hexadecimal(3)}-${hexadecimal(8)}${hexadecimal(4)}`;
    block += `${id},customer-${debit},customer-${other},${1 + random(999)}.${10 + random(90)},USD\n`;
    if (block.length > 1 << 20) {
      await file.write(block);
      block = "";
    }
  }
  await file.write(block);
  await file.close();
}

async function countLines(path: string): Promise<number> {
  let lines = 0;
  for await (const block of createReadStream(path)) for (const byte of block as Buffer) if (byte === 10) lines++;
  return lines;
}

/** Rows a second: from opening the file to the last result on disk. */
async function runOnce(folder: string, rows: number, run: number, digests: Set<string>): Promise<number> {
  const ledger = await openLedger(join(folder, `ledger-${run}.db`));
  try {
    const results = join(folder, "results.csv");
    const summary = await ledger.settleFile({
      transfers: join(folder, "transfers.csv"),
      columns: { id: "id", debit: "debit", credit: "credit", amount: "amount" },
      accounts: { file: join(folder, "accounts.csv"), columns: { id: "id", opening: "opening" } },
      asset: "USD",
      results,
    });
    check(summary.results.ok === rows, `${summary.results.ok} of ${rows} rows are ok`);
    check((await countLines(results)) === rows + 1, "the results file has a line per row");
    digests.add(ledger.digest());
    check(digests.size === 1, "two runs end in different states");
    return (summary.transfers * 1000) / summary.durationMs;
  } finally {
    await ledger.close();
  }
}

export const settleTrial: Trial = {
  name: "settle",
  description: "1,000,000 CSV rows of about 71 bytes, file to results file, on disk",
  async run(size: Size): Promise<Measurement[]> {
    const rows = size === "full" ? 1_000_000 : 2_000;
    const folder = await mkdtemp(join(tmpdir(), "parallel-ledger-bench-"));
    try {
      await writeFiles(folder, rows, size === "full" ? ACCOUNTS : 50);
      const digests = new Set<string>();
      let run = 0;
      const rates = await inTurn(size === "full" ? 5 : 1, { settle: () => runOnce(folder, rows, run++, digests) });
      return [{ name: "settle", value: rates.settle, unit: "rows/s", expected: { atLeast: 800_000 } }];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};
