/** How much a comparison measures: everything within two minutes or so, or as much as figures to be quoted need. */

/** Sizes of everything that is measured. */
export interface Plan {
  /** Repetitions that count; one more goes before them. */
  readonly repeats: number;
  /** Transfers of a repetition on threads, in shared memory. */
  readonly transfers: number;
  /** Transfers of a repetition on the event loop, in shared memory. */
  readonly loopTransfers: number;
  /** Numbers of accounts that each contention is measured with. */
  readonly accounts: readonly number[];
  /** Number of accounts where the hot account is short of money, and the customers of SmallBank. */
  readonly scarceAccounts: number;
  readonly customers: number;
  /** Numbers of accounts of the grid on which Block-STM was measured. */
  readonly peers: readonly number[];
  /** Instructions of a repetition whose signatures are verified. */
  readonly signatures: number;
  /** Transfers of a repetition that wait for a disk. */
  readonly durableTransfers: number;
  /** Transfers of a repetition under a lock outside the database. */
  readonly lockedTransfers: number;
  /** Accounts where the data is not in shared memory. */
  readonly durableAccounts: number;
  /** Operations under way at once where they take turns, and connections to a server. */
  readonly concurrency: number;
  /** Numbers of threads, from 1 to the cores. */
  readonly threads: readonly number[];
}

/** 1, 2, 4 … below the number of cores, and that number. */
export function threadCounts(cores: number): number[] {
  const counts: number[] = [];
  for (let count = 1; count < cores; count *= 2) counts.push(count);
  return [...counts, Math.max(1, cores)];
}

const COMMON = {
  scarceAccounts: 10_000,
  peers: [2, 10, 100, 1_000, 10_000],
  durableAccounts: 1_000,
  concurrency: 10,
} as const;

/** Within two minutes or so on two cores. */
export function quickPlan(cores: number): Plan {
  return {
    ...COMMON,
    repeats: 5,
    transfers: 400_000,
    loopTransfers: 10_000,
    accounts: [100, 10_000, 1_000_000],
    customers: 100_000,
    signatures: 2_000,
    durableTransfers: 300,
    lockedTransfers: 100,
    threads: threadCounts(cores),
  };
}

/** For figures that are quoted. */
export function fullPlan(cores: number): Plan {
  return {
    ...COMMON,
    repeats: 7,
    transfers: 2_000_000,
    loopTransfers: 50_000,
    accounts: [100, 1_000, 10_000, 100_000, 1_000_000],
    customers: 100_000,
    signatures: 20_000,
    durableTransfers: 2_000,
    lockedTransfers: 1_000,
    threads: threadCounts(cores),
  };
}
