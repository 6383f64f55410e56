/** The rows of an export, from the journal and the account table. */
import type { AccountTable } from "../core/accounts.js";
import { type AssetRegistry, formatAmount } from "../core/assets.js";
import { dateOf } from "../core/dates.js";
import type { RecordedTransfer } from "../core/journal.js";
import * as layout from "../core/layout.js";
import type { Account } from "../core/types.js";
import { balanceFields } from "../settlement/balances.js";
import type { Row } from "./tables.js";

/** Ids kept at hand; a power of two. Most transfers are between accounts that others have named shortly before. */
const IDS_KEPT = 65536;

function textOfFlag(isSet: boolean): string {
  return isSet ? "true" : "";
}

/** What the account comes to. */
export function balanceRow(account: Account, scale: number): Row {
  return [...balanceFields(account, scale), textOfFlag(account.closed)];
}

/** Makes rows of accounts and transfers. */
export class RowMaker {
  readonly #accounts: AccountTable;
  readonly #assets: AssetRegistry;
  /** Ids by slot, and the slots they are of. */
  readonly #ids: string[] = new Array(IDS_KEPT).fill("");
  readonly #slots = new Int32Array(IDS_KEPT).fill(-1);

  constructor(accounts: AccountTable, assets: AssetRegistry) {
    this.#accounts = accounts;
    this.#assets = assets;
  }

  #id(slot: number): string {
    const at = slot & (IDS_KEPT - 1);
    if (this.#slots[at] !== slot) {
      this.#slots[at] = slot;
      this.#ids[at] = this.#accounts.id(slot);
    }
    return this.#ids[at]!;
  }

  /** The account as it was created: after so many transfers, at this time in nanoseconds, with this metadata as JSON. */
  account(slot: number, after: number, timestamp: bigint, metadata: string): Row {
    const { id, asset, code, overdraftLimit, userData, ...limits } = this.#accounts.read(slot);
    const { scale } = this.#assets.get(this.#accounts.asset(slot));
    return [
      ...[String(slot + 1), id, asset, String(code)],
      textOfFlag(limits.debitsMustNotExceedCredits),
      textOfFlag(limits.creditsMustNotExceedDebits),
      ...[formatAmount(overdraftLimit, scale), String(userData), metadata, String(after), String(timestamp)],
    ];
  }

  /** The transfer, of the job with this name. */
  transfer(recorded: RecordedTransfer, job: string | undefined): Row {
    const { debitSlot, creditSlot, flags } = recorded;
    const asset = assetOf(this.#accounts, this.#assets, debitSlot, creditSlot);
    const flag = (bit: number): string => textOfFlag((flags & bit) !== 0);
    const { effectiveDay, askedAmount, expectedDebitVersion, expectedCreditVersion } = recorded;
    return [
      ...[String(recorded.sequence), String(recorded.timestamp), recorded.id, recorded.result],
      debitSlot === undefined ? (recorded.missingDebit ?? "") : this.#id(debitSlot),
      creditSlot === undefined ? (recorded.missingCredit ?? "") : this.#id(creditSlot),
      ...[asset.code, formatAmount(recorded.amount, asset.scale)],
      ...[String(recorded.code), String(recorded.userData), effectiveDay === undefined ? "" : dateOf(effectiveDay)],
      ...[flag(layout.TRANSFER_LINKED), flag(layout.TRANSFER_PENDING)],
      recorded.timeout === 0 ? "" : String(recorded.timeout),
      (flags & layout.TRANSFER_POST) === 0 ? "" : (recorded.pendingId ?? ""),
      (flags & layout.TRANSFER_VOID) === 0 ? "" : (recorded.pendingId ?? ""),
      ...[flag(layout.TRANSFER_BALANCING_DEBIT), flag(layout.TRANSFER_BALANCING_CREDIT)],
      ...[flag(layout.TRANSFER_CLOSING_DEBIT), flag(layout.TRANSFER_CLOSING_CREDIT)],
      askedAmount === undefined ? "" : formatAmount(askedAmount, asset.scale),
      ...[textOf(expectedDebitVersion), textOf(expectedCreditVersion), textOfFlag(recorded.brokeChain)],
      ...[job ?? "", job === undefined ? "" : String(recorded.row)],
    ];
  }
}

function textOf(value: bigint | undefined): string {
  return value === undefined ? "" : String(value);
}

/** What a transfer's amounts are in: the asset of its accounts, as far as they exist; else in minor units of nothing. */
export function assetOf(
  accounts: AccountTable,
  assets: AssetRegistry,
  debitSlot: number | undefined,
  creditSlot: number | undefined,
): { readonly code: string; readonly scale: number } {
  const slot = debitSlot ?? creditSlot;
  return slot === undefined ? NO_ASSET : assets.get(accounts.asset(slot));
}

const NO_ASSET = { code: "", scale: 0 };
