/**
 * Random command sequences for ledger and model, in symbols: a symbol becomes an id only when a run starts, with a
 * prefix of its own, so that one ledger serves many runs; an amount such as "all that is there, and one more" becomes
 * a number only when the model knows what is there.
 */
import fc from "fast-check";
import type { Model, ModelNewAccount, ModelNewTransfer } from "./model.js";

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
  /** What is missing until the debit account's debits reach 2^128, plus this. */
  | { readonly roomPlus: bigint };

/** The version to expect of an account: the one it has at that moment, plus this. */
export type VersionSymbol = number | undefined;

export interface FreshTransfer {
  readonly id: IdSymbol;
  readonly debit: IdSymbol;
  readonly credit: IdSymbol;
  readonly amount: AmountSymbol;
  readonly code: number;
  readonly userData: bigint;
  readonly debitVersion: VersionSymbol;
  readonly creditVersion: VersionSymbol;
  readonly balancingDebit: boolean;
  readonly balancingCredit: boolean;
}

/** An earlier transfer of the run again, whole or with one field changed. */
export interface RepeatedTransfer {
  /** Counted back from the last one. */
  readonly back: number;
  /** Only those that were made count. */
  readonly made: boolean;
  readonly change:
    | "nothing"
    | "debit"
    | "credit"
    | "amount"
    | "zeroAmount"
    | "negativeAmount"
    | "amountHighWord"
    | "userData"
    | "userDataHighWord"
    | "code"
    | "expectedVersion"
    | "balancingDebit"
    | "balancingCredit"
    | "swapped"
    | "sameAccounts"
    | "emptyDebit";
}

export type TransferSymbol = FreshTransfer | RepeatedTransfer;

export type Command =
  | { readonly create: readonly AccountSymbol[] }
  /** Calls made without awaiting one another. */
  | { readonly calls: readonly (readonly TransferSymbol[])[] };

export interface Run {
  /** Between any two transfers lies one that nothing contests, so that the engine never falls back to its serial plan. */
  readonly padded: boolean;
  readonly commands: readonly Command[];
}

const TWO_64 = 2n ** 64n;
const TWO_128 = 2n ** 128n;

const amount: fc.Arbitrary<AmountSymbol> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ exactly: fc.bigInt(1n, 10n) }) },
  { weight: 4, arbitrary: fc.record({ balancePlus: fc.constantFrom(-1n, 0n, 0n, 1n) }) },
  { weight: 1, arbitrary: fc.record({ roomPlus: fc.constantFrom(-1n, -1n, 0n, 1n) }) },
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

const seldom: fc.Arbitrary<boolean> = fc.oneof(
  { weight: 7, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);

const freshTransfer: fc.Arbitrary<FreshTransfer> = fc.record({
  id: transferId,
  debit: accountId,
  credit: accountId,
  amount,
  code: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(1, 65535) }),
  userData: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0n) },
    { weight: 1, arbitrary: fc.constantFrom(1n, TWO_64, TWO_128 - 1n) },
  ),
  debitVersion: expectation,
  creditVersion: expectation,
  balancingDebit: seldom,
  balancingCredit: seldom,
});

const repeatedTransfer: fc.Arbitrary<RepeatedTransfer> = fc.record({
  back: fc.nat({ max: 12 }),
  made: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  change: fc.constantFrom(
    "nothing" as const,
    "nothing" as const,
    "nothing" as const,
    "debit" as const,
    "credit" as const,
    "amount" as const,
    "zeroAmount" as const,
    "negativeAmount" as const,
    "amountHighWord" as const,
    "userData" as const,
    "userDataHighWord" as const,
    "code" as const,
    "expectedVersion" as const,
    "balancingDebit" as const,
    "balancingCredit" as const,
    "swapped" as const,
    "sameAccounts" as const,
    "emptyDebit" as const,
  ),
});

const transfer: fc.Arbitrary<TransferSymbol> = fc.oneof(
  { weight: 3, arbitrary: freshTransfer },
  { weight: 1, arbitrary: repeatedTransfer },
);

const newAccount: fc.Arbitrary<AccountSymbol> = fc.record(
  {
    id: fc.oneof(accountId, plainId(PLAIN_ACCOUNTS), anyId),
    asset: fc.constantFrom(...ASSETS, "USD", "USD", "XXQ", ""),
    code: fc.constantFrom(0, 7),
    debitsMustNotExceedCredits: fc.boolean(),
    creditsMustNotExceedDebits: fc.boolean(),
    overdraftLimit: fc.constantFrom(0n, 0n, 4n, TWO_64, TWO_128 - 1n),
  },
  { requiredKeys: ["id", "asset"] },
);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ create: fc.array(newAccount, { minLength: 1, maxLength: 5 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      calls: fc.oneof(
        { weight: 3, arbitrary: fc.tuple(fc.array(transfer, { minLength: 1, maxLength: 40 })) },
        { weight: 1, arbitrary: fc.array(fc.array(transfer, { maxLength: 6 }), { minLength: 2, maxLength: 8 }) },
      ),
    }),
  },
);

