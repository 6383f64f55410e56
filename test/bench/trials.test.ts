/** Every benchmark runs, checks its own answers and measures something; `npm run bench` reports it. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { durableTrial } from "../../bench/durable.js";
import { historyTrial } from "../../bench/history.js";
import { kernelTrial } from "../../bench/kernel.js";
import { modelTrial } from "../../bench/model.js";
import { settleTrial } from "../../bench/settle.js";
import { temporaryFolder } from "../support/cli.js";

const RUNNER = fileURLToPath(new URL("../../dist/bench/run.js", import.meta.url));
const run = promisify(execFile);
const TRIALS = [kernelTrial, durableTrial, settleTrial, historyTrial, modelTrial];

describe("a tiny run of every benchmark", () => {
  it.for(TRIALS.map((trial) => [trial.name, trial] as const))("%s", async ([, trial]) => {
    const measurements = await trial.run("tiny");
    expect(measurements.length).toBeGreaterThan(0);
    for (const { name, value, unit } of measurements) {
      expect(Number.isFinite(value) && value > 0, `${name}: ${value} ${unit}`).toBe(true);
    }
    expect(new Set(measurements.map(({ name }) => name)).size).toBe(measurements.length);
  });
});

describe("the runner", () => {
  it("prints machine and figures, and writes them as JSON", async () => {
    const file = join(temporaryFolder(), "bench.json");
    const { stdout } = await run(process.execPath, [RUNNER, "--tiny", "--only", "settle", "--json", file]);
    expect(stdout).toContain(`Node ${process.version}`);
    expect(stdout).toMatch(/\nsettle: .*\n {2}settle +[\d,.]+ rows\/s/);
    const report = JSON.parse(readFileSync(file, "utf8"));
    expect(report).toMatchObject({ size: "tiny", results: [{ name: "settle", measurements: [{ name: "settle" }] }] });
    expect(report.machine.node).toBe(process.version);
  });

  it("refuses a benchmark that there is not", async () => {
    await expect(run(process.execPath, [RUNNER, "--only", "nonsense"])).rejects.toMatchObject({
      code: 2,
      stdout: "",
      stderr: "no benchmark is named 'nonsense': there are kernel, durable, settle, history, model\n",
    });
  });
});
