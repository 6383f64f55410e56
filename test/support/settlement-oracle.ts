/**
 * What a first run of a settlement job must write, computed with csv-parse, Maps and bigints from SEMANTICS.md, one row
 * after the other. Nothing here comes from `src`.
 */
import { parse } from "csv-parse/sync";

const LIMIT = 2n ** 128n;

export interface OracleJob {
  readonly accounts?: { readonly text: string; readonly id: string; readonly opening?: string };
  readonly transfers: string;
  readonly columns: { readonly id?: string; readonly debit: string; readonly credit: string; readonly amount: string };
  readonly asset: string;
  readonly scale: number;
  readonly create?: "limited" | "unlimited";
}

export interface OracleOutcome {
  /** Results by row. */
  readonly results: string[];
  /** Sequences by row, as the results file has them. */
  readonly sequences: string[];
  /** The balances file. */
  readonly balances: string;
}

interface Account {
  readonly limited: boolean;
  debits: bigint;
  credits: bigint;
  version: number;
}

interface Made {
  readonly result: string;
  readonly sequence: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
}

function amountOf(text: string, scale: number): bigint | undefined {
  const found = /^([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  if (found === null || (found[2]?.length ?? 0) > scale) return undefined;
  const amount = BigInt(found[1]! + (found[2] ?? "").padEnd(scale, "0"));
  return amount < LIMIT ? amount : undefined;
}

function decimal(amount: bigint, scale: number): string {
  if (scale === 0) return String(amount);
  const sign = amount < 0n ? "-" : "";
  const digits = String(amount < 0n ? -amount : amount).padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function idComplaint(id: string): string | undefined {
  if (id === "") return "must_not_be_empty";
  return Buffer.byteLength(id) > 64 ? "too_long" : undefined;
}

function rowsOf(text: string): { header: string[]; rows: string[][] } {
  const [header, ...rows] = parse(text, { bom: true, relax_column_count: true, skip_empty_lines: true }) as string[][];
  return { header: header!, rows };
}

/** The outcome of the job on an empty ledger. */
export function settleByHand(job: OracleJob): OracleOutcome {
  const accounts = new Map<string, Account>();
  const made = new Map<string, Made>();
  let sequence = 0;
  const open = (id: string, limited: boolean): Account => {
    const account = { limited, debits: 0n, credits: 0n, version: 0 };
    accounts.set(id, account);
    return account;
  };
  const move = (debit: Account, credit: Account, amount: bigint): void => {
    debit.debits += amount;
    debit.version++;
    credit.credits += amount;
    credit.version++;
  };
  if (job.accounts !== undefined) {
    const { header, rows } = rowsOf(job.accounts.text);
    const bank = open(`opening-balances:${job.asset}`, false);
    for (const row of rows) {
      const account = open(row[header.indexOf(job.accounts.id)]!, true);
      const { opening } = job.accounts;
      const amount = opening === undefined ? 0n : amountOf(row[header.indexOf(opening)]!, job.scale)!;
      if (amount === 0n) continue;
      move(bank, account, amount);
      sequence++;
    }
  }
  const { header, rows } = rowsOf(job.transfers);
  const at = (name: string): number => header.indexOf(name);
  const results: string[] = [];
  const sequences: string[] = [];
  for (const [index, row] of rows.entries()) {
    const settle = (): { result: string; sequence?: string } => {
      if (row.length !== header.length) return { result: "invalid_row" };
      const amount = amountOf(row[at(job.columns.amount)]!, job.scale);
      if (amount === undefined) return { result: "invalid_amount" };
      const id = job.columns.id === undefined ? `derived ${index}` : row[at(job.columns.id)]!;
      const complaint = idComplaint(id);
      if (complaint !== undefined) return { result: `id_${complaint}` };
      const debit = row[at(job.columns.debit)]!;
      const credit = row[at(job.columns.credit)]!;
      const before = made.get(id);
      if (before !== undefined) {
        const difference =
          before.result !== "ok"
            ? "id_already_failed"
            : before.debit !== debit
              ? "exists_with_different_debit_account_id"
              : before.credit !== credit
                ? "exists_with_different_credit_account_id"
                : before.amount !== amount
                  ? "exists_with_different_amount"
                  : "exists";
        return { result: difference, sequence: before.sequence };
      }
      const debitComplaint = idComplaint(debit);
      if (debitComplaint !== undefined) return { result: `debit_account_id_${debitComplaint}` };
      const creditComplaint = idComplaint(credit);
      if (creditComplaint !== undefined) return { result: `credit_account_id_${creditComplaint}` };
      if (debit === credit) return { result: "accounts_must_be_different" };
      if (amount === 0n) return { result: "amount_must_not_be_zero" };
      const account = (name: string): Account | undefined =>
        accounts.get(name) ?? (job.create === undefined ? undefined : open(name, job.create === "limited"));
      const from = account(debit);
      const to = account(credit);
      const decide = (): string => {
        if (from === undefined) return "debit_account_not_found";
        if (to === undefined) return "credit_account_not_found";
        if (from.debits + amount >= LIMIT) return "overflows_debits_posted";
        if (to.credits + amount >= LIMIT) return "overflows_credits_posted";
        if (from.limited && from.debits + amount > from.credits) return "exceeds_credits";
        move(from, to, amount);
        return "ok";
      };
      const result = decide();
      made.set(id, { result, sequence: String(++sequence), debit, credit, amount });
      return { result, sequence: String(sequence) };
    };
    const outcome = settle();
    results.push(outcome.result);
    sequences.push(outcome.sequence ?? "");
  }
  const ids = [...accounts.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const lines = ids.map((id) => {
    const { debits, credits, version } = accounts.get(id)!;
    const amounts = [debits, credits, 0n, 0n, credits - debits].map((amount) => decimal(amount, job.scale));
    const name = /[",\r\n]/.test(id) ? `"${id.replaceAll('"', '""')}"` : id;
    return `${name},${job.asset},${amounts.join(",")},${version}\n`;
  });
  const balances = `id,asset,debits_posted,credits_posted,debits_pending,credits_pending,balance,version\n${lines.join("")}`;
  return { results, sequences, balances };
}
