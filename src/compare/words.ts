/** Titles of workloads, ways and places, the same in tables, charts and report. */
import type { Cell, Part } from "./comparison.js";
import { counted, integer } from "./format.js";

/** The parts of a comparison as questions, in the order in which they are answered. */
export const QUESTIONS: Readonly<Record<Part, string>> = {
  work: "Concurrency or parallelism?",
  coordination: "What does coordination cost?",
  smallbank: "What does it cost in SmallBank?",
  "peer-to-peer": "And between few accounts, or many?",
  places: "Where does the data live?",
};

export const PARTS = Object.keys(QUESTIONS) as Part[];

const WORK: Readonly<Record<string, readonly [full: string, short: string]>> = {
  "cpu-bound": ["CPU-bound: an Ed25519 signature each", "CPU-bound"],
  "io-bound": ["I/O-bound: a PostgreSQL round trip each", "I/O-bound"],
};

/** Names of contentions, in full and above a column. */
const CONTENTION_TITLES: Readonly<Record<string, readonly [full: string, short: string]>> = {
  uniform: ["Uniform", "Uniform"],
  zipfian: ["Zipfian", "Zipfian"],
  hot: ["One hot account", "One hot"],
  "hot-scarce": ["Hot account short of money", "Hot, short"],
  "peer-to-peer": ["Payments", "Payments"],
};

/** A workload's name as a title: `hot, 10000 accounts` becomes `One hot account, of 10,000`. */
export function workloadTitle(workload: string): string {
  const [contention, accounts] = partsOf(workload);
  if (accounts === undefined) return WORK[workload]?.[0] ?? workload;
  const title = CONTENTION_TITLES[contention]?.[0] ?? contention;
  return contention.startsWith("hot") ? `${title}, of ${accounts}` : `${title}, ${accounts} accounts`;
}

/** The same where room is short: above a column of figures in two lines, or before a row of them. */
export function workloadColumn(workload: string): string {
  const [contention, accounts] = partsOf(workload);
  return accounts === undefined
    ? (WORK[workload]?.[1] ?? workload)
    : `${CONTENTION_TITLES[contention]?.[1] ?? contention}\n${accounts}`;
}

function partsOf(workload: string): readonly [contention: string, accounts: string | undefined] {
  const [, contention, accounts] = /^(.*), (\d+) accounts$/.exec(workload) ?? [];
  return [contention ?? workload, accounts && integer(Number(accounts))];
}

/** How operations were executed. */
export function wayTitle({ way, threads }: Cell): string {
  switch (way) {
    case "sequential":
      return "sequential";
    case "event-loop":
      return "event loop";
    case "thread-pool":
      return "libuv's threads";
    case "threads":
      return counted(threads, "worker thread");
  }
}

export const PLACES: Readonly<Record<string, string>> = {
  memory: "Shared memory",
  sqlite: "SQLite",
  postgres: "PostgreSQL",
};

/** Where a cell's balances live, and the lock's server where there is one. */
export function placeTitle({ place, strategy }: Cell): string {
  const title = PLACES[place] ?? place;
  return strategy.startsWith("redis") || strategy.startsWith("redlock") ? `${title} + Redis lock` : title;
}
