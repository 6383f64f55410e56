/** What the tests of the command line share: running it as a user does, from the build, in folders of one's own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { verifyStore } from "../../src/engine/verify.js";
import { openSqliteStore } from "../../src/stores/sqlite.js";
import { temporaryFolder } from "./ledgers.js";

export { temporaryFolder };

export const PROGRAM = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
/** Small files that are part of the checkout. */
export const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));
/** Real files beside the checkout, where there are any. */
export const SHARED_DATA = fileURLToPath(new URL("../../../shared/data/", import.meta.url));

/** Whether a file of {@link SHARED_DATA} is missing, for `test.skipIf`; says so. */
export function isMissing(file: string): boolean {
  const missing = !existsSync(join(SHARED_DATA, file));
  if (missing) console.warn(`SKIPPED: ${join(SHARED_DATA, file)} is not there`);
  return missing;
}

/** How a run ended. */
export interface Run {
  /** Exit code, null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run under way. */
export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<Run>;
}

export interface CliOptions {
  readonly cwd?: string;
  /** Standard input; default: empty. `open`: stays open and silent. */
  readonly input?: string | Buffer | "open";
}

/** Starts `parallel-ledger` with these arguments. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: options.cwd, stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // Whoever refuses its arguments may be gone before its input is written.
  child.stdin.on("error", () => {});
  if (options.input !== "open") child.stdin.end(options.input ?? "");
  const ended = new Promise<Run>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** Runs `parallel-ledger` to its end. */
export function cli(args: readonly string[], options: CliOptions = {}): Promise<Run> {
  return startCli(args, options).ended;
}

/** What `settle --json` and `verify --json` print. */
export interface JsonReport {
  readonly ok?: boolean;
  readonly transfers: number;
  readonly replayed: number;
  readonly results: Record<string, number>;
  readonly durationMs: number;
  readonly transfersPerSecond: number;
  readonly mode: string;
  readonly workers: number;
  readonly digest: string;
  readonly accounts: number;
  readonly dryRun?: boolean;
  readonly kept?: boolean;
}

/** Runs a command with `--json` and expects it to succeed with one line on standard output. */
export async function json(args: readonly string[], options: CliOptions = {}): Promise<JsonReport> {
  const run = await cli([...args, "--json"], options);
  expect(run, run.stderr).toMatchObject({ code: 0, signal: null });
  const lines = run.stdout.split("\n");
  expect(lines.length, `one line: ${run.stdout}`).toBe(2);
  expect(lines[1]).toBe("");
  return JSON.parse(lines[0]!) as JsonReport;
}

/** Verifies the ledger as `verify` does, and returns its digest. In this process: a command's start takes longer than its work. */
export async function verifiedDigest(path: string): Promise<string> {
  const store = await openSqliteStore(path, { mode: "existing", onCallingThread: true });
  try {
    return (await verifyStore(store)).digest;
  } finally {
    await store.close();
  }
}

/** A folder with the files given, by name. */
export function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

export function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), "utf8");
}

/** The rows of a results or balances file behind its header. No field in the tests' files holds a line end. */
export function rowsOf(text: string): string[] {
  expect(text.endsWith("\n")).toBe(true);
  return text.split("\n").slice(1, -1);
}
