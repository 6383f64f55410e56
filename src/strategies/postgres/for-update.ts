/**
 * `for-update`: SELECT … FOR UPDATE of both accounts, then UPDATE.
 *
 * The rows are locked when they are read, in the order of their numbers, and until the commit. A second reader waits
 * and then reads what the first one has committed, not what was there when it began.
 */
import type { PostgresStrategy } from "./postgres-strategy.js";
import { inTransaction, selectThenUpdate } from "./transaction.js";

export const forUpdate: PostgresStrategy = {
  name: "for-update",
  place: "postgres",
  safe: true,
  guarantee: "No account is overspent, no change is lost, and both legs are written or neither.",
  cost: "Five round trips and one commit a transfer; transfers that share an account wait, each holding a connection.",
  whenToUse: "When the decision is made in the program, on rows that will probably be changed.",
  whenNot: "When the program waits for people or other services in between: the locks are held all the while.",
  attempt: (database, transfer, gap) =>
    inTransaction(database.pool, (client) =>
      selectThenUpdate(database, client, transfer, gap, { read: database.statements.readForUpdate }),
    ),
};
