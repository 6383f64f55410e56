/** Rows with chains that take several batches, made of single rows and short chains as well, and the files of them. */
import fc from "fast-check";
import type { ModelNewAccount, ModelNewTransfer } from "./model.js";

export const BATCH_CAPACITY = 16_384;

export const ACCOUNTS: readonly ModelNewAccount[] = [
  { id: "bank", asset: "JPY" },
  { id: "a shop with a long name", asset: "JPY" },
  { id: "purse", asset: "JPY", debitsMustNotExceedCredits: true },
];

const [BANK, SHOP, PURSE] = ACCOUNTS.map(({ id }) => id) as [string, string, string];

/** How a chain ends. Twins repeat the id of a leg of the same chain; `used` repeats a row before it, `failed` one that failed. */
const FATES = [
  ...["made", "refused", "unknown", "malformed", "twin", "other twin", "twin of the refused", "twin behind"],
  ...["twin of a post", "twin that posts"],
  ...["used", "failed", "refused twice", "refused before it is malformed"],
] as const;
type Fate = (typeof FATES)[number];

/** Where in its chain the leg is that breaks it. */
const PLACES = ["first", "second", "middle", "last"] as const;

export interface Chain {
  readonly legs: number;
  readonly fate: Fate;
  readonly place: (typeof PLACES)[number];
}

export interface Plan {
  readonly chains: readonly Chain[];
  /** The file ends within a chain of so many rows. */
  readonly open: number;
}

const long = fc.oneof(
  fc.integer({ min: BATCH_CAPACITY + 1, max: 40_000 }),
  fc.constantFrom(BATCH_CAPACITY, BATCH_CAPACITY + 1, 2 * BATCH_CAPACITY, 2 * BATCH_CAPACITY + 1),
);

const chain = (legs: fc.Arbitrary<number>): fc.Arbitrary<Chain> =>
  fc.record({ legs, fate: fc.constantFrom(...FATES), place: fc.constantFrom(...PLACES) });

/** Mostly one long chain among others that are short; sometimes open at the end. */
export const plans: fc.Arbitrary<Plan> = fc.record({
  chains: fc
    .tuple(
      fc.array(chain(fc.integer({ min: 1, max: 6 })), { maxLength: 4 }),
      chain(long),
      fc.array(chain(fc.nat(6)), { maxLength: 3 }),
    )
    .map(([before, middle, behind]) => [...before, middle, ...behind]),
  open: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    fc.constantFrom(3, BATCH_CAPACITY, BATCH_CAPACITY + 1, 33_000),
  ),
});

/** A leg that is made, whatever stands before it. Every fifth one reserves for the next. */
function leg(n: number): ModelNewTransfer {
  const transfer = { id: `r${n}`, debit: BANK, credit: n % 3 === 0 ? PURSE : SHOP, amount: BigInt(1 + (n % 97)) };
  switch (n % 10) {
    case 4:
      return { ...transfer, pending: true, timeout: 100_000, code: 5 };
    case 5:
      return { id: `r${n}`, post: `r${n - 1}`, amount: 1n } as ModelNewTransfer;
    case 7:
      return { ...transfer, id: `${"long ".repeat(5)}, "${n}"` };
    default:
      return transfer;
  }
}

/** Where a chain's first leg is that posts what the one before it reserves. */
const FIRST_POST = 5;

const linked = (transfer: ModelNewTransfer): ModelNewTransfer => ({ ...transfer, linked: true });

