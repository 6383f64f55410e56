/** Jobs in which later rows take the ids of legs that were not recorded, because their chain failed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Ledger, SettleFileOptions } from "../../../src/index.js";
import { read } from "../../support/cli.js";
import { openWithPurse, temporaryFolder } from "../../support/ledgers.js";
import { BATCH_CAPACITY } from "../../support/long-chains.js";

function open(): Promise<Ledger> {
  return openWithPurse(":memory:", { workers: 2, capacity: { accounts: 100, transfers: 200_000 } });
}

/** Settles rows of one job; returns what its lines say behind the row's number. */
async function settle(
  ledger: Ledger,
  rows: readonly string[],
  more: Partial<SettleFileOptions> = {},
): Promise<string[]> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "t.csv"), ["id,from,to,amount,chained", ...rows].join("\n"));
  await ledger.settleFile({
    ...{ transfers: join(folder, "t.csv"), asset: "JPY", job: "job", results: join(folder, "results.csv") },
    columns: { id: "id", debit: "from", credit: "to", amount: "amount", linked: "chained" },
    ...more,
  });
  const lines = read(folder, "results.csv").split("\n").slice(1, -1);
  return lines.map((line) => line.slice(line.indexOf(",") + 1));
}

const row = (id: string, chained: number, amount = 1, from = "bank"): string =>
  `${id},${from},shop,${amount},${chained}`;

/** Legs that make a chain one of several batches. */
const many = (name: string): string[] => Array.from({ length: BATCH_CAPACITY }, (_, i) => row(`${name} ${i}`, 1));

/** The lines that differ, with what stands there instead: printing all of them helps nobody. */
function differing(found: readonly string[], expected: readonly string[]): string[] {
  expect(found.length).toBe(expected.length);
  return found.flatMap((line, i) => (line === expected[i] ? [] : [`${line} instead of ${expected[i]}`]));
}

test("a rerun finds what broke each chain, not what its legs' ids are used for since", async () => {
  const rows = [
    ...[row("a", 1), row("malformed", 0, 0)],
    ...[row("b", 1), row("b", 1), row("b", 0, 2)],
    ...[row("c", 1), row("refused", 0, 1, "purse")],
    ...[row("d", 1), row("d", 1, 0), row("malformed too", 0, 0)],
    ...[row("e", 1), row("e", 1), row("f", 0)],
    ...["a", "b", "c", "d"].map((id) => row(id, 0, 3)),
    ...[row("e", 1), row("f", 0)],
  ];
  const ledger = await open();
  const first = await settle(ledger, rows);
  expect(first).toEqual([
    ...["a,linked_event_failed,", "malformed,amount_must_not_be_zero,"],
    ...["b,linked_event_failed,", "b,exists,", "b,linked_event_failed,"],
    ...["c,linked_event_failed,", "refused,exceeds_credits,1"],
    ...["d,linked_event_failed,", "d,exists_with_different_amount,", "malformed too,linked_event_failed,"],
    ...["e,linked_event_failed,", "e,exists,", "f,linked_event_failed,"],
    ...["a,ok,2", "b,ok,3", "c,ok,4", "d,ok,5", "e,ok,6", "f,ok,7"],
  ]);
  expect(await settle(ledger, rows)).toEqual(first);
  expect(ledger.transferCount).toBe(7);
});

test("a rerun finds what broke chains of several batches", async () => {
  const rows = [
    ...[row("a", 1), ...many("a"), row("malformed", 0, 0)],
    ...[row("b", 1), ...many("b"), row("b", 1), row("end", 0)],
    ...[row("c", 1), ...many("c"), row("refused", 0, 1, "purse")],
    ...[row("a", 0, 2), row("c", 0, 2), row("b", 1), ...many("b"), row("end", 0)],
  ];
  const ledger = await open();
  const first = await settle(ledger, rows);
  const made = ["b", ...Array.from({ length: BATCH_CAPACITY }, (_, i) => `b ${i}`), "end"];
  expect(first.filter((line) => !line.endsWith(",linked_event_failed,"))).toEqual([
    ...["malformed,amount_must_not_be_zero,", "b,exists,", "refused,exceeds_credits,1"],
    ...["a,ok,2", "c,ok,3", ...made.map((id, i) => `${id},ok,${4 + i}`)],
  ]);
  expect((await settle(ledger, rows)).join("\n") === first.join("\n")).toBe(true);
  expect(ledger.transferCount).toBe(5 + BATCH_CAPACITY);
});

