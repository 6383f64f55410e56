/** What the ledger's tests share: configurations, ledgers on stores of one's own, comparing with the model. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect, onTestFinished, vi } from "vitest";
import type { Engine } from "../../src/engine/engine.js";
import { openEngine } from "../../src/engine/open.js";
import { type VerifyReport, verifyStore } from "../../src/engine/verify.js";
import type { LedgerOptions, NewTransfer } from "../../src/index.js";
import { Ledger, openLedgerFor } from "../../src/ledger.js";
import { openSqliteStore, type SqliteStoreOptions } from "../../src/stores/sqlite.js";
import type { Store } from "../../src/stores/store.js";
import type { Clock, ConcreteCommand } from "./arbitraries.js";
import type { Model, ModelNewTransfer, ModelResult } from "./model.js";

/** Every way of executing that must give the same results. */
export const CONFIGURATIONS: readonly { readonly name: string; readonly options: LedgerOptions }[] = [
  { name: "event-loop", options: { mode: "event-loop" } },
  ...[1, 2, 3, 4].map((workers) => ({ name: `parallel, ${workers} workers`, options: { workers } as const })),
];

/** PARALLEL_LEDGER_LONG=1 multiplies the runs of every property. */
export const RUNS_FACTOR = process.env.PARALLEL_LEDGER_LONG === "1" ? 20 : 1;

/** Those of them for every run of the tests whose cases are no numbers of workers; all of them for the long form. */
export const FEW_CONFIGURATIONS = CONFIGURATIONS.filter(
  ({ options: { mode, workers } }) => RUNS_FACTOR > 1 || mode === "event-loop" || workers === 2 || workers === 4,
);

/** Cases for every run of the tests, and more of them for the long form. */
export function casesOf<Case>(cases: readonly Case[], more: readonly Case[]): readonly Case[] {
  return RUNS_FACTOR === 1 ? cases : [...cases, ...more];
}

/** What a property test may take. */
export const RUNS_MS_MAX = 240_000 * RUNS_FACTOR;

interface RunSettings {
  numRuns: number;
  interruptAfterTimeLimit: number;
  markInterruptAsFailure: true;
  seed?: number;
  path?: string;
}

/**
 * fast-check's settings for a property of this many runs; it stops, and reports what it has, before vitest gives up.
 * PARALLEL_LEDGER_SEED and PARALLEL_LEDGER_PATH, as a failure prints them, do that failure again: of one test, named by
 * `vitest run FILE -t NAME`.
 */
export function runsOf(count: number): RunSettings {
  const { PARALLEL_LEDGER_SEED: seed, PARALLEL_LEDGER_PATH: path } = process.env;
  return {
    ...{ numRuns: Math.ceil(count * RUNS_FACTOR), interruptAfterTimeLimit: RUNS_MS_MAX * 0.8 },
    markInterruptAsFailure: true,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  };
}

/** A clock that begins at some day and moves only when told to, for ledgers of this thread as well until the test ends. */
export function startClock(): Clock {
  const clock = { milliseconds: Date.parse("2026-01-31T12:00:00Z") };
  vi.useFakeTimers({ toFake: ["Date"], now: clock.milliseconds });
  onTestFinished(() => void vi.useRealTimers());
  return clock;
}

/** Makes the transfers of a call, whatever the API's types say of them. */
export function makeTransfers(ledger: Ledger, call: readonly ModelNewTransfer[]): Promise<ModelResult[]> {
  return ledger.createTransfers(call as readonly NewTransfer[]);
}

/** Has ledgers do the command, and expects of each account or transfer what the model says. */
export async function expectSameResults(command: ConcreteCommand, ledgers: readonly Ledger[]): Promise<void> {
  if ("clock" in command) {
    // Nothing is under way: every batch of a command reads the same time.
    vi.setSystemTime(command.clock);
    return;
  }
  const perform = async (ledger: Ledger): Promise<unknown> => {
    if ("create" in command) return ledger.createAccounts(command.create);
    return Promise.all(command.calls.map((call) => makeTransfers(ledger, call)));
  };
  const found = await Promise.all(ledgers.map(perform));
  for (const [i, { mode, workers }] of ledgers.entries()) {
    if (isDeepStrictEqual(found[i], command.expected)) continue;
    const what = `${mode}, ${workers} workers`;
    if ("create" in command) expect(found[i], what).toEqual(command.expected);
    else expectSameCalls(found[i] as ModelResult[][], command, what);
  }
}

