/** Closing balances as CSV. */
import { type AssetRegistry, formatAmount } from "../core/assets.js";
import type { Account } from "../core/types.js";
import { BLOCK_SIZE, field } from "./csv-text.js";
import type { OutputFile } from "./output.js";

/** Writes one line per account, in the order given, amounts as decimals in the asset's scale. */
export async function writeBalances(
  accounts: Iterable<Account>,
  assets: AssetRegistry,
  file: OutputFile,
): Promise<void> {
  let block = "id,asset,debits_posted,credits_posted,debits_pending,credits_pending,balance,version\n";
  for (const account of accounts) {
    const { scale } = assets.get(assets.number(account.asset));
    const amounts = [
      account.debitsPosted,
      account.creditsPosted,
      account.debitsPending,
      account.creditsPending,
      account.balance,
    ].map((amount) => formatAmount(amount, scale));
    block += `${field(account.id)},${field(account.asset)},${amounts.join(",")},${account.version}\n`;
    if (block.length >= BLOCK_SIZE) {
      await file.write(block);
      block = "";
    }
  }
  await file.write(block);
}
