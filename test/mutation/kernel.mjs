/**
 * Whether the tests notice a wrong rule: flips each comparison, connective and sign of the kernel's rule files, one at a
 * time, builds the kernel with it in a folder of its own, and runs the golden file and the unit tests there.
 *
 * `npm run test:mutation` takes all rule files; `npm run test:mutation -- rule.ts:120-180` only those lines of one. Prints a line
 * a mutant and, in the end, how many were noticed. Takes several seconds a mutant.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RULE_FILES = ["rule.ts", "pendings.ts", "ordered.ts"];

/** A flip of one token. Spaces tell a comparison from a type argument, and a sum from a sign. */
const FLIPS = [
  [/(?<= )<=(?= )/g, "<"],
  [/(?<= )<(?= )/g, "<="],
  [/(?<= )>=(?= )/g, ">"],
  [/(?<= )>(?= )/g, ">="],
  [/(?<= )==(?= )/g, "!="],
  [/(?<= )!=(?= )/g, "=="],
  [/(?<= )&&(?= )/g, "||"],
  [/(?<= )\|\|(?= )/g, "&&"],
  [/(?<= )\+(?==? )/g, "-"],
  [/(?<= )-(?==? )/g, "+"],
  [/(?<=[(,?:=] ?)-(?=\w)/g, ""],
];

/** From the quickest tests to the slowest: each step is for what the one before did not notice. */
const STEPS = [
  { name: "the golden file", tests: ["test/golden", "-t", "event loop"] },
  { name: "the golden file with workers", tests: ["test/golden", "-t", "two workers"] },
  {
    name: "unit tests",
    tests: ["rule", "chains", "engine/replay", "engine/transfers"].map((name) => `test/unit/${name}.test`),
  },
  { name: "random transfers", tests: ["test/property/model", "test/property/restarts"] },
  {
    name: "chains in files",
    tests: [
      ...["long-chain", "taken-later", "new-accounts"].map((name) => `test/unit/settlement/${name}.test`),
      "test/property/long-chains",
    ],
  },
];
const STEP_MS_MAX = 120_000;

/** Offsets that are zero: adding one and subtracting it is the same, which no test can notice. */
function zeroOffsets(root) {
  const layout = readFileSync(join(root, "src/core/layout.ts"), "utf8");
  return new Set([...layout.matchAll(/export const (\w+) = 0;/g)].map(([, name]) => name));
}

/** Blanks comments and strings out, so that nothing in them is flipped and every offset stays. */
function codeOf(source) {
  return source.replace(/\/\*[\s\S]*?\*\/|\/\/.*|"[^"\n]*"/g, (text) => text.replace(/[^\n]/g, "_"));
}

/** Every flip of a file: its line, what is flipped to what, and the source with it. */
function mutantsOf(file, source, zeros) {
  const code = codeOf(source);
  const found = FLIPS.flatMap(([token, to]) =>
    [...code.matchAll(token)].map((match) => ({ at: match.index, from: match[0], to })),
  );
  const isMeaningful = ({ at, from }) => !/[+-]/.test(from) || !zeros.has(/^. (\w+)/.exec(code.slice(at))?.[1]);
  return found
    .filter(isMeaningful)
    .sort((a, b) => a.at - b.at)
    .map(({ at, from, to }) => ({
      ...{ file, from, to, line: source.slice(0, at).split("\n").length },
      source: source.slice(0, at) + to + source.slice(at + from.length),
    }));
}

/** Exit code of a command in `folder`, or undefined where it took too long: an endless loop, which is killed with all it started. */
function run(folder, command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, stdio: "ignore", detached: true });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      process.kill(-child.pid, "SIGKILL");
    }, STEP_MS_MAX);
    child.once("error", reject);
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve(isLate ? undefined : (code ?? 1));
    });
  });
}

/** A copy of what a build and a test run need, in which the kernel may be broken. */
function copyPackage(root) {
  const folder = mkdtempSync(join(tmpdir(), "parallel-ledger-mutants-"));
  for (const name of ["src", "workers", "test", "dist", "package.json", "tsconfig.json", "vitest.config.ts"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  // Nobody waits for this kernel to run, but for every one of them to build.
  const settings = readFileSync(join(root, "package.json"), "utf8");
  writeFileSync(join(folder, "package.json"), settings.replace("-O3", "-O0"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

const build = (folder) => run(folder, "npm", ["run", "--silent", "build:kernel"]);
const runTests = (folder, step) =>
  run(folder, join(folder, "node_modules/.bin/vitest"), ["run", "--bail=1", ...step.tests]);

/** What became of a mutant: by what it was noticed, or that it survived. */
async function judge(folder, { file, source }) {
  const path = join(folder, "src/kernel", file);
  const original = readFileSync(path, "utf8");
  writeFileSync(path, source);
  try {
    if ((await build(folder)) !== 0) return "does not compile";
    for (const step of STEPS) {
      const code = await runTests(folder, step);
      if (code !== 0) return code === undefined ? "killed: takes too long" : `killed by ${step.name}`;
    }
    return "SURVIVED";
  } finally {
    writeFileSync(path, original);
  }
}

/** `rule.ts`, or some lines of it: `rule.ts:120-180`. */
function choose(root, wanted) {
  return (wanted.length > 0 ? wanted : RULE_FILES).flatMap((choice) => {
    const [file, lines = ""] = choice.split(":");
    const [first = 0, last = first || Number.POSITIVE_INFINITY] = lines === "" ? [] : lines.split("-").map(Number);
    const mutants = mutantsOf(file, readFileSync(join(root, "src/kernel", file), "utf8"), zeroOffsets(root));
    return mutants.filter(({ line }) => line >= first && line <= last);
  });
}

const root = process.cwd();
const mutants = choose(root, process.argv.slice(2));
const folder = copyPackage(root);
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
process.once("SIGINT", () => process.exit(130));
if ((await build(folder)) !== 0) throw new Error("the kernel does not build as it is: run `npm run build:kernel`");
for (const step of STEPS) {
  if ((await runTests(folder, step)) !== 0) throw new Error(`${step.name} fail before anything is flipped: run them`);
}
const counts = { killed: 0, survived: 0, uncompiled: 0 };
for (const [i, mutant] of mutants.entries()) {
  const verdict = await judge(folder, mutant);
  counts[verdict === "SURVIVED" ? "survived" : verdict.startsWith("killed") ? "killed" : "uncompiled"]++;
  const { file, line, from, to } = mutant;
  console.log(
    `${i + 1}/${mutants.length} src/kernel/${file}:${line}  ${from} → ${to === "" ? "nothing" : to}  ${verdict}`,
  );
}
const tried = counts.killed + counts.survived;
const share = tried === 0 ? 0 : (100 * counts.killed) / tried;
console.log(
  `${counts.killed} of ${tried} mutants killed (${share.toFixed(1)} %), ${counts.survived} survived, ` +
    `${counts.uncompiled} did not compile`,
);
