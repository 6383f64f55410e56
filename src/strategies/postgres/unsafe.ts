/**
 * `unsafe`: SELECT the balance, check it in the program, then UPDATE.
 *
 * The code that most programs begin with. The transaction around it does not help: under READ COMMITTED, PostgreSQL's
 * default, a SELECT keeps nobody out. Two payments that have both selected before either updates have both found enough
 * money. `balance = balance - $1` loses no update, so the books still balance; the account is overspent all the same.
 */
import type { PostgresStrategy } from "./postgres-strategy.js";
import { inTransaction, selectThenUpdate } from "./transaction.js";

export const unsafe: PostgresStrategy = {
  name: "unsafe",
  place: "postgres",
  safe: false,
  guarantee: "None: both legs are written or neither, but an account can be overspent.",
  cost: "Five round trips and one commit a transfer, and nothing for coordination.",
  whenToUse: "To show what a race does.",
  whenNot: "For anything that somebody relies on, however rarely two requests meet in tests.",
  attempt: (database, transfer, gap) =>
    inTransaction(database.pool, (client) => selectThenUpdate(database, client, transfer, gap)),
};
