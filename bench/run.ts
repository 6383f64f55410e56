/** `npm run bench`: every benchmark, or one; figures beside what is expected of them on two cores. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeMachine } from "../src/compare/machine.js";
import { durableTrial } from "./durable.js";
import { historyTrial } from "./history.js";
import { kernelTrial } from "./kernel.js";
import { modelTrial } from "./model.js";
import { settleTrial } from "./settle.js";
import type { Measurement, Size, Trial } from "./trial.js";

const TRIALS: readonly Trial[] = [kernelTrial, durableTrial, settleTrial, historyTrial, modelTrial];

function verdict({ value, expected }: Measurement): string {
  if (expected === undefined) return "";
  const [holds, bound] =
    "atMost" in expected
      ? [value <= expected.atMost, `at most ${expected.atMost.toLocaleString("en-US")}`]
      : [value >= expected.atLeast, `at least ${expected.atLeast.toLocaleString("en-US")}`];
  return `${holds ? "as expected" : "NOT as expected"}: ${bound}`;
}

/** The options, or undefined after saying what is wrong with them. */
function readArguments(): { json?: string; only?: string; tiny?: boolean } | undefined {
  try {
    return parseArgs({ options: { json: { type: "string" }, only: { type: "string" }, tiny: { type: "boolean" } } })
      .values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nusage: npm run bench [-- --json FILE --only NAME --tiny]\n`);
    process.exitCode = 2;
    return undefined;
  }
}

async function main(): Promise<void> {
  const values = readArguments();
  if (values === undefined) return;
  const trials = TRIALS.filter(({ name }) => values.only === undefined || name === values.only);
  if (trials.length === 0) {
    process.stderr.write(
      `no benchmark is named '${values.only}': there are ${TRIALS.map(({ name }) => name).join(", ")}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const size: Size = values.tiny === true ? "tiny" : "full";
  const machine = describeMachine();
  process.stdout.write(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, ${machine.platform}\n`,
  );
  const results: { name: string; measurements: Measurement[] }[] = [];
  for (const trial of trials) {
    process.stdout.write(`\n${trial.name}: ${trial.description}\n`);
    const measurements = await trial.run(size);
    results.push({ name: trial.name, measurements });
    for (const measurement of measurements) {
      const digits = measurement.value < 1000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 };
      const figure = measurement.value.toLocaleString("en-US", digits);
      const line = `  ${measurement.name.padEnd(48)}${figure.padStart(12)} ${measurement.unit.padEnd(12)}`;
      process.stdout.write(`${line}${verdict(measurement)}\n`.replace(/ +\n$/, "\n"));
    }
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ machine, size, results }, null, 2)}\n`);
  }
}

await main();