/** What a chain says of one id, the first time and later, and the rows behind it that take the id. */
const REPEATS: readonly {
  readonly legs: readonly string[];
  readonly takers: readonly string[];
  readonly result: string;
}[] = [
  ...[[row("x", 0)], [row("x", 0, 2)], [row("x", 0, 1, "purse")], [row("x", 1), row("y", 0)]].map((takers) => ({
    ...{ legs: [row("x", 1), row("x", 1)], takers, result: "exists" },
  })),
  ...[row("x", 0, 2), row("x", 0, 3), row("x", 0, 3, "purse")].map((taker) => ({
    ...{ legs: [row("x", 1), row("x", 1, 2), row("x", 1)], takers: [taker], result: "exists_with_different_amount" },
  })),
  ...[[row("x", 0, 2)], [row("x", 1), row("y", 0)]].map((takers) => ({
    ...{ legs: [row("x", 1), row("x", 1, 0)], takers, result: "exists_with_different_amount" },
  })),
  { legs: [row("x", 1, 0), row("x", 1)], takers: [row("x", 0)], result: "amount_must_not_be_zero" },
  {
    legs: [row("x", 1, 1, "purse"), row("x", 1)],
    takers: [row("x", 0)],
    result: "exists_with_different_debit_account_id",
  },
];

test.each([
  ["one batch, behind one that nothing is wrong with,", row("fine", 1)],
  ["one batch, behind one that was refused,", row("refused", 1, 1, "purse")],
  ["several batches", ""],
  ["several batches, behind one that was refused,", row("refused", 1, 1, "purse")],
])("a rerun compares legs of one id in %s of a longer chain", async (place, before) => {
  const rows = REPEATS.flatMap(({ legs, takers }, i) => {
    const own = (lines: readonly string[]): string[] =>
      lines.map((line) => line.replace(/^[xy]/, `$& ${i} ${"long ".repeat(i)}`));
    const many = (name: string): string[] => Array.from({ length: BATCH_CAPACITY }, (_, at) => row(`${name} ${at}`, 1));
    const [first, ...others] = own(legs);
    const between = place.startsWith("one") ? [] : many(`${i}`);
    const behind = place.startsWith("one") ? many(`${i}`) : [];
    return [
      ...(before === "" ? [] : [before]),
      first!,
      ...between,
      ...others,
      ...behind,
      row("end", 0),
      ...own(takers),
    ];
  });
  const ledger = await open();
  const first = await settle(ledger, rows);
  const broke = first.filter((line) => /^x.*,./.test(line) && !/,(linked_event_failed|ok|exceeds_credits),/.test(line));
  expect(broke.map((line) => line.replace(/.*?,/, ""))).toEqual(REPEATS.map(({ result }) => `${result},`));
  const { transferCount } = ledger;
  const digest = ledger.digest();
  expect(differing(await settle(ledger, rows), first)).toEqual([]);
  expect(ledger.transferCount).toBe(transferCount);
  expect(ledger.digest()).toBe(digest);
});

test.each([
  ["one batch", [] as string[]],
  ["several batches", many("leg")],
])(
  "a rerun finds the leg that the state refused in a chain of %s, whoever has used the others' ids since",
  async (_, legs) => {
    const ledger = await open();
    const rows = [row("a", 1), ...legs, row("refused", 1, 1, "purse"), row("b", 0)];
    const first = await settle(ledger, rows);
    expect(first.filter((line) => !line.endsWith(",linked_event_failed,"))).toEqual(["refused,exceeds_credits,1"]);
    const made = await ledger.createTransfers(
      ["a", "b"].map((id) => ({ id, debit: "bank", credit: "shop", amount: id === "a" ? 1n : 2n })),
    );
    expect(made).toEqual([
      { result: "ok", sequence: 2 },
      { result: "ok", sequence: 3 },
    ]);
    expect(differing(await settle(ledger, rows), first)).toEqual([]);
    // Another job has no such memory: what is used now breaks its chain.
    expect((await settle(ledger, rows, { job: "another" }))[0]).toBe("a,exists_with_different_flags,2");
  },
);

test.each([
  ["one batch", [] as string[]],
  ["several batches", many("leg")],
])("a chain of %s that was made exists, also where its job's file has lost the rows before it", async (_, legs) => {
  const ledger = await open();
  const chain = [row("a", 1), ...legs, row("b", 0)];
  await settle(ledger, [row("before", 0), ...chain]);
  const digest = ledger.digest();
  const again = await settle(ledger, chain);
  expect(again.filter((line, index) => !line.endsWith(`,exists,${index + 2}`))).toEqual([]);
  expect(ledger.transferCount).toBe(1 + chain.length);
  expect(ledger.digest()).toBe(digest);
  // That is known before it is tried, so no leg creates an account.
  const more = { createAccounts: "unlimited" } as const;
  const tried = await settle(ledger, [row("new", 1).replace("shop", "new shop"), row("b", 0)], more);
  expect(tried).toEqual(["new,linked_event_failed,", `b,exists,${legs.length + 3}`]);
  expect(ledger.account("new shop")).toBeUndefined();
  // With another end it is another chain, and the first leg that exists breaks it.
  const other = await settle(ledger, [...chain.slice(0, -1), row("c", 0)]);
  expect(other[0]).toBe("a,exists,2");
  expect(new Set(other.slice(1).map((line) => line.split(",")[1]))).toEqual(new Set(["linked_event_failed"]));
});
