/**
 * The independent model: what a ledger must do, written from the stated rules with a Map and bigints, one transfer after
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
  readonly userData?: bigint;
}

/** A transfer of the kind that moves an amount at once. */
export interface ModelPlainTransfer {
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

/** A transfer of any kind, and of kinds that can't be: the types of the API would not let those pass. */
export interface ModelNewTransfer extends Omit<ModelPlainTransfer, "debit" | "credit" | "amount"> {
  readonly debit?: string;
  readonly credit?: string;
  readonly amount?: bigint;
  readonly effectiveDate?: string;
  readonly linked?: boolean;
  readonly pending?: boolean;
  /** Seconds. */
  readonly timeout?: number;
  readonly post?: string;
  readonly void?: string;
  readonly closingDebit?: boolean;
  readonly closingCredit?: boolean;
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
  readonly userData: bigint;
  debitsPosted: bigint;
  creditsPosted: bigint;
  debitsPending: bigint;
  creditsPending: bigint;
  version: number;
  closed: boolean;
}

/** A transfer with its defaults filled in; ids and code that a post or void does not say are "" and 0. */
interface Transfer {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly code: number;
  readonly userData: bigint;
  readonly effectiveDate: string | undefined;
  readonly timeout: number;
  readonly linked: boolean;
  readonly pending: boolean;
  readonly post: boolean;
  readonly void: boolean;
  readonly balancingDebit: boolean;
  readonly balancingCredit: boolean;
  readonly closingDebit: boolean;
  readonly closingCredit: boolean;
  /** Of the transfer that it posts or voids. */
  readonly pendingId: string;
  readonly expectedDebitVersion: number | undefined;
  readonly expectedCreditVersion: number | undefined;
}

/** What is kept of a transfer for ever. A post or void keeps the accounts and the code of what it resolved. */
interface Recorded {
  readonly transfer: Transfer;
  readonly sequence: number;
  readonly result: string;
  /** What the result shows as moved or released, where it shows anything. */
  readonly moved?: bigint;
  /** What a pending transfer reserves, and what has become of that. */
  readonly reservation?: Reservation;
}

interface Reservation {
  readonly debit: ModelAccount;
  readonly credit: ModelAccount;
  readonly amount: bigint;
  readonly closes: readonly ModelAccount[];
  /** Nanoseconds since 1970; undefined for never. */
  readonly expiresAt: bigint | undefined;
  state: "open" | "posted" | "voided" | "expired";
}

const NANOSECONDS_A_SECOND = 1_000_000_000n;

/** Flags of a transfer; all of them are compared when its id comes again. */
const FLAGS = [
  "linked",
  "pending",
  "post",
  "void",
  "balancingDebit",
  "balancingCredit",
  "closingDebit",
  "closingCredit",
] as const;

function withDefaults(asked: ModelNewTransfer): Transfer {
  return {
    id: asked.id,
    debit: asked.debit ?? "",
    credit: asked.credit ?? "",
    amount: asked.amount ?? 0n,
    code: asked.code ?? 0,
    userData: asked.userData ?? 0n,
    effectiveDate: asked.effectiveDate,
    timeout: asked.timeout ?? 0,
    linked: asked.linked === true,
    pending: asked.pending === true,
    post: asked.post !== undefined,
    void: asked.void !== undefined,
    balancingDebit: asked.balancingDebit === true,
    balancingCredit: asked.balancingCredit === true,
    closingDebit: asked.closingDebit === true,
    closingCredit: asked.closingCredit === true,
    pendingId: asked.post ?? asked.void ?? "",
    expectedDebitVersion: asked.expectedDebitVersion,
    expectedCreditVersion: asked.expectedCreditVersion,
  };
}

function isBalancing(transfer: Transfer): boolean {
  return transfer.balancingDebit || transfer.balancingCredit;
}

function isClosing(transfer: Transfer): boolean {
  return transfer.closingDebit || transfer.closingCredit;
}

/** It posts or voids a pending transfer. */
function isResolving(transfer: Transfer): boolean {
  return transfer.post || transfer.void;
}

const FAILED_WITH_ITS_CHAIN: ModelResult = { result: "linked_event_failed", sequence: 0 };

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
  /** Open reservations that will expire. */
  readonly #expiring = new Set<Recorded>();
  /** How to take back what the chain under way has changed, last change last. */
  #undo: (() => void)[] = [];
  /** Legs of a chain whose last one is yet to come. */
  #legs: Transfer[] = [];
  /** Nanoseconds since 1970: the clock of the call under way. */
  #timestamp = 0n;

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
      if (known.userData !== (account.userData ?? 0n)) return "exists_with_different_user_data";
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
      userData: account.userData ?? 0n,
      debitsPosted: 0n,
      creditsPosted: 0n,
      debitsPending: 0n,
      creditsPending: 0n,
      version: 0,
      closed: false,
    });
    return "ok";
  }

  /** A whole call, at this time in nanoseconds since 1970: by default, when the call before was. */
  createTransfers(transfers: readonly ModelNewTransfer[], timestamp = this.#timestamp): ModelResult[] {
    if (transfers.length > 0) this.begin(timestamp);
    return [...transfers.flatMap((transfer) => this.add(transfer)), ...this.end()];
  }

  createTransfer(transfer: ModelNewTransfer): ModelResult {
    return this.createTransfers([transfer])[0]!;
  }

  /** Begins a call that is told transfer by transfer. Reservations whose time has run out expire first. */
  begin(timestamp: bigint): void {
    if (timestamp > this.#timestamp) this.#timestamp = timestamp;
    const due = [...this.#expiring].filter(({ reservation }) => reservation!.expiresAt! <= this.#timestamp);
    const at = ({ reservation }: Recorded): bigint => reservation!.expiresAt!;
    due.sort((a, b) => (at(a) === at(b) ? a.sequence - b.sequence : at(a) < at(b) ? -1 : 1));
    for (const pending of due) this.#release(pending, "expired");
    this.#undo = [];
  }

  /** The next transfer of the call. Results come once its chain is whole: none, or those of all its legs. */
  add(transfer: ModelNewTransfer): ModelResult[] {
    this.#legs.push(withDefaults(transfer));
    return transfer.linked === true ? [] : this.#executeChain(this.#takeLegs());
  }

  /** Ends the call: results of the chain that it leaves open. */
  end(): ModelResult[] {
    return this.#takeLegs().map((_, i, { length }) =>
      i === length - 1 ? { result: "linked_event_chain_open", sequence: 0 } : FAILED_WITH_ITS_CHAIN,
    );
  }

  #takeLegs(): Transfer[] {
    const legs = this.#legs;
    this.#legs = [];
    return legs;
  }

  #executeChain(legs: readonly Transfer[]): ModelResult[] {
    const known = legs.map((leg) => this.#refuseForIdOf(leg));
    if (known.every((result) => result?.result === "exists")) return known as ModelResult[];
    const alone = (at: number, result: ModelResult): ModelResult[] =>
      legs.map((_, i) => (i === at ? result : FAILED_WITH_ITS_CHAIN));
    const earlier = new Map<string, Transfer>();
    for (const [i, leg] of legs.entries()) {
      const refusal = known[i] ?? refuseForChain(leg, earlier) ?? this.#refuseForContentOf(leg);
      if (refusal !== undefined) return alone(i, refusal);
      earlier.set(leg.id, leg);
    }
    this.#undo = [];
    const results: ModelResult[] = [];
    for (const [i, leg] of legs.entries()) {
      const outcome = isResolving(leg) ? this.#resolve(leg) : this.#move(leg);
      if (typeof outcome === "string") {
        for (const takeBack of this.#undo.reverse()) takeBack();
        return alone(i, this.#record({ transfer: leg, result: outcome }));
      }
      results.push(this.#record({ ...outcome, result: "ok" }));
    }
    return results;
  }

  /** What the amount, the id, and an earlier transfer of this id say. */
  #refuseForIdOf(transfer: Transfer): ModelResult | undefined {
    if (transfer.amount < 0n || transfer.amount >= LIMIT) return { result: "invalid_amount", sequence: 0 };
    const complaint = idComplaint(transfer.id);
    if (complaint !== undefined) return { result: `id_${complaint}`, sequence: 0 };
    const earlier = this.#recorded.get(transfer.id);
    return earlier === undefined ? undefined : againstEarlier(transfer, earlier);
  }

  /** What the rest of the transfer says, and the assets of its accounts, where both exist. */
  #refuseForContentOf(transfer: Transfer): ModelResult | undefined {
    const complaint = isResolving(transfer) ? complaintAboutResolving(transfer) : complaintAboutMoving(transfer);
    if (complaint !== undefined) return { result: complaint, sequence: 0 };
    if (isResolving(transfer)) return undefined;
    const debit = this.accounts.get(transfer.debit);
    const credit = this.accounts.get(transfer.credit);
    if (debit === undefined || credit === undefined || debit.asset === credit.asset) return undefined;
    return { result: "accounts_must_have_the_same_asset", sequence: 0 };
  }

  /** Makes a plain or pending transfer, or says why the state refuses it. */
  #move(transfer: Transfer): Omit<Recorded, "sequence" | "result"> | string {
    const debit = this.accounts.get(transfer.debit);
    const credit = this.accounts.get(transfer.credit);
    if (debit === undefined) return "debit_account_not_found";
    if (credit === undefined) return "credit_account_not_found";
    const { expectedDebitVersion = debit.version, expectedCreditVersion = credit.version } = transfer;
    if (expectedDebitVersion !== debit.version || expectedCreditVersion !== credit.version) return "version_mismatch";
    if (debit.closed) return "debit_account_already_closed";
    if (credit.closed) return "credit_account_already_closed";
    const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
    let amount = isBalancing(transfer) && transfer.amount === 0n ? LIMIT - 1n : transfer.amount;
    if (transfer.balancingDebit) {
      amount = least(amount, debit.creditsPosted + debit.overdraftLimit - debit.debitsPosted - debit.debitsPending);
      if (amount <= 0n) return "exceeds_credits";
    }
    if (transfer.balancingCredit) {
      amount = least(amount, credit.debitsPosted - credit.creditsPosted - credit.creditsPending);
      if (amount <= 0n) return "exceeds_debits";
    }
    const debits = debit.debitsPosted + debit.debitsPending + amount;
    const credits = credit.creditsPosted + credit.creditsPending + amount;
    if (transfer.pending) {
      if (debit.debitsPending + amount >= LIMIT) return "overflows_debits_pending";
      if (credit.creditsPending + amount >= LIMIT) return "overflows_credits_pending";
    } else {
      if (debit.debitsPosted + amount >= LIMIT) return "overflows_debits_posted";
      if (credit.creditsPosted + amount >= LIMIT) return "overflows_credits_posted";
    }
    if (debits >= LIMIT) return "overflows_debits";
    if (credits >= LIMIT) return "overflows_credits";
    if (debit.debitsMustNotExceedCredits && debits > debit.creditsPosted + debit.overdraftLimit) {
      return "exceeds_credits";
    }
    if (credit.creditsMustNotExceedDebits && credits > credit.debitsPosted) return "exceeds_debits";
    const moved = isBalancing(transfer) ? { moved: amount } : {};
    if (!transfer.pending) {
      this.#change(debit, { debitsPosted: amount });
      this.#change(credit, { creditsPosted: amount });
      return { transfer, ...moved };
    }
    const closes = [...(transfer.closingDebit ? [debit] : []), ...(transfer.closingCredit ? [credit] : [])];
    this.#change(debit, { debitsPending: amount });
    this.#change(credit, { creditsPending: amount });
    for (const account of closes) this.#setClosed(account, true);
    const expiresAt =
      transfer.timeout === 0 ? undefined : this.#timestamp + BigInt(transfer.timeout) * NANOSECONDS_A_SECOND;
    return { transfer, ...moved, reservation: { debit, credit, amount, closes, expiresAt, state: "open" } };
  }

  /** Posts or voids a pending transfer, or says why the state refuses it. */
  #resolve(transfer: Transfer): Omit<Recorded, "sequence" | "result"> | string {
    const pending = this.#recorded.get(transfer.pendingId);
    if (pending === undefined || pending.result !== "ok") return "pending_transfer_not_found";
    const { reservation } = pending;
    if (reservation === undefined) return "pending_transfer_not_pending";
    const { debit, credit, amount: reserved, state } = reservation;
    if (transfer.debit !== "" && transfer.debit !== debit.id) return "pending_transfer_has_different_debit_account_id";
    if (transfer.credit !== "" && transfer.credit !== credit.id) {
      return "pending_transfer_has_different_credit_account_id";
    }
    if (transfer.code !== 0 && transfer.code !== pending.transfer.code) return "pending_transfer_has_different_code";
    if (transfer.amount > reserved) return "exceeds_pending_transfer_amount";
    const asked = transfer.amount === 0n ? reserved : transfer.amount;
    if (transfer.void && asked !== reserved) return "pending_transfer_has_different_amount";
    if (state !== "open") return state === "expired" ? "pending_transfer_expired" : `pending_transfer_already_${state}`;
    if (transfer.post && debit.closed) return "debit_account_already_closed";
    if (transfer.post && credit.closed) return "credit_account_already_closed";
    this.#release(pending, transfer.post ? "posted" : "voided", transfer.post ? asked : 0n);
    const { code } = pending.transfer;
    return { transfer: { ...transfer, debit: debit.id, credit: credit.id, code }, moved: asked };
  }

  /** Ends a reservation, posts that much of it, and opens the accounts that it closed. */
  #release(pending: Recorded, state: "posted" | "voided" | "expired", posted = 0n): void {
    const reservation = pending.reservation!;
    const { debit, credit, amount, closes } = reservation;
    this.#change(debit, { debitsPending: -amount, debitsPosted: posted });
    this.#change(credit, { creditsPending: -amount, creditsPosted: posted });
    for (const account of closes) this.#setClosed(account, false);
    const wasExpiring = this.#expiring.delete(pending);
    reservation.state = state;
    this.#undo.push(() => {
      reservation.state = "open";
      if (wasExpiring) this.#expiring.add(pending);
    });
  }

  #change(
    account: ModelAccount,
    by: Partial<Record<"debitsPosted" | "creditsPosted" | "debitsPending" | "creditsPending", bigint>>,
  ): void {
    const before = { ...account };
    account.debitsPosted += by.debitsPosted ?? 0n;
    account.creditsPosted += by.creditsPosted ?? 0n;
    account.debitsPending += by.debitsPending ?? 0n;
    account.creditsPending += by.creditsPending ?? 0n;
    account.version += 1;
    this.#undo.push(() => Object.assign(account, before));
  }

  #setClosed(account: ModelAccount, closed: boolean): void {
    account.closed = closed;
    this.#undo.push(() => {
      account.closed = !closed;
    });
  }

  #record(outcome: Omit<Recorded, "sequence">): ModelResult {
    const { id } = outcome.transfer;
    const recorded = { ...outcome, sequence: this.#recorded.size + 1 };
    this.#recorded.set(id, recorded);
    if (recorded.reservation?.expiresAt !== undefined) this.#expiring.add(recorded);
    this.#undo.push(() => {
      this.#recorded.delete(id);
      this.#expiring.delete(recorded);
    });
    const { result, sequence, moved } = recorded;
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
      const { debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
      for (const total of [debitsPosted, creditsPosted, debitsPending, creditsPending]) {
        hash.update(littleEndian(total, 16));
      }
      hash.update(littleEndian(BigInt(account.version), 8));
      const limits = (account.debitsMustNotExceedCredits ? 1n : 0n) + (account.creditsMustNotExceedDebits ? 2n : 0n);
      hash.update(littleEndian(limits + (account.closed ? 4n : 0n), 2));
    }
    return hash.digest("hex");
  }
}

