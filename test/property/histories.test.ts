/** Whatever was done, every history, past balance and filtered list is what a plain list gives, page by page. */
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { HistoryOptions, HistoryPage, Ledger, TransferFilter, TransferResultCode } from "../../src/index.js";
import { Materializer, MODEL_ASSETS, run } from "../support/arbitraries.js";
import { Book } from "../support/book.js";
import { expectSameResults, openParts, RUNS_MS_MAX, runsOf, startClock, temporaryFolder } from "../support/ledgers.js";
import { Model } from "../support/model.js";

const session = fc.record({
  configuration: fc.constantFrom(
    { mode: "event-loop" as const, workers: 1 },
    { mode: "parallel" as const, workers: 1 },
    { mode: "parallel" as const, workers: 3 },
  ),
  work: run,
  isAbandoned: fc.boolean(),
});

/** What is asked of a ledger of `count` transfers: shares of them, and entries a page. */
const question = fc.record({
  account: fc.nat(),
  limit: fc.constantFrom(1, 2, 3, 7, 100),
  before: fc.option(fc.double({ min: 0, max: 1.1, noNaN: true }), { nil: undefined }),
  after: fc.option(fc.double({ min: 0, max: 1.1, noNaN: true }), { nil: undefined }),
});

/** All pages of a history, one behind the other. */
async function pagesOf(ledger: Ledger, account: string, options: HistoryOptions): Promise<HistoryPage["entries"]> {
  const entries: HistoryPage["entries"][number][] = [];
  let cursor: string | undefined;
  do {
    const page = await ledger.history(account, cursor === undefined ? options : { ...options, cursor });
    expect(page.entries.length).toBeLessThanOrEqual(options.limit!);
    if (page.cursor !== undefined) expect(page.entries.length).toBe(options.limit);
    entries.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return entries;
}

async function expectHistories(
  ledger: Ledger,
  model: Model,
  book: Book,
  questions: readonly { account: number; limit: number; before: number | undefined; after: number | undefined }[],
): Promise<void> {
  const accounts = model.accountsInOrder();
  const count = book.transfers.length;
  for (const { account, limit, before: beforeShare, after: afterShare } of questions) {
    const { id } = accounts[account % accounts.length]!;
    const before = beforeShare === undefined ? undefined : Math.floor(beforeShare * count);
    const after = afterShare === undefined ? undefined : Math.floor(afterShare * count);
    const options = {
      limit,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    };
    const expected = book
      .entries(id)
      .reverse()
      .filter(({ sequence }) => sequence < (before ?? count + 1) && sequence > (after ?? 0))
      .map(({ sequence, ...entry }) => {
        const transfer = book.transfers[sequence - 1]!;
        return { ...entry, transfer: { ...transfer, timestamp: expect.any(BigInt) } };
      });
    expect(await pagesOf(ledger, id, options)).toEqual(expected);
    await expectTransfers(ledger, book, id, limit, after ?? 0, before);
    const sequence = before ?? after ?? 0;
    expect(await ledger.balanceAt(id, { sequence })).toBe(book.balanceAt(id, sequence));
  }
}

/** All pages of the transfers that a few filters leave, the account's and everybody's. */
async function expectTransfers(
  ledger: Ledger,
  book: Book,
  account: string,
  limit: number,
  fromSequence: number,
  toSequence: number | undefined,
): Promise<void> {
  const sample = book.transfers[fromSequence % Math.max(1, book.transfers.length)];
  const result = sample?.result as TransferResultCode | undefined;
  const filters: TransferFilter[] = [{ account }, {}, { account: "nobody ever" }];
  if (sample !== undefined && result !== undefined) {
    filters.push({ result }, { account, result }, { code: sample.code, userData: sample.userData });
    filters.push({ account: sample.debit }, { account: sample.credit, result });
  }
  for (const filter of filters) {
    const options = { ...filter, limit: limit * 20, fromSequence, ...(toSequence === undefined ? {} : { toSequence }) };
    const found: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await ledger.transfers(cursor === undefined ? options : { ...options, cursor });
      if (page.cursor !== undefined) expect(page.transfers.length).toBe(options.limit);
      found.push(...page.transfers);
      cursor = page.cursor;
    } while (cursor !== undefined);
    const expected = book
      .matching(filter)
      .filter(({ sequence }) => sequence >= fromSequence && sequence <= (toSequence ?? sequence))
      .reverse()
      .map((transfer) => ({
        ...transfer,
        ...(transfer.result === "ok" ? {} : { reason: expect.any(String) }),
        timestamp: expect.any(BigInt),
      }));
    expect(
      found,
      JSON.stringify(filter, (_, value) => (typeof value === "bigint" ? String(value) : value)),
    ).toEqual(expected);
  }
}

let files = 0;

test(
  "all pages together are the whole history, in whatever runs it is indexed and after whatever restarts",
  async () => {
    const folder = temporaryFolder();
    const clock = startClock();
    const property = fc.asyncProperty(
      fc.array(session, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(4, 5, 7, 19),
      fc.array(question, { minLength: 6, maxLength: 12 }),
      async (sessions, historyRunLog2, questions) => {
        const path = join(folder, `${files++}.db`);
        const model = new Model(MODEL_ASSETS);
        const book = new Book();
        for (const [number, { configuration, work, isAbandoned }] of sessions.entries()) {
          const options = { ...configuration, accounts: 2000, transfers: 50_000, historyRunLog2 };
          const { ledger, abandon } = await openParts(path, options);
          try {
            if (number > 0) await expectHistories(ledger, model, book, questions);
            const materializer = new Materializer(model, number, work.padded, clock);
            await expectSameResults(materializer.begin(), [ledger]);
            for (const symbols of work.commands) {
              const command = materializer.next(symbols);
              await expectSameResults(command, [ledger]);
              if (!("calls" in command)) continue;
              for (const [call, asked] of command.calls.entries()) book.note(asked, command.expected[call]!);
            }
            await expectHistories(ledger, model, book, questions);
          } finally {
            if (isAbandoned) await abandon();
            else await ledger.close();
          }
        }
      },
    );
    await fc.assert(property, runsOf(5));
  },
  RUNS_MS_MAX,
);
