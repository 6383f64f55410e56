/**
 * Random command sequences for ledger and model, in symbols: a symbol becomes an id only when a run starts, with a
 * prefix of its own, so that one ledger serves many runs; an amount such as "all that is there, and one more" becomes
 * a number only when the model knows what is there.
 */
import fc from "fast-check";
import type { Model, ModelNewAccount, ModelNewTransfer, ModelPlainTransfer, ModelResult } from "./model.js";

/** How an id is written; every kind that the layout distinguishes, and what lies just beyond. */
const ID_SHAPES = [
  "plain",
  "oneByte",
  "sixteenBytes",
  "sixteenBytesWithZero",
  "seventeenBytes",
  "sameFirstSixteenBytes",
  "lowerCaseUuid",
  "upperCaseUuid",
  "notQuiteUuid",
  "sixtyFourBytes",
  "sixtyFourBytesOfUmlauts",
  "sixtyFiveBytes",
  "sixtySixBytesOfUmlauts",
  "emoji",
  "loneSurrogate",
  "sixtyFiveBytesWithLoneSurrogate",
  "empty",
] as const;

export type IdShape = (typeof ID_SHAPES)[number];

/** A symbol for an id: a shape, and which one of that shape. */
export interface IdSymbol {
  readonly shape: IdShape;
  readonly which: number;
}

/** The id that a symbol stands for in the run of this number. Equal symbols give equal ids, others different ones. */
export function idOf({ shape, which }: IdSymbol, run: number): string {
  const number = run.toString(36);
  const name = `${number}.${which}`;
  switch (shape) {
    case "plain":
      return name;
    case "oneByte":
      // There are too few for every run to have its own: what earlier runs did to them is in the model as well.
      return String.fromCharCode(33 + ((run * 8 + which) % 94));
    case "sixteenBytes":
      return name.padEnd(16, "-");
    case "sixteenBytesWithZero":
      return name.padEnd(16, "\0");
    case "seventeenBytes":
      return name.padEnd(17, "-");
    case "sameFirstSixteenBytes":
      return `${number.padEnd(16, "-")}${"x".repeat(1 + which)}`;
    case "lowerCaseUuid":
      return uuid(run, which);
    case "upperCaseUuid":
      return uuid(run, which).toUpperCase();
    case "notQuiteUuid":
      return uuid(run, which).replace("abcd", "abcg");
    case "sixtyFourBytes":
      return name.padEnd(64, "-");
    case "sixtyFourBytesOfUmlauts":
      return `${name.padEnd(12, "-")}${"ü".repeat(26)}`;
    case "sixtyFiveBytes":
      return name.padEnd(65, "-");
    case "sixtySixBytesOfUmlauts":
      return `${name.padEnd(12, "-")}${"ü".repeat(27)}`;
    case "emoji":
      return `😀${name}`;
    case "loneSurrogate":
      return `${name}\ud83d`;
    case "sixtyFiveBytesWithLoneSurrogate":
      return `${name.padEnd(62, "-")}\ud83d`;
    case "empty":
      return "";
  }
}

function uuid(run: number, which: number): string {
  return `${run.toString(16).padStart(8, "0")}-abcd-4abc-8def-${which.toString(16).padStart(12, "f")}`;
}

const INVALID_SHAPES: ReadonlySet<IdShape> = new Set([
  "empty",
  "loneSurrogate",
  "sixtyFiveBytes",
  "sixtyFiveBytesWithLoneSurrogate",
  "sixtySixBytesOfUmlauts",
]);
const VALID_SHAPES = ID_SHAPES.filter((shape) => !INVALID_SHAPES.has(shape));

const plainId = (count: number): fc.Arbitrary<IdSymbol> =>
  fc.record({ shape: fc.constant("plain" as const), which: fc.nat({ max: count - 1 }) });
const validId = (count: number): fc.Arbitrary<IdSymbol> =>
  fc.record({ shape: fc.constantFrom(...VALID_SHAPES), which: fc.nat({ max: count - 1 }) });
const anyId: fc.Arbitrary<IdSymbol> = fc.record({ shape: fc.constantFrom(...ID_SHAPES), which: fc.nat({ max: 2 }) });

const brokenId: fc.Arbitrary<IdSymbol> = fc.record({
  shape: fc.constantFrom("empty" as const, "loneSurrogate" as const, "sixtyFiveBytes" as const),
  which: fc.constant(0),
});

const ASSETS = ["USD", "EUR", "JPY"] as const;

/** Assets of every run. */
export const MODEL_ASSETS: readonly string[] = ASSETS;

/**
 * The accounts that every run begins with, by their number as `plain` ids; the numbers behind them do not exist. With
 * them comes an unlimited one in every other shape, as the first of it.
 */
const FIRST_ACCOUNTS: readonly Omit<ModelNewAccount, "id">[] = [
  { asset: "USD" },
  { asset: "USD", debitsMustNotExceedCredits: true },
  { asset: "USD", debitsMustNotExceedCredits: true, code: 7, overdraftLimit: 4n },
  { asset: "USD", creditsMustNotExceedDebits: true },
  { asset: "USD" },
  { asset: "EUR", debitsMustNotExceedCredits: true, overdraftLimit: 2n ** 64n },
  { asset: "EUR" },
];
const PLAIN_ACCOUNTS = FIRST_ACCOUNTS.length + 2;

