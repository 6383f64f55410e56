/** The netting report of a job: exact for every size of amount, and the same however often and in which way it ran. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import type { LedgerOptions, SettleFileOptions, SettleFileSummary } from "../../../src/index.js";
import { read, temporaryFolder } from "../../support/cli.js";
import { seededRandom } from "../../support/generate.js";
import { openLedgerHere } from "../../support/ledgers.js";
import { type NettedRow, netByHand } from "../../support/netting-oracle.js";

const WAYS: readonly LedgerOptions[] = [{ mode: "event-loop" }, { workers: 1 }, { workers: 3 }];

async function settle(
  folder: string,
  db: string,
  options: Partial<SettleFileOptions> = {},
  way: LedgerOptions = { mode: "event-loop" },
): Promise<SettleFileSummary> {
  const ledger = await openLedgerHere(join(folder, db), way);
  try {
    return await ledger.settleFile({
      transfers: join(folder, "transfers.csv"),
      columns: { debit: "from", credit: "to", amount: "amount" },
      asset: "USD",
      createAccounts: "limited",
      results: join(folder, "results.csv"),
      net: join(folder, "net.csv"),
      job: "j",
      ...options,
    });
  } finally {
    await ledger.close();
  }
}

function folderWith(transfers: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "transfers.csv"), `from,to,amount\n${transfers}`);
  return folder;
}

describe("the report", () => {
  it("lists what was made in the job, largest net position first and equal ones by id, and sums it up", async () => {
    const folder = folderWith(
      'alice,bob,60.00\nalice,bob,60.00\nbob,alice,0.5\nbob,"carol, c/o ""dan""",9.50\nbob,erin,50\nbob,alice,x\n',
    );
    writeFileSync(join(folder, "accounts.csv"), "id,opening\nalice,100\nbob,5\nfrank,7\n");
    const accounts = { file: join(folder, "accounts.csv"), columns: { id: "id", opening: "opening" } };
    const summary = await settle(folder, "l.db", { accounts });
    expect(read(folder, "net.csv")).toBe(`id,asset,paid,received,net,transfers
alice,USD,60.00,0.50,-59.50,2
erin,USD,0.00,50.00,50.00,1
"carol, c/o ""dan""",USD,0.00,9.50,9.50,1
bob,USD,60.00,60.00,0.00,4
`);
    expect(summary.net).toEqual({ asset: "USD", accounts: 4, gross: 12000n, net: 5950n, ratio: 5950 / 12000 });
  });

  it("counts what was posted and what balancing moved, nothing that is reserved or released, of a rerun too", async () => {
    const folder = temporaryFolder();
    const rows = [
      "held,alice,bob,10.00,true,,,",
      "let go,alice,bob,3.00,true,,,",
      "open,alice,carol,2.00,true,,,",
      "part,,,4.00,,held,,",
      "back,,,0,,,let go,",
      "all,alice,carol,500.00,,,,true",
      "again,bob,carol,1.00,,,,",
    ];
    writeFileSync(join(folder, "transfers.csv"), `id,from,to,amount,pending,post,void,all\n${rows.join("\n")}\n`);
    writeFileSync(join(folder, "accounts.csv"), "id,opening\nalice,100\nbob,0\ncarol,0\n");
    const accounts = { file: join(folder, "accounts.csv"), columns: { id: "id", opening: "opening" } };
    const named = {
      id: "id",
      debit: "from",
      credit: "to",
      amount: "amount",
      pending: "pending",
      post: "post",
      void: "void",
    };
    const columns = { ...named, balancingDebit: "all" };
    const expected = `id,asset,paid,received,net,transfers
alice,USD,98.00,0.00,-98.00,2
carol,USD,0.00,95.00,95.00,2
bob,USD,1.00,4.00,3.00,2
`;
    const net = { asset: "USD", accounts: 3, gross: 9900n, net: 9800n, ratio: 98 / 99 };
    for (const replayed of [0, 7]) {
      const summary = await settle(folder, "l.db", { accounts, columns });
      expect(summary).toMatchObject({ replayed, results: { ok: 7 } });
      expect(read(folder, "net.csv")).toBe(expected);
      expect(summary.net).toEqual(net);
    }
  });

  it("of a job that moved nothing has a header alone, and no ratio", async () => {
    const folder = folderWith("alice,bob,1\n");
    const summary = await settle(folder, "l.db");
    expect(read(folder, "net.csv")).toBe("id,asset,paid,received,net,transfers\n");
    expect(summary.net).toEqual({ asset: "USD", accounts: 0, gross: 0n, net: 0n, ratio: undefined });
  });

  it("is neither made nor mentioned where nobody asked for it", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "transfers.csv"), "from,to,amount\na,b,1\n");
    const ledger = await openLedgerHere(":memory:", { mode: "event-loop" });
    const summary = await ledger.settleFile({
      transfers: join(folder, "transfers.csv"),
      columns: { debit: "from", credit: "to", amount: "amount" },
      asset: "USD",
    });
    expect(summary).not.toHaveProperty("net");
    await ledger.close();
  });
});

interface Prepared {
  readonly folder: string;
  readonly rows: readonly NettedRow[];
  readonly lines: readonly string[];
}

/** Rows of `POINTS:0` between unlimited accounts, amounts as `amountOf` says. */
function prepare(rowCount: number, accountCount: number, amountOf: (random: (limit: number) => number) => bigint) {
  const random = seededRandom(rowCount + accountCount);
  const rows = Array.from({ length: rowCount }, () => {
    const debit = random(accountCount);
    const credit = (debit + 1 + random(accountCount - 1)) % accountCount;
    return { debit: `account-${debit}`, credit: `account-${credit}`, amount: amountOf(random) };
  });
  const lines = rows.map(({ debit, credit, amount }) => `${debit},${credit},${amount}\n`);
  return { folder: folderWith(lines.join("")), rows, lines } satisfies Prepared;
}

