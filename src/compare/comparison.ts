/**
 * What a comparison found: plain data, written as JSON, from which tables, report and charts are made. Everything in
 * them is here or follows from what is here.
 */
import type { Strategy } from "../strategies/strategy.js";
import type { Machine } from "./machine.js";
import { median } from "./statistics.js";

/** Raised when a comparison of an earlier release can't be read any more. */
export const COMPARISON_FORMAT = 1;

/** A question that a comparison answers. */
export type Part = "work" | "coordination" | "smallbank" | "peer-to-peer" | "places";

/** How operations were executed: one after the other, taking turns on one thread, or on several threads at once. */
export type Way = "sequential" | "event-loop" | "thread-pool" | "threads";

/** What was measured, how often, and what came of it. */
export interface Cell {
  readonly part: Part;
  /** The strategy's name and its place, as among {@link Comparison.strategies}. */
  readonly strategy: string;
  readonly place: string;
  readonly way: Way;
  /** Threads that executed operations. */
  readonly threads: number;
  /** Operations under way at once: on one thread they take turns. */
  readonly concurrency: number;
  /** A workload's name, as among {@link Comparison.workloads}. */
  readonly workload: string;
  readonly accounts: number;
  /** Operations in each sample. */
  readonly operations: number;
  readonly samples: readonly Sample[];
}

/** One repetition of a cell, its books checked afterwards. */
export interface Sample extends Books {
  readonly durationMs: number;
  readonly ok: number;
  readonly refused: number;
  /** How often a strategy found that another had been faster and began again, all operations together. */
  readonly conflicts: number;
}

/** What the accounts say once all is quiet. */
export interface Books {
  /** All closing balances less all opening ones, in minor units: 0 where money is conserved, below 0 where it vanished. */
  readonly appeared: number;
  /** Limited accounts that ended below zero. */
  readonly overdrawn: number;
  /** Minor units that those accounts are below zero, together. */
  readonly overdrawnBy: number;
  /** Changes that the accounts' versions count. */
  readonly versions: number;
  /** Changes that the successful operations made. */
  readonly changes: number;
}

/** A workload as people read of it. */
export interface WorkloadNote {
  readonly name: string;
  readonly accounts: number;
  readonly description: string;
  /** Name of the account that most operations touch, and the part of them that do, from 0 to 1. */
  readonly busiest: string;
  readonly share: number;
}

/** What could not be measured, and what it would take. */
export interface Skipped {
  readonly what: string;
  readonly why: string;
}

export interface Comparison {
  readonly format: typeof COMPARISON_FORMAT;
  readonly date: string;
  readonly command: string;
  readonly quick: boolean;
  readonly seed: number;
  readonly durationMs: number;
  readonly machine: Machine;
  /** Versions of the servers measured, by name. */
  readonly servers: Readonly<Record<string, string>>;
  readonly strategies: readonly Strategy[];
  readonly workloads: readonly WorkloadNote[];
  readonly cells: readonly Cell[];
  readonly skipped: readonly Skipped[];
}

/** Operations a second: the median of the cell's samples. */
export function perSecond(cell: Cell): number {
  return median(cell.samples.map(({ durationMs }) => (cell.operations * 1000) / durationMs));
}

/** Conflicts per operation over all samples. */
export function conflictsPerOperation(cell: Cell): number {
  return total(cell, "conflicts") / (cell.operations * cell.samples.length);
}

/** The part of the operations that were refused, from 0 to 1. */
export function refusedShare(cell: Cell): number {
  return total(cell, "refused") / (cell.operations * cell.samples.length);
}

/** Sum of one figure over all samples. */
export function total(cell: Cell, figure: "conflicts" | "refused" | "ok" | "overdrawn" | "overdrawnBy"): number {
  return cell.samples.reduce((sum, sample) => sum + sample[figure], 0);
}

/** Whether books are as they must be: money conserved, no limit crossed, every change counted, every operation ended. */
export function areSound(cell: Cell): boolean {
  return cell.samples.every(
    ({ appeared, overdrawn, versions, changes, ok, refused }) =>
      appeared === 0 && overdrawn === 0 && versions === changes && ok + refused === cell.operations,
  );
}

/** Whether the cell's strategy promises sound books. */
export function isSafe({ strategies }: Comparison, cell: Cell): boolean {
  return strategies.some(({ name, place, safe }) => name === cell.strategy && place === cell.place && safe);
}

/** Cells of strategies that promise sound books and did not keep them: none, or the comparison has failed. */
export function brokenCells(comparison: Comparison): Cell[] {
  return comparison.cells.filter((cell) => isSafe(comparison, cell) && !areSound(cell));
}