export interface AccountSymbol extends Omit<ModelNewAccount, "id"> {
  readonly id: IdSymbol;
}

export type AmountSymbol =
  | { readonly exactly: bigint }
  /** What the debit account could pay at that moment, plus this. */
  | { readonly balancePlus: bigint }
  /** What is missing until these debits of the debit account reach 2^128, plus this. */
  | { readonly roomPlus: bigint; readonly of: "posted" | "pending" | "both" };

/** The version to expect of an account: the one it has at that moment, plus this. */
export type VersionSymbol = number | undefined;

/** A flag or a timeout that the kind of transfer can't have. */
export type Misfit =
  | "pending"
  | "post"
  | "void"
  | "timeout"
  | "balancingDebit"
  | "balancingCredit"
  | "closingDebit"
  | "closingCredit";

export interface FreshTransfer {
  readonly id: IdSymbol;
  readonly debit: IdSymbol;
  readonly credit: IdSymbol;
  readonly amount: AmountSymbol;
  readonly code: number;
  readonly userData: bigint;
  readonly date: string | undefined;
  readonly linked: boolean;
  readonly pending: boolean;
  /** Seconds, of a pending one; 0 for never. */
  readonly timeout: number;
  readonly closingDebit: boolean;
  readonly closingCredit: boolean;
  readonly debitVersion: VersionSymbol;
  readonly creditVersion: VersionSymbol;
  readonly balancingDebit: boolean;
  readonly balancingCredit: boolean;
  readonly misfit: Misfit | undefined;
}

/** Posts or voids something. */
export interface ResolvingTransfer {
  readonly id: IdSymbol;
  readonly how: "post" | "void";
  /** What, counted back from the last one of the sort, or by an id, or itself. */
  readonly of:
    | { readonly sort: "pending" | "made" | "asked" | "upcoming"; readonly back: number }
    | { readonly id: IdSymbol }
    | "itself";
  readonly debit: "omitted" | "empty" | "same" | "credit" | IdSymbol;
  readonly credit: "omitted" | "empty" | "same" | "debit" | IdSymbol;
  /** Of what is reserved, plus this; of all of it, half, or nothing. */
  readonly amount: "omitted" | { readonly of: "all" | "half" | "none"; readonly plus: bigint };
  readonly code: "omitted" | "same" | "other";
  readonly userData: bigint;
  readonly date: string | undefined;
  readonly linked: boolean;
  readonly misfit: Misfit | undefined;
}

const CHANGES = [
  "debit",
  "credit",
  "amount",
  "zeroAmount",
  "negativeAmount",
  "amountHighWord",
  "userData",
  "userDataHighWord",
  "code",
  "zeroCode",
  "expectedVersion",
  "balancingDebit",
  "balancingCredit",
  "closingDebit",
  "closingCredit",
  "linked",
  "pending",
  "timeout",
  "date",
  "firstDay",
  "pendingId",
  "otherWay",
  "swapped",
  "sameAccounts",
  "emptyDebit",
  "emptyCredit",
  "tooLongDebit",
] as const;

/** An earlier transfer of the run again, whole or with one field changed. */
export interface RepeatedTransfer {
  /** Counted back from the last one of the sort. */
  readonly back: number;
  readonly of: "asked" | "made" | "pending" | "resolving";
  readonly change: "nothing" | (typeof CHANGES)[number];
}

export type TransferSymbol = FreshTransfer | ResolvingTransfer | RepeatedTransfer;

/** Transfers linked to one another. */
export interface Chain {
  readonly chain: readonly TransferSymbol[];
  /** The last one is linked too: to what comes next in the call, if anything does. */
  readonly open: boolean;
}

/** All legs of an earlier chain again. */
export interface RepeatedChain {
  /** Counted back from the last one. */
  readonly chainBack: number;
  readonly change:
    | "nothing"
    | "shorter"
    | "reversed"
    | "firstLegOnly"
    | { readonly leg: number; readonly change: (typeof CHANGES)[number] };
}

export type ItemSymbol = TransferSymbol | Chain | RepeatedChain;

export type Command =
  | { readonly create: readonly AccountSymbol[] }
  /** Moves the clock on. */
  | { readonly milliseconds: number }
  /** Calls made without awaiting one another. */
  | { readonly calls: readonly (readonly ItemSymbol[])[] };

export interface Run {
  /** Between any two chains lies a transfer that nothing contests, so that the engine never falls back to its serial plan. */
  readonly padded: boolean;
  readonly commands: readonly Command[];
}

const TWO_64 = 2n ** 64n;
const TWO_128 = 2n ** 128n;

