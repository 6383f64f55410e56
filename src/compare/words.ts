/** Titles of workloads, ways and places, the same in tables, charts and report. */
import type { Cell, Part } from "./comparison.js";
import { counted } from "./format.js";

/** The parts of a comparison as questions, in the order in which they are answered. */
export const QUESTIONS: Readonly<Record<Part, string>> = {
  work: "Concurrency or parallelism?",
  coordination: "What does coordination cost?",
  smallbank: "What does it cost in SmallBank?",
  "peer-to-peer": "And between few accounts, or many?",
  places: "Where does the data live?",
};

export const PARTS = Object.keys(QUESTIONS) as Part[];

const WORK: Readonly<Record<string, string>> = {
  "cpu-bound": "CPU-bound: an Ed25519 signature each",
  "io-bound": "I/O-bound: a PostgreSQL round trip each",
};

/** A workload's name as a title: `hot-scarce, 10000 accounts` becomes `Hot and scarce, 10,000 accounts`. */
export function workloadTitle(workload: string): string {
  const known = WORK[workload];
  if (known !== undefined) return known;
  const spaced = workload.replace(/\d{4,}/g, (digits) => Number(digits).toLocaleString("en-US"));
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
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
