/** A strategy whose balances live in PostgreSQL, and what it works with. */
import type { Pool } from "pg";
import type { Strategy, StrategyTransfer } from "../strategy.js";
import type { Decision, Gap } from "../until-decided.js";
import type { Statements } from "./statements.js";

/** A bank's database as a strategy sees it. */
export interface PostgresDatabase {
  readonly pool: Pool;
  readonly statements: Statements;
  /** The bank's name: what it locks outside its own tables is named after it. */
  readonly schema: string;
  /** The bank's number among all that share the server's advisory locks. */
  readonly lockNamespace: number;
}

export interface PostgresStrategy extends Strategy {
  readonly place: "postgres";
  /** Tries to make the transfer once. Everything it changed is undone where the decision is not `ok`. */
  attempt(database: PostgresDatabase, transfer: StrategyTransfer, gap: Gap): Promise<Decision>;
}
