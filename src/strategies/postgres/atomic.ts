/**
 * `atomic`: one conditional update. The condition stands in the statement that writes, so the database asks it of the
 * row that it is about to change, while it holds that row's lock: nobody comes between.
 *
 * Both accounts are updated in the order of their numbers, so that two transfers in opposite directions queue up
 * instead of waiting for each other. Where an update finds no row, the transaction is undone and the accounts are read
 * once more, in one statement, to say why: a refusal is always one that a moment of the books justifies.
 */
import { legsInOrder } from "../sql/rule.js";
import { CONFLICT } from "../until-decided.js";
import type { PostgresStrategy } from "./postgres-strategy.js";
import { inTransaction, readAccounts } from "./transaction.js";

export const atomic: PostgresStrategy = {
  name: "atomic",
  place: "postgres",
  safe: true,
  guarantee: "No account is overspent, no change is lost, and both legs are written or neither.",
  cost: "Four round trips and one commit a transfer; transfers that share an account wait for each other's commit.",
  whenToUse: "Whenever the rule can be written as a condition on the rows that are changed. The first thing to try.",
  whenNot: "When the decision needs more than those rows, or work outside the database.",
  async attempt({ pool, statements }, transfer, gap) {
    await gap();
    const decision = await inTransaction(pool, async (client) => {
      for (const { account, side } of legsInOrder(transfer)) {
        const { rows } = await client.query(statements[`${side}WhereAllowed`], [transfer.amount, account]);
        if (rows.length === 0) return CONFLICT;
      }
      return "ok";
    });
    if (decision === "ok") return decision;
    const { outcome } = await readAccounts(pool, statements.read, transfer);
    // What stood in the way may be gone by now; then the transfer begins again.
    return outcome === "ok" ? CONFLICT : outcome;
  },
};
