/**
 * A snapshot only makes opening fast. However it is damaged, the ledger opens in the journal's state, says what was
 * wrong, and is whole again once it was closed; and `verify` calls the damage by its name.
 */
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import SQLite, { type Database } from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEngine } from "../../../src/engine/open.js";
import { Ledger } from "../../../src/index.js";
import { FILE_PAGE_SIZE } from "../../../src/stores/schema.js";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import { checksumOf, textOf } from "../../../src/stores/sqlite-snapshot.js";
import type { SnapshotDescription } from "../../../src/stores/store.js";
import { openLedgerHere, verifyFile } from "../../support/ledgers.js";

const OPTIONS = { mode: "event-loop", capacity: { accounts: 2000, transfers: 100_000 } } as const;
const LONG = "an account whose id is longer than its key: ";

const TRANSFERS = 3003;
let folder: string;
/** State of every copy. */
let digest: string;

/** Makes a ledger with a snapshot, and with a tail of transfers and an account that only the journal has. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "snapshot-damage-"));
  const path = join(folder, "whole.db");
  const pay = (id: string, credit: string) => ({ id, debit: "bank", credit, amount: 5n });
  const first = await openLedgerHere(path, OPTIONS);
  await first.createAccounts(["bank", "shop", `${LONG}1`, `${LONG}2`].map((id) => ({ id, asset: "USD" })));
  await first.createTransfers(Array.from({ length: 3000 }, (_, i) => pay(`t${i}`, i % 2 === 0 ? "shop" : `${LONG}1`)));
  await first.close();
  const store = await openSqliteStore(path);
  const engine = await openEngine(store, { mode: "event-loop", workers: 1, capacities: { ...OPTIONS.capacity } });
  const ledger = new Ledger(engine, store);
  await ledger.createAccounts([{ id: "late", asset: "USD" }]);
  await ledger.createTransfers([pay("u1", "late"), pay("u2", "nobody"), pay("u3", `${LONG}2`)]);
  digest = ledger.digest();
  // Ends as a process that dies does: without a snapshot.
  await store.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

let copies = 0;

/** A copy of the ledger that this was done to. */
function damaged(damage: (database: Database) => void): string {
  const path = join(folder, `${copies++}.db`);
  copyFileSync(join(folder, "whole.db"), path);
  const database = new SQLite(path);
  damage(database);
  database.close();
  return path;
}

/** Opens, expects the journal's state, and hands out what was wrong with the snapshot, before and after closing. */
async function expectOpens(path: string): Promise<Ledger["snapshotDamage"]> {
  const ledger = await openLedgerHere(path, OPTIONS);
  try {
    expect(ledger.digest()).toBe(digest);
    expect(ledger.transferCount).toBe(TRANSFERS);
    const known = await ledger.createTransfers([{ id: "t7", debit: "x", credit: "y", amount: 1n }]);
    expect(known).toMatchObject([{ sequence: 8 }]);
    return ledger.snapshotDamage;
  } finally {
    await ledger.close();
  }
}

const run =
  (sql: string) =>
  (database: Database): void =>
    void database.exec(sql);

/** Does the damage, and then gives every piece the checksum that it must have for that. */
function forged(damage: (database: Database) => void): (database: Database) => void {
  return (database) => {
    damage(database);
    const snapshot = database.prepare("SELECT * FROM snapshot").get() as Record<string, never>;
    const description: SnapshotDescription = {
      layoutVersion: snapshot.layout_version!,
      chunkCount: snapshot.chunk_count!,
      transferCount: snapshot.transfer_count!,
      accountCount: snapshot.account_count!,
      digest: snapshot.digest!,
      regions: JSON.parse(snapshot.regions!),
    };
    const seeds = database
      .prepare<[], string>("SELECT value FROM meta WHERE key LIKE 'seed%' ORDER BY key DESC")
      .pluck();
    const image = textOf(description, seeds.all().join());
    const update = database.prepare("UPDATE snapshot_pieces SET checksum = ? WHERE piece = ?");
    type Piece = { piece: number; region: string; position: number; data: Buffer };
    for (const { piece, region, position, data } of database
      .prepare<[], Piece>("SELECT piece, region, position, data FROM snapshot_pieces")
      .all()) {
      update.run(checksumOf(image, region, position, data), piece);
    }
  };
}

