/** Closing balances as CSV. */
import { type AssetRegistry, formatAmount } from "../core/assets.js";
import type { Account } from "../core/types.js";
import { field } from "./csv-text.js";
import type { OutputFile } from "./output.js";

/** Lines written at a time. */
const BLOCK_LINES = 4096;

/** Writes one line per account, in the order given, amounts as decimals in the asset's scale. */
export async function writeBalances(
  accounts: Iterable<Account>,
  assets: AssetRegistry,
  file: OutputFile,
): Promise<void> {
  let lines = ["id,asset,debits_posted,credits_posted,debits_pending,credits_pending,balance,version\n"];
  for (const account of accounts) {
    lines.push(lineOf(account, assets.get(assets.number(account.asset)).scale));
    if (lines.length < BLOCK_LINES) continue;
    await file.write(lines.join(""));
    lines = [];
  }
  await file.write(lines.join(""));
}

function lineOf(account: Account, scale: number): string {
  const { id, asset, debitsPosted, creditsPosted, debitsPending, creditsPending, balance, version } = account;
  const posted = `${formatAmount(debitsPosted, scale)},${formatAmount(creditsPosted, scale)}`;
  const pending = `${formatAmount(debitsPending, scale)},${formatAmount(creditsPending, scale)}`;
  return `${field(id)},${field(asset)},${posted},${pending},${formatAmount(balance, scale)},${version}\n`;
}
