/**
 * SmallBank: six types of transactions on savings and checking accounts. From Alomari, Cahill, Fekete and Röhm, "The Cost
 * of Serializability on Platforms That Use Snapshot Isolation" (ICDE 2008), with the sixth type, the mix, the amounts
 * and the hotspot of H-Store's and OLTP-Bench's implementations.
 */
import type { Operation, OperationKind } from "../strategies/memory/operation.js";
import { Random } from "./random.js";
import type { Workload } from "./workload.js";

/** Per cent of the operations, as H-Store and OLTP-Bench have them. */
export const SMALLBANK_MIX: readonly (readonly [kind: OperationKind, percent: number])[] = [
  ["amalgamate", 15],
  ["balance", 15],
  ["deposit", 15],
  ["send_payment", 25],
  ["transact_savings", 15],
  ["write_check", 15],
];

/** Minor units, of the amounts in the original code: 1.30, 5.00, 20.20 and 5.00. */
const AMOUNTS: Readonly<Partial<Record<OperationKind, number>>> = {
  deposit: 130,
  send_payment: 500,
  transact_savings: 2_020,
  write_check: 500,
};

/** Minor units that savings and checking accounts open with, drawn evenly. */
const OPENING_MIN = 1_000_000;
const OPENING_MAX = 5_000_000;
/** Customers of the hotspot, and per cent of the operations whose customers all come from it. */
const HOTSPOT_CUSTOMERS = 100;
const HOTSPOT_PERCENT = 25;

/** A customer's accounts lie side by side. Cash pays deposits in and takes checks, which appear from nowhere originally. */
const ACCOUNTS_PER_CUSTOMER = 3;
const SAVINGS = 0;
const CHECKING = 1;
const CASH = 2;

/** Draws of a workload whose operations are not all transfers. */
export interface MixedWorkload extends Workload {
  /** Index into {@link SMALLBANK_MIX}, by operation. */
  readonly kinds: Uint8Array;
}

/** What the report says of it. */
export const SMALLBANK_DESCRIPTION =
  `${SMALLBANK_MIX.map(([kind, percent]) => `${kind.replaceAll("_", " ")} ${percent} %`).join(", ")}; in ${HOTSPOT_PERCENT} % of the ` +
  `operations all customers are of a hotspot of ${HOTSPOT_CUSTOMERS}; savings, checking and cash account for each customer`;

/** Draws a workload: `debits` and `credits` hold the first and the last customer's savings account of each operation. */
export function makeSmallBank(customers: number, operations: number, seed: number): MixedWorkload {
  const random = new Random(seed);
  const hotspot = Math.min(HOTSPOT_CUSTOMERS, customers >> 1);
  const kinds = new Uint8Array(operations);
  const debits = new Uint32Array(operations);
  const credits = new Uint32Array(operations);
  const amounts = new Uint32Array(operations);
  for (let i = 0; i < operations; i++) {
    const kind = drawKind(random);
    const isHot = random.below(100) < HOTSPOT_PERCENT;
    const draw = (): number => (isHot ? random.below(hotspot) : hotspot + random.below(customers - hotspot));
    const first = draw();
    let last = first;
    while (last === first && needsTwo(kind)) last = draw();
    kinds[i] = kind;
    debits[i] = first * ACCOUNTS_PER_CUSTOMER;
    credits[i] = last * ACCOUNTS_PER_CUSTOMER;
    amounts[i] = AMOUNTS[SMALLBANK_MIX[kind]![0]] ?? 0;
  }
  const accounts = customers * ACCOUNTS_PER_CUSTOMER;
  const openings = new Float64Array(accounts);
  const limited = new Uint8Array(accounts);
  const neverBelowZero = new Uint8Array(accounts);
  for (let account = 0; account < accounts; account += ACCOUNTS_PER_CUSTOMER) {
    for (const own of [SAVINGS, CHECKING]) {
      openings[account + own] = OPENING_MIN + random.below(OPENING_MAX - OPENING_MIN + 1);
      limited[account + own] = 1;
    }
    // A check may overdraw its account: that is what its penalty is for.
    neverBelowZero[account + SAVINGS] = 1;
  }
  return { name: "SmallBank", accounts, openings, limited, neverBelowZero, kinds, debits, credits, amounts };
}

function drawKind(random: Random): number {
  let left = random.below(100);
  return SMALLBANK_MIX.findIndex(([, percent]) => {
    left -= percent;
    return left < 0;
  });
}

function needsTwo(kind: number): boolean {
  const [name] = SMALLBANK_MIX[kind]!;
  return name === "amalgamate" || name === "send_payment";
}

/** The workload's operations, one after the other. */
export function* smallBankOperations({ kinds, debits, credits, amounts }: MixedWorkload): Generator<Operation> {
  for (let i = 0; i < kinds.length; i++) {
    const [kind] = SMALLBANK_MIX[kinds[i]!]!;
    yield { kind, accounts: accountsOf(kind, debits[i]!, credits[i]!), amount: BigInt(amounts[i]!) };
  }
}

function accountsOf(kind: OperationKind, first: number, last: number): number[] {
  switch (kind) {
    case "balance":
      return [first + SAVINGS, first + CHECKING];
    case "deposit":
      return [first + CHECKING, first + CASH];
    case "transact_savings":
      return [first + SAVINGS, first + CASH];
    case "write_check":
      return [first + SAVINGS, first + CHECKING, first + CASH];
    case "amalgamate":
      return [first + SAVINGS, first + CHECKING, last + CHECKING];
    default:
      return [first + CHECKING, last + CHECKING];
  }
}

/**
 * The fewest and the most changes that an operation can have made, by kind and by whether it succeeded. `amalgamate`
 * moves each of two balances unless that is zero, and a strategy that does not isolate it may have moved one of them
 * before the other was refused; the changes of all other kinds are certain.
 */
export function changesOf(kind: OperationKind, isOk: boolean): readonly [least: number, most: number] {
  if (kind === "amalgamate") return [0, 4];
  return !isOk || kind === "balance" ? [0, 0] : [2, 2];
}
