/** Legs of one id that post or void a pending transfer: a chain of several batches says of them what a short one does. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Ledger, LedgerOptions, NewTransfer } from "../../src/index.js";
import { read } from "../support/cli.js";
import { casesOf, makeTransfers, openLedgerHere, RUNS_MS_MAX, runsOf, temporaryFolder } from "../support/ledgers.js";
import { ACCOUNTS, BATCH_CAPACITY, COLUMNS, csvOf } from "../support/long-chains.js";
import { Model, type ModelNewTransfer, type ModelResult } from "../support/model.js";

const [BANK, SHOP, PURSE] = ACCOUNTS.map(({ id }) => id) as [string, string, string];

/** What a leg says beside its id; "", 0 and 0n leave it to the pending transfer. */
type Said = Pick<ModelNewTransfer, "debit" | "credit" | "code" | "amount" | "post" | "void">;

interface Plan {
  readonly twins: readonly [Said, Said];
  /** Whether the pending transfer is the row before the chain, or its first leg. */
  readonly reserved: "before" | "within";
  /** Where the legs are that make the chain a long one, and where one that the state refuses. */
  readonly many: Place;
  readonly refused: Place | "nowhere";
  /** The first twin ends the chain, and the second one is the row behind it. */
  readonly isApart: boolean;
}

const PLACES = ["before", "between", "behind"] as const;
type Place = (typeof PLACES)[number];

/** Of the pending transfer: what a leg may say, or leave open; each list ends with something else. */
const RIGHT = { debit: BANK, credit: SHOP, code: 7, amount: 10n };
const FIELDS = {
  debit: fc.constantFrom("", RIGHT.debit, PURSE, "nobody"),
  credit: fc.constantFrom("", RIGHT.credit, PURSE, "nobody, by a name that is kept as a text"),
  code: fc.constantFrom(0, RIGHT.code, 8),
  amount: fc.constantFrom(0n, RIGHT.amount, 4n, 11n),
};
const KINDS = fc.constantFrom<Said>({ post: "held" }, { void: "held" }, { post: "nothing" });

/** The second leg says mostly what the first one does. */
const twins = fc
  .tuple(fc.record(FIELDS), KINDS, fc.record(FIELDS, { requiredKeys: [] }), fc.option(KINDS, { freq: 9 }))
  .map(([fields, kind, others, otherKind]): [Said, Said] => [
    { ...fields, ...kind },
    { ...fields, ...others, ...(otherKind ?? kind) },
  ]);

const plans: fc.Arbitrary<Plan> = fc.record({
  twins,
  reserved: fc.constantFrom("before", "within"),
  many: fc.constantFrom(...PLACES),
  refused: fc.oneof({ weight: 3, arbitrary: fc.constant("nowhere" as const) }, fc.constantFrom(...PLACES)),
  isApart: fc.nat(3).map((n) => n === 0),
});

/** The second leg names, rightly, what the first one leaves open; in the same batch as that one, and in another. */
const EXAMPLES = (["debit", "credit", "code"] as const).flatMap((field, i) =>
  ([i === 0 ? "behind" : "before", "between"] as const).map((many, j): Plan => {
    const open: Said = (i + j) % 2 === 0 ? { post: "held", amount: 4n } : { void: "held", amount: 0n };
    const twins = [open, { ...open, [field]: RIGHT[field] }] as const;
    return { twins, reserved: i === 0 ? "before" : "within", many, refused: "nowhere", isApart: false };
  }),
);

/** The same, of a chain that was made. */
const APART = EXAMPLES.filter(({ many }) => many === "between").map((plan) => ({ ...plan, isApart: true }));

/** Rows of the plans, with or without the legs that make their chains long ones. */
function rowsOf(plans: readonly Plan[], isLong: boolean): ModelNewTransfer[] {
  const rows: ModelNewTransfer[] = [];
  for (const [n, { twins, reserved, many, refused, isApart }] of plans.entries()) {
    const pay = { debit: BANK, credit: SHOP, amount: 1n, linked: true };
    const end = { ...pay, id: `end ${n}`, linked: false };
    const at = (place: Place): ModelNewTransfer[] => [
      ...(place === refused ? [{ ...pay, id: `refused ${n}`, debit: PURSE }] : []),
      ...(isLong && place === many
        ? Array.from({ length: BATCH_CAPACITY }, (_, i) => ({ ...pay, id: `filling ${n} ${i}` }))
        : []),
    ];
    const [one, other] = twins.map((said): ModelNewTransfer => {
      const names = said.post === undefined ? { void: `${said.void} ${n}` } : { post: `${said.post} ${n}` };
      return { ...said, ...names, id: `twin ${n}`, linked: true };
    }) as [ModelNewTransfer, ModelNewTransfer];
    rows.push({ id: `held ${n}`, ...RIGHT, pending: true, linked: reserved === "within" });
    if (isApart) rows.push(...PLACES.flatMap(at), { ...one, linked: false });
    else rows.push(...at("before"), one, ...at("between"), other, ...at("behind"), end);
    // Where its chain failed, the id is free.
    rows.push({ ...other, linked: false });
  }
  return rows;
}

