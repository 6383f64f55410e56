/**
 * The independent model: what a ledger must do, written from SEMANTICS.md with a Map and bigints, one transfer after
 * the other. It shares no code with `src`, so a mistake made there is not made here as well.
 */
import { createHash } from "node:crypto";

const LIMIT = 2n ** 128n;
const ID_BYTES_MAX = 64;

export interface ModelNewAccount {
  readonly id: string;
  readonly asset: string;
  readonly code?: number;
  readonly debitsMustNotExceedCredits?: boolean;
  readonly creditsMustNotExceedDebits?: boolean;
  readonly overdraftLimit?: bigint;
}

export interface ModelNewTransfer {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly code?: number;
  readonly userData?: bigint;
  readonly expectedDebitVersion?: number;
  readonly expectedCreditVersion?: number;
  readonly balancingDebit?: boolean;
  readonly balancingCredit?: boolean;
}

export interface ModelResult {
  readonly result: string;
  readonly sequence: number;
  readonly reason?: string;
  readonly amount?: bigint;
}

/** An account as the ledger shows it. */
export interface ModelAccount {
  readonly id: string;
  readonly asset: string;
  readonly code: number;
  readonly debitsMustNotExceedCredits: boolean;
  readonly creditsMustNotExceedDebits: boolean;
  readonly overdraftLimit: bigint;
  debitsPosted: bigint;
  creditsPosted: bigint;
  version: number;
}

/** A transfer with its defaults filled in. */
type Transfer = ModelNewTransfer & { readonly code: number; readonly userData: bigint };

interface Recorded {
  readonly transfer: Transfer;
  readonly sequence: number;
  readonly result: string;
  /** What it moved, where it was balancing. */
  readonly moved?: bigint;
}

function isBalancing(transfer: Transfer): boolean {
  return transfer.balancingDebit === true || transfer.balancingCredit === true;
}

/** What is wrong with a string as an id, as the suffix of the result's name, or undefined. */
function idComplaint(id: string): string | undefined {
  if (id === "") return "must_not_be_empty";
  const bytes = Buffer.from(id, "utf8");
  if (bytes.length > ID_BYTES_MAX) return "too_long";
  // A lone surrogate has no bytes: it is encoded as something else, which does not come back as it went in.
  return bytes.toString("utf8") !== id ? "not_utf8" : undefined;
}

/** A ledger of one thread, in memory. */
export class Model {
  readonly accounts = new Map<string, ModelAccount>();
  readonly #assets: ReadonlySet<string>;
  readonly #recorded = new Map<string, Recorded>();

  /** `assets`: the codes that accounts may hold. */
  constructor(assets: readonly string[]) {
    this.#assets = new Set(assets);
  }

  /** Transfers recorded, successful or not. */
  get transferCount(): number {
    return this.#recorded.size;
  }

