/** What `parallel-ledger settle` says of a job that is over. */
import { formatAmount, parseAsset } from "../core/assets.js";
import type { Ledger } from "../ledger.js";
import type { NetSummary } from "../settlement/net.js";
import { expectedInstead } from "../settlement/row-problem.js";
import type { SettleFileSummary } from "../settlement/run-job.js";
import { PROBLEMS_MAX } from "../settlement/tally.js";
import { count, type Output, seconds, table } from "./output.js";
import type { SettleArguments } from "./settle.js";

/** Reports a job that is over, to programs and to people. */
export function report(
  output: Output,
  args: SettleArguments,
  summary: SettleFileSummary,
  ledger: Ledger,
  digest: string,
): void {
  const { transfers, replayed, results, durationMs } = summary;
  const transfersPerSecond = Math.round((transfers * 1000) / durationMs);
  const { mode, workers } = ledger;
  const rounded = Math.round(durationMs * 1000) / 1000;
  const net = summary.net === undefined ? undefined : netFigures(args, summary.net);
  output.json({
    ...{ transfers, replayed, results, durationMs: rounded, transfersPerSecond, mode, workers, digest },
    ...(net === undefined ? {} : { net }),
    ...(summary.kept === undefined ? {} : { kept: summary.kept }),
    ...(args.dryRun === true ? { dryRun: true } : {}),
  });
  const threads = mode === "event-loop" ? "on the event loop" : `on ${workers} worker${workers === 1 ? "" : "s"}`;
  const source = args.transfers === "-" ? "standard input" : args.transfers;
  output.say(
    `\nSettled ${count(transfers)} rows of ${source} in ${seconds(durationMs)} ${threads}: ` +
      `${count(transfersPerSecond)} rows a second.\n` +
      whatWasKept(args, summary),
  );
  const rows = Object.entries(results).map(([name, rowCount]) => [
    name,
    count(rowCount),
    `${((100 * rowCount) / Math.max(1, transfers)).toFixed(1)} %`,
  ]);
  if (rows.length > 0) output.say(`${table(["result", "rows", "share"], rows, [1, 2])}\n`);
  if (replayed > 0)
    output.say(`${count(replayed)} rows were settled by an earlier run of this job and changed nothing now.`);
  reportProblems(output, source, summary);
  if (ledger.snapshotDamage !== undefined) output.say(`Opening took longer: ${ledger.snapshotDamage.message}.\n`);
  if (net !== undefined) {
    const { accounts, gross, asset, ratio } = net;
    const share = ratio === null ? "" : `, ${(100 * ratio).toFixed(1)} % of it`;
    output.say(`${count(accounts)} accounts moved ${gross} ${asset}; set off, ${net.net} ${asset} are left${share}.\n`);
  }
  const facts = [
    ["job", summary.job],
    ["accounts", count(ledger.accountCount)],
    ...(args.accounts === undefined
      ? []
      : [
          [
            `from ${args.accounts}`,
            `${count(summary.accountsCreated)} created, ${count(summary.accountsOpened)} opened`,
          ],
        ]),
    ["ledger", args.dryRun === true ? `${args.db}, left as it was` : args.db],
    ...(args.results === undefined ? [] : [["results", args.results]]),
    ...(args.balances === undefined ? [] : [["balances", args.balances]]),
    ...(args.net === undefined ? [] : [["net", args.net]]),
    ["digest", digest],
  ];
  output.say(facts.map(([name, value]) => `  ${name!.padEnd(10)}  ${value}`).join("\n"));
}

/** What a dry run and an atomic job say of themselves; nothing for any other. */
function whatWasKept(args: SettleArguments, { kept, transfers, results }: SettleFileSummary): string {
  const isDry = args.dryRun === true;
  const dry = isDry ? `This was a dry run on a copy of ${args.db}: nothing was kept.\n` : "";
  if (kept === undefined) return dry;
  if (kept) return `${dry}All rows ${isDry ? "would be" : "are"} made.\n`;
  const { ok = 0, linked_event_failed: unmade = 0 } = results;
  const refused = transfers - ok - unmade;
  return (
    `${dry}${count(refused)} of ${count(transfers)} rows can't be made, so ${isDry ? "none would be" : "none is"}: ` +
    `${count(unmade)} with which nothing is wrong got linked_event_failed.\n`
  );
}

/** The netting's sums as programs and people read them: amounts as decimals. */
function netFigures(args: SettleArguments, net: NetSummary) {
  const { scale } = parseAsset(args.asset);
  return {
    asset: net.asset,
    accounts: net.accounts,
    gross: formatAmount(net.gross, scale),
    net: formatAmount(net.net, scale),
    ratio: net.ratio ?? null,
  };
}

/** Says where the first rows that could not be read are, and once for each kind what was expected instead. */
function reportProblems(output: Output, source: string, { problems }: SettleFileSummary): void {
  if (problems.length === 0) return;
  const lines = problems.map(
    ({ row, column, result }) =>
      `${source}: row ${row}${column === undefined ? "" : `, column '${column}'`}: ${result}`,
  );
  for (const result of new Set(problems.map((problem) => problem.result))) {
    const expected = expectedInstead(result);
    if (expected !== undefined) lines.push(`  ${result}: ${expected}`);
  }
  output.say(
    `${lines.join("\n")}\n  Rows count from 1, the header not included; at most the first ${PROBLEMS_MAX} are listed.\n`,
  );
}
