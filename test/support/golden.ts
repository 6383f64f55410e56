/** Reading the scenarios of `test/golden/transfers.md`, which says how they are written. */
import { readFileSync } from "node:fs";
import type { ModelNewAccount, ModelNewTransfer, ModelResult } from "./model.js";

/** Accounts that every scenario begins with. */
export const GOLDEN_ACCOUNTS: readonly ModelNewAccount[] = [
  { id: "bank", asset: "USD" },
  { id: "shop", asset: "USD" },
  { id: "ann", asset: "USD", debitsMustNotExceedCredits: true },
  { id: "ben", asset: "USD", debitsMustNotExceedCredits: true },
  { id: "lim", asset: "USD", debitsMustNotExceedCredits: true, overdraftLimit: 100n },
  { id: "slate", asset: "USD", creditsMustNotExceedDebits: true },
  { id: "euro", asset: "EUR" },
  { id: "franc", asset: "EUR" },
];

/** Results that the file can't have: a call is refused by an error for these, or has no way to say them. */
export const NOT_OF_A_CALL: readonly string[] = [
  ...["invalid_row", "invalid_code", "invalid_user_data", "invalid_flag", "invalid_timeout"],
  ...["invalid_expected_version", "invalid_effective_date", "reserved_flag", "exists_with_different_asset"],
  ...["pending_id_must_be_empty", "transfer_must_have_the_same_asset_as_accounts"],
  ...["pending_transfer_has_different_asset"],
];

export interface GoldenCall {
  /** Seconds since the scenario's begin, to the millisecond. */
  readonly at: number;
  readonly transfers: ModelNewTransfer[];
  readonly expected: ModelResult[];
  /** 1-based line of the file that each transfer stands in. */
  readonly lines: number[];
}

export interface GoldenAccount {
  readonly id: string;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
  readonly version: number;
  readonly closed: boolean;
}

export interface GoldenScenario {
  readonly name: string;
  readonly calls: GoldenCall[];
  /** How accounts end; those that are not named are left out. */
  readonly accounts: GoldenAccount[];
}

/** `12`, `-1`, `2^64`, `2^128-1`. */
function numberOf(text: string): bigint {
  const parts = /^(-?\d+)(?:\^(\d+))?([+-]\d+)?$/.exec(text);
  if (parts === null) throw new Error(`expected a number such as 12 or 2^128-1, found '${text}'`);
  const [, base, exponent = "1", more = "0"] = parts;
  return BigInt(base!) ** BigInt(exponent) + BigInt(more);
}

/** `""` for an empty string, `a×65` for 65 letters, `\ud83d` for half a character. */
function textOf(cell: string): string {
  if (cell === '""') return "";
  return cell
    .replace(/(.)×(\d+)/gu, (_, character: string, count: string) => character.repeat(Number(count)))
    .replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function wordsOf(cell: string): [string, string][] {
  const words = cell === "" ? [] : cell.split(", ");
  return words.map((word) => {
    const space = word.lastIndexOf(" ");
    return space < 0 ? [word, ""] : [word.slice(0, space), word.slice(space + 1)];
  });
}

function whatOf(cell: string): Partial<ModelNewTransfer> {
  const fields = wordsOf(cell).map(([kind, id]): Partial<ModelNewTransfer> => {
    if (kind === "move") return {};
    if (kind === "pend") return { pending: true };
    if (kind === "post" || kind === "void") return { [kind]: textOf(id) };
    throw new Error(`expected a move, pend, post or void, found '${kind}'`);
  });
  return Object.assign({}, ...fields);
}

function withOf(cell: string): Partial<ModelNewTransfer> {
  const fields = wordsOf(cell).map(([word, value]): Partial<ModelNewTransfer> => {
    switch (word) {
      case "linked":
        return { linked: true };
      case "code":
        return { code: Number(value) };
      case "data":
        return { userData: numberOf(value) };
      case "date":
        return { effectiveDate: value };
      case "timeout":
        return { timeout: Number(value) };
      case "balancing":
        return value === "debit" ? { balancingDebit: true } : { balancingCredit: true };
      case "closing":
        return value === "debit" ? { closingDebit: true } : { closingCredit: true };
      case "debit version":
        return { expectedDebitVersion: Number(value) };
      case "credit version":
        return { expectedCreditVersion: Number(value) };
      default:
        throw new Error(`'${word}' is nothing that a transfer has`);
    }
  });
  return Object.assign({}, ...fields);
}

function resultOf(result: string, sequence: string, shows: string): ModelResult {
  const [what, value] = shows.split(" ");
  return {
    result,
    sequence: Number(sequence),
    ...(what === "moved" ? { amount: numberOf(value!) } : {}),
    ...(shows !== "" && what !== "moved" ? { reason: shows } : {}),
  };
}

/** All scenarios of the file at `path`. Throws where a row can't be read, with its line. */
export function readGolden(path: URL): GoldenScenario[] {
  const scenarios: GoldenScenario[] = [];
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    const scenario = scenarios.at(-1);
    if (line.startsWith("## ")) scenarios.push({ name: line.slice(3), calls: [], accounts: [] });
    if (scenario === undefined || !line.startsWith("| ") || /^\| (at |account |--)/.test(line)) continue;
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    try {
      readRow(scenario, cells, index + 1);
    } catch (cause) {
      throw new Error(`line ${index + 1} of ${path.pathname}: ${(cause as Error).message}`);
    }
  }
  return scenarios;
}

function readRow(scenario: GoldenScenario, cells: readonly string[], line: number): void {
  if (cells.length === 7) {
    const [id, debits, credits, pendingDebits, pendingCredits, version, closed] = cells;
    scenario.accounts.push({
      ...{ id: id!, debitsPosted: numberOf(debits!), creditsPosted: numberOf(credits!) },
      ...{ debitsPending: numberOf(pendingDebits!), creditsPending: numberOf(pendingCredits!) },
      ...{ version: Number(version), closed: closed === "closed" },
    });
    return;
  }
  if (cells.length !== 10) throw new Error(`expected 10 cells of a transfer or 7 of an account, found ${cells.length}`);
  const [at, id, what, debit, credit, amount, more, result, sequence, shows] = cells;
  if (at !== "") scenario.calls.push({ at: Number(at), transfers: [], expected: [], lines: [] });
  const call = scenario.calls.at(-1)!;
  call.transfers.push({
    id: textOf(id!),
    ...(debit === "" ? {} : { debit: textOf(debit!) }),
    ...(credit === "" ? {} : { credit: textOf(credit!) }),
    ...(amount === "" ? {} : { amount: numberOf(amount!) }),
    ...whatOf(what!),
    ...withOf(more!),
  });
  call.expected.push(resultOf(result!, sequence!, shows!));
  call.lines.push(line);
}