/** The rows of a plan; every chain has a row of its own before it and behind it. */
export function rowsOfPlan({ chains, open }: Plan): ModelNewTransfer[] {
  const rows: ModelNewTransfer[] = [];
  const single = (more: Partial<ModelNewTransfer> = {}): ModelNewTransfer => {
    const row = { ...{ id: `s${rows.length}`, debit: BANK, credit: SHOP, amount: 2n }, ...more };
    rows.push(row);
    return row;
  };
  for (const { legs, fate, place } of chains) {
    const used = single();
    const failed = single({ debit: PURSE, credit: BANK, amount: 10n ** 12n });
    const first = Math.ceil(rows.length / 10) * 10;
    const chain = Array.from({ length: legs }, (_, i) => leg(first + i));
    const at = { first: 0, second: 1, middle: legs >> 1, last: legs - 1 }[place];
    for (const [index, broken] of brokenLegs(chain, Math.min(at, legs - 1), fate, used, failed)) chain[index] = broken;
    rows.push(...chain.map((transfer, i) => (i < legs - 1 ? linked(transfer) : { ...transfer, linked: false })));
    // The id of a leg can be used again where its chain failed.
    single(legs > 1 ? { id: chain[legs >> 2]!.id } : {});
  }
  for (let i = 0; i < open; i++) rows.push(linked({ id: `open ${i}`, debit: BANK, credit: SHOP, amount: 1n }));
  return rows;
}

/** What takes the place of which legs. */
function brokenLegs(
  chain: readonly ModelNewTransfer[],
  at: number,
  fate: Fate,
  used: ModelNewTransfer,
  failed: ModelNewTransfer,
): [number, ModelNewTransfer][] {
  const last = chain.length - 1;
  if (last < 0) return [];
  const id = chain[at]!.id;
  const refused = { id, debit: PURSE, credit: SHOP, amount: 10n ** 12n };
  const broken: [number, ModelNewTransfer][] = [[at, refused]];
  switch (fate) {
    case "made":
      return [];
    case "refused":
      return broken;
    case "refused twice":
      return at < last ? [...broken, [last, { ...refused, id: chain[last]!.id }]] : broken;
    case "refused before it is malformed":
      return at < last ? [...broken, [last, { ...refused, id: chain[last]!.id, amount: 0n }]] : broken;
    case "unknown":
      return [[at, { id, debit: BANK, credit: "nobody, known by a long name", amount: 1n, userData: 7n }]];
    case "malformed":
      return [[at, { id, debit: BANK, credit: SHOP, amount: 0n }]];
    case "used":
      return [[at, used]];
    case "failed":
      return [[at, failed]];
    case "twin":
      return at === 0 ? [] : [[at, chain[0]!]];
    case "other twin":
      return at === 0 ? [] : [[at, { ...chain[at - 1]!, code: 77 }]];
    case "twin of a post":
    case "twin that posts": {
      // One of them names what the other one leaves to the pending transfer.
      const [pending, post] = [chain[FIRST_POST - 1], chain[FIRST_POST]];
      // The last leg is linked to none, and would differ by that.
      const behind = Math.min(Math.max(at, FIRST_POST + 1), last - 1);
      if (pending === undefined || post === undefined || behind <= FIRST_POST) return [];
      const field = (["debit", "credit", "code"] as const)[chain.length % 3]!;
      const named = { ...post, [field]: pending[field] };
      const [one, other] = fate === "twin of a post" ? [post, named] : [named, post];
      return [one, other].map((leg, i) => [i === 0 ? FIRST_POST : behind, leg]);
    }
    case "twin of the refused":
      return at + 1 < last ? [...broken, [last - 1, refused]] : broken;
    case "twin behind":
      return at + 2 < last ? [...broken, [last - 1, chain[at + 1]!]] : broken;
  }
}

const FIELDS = [
  ...["id", "debit", "credit", "amount", "code", "userData"],
  ...["linked", "pending", "post", "void", "timeout"],
] as const;

export const COLUMNS = Object.fromEntries(FIELDS.map((field) => [field, field])) as Record<
  (typeof FIELDS)[number],
  string
>;

const quoted = (value: unknown): string => (value === undefined ? "" : `"${String(value).replaceAll('"', '""')}"`);

export function csvOf(rows: readonly ModelNewTransfer[]): string {
  return [FIELDS.join(","), ...rows.map((row) => FIELDS.map((field) => quoted(row[field])).join(","))].join("\n");
}

export function ndjsonOf(rows: readonly ModelNewTransfer[]): string {
  return rows
    .map((row) => JSON.stringify(row, (_, value) => (typeof value === "bigint" ? Number(value) : value)))
    .join("\n");
}
