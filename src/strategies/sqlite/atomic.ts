/**
 * `atomic`: one conditional update per account, both in one transaction.
 *
 * SQLite has one writer at a time, so nothing changes between the two updates. On an event loop the transaction is one
 * undisturbed stretch of code, and every other request waits for its fsync. Where an update changes no row, the
 * transaction is undone and the accounts are read once more, in one statement, to say why.
 */
import { legsInOrder } from "../sql/rule.js";
import { CONFLICT } from "../until-decided.js";
import { inTransaction, readAccounts, type SqliteStrategy } from "./sqlite-strategy.js";

export const atomic: SqliteStrategy = {
  name: "atomic",
  place: "sqlite",
  safe: true,
  guarantee:
    "No account is overspent, no change is lost, both legs are written or neither, and what is made is on disk.",
  cost: "One fsync a transfer, during which the thread does nothing else and nobody else writes.",
  whenToUse: "For one process on one machine: no server, no network, no lock to think about.",
  whenNot: "When transfers come faster than the disk can flush them one at a time: batch them, as the engine does.",
  async attempt(database, transfer, gap) {
    await gap();
    const { amount } = transfer;
    const decision = inTransaction(database, () => {
      for (const { account, side } of legsInOrder(transfer)) {
        if (database.statements[`${side}WhereAllowed`].run({ amount, account }).changes === 0) return CONFLICT;
      }
      return "ok";
    });
    if (decision === "ok") return decision;
    const { outcome } = readAccounts(database, transfer);
    // What stood in the way may be gone by now, if another process writes too; then the transfer begins again.
    return outcome === "ok" ? CONFLICT : outcome;
  },
};