/** Changes a byte of a region's image, and the checksum so that it fits. */
function forge(region: string, offset: number): (database: Database) => void {
  return forged((database) => {
    const select = database.prepare<[string], { piece: number; data: Buffer }>(
      "SELECT piece, data FROM snapshot_pieces WHERE region = ? AND position = 0",
    );
    const { piece, data } = select.get(region)!;
    data[offset]! ^= 1;
    database.prepare("UPDATE snapshot_pieces SET data = ? WHERE piece = ?").run(data, piece);
  });
}

/** Gives the pieces of two regions each other's names. */
const exchange = (one: string, other: string): ((database: Database) => void) =>
  run(
    `UPDATE snapshot_pieces SET region = iif(region = '${one}', '${other}', '${one}') WHERE region IN ('${one}', '${other}')`,
  );

/** Gives the row behind the middle one of a page the number 1: who asks for the one behind the middle gets that. */
function misplaceRow(path: string, table: string): void {
  const database = new SQLite(path, { readonly: true });
  const leaf = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' AND ncell >= 4 ORDER BY pageno DESC";
  const start = (database.prepare<[string], number>(leaf).pluck().get(table)! - 1) * FILE_PAGE_SIZE;
  database.close();
  const bytes = readFileSync(path);
  const cell = ((bytes.readUInt16BE(start + 3) - 1) >> 1) + 1;
  let at = start + bytes.readUInt16BE(start + 8 + 2 * cell);
  while (bytes[at++]! >= 0x80);
  expect(bytes[at]).toBeGreaterThan(1);
  bytes[at] = 1;
  writeFileSync(path, bytes);
}

/** Overwrites the page that a table begins with. */
function spoilPage(path: string, table: string): void {
  const database = new SQLite(path, { readonly: true });
  const select = database.prepare<[string], number>("SELECT rootpage FROM sqlite_schema WHERE name = ?").pluck();
  const page = select.get(table)!;
  database.close();
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(FILE_PAGE_SIZE, 0xee), 0, FILE_PAGE_SIZE, (page - 1) * FILE_PAGE_SIZE);
  closeSync(file);
}

const CORRUPT: readonly [what: string, damage: (database: Database) => void][] = [
  ["a flipped bit", run("UPDATE snapshot_pieces SET data = zeroblob(length(data)) WHERE region = 'accounts'")],
  ["a piece missing", run("DELETE FROM snapshot_pieces WHERE region = 'id-table-5'")],
  ["all pieces missing", run("DELETE FROM snapshot_pieces")],
  ["a list of regions that is no JSON", run("UPDATE snapshot SET regions = 'accounts, all of them'")],
  ["a list of regions that is no list", run("UPDATE snapshot SET regions = '{}'")],
  ["a list of regions that is empty", run("UPDATE snapshot SET regions = '[]'")],
  ["regions without sizes", run(`UPDATE snapshot SET regions = '[{"name":"accounts"}]'`)],
  ["a region that nobody knows", run("UPDATE snapshot SET regions = replace(regions, 'counters', 'counts')")],
  ["a region beyond all others", run("UPDATE snapshot SET regions = replace(regions, 'id-table-63', 'id-table-64')")],
  ["a region of terabytes", run("UPDATE snapshot SET regions = replace(regions, ':2048', ':4398046511104')")],
  ["a region of negative size", run("UPDATE snapshot SET regions = replace(regions, ':2048', ':-2048')")],
  ["more chunks than there are", run("UPDATE snapshot SET chunk_count = 1000")],
  ["one chunk too few", run("UPDATE snapshot SET chunk_count = chunk_count - 1")],
  ["one chunk too many", run("UPDATE snapshot SET chunk_count = chunk_count + 1")],
  ["another digest", run("UPDATE snapshot SET digest = replace(digest, substr(digest, 1, 1), 'x')")],
  ["accounts in the place of others", exchange("accounts", "accounts-cold")],
  ["ids in the place of others", exchange("id-table-5", "id-table-6")],
  ["another seed than it was written with", run("UPDATE meta SET value = '0123456789abcdef' WHERE key = 'seed_low'")],
  ["another number of transfers", run("UPDATE snapshot SET transfer_count = transfer_count - 1")],
  ["another number of accounts", run("UPDATE snapshot SET account_count = 3")],
  ["a forged count of accounts", forge("counters", 0)],
  ["a forged size of the ids' text", forge("counters", 4)],
  ["a forged size of the index", forge("counters", 8)],
  ["a forged count of ids", forge("id-headers", 4)],
];

