/** The transfers that strategies are compared on: who pays whom how much, drawn from a seed. */
import type { OpeningAccount } from "../strategies/strategy.js";
import { Random } from "./random.js";
import { Zipfian } from "./zipfian.js";

/** How the two accounts of a transfer are chosen. */
export type Contention = "uniform" | "zipfian" | "hot" | "hot-scarce";

/** What each contention means, for tables and the report. */
export const CONTENTIONS: Readonly<Record<Contention, string>> = {
  uniform: "both accounts drawn evenly",
  zipfian: "both accounts drawn with Zipf's law, skew 0.99, as YCSB does: a few are in most transfers",
  hot: "one account is in every transfer, in either direction, and has money enough for all of them",
  "hot-scarce": "the same, but that account opens with no more than the others: often the order decides who is refused",
};

/** Minor units that an account opens with, unless said otherwise. */
export const OPENING_BALANCE = 10_000;
/** Amounts are drawn evenly from 1 to this. */
export const AMOUNT_MAX = 100;

/** Transfers between numbered accounts, and what those accounts open with. */
export interface Workload {
  /** Unique among the workloads of a comparison. */
  readonly name: string;
  readonly accounts: number;
  /** Minor units by account. */
  readonly openings: Float64Array;
  /** 1 by account whose debits are refused where they exceed its balance; left out where all are. */
  readonly limited?: Uint8Array;
  /** 1 by account that no operation at all may leave below zero; left out where these are the limited ones. */
  readonly neverBelowZero?: Uint8Array;
  /** Number of the paying account, by transfer. */
  readonly debits: Uint32Array;
  readonly credits: Uint32Array;
  readonly amounts: Uint32Array;
}

export interface WorkloadOptions {
  readonly contention: Contention;
  readonly accounts: number;
  readonly transfers: number;
  readonly seed: number;
  /** Minor units that accounts open with; `ample` is enough for all transfers. Default: {@link OPENING_BALANCE}. */
  readonly opening?: number | "ample";
}

/** Draws a workload. Equal options give equal workloads; a shorter one is the beginning of a longer one. */
export function makeWorkload(options: WorkloadOptions): Workload {
  const { contention, accounts, transfers, opening = OPENING_BALANCE } = options;
  const random = new Random(options.seed);
  const draw = accountDrawing(contention, accounts, random);
  const debits = new Uint32Array(transfers);
  const credits = new Uint32Array(transfers);
  const amounts = new Uint32Array(transfers);
  for (let i = 0; i < transfers; i++) {
    const [debit, credit] = draw();
    debits[i] = debit;
    credits[i] = credit;
    amounts[i] = 1 + random.below(AMOUNT_MAX);
  }
  const enough = transfers * AMOUNT_MAX;
  const openings = new Float64Array(accounts).fill(opening === "ample" ? enough : opening);
  if (contention === "hot") openings[hotAccount(accounts)] = enough;
  return { name: `${contention}, ${accounts} accounts`, accounts, openings, debits, credits, amounts };
}

/** Returns what draws two different accounts. */
function accountDrawing(contention: Contention, accounts: number, random: Random): () => [number, number] {
  const other = (taken: number, draw: () => number): number => {
    let drawn = draw();
    while (drawn === taken) drawn = draw();
    return drawn;
  };
  const evenly = (): number => random.below(accounts);
  if (contention === "hot" || contention === "hot-scarce") {
    const hot = hotAccount(accounts);
    return () => {
      const account = other(hot, evenly);
      return random.below(2) === 0 ? [hot, account] : [account, hot];
    };
  }
  const zipfian = contention === "zipfian" ? new Zipfian(accounts) : undefined;
  const draw = zipfian === undefined ? evenly : () => scatter(zipfian.draw(random), accounts);
  return () => {
    const debit = draw();
    return [debit, other(debit, draw)];
  };
}

/** A prime, so that multiplying by it visits every account once, unless the number of accounts is a multiple of it. */
const SCATTER_PRIME = 514_229;

/** Gives each rank an account of its own, so that the busiest accounts do not lie beside each other in memory. */
export function scatter(rank: number, accounts: number): number {
  return (rank * SCATTER_PRIME + (accounts >> 1)) % accounts;
}

function hotAccount(accounts: number): number {
  return scatter(0, accounts);
}

/** The accounts to open a bank with. Accounts that open alike share one object: there may be a million. */
export function openingAccounts({ openings, limited }: Workload): OpeningAccount[] {
  const shared = new Map<string, OpeningAccount>();
  return Array.from(openings, (opening, account) => {
    const isLimited = limited === undefined || limited[account] === 1;
    const key = `${opening} ${isLimited}`;
    const made = shared.get(key) ?? { balance: BigInt(opening), limited: isLimited };
    shared.set(key, made);
    return made;
  });
}

/** The account that most transfers touch, and the part of them that do, from 0 to 1. */
export interface BusiestAccount {
  readonly account: string;
  readonly share: number;
}

export function busiestAccount({ accounts, debits, credits }: Workload): BusiestAccount {
  const touched = new Uint32Array(accounts);
  for (const account of debits) touched[account]!++;
  for (const account of credits) touched[account]!++;
  let busiest = 0;
  for (let account = 1; account < accounts; account++) {
    if (touched[account]! > touched[busiest]!) busiest = account;
  }
  return { account: accountName(busiest), share: touched[busiest]! / Math.max(1, debits.length) };
}

/** Name of a numbered account, where people read it. */
export function accountName(account: number): string {
  return `account-${account}`;
}
