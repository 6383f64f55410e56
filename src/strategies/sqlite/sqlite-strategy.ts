/** A strategy whose balances live in a SQLite file, and what it works with. */
import type { Database } from "better-sqlite3";
import type { TransferResultCode } from "../../core/results.js";
import { outcomeOf } from "../sql/rule.js";
import type { Strategy, StrategyTransfer } from "../strategy.js";
import type { Decision, Gap } from "../until-decided.js";
import type { AccountRow, Statements } from "./statements.js";

/** A bank's connection as a strategy sees it. */
export interface SqliteDatabase {
  readonly connection: Database;
  readonly statements: Statements;
}

export interface SqliteStrategy extends Strategy {
  readonly place: "sqlite";
  /** Tries to make the transfer once. Everything it changed is undone where the decision is not `ok`. */
  attempt(database: SqliteDatabase, transfer: StrategyTransfer, gap: Gap): Promise<Decision>;
}

/** Reads both accounts, with what the rule says about them. */
export function readAccounts(
  { statements }: SqliteDatabase,
  { debit, credit, amount }: StrategyTransfer,
): { readonly rows: readonly AccountRow[]; readonly outcome: TransferResultCode } {
  const rows = statements.read.all({ amount, debit, credit });
  return { rows, outcome: outcomeOf(rows.map(({ refusal }) => refusal)) };
}

/**
 * Does the work in one transaction that is alone with the file from its first statement on (`BEGIN IMMEDIATE`). Commits
 * where it decides `ok`, else undoes it all.
 */
export function inTransaction({ connection }: SqliteDatabase, work: () => Decision): Decision {
  connection.exec("BEGIN IMMEDIATE");
  try {
    const decision = work();
    connection.exec(decision === "ok" ? "COMMIT" : "ROLLBACK");
    return decision;
  } catch (error) {
    if (connection.inTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}
