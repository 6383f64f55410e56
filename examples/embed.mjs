/** A ledger in a program: accounts, transfers, balances. Run it after a build: node examples/embed.mjs */
import { openLedger } from "parallel-ledger";

const ledger = await openLedger(":memory:");

await ledger.createAccounts([
  { id: "bank", asset: "USD" },
  { id: "alice", asset: "USD", debitsMustNotExceedCredits: true },
  { id: "bob", asset: "USD", debitsMustNotExceedCredits: true },
]);

const results = await ledger.createTransfers([
  { id: "t1", debit: "bank", credit: "alice", amount: 100_00n },
  { id: "t2", debit: "alice", credit: "bob", amount: 60_00n },
  { id: "t3", debit: "alice", credit: "bob", amount: 60_00n },
]);
console.log(results.map(({ result }) => result));
console.log(ledger.account("alice")?.balance);

await ledger.close();
