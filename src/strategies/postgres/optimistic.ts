/**
 * `optimistic`: read balance and version, decide, then update only where the version is still the one that was read.
 *
 * No row updated means that somebody was faster: everything is undone, and the transfer begins again after a random
 * wait that grows with each conflict, up to a bound. Nothing is locked while the program thinks, so a client that dies
 * or sleeps in the middle holds nobody up.
 */
import { legsInOrder } from "../sql/rule.js";
import { CONFLICT } from "../until-decided.js";
import type { PostgresStrategy } from "./postgres-strategy.js";
import { inTransaction, readAccounts } from "./transaction.js";

export const optimistic: PostgresStrategy = {
  name: "optimistic",
  place: "postgres",
  safe: true,
  guarantee:
    "No account is overspent, no change is lost, both legs are written or neither, and what was decided was decided " +
    "on balances that were still true when they were written.",
  cost: "Five round trips and one commit a transfer, and all of it again for each conflict; a busy account starves the slow.",
  whenToUse:
    "When conflicts are rare, and when deciding takes long or happens elsewhere, as with a form that a person fills.",
  whenNot: "When many transfers share one account: most of the work is thrown away.",
  async attempt({ pool, statements }, transfer, gap) {
    const { rows, outcome } = await readAccounts(pool, statements.read, transfer);
    await gap();
    if (outcome !== "ok") return outcome;
    return inTransaction(pool, async (client) => {
      for (const { account, side } of legsInOrder(transfer)) {
        const { version } = rows.find(({ id }) => id === account)!;
        const values = [transfer.amount, account, version];
        const updated = await client.query(statements[`${side}WhereUnchanged`], values);
        if (updated.rows.length === 0) return CONFLICT;
      }
      return "ok";
    });
  },
};
