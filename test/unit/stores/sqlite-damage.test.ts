/** Every damage to the journal that a reader could meet is named, and none of it is handed out. */
import { join } from "node:path";
import SQLite, { type Database } from "better-sqlite3";
import { expect, test } from "vitest";
import { openSqliteStore } from "../../../src/stores/sqlite.js";
import { group, readAll, Scratch, temporaryFolder } from "./support.js";

interface Damage {
  readonly what: string;
  readonly damage: (database: Database) => void;
  /** The chunk that the error names. */
  readonly chunk: number;
}

const DAMAGES: readonly Damage[] = [
  { what: "a flipped bit in a chunk's body", damage: (database) => flip(database, "data", 3, 200), chunk: 3 },
  { what: "a flipped bit in a chunk's header", damage: (database) => flip(database, "data", 0, 8), chunk: 0 },
  { what: "a flipped bit in a checksum", damage: (database) => flip(database, "checksum", 2, 31), chunk: 2 },
  { what: "two chunks with their places exchanged", damage: (database) => exchange(database, 1, 2), chunk: 1 },
  { what: "a chunk that is missing", damage: remove(2), chunk: 2 },
  { what: "the first chunk missing", damage: remove(0), chunk: 0 },
  { what: "the last chunk missing", damage: remove(4), chunk: 4 },
  {
    what: "the last chunk replaced by the one before",
    damage: (database) => {
      remove(4)(database);
      database.exec(
        "INSERT INTO journal SELECT 4, kind, first_sequence, record_count, first_row, job, timestamp, checksum, data FROM journal WHERE chunk = 3",
      );
    },
    chunk: 4,
  },
  ...["kind = 3", "first_sequence = 12", "record_count = 9", "first_row = 1", "job = '00'", "timestamp = 1"].map(
    (column) => ({
      what: `a column that contradicts the header (${column})`,
      damage: (database: Database) => database.exec(`UPDATE journal SET ${column} WHERE chunk = 1`),
      chunk: 1,
    }),
  ),
  { what: "no head", damage: (database) => database.exec("DELETE FROM head"), chunk: 0 },
];

/** Chunk 1 holds sequences 11–20 and so on. */
async function makeLedger(): Promise<string> {
  const path = join(temporaryFolder(), "a.ledger");
  const scratch = new Scratch();
  const store = await openSqliteStore(path, { onCallingThread: true });
  await store.attach(scratch.memory);
  await store.commit(group(...Array.from({ length: 5 }, () => scratch.transfers(10))));
  await store.close();
  return path;
}

function edit(path: string, change: (database: Database) => void): void {
  const database = new SQLite(path);
  change(database);
  database.close();
}

function remove(chunk: number): (database: Database) => void {
  return (database) => database.prepare("DELETE FROM journal WHERE chunk = ?").run(chunk);
}

function flip(database: Database, column: "data" | "checksum", chunk: number, position: number): void {
  const bytes = database.prepare<[number], Buffer>(`SELECT ${column} FROM journal WHERE chunk = ?`).pluck().get(chunk)!;
  bytes[position]! ^= 1;
  database.prepare(`UPDATE journal SET ${column} = ? WHERE chunk = ?`).run(bytes, chunk);
}

function exchange(database: Database, first: number, second: number): void {
  const move = database.prepare("UPDATE journal SET chunk = ? WHERE chunk = ?");
  move.run(-1, first);
  move.run(first, second);
  move.run(second, -1);
}

async function openAndReadAll(path: string): Promise<void> {
  const scratch = new Scratch();
  const store = await openSqliteStore(path, { onCallingThread: true });
  try {
    await store.attach(scratch.memory);
    await readAll(store, scratch);
  } finally {
    await store.close();
  }
}

for (const { what, damage, chunk } of DAMAGES) {
  test(`${what} is reported as chunk ${chunk}`, async () => {
    const path = await makeLedger();
    await openAndReadAll(path);
    edit(path, damage);
    await expect(openAndReadAll(path)).rejects.toMatchObject({ code: "journal_corrupt", details: { chunk } });
  });
}

test("a single chunk is checked against the one before it", async () => {
  const path = await makeLedger();
  edit(path, (database) => flip(database, "data", 3, 200));
  const scratch = new Scratch();
  const store = await openSqliteStore(path, { onCallingThread: true });
  await store.attach(scratch.memory);
  expect((await store.readChunkOf(25, scratch.target))?.chunk).toBe(2);
  await expect(store.readChunkOf(31, scratch.target)).rejects.toMatchObject({ code: "journal_corrupt" });
  await store.close();
});