  /** The first id that recorded an outcome, the second one, and so on. */
  recordedIds(): string[] {
    return [...this.#recorded.keys()];
  }

  createAccount(account: ModelNewAccount): string {
    const complaint = idComplaint(account.id);
    if (complaint !== undefined) return `id_${complaint}`;
    const debitLimited = account.debitsMustNotExceedCredits === true;
    const creditLimited = account.creditsMustNotExceedDebits === true;
    const code = account.code ?? 0;
    const overdraftLimit = account.overdraftLimit ?? 0n;
    const known = this.accounts.get(account.id);
    if (known !== undefined) {
      if (known.debitsMustNotExceedCredits !== debitLimited) return "exists_with_different_flags";
      if (known.creditsMustNotExceedDebits !== creditLimited) return "exists_with_different_flags";
      if (known.asset !== account.asset) return "exists_with_different_asset";
      if (known.code !== code) return "exists_with_different_code";
      return known.overdraftLimit === overdraftLimit ? "exists" : "exists_with_different_overdraft_limit";
    }
    if (debitLimited && creditLimited) return "flags_are_mutually_exclusive";
    if (overdraftLimit > 0n && !debitLimited) return "overdraft_limit_needs_a_limit";
    if (!this.#assets.has(account.asset)) return "asset_unknown";
    this.accounts.set(account.id, {
      id: account.id,
      asset: account.asset,
      code,
      debitsMustNotExceedCredits: debitLimited,
      creditsMustNotExceedDebits: creditLimited,
      overdraftLimit,
      debitsPosted: 0n,
      creditsPosted: 0n,
      version: 0,
    });
    return "ok";
  }

  createTransfer(asked: ModelNewTransfer): ModelResult {
    const transfer = { code: 0, userData: 0n, ...asked };
    if (transfer.amount < 0n || transfer.amount >= LIMIT) return { result: "invalid_amount", sequence: 0 };
    const complaint = idComplaint(transfer.id);
    if (complaint !== undefined) return { result: `id_${complaint}`, sequence: 0 };
    const earlier = this.#recorded.get(transfer.id);
    if (earlier !== undefined) return againstEarlier(transfer, earlier);
    const malformed = complaintAboutContent(transfer);
    if (malformed !== undefined) return { result: malformed, sequence: 0 };
    const debit = this.accounts.get(transfer.debit);
    const credit = this.accounts.get(transfer.credit);
    if (debit === undefined) return this.#record(transfer, "debit_account_not_found");
    if (credit === undefined) return this.#record(transfer, "credit_account_not_found");
    if (debit.asset !== credit.asset) return { result: "accounts_must_have_the_same_asset", sequence: 0 };
    const { expectedDebitVersion = debit.version, expectedCreditVersion = credit.version } = transfer;
    if (expectedDebitVersion !== debit.version || expectedCreditVersion !== credit.version) {
      return this.#record(transfer, "version_mismatch");
    }
    const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
    let amount = isBalancing(transfer) && transfer.amount === 0n ? LIMIT - 1n : transfer.amount;
    if (transfer.balancingDebit === true) {
      amount = least(amount, debit.creditsPosted + debit.overdraftLimit - debit.debitsPosted);
      if (amount <= 0n) return this.#record(transfer, "exceeds_credits");
    }
    if (transfer.balancingCredit === true) {
      amount = least(amount, credit.debitsPosted - credit.creditsPosted);
      if (amount <= 0n) return this.#record(transfer, "exceeds_debits");
    }
    const debits = debit.debitsPosted + amount;
    const credits = credit.creditsPosted + amount;
    if (debits >= LIMIT) return this.#record(transfer, "overflows_debits_posted");
    if (credits >= LIMIT) return this.#record(transfer, "overflows_credits_posted");
    if (debit.debitsMustNotExceedCredits && debits > debit.creditsPosted + debit.overdraftLimit) {
      return this.#record(transfer, "exceeds_credits");
    }
    if (credit.creditsMustNotExceedDebits && credits > credit.debitsPosted) {
      return this.#record(transfer, "exceeds_debits");
    }
    debit.debitsPosted = debits;
    debit.version += 1;
    credit.creditsPosted = credits;
    credit.version += 1;
    return this.#record(transfer, "ok", isBalancing(transfer) ? amount : undefined);
  }

  #record(transfer: Transfer, result: string, moved?: bigint): ModelResult {
    const sequence = this.#recorded.size + 1;
    this.#recorded.set(transfer.id, { transfer, sequence, result, ...(moved === undefined ? {} : { moved }) });
    return { result, sequence, ...(moved === undefined ? {} : { amount: moved }) };
  }

  /** Accounts in the order of their ids' bytes. */
  accountsInOrder(): ModelAccount[] {
    return [...this.accounts.values()].sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
  }

  /** SHA-256 over the accounts, as `digest.ts` defines it in words. */
  digest(): string {
    const hash = createHash("sha256");
    for (const account of this.accountsInOrder()) {
      for (const text of [account.id, account.asset]) {
        const bytes = Buffer.from(text, "utf8");
        hash.update(Buffer.from([bytes.length]));
        hash.update(bytes);
      }
      for (const total of [account.debitsPosted, account.creditsPosted, 0n, 0n]) hash.update(littleEndian(total, 16));
      hash.update(littleEndian(BigInt(account.version), 8));
      const flags = (account.debitsMustNotExceedCredits ? 1n : 0n) + (account.creditsMustNotExceedDebits ? 2n : 0n);
      hash.update(littleEndian(flags, 2));
    }
    return hash.digest("hex");
  }
}

function againstEarlier(transfer: Transfer, earlier: Recorded): ModelResult {
  const { sequence } = earlier;
  if (earlier.result !== "ok") return { result: "id_already_failed", sequence, reason: earlier.result };
  const first = earlier.transfer;
  if ((transfer.balancingDebit ?? false) !== (first.balancingDebit ?? false)) {
    return { result: "exists_with_different_flags", sequence };
  }
  if ((transfer.balancingCredit ?? false) !== (first.balancingCredit ?? false)) {
    return { result: "exists_with_different_flags", sequence };
  }
  if (transfer.debit !== first.debit) return { result: "exists_with_different_debit_account_id", sequence };
  if (transfer.credit !== first.credit) return { result: "exists_with_different_credit_account_id", sequence };
  if (transfer.amount !== first.amount) return { result: "exists_with_different_amount", sequence };
  if (transfer.userData !== first.userData) return { result: "exists_with_different_user_data", sequence };
  if (transfer.code !== first.code) return { result: "exists_with_different_code", sequence };
  return { result: "exists", sequence, ...(earlier.moved === undefined ? {} : { amount: earlier.moved }) };
}

/** What is wrong with a new transfer, whatever the accounts hold, or undefined. */
function complaintAboutContent(transfer: Transfer): string | undefined {
  const aboutDebit = idComplaint(transfer.debit);
  if (aboutDebit !== undefined) return `debit_account_id_${aboutDebit}`;
  const aboutCredit = idComplaint(transfer.credit);
  if (aboutCredit !== undefined) return `credit_account_id_${aboutCredit}`;
  if (transfer.debit === transfer.credit) return "accounts_must_be_different";
  return transfer.amount === 0n && !isBalancing(transfer) ? "amount_must_not_be_zero" : undefined;
}

function littleEndian(value: bigint, byteLength: number): Buffer {
  const bytes = Buffer.alloc(byteLength);
  for (let i = 0; i < byteLength; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
}