const POINTS = { asset: "POINTS:0", createAccounts: "unlimited" } as const;

function expectByHand({ folder, rows }: Prepared, summary: SettleFileSummary): void {
  const { text, ...sums } = netByHand(rows, read(folder, "results.csv"), "POINTS");
  expect(read(folder, "net.csv") === text, "net.csv is what adding up by hand gives").toBe(true);
  expect(summary.net).toMatchObject({ asset: "POINTS", ...sums });
}

function bits(count: number, random: (limit: number) => number): bigint {
  let value = 1n;
  for (let bit = 1; bit < count; bit++) value = (value << 1n) | BigInt(random(2));
  return value;
}

describe("amounts", () => {
  it.for([
    ["of every length up to 2^117", (random: (limit: number) => number) => bits(1 + random(117), random)],
    ["that fill every limb but the last, so that all of them carry", () => 2n ** 115n - 1n],
    ["just below 2^64, without a high word", () => 2n ** 64n - 1n],
    ["just below 2^43", () => 2n ** 43n - 1n],
  ] as const)("%s add up exactly in every mode", async ([, amountOf]) => {
    const prepared = prepare(5000, 3, amountOf);
    for (const way of WAYS) {
      const summary = await settle(prepared.folder, `${way.mode}-${way.workers}.db`, POINTS, way);
      expect(summary.results).toEqual({ ok: 5000 });
      expectByHand(prepared, summary);
    }
  });

  it("near 2^128 count where they are made, and not where a total would overflow", async () => {
    const folder = folderWith(`a,b,${2n ** 128n - 1n}\nb,a,${2n ** 127n}\na,b,1\nb,a,${2n ** 127n}\nb,a,1\n`);
    const summary = await settle(folder, "l.db", POINTS);
    expect(read(folder, "results.csv").match(/ok|overflows_\w+/g)).toEqual([
      "ok",
      "ok",
      "overflows_debits_posted",
      "overflows_debits_posted",
      "ok",
    ]);
    const net = 2n ** 128n - 1n - 2n ** 127n - 1n;
    expect(read(folder, "net.csv").split("\n").slice(1, 3)).toEqual([
      `a,POINTS,${2n ** 128n - 1n},${2n ** 127n + 1n},-${net},3`,
      `b,POINTS,${2n ** 127n + 1n},${2n ** 128n - 1n},${net},3`,
    ]);
    expect(summary.net).toMatchObject({ gross: 2n ** 128n + 2n ** 127n, net });
  });

  it("between more accounts than there was room for at first", async () => {
    const prepared = prepare(20_000, 6000, (random) => BigInt(1 + random(1000)));
    expectByHand(prepared, await settle(prepared.folder, "l.db", POINTS, { workers: 2 }));
  });
});

