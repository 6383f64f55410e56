/**
 * Histories of withdrawals, deposits and readings of one account, recorded while several clients use it at once on real
 * worker threads: each safe strategy's must be linearizable, and those of `unsafe`, once forced, must not.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MemoryBank } from "../../src/strategies/memory/bank.js";
import { openMemoryBank } from "../../src/strategies/memory/bank.js";
import { MEMORY_STRATEGIES } from "../../src/strategies/memory/strategies.js";
import { openThreadBank } from "../../src/strategies/memory/threads.js";
import { unsafe } from "../../src/strategies/memory/unsafe.js";
import type { OpeningAccount } from "../../src/strategies/strategy.js";
import { randomNumbers } from "../support/arbitraries.js";
import { runsOf } from "../support/ledgers.js";
import { type Event, findLinearization, type Specification } from "../support/linearizability.js";

type Request = { readonly ask: "withdraw" | "deposit"; readonly amount: bigint } | { readonly ask: "read" };
/** `true` and `false`: paid or refused; a number: the balance that was read. */
type Answer = boolean | bigint;
type History = readonly Event<Request, Answer>[];

/** An account that may not go below zero. */
function accountOf(balance: bigint): Specification<bigint, Request, Answer> {
  return {
    initial: balance,
    key: String,
    next(state, request, answer) {
      if (request.ask === "read") return answer === state ? state : undefined;
      if (request.ask === "deposit") return answer === true ? state + request.amount : undefined;
      const isCovered = state >= request.amount;
      if (answer !== isCovered) return undefined;
      return isCovered ? state - request.amount : state;
    },
  };
}

const withdraw = (amount: bigint): Request => ({ ask: "withdraw", amount });
const deposit = (amount: bigint): Request => ({ ask: "deposit", amount });
const read: Request = { ask: "read" };

function event(operation: Request, result: Answer, invoked: number, responded: number): Event<Request, Answer> {
  return { operation, result, invoked, responded };
}

describe("the checker", () => {
  const account = accountOf(100n);

  test("explains operations that came one after the other by their order", () => {
    const history = [event(withdraw(60n), true, 1, 2), event(withdraw(60n), false, 3, 4), event(read, 40n, 5, 6)];
    expect(findLinearization(history, account)).toEqual([0, 1, 2]);
  });

  test("lets operations that overlapped have happened in either order", () => {
    const history = [event(withdraw(60n), false, 1, 4), event(withdraw(60n), true, 2, 3)];
    expect(findLinearization(history, account)).toEqual([1, 0]);
  });

  test.each<[string, History]>([
    ["money spent twice", [event(withdraw(60n), true, 1, 3), event(withdraw(60n), true, 2, 4)]],
    [
      "a reading older than a payment that was confirmed before",
      [event(withdraw(60n), true, 1, 2), event(read, 100n, 3, 4)],
    ],
    [
      "readings that go back in time",
      [event(withdraw(60n), true, 1, 8), event(read, 40n, 2, 3), event(read, 100n, 4, 5)],
    ],
    [
      "a refusal although there was enough at every moment",
      [event(deposit(10n), true, 1, 4), event(withdraw(100n), false, 2, 3)],
    ],
    [
      "a deposit that was lost",
      [event(deposit(10n), true, 1, 3), event(deposit(10n), true, 2, 4), event(read, 110n, 5, 6)],
    ],
  ])("finds no explanation for %s", (_, history) => {
    expect(findLinearization(history, account)).toBeUndefined();
  });

  test("explains every history that is made from an order, and none of which a reading was changed", () => {
    const request: fc.Arbitrary<Request> = fc.oneof(
      fc.record({ ask: fc.constantFrom("withdraw" as const, "deposit" as const), amount: fc.bigInt(1n, 90n) }),
      fc.constant(read),
    );
    const step = fc.record({ request, before: fc.nat({ max: 40 }), after: fc.nat({ max: 40 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 14 }), (steps) => {
        let balance = 100n;
        const history = steps.map(({ request: asked, before, after }, index): Event<Request, Answer> => {
          let answer: Answer = true;
          if (asked.ask === "read") answer = balance;
          else if (asked.ask === "deposit") balance += asked.amount;
          else if (balance >= asked.amount) balance -= asked.amount;
          else answer = false;
          // Its moment is ten times its place; it was under way for a while before and after.
          return event(asked, answer, index * 10 - before - 0.5, index * 10 + after);
        });
        expect(findLinearization(history, account)).toBeDefined();
        const last = event(read, balance + 1n, steps.length * 10 + 100, steps.length * 10 + 101);
        expect(findLinearization([...history, last], account)).toBeUndefined();
      }),
      runsOf(200),
    );
  });
});

