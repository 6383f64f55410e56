/**
 * What was recorded, in a plain list: the oracle of every query. It is told the transfers that were asked for and what
 * the model says became of them, and shares no code with `src`.
 */
import type { ModelNewTransfer, ModelResult } from "./model.js";

export interface BookedTransfer extends Omit<ModelNewTransfer, "pending" | "linked"> {
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly code: number;
  readonly userData: bigint;
  readonly linked?: boolean;
  readonly pending?: boolean;
  /** The amount as asked, of one that may move less. */
  readonly askedAmount?: bigint;
  readonly sequence: number;
  readonly result: string;
}

/** An entry of an account, as far as the book knows it. */
export interface BookedEntry {
  readonly sequence: number;
  readonly direction: string;
  readonly counterparty: string;
  readonly amount: bigint;
  readonly balance: bigint;
}

export class Book {
  readonly transfers: BookedTransfer[] = [];

  /** Notes the transfers of a call; those that used an id again, or were not recorded, leave nothing. */
  note(asked: readonly ModelNewTransfer[], results: readonly ModelResult[]): void {
    for (const [index, { sequence, result, amount }] of results.entries()) {
      if (sequence !== this.transfers.length + 1) continue;
      const transfer = asked[index]!;
      const { post, void: voided, balancingDebit = false, balancingCredit = false, amount: wanted = 0n } = transfer;
      const pendingId = post ?? voided;
      // What posts or voids is in the books with the accounts and the code of what it resolved.
      const resolved = result === "ok" ? this.transfers.find(({ id }) => id === pendingId) : undefined;
      const { debit = "", credit = "", code = 0 } = resolved ?? transfer;
      const mayMoveLess = pendingId !== undefined || balancingDebit || balancingCredit;
      // A flag that is not set is as one that is not said.
      const said = Object.fromEntries(Object.entries(transfer).filter(([, value]) => value !== false));
      this.transfers.push({
        ...{ userData: 0n, ...(said as typeof transfer), debit, credit, code, sequence, result },
        ...{ amount: amount ?? wanted, ...(mayMoveLess ? { askedAmount: wanted } : {}) },
      });
    }
  }

  /** All entries of an account, oldest first. */
  entries(account: string): BookedEntry[] {
    const entries: BookedEntry[] = [];
    let balance = 0n;
    for (const { result, pending, void: voided, debit, credit, amount, sequence } of this.transfers) {
      // What is reserved or released has moved nothing.
      if (result !== "ok" || pending === true || voided !== undefined) continue;
      if (debit !== account && credit !== account) continue;
      const isCredit = credit === account;
      balance += isCredit ? amount : -amount;
      entries.push({
        ...{ sequence, direction: isCredit ? "credit" : "debit", counterparty: isCredit ? debit : credit },
        ...{ amount, balance },
      });
    }
    return entries;
  }

  /** The account's balance after the transfer of this sequence. */
  balanceAt(account: string, sequence: number): bigint {
    return this.entries(account).findLast((entry) => entry.sequence <= sequence)?.balance ?? 0n;
  }

  /** What a filter leaves, oldest first. The empty text, which stands for no account, is nobody's id. */
  matching(filter: { account?: string; code?: number; userData?: bigint; result?: string }): BookedTransfer[] {
    return this.transfers.filter(
      ({ debit, credit, code, userData, result }) =>
        (filter.account === undefined ||
          (filter.account !== "" && (debit === filter.account || credit === filter.account))) &&
        (filter.code === undefined || code === filter.code) &&
        (filter.userData === undefined || userData === filter.userData) &&
        (filter.result === undefined || result === filter.result),
    );
  }
}
