/** A disk that is full: the job ends with a sentence about it, nothing is half applied, and it goes on where there is room. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { openEngine } from "../../src/engine/open.js";
import { Ledger, LedgerError, openLedger } from "../../src/index.js";
import { openSqliteStore } from "../../src/stores/sqlite.js";
import { cli, folderOf, json, read, temporaryFolder, verifiedDigest } from "../support/cli.js";
import { generateJob } from "../support/generate.js";

const { accounts, transfers } = generateJob(200, 40_000);
const COLUMNS = { id: "reference", debit: "from", credit: "to", amount: "amount" };
const ARGS =
  "settle --accounts accounts.csv --transfers transfers.csv --columns id=reference,debit=from,credit=to,amount=amount --asset USD".split(
    " ",
  );

function job(folder: string, results: string) {
  return {
    transfers: join(folder, "transfers.csv"),
    accounts: { file: join(folder, "accounts.csv"), columns: { id: "id", opening: "opening" } },
    columns: COLUMNS,
    asset: "USD",
    results: join(folder, results),
  };
}

describe("a ledger's disk is full", () => {
  it.for([200_000, 1_000_000])("after %i bytes", async (sizeMax) => {
    const folder = folderOf({ "accounts.csv": accounts, "transfers.csv": transfers });
    const path = join(folder, "l.db");
    const store = await openSqliteStore(path, { sizeMax });
    const capacities = { accounts: 1000, transfers: 200_000, contexts: 4, input: 8 << 20 };
    const full = new Ledger(await openEngine(store, { mode: "parallel", workers: 2, capacities }), store);
    const error = await full.settleFile(job(folder, "full.csv")).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LedgerError);
    expect(error).toMatchObject({
      code: "store_failed",
      message: expect.stringMatching(/SQLITE_FULL.*free some space/),
    });
    await full.close();
    await verifiedDigest(path);
    const ledger = await openLedger(path);
    const again = await ledger.settleFile(job(folder, "again.csv"));
    await ledger.close();

    const fresh = await openLedger(join(folder, "fresh.db"));
    const undisturbed = await fresh.settleFile(job(folder, "fresh.csv"));
    expect(again.results).toEqual(undisturbed.results);
    expect(read(folder, "again.csv") === read(folder, "fresh.csv")).toBe(true);
    expect(await verifiedDigest(path)).toBe(fresh.digest());
    await fresh.close();
  });
});

/** A folder on a disk of `kib` KiB, undefined where this process may not mount one. */
function smallDisk(kib: number): string | undefined {
  const folder = join(temporaryFolder(), "disk");
  mkdirSync(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kib}k`, "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync("umount", [folder]));
  return folder;
}

describe("the command line on a small disk", () => {
  test("keeps the ledger sound, and goes on elsewhere", async (context) => {
    const disk = smallDisk(1024);
    if (disk === undefined) return context.skip("SKIPPED: mounting a tmpfs is not permitted here");
    const folder = folderOf({ "accounts.csv": accounts, "transfers.csv": transfers });
    const full = await cli([...ARGS, "--db", join(disk, "l.db")], { cwd: folder });
    expect(full).toMatchObject({ code: 1, stdout: "" });
    expect(full.stderr).toMatch(/^parallel-ledger: writing '.*l\.db' failed \(SQLITE_FULL.*free some space/);
    execFileSync("cp", [join(disk, "l.db"), join(folder, "copy.db")]);
    await verifiedDigest(join(folder, "copy.db"));
    const report = await json([...ARGS, "--db", "copy.db"], { cwd: folder });
    expect(report.digest).toBe((await json([...ARGS, "--db", "fresh.db"], { cwd: folder })).digest);
  });

  test("loses no transfer where the results file has no room", async (context) => {
    const disk = smallDisk(256);
    if (disk === undefined) return context.skip("SKIPPED: mounting a tmpfs is not permitted here");
    const folder = folderOf({ "accounts.csv": accounts, "transfers.csv": transfers });
    const results = join(disk, "results.csv");
    writeFileSync(results, "of an earlier job\n");
    const full = await cli([...ARGS, "--db", "l.db", "--results", results], { cwd: folder });
    expect(full).toMatchObject({ code: 1, stdout: "" });
    expect(full.stderr).toBe(
      `parallel-ledger: ${results} can't be written: its disk is full: free some space, and run the same command again\n`,
    );
    expect(read(disk, "results.csv")).toBe("of an earlier job\n");
    await verifiedDigest(join(folder, "l.db"));
    const report = await json([...ARGS, "--db", "l.db", "--results", "results.csv"], { cwd: folder });
    expect(report.replayed).toBeGreaterThan(0);
    expect(report.digest).toBe(
      (await json([...ARGS, "--db", "fresh.db", "--results", "fresh.csv"], { cwd: folder })).digest,
    );
    expect(read(folder, "results.csv") === read(folder, "fresh.csv")).toBe(true);
  });
});
