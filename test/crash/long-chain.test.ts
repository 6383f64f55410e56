/** Jobs that are killed within a chain of several batches: nothing of it is there, and the next run ends as if undisturbed. */
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openLedger } from "../../src/index.js";
import { json, type RunningCli, read, startCli, verifiedDigest } from "../support/cli.js";
import { seededRandom } from "../support/generate.js";
import { temporaryFolder } from "../support/ledgers.js";

const LEGS = 40_000;
const COLUMNS = { id: "id", debit: "from", credit: "to", amount: "amount", linked: "chained" } as const;

const row = (id: string, chained: number, from = "bank"): string => `${id},${from},shop ${id.slice(-2)},1,${chained}\n`;
const chain = (name: string, last: string): string =>
  Array.from({ length: LEGS }, (_, i) => (i < LEGS - 1 ? row(`${name} ${i}`, 1) : row(`${name} ${i}`, 0, last))).join(
    "",
  );

/** What is on disk after each of them is all that may be seen after a kill. */
const PARTS = [row("first", 0), chain("made", "bank"), row("second", 0), chain("broken", "purse"), row("third", 0)];

function settleArgs(name: string): string[] {
  const columns = Object.entries(COLUMNS).map(([ours, theirs]) => `${ours}=${theirs}`);
  return [
    ..."settle --transfers t.csv --accounts a.csv --asset JPY --create-accounts unlimited --columns".split(" "),
    ...[columns.join(), "--db", `${name}.db`, "--results", `${name}.csv`],
  ];
}

/** The ledger's digest after each number of parts. */
async function digestsOf(folder: string): Promise<string[]> {
  const ledger = await openLedger(":memory:");
  const digests: string[] = [ledger.digest()];
  for (let count = 0; count <= PARTS.length; count++) {
    writeFileSync(join(folder, "part.csv"), `id,from,to,amount,chained\n${PARTS.slice(0, count).join("")}`);
    await ledger.settleFile({
      ...{ transfers: join(folder, "part.csv"), columns: COLUMNS, asset: "JPY", job: "job" },
      ...{ accounts: { file: join(folder, "a.csv") }, createAccounts: "unlimited" },
    });
    digests.push(ledger.digest());
  }
  await ledger.close();
  return digests;
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? -1;

/** Resolves once `holds` does, or the run has ended. */
async function until(run: RunningCli, holds: () => boolean): Promise<void> {
  while (run.child.exitCode === null && run.child.signalCode === null && !holds()) await sleep(1);
}

test("SIGKILL within a chain leaves nothing of it, and the next run writes the same file", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.csv"), "id,opening\npurse,0\n");
  const digests = await digestsOf(folder);
  writeFileSync(join(folder, "t.csv"), `id,from,to,amount,chained\n${PARTS.join("")}`);
  const { digest, results } = await json(settleArgs("undisturbed"), { cwd: folder });
  expect(digest).toBe(digests.at(-1));
  expect(results).toEqual({ ok: LEGS + 3, linked_event_failed: LEGS - 1, exceeds_credits: 1 });
  const random = seededRandom(23);
  const held = join(folder, "killed.csv.partial.chain");
  const partial = join(folder, "killed.csv.partial");
  const seen = new Set<number>();
  let kills = 0;
  for (let attempt = 0; attempt < 6; attempt++) {
    const run = startCli(settleArgs("killed"), { cwd: folder });
    // By turns in the first chain, in the second one, and when that has to be taken back.
    const isSecond = attempt % 3 > 0;
    if (isSecond) await until(run, () => sizeOf(partial) > LEGS * 10);
    const size = attempt % 3 === 2 ? LEGS * 20 : random(LEGS * 18);
    await until(run, () => sizeOf(held) > size);
    if (attempt % 3 === 2) await sleep(random(60));
    if (run.child.kill("SIGKILL")) kills++;
    const { signal } = await run.ended;
    if (signal !== "SIGKILL") break;
    const found = digests.indexOf(await verifiedDigest(join(folder, "killed.db")));
    expect(found, "a part of a chain is there").toBeGreaterThanOrEqual(0);
    seen.add(found);
  }
  expect(kills).toBeGreaterThanOrEqual(5);
  expect(seen.size).toBeGreaterThan(1);
  const last = await json(settleArgs("killed"), { cwd: folder });
  expect(last).toMatchObject({ digest, results });
  expect(last.replayed).toBeGreaterThan(0);
  expect(read(folder, "killed.csv") === read(folder, "undisturbed.csv")).toBe(true);
  expect(await verifiedDigest(join(folder, "killed.db"))).toBe(digest);
  const left = readdirSync(folder).filter((name) => name.startsWith("killed"));
  expect(left.sort()).toEqual(["killed.csv", "killed.db"]);
});
