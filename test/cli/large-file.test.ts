/** Files whose size alone would ask for more memory than there can be. */
import { existsSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { folderOf, startCli, verifiedDigest } from "../support/cli.js";

it("a file of gigabytes that may create accounts is begun, with as much room as there is", async () => {
  const row = "someone,somebody else,12.50\n";
  const folder = folderOf({ "transfers.csv": `from,to,amount\n${row.repeat(5000)}` });
  // Sparse: it takes no room on the disk.
  truncateSync(join(folder, "transfers.csv"), 4 * 2 ** 30);
  const run = startCli(
    [
      ..."settle --db l.db --transfers transfers.csv --job j --columns debit=from,credit=to,amount=amount".split(" "),
      ..."--asset USD --create-accounts unlimited --results results.csv".split(" "),
    ],
    { cwd: folder },
  );
  const partial = join(folder, "results.csv.partial");
  while (run.child.exitCode === null && !(existsSync(partial) && statSync(partial).size > 1000)) await sleep(5);
  run.child.kill("SIGKILL");
  expect(await run.ended).toMatchObject({ signal: "SIGKILL", stderr: "" });
  await verifiedDigest(join(folder, "l.db"));
});
