/** `parallel-ledger compare`: measures strategies against each other, and shows what was found. */
import { access, constants, mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { compare as measure } from "../compare/compare.js";
import { brokenCells, type Comparison } from "../compare/comparison.js";
import { readComparison, writeComparison } from "../compare/comparison-file.js";
import { booksConclusions, conclusionsOf, headline } from "../compare/conclusions.js";
import { cellsOf } from "../compare/findings.js";
import { counted } from "../compare/format.js";
import { booksText, type TableData, tablesOf } from "../compare/tables.js";
import { PARTS, placeTitle, QUESTIONS, wayTitle, workloadTitle } from "../compare/words.js";
import { LedgerError } from "../core/errors.js";
import { chartFiles } from "../report/chart-files.js";
import { reportOf } from "../report/page.js";
import { type Draw, loadCharts } from "../report/svg.js";
import { Output, table } from "./output.js";

/** Options as the command line has them. */
export interface CompareArguments {
  readonly quick?: boolean;
  readonly json?: string;
  readonly report?: string;
  readonly charts?: string;
  readonly from?: string;
  readonly seed?: string;
}

const SEED_DEFAULT = "1";
const SEED_MAX = 2 ** 32 - 1;

/** Measures, or reads what was measured before; prints it; writes the files asked for; fails where books are wrong. */
export async function compare(args: CompareArguments): Promise<void> {
  const seed = readSeed(args.seed ?? SEED_DEFAULT);
  if (args.from !== undefined && args.quick === true) {
    throw new LedgerError("invalid_argument", "--from shows what was measured before: --quick has nothing to do there");
  }
  // Whatever can fail for its arguments does so before minutes of measuring.
  for (const file of [args.json, args.report]) if (file !== undefined) await checkWritable(file);
  const draw = args.report === undefined && args.charts === undefined ? undefined : await loadCharts();
  const comparison = args.from === undefined ? await measureAll(args, seed) : await readComparison(args.from);
  print(comparison);
  if (args.json !== undefined) await write(args.json, () => writeComparison(args.json!, comparison));
  if (draw !== undefined) await writePictures(args, comparison, draw);
  checkBooks(comparison);
}

async function measureAll(args: CompareArguments, seed: number): Promise<Comparison> {
  const output = new Output({});
  const interrupt = new AbortController();
  const onSignal = (): void => {
    interrupt.abort(new LedgerError("interrupted", "interrupted: a comparison that is not complete is not kept"));
  };
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  try {
    return await measure({
      quick: args.quick === true,
      seed,
      command: commandOf(args),
      onProgress: (text) => output.progress(text),
      signal: interrupt.signal,
    });
  } finally {
    output.endProgress();
    process.removeListener("SIGINT", onSignal);
    process.removeListener("SIGTERM", onSignal);
  }
}

/** What decides the figures, without names of files. */
function commandOf({ quick, seed }: CompareArguments): string {
  return `parallel-ledger compare${quick === true ? " --quick" : ""}${seed === undefined ? "" : ` --seed ${seed}`}`;
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > SEED_MAX) {
    throw new LedgerError("invalid_argument", `--seed: expected a whole number from 0 to ${SEED_MAX}, found '${text}'`);
  }
  return seed;
}

async function checkWritable(path: string): Promise<void> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const folder = dirname(path);
  const reason = isFolder
    ? "it is a folder"
    : await access(folder, constants.W_OK).then(
        () => undefined,
        (error: Error) => error.message,
      );
  if (reason !== undefined) throw new LedgerError("cannot_create", `'${path}' can't be written: ${reason}`);
}

async function write(path: string, writing: () => Promise<unknown>): Promise<void> {
  try {
    await writing();
  } catch (cause) {
    throw new LedgerError("cannot_write", `'${path}' could not be written: ${(cause as Error).message}`, { cause });
  }
}

async function writePictures({ report, charts }: CompareArguments, comparison: Comparison, draw: Draw): Promise<void> {
  if (report !== undefined) await write(report, () => writeFile(report, reportOf(comparison, draw)));
  if (charts === undefined) return;
  await write(charts, async () => {
    await mkdir(charts, { recursive: true });
    for (const { name, text } of chartFiles(comparison, draw)) await writeFile(join(charts, name), text);
  });
}

/** Everything a person wants to read goes to standard output: that is what the command is for. */
function print(comparison: Comparison): void {
  const { machine, servers, date, command, seed, skipped } = comparison;
  const software = [
    `Node.js ${machine.node.replace(/^v/, "")}`,
    ...Object.entries(servers).map((both) => both.join(" ")),
  ];
  const lines = [
    `${machine.cpu}, ${counted(machine.cores, "core")}, ${machine.memoryGiB} GiB, ${machine.platform}`,
    software.join(", "),
    `${command}, seed ${seed}, ${date}`,
    ...skipped.map(({ what, why }) => `\nSKIPPED: ${what}. ${why}`),
  ];
  for (const part of PARTS) {
    if (cellsOf(comparison, part).length === 0) continue;
    lines.push("", QUESTIONS[part].toUpperCase(), "");
    lines.push(...conclusionsOf(comparison, part).map((sentence) => `- ${sentence}`));
    for (const data of tablesOf(comparison, part)) lines.push("", data.title, tableText(data));
  }
  lines.push("", "THE BOOKS", "", ...booksConclusions(comparison).map((sentence) => `- ${sentence}`));
  lines.push("", headline(comparison));
  process.stdout.write(`${lines.join("\n")}\n`);
}

function tableText({ head, rows, figures }: TableData): string {
  return table(head, rows, figures).replace(/ +$/gm, "");
}

function checkBooks(comparison: Comparison): void {
  const broken = brokenCells(comparison);
  if (broken.length === 0) return;
  const listed = broken.map(
    (cell) =>
      `${cell.strategy}, ${placeTitle(cell)}, ${wayTitle(cell)}, ${workloadTitle(cell.workload)}: ${booksText(cell)}`,
  );
  throw new LedgerError(
    "books_wrong",
    `strategies that promise sound books did not keep them; report a bug with this:\n${listed.join("\n")}`,
    { details: { measurements: broken.length } },
  );
}