const CLIENTS = 4;
const REQUESTS_EACH = 6;
const BALANCE = 100n;
/** The account that all clients use, and one for each client that is the other side of its transfers. */
const ACCOUNTS: readonly OpeningAccount[] = [
  { balance: BALANCE, limited: true },
  ...Array.from({ length: CLIENTS }, () => ({ balance: 0n, limited: false })),
];

async function ask(bank: MemoryBank, client: number, request: Request): Promise<Answer> {
  if (request.ask === "read") {
    return (await bank.execute({ kind: "balance", accounts: [0], amount: 0n })).answer;
  }
  const accounts = request.ask === "withdraw" ? [0, client + 1] : [client + 1, 0];
  const { result } = await bank.execute({ kind: "transfer", accounts, amount: request.amount });
  return result === "ok";
}

/** Lets every client ask one thing after the other, all clients at once, and records what they saw and when. */
async function record(bank: MemoryBank, seed: number): Promise<History> {
  const random = randomNumbers(seed);
  const clock = new Int32Array(new SharedArrayBuffer(4));
  const history: Event<Request, Answer>[] = [];
  const client = async (number: number): Promise<void> => {
    for (let i = 0; i < REQUESTS_EACH; i++) {
      const amount = BigInt(1 + random(80));
      const request = [withdraw(amount), withdraw(amount), deposit(amount), read][random(4)]!;
      const invoked = Atomics.add(clock, 0, 1);
      const result = await ask(bank, number, request);
      history.push(event(request, result, invoked, Atomics.add(clock, 0, 1)));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  return history;
}

/** Histories recorded of each strategy. */
const { numRuns: HISTORIES } = runsOf(25);

describe.each(MEMORY_STRATEGIES.filter(({ safe }) => safe))("histories of $name are linearizable", (strategy) => {
  test("on worker threads", async () => {
    for (let seed = 0; seed < HISTORIES; seed++) {
      const bank = await threadBank();
      bank.reopen(ACCOUNTS);
      const history = await record(bank, seed);
      expect(findLinearization(history, accountOf(BALANCE)), `seed ${seed}: ${describeHistory(history)}`).toBeDefined();
    }
    await (await threadBank()).close();
  });

  test("on the event loop", async () => {
    for (let seed = 0; seed < HISTORIES; seed++) {
      const history = await record(openMemoryBank(strategy, ACCOUNTS), seed);
      expect(findLinearization(history, accountOf(BALANCE)), `seed ${seed}: ${describeHistory(history)}`).toBeDefined();
    }
  });

  let opened: ReturnType<typeof openThreadBank> | undefined;
  function threadBank(): ReturnType<typeof openThreadBank> {
    opened ??= openThreadBank(strategy, ACCOUNTS, { threads: CLIENTS });
    return opened;
  }
});

test("a history of unsafe in which two clients have read before either writes is not linearizable", async () => {
  for (const bank of [openMemoryBank(unsafe, ACCOUNTS), await openThreadBank(unsafe, ACCOUNTS, { threads: 2 })]) {
    let readers = 0;
    let bothHaveRead = (): void => {};
    const met = new Promise<void>((resolve) => {
      bothHaveRead = resolve;
    });
    const between = (): Promise<void> => {
      if (++readers === 2) bothHaveRead();
      return met;
    };
    const pay = async (client: number, invoked: number, responded: number): Promise<Event<Request, Answer>> => {
      const operation = { kind: "transfer" as const, accounts: [0, client], amount: 60n };
      const { result } = await bank.execute(operation, { between });
      return event(withdraw(60n), result === "ok", invoked, responded);
    };
    const history = await Promise.all([pay(1, 1, 3), pay(2, 2, 4)]);
    expect(history.map(({ result }) => result)).toEqual([true, true]);
    expect(findLinearization(history, accountOf(BALANCE))).toBeUndefined();
    await bank.close();
  }
});

function describeHistory(history: History): string {
  return history
    .map(({ operation, result, invoked, responded }) => {
      const amount = operation.ask === "read" ? "" : ` ${operation.amount}`;
      return `${operation.ask}${amount} ${result} [${invoked}, ${responded}]`;
    })
    .join("; ");
}