type Way = (ledger: Ledger, rows: readonly ModelNewTransfer[], folder: string) => Promise<ModelResult[]>;

async function settleSource(ledger: Ledger, rows: readonly ModelNewTransfer[]): Promise<ModelResult[]> {
  const found: ModelResult[] = [];
  await ledger.settle(rows as readonly NewTransfer[], {
    onResults: (results) => {
      for (let index = 0; index < results.length; index++) found.push(results.get(index));
    },
  });
  return found;
}

async function settleFile(ledger: Ledger, rows: readonly ModelNewTransfer[], folder: string): Promise<ModelResult[]> {
  writeFileSync(join(folder, "t.csv"), csvOf(rows));
  const results = join(folder, "results.csv");
  await ledger.settleFile({ transfers: join(folder, "t.csv"), columns: COLUMNS, asset: "JPY", results });
  const lines = read(folder, "results.csv").split("\n").slice(1, -1);
  return lines.map((line) => {
    const [result, sequence] = line.split(",").slice(-2);
    return { result: result!, sequence: Number(sequence) };
  });
}

interface NamedWay {
  readonly name: string;
  readonly options: LedgerOptions;
  readonly way: Way;
}

const EVENT_LOOP: LedgerOptions = { mode: "event-loop" };

const WAYS: readonly NamedWay[] = [{ name: "a file, event loop", options: EVENT_LOOP, way: settleFile }];

const MORE_WAYS: readonly NamedWay[] = [
  { name: "a call, 2 workers", options: { workers: 2 }, way: makeTransfers },
  { name: "a call, event loop", options: EVENT_LOOP, way: makeTransfers },
  { name: "a source, event loop", options: EVENT_LOOP, way: settleSource },
  { name: "a source, 2 workers", options: { workers: 2 }, way: settleSource },
  { name: "a file, 2 workers", options: { workers: 2 }, way: settleFile },
];

/** Results as a line each, without those of the legs that make chains long; a file says neither amount nor reason. */
function linesOf(rows: readonly ModelNewTransfer[], results: readonly ModelResult[], inFile: boolean): string[] {
  return rows.flatMap(({ id }, i) => {
    const { result, sequence, amount, reason } = results[i]!;
    const line = [id, result, sequence, ...(inFile ? [] : [amount, reason])].join(" ");
    return id.startsWith("filling") ? [] : [line];
  });
}

test.each(casesOf(WAYS, MORE_WAYS))(
  "legs of one id that post or void say the same in chains of one batch and of several ($name)",
  { timeout: RUNS_MS_MAX },
  async ({ options, way }) => {
    const folder = temporaryFolder();
    const inFile = way === settleFile;
    await fc.assert(
      fc.asyncProperty(fc.array(plans, { minLength: 4, maxLength: 4 }), async (plans) => {
        for (const rows of [rowsOf(plans, false), rowsOf(plans, true)]) {
          const model = new Model(["JPY"]);
          for (const account of ACCOUNTS) model.createAccount(account);
          const expected = linesOf(rows, model.createTransfers(rows), inFile);
          const capacity = { accounts: 100, transfers: 2 * rows.length };
          const ledger = await openLedgerHere(":memory:", { ...options, capacity });
          try {
            await ledger.createAccounts(ACCOUNTS);
            // A file that is settled again says the same.
            for (let time = 0; time < (inFile ? 2 : 1); time++) {
              expect(linesOf(rows, await way(ledger, rows, folder), inFile)).toEqual(expected);
            }
            expect(ledger.digest()).toBe(model.digest());
          } finally {
            await ledger.close();
          }
        }
      }),
      { ...runsOf(1), examples: [[[...EXAMPLES, ...APART]]] },
    );
  },
);
