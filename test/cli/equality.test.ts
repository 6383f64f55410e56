/** The same files give the same results, balances and digest however they are settled, and what adding up by hand gives. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { describe, expect, it, test } from "vitest";
import { type LedgerOptions, openLedger } from "../../src/index.js";
import {
  FIXTURES,
  isMissing,
  json,
  read,
  rowsOf,
  SHARED_DATA,
  temporaryFolder,
  verifiedDigest,
} from "../support/cli.js";
import { type OracleJob, settleByHand } from "../support/settlement-oracle.js";

/** Two workers are the command's turn. */
const WAYS: readonly LedgerOptions[] = [
  { mode: "event-loop" },
  { mode: "parallel", workers: 1 },
  { mode: "parallel", workers: 4 },
];

interface Job {
  readonly name: string;
  readonly folder: string;
  readonly transfers: string;
  readonly accounts?: string;
  readonly args: readonly string[];
  readonly oracle: Omit<OracleJob, "transfers" | "accounts" | "asset" | "scale">;
  readonly accountColumns?: { readonly id: string; readonly opening: string };
}

const AMLSIM: Pick<Job, "args" | "oracle" | "accountColumns"> = {
  args: [
    "--account-columns",
    "id=nodeid,opening=init_balance",
    "--columns",
    "debit=sourceNodeId,credit=targetNodeId,amount=value",
  ],
  oracle: { columns: { debit: "sourceNodeId", credit: "targetNodeId", amount: "value" } },
  accountColumns: { id: "nodeid", opening: "init_balance" },
};

const FIXTURE_JOBS: readonly Job[] = [
  {
    name: "contended",
    folder: FIXTURES,
    transfers: "contended-transfers.csv",
    accounts: "contended-accounts.csv",
    args: [
      "--account-columns",
      "id=account,opening=opening",
      "--columns",
      "id=reference,debit=from,credit=to,amount=amount",
    ],
    oracle: { columns: { id: "reference", debit: "from", credit: "to", amount: "amount" } },
    accountColumns: { id: "account", opening: "opening" },
  },
  {
    name: "contended, accounts created unlimited",
    folder: FIXTURES,
    transfers: "contended-transfers.csv",
    args: ["--create-accounts", "unlimited", "--columns", "id=reference,debit=from,credit=to,amount=amount"],
    oracle: { columns: { id: "reference", debit: "from", credit: "to", amount: "amount" }, create: "unlimited" },
  },
  {
    name: "the first rows of AMLSim",
    folder: FIXTURES,
    transfers: "amlsim-2k-transfers.csv",
    accounts: "amlsim-2k-accounts.csv",
    ...AMLSIM,
  },
];

const SHARED_JOBS: readonly Job[] = [
  {
    name: "AMLSim",
    folder: SHARED_DATA,
    transfers: "amlsim-transfers.csv",
    accounts: "amlsim-accounts.csv",
    ...AMLSIM,
  },
  {
    name: "PaySim",
    folder: SHARED_DATA,
    transfers: "paysim-20k.csv",
    args: ["--columns", "debit=nameOrig,credit=nameDest,amount=amount", "--create-accounts", "unlimited"],
    oracle: { columns: { debit: "nameOrig", credit: "nameDest", amount: "amount" }, create: "unlimited" },
  },
];

