/** Transactions as every strategy makes them, and the two statements that most of them put inside. */
import type { ClientBase, Pool } from "pg";
import type { TransferResultCode } from "../../core/results.js";
import { legsInOrder, outcomeOf } from "../sql/rule.js";
import type { StrategyTransfer } from "../strategy.js";
import { CONFLICT, type Decision, type Gap } from "../until-decided.js";
import type { PostgresDatabase } from "./postgres-strategy.js";

/** A row that both `read` statements return. PostgreSQL's 64-bit integers arrive as text. */
export interface AccountRow {
  readonly id: number;
  readonly balance: string;
  readonly version: string;
  readonly refusal: TransferResultCode | null;
}

/** PostgreSQL ended the transaction in favour of another one: a serialisation failure, or a deadlock. */
const RETRYABLE_CODES: readonly unknown[] = ["40001", "40P01"];

/** PostgreSQL's default, said aloud, as a server may have another one. */
const BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED";

/** Does the work in one transaction on a connection of the pool. Commits where it decides `ok`, else undoes it all. */
export async function inTransaction(pool: Pool, work: (client: ClientBase) => Promise<Decision>): Promise<Decision> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(BEGIN);
    const decision = await work(client);
    await client.query(decision === "ok" ? "COMMIT" : "ROLLBACK");
    return decision;
  } catch (error) {
    await client.query("ROLLBACK").catch((cause: Error) => {
      broken = cause;
    });
    if (RETRYABLE_CODES.includes((error as { code?: unknown }).code)) return CONFLICT;
    throw error;
  } finally {
    // A connection that could not even roll back is not given to anybody else.
    client.release(broken);
  }
}

/** Reads both accounts, with what the rule says about them. */
export async function readAccounts(
  client: Pick<ClientBase, "query">,
  statement: string,
  { debit, credit, amount }: StrategyTransfer,
): Promise<{ readonly rows: readonly AccountRow[]; readonly outcome: TransferResultCode }> {
  const { rows } = await client.query<AccountRow>(statement, [amount, debit, credit]);
  return { rows, outcome: outcomeOf(rows.map(({ refusal }) => refusal)) };
}

/** What {@link selectThenUpdate} may be told. */
export interface SelectThenUpdateOptions {
  /** The statement that reads. Default: one that locks nothing. */
  readonly read?: string;
  /** Asked right before writing; `false` undoes everything and begins again. */
  readonly mayWrite?: () => boolean;
}

/**
 * SELECT, a gap, then UPDATE of both accounts: right where something keeps others out from the first statement to the
 * commit, and a race where nothing does.
 */
export async function selectThenUpdate(
  { statements }: PostgresDatabase,
  client: ClientBase,
  transfer: StrategyTransfer,
  gap: Gap,
  { read = statements.read, mayWrite = () => true }: SelectThenUpdateOptions = {},
): Promise<Decision> {
  const { outcome } = await readAccounts(client, read, transfer);
  await gap();
  if (outcome !== "ok") return outcome;
  if (!mayWrite()) return CONFLICT;
  for (const { account, side } of legsInOrder(transfer)) {
    await client.query(statements[side], [transfer.amount, account]);
  }
  return "ok";
}
