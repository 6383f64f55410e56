/** Rows that repeat an id and name accounts which their job creates, or does not come to create. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Ledger, LedgerOptions, SettleFileOptions } from "../../../src/index.js";
import { read } from "../../support/cli.js";
import { casesOf, openLedgerHere, temporaryFolder } from "../../support/ledgers.js";
import { BATCH_CAPACITY } from "../../support/long-chains.js";

const MODES: readonly { readonly name: string; readonly options: LedgerOptions }[] = [
  { name: "event-loop", options: { mode: "event-loop" } },
  { name: "2 workers", options: { workers: 2 } },
];
const LIMITS = ["limited", "unlimited"] as const;
/** Each mode with one of them. */
const WAYS = MODES.map((mode, i) => ({ ...mode, create: LIMITS[i]! }));

async function open(options: LedgerOptions): Promise<Ledger> {
  const ledger = await openLedgerHere(":memory:", { ...options, capacity: { accounts: 200_000, transfers: 200_000 } });
  onTestFinished(() => ledger.close());
  await ledger.createAccounts([
    { id: "bank", asset: "JPY" },
    { id: "purse", asset: "JPY", debitsMustNotExceedCredits: true },
  ]);
  return ledger;
}

/** A row: its id, its accounts, and whether it is chained to the next one. */
type Row = readonly [id: string, debit: string, credit: string, chained?: 1];

/** Settles rows, in chains if any says so; returns what their lines say behind the row's number. */
async function settle(
  ledger: Ledger,
  rows: readonly Row[],
  createAccounts: NonNullable<SettleFileOptions["createAccounts"]>,
): Promise<string[]> {
  const folder = temporaryFolder();
  const inChains = rows.some(([, , , chained]) => chained === 1);
  const lines = rows.map(([id, debit, credit, chained = 0]) => `${id},${debit},${credit},1,${chained}`);
  writeFileSync(join(folder, "t.csv"), ["id,from,to,amount,chained", ...lines].join("\n"));
  await ledger.settleFile({
    ...{ transfers: join(folder, "t.csv"), asset: "JPY", results: join(folder, "results.csv"), createAccounts },
    columns: { id: "id", debit: "from", credit: "to", amount: "amount", ...(inChains ? { linked: "chained" } : {}) },
  });
  const results = read(folder, "results.csv").split("\n").slice(1, -1);
  return results.map((line) => line.slice(line.indexOf(",") + 1));
}

test.each(MODES)("a row and the accounts that it created have one clock ($name)", async ({ options }) => {
  const ledger = await open(options);
  let milliseconds = Date.now();
  const clock = vi.spyOn(Date, "now").mockImplementation(() => ++milliseconds);
  onTestFinished(() => clock.mockRestore());
  await settle(ledger, [["alone", "bank", "new"]], "unlimited");
  const { timestamp } = (await ledger.transfer("alone"))!;
  // Looked for from the journal's middle: no chunk may be older than those before it.
  expect(await ledger.balanceAt("new", { time: timestamp })).toBe(1n);
  expect((await ledger.history("new", { to: timestamp })).entries).toHaveLength(1);
});

test("a chain of several batches and the accounts that it created have one clock, made or refused", async () => {
  const ledger = await open({ mode: "event-loop" });
  let milliseconds = Date.now();
  const clock = vi.spyOn(Date, "now").mockImplementation(() => ++milliseconds);
  onTestFinished(() => clock.mockRestore());
  const chain = (name: string): Row[] =>
    Array.from({ length: BATCH_CAPACITY + 1 }, (_, i) => [`${name} ${i}`, "bank", `${name} ${i % 3}`, 1]);
  const refused: Row[] = [...chain("refused"), ["too much", "purse", "bank"]];
  expect((await settle(ledger, refused, "unlimited")).at(-1)).toBe("too much,exceeds_credits,1");
  const first = (await ledger.transfer("too much"))!;
  expect((await ledger.transfers({ to: first.timestamp })).transfers).toHaveLength(1);
  await settle(ledger, [...chain("made"), ["last", "bank", "new"]], "unlimited");
  const last = (await ledger.transfer("last"))!;
  expect(await ledger.balanceAt("new", { time: last.timestamp })).toBe(1n);
  expect(await ledger.balanceAt("bank", { time: last.timestamp })).toBe(ledger.account("bank")!.balance);
});

/** How accounts are named: so that the name is its own key, and so that the key is a hash. */
const NAMES = [(name: string) => name, (name: string) => `${name} of a name that is kept as a text`];

/** Who pays whom in the second of two rows with one id, where the first says `one` pays `two`, and what it is told. */
const SECONDS: readonly [debit: string, credit: string, result: string][] = [
  ["one", "two", "exists"],
  ["other", "two", "exists_with_different_debit_account_id"],
  ["one", "third", "exists_with_different_credit_account_id"],
  ["other", "third", "exists_with_different_debit_account_id"],
  ["two", "one", "exists_with_different_debit_account_id"],
];

test.each(MODES)("a row that repeats one which created accounts is compared with it ($name)", async ({ options }) => {
  for (const named of NAMES) {
    for (const more of [[], [["chain", "bank", "purse", 1] as Row, ["end", "bank", "purse"] as Row]]) {
      const ledger = await open(options);
      const rows = SECONDS.map(([debit, credit]): Row => ["id", named(debit), named(credit)]);
      const found = await settle(ledger, [["id", named("one"), named("two")], ...rows, ...more], "unlimited");
      expect(found.slice(0, SECONDS.length + 1)).toEqual([
        "id,ok,1",
        ...SECONDS.map(([, , result]) => `id,${result},1`),
      ]);
      expect(ledger.accountCount).toBe(4);
    }
  }
});