/** Settles the job every way, and again on the same ledger another way; compares everything with everything. */
async function expectEqual(job: Job): Promise<void> {
  const folder = temporaryFolder();
  const text = (file: string): string => readFileSync(join(job.folder, file), "utf8");
  const expected = settleByHand({
    ...job.oracle,
    transfers: text(job.transfers),
    ...(job.accounts === undefined ? {} : { accounts: { text: text(job.accounts), ...job.accountColumns! } }),
    asset: "USD",
    scale: 2,
  });
  const settle = async (way: LedgerOptions, db: string, name: string) => {
    const ledger = await openLedger(join(folder, db), way);
    try {
      const summary = await ledger.settleFile({
        transfers: join(job.folder, job.transfers),
        columns: job.oracle.columns,
        ...(job.accounts === undefined
          ? {}
          : { accounts: { file: join(job.folder, job.accounts), columns: job.accountColumns! } }),
        ...(job.oracle.create === undefined ? {} : { createAccounts: job.oracle.create }),
        asset: "USD",
        results: join(folder, `${name}.csv`),
        balances: join(folder, `${name}.balances.csv`),
      });
      return { summary, digest: ledger.digest(), results: read(folder, `${name}.csv`) };
    } finally {
      await ledger.close();
    }
  };
  const first = await settle(WAYS[0]!, "way-0.db", "first");
  expectResults(first.results, expected);
  for (const [index, way] of WAYS.entries()) {
    const run = index === 0 ? first : await settle(way, `way-${index}.db`, "run");
    const name = index === 0 ? "first" : "run";
    expect(run.summary).toMatchObject({ transfers: expected.results.length, replayed: 0 });
    expect(Object.values(run.summary.results).reduce((a, b) => a + b, 0)).toBe(run.summary.transfers);
    expect(read(folder, `${name}.balances.csv`) === expected.balances, "balances").toBe(true);
    expect(run.digest).toBe(first.digest);
    expect(run.results === first.results, `results of ${JSON.stringify(way)}`).toBe(true);

    if (index < WAYS.length - 1) continue;
    const other = WAYS[0]!;
    const again = await settle(other, `way-${index}.db`, "again");
    expect(again.digest).toBe(first.digest);
    expect(again.summary.results).toEqual(run.summary.results);
    // Replayed is what was recorded: rows with a sequence of their own.
    expect(again.summary.replayed).toBe(recordedOf(expected.results));
    expect(again.results === first.results, `results of the second run, ${JSON.stringify(other)}`).toBe(true);
    expect(read(folder, "again.balances.csv") === expected.balances, "balances of the second run").toBe(true);
  }
  const cli = [
    ...[
      "settle",
      "--workers",
      "2",
      "--db",
      "cli.db",
      "--results",
      "cli.csv",
      "--balances",
      "cli.balances.csv",
      "--asset",
      "USD",
    ],
    ...["--transfers", join(job.folder, job.transfers)],
    ...(job.accounts === undefined ? [] : ["--accounts", join(job.folder, job.accounts)]),
    ...job.args,
  ];
  const report = await json(cli, { cwd: folder });
  expect(report).toMatchObject({ results: first.summary.results, replayed: 0, digest: first.digest });
  expect(read(folder, "cli.csv") === first.results, "results of the command").toBe(true);
  expect(read(folder, "cli.balances.csv") === expected.balances, "balances of the command").toBe(true);
  expect(await verifiedDigest(join(folder, "cli.db"))).toBe(first.digest);
  expect(await verifiedDigest(join(folder, "way-2.db"))).toBe(first.digest);
}

const RECORDED = /^(ok|debit_account_not_found|credit_account_not_found|overflows_.*|exceeds_.*)$/;

function recordedOf(results: readonly string[]): number {
  return results.filter((result) => RECORDED.test(result)).length;
}

function expectResults(text: string, expected: { results: readonly string[]; sequences: readonly string[] }): void {
  const rows = parse(text, { columns: true }) as { row: string; result: string; sequence: string }[];
  expect(rows.length).toBe(expected.results.length);
  expect(rowsOf(text).length).toBe(expected.results.length);
  const found = rows.map(({ row, result, sequence }) => `${row},${result},${sequence}`);
  const wanted = expected.results.map((result, index) => `${index + 1},${result},${expected.sequences[index]}`);
  const different = found.findIndex((line, index) => line !== wanted[index]);
  expect(different === -1 ? undefined : found[different]).toBe(different === -1 ? undefined : wanted[different]);
}

/** Where the whole of AMLSim is at hand, its first rows show nothing that the whole does not. */
const JOBS = FIXTURE_JOBS.filter(
  ({ transfers }) => !transfers.startsWith("amlsim") || isMissing("amlsim-transfers.csv"),
);

describe("every mode and worker count gives the results, balances and digest of adding up by hand, and so does a rerun", () => {
  it.for(JOBS.map((job) => [job.name, job] as const))("%s", ([, job]) => expectEqual(job));
});

describe("the same on real files", () => {
  for (const job of SHARED_JOBS) {
    test.skipIf(isMissing(job.transfers))(job.name, () => expectEqual(job));
  }
});