const amount: fc.Arbitrary<AmountSymbol> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ exactly: fc.bigInt(1n, 10n) }) },
  { weight: 4, arbitrary: fc.record({ balancePlus: fc.constantFrom(-1n, 0n, 0n, 1n) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      roomPlus: fc.constantFrom(-1n, 0n, 1n),
      of: fc.constantFrom("posted" as const, "pending" as const, "both" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      exactly: fc.constantFrom(
        0n,
        -1n,
        TWO_64 - 1n,
        TWO_64,
        TWO_64 + 1n,
        -TWO_64,
        2n ** 127n,
        TWO_128 - 1n,
        TWO_128,
        TWO_128 + 1n,
      ),
    }),
  },
);

/** Mostly accounts that exist and hold the same asset; of the rest, some do not exist and some can't. */
const accountId: fc.Arbitrary<IdSymbol> = fc.oneof(
  { weight: 24, arbitrary: plainId(5) },
  { weight: 3, arbitrary: plainId(PLAIN_ACCOUNTS) },
  { weight: 6, arbitrary: validId(1) },
  { weight: 1, arbitrary: anyId },
  { weight: 1, arbitrary: brokenId },
);

/** Mostly ids of their own; the others have often been used. */
const transferId: fc.Arbitrary<IdSymbol> = fc.oneof(
  { weight: 12, arbitrary: plainId(1000) },
  { weight: 4, arbitrary: validId(30) },
  { weight: 2, arbitrary: plainId(5) },
  { weight: 1, arbitrary: anyId },
);

const expectation: fc.Arbitrary<VersionSymbol> = fc.oneof(
  { weight: 12, arbitrary: fc.constant(undefined) },
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.constantFrom(-1, 1, 2 ** 40) },
);

/** True once in so many times. */
const onceIn = (times: number): fc.Arbitrary<boolean> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });

/** A value once in so many times, otherwise nothing. */
const seldom = <Value>(times: number, value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

const misfit: fc.Arbitrary<Misfit | undefined> = seldom(
  25,
  fc.constantFrom<Misfit[]>(
    "pending",
    "post",
    "void",
    "timeout",
    "balancingDebit",
    "balancingCredit",
    "closingDebit",
    "closingCredit",
  ),
);

/** The first day of all is stored as zero, which is not the same as none. */
const date: fc.Arbitrary<string | undefined> = seldom(6, fc.constantFrom("1970-01-01", "1969-12-31", "2026-02-28"));
const userData: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0n) },
  { weight: 1, arbitrary: fc.constantFrom(1n, TWO_64, TWO_128 - 1n) },
);
const timeout: fc.Arbitrary<number> = fc.constantFrom(0, 0, 1, 1, 2, 5, 2 ** 32 - 1);

const freshTransfer: fc.Arbitrary<FreshTransfer> = fc.record({
  id: transferId,
  debit: accountId,
  credit: accountId,
  amount,
  code: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(1, 65535) }),
  userData,
  date,
  linked: onceIn(25),
  pending: onceIn(3),
  timeout,
  closingDebit: onceIn(30),
  closingCredit: onceIn(30),
  debitVersion: expectation,
  creditVersion: expectation,
  balancingDebit: onceIn(8),
  balancingCredit: onceIn(8),
  misfit,
});

/** One that little can refuse: small, new, and between accounts of one asset, mostly unlimited ones. */
const easyTransfer: fc.Arbitrary<FreshTransfer> = fc.record({
  id: fc.record({
    shape: fc.constantFrom("plain" as const, "sixtyFourBytes" as const),
    which: fc.noBias(fc.nat({ max: 100_000 })),
  }),
  debit: fc.record({ shape: fc.constant("plain" as const), which: fc.constantFrom(0, 0, 0, 0, 0, 2) }),
  credit: fc.record({ shape: fc.constant("plain" as const), which: fc.constantFrom(4, 4, 1, 1) }),
  amount: fc.record({ exactly: fc.bigInt(1n, 10n) }),
  code: fc.constantFrom(0, 0, 1),
  userData,
  date,
  linked: fc.constant(false),
  pending: fc.boolean(),
  timeout,
  closingDebit: fc.constant(false),
  closingCredit: fc.constant(false),
  debitVersion: fc.constant(undefined),
  creditVersion: fc.constant(undefined),
  balancingDebit: onceIn(30),
  balancingCredit: onceIn(30),
  misfit: fc.constant(undefined),
});

/** One that comes near 2^128, between accounts that have little else to do, or they could do nothing else afterwards. */
const hugeTransfer: fc.Arbitrary<FreshTransfer> = fc
  .record({
    fresh: easyTransfer,
    debit: fc.constantFrom(...(["emoji", "upperCaseUuid"] as const)),
    credit: fc.constantFrom(...(["notQuiteUuid", "sixtyFourBytes"] as const)),
    pending: fc.boolean(),
    amount: fc.oneof(
      fc.record({ exactly: fc.constantFrom(2n ** 126n, 2n ** 127n - 1n, 2n ** 127n) }),
      fc.record({
        roomPlus: fc.constantFrom(-1n, 0n),
        of: fc.constantFrom("posted" as const, "pending" as const, "both" as const),
      }),
    ),
  })
  .map(({ fresh, debit, credit, pending, amount }) => ({
    ...{ ...fresh, debit: { shape: debit, which: 0 }, credit: { shape: credit, which: 0 }, pending },
    ...{ amount, balancingDebit: false, balancingCredit: false },
  }));

