/**
 * `parallel-ledger race` with something broken, by the name of the argument: a race that does not end as it is declared
 * to must not go unseen.
 */
import { race } from "../../dist/src/cli/race.js";
import { strategyRace } from "../../dist/src/race/two-withdrawals.js";
import { atomic } from "../../dist/src/strategies/memory/atomic.js";
import { openMemoryBank } from "../../dist/src/strategies/memory/bank.js";
import { unsafe } from "../../dist/src/strategies/memory/unsafe.js";

const under = (strategy, declared) =>
  strategyRace("event loop", declared, async (accounts) => openMemoryBank(strategy, accounts));

const races = {
  // A strategy that promises safety and pays twice.
  "safe pays twice": [under(atomic, atomic), under(unsafe, { ...unsafe, name: "atomic", safe: true })],
  // A strategy that is there to be seen failing and does not.
  "unsafe pays once": [under(atomic, { ...atomic, name: "unsafe", safe: false })],
  // The right outcome, but nothing was put to the test.
  "never met": [{ ...under(atomic, atomic), run: async () => ({ balance: 40n, paid: 1, met: false }) }],
  nothing: [],
  sound: [under(atomic, atomic), under(unsafe, unsafe)],
}[process.argv[2]];

await race({}, async () => ({
  races,
  skipped: [],
  servers: { postgres: undefined, redis: [] },
  close: async () => {},
}));
