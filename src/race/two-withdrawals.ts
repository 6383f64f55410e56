/** The race under one strategy: two withdrawals that meet between reading and writing, where the strategy lets them. */
import type { Bank, OpeningAccount, Strategy } from "../strategies/strategy.js";
import { MeetingPoint } from "./meeting-point.js";
import { OPENING_BALANCE, type RaceCase, type RaceOutcome, WITHDRAWAL } from "./race-case.js";

/** One account pays two others: the withdrawals have nothing in common but the balance that is short. */
const ACCOUNTS: readonly OpeningAccount[] = [
  { balance: OPENING_BALANCE, limited: true },
  { balance: 0n, limited: false },
  { balance: 0n, limited: false },
];

/** Strategies that let one transfer at a time into the gap between reading and writing. */
const KEEPING_OUT = new Set(["serial", "mutex", "advisory-lock", "for-update", "redis-lock", "redlock"]);

/** How long the first one in waits for a second that is kept out: only to show that it is. */
const KEPT_OUT_MS = 100;
/** How long the first one waits for a second that can come: for ever, as far as a busy machine is concerned. */
const MEETING_MS_MAX = 20_000;

async function withdrawTwice(bank: Bank, patienceMs: number): Promise<RaceOutcome> {
  const meeting = new MeetingPoint(patienceMs);
  const attempts = await Promise.all(
    [1, 2].map((credit) =>
      bank.transfer({ debit: 0, credit, amount: WITHDRAWAL }, { between: () => meeting.arrive() }),
    ),
  );
  const [payer] = await bank.accounts();
  return {
    balance: payer!.balance,
    paid: attempts.filter(({ result }) => result === "ok").length,
    met: meeting.met,
  };
}

/** The race under this strategy, in a bank that is opened for it and closed behind it. */
export function strategyRace(
  group: string,
  strategy: Strategy,
  open: (accounts: readonly OpeningAccount[]) => Promise<Bank>,
): RaceCase {
  const isKeepingOut = KEEPING_OUT.has(strategy.name);
  return {
    group,
    name: strategy.name,
    expected: strategy.safe ? "acceptable" : "forbidden",
    forced: "both in the gap",
    mustMeet: !isKeepingOut,
    async run() {
      const bank = await open(ACCOUNTS);
      try {
        return await withdrawTwice(bank, isKeepingOut ? KEPT_OUT_MS : MEETING_MS_MAX);
      } finally {
        await bank.close();
      }
    },
  };
}