const sideOf = <Other extends "debit" | "credit">(other: Other) =>
  fc.oneof(
    { weight: 10, arbitrary: fc.constant("omitted" as const) },
    { weight: 4, arbitrary: fc.constantFrom("empty" as const, "same" as const) },
    { weight: 1, arbitrary: fc.constant(other) },
    { weight: 1, arbitrary: anyId },
  );

const resolvingTransfer: fc.Arbitrary<ResolvingTransfer> = fc.record({
  id: transferId,
  how: fc.constantFrom("post" as const, "void" as const),
  of: fc.oneof(
    {
      weight: 16,
      arbitrary: fc.record({ sort: fc.constant("pending" as const), back: fc.nat({ max: 4 }) }),
    },
    { weight: 1, arbitrary: fc.record({ sort: fc.constant("upcoming" as const), back: fc.nat({ max: 4 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({ sort: fc.constantFrom("made" as const, "asked" as const), back: fc.nat({ max: 8 }) }),
    },
    { weight: 2, arbitrary: fc.record({ id: fc.oneof(anyId, brokenId) }) },
    { weight: 1, arbitrary: fc.constant("itself" as const) },
  ),
  debit: sideOf("credit"),
  credit: sideOf("debit"),
  amount: fc.oneof(
    { weight: 3, arbitrary: fc.constant("omitted" as const) },
    {
      weight: 4,
      arbitrary: fc.record({
        of: fc.constantFrom("all" as const, "all" as const, "half" as const, "none" as const),
        plus: fc.constantFrom(0n, 0n, 0n, 1n, -1n),
      }),
    },
    { weight: 1, arbitrary: fc.record({ of: fc.constant("all" as const), plus: fc.constantFrom(TWO_64, -TWO_64) }) },
  ),
  code: fc.constantFrom("omitted" as const, "omitted" as const, "omitted" as const, "same" as const, "other" as const),
  userData,
  date,
  linked: onceIn(25),
  misfit,
});

const change: fc.Arbitrary<RepeatedTransfer["change"]> = fc.oneof(
  { weight: 1, arbitrary: fc.constant("nothing" as const) },
  { weight: 5, arbitrary: fc.constantFrom(...CHANGES) },
  { weight: 2, arbitrary: fc.constantFrom("pendingId" as const, "timeout" as const, "code" as const, "date" as const) },
);

const repeatedTransfer: fc.Arbitrary<RepeatedTransfer> = fc.record({
  back: fc.nat({ max: 8 }),
  of: fc.constantFrom(
    "asked" as const,
    "made" as const,
    "pending" as const,
    "resolving" as const,
    "resolving" as const,
  ),
  change,
});

const transfer: fc.Arbitrary<TransferSymbol> = fc.oneof(
  { weight: 6, arbitrary: freshTransfer },
  { weight: 3, arbitrary: easyTransfer },
  { weight: 2, arbitrary: hugeTransfer },
  { weight: 5, arbitrary: resolvingTransfer },
  { weight: 5, arbitrary: repeatedTransfer },
);

/** Posts or voids what was reserved last, wholly or in part. */
const easyResolving: fc.Arbitrary<ResolvingTransfer> = resolvingTransfer.map((resolving) => ({
  ...resolving,
  of: { sort: "pending", back: 0 },
  debit: "omitted",
  credit: "same",
  amount: { of: resolving.how === "post" ? "half" : "all", plus: 0n },
  code: "same",
  misfit: undefined,
}));

/** Mostly legs that can be made, or no chain ever would be. */
const chain: fc.Arbitrary<Chain> = fc.record({
  chain: fc.array(
    fc.oneof(
      { weight: 16, arbitrary: easyTransfer },
      { weight: 5, arbitrary: easyResolving },
      { weight: 1, arbitrary: transfer },
      // An id twice in the chain, perhaps.
      { weight: 1, arbitrary: fc.record({ back: fc.nat({ max: 2 }), of: fc.constant("asked" as const), change }) },
    ),
    { minLength: 1, maxLength: 6 },
  ),
  open: onceIn(12),
});

const repeatedChain: fc.Arbitrary<RepeatedChain> = fc.record({
  chainBack: fc.nat({ max: 3 }),
  change: fc.oneof(
    { weight: 3, arbitrary: fc.constant("nothing" as const) },
    { weight: 1, arbitrary: fc.constantFrom("shorter" as const, "reversed" as const, "firstLegOnly" as const) },
    { weight: 2, arbitrary: fc.record({ leg: fc.nat({ max: 5 }), change: fc.constantFrom(...CHANGES) }) },
  ),
});

const item: fc.Arbitrary<ItemSymbol> = fc.oneof(
  { weight: 16, arbitrary: transfer },
  { weight: 3, arbitrary: chain },
  { weight: 1, arbitrary: repeatedChain },
);

const newAccount: fc.Arbitrary<AccountSymbol> = fc.record(
  {
    id: fc.oneof(accountId, plainId(PLAIN_ACCOUNTS), anyId),
    asset: fc.constantFrom(...ASSETS, "USD", "USD", "XXQ", ""),
    code: fc.constantFrom(0, 7),
    userData: fc.constantFrom(0n, 0n, TWO_64 + 1n),
    debitsMustNotExceedCredits: fc.boolean(),
    creditsMustNotExceedDebits: fc.boolean(),
    overdraftLimit: fc.constantFrom(0n, 0n, 4n, TWO_64, TWO_128 - 1n),
  },
  { requiredKeys: ["id", "asset"] },
);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ create: fc.array(newAccount, { minLength: 1, maxLength: 5 }) }) },
  // The timeouts are whole seconds: at the very moment, and a tick before and after.
  { weight: 2, arbitrary: fc.record({ milliseconds: fc.constantFrom(1, 999, 1000, 1000, 1001, 2000, 5000) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      calls: fc.oneof(
        { weight: 3, arbitrary: fc.tuple(fc.array(item, { minLength: 1, maxLength: 60, size: "large" })) },
        { weight: 1, arbitrary: fc.array(fc.array(item, { maxLength: 6 }), { minLength: 2, maxLength: 8 }) },
      ),
    }),
  },
);