function againstEarlier(transfer: Transfer, earlier: Pick<Recorded, "transfer" | "sequence" | "result" | "moved">) {
  const { sequence } = earlier;
  if (earlier.result !== "ok") return { result: "id_already_failed", sequence, reason: earlier.result };
  const difference = firstDifference(transfer, earlier.transfer);
  if (difference !== undefined) return { result: `exists_with_different_${difference}`, sequence };
  return { result: "exists", sequence, ...(earlier.moved === undefined ? {} : { amount: earlier.moved }) };
}

function firstDifference(transfer: Transfer, first: Transfer): string | undefined {
  if (FLAGS.some((flag) => transfer[flag] !== first[flag])) return "flags";
  if (transfer.pendingId !== first.pendingId) return "pending_id";
  if (transfer.timeout !== first.timeout) return "timeout";
  // What a post or void leaves to the pending transfer is whatever it is there.
  const differs = (field: "debit" | "credit" | "code"): boolean =>
    transfer[field] !== first[field] && !(isResolving(transfer) && (transfer[field] === "" || transfer[field] === 0));
  if (differs("debit")) return "debit_account_id";
  if (differs("credit")) return "credit_account_id";
  if (transfer.amount !== first.amount) return "amount";
  if (transfer.userData !== first.userData) return "user_data";
  if (differs("code")) return "code";
  return transfer.effectiveDate !== first.effectiveDate ? "effective_date" : undefined;
}