/** Everything that happens to a ledger in one run. */
export const run: fc.Arbitrary<Run> = fc.record({
  padded: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  commands: fc.array(command, { minLength: 1, maxLength: 8 }),
});

/** A command in ids and amounts, with what the model says must come of it. */
export type ConcreteCommand =
  | { readonly create: readonly ModelNewAccount[]; readonly expected: readonly { readonly result: string }[] }
  | {
      readonly calls: readonly (readonly ModelNewTransfer[])[];
      readonly expected: readonly (readonly ReturnType<Model["createTransfer"]>[])[];
    };

/** Turns a run's symbols into ids and amounts, command by command, and has the model do it all first. */
export class Materializer {
  readonly #model: Model;
  readonly #run: number;
  readonly #asked: ModelNewTransfer[] = [];
  readonly #made: ModelNewTransfer[] = [];
  readonly #padded: boolean;
  #paddings = 0;

  constructor(model: Model, run: number, padded: boolean) {
    this.#model = model;
    this.#run = run;
    this.#padded = padded;
  }

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
    const calls: ModelNewTransfer[][] = [];
    const expected: ReturnType<Model["createTransfer"]>[][] = [];
    for (const symbolsOfCall of symbols.calls) {
      const call: ModelNewTransfer[] = [];
      const results: ReturnType<Model["createTransfer"]>[] = [];
      const make = (asked: ModelNewTransfer): boolean => {
        const result = this.#model.createTransfer(asked);
        call.push(asked);
        results.push(result);
        return result.result === "ok";
      };
      for (const symbol of symbolsOfCall) {
        if (this.#padded) make(this.#padding());
        const asked = "back" in symbol ? this.#repeated(symbol) : this.#fresh(symbol);
        if (asked === undefined) continue;
        this.#asked.push(asked);
        if (make(asked)) this.#made.push(asked);
      }
      calls.push(call);
      expected.push(results);
    }
    return { calls, expected };
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
      ...(symbol.code === 0 ? {} : { code: symbol.code }),
      ...(symbol.userData === 0n ? {} : { userData: symbol.userData }),
      ...(expectedDebitVersion === undefined ? {} : { expectedDebitVersion }),
      ...(expectedCreditVersion === undefined ? {} : { expectedCreditVersion }),
      ...(symbol.balancingDebit ? { balancingDebit: true } : {}),
      ...(symbol.balancingCredit ? { balancingCredit: true } : {}),
    };
  }

  #version(symbol: VersionSymbol, account: string): number | undefined {
    if (symbol === undefined) return undefined;
    return Math.max(0, (this.#model.accounts.get(account)?.version ?? 0) + symbol);
  }

  #amount(symbol: AmountSymbol, debit: string): bigint {
    if ("exactly" in symbol) return symbol.exactly;
    const account = this.#model.accounts.get(debit);
    const { creditsPosted = 3n, debitsPosted = 0n, overdraftLimit = 0n } = account ?? {};
    if ("roomPlus" in symbol) return TWO_128 - debitsPosted + symbol.roomPlus;
    const balance = creditsPosted - debitsPosted;
    const available = balance + overdraftLimit;
    return (available < 0n ? -available : available) + symbol.balancePlus;
  }

  #repeated({ back, made, change }: RepeatedTransfer): ModelNewTransfer | undefined {
    const earlier = (made ? this.#made : this.#asked).at(-1 - back);
    if (earlier === undefined) return undefined;
    const { id, debit, credit, amount, userData = 0n, code = 0 } = earlier;
    const other = this.#id({ shape: "plain", which: 4 });
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
      case "expectedVersion":
        return { ...earlier, expectedDebitVersion: 0 };
      case "balancingDebit":
        return { ...earlier, balancingDebit: earlier.balancingDebit !== true };
      case "balancingCredit":
        return { ...earlier, balancingCredit: earlier.balancingCredit !== true };
      case "swapped":
        return { ...earlier, debit: credit, credit: debit };
      case "sameAccounts":
        return { ...earlier, credit: debit };
      case "emptyDebit":
        return { id, debit: "", credit, amount, userData, code };
    }
  }
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
  readonly transfers: readonly ModelNewTransfer[];
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
  const transfers: ModelNewTransfer[] = [];
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
