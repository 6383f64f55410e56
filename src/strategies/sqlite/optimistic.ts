/**
 * `optimistic`: read balance and version, decide, then update only where the version is still the one that was read.
 *
 * Reading takes no lock that outlasts it, so a request that awaits something in the middle holds nobody up. An update
 * that changes no row means that somebody was faster: everything is undone, and the transfer begins again after a
 * random wait that grows with each conflict, up to a bound.
 */
import { legsInOrder } from "../sql/rule.js";
import { CONFLICT } from "../until-decided.js";
import { inTransaction, readAccounts, type SqliteStrategy } from "./sqlite-strategy.js";

export const optimistic: SqliteStrategy = {
  name: "optimistic",
  place: "sqlite",
  safe: true,
  guarantee:
    "No account is overspent, no change is lost, both legs are written or neither, what is made is on disk, and what " +
    "was decided was decided on balances that were still true when they were written.",
  cost: "One fsync a transfer, and another try for each conflict.",
  whenToUse: "When the program awaits something between reading and writing, or several processes share the file.",
  whenNot: "When nothing is awaited in between: atomic does the same with less.",
  async attempt(database, transfer, gap) {
    const { rows, outcome } = readAccounts(database, transfer);
    await gap();
    if (outcome !== "ok") return outcome;
    const { amount } = transfer;
    return inTransaction(database, () => {
      for (const { account, side } of legsInOrder(transfer)) {
        const { version } = rows.find(({ id }) => id === BigInt(account))!;
        const { changes } = database.statements[`${side}WhereUnchanged`].run({ amount, account, version });
        if (changes === 0) return CONFLICT;
      }
      return "ok";
    });
  },
};