/** Everything that happens to a ledger in one run. */
export const run: fc.Arbitrary<Run> = fc.record({
  padded: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  commands: fc
    .tuple(
      fc.array(easyTransfer, { minLength: 4, maxLength: 10 }),
      fc.array(command, { minLength: 1, maxLength: 12, size: "large" }),
    )
    .map(([first, rest]): Command[] => [{ calls: [first] }, ...rest]),
});

/** A command in ids and amounts, with what the model says must come of it. */
export type ConcreteCommand =
  | { readonly create: readonly ModelNewAccount[]; readonly expected: readonly { readonly result: string }[] }
  /** The clock from here on, in milliseconds since 1970. */
  | { readonly clock: number }
  | {
      readonly calls: readonly (readonly ModelNewTransfer[])[];
      readonly expected: readonly (readonly ModelResult[])[];
    };

/** The clock of model and ledgers, in milliseconds since 1970. Moved while symbols become commands. */
export interface Clock {
  milliseconds: number;
}

/** What a ledger reads from the clock. */
export function nanosecondsOf({ milliseconds }: Clock): bigint {
  return BigInt(milliseconds) * 1_000_000n;
}

/** Turns a run's symbols into ids and amounts, command by command, and has the model do it all first. */
export class Materializer {
  readonly #model: Model;
  readonly #run: number;
  readonly #clock: Clock;
  readonly #asked: ModelNewTransfer[] = [];
  readonly #made: ModelNewTransfer[] = [];
  readonly #pending: ModelNewTransfer[] = [];
  readonly #resolved: ModelNewTransfer[] = [];
  readonly #chains: (readonly ModelNewTransfer[])[] = [];
  readonly #padded: boolean;
  #paddings = 0;
  #upcoming: readonly IdSymbol[] = [];
  /** The call under way, and the legs of the chain that it has not ended. */
  #call: ModelNewTransfer[] = [];
  #results: ModelResult[] = [];
  #legs: ModelNewTransfer[] = [];

  constructor(model: Model, run: number, padded: boolean, clock: Clock) {
    this.#model = model;
    this.#run = run;
    this.#padded = padded;
    this.#clock = clock;
  }

  /** How many random transfers had each result so far, those that only pad left out. */
  readonly counts = new Map<string, number>();

