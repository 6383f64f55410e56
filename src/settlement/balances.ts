/** Closing balances as CSV. */
import { formatAmount } from "../core/assets.js";
import type { Account } from "../core/types.js";
import type { Engine } from "../engine/engine.js";
import { field } from "./csv-text.js";
import type { OutputFile } from "./output.js";

/** The columns, in their order. */
export const BALANCE_COLUMNS = [
  ...["id", "asset", "debits_posted", "credits_posted", "debits_pending", "credits_pending", "balance", "version"],
];

/** Lines written at a time. */
const BLOCK_LINES = 4096;

/**
 * Writes one line per account, in the order of their ids, amounts as decimals in the asset's scale: as they are between
 * two batches, everything on disk. Takes a turn of the engine, so that nothing changes from one line to the next.
 */
export function writeBalances(engine: Engine, file: OutputFile): Promise<void> {
  const { accounts, assets } = engine;
  return engine.exclusively(async () => {
    await engine.flush();
    let lines = [`${BALANCE_COLUMNS.join(",")}\n`];
    for (const slot of accounts.slotsById()) {
      lines.push(lineOf(accounts.read(slot), assets.get(accounts.asset(slot)).scale));
      if (lines.length < BLOCK_LINES) continue;
      await file.write(lines.join(""));
      lines = [];
    }
    await file.write(lines.join(""));
  });
}

function lineOf(account: Account, scale: number): string {
  const [id, asset, ...figures] = balanceFields(account, scale);
  return `${field(id!)},${field(asset!)},${figures.join(",")}\n`;
}

/** The fields of the account's line, in the order of {@link BALANCE_COLUMNS}. */
export function balanceFields(account: Account, scale: number): string[] {
  const { id, asset, debitsPosted, creditsPosted, debitsPending, creditsPending, balance, version } = account;
  const amounts = [debitsPosted, creditsPosted, debitsPending, creditsPending, balance];
  return [id, asset, ...amounts.map((amount) => formatAmount(amount, scale)), String(version)];
}
