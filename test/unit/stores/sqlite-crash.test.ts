/** What was acknowledged survives a process that is killed and a disk that is full. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import SQLite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import { group, readAll, Scratch, startChild, temporaryFolder } from "./support.js";

const CHUNKS_A_GROUP = 5;

test("a killed process leaves whole groups, and at least the acknowledged ones", async () => {
  const path = join(temporaryFolder(), "a.ledger");
  const scratch = new Scratch();
  for (let round = 0; round < 8; round++) {
    const child = startChild("commit", path);
    await child.line();
    await sleep(round * 13);
    child.process.kill("SIGKILL");
    await child.ended;
    const acknowledged = Number(child.lines.at(-1));

    const store = await openSqliteStore(path, { mode: "existing" });
    await store.attach(scratch.memory);
    const { chunkCount } = store.description;
    expect([acknowledged, acknowledged + CHUNKS_A_GROUP]).toContain(chunkCount);
    expect(await readAll(store, scratch)).toHaveLength(chunkCount);
    await store.close();
  }
});

test("a transaction torn by a kill is rolled back when the ledger is opened next", async () => {
  const path = join(temporaryFolder(), "a.ledger");
  const scratch = new Scratch();
  const store = await openSqliteStore(path);
  await store.attach(scratch.memory);
  await store.commit(group(scratch.transfers(100)));
  await store.close();
  await startChild("tear", path).ended;
  expect(statSync(`${path}-journal`).size).toBeGreaterThan(0);

  const reopened = await openSqliteStore(path);
  await reopened.attach(scratch.memory);
  expect(await readAll(reopened, scratch)).toHaveLength(1);
  await reopened.close();
  const database = new SQLite(path);
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  expect(database.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'torn'").pluck().get()).toBe(0);
  database.close();
});

interface FullDisk {
  readonly path: string;
  readonly sizeMax?: number;
  free(): void;
}

/** A file system of 4 MB. Undefined where this process may not mount one. */
function smallDisk(): FullDisk | undefined {
  const folder = join(temporaryFolder(), "disk");
  mkdirSync(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  onTestFinished(() => {
    execFileSync("umount", [folder]);
  });
  writeFileSync(join(folder, "filler"), Buffer.alloc(1024 * 1024));
  return { path: join(folder, "a.ledger"), free: () => rmSync(join(folder, "filler")) };
}

const FULL_DISKS: Record<string, () => FullDisk | undefined> = {
  "a file system without room": smallDisk,
  "a file at its size limit": () => ({ path: join(temporaryFolder(), "a.ledger"), sizeMax: 2_000_000, free() {} }),
};

for (const [what, make] of Object.entries(FULL_DISKS)) {
  test(`${what} fails the group and all later ones, keeps the earlier ones, and can be repaired`, async (context) => {
    const disk = make() ?? context.skip("this process may not mount a file system");
    const { path, sizeMax } = disk;
    const scratch = new Scratch();
    const store = await openSqliteStore(path, sizeMax === undefined ? {} : { sizeMax });
    await store.attach(scratch.memory);
    let committed = 0;
    let failure: unknown;
    while (failure === undefined) {
      scratch.rewind();
      failure = await store.commit(group(scratch.transfers(1000))).catch((error: unknown) => error);
      if (failure === undefined) committed++;
    }
    expect(failure).toMatchObject({ code: "store_failed", details: { sqliteCode: "SQLITE_FULL", path } });
    await expect(store.commit(group())).rejects.toThrow((failure as Error).message);
    expect(await readAll(store, scratch)).toHaveLength(committed);
    await store.close();

    disk.free();
    const repaired = await openSqliteStore(path);
    const more = new Scratch(committed * 1000 + 1);
    await repaired.attach(more.memory);
    await repaired.commit(group(more.transfers(1000)));
    expect(await readAll(repaired, more)).toHaveLength(committed + 1);
    await repaired.close();
  });
}
