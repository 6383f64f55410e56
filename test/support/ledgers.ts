/** What the ledger's tests share: configurations, ledgers on stores of one's own, comparing with the model. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { Engine } from "../../src/engine/engine.js";
import { openEngine } from "../../src/engine/open.js";
import { Ledger, type LedgerOptions } from "../../src/ledger.js";
import { openSqliteStore } from "../../src/stores/sqlite.js";
import type { Store } from "../../src/stores/store.js";
import type { Model } from "./model.js";

/** Every way of executing that must give the same results. */
export const CONFIGURATIONS: readonly { readonly name: string; readonly options: LedgerOptions }[] = [
  { name: "event-loop", options: { mode: "event-loop" } },
  ...[1, 2, 3, 4].map((workers) => ({ name: `parallel, ${workers} workers`, options: { workers } as const })),
];

/** PARALLEL_LEDGER_LONG=1 multiplies the runs of every property. */
export const RUNS_FACTOR = process.env.PARALLEL_LEDGER_LONG === "1" ? 20 : 1;

/** What a property test may take. */
export const RUNS_MS_MAX = 120_000 * RUNS_FACTOR;

/** fast-check's settings for a property of this many runs; it stops, and reports what it has, before vitest gives up. */
export function runsOf(count: number): {
  numRuns: number;
  interruptAfterTimeLimit: number;
  markInterruptAsFailure: true;
} {
  return { numRuns: count * RUNS_FACTOR, interruptAfterTimeLimit: RUNS_MS_MAX * 0.8, markInterruptAsFailure: true };
}

/** An empty folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "parallel-ledger-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A ledger whose engine and store are at hand. */
export interface OpenedParts {
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly store: Store;
  /** Closes the file without a snapshot, as a process that dies after its last commit does. */
  abandon(): Promise<void>;
}

export interface PartsOptions {
  readonly mode?: "parallel" | "event-loop";
  readonly workers?: number;
  readonly accounts?: number;
  readonly transfers?: number;
  /** Transfers of a run of the history index, as a power of two. */
  readonly historyRunLog2?: number;
  /** Puts something between the engine and the store. */
  readonly wrap?: (store: Store) => Store;
}

/** Opens a ledger as `openLedger` does, and hands out its parts. */
export async function openParts(path: string, options: PartsOptions = {}): Promise<OpenedParts> {
  const { mode = "parallel", workers = 2, accounts = 10_000, transfers = 200_000, wrap = (store) => store } = options;
  const { historyRunLog2 } = options;
  const opened = await openSqliteStore(path, historyRunLog2 === undefined ? {} : { historyRunLog2 });
  const store = wrap(opened);
  const engine = await openEngine(store, { mode, workers, capacities: { accounts, transfers, contexts: 4 } });
  const ledger = new Ledger(engine, store);
  let abandoned = false;
  onTestFinished(async () => {
    if (!abandoned) await ledger.close();
  });
  const abandon = async (): Promise<void> => {
    abandoned = true;
    await engine.exclusively(() => engine.flush());
    await engine.close();
    await store.close();
  };
  return { ledger, engine, store, abandon };
}

/** Expects accounts, counts and digest of the ledger to be the model's. */
export function expectSameState(ledger: Ledger, model: Model): void {
  expect(ledger.digest()).toBe(model.digest());
  expect(ledger.transferCount).toBe(model.transferCount);
  expect(ledger.accountCount).toBe(model.accounts.size);
  const found = [...ledger.accounts()];
  const expected = model.accountsInOrder().map((account) => ({
    ...account,
    debitsPending: 0n,
    creditsPending: 0n,
    balance: account.creditsPosted - account.debitsPosted,
  }));
  expect(found).toEqual(expected);
}

/** Expects what must hold in every ledger, whatever was done: conservation per asset, and no limit crossed. */
export function expectLawful(ledger: Ledger): void {
  const totals = new Map<string, bigint>();
  for (const account of ledger.accounts()) {
    const { id, asset, debitsPosted, creditsPosted, overdraftLimit } = account;
    totals.set(asset, (totals.get(asset) ?? 0n) + debitsPosted - creditsPosted);
    if (account.debitsMustNotExceedCredits)
      expect(debitsPosted, id).toBeLessThanOrEqual(creditsPosted + overdraftLimit);
    if (account.creditsMustNotExceedDebits) expect(creditsPosted, id).toBeLessThanOrEqual(debitsPosted);
  }
  for (const [asset, difference] of totals) expect(difference, `debits less credits in ${asset}`).toBe(0n);
}

/** A store of which some calls go elsewhere, and all others straight through. */
export function intercept(store: Store, calls: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const call: unknown = Reflect.get(calls, name);
      if (call !== undefined) return call;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
