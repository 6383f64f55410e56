#!/usr/bin/env node
/** The command line. A command is loaded when it is called: most need little of what all of them need. */
import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { builtFile } from "../core/built.js";
import { LedgerError } from "../core/errors.js";
import type { CompareArguments } from "./compare.js";
import type { ExportArguments } from "./export.js";
import type { ImportArguments } from "./import.js";
import { exitCodeOf, type OutputOptions } from "./output.js";
import type { RaceArguments } from "./race.js";
import type { ReverseArguments } from "./reverse.js";
import type { SettleArguments } from "./settle.js";
import type { StatementArguments } from "./statement.js";

const { version } = JSON.parse(readFileSync(builtFile("../package.json"), "utf8")) as { version: string };

const EXIT_CODES = `
Exit codes: 0 done (rejected rows are results, not failures), 2 bad usage or unusable input, 1 anything else
(a job that --atomic refused, too).`;
const REVERSE_EXIT_CODES = `
Exit codes: 0 reversed, now or before; 1 a transfer can't be taken back, so nothing was; 2 bad usage or unusable input.`;
const RACE_EXIT_CODES = `
Exit codes: 0 every race ended as it is declared to, 2 bad usage, 1 one did not, or anything else.`;

function program(): Command {
  const root = new Command("parallel-ledger")
    .description("A double-entry ledger in one file: parallel, exact, durable.")
    .version(version)
    .addHelpText("after", EXIT_CODES)
    .showHelpAfterError("(parallel-ledger --help shows how)");
  const json = (): Option => new Option("--json", "print one JSON line on standard output");
  const quiet = (): Option => new Option("--quiet", "say nothing but errors");

  root
    .command("settle")
    .description("settle a file of transfers; a second run of the same job changes nothing")
    .requiredOption("--db <file>", "the ledger; made where it does not exist")
    .requiredOption("--transfers <file>", "file of transfers, - for standard input")
    .option("--format <format>", "csv or ndjson (default: ndjson for .ndjson and .jsonl, else csv)")
    .option(
      "--columns <map>",
      "debit=HEADER,credit=HEADER,amount=HEADER and what else there is: id, code, user-data, linked, pending, post, void, " +
        "timeout, balancing-debit, balancing-credit, closing-debit, closing-credit, expected-debit-version, " +
        "expected-credit-version, effective-date",
    )
    .requiredOption("--asset <asset>", "asset of the amounts: an ISO 4217 code, or CODE:SCALE")
    .option("--accounts <file>", "file of accounts, which may not go below zero unless it says so")
    .option(
      "--account-columns <map>",
      "id=HEADER and what else there is: opening, overdraft, code, debits-must-not-exceed-credits, " +
        "credits-must-not-exceed-debits, user-data (default: id=id,opening=opening)",
    )
    .option("--create-accounts <kind>", "create accounts that only transfers name: limited or unlimited")
    .option("--results <file>", "write row,id,result,sequence for every row")
    .option("--balances <file>", "write every account's closing balance")
    .option("--net <file>", "write what every account paid and received in this job, largest net position first")
    .option("--atomic", "make all rows or none: exit code 1 and an unchanged ledger where one is refused")
    .option("--dry-run", "do everything on a private copy of the ledger: the same outputs, and nothing kept")
    .option("--job <name>", "name of the job (default: by the file's content)")
    .option("--mode <mode>", "parallel or event-loop (default: parallel; event-loop for files of less than 4 MiB)")
    .option("--workers <count>", "auto or 1 to 64 (default: auto)")
    .option("--delimiter <character>", "field delimiter of CSV files (default: a comma)")
    .addOption(json())
    .addOption(quiet())
    .addHelpText("after", EXIT_CODES)
    .action(async (args: SettleArguments) => {
      const { settle } = await import("./settle.js");
      process.exitCode = await settle(args);
    });

  root
    .command("verify")
    .description("replay the journal; check checksums, results, conservation, limits and digest")
    .argument("<ledger>", "the ledger's file")
    .addOption(json())
    .addOption(quiet())
    .action(async (path: string, args: OutputOptions) => {
      const { verify } = await import("./verify.js");
      await verify(path, args);
    });

  root
    .command("statement")
    .description("an account's entries, newest first, with running balances")
    .argument("<ledger>", "the ledger's file")
    .argument("<account>", "the account's id")
    .option("--limit <count>", "entries to show (default: 25)")
    .option("--before <sequence>", "only entries before this transfer")
    .option("--from <time>", "only entries since this day or time (UTC unless it says otherwise)")
    .option("--to <time>", "only entries up to this day or time, all of it included")
    .addOption(json())
    .action(async (path: string, id: string, args: StatementArguments) => {
      const { statement } = await import("./statement.js");
      await statement(path, id, args);
    });

  root
    .command("export")
    .description("write everything that a ledger holds as CSV, NDJSON or a plain SQLite file")
    .argument("<ledger>", "the ledger's file")
    .requiredOption("--to <path>", "where to: a folder, or a file for sqlite; it must not exist")
    .option("--format <format>", "csv, ndjson or sqlite (default: csv)")
    .addOption(json())
    .addOption(quiet())
    .addHelpText("after", EXIT_CODES)
    .action(async (path: string, args: ExportArguments) => {
      const { exportCommand } = await import("./export.js");
      await exportCommand(path, args);
    });

  root
    .command("import")
    .description("make a new ledger of what export wrote: the same, down to sequences, times and used ids")
    .argument("<export>", "the folder, or the SQLite file")
    .requiredOption("--db <file>", "the ledger to make; it must not exist")
    .addOption(json())
    .addOption(quiet())
    .addHelpText("after", EXIT_CODES)
    .action(async (from: string, args: ImportArguments) => {
      const { importCommand } = await import("./import.js");
      await importCommand(from, args);
    });

  root
    .command("compare")
    .description("measure coordination strategies against each other, in memory and in databases")
    .option("--quick", "small sizes: under three minutes on two cores")
    .option("--json <file>", "write everything that was measured, raw samples included")
    .option("--report <file>", "write the report, one HTML file; needs the package echarts")
    .option("--charts <folder>", "write the charts as SVG files; needs the package echarts")
    .option("--from <file>", "measure nothing: show what --json wrote before")
    .option("--seed <number>", "seed of the workloads (default: 1)")
    .addHelpText("after", EXIT_CODES)
    .action(async (args: CompareArguments) => {
      const { compare } = await import("./compare.js");
      await compare(args);
    });

  root
    .command("race")
    .description("two withdrawals of 60 from a balance of 100: see every unsafe way lose money, and no other")
    .option("--only <parts>", "some of event-loop,threads,sqlite,postgres,lock,retry (default: all)")
    .addOption(json())
    .addHelpText("after", RACE_EXIT_CODES)
    .action(async (args: RaceArguments) => {
      const { race } = await import("./race.js");
      await race(args);
    });

  root
    .command("transfer")
    .description("what became of a transfer: made or rejected, when, by which job")
    .argument("<ledger>", "the ledger's file")
    .argument("<transfer>", "the transfer's id")
    .addOption(json())
    .action(async (path: string, id: string, args: OutputOptions) => {
      const { transfer } = await import("./transfer.js");
      await transfer(path, id, args);
    });

  root
    .command("reverse")
    .description("take back what a job or single transfers have done: all of it, or nothing")
    .argument("<ledger>", "the ledger's file")
    .option("--job <name>", "every transfer of this job")
    .option("--transfer <id...>", "these transfers")
    .addOption(json())
    .addOption(quiet())
    .addHelpText("after", REVERSE_EXIT_CODES)
    .action(async (path: string, args: ReverseArguments) => {
      const { reverse } = await import("./reverse.js");
      await reverse(path, args);
    });

  return root;
}

/** Throws instead of ending the process, for every command alike, so that usage errors get their own exit code. */
function throwing(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) throwing(child);
  return command;
}

async function main(): Promise<void> {
  try {
    await throwing(program()).parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong, or printed the help that was asked for.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const message = error instanceof LedgerError ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`parallel-ledger: ${message}\n`);
    process.exitCode = exitCodeOf(error);
  }
}

// Whoever read the output has enough of it, as `head` does: what it reported is done all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return;
    process.exitCode = 1;
    if (stream === process.stdout) process.stderr.write(`parallel-ledger: standard output: ${error.message}\n`);
  });
}
await main();