/** A number of chunks that the journal has, and that are not the image's, whatever its checksums say. */
const OTHER_CHUNKS: readonly [what: string, damage: (database: Database) => void][] = [
  ["no chunk at all", run("UPDATE snapshot SET chunk_count = 0")],
  ["one chunk too few", run("UPDATE snapshot SET chunk_count = chunk_count - 1")],
  ["one chunk too many", run("UPDATE snapshot SET chunk_count = chunk_count + 1")],
];

test("an undamaged snapshot is used, and verified", async () => {
  const path = damaged(() => {});
  expect(await verifyFile(path)).toMatchObject({ digest, transfers: TRANSFERS });
  expect(await expectOpens(path)).toBeUndefined();
  expect(await verifyFile(path)).toMatchObject({ digest });
});

describe("not used, and replaced at close, is a snapshot with", () => {
  test.each(CORRUPT)("%s", async (_, damage) => {
    const path = damaged(damage);
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "snapshot_corrupt" });
    expect(await expectOpens(path)).toMatchObject({ code: "snapshot_corrupt" });
    expect(await verifyFile(path)).toMatchObject({ digest });
  });

  test.each(OTHER_CHUNKS)("%s, whatever its checksums say", async (_, damage) => {
    const path = damaged(forged(damage));
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "snapshot_differs" });
    expect(await expectOpens(path)).toMatchObject({ code: "snapshot_differs" });
    expect(await verifyFile(path)).toMatchObject({ digest });
  });

  test("pieces that are out of order", async () => {
    const path = damaged(() => {});
    misplaceRow(path, "snapshot_pieces");
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "snapshot_corrupt" });
    expect(await expectOpens(path)).toMatchObject({ code: "snapshot_corrupt" });
  });

  test.each(["snapshot_pieces", "snapshot"])("pages of the table '%s' that SQLite can't read", async (table) => {
    const path = damaged(() => {});
    spoilPage(path, table);
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "snapshot_corrupt" });
    // It can't be replaced, and closing does not fail for it.
    expect(await expectOpens(path)).toMatchObject({ code: "snapshot_corrupt" });
    expect(await expectOpens(path)).toMatchObject({ code: "snapshot_corrupt" });
  });
});

describe("verify compares the image with what the journal replays to, whatever its checksums say:", () => {
  test.each([
    ["a balance", "accounts", 0],
    ["the version of an account", "accounts", 64 + 32],
    ["a pending total", "accounts-cold", 0],
    ["the text of a long id", "account-text", 3],
    ["the index of accounts", "account-index", 0],
  ])("%s", async (_, region, offset) => {
    const path = damaged(forge(region, offset));
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "snapshot_differs", details: { region } });
  });

  test("an id in the exactly-once index", async () => {
    const path = damaged((database) => {
      const select = database.prepare<[], Buffer>("SELECT data FROM snapshot_pieces WHERE region = 'id-table-9'");
      forge(
        "id-table-9",
        select
          .pluck()
          .get()!
          .findIndex((byte) => byte !== 0),
      )(database);
    });
    await expect(verifyFile(path)).rejects.toMatchObject({
      code: "snapshot_differs",
      details: { region: "id-table-9" },
    });
  });

  test("the digest", async () => {
    const path = damaged(forged(run("UPDATE snapshot SET digest = replace(digest, substr(digest, 1, 1), 'x')")));
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "snapshot_differs" });
  });
});

test("damage to the journal is the journal's, whatever the snapshot is like", async () => {
  for (const damage of [() => {}, run("DELETE FROM snapshot_pieces"), run("UPDATE snapshot SET chunk_count = 0")]) {
    const path = damaged((database) => {
      damage(database);
      database.exec("UPDATE journal SET data = zeroblob(length(data)) WHERE chunk = 5");
    });
    await expect(verifyFile(path)).rejects.toMatchObject({ code: "journal_corrupt", details: { chunk: 5 } });
    await expect(openLedgerHere(path, OPTIONS)).rejects.toMatchObject({
      code: "journal_corrupt",
      details: { chunk: 5 },
    });
  }
});