describe("runs of the same job", () => {
  const limited = { asset: "POINTS:0", createAccounts: "limited" } as const;

  it("write the same report: a second one, one that was interrupted before, one whose file grew", async () => {
    const prepared = prepare(60_000, 50, (random) => BigInt(1 + random(1000)));
    const { folder, lines } = prepared;
    const { net } = await settle(folder, "once.db", POINTS);
    const report = read(folder, "net.csv");
    const results = read(folder, "results.csv");
    const again = await settle(folder, "once.db", POINTS, { workers: 2 });
    expect(again).toMatchObject({ replayed: 60_000, net });
    expect(read(folder, "net.csv") === report).toBe(true);

    // The rest of the file never comes: what has come is settled, and then the job is interrupted.
    const interrupt = new AbortController();
    const half = new PassThrough();
    half.write(`from,to,amount\n${lines.slice(0, 58_000).join("")}`);
    const interrupted = settle(folder, "interrupted.db", {
      ...POINTS,
      transfers: half,
      signal: interrupt.signal,
      onProgress: () => interrupt.abort(new Error("interrupted")),
    });
    await expect(interrupted).rejects.toThrow("interrupted");
    const resumed = await settle(folder, "interrupted.db", POINTS, { workers: 2 });
    expect(resumed.net).toEqual(net);
    expect(resumed.replayed).toBeGreaterThan(0);
    expect(resumed.replayed).toBeLessThan(60_000);
    expect(read(folder, "net.csv") === report).toBe(true);

    const whole = read(folder, "transfers.csv");
    writeFileSync(join(folder, "transfers.csv"), `from,to,amount\n${lines.slice(0, 9000).join("")}`);
    await settle(folder, "grown.db", POINTS);
    writeFileSync(join(folder, "transfers.csv"), whole);
    expect((await settle(folder, "grown.db", POINTS)).net).toEqual(net);
    expect(read(folder, "net.csv") === report).toBe(true);
    expect(read(folder, "results.csv") === results).toBe(true);
    expectByHand(prepared, resumed);
  });

  it("leave out what was refused, and what another job had made", async () => {
    const prepared = prepare(5000, 20, (random) => BigInt(1 + random(500)));
    const { folder } = prepared;
    writeFileSync(
      join(folder, "accounts.csv"),
      `id\n${Array.from({ length: 20 }, (_, i) => `account-${i}\n`).join("")}`,
    );
    const accounts = { file: join(folder, "accounts.csv"), columns: { id: "id" } };
    const empty = await settle(folder, "l.db", { ...limited, accounts });
    expect(empty.results).toEqual({ exceeds_credits: 5000 });
    expectByHand(prepared, empty);
    const other = await settle(folder, "l.db", { ...POINTS, job: "other" });
    expect(other.results).toMatchObject({ exceeds_credits: 5000 });

    writeFileSync(
      join(folder, "accounts.csv"),
      `id,opening\n${Array.from({ length: 20 }, (_, i) => `account-${i},900\n`).join("")}`,
    );
    const opened = { file: join(folder, "accounts.csv"), columns: { id: "id", opening: "opening" } };
    const some = await settle(folder, "funded.db", { ...limited, accounts: opened });
    expect(some.results.ok).toBeGreaterThan(100);
    expect(some.results.exceeds_credits).toBeGreaterThan(100);
    expectByHand(prepared, some);
  });
});