/** The first transfer whose result differs, with those before it: printing all calls helps nobody. */
function expectSameCalls(
  found: readonly (readonly ModelResult[])[],
  { calls, expected }: Extract<ConcreteCommand, { calls: unknown }>,
  what: string,
): void {
  for (const [number, transfers] of calls.entries()) {
    const differs = transfers.findIndex((_, i) => !isDeepStrictEqual(found[number]![i], expected[number]![i]));
    if (differs < 0) continue;
    const before = Math.max(0, differs - 8);
    const rows = (results: readonly ModelResult[]): unknown[] =>
      transfers.slice(before, differs + 1).map((transfer, i) => ({ transfer, ...results[before + i] }));
    expect(rows(found[number]!), `${what}, call ${number}, transfer ${differs}`).toEqual(rows(expected[number]!));
  }
}

/** An empty folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "parallel-ledger-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * `openLedger` for tests of what does not depend on who has the file: on the event loop it is this thread, as starting
 * another takes longer than most tests do.
 */
export async function openLedgerHere(path: string, options: LedgerOptions = {}): Promise<Ledger> {
  const expected = options.mode === "event-loop" ? { onCallingThread: true } : {};
  return (await openLedgerFor(path, options, expected)).ledger;
}

/** A ledger that is open until the test ends, with two accounts in yen that may owe anything and one, `purse`, that may not. */
export async function openWithPurse(path: string, options: LedgerOptions): Promise<Ledger> {
  const ledger = await openLedgerHere(path, options);
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "JPY" },
    { id: "shop", asset: "JPY" },
    { id: "purse", asset: "JPY", debitsMustNotExceedCredits: true },
  ]);
  return ledger;
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

/** Opens a ledger as {@link openLedgerHere} does, and hands out its parts. */
export async function openParts(path: string, options: PartsOptions = {}): Promise<OpenedParts> {
  const { mode = "parallel", workers = 2, accounts = 10_000, transfers = 200_000, wrap = (store) => store } = options;
  const { historyRunLog2 } = options;
  const opened = await openSqliteStore(path, {
    onCallingThread: mode === "event-loop",
    ...(historyRunLog2 === undefined ? {} : { historyRunLog2 }),
  });
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

/** Verifies the closed ledger at `path`. */
export async function verifyFile(path: string, options: SqliteStoreOptions = {}): Promise<VerifyReport> {
  const store = await openSqliteStore(path, { mode: "existing", onCallingThread: true, ...options });
  try {
    return await verifyStore(store);
  } finally {
    await store.close();
  }
}

/** Expects accounts, counts and digest of the ledger to be the model's. */
export function expectSameState(ledger: Ledger, model: Model): void {
  expect(ledger.digest()).toBe(model.digest());
  expect(ledger.transferCount).toBe(model.transferCount);
  expect(ledger.accountCount).toBe(model.accounts.size);
  const found = [...ledger.accounts()];
  const expected = model.accountsInOrder().map((account) => ({
    ...account,
    balance: account.creditsPosted - account.debitsPosted,
  }));
  expect(found).toEqual(expected);
}

/** Expects what must hold in every ledger, whatever was done: conservation per asset, and no limit crossed. */
export function expectLawful(ledger: Ledger): void {
  const totals = new Map<string, { posted: bigint; pending: bigint }>();
  for (const account of ledger.accounts()) {
    const { id, asset, debitsPosted, creditsPosted, debitsPending, creditsPending, overdraftLimit } = account;
    const { posted, pending } = totals.get(asset) ?? { posted: 0n, pending: 0n };
    totals.set(asset, {
      posted: posted + debitsPosted - creditsPosted,
      pending: pending + debitsPending - creditsPending,
    });
    // What is reserved may be posted whenever somebody likes, so it counts.
    if (account.debitsMustNotExceedCredits)
      expect(debitsPosted + debitsPending, id).toBeLessThanOrEqual(creditsPosted + overdraftLimit);
    if (account.creditsMustNotExceedDebits)
      expect(creditsPosted + creditsPending, id).toBeLessThanOrEqual(debitsPosted);
  }
  for (const [asset, differences] of totals) {
    expect(differences, `debits less credits in ${asset}`).toEqual({ posted: 0n, pending: 0n });
  }
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