/**
 * What an earlier leg of the same chain with the same id says: such a chain can't be made. Nothing has become of that leg,
 * so it counts as it was asked for.
 */
function refuseForChain(leg: Transfer, earlier: ReadonlyMap<string, Transfer>): ModelResult | undefined {
  const first = earlier.get(leg.id);
  if (first === undefined) return undefined;
  return againstEarlier(leg, { transfer: first, sequence: 0, result: "ok" });
}

/** What is wrong with a new plain or pending transfer, whatever the accounts hold, or undefined. */
function complaintAboutMoving(transfer: Transfer): string | undefined {
  const aboutDebit = idComplaint(transfer.debit);
  if (aboutDebit !== undefined) return `debit_account_id_${aboutDebit}`;
  const aboutCredit = idComplaint(transfer.credit);
  if (aboutCredit !== undefined) return `credit_account_id_${aboutCredit}`;
  if (transfer.debit === transfer.credit) return "accounts_must_be_different";
  if (transfer.timeout !== 0 && !transfer.pending) return "timeout_reserved_for_pending_transfer";
  if (isClosing(transfer) && !transfer.pending) return "closing_transfer_must_be_pending";
  return transfer.amount === 0n && !isBalancing(transfer) && !isClosing(transfer)
    ? "amount_must_not_be_zero"
    : undefined;
}

/** What is wrong with a new post or void, whatever it refers to, or undefined. */
function complaintAboutResolving(transfer: Transfer): string | undefined {
  const { expectedDebitVersion, expectedCreditVersion } = transfer;
  const expectsVersions = expectedDebitVersion !== undefined || expectedCreditVersion !== undefined;
  const isOtherwise = transfer.pending || (transfer.post && transfer.void);
  if (isOtherwise || isBalancing(transfer) || isClosing(transfer) || expectsVersions) {
    return "flags_are_mutually_exclusive";
  }
  const aboutPending = idComplaint(transfer.pendingId);
  if (aboutPending !== undefined) return `pending_id_${aboutPending}`;
  if (transfer.pendingId === transfer.id) return "pending_id_must_be_different";
  if (transfer.timeout !== 0) return "timeout_reserved_for_pending_transfer";
  for (const side of ["debit", "credit"] as const) {
    const complaint = transfer[side] === "" ? undefined : idComplaint(transfer[side]);
    if (complaint !== undefined) return `${side}_account_id_${complaint}`;
  }
  return undefined;
}

function littleEndian(value: bigint, byteLength: number): Buffer {
  const bytes = Buffer.alloc(byteLength);
  for (let i = 0; i < byteLength; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  return bytes;
}