test.each(MODES)("a row that repeats one which its new account refused has failed ($name)", async ({ options }) => {
  for (const named of NAMES) {
    for (const more of [[], [["chain", "bank", "purse", 1] as Row, ["end", "bank", "purse"] as Row]]) {
      const ledger = await open(options);
      const rows = SECONDS.map(([debit, credit]): Row => ["id", named(debit), named(credit)]);
      const found = await settle(ledger, [["id", named("one"), named("two")], ...rows, ...more], "limited");
      expect(found.slice(0, SECONDS.length + 1)).toEqual([
        "id,exceeds_credits,1",
        ...SECONDS.map(() => "id,id_already_failed,1"),
      ]);
      expect(await ledger.transfer("id")).toMatchObject({ debit: named("one"), credit: named("two") });
      expect(ledger.accountCount).toBe(4);
    }
  }
});

test.each(WAYS)(
  "a leg that repeats one of its chain is compared with it, though neither creates accounts ($name, $create)",
  async ({ options, create }) => {
    const ledger = await open(options);
    const expected: string[] = [];
    const rows = NAMES.flatMap((named, length) =>
      SECONDS.flatMap(([debit, credit, result], i): Row[] => {
        const id = `id ${length} ${i}`;
        const end = `end ${length} ${i}`;
        expected.push(`${id},linked_event_failed,`, `${id},${result},`, `${end},linked_event_failed,`);
        return [
          [id, named("one"), named("two"), 1],
          [id, named(debit), named(credit), 1],
          [end, "bank", "purse"],
        ];
      }),
    );
    expect(await settle(ledger, rows, create)).toEqual(expected);
    expect(ledger.accountCount).toBe(2);
  },
);

test.each(WAYS)(
  "a leg that repeats one of its chain is compared with it, though a row before them creates accounts ($name, $create)",
  async ({ options, create }) => {
    for (const named of NAMES) {
      const ledger = await open(options);
      const rows = SECONDS.flatMap(([debit, credit], i): Row[] => [
        [`id ${i}`, named("one"), named("two"), 1],
        [`id ${i}`, named(debit), named(credit), 1],
        [`end ${i}`, "bank", "purse"],
      ]);
      const before: Row[] = [
        ["fill one", "bank", named("one")],
        ["fill two", "bank", named("two")],
      ];
      expect(await settle(ledger, [...before, ...rows], create)).toEqual([
        ...["fill one,ok,1", "fill two,ok,2"],
        ...SECONDS.flatMap(([, , result], i) => [
          `id ${i},linked_event_failed,`,
          `id ${i},${result},`,
          `end ${i},linked_event_failed,`,
        ]),
      ]);
      expect(ledger.accountCount).toBe(4);
    }
  },
);

test.each(MODES)("a row that repeats a leg which broke its chain has failed ($name)", async ({ options }) => {
  for (const named of NAMES) {
    const ledger = await open(options);
    const behind = SECONDS.flatMap(([debit, credit], i): Row[] => [
      [`broke ${i}`, named(debit), named(credit)],
      [`other ${i}`, "bank", "purse", 1],
      [`broke ${i}`, named(debit), named(credit)],
    ]);
    const broken = SECONDS.flatMap((_, i): Row[] => [
      [`before ${i}`, "bank", "purse", 1],
      [`broke ${i}`, named("one"), named("two")],
    ]);
    expect(await settle(ledger, [...broken, ...behind], "limited")).toEqual([
      ...SECONDS.flatMap((_, i) => [`before ${i},linked_event_failed,`, `broke ${i},exceeds_credits,${i + 1}`]),
      ...SECONDS.flatMap((_, i) => [
        `broke ${i},id_already_failed,${i + 1}`,
        `other ${i},linked_event_failed,`,
        `broke ${i},id_already_failed,${i + 1}`,
      ]),
    ]);
    expect(ledger.accountCount).toBe(4);
  }
});

test.each(casesOf<(typeof LIMITS)[number]>(["limited"], ["unlimited"]))(
  "legs of a chain that no batch holds are compared as those of any other (%s)",
  async (create) => {
    const many = (name: string): Row[] =>
      Array.from({ length: BATCH_CAPACITY }, (_, i) => [`${name} ${i}`, "bank", "purse", 1]);
    const ledger = await open({ workers: 2 });
    const first: readonly Row[][] = [[], [["refused", "purse", "bank", 1]]];
    const places: readonly (readonly [between: Row[], behind: Row[]])[] = [
      [[], many("behind")],
      [many("between"), []],
    ];
    for (const refused of first) {
      for (const [between, behind] of places) {
        for (const named of NAMES) {
          for (const [debit, credit, result] of SECONDS) {
            const [id, second]: Row[] = [
              ["id", named("one"), named("two"), 1],
              ["id", named(debit), named(credit), 1],
            ];
            const chain: Row[] = [...refused, id!, ...between, second!, ...behind, ["end", "bank", "purse"]];
            const found = await settle(ledger, chain, create);
            const broke = found.filter((line) => !line.endsWith(",linked_event_failed,"));
            expect(broke, `${debit} pays ${credit}, ${between.length} rows behind`).toEqual([`id,${result},`]);
            expect(ledger.transferCount).toBe(0);
            expect(ledger.accountCount).toBe(2);
          }
        }
      }
    }
  },
);
