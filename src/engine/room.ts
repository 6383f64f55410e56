/**
 * Room in the memory for transfers and accounts: the one place that knows what is promised, and says what is full.
 *
 * Room for transfers is promised before they are executed, to calls that wait for a batch and to batches that execute,
 * and the promise is given back when they are recorded, or turn out not to be.
 */
import type { AccountTable } from "../core/accounts.js";
import { LedgerError } from "../core/errors.js";
import * as layout from "../core/layout.js";
import type { MemoryPlan } from "../core/memory.js";

/** What new accounts take. */
export interface AccountNeed {
  readonly accounts: number;
  /** Bytes of their ids, as far as those are kept as text. */
  readonly textSize: number;
}

/** What transfers take. */
export interface TransferNeed {
  /** Transfers that will be recorded. */
  readonly transfers: number;
  /** Those of them that are pending. */
  readonly pendings: number;
}

/** Bytes of the text region that the id and the user data of one account take at most. */
export const ACCOUNT_TEXT_MAX = layout.KIND_TEXT_MAX + layout.USER_DATA_SIZE;

/** What the room is in. */
export interface RoomOwner {
  readonly plan: MemoryPlan;
  readonly view: DataView;
  readonly accounts: AccountTable;
  /** Transfers recorded. */
  readonly transferCount: number;
  /** Those of them that were pending, resolved or not. Memory may hold more, of batches that hold their promise still. */
  readonly pendingCount: number;
}

export class Room {
  readonly #owner: RoomOwner;
  #promised = 0;
  #promisedPendings = 0;

  constructor(owner: RoomOwner) {
    this.#owner = owner;
  }

  /** Whether so many transfers fit beside those recorded and those promised. */
  hasTransfers(count: number): boolean {
    return this.#taken + count <= this.#owner.plan.transferCapacity;
  }

  /** Promises room for transfers, all or none. Throws `transfers_full`, `pendings_full`. */
  promise({ transfers, pendings }: TransferNeed): void {
    if (!this.hasTransfers(transfers)) throw this.transfersFull(transfers);
    if (!this.hasPendings(pendings)) throw this.#pendingsFull(pendings);
    this.#promised += transfers;
    this.#promisedPendings += pendings;
  }

  /** Gives a promise back, or part of one. */
  release({ transfers, pendings }: TransferNeed): void {
    this.#promised -= transfers;
    this.#promisedPendings -= pendings;
  }

  get #taken(): number {
    return this.#owner.transferCount + this.#promised;
  }

  /** The error where there is no room for so many transfers. */
  transfersFull(count: number): LedgerError {
    const { transferCapacity } = this.#owner.plan;
    return new LedgerError(
      "transfers_full",
      `the ledger was opened for ${transferCapacity} transfers and holds ${this.#taken}, so ${count} more do not fit: ` +
        `open it again with a larger capacity { transfers }`,
      { details: { capacity: transferCapacity, found: this.#taken } },
    );
  }

  /** Whether so many pending transfers fit beside those made, resolved or not, and those promised. */
  hasPendings(count: number): boolean {
    return this.#takenPendings + count <= this.#owner.plan.pendingCapacity;
  }

  get #takenPendings(): number {
    return this.#owner.pendingCount + this.#promisedPendings;
  }

  #pendingsFull(count: number): LedgerError {
    const { pendingCapacity } = this.#owner.plan;
    const found = this.#takenPendings;
    return new LedgerError(
      "pendings_full",
      `the ledger was opened for ${pendingCapacity} pending transfers, resolved ones included, and holds ${found}, ` +
        `so ${count} more do not fit: open it again with a larger capacity { pendings }; nothing of this call or ` +
        "batch was made",
      { details: { capacity: pendingCapacity, found } },
    );
  }

  /** Whether these accounts can be created. */
  hasAccounts(need: AccountNeed): boolean {
    return this.#countFits(need) && this.#textFits(need);
  }

  /** Throws `accounts_full` where these accounts can't be created. Nothing may create any until they are. */
  checkAccounts(need: AccountNeed): void {
    if (!this.hasAccounts(need)) throw this.#accountsFull(need);
  }

  #countFits({ accounts }: AccountNeed): boolean {
    return this.#owner.accounts.count + accounts <= this.#owner.plan.accountCapacity;
  }

  #textFits({ textSize }: AccountNeed): boolean {
    // The kernel asks for room for the longest id before each one that it keeps.
    return textSize === 0 || this.#textUsed + textSize + layout.KIND_TEXT_MAX <= this.#owner.plan.textSize;
  }

  get #textUsed(): number {
    return this.#owner.view.getUint32(layout.SUPERBLOCK + layout.SB_TEXT_USED, true);
  }

  #accountsFull(need: AccountNeed): LedgerError {
    const { accountCapacity, textSize } = this.#owner.plan;
    const found = this.#owner.accounts.count;
    const what = this.#countFits(need)
      ? `has ${textSize - this.#textUsed} bytes left for ids of more than 16 bytes and user data, so ${need.accounts} more ` +
        `accounts that take ${need.textSize} do not fit`
      : `was opened for ${accountCapacity} accounts and holds ${found}, so ${need.accounts} more do not fit`;
    return new LedgerError(
      "accounts_full",
      `the ledger ${what}: open it again with a larger capacity { accounts }; nothing of this call or batch was made`,
      { details: { capacity: accountCapacity, found, needed: need.accounts, textNeeded: need.textSize } },
    );
  }
}
