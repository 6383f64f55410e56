/**
 * What a ledger's file is to SQLite: how it is recognised, which tables it has, and how it is written.
 * `docs/file-format.md` explains the same to people who read the file without this library.
 */
import { randomBytes } from "node:crypto";
import type { Database } from "better-sqlite3";
import { CHUNK_KIND_TRANSFERS } from "../core/layout.js";
import { prepare } from "./sqlite-held.js";

/** "PLDG", in SQLite's header at byte 68: the file is a ledger and nobody else's database. */
export const APPLICATION_ID = 0x504c4447;

/** Raised whenever a table changes its meaning: an older library refuses a newer file. */
export const FILE_VERSION = 3;

/**
 * A full slice's chunk of 49,248 bytes takes three overflow pages of this size and 2 KB of a leaf: 4% of the file is
 * lost to rounding. Pages of 65,536 bytes lose 33%, and a commit of one small chunk writes four times as much.
 */
export const FILE_PAGE_SIZE = 16384;

/** The checksum that the first chunk is chained to. */
export const GENESIS_CHECKSUM: Buffer = Buffer.alloc(32);

/** What the journal's rollback file keeps of its size between commits, in bytes. */
const ROLLBACK_SIZE_KEPT = 4 * 1024 * 1024;

/** Pages kept in memory: room for the largest group, so that none of it is written before its commit. */
const CACHE_KIB = 32 * 1024;

/** The history index. A file of a release that had none gets its tables when it is opened, and its rows when needed. */
export const HISTORY_TABLES = `
  -- The runs that are there in full; every other one is built from the journal when somebody asks for it.
  CREATE TABLE IF NOT EXISTS history_runs (
    run INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    size INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE IF NOT EXISTS history_pages (
    page INTEGER PRIMARY KEY,
    data BLOB NOT NULL
  ) STRICT;
`;
/** The index of accounts' rows by id, which is built anew where most rows are. */
export const ACCOUNTS_INDEX = "CREATE INDEX accounts_id ON accounts (id)";

const ACCOUNTS_TABLE = `
  -- Derived from the journal as of the snapshot. Numbers of 128 bits are INTEGER where they fit in 63, else decimal TEXT.
  CREATE TABLE accounts (
    slot INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    asset TEXT NOT NULL,
    code INTEGER NOT NULL,
    user_data ANY NOT NULL,
    overdraft_limit ANY NOT NULL,
    flags INTEGER NOT NULL,
    debits_posted ANY NOT NULL,
    credits_posted ANY NOT NULL,
    debits_pending ANY NOT NULL,
    credits_pending ANY NOT NULL,
    balance ANY NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  ${ACCOUNTS_INDEX};
`;

const TABLES = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE assets (
    number INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE,
    scale INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE jobs (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    first_chunk INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- "data" stays the last column: SQLite reads a row's overflow pages only as far as the columns asked for.
  CREATE TABLE journal (
    chunk INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    record_count INTEGER NOT NULL,
    first_row INTEGER NOT NULL,
    job TEXT,
    timestamp INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    data BLOB NOT NULL
  ) STRICT;
  CREATE INDEX journal_sequence ON journal (first_sequence) WHERE kind = ${CHUNK_KIND_TRANSFERS};

  -- One row, rewritten by every commit: a journal that lost its tail does not end where this says.
  CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    chunk_count INTEGER NOT NULL,
    transfer_count INTEGER NOT NULL,
    account_count INTEGER NOT NULL,
    account_text_size INTEGER NOT NULL,
    pending_count INTEGER NOT NULL,
    checksum BLOB NOT NULL
  ) STRICT;

  ${ACCOUNTS_TABLE}

  CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    layout_version INTEGER NOT NULL,
    chunk_count INTEGER NOT NULL,
    transfer_count INTEGER NOT NULL,
    account_count INTEGER NOT NULL,
    digest TEXT NOT NULL,
    regions TEXT NOT NULL
  ) STRICT;
  CREATE TABLE snapshot_pieces (
    piece INTEGER PRIMARY KEY,
    region TEXT NOT NULL,
    position INTEGER NOT NULL,
    checksum BLOB NOT NULL,
    data BLOB NOT NULL
  ) STRICT;

  ${HISTORY_TABLES}
`;

/**
 * Settings that must precede the first lock. None of them writes to the file.
 *
 * A rollback journal rather than a write-ahead log: the journal's pages are new in every transaction, and SQLite
 * saves none of what a page held before it existed. So each chunk is written once, where a write-ahead log writes it
 * twice and stalls for the second time. `docs/file-format.md` has the figures.
 */
export function configure(database: Database): void {
  database.exec(`PRAGMA page_size = ${FILE_PAGE_SIZE}`);
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  database.exec("PRAGMA journal_mode = PERSIST");
  database.exec(`PRAGMA journal_size_limit = ${ROLLBACK_SIZE_KEPT}`);
  database.exec("PRAGMA synchronous = FULL");
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
}

/** Makes an empty file a ledger. The caller has a transaction open. */
export function createTables(database: Database): void {
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  database.exec(`PRAGMA user_version = ${FILE_VERSION}`);
  database.exec(TABLES);
  const setMeta = prepare(database, "INSERT INTO meta (key, value) VALUES (?, ?)");
  setMeta.run("created", new Date().toISOString());
  setMeta.run("seed_low", randomBytes(8).toString("hex"));
  setMeta.run("seed_high", randomBytes(8).toString("hex"));
  prepare(database, "INSERT INTO head VALUES (1, 0, 0, 0, 0, 0, ?)").run(GENESIS_CHECKSUM);
}

/**
 * Makes the file of an earlier release one of this version. Its accounts' rows lack columns, and are derived: they are
 * dropped with the snapshot, so that the next opening replays the journal, and closing writes both anew. The caller has
 * a transaction open.
 */
export function upgradeTables(database: Database): void {
  database.exec(`DROP TABLE accounts; ${ACCOUNTS_TABLE} DELETE FROM snapshot; DELETE FROM snapshot_pieces`);
  database.exec(`PRAGMA user_version = ${FILE_VERSION}`);
}