  /** Creates the accounts that every run begins with. */
  begin(): ConcreteCommand {
    const first = FIRST_ACCOUNTS.map((account, which) => ({ ...account, id: this.#id({ shape: "plain", which }) }));
    const shapes = VALID_SHAPES.filter((shape) => shape !== "plain");
    return this.#createAccounts([
      ...first,
      ...shapes.map((shape) => ({ asset: "USD", id: this.#id({ shape, which: 0 }) })),
      { id: `${this.#run}:padding-out`, asset: "USD" },
      { id: `${this.#run}:padding-in`, asset: "USD" },
    ]);
  }

  next(symbols: Command): ConcreteCommand {
    if ("create" in symbols) {
      return this.#createAccounts(symbols.create.map((account) => ({ ...account, id: this.#id(account.id) })));
    }
    if ("milliseconds" in symbols) {
      this.#clock.milliseconds += symbols.milliseconds;
      return { clock: this.#clock.milliseconds };
    }
    const calls: ModelNewTransfer[][] = [];
    const expected: ModelResult[][] = [];
    for (const items of symbols.calls) {
      const call: ModelNewTransfer[] = [];
      const results: ModelResult[] = [];
      this.#call = call;
      this.#results = results;
      this.#upcoming = items.flatMap((one) => ("id" in one ? [one.id] : []));
      for (const one of items) this.#makeItem(one);
      this.#take(this.#model.end());
      calls.push(call);
      expected.push(results);
    }
    return { calls, expected };
  }

  #makeItem(symbol: ItemSymbol): void {
    if (this.#padded && this.#legs.length === 0) this.#make(this.#padding());
    if ("chain" in symbol) {
      const last = symbol.chain.length - 1;
      for (const [i, leg] of symbol.chain.entries()) {
        const { linked: _, ...asked } = this.#transfer(leg) ?? this.#padding();
        this.#ask({ ...asked, ...(i < last || symbol.open ? { linked: true } : {}) });
      }
    } else if ("chainBack" in symbol) {
      for (const leg of this.#chainAgain(symbol)) this.#ask(leg);
    } else {
      const asked = this.#transfer(symbol);
      if (asked !== undefined) this.#ask(asked);
    }
  }

  #ask(asked: ModelNewTransfer): void {
    this.#asked.push(asked);
    this.#make(asked);
  }

  #make(asked: ModelNewTransfer): void {
    // Not before: the engine has no batch for a call of nothing, which one is whose only item has nothing to refer to.
    if (this.#call.length === 0) this.#model.begin(nanosecondsOf(this.#clock));
    this.#call.push(asked);
    this.#legs.push(asked);
    this.#take(this.#model.add(asked));
  }

  /** Notes what became of the chain that has ended, if one has. */
  #take(results: readonly ModelResult[]): void {
    if (results.length === 0) return;
    this.#results.push(...results);
    for (const [i, { result }] of results.entries()) {
      const leg = this.#legs[i]!;
      if (leg.id.startsWith(`${this.#run}:padding`)) continue;
      this.counts.set(result, (this.counts.get(result) ?? 0) + 1);
      if (result !== "ok") continue;
      this.#made.push(leg);
      if (leg.pending === true) this.#pending.push(leg);
      if (leg.post !== undefined || leg.void !== undefined) this.#resolved.push(leg);
    }
    if (this.#legs.length > 1) this.#chains.push(this.#legs);
    this.#legs = [];
  }

  #transfer(symbol: TransferSymbol): ModelNewTransfer | undefined {
    if ("change" in symbol) {
      const lists = { asked: this.#asked, made: this.#made, pending: this.#pending, resolving: this.#resolved };
      const earlier = lists[symbol.of].at(-1 - symbol.back);
      return earlier === undefined ? undefined : this.#changed(earlier, symbol.change);
    }
    return "how" in symbol ? this.#resolving(symbol) : this.#fresh(symbol);
  }

  #id(symbol: IdSymbol): string {
    return idOf(symbol, this.#run);
  }

  #createAccounts(create: readonly ModelNewAccount[]): ConcreteCommand {
    return { create, expected: create.map((account) => ({ result: this.#model.createAccount(account) })) };
  }

  #padding(): ModelNewTransfer {
    const id = `${this.#run}:padding-${this.#paddings++}`;
    return { id, debit: `${this.#run}:padding-out`, credit: `${this.#run}:padding-in`, amount: 1n };
  }

  #fresh(symbol: FreshTransfer): ModelNewTransfer {
    const debit = this.#id(symbol.debit);
    const credit = this.#id(symbol.credit);
    const expectedDebitVersion = this.#version(symbol.debitVersion, debit);
    const expectedCreditVersion = this.#version(symbol.creditVersion, credit);
    return {
      id: this.#id(symbol.id),
      debit,
      credit,
      amount: this.#amount(symbol.amount, debit),
      ...common(symbol),
      ...(symbol.code === 0 ? {} : { code: symbol.code }),
      ...(symbol.pending ? { pending: true } : {}),
      ...(symbol.pending && symbol.timeout > 0 ? { timeout: symbol.timeout } : {}),
      ...(symbol.pending && symbol.closingDebit ? { closingDebit: true } : {}),
      ...(symbol.pending && symbol.closingCredit ? { closingCredit: true } : {}),
      ...(expectedDebitVersion === undefined ? {} : { expectedDebitVersion }),
      ...(expectedCreditVersion === undefined ? {} : { expectedCreditVersion }),
      ...(symbol.balancingDebit ? { balancingDebit: true } : {}),
      ...(symbol.balancingCredit ? { balancingCredit: true } : {}),
      ...this.#misfit(symbol.misfit),
    };
  }

  #misfit(misfit: Misfit | undefined): Partial<ModelNewTransfer> {
    if (misfit === undefined) return {};
    if (misfit === "timeout") return { timeout: 1 };
    if (misfit === "post" || misfit === "void") return { [misfit]: this.#pending.at(-1)?.id ?? "nothing" };
    return { [misfit]: true };
  }

  #resolving(symbol: ResolvingTransfer): ModelNewTransfer {
    const id = this.#id(symbol.id);
    const pendingId = this.#pendingId(symbol.of, id);
    const pending = this.#made.findLast((made) => made.id === pendingId);
    const debit = pending?.debit ?? this.#id({ shape: "plain", which: 0 });
    const credit = pending?.credit ?? this.#id({ shape: "plain", which: 1 });
    const side = (said: ResolvingTransfer["debit" | "credit"], same: string, other: string): string | undefined => {
      if (said === "omitted") return undefined;
      if (said === "empty") return "";
      if (said === "same") return same;
      return typeof said === "string" ? other : this.#id(said);
    };
    const named = { debit: side(symbol.debit, debit, credit), credit: side(symbol.credit, credit, debit) };
    const code = pending?.code ?? 0;
    const reserved = pending?.amount ?? 5n;
    const amount =
      symbol.amount === "omitted"
        ? undefined
        : { all: reserved, half: reserved / 2n, none: 0n }[symbol.amount.of] + symbol.amount.plus;
    return {
      id,
      [symbol.how]: pendingId,
      ...(named.debit === undefined ? {} : { debit: named.debit }),
      ...(named.credit === undefined ? {} : { credit: named.credit }),
      ...(amount === undefined ? {} : { amount }),
      ...(symbol.code === "omitted" ? {} : { code: symbol.code === "same" ? code : code ^ 2 }),
      ...common(symbol),
      ...this.#misfit(symbol.misfit),
    };
  }

  #pendingId(of: ResolvingTransfer["of"], own: string): string {
    if (of === "itself") return own;
    if ("id" in of) return this.#id(of.id);
    if (of.sort === "upcoming") {
      const symbol = this.#upcoming.at(-1 - of.back);
      return symbol === undefined ? "not yet" : this.#id(symbol);
    }
    const list = { pending: this.#pending, made: this.#made, asked: this.#asked }[of.sort];
    return list.at(-1 - of.back)?.id ?? this.#legs.find(({ pending }) => pending === true)?.id ?? "nothing";
  }

  #version(symbol: VersionSymbol, account: string): number | undefined {
    if (symbol === undefined) return undefined;
    return Math.max(0, (this.#model.accounts.get(account)?.version ?? 0) + symbol);
  }

  #amount(symbol: AmountSymbol, debit: string): bigint {
    if ("exactly" in symbol) return symbol.exactly;
    const account = this.#model.accounts.get(debit);
    const { creditsPosted = 3n, debitsPosted = 0n, debitsPending = 0n, overdraftLimit = 0n } = account ?? {};
    if ("roomPlus" in symbol) {
      const used = { posted: debitsPosted, pending: debitsPending, both: debitsPosted + debitsPending };
      return TWO_128 - used[symbol.of] + symbol.roomPlus;
    }
    const available = creditsPosted + overdraftLimit - debitsPosted - debitsPending;
    return (available < 0n ? -available : available) + symbol.balancePlus;
  }

  #chainAgain({ chainBack, change }: RepeatedChain): readonly ModelNewTransfer[] {
    const legs = this.#chains.at(-1 - chainBack) ?? [];
    if (change === "nothing") return legs;
    if (change === "firstLegOnly") return legs.slice(0, 1);
    if (change === "shorter") return legs.slice(0, -1);
    if (change === "reversed") return legs.toReversed();
    return legs.map((leg, i) => (i === change.leg % legs.length ? this.#changed(leg, change.change) : leg));
  }

  #changed(earlier: ModelNewTransfer, change: RepeatedTransfer["change"]): ModelNewTransfer {
    const { debit = "", credit = "", amount = 0n, userData = 0n, code = 0 } = earlier;
    const other = this.#id({ shape: "plain", which: 4 });
    const flag = (
      name: "balancingDebit" | "balancingCredit" | "closingDebit" | "closingCredit" | "linked" | "pending",
    ) => ({
      ...earlier,
      [name]: earlier[name] !== true,
    });
    switch (change) {
      case "nothing":
        return { ...earlier };
      case "debit":
        return { ...earlier, debit: debit === other ? this.#id({ shape: "plain", which: 0 }) : other };
      case "credit":
        return { ...earlier, credit: credit === other ? this.#id({ shape: "plain", which: 0 }) : other };
      case "amount":
        return { ...earlier, amount: amount + 1n };
      case "zeroAmount":
        return { ...earlier, amount: 0n };
      case "negativeAmount":
        return { ...earlier, amount: -amount };
      case "amountHighWord":
        return { ...earlier, amount: (amount < 0n ? -amount : amount) ^ TWO_64 };
      case "userData":
        return { ...earlier, userData: userData ^ 1n };
      case "userDataHighWord":
        return { ...earlier, userData: userData ^ (1n << 127n) };
      case "code":
        return { ...earlier, code: code ^ 1 };
      case "zeroCode":
        return { ...earlier, code: 0 };
      case "expectedVersion":
        return { ...earlier, expectedDebitVersion: 0 };
      case "balancingDebit":
      case "balancingCredit":
      case "closingDebit":
      case "closingCredit":
      case "linked":
      case "pending":
        return flag(change);
      case "timeout":
        return { ...earlier, timeout: (earlier.timeout ?? 0) + 1 > 2 ** 32 - 1 ? 1 : (earlier.timeout ?? 0) + 1 };
      case "date":
        return { ...earlier, effectiveDate: "2026-03-01" };
      case "firstDay":
        return { ...earlier, effectiveDate: "1970-01-01" };
      case "pendingId": {
        const how = earlier.void === undefined ? "post" : "void";
        return { ...earlier, [how]: this.#pending.at(-2)?.id ?? "nothing" };
      }
      case "otherWay": {
        const { post, void: voided, ...rest } = earlier;
        if (post !== undefined) return { ...rest, void: post };
        return voided === undefined ? earlier : { ...rest, post: voided };
      }
      case "swapped":
        return { ...earlier, debit: credit, credit: debit };
      case "sameAccounts":
        return { ...earlier, credit: debit };
      case "emptyDebit":
        return { ...earlier, debit: "" };
      case "emptyCredit":
        return { ...earlier, credit: "" };
      case "tooLongDebit":
        return { ...earlier, debit: this.#id({ shape: "sixtyFiveBytes", which: 0 }) };
    }
  }
}

/** What the symbols of all kinds have. */
function common({
  userData,
  date,
  linked,
}: Pick<FreshTransfer, "userData" | "date" | "linked">): Partial<ModelNewTransfer> {
  return {
    ...(userData === 0n ? {} : { userData }),
    ...(date === undefined ? {} : { effectiveDate: date }),
    ...(linked ? { linked: true } : {}),
  };
}

/** Numbers that look random and are the same for the same seed (mulberry32): for lists too long for fast-check. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export interface Workload {
  readonly accounts: readonly ModelNewAccount[];
  readonly transfers: readonly ModelPlainTransfer[];
}

/**
 * A long list over two groups of accounts: poor ones, limited either way, whose transfers depend on their order, and
 * rich ones that nothing can stop; a few go from one group to the other. Some ids come twice, near and far apart.
 */
export function contendedWorkload(seed: number, count: number, contestedPercent: number): Workload {
  const random = randomNumbers(seed);
  const accounts: ModelNewAccount[] = [];
  for (let i = 0; i < 40; i++) accounts.push({ id: `rich-${i}`, asset: "USD" });
  for (let i = 0; i < 12; i++) accounts.push({ id: `poor-${i}`, asset: "USD", debitsMustNotExceedCredits: true });
  for (let i = 0; i < 4; i++) accounts.push({ id: `owing-${i}`, asset: "USD", creditsMustNotExceedDebits: true });
  for (let i = 0; i < 6; i++) accounts.push({ id: `saver-${i}`, asset: "USD", debitsMustNotExceedCredits: true });
  const rich = (): string => `rich-${random(40)}`;
  const contested = (): string => {
    const choice = random(10);
    if (choice < 6) return `poor-${random(12)}`;
    return choice < 8 ? `owing-${random(4)}` : rich();
  };
  const transfers: ModelPlainTransfer[] = [];
  for (let i = 0; i < count; i++) {
    const kind = random(100);
    if (i > 10 && kind < 4) {
      const earlier = transfers[random(10) < 5 ? i - 1 - random(10) : random(i)]!;
      transfers.push(random(2) === 0 ? earlier : { ...earlier, amount: earlier.amount + 1n });
      continue;
    }
    const id = random(8) === 0 ? `transfer-with-a-long-id-${i}` : `t${i}`;
    if (random(100) < contestedPercent) {
      transfers.push({ id, debit: contested(), credit: contested(), amount: BigInt(1 + random(9)) });
    } else if (random(10) === 0) {
      // A limited account that never comes near its limit: the escrow test lets it through.
      const saver = `saver-${random(6)}`;
      const pays = i > count / 10 && random(3) === 0;
      transfers.push(
        pays ? { id, debit: saver, credit: rich(), amount: 1n } : { id, debit: rich(), credit: saver, amount: 1000n },
      );
    } else {
      transfers.push({ id, debit: rich(), credit: rich(), amount: BigInt(1 + random(1000)) });
    }
  }
  return { accounts, transfers };
}

/** How much of a {@link wholeWorkload} is what. */
export interface Shares {
  /** Transfers of poor accounts, whose results depend on their order. */
  readonly contestedPercent: number;
  /** Pending transfers, posts and voids, and transfers linked to the next. */
  readonly wholePercent: number;
}

export interface WholeWorkload {
  readonly accounts: readonly ModelNewAccount[];
  readonly transfers: readonly ModelNewTransfer[];
}

/** A {@link contendedWorkload} of which some reserve, post, void, or are linked to the next. */
export function wholeWorkload(seed: number, count: number, shares: Shares): WholeWorkload {
  const { accounts, transfers } = contendedWorkload(seed, count, shares.contestedPercent);
  const random = randomNumbers(seed + 1);
  const pending: string[] = [];
  const whole: ModelNewTransfer[] = [];
  for (const transfer of transfers) {
    if (random(100) >= shares.wholePercent) {
      whole.push(transfer);
      continue;
    }
    const kind = random(10);
    const linked = random(4) === 0 ? { linked: true } : {};
    const pendingId =
      pending[random(4) === 0 ? random(pending.length || 1) : Math.max(0, pending.length - 1 - random(5))];
    if (kind < 4 || pendingId === undefined) {
      pending.push(transfer.id);
      whole.push({ ...transfer, ...linked, pending: true, ...(random(3) === 0 ? { timeout: 100_000 } : {}) });
    } else if (kind < 7) {
      const resolves = random(3) === 0 ? { void: pendingId } : { post: pendingId };
      whole.push({ id: transfer.id, ...resolves, ...linked, ...(random(3) === 0 ? { amount: 1n } : {}) });
    } else if (kind < 9) {
      whole.push({ ...transfer, linked: true });
    } else {
      whole.push(whole[Math.max(0, whole.length - 1 - random(100))] ?? transfer);
    }
  }
  return { accounts, transfers: whole };
}
