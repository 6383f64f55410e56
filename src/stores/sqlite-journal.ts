/**
 * The journal's table: appending chunks, and giving them back checked.
 *
 * Each chunk's checksum is SHA-256(checksum of the chunk before || its bytes), so one checksum vouches for all that
 * came before it, and the head row says where the journal ends.
 */
import { createHash } from "node:crypto";
import type { Database, Statement } from "better-sqlite3";
import { LedgerError } from "../core/errors.js";
import {
  CH_BYTE_LENGTH,
  CH_FIRST_ROW,
  CH_FIRST_SEQUENCE,
  CH_JOB_HIGH,
  CH_JOB_LOW,
  CH_KIND,
  CH_MAGIC,
  CH_PENDING_COUNT,
  CH_RECORD_COUNT,
  CH_TEXT_SIZE,
  CH_TIMESTAMP,
  CH_VERSION,
  CHUNK_HEADER_SIZE,
  CHUNK_KIND_ACCOUNTS,
  CHUNK_KIND_EXPIRY,
  CHUNK_KIND_TRANSFERS,
  CHUNK_MAGIC,
  CHUNK_VERSION,
} from "../core/layout.js";
import { GENESIS_CHECKSUM } from "./schema.js";
import { prepare } from "./sqlite-held.js";
import type { StoredChunk } from "./store.js";

/** Where the journal ends. */
export interface JournalHead {
  readonly chunkCount: number;
  readonly transferCount: number;
  readonly accountCount: number;
  readonly accountTextSize: number;
  /** Pending transfers ever made. */
  readonly pendingCount: number;
  readonly checksum: Buffer;
}

/** What a chunk must continue. */
interface Link {
  readonly chunk: number;
  readonly nextSequence: number;
  readonly checksum: Buffer;
}

/** A row of the journal's table. */
export interface ChunkRow {
  readonly chunk: number;
  readonly kind: number;
  readonly firstSequence: number;
  readonly recordCount: number;
  readonly firstRow: number;
  readonly job: string | null;
  /** Nanoseconds since 1970, in decimal digits: more than a number holds. */
  readonly timestamp: string;
  readonly checksum: Buffer;
  readonly data: Buffer;
}

/** What of a row the next one must continue. */
type LinkRow = Pick<ChunkRow, "chunk" | "kind" | "firstSequence" | "recordCount" | "checksum">;

const GENESIS: Link = { chunk: 0, nextSequence: 1, checksum: GENESIS_CHECKSUM };

const LINK_COLUMNS = "chunk, kind, first_sequence AS firstSequence, record_count AS recordCount, checksum";

export class SqliteJournal {
  /** As of the last commit. */
  head: JournalHead;
  readonly #insertChunk: Statement<unknown[]>;
  readonly #updateHead: Statement<unknown[]>;
  /** The first from a chunk on. */
  readonly #selectFrom: Statement<[number], ChunkRow>;
  readonly #selectLink: Statement<[number], LinkRow>;
  readonly #selectHolder: Statement<[number], number>;

  constructor(database: Database) {
    this.#insertChunk = prepare(database, "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#updateHead = prepare(
      database,
      "UPDATE head SET chunk_count = ?, transfer_count = ?, account_count = ?, account_text_size = ?, pending_count = ?, checksum = ?",
    );
    this.#selectFrom = prepare(
      database,
      `SELECT ${LINK_COLUMNS}, first_row AS firstRow, job, CAST(timestamp AS TEXT) AS timestamp, data FROM journal
         WHERE chunk >= ? ORDER BY chunk`,
    );
    this.#selectLink = prepare(database, `SELECT ${LINK_COLUMNS} FROM journal WHERE chunk = ?`);
    this.#selectHolder = prepare<[number], number>(
      database,
      `SELECT chunk FROM journal WHERE kind = ${CHUNK_KIND_TRANSFERS} AND first_sequence <= ?
         ORDER BY first_sequence DESC LIMIT 1`,
    ).pluck();
    this.head = this.#readHead(database);
  }

  /**
   * Writes the chunks and returns the head that the journal has once the caller's transaction is committed; the
   * caller then sets {@link head}. Chunks that do not continue the journal are refused: they would be a bug's.
   */
  append(chunks: readonly Uint8Array[]): JournalHead {
    let { chunkCount, transferCount, accountCount, accountTextSize, pendingCount, checksum } = this.head;
    for (const data of chunks) {
      const header = readHeader(data);
      const nextSequence = transferCount + 1;
      const fault = faultOf(header, data.byteLength, nextSequence);
      if (fault !== undefined) {
        throw new LedgerError(
          "store_failed",
          `chunk ${chunkCount} was not written: ${fault}. This is a bug: report it`,
        );
      }
      checksum = chainChecksum(checksum, data);
      this.#insertChunk.run(
        chunkCount,
        header.kind,
        nextSequence,
        header.recordCount,
        header.firstRow,
        header.job,
        header.timestamp,
        checksum,
        data,
      );
      chunkCount++;
      if (header.kind === CHUNK_KIND_TRANSFERS) {
        transferCount += header.recordCount;
        pendingCount += header.pendingCount;
      } else if (header.kind === CHUNK_KIND_ACCOUNTS) {
        accountCount += header.recordCount;
        accountTextSize += header.textSize;
      }
    }
    this.#updateHead.run(chunkCount, transferCount, accountCount, accountTextSize, pendingCount, checksum);
    return { chunkCount, transferCount, accountCount, accountTextSize, pendingCount, checksum };
  }

  /** Copies chunks from `first` on into `target`, as many as fit; `address` is where `target` begins in memory. */
  read(first: number, target: Uint8Array, address: number): StoredChunk[] {
    const found: StoredChunk[] = [];
    if (first >= this.head.chunkCount) return found;
    let link = this.#linkBefore(first);
    let used = 0;
    for (let row = this.#selectFrom.get(first); row !== undefined; row = this.#selectFrom.get(link.chunk)) {
      link = follow(link, row);
      if (used + row.data.byteLength > target.byteLength) {
        if (found.length === 0) throw rangeTooSmall(row, target.byteLength);
        return found;
      }
      target.set(row.data, used);
      found.push({ chunk: row.chunk, address: address + used, byteLength: row.data.byteLength });
      // Every chunk begins at a multiple of 8, so that its words may be read as words.
      used += Math.ceil(row.data.byteLength / 8) * 8;
    }
    if (link.chunk !== this.head.chunkCount) throw corrupt(link.chunk, "it is missing");
    return found;
  }

  /** Copies the chunk that holds the transfer of this sequence into `target`; undefined where none does. */
  readHolder(sequence: number, target: Uint8Array, address: number): StoredChunk | undefined {
    const row = this.holder(sequence);
    if (row === undefined) return undefined;
    if (row.data.byteLength > target.byteLength) throw rangeTooSmall(row, target.byteLength);
    target.set(row.data);
    return { chunk: row.chunk, address, byteLength: row.data.byteLength };
  }

  /** The chunk that holds the transfer of this sequence, checked; undefined where none does. */
  holder(sequence: number): ChunkRow | undefined {
    if (sequence < 1 || sequence > this.head.transferCount) return undefined;
    const chunk = this.#selectHolder.get(sequence);
    if (chunk === undefined) throw corrupt(0, `no chunk holds sequence ${sequence}`);
    const row = this.#row(chunk);
    // What the index says is checked by nothing else, and whoever reads backwards would ask for the same chunk for ever.
    if (sequence < row.firstSequence) {
      throw corrupt(chunk, `it begins behind sequence ${sequence}, which the index says it holds`);
    }
    if (sequence >= linkAfter(row).nextSequence) {
      throw corrupt(chunk, `it ends before sequence ${sequence}, which it should hold`);
    }
    return row;
  }

  /** The row of a chunk, checked. */
  #row(chunk: number): ChunkRow {
    const link = this.#linkBefore(chunk);
    const row = this.#selectFrom.get(chunk);
    if (row === undefined) throw corrupt(chunk, "it is missing");
    follow(link, row);
    return row;
  }

  /** When the last chunk was recorded, 0 where there is none. */
  get lastTimestamp(): bigint {
    const { chunkCount } = this.head;
    return chunkCount === 0 ? 0n : BigInt(this.#row(chunkCount - 1).timestamp);
  }

  /** The last sequence recorded at this time or before, 0 where there is none. Chunks never go back in time. */
  sequenceAt(timestamp: bigint): number {
    let low = 0;
    let high = this.head.chunkCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (BigInt(this.#row(middle).timestamp) <= timestamp) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : linkAfter(this.#row(low - 1)).nextSequence - 1;
  }

  #readHead(database: Database): JournalHead {
    const head = prepare<[], JournalHead>(
      database,
      `SELECT chunk_count AS chunkCount, transfer_count AS transferCount, account_count AS accountCount,
           account_text_size AS accountTextSize, pending_count AS pendingCount, checksum FROM head`,
    ).get();
    const chunkCount = prepare<[], number>(database, "SELECT ifnull(max(chunk), -1) + 1 FROM journal").pluck().get();
    if (head === undefined) throw corrupt(0, "the row that says where the journal ends is missing");
    if (chunkCount !== head.chunkCount) {
      throw corrupt(chunkCount ?? 0, `the journal ends before it, and should hold ${head.chunkCount} chunks`);
    }
    const last = this.#linkBefore(head.chunkCount);
    if (!last.checksum.equals(head.checksum) || last.nextSequence !== head.transferCount + 1) {
      throw corrupt(head.chunkCount - 1, "it is not the chunk that was written last");
    }
    return head;
  }

  /** What the chunk must continue, as the row before it says. */
  #linkBefore(chunk: number): Link {
    if (chunk === 0) return GENESIS;
    const row = this.#selectLink.get(chunk - 1);
    if (row === undefined) throw corrupt(chunk - 1, "it is missing");
    return linkAfter(row);
  }
}

/** Checks that a row continues the journal, and returns what the next one must continue. */
function follow(link: Link, row: ChunkRow): Link {
  if (row.chunk !== link.chunk) throw corrupt(link.chunk, "it is missing");
  if (!chainChecksum(link.checksum, row.data).equals(row.checksum)) {
    throw corrupt(row.chunk, "its checksum does not match its bytes and the chunk before it");
  }
  if (row.data.byteLength < CHUNK_HEADER_SIZE) throw corrupt(row.chunk, "it is shorter than a header");
  const header = readHeader(row.data);
  const fault = faultOf(header, row.data.byteLength, link.nextSequence);
  if (fault !== undefined) throw corrupt(row.chunk, fault);
  const isSame =
    row.kind === header.kind &&
    row.recordCount === header.recordCount &&
    row.firstSequence === link.nextSequence &&
    row.firstRow === Number(header.firstRow) &&
    row.job === header.job &&
    row.timestamp === String(header.timestamp);
  if (!isSame) {
    throw corrupt(row.chunk, "the columns beside it contradict its header");
  }
  return linkAfter(row);
}

function linkAfter(row: LinkRow): Link {
  const sequenceCount = row.kind === CHUNK_KIND_TRANSFERS ? row.recordCount : 0;
  return { chunk: row.chunk + 1, nextSequence: row.firstSequence + sequenceCount, checksum: row.checksum };
}

function chainChecksum(before: Buffer, data: Uint8Array): Buffer {
  return createHash("sha256").update(before).update(data).digest();
}

/** The fields of a chunk's header that the store looks at. */
interface ChunkHeader {
  readonly magic: number;
  readonly version: number;
  readonly kind: number;
  readonly byteLength: number;
  readonly recordCount: number;
  readonly pendingCount: number;
  readonly firstSequence: bigint;
  readonly firstRow: bigint;
  /** Of accounts: bytes that their ids and user data take in memory. */
  readonly textSize: number;
  readonly timestamp: bigint;
  /** 32 hexadecimal digits, low word first, or null for direct calls. */
  readonly job: string | null;
}

function readHeader(data: Uint8Array): ChunkHeader {
  const view = new DataView(data.buffer, data.byteOffset, CHUNK_HEADER_SIZE);
  const jobLow = view.getBigUint64(CH_JOB_LOW, true);
  const jobHigh = view.getBigUint64(CH_JOB_HIGH, true);
  return {
    magic: view.getUint32(CH_MAGIC, true),
    version: view.getUint16(CH_VERSION, true),
    kind: view.getUint16(CH_KIND, true),
    byteLength: view.getUint32(CH_BYTE_LENGTH, true),
    recordCount: view.getUint32(CH_RECORD_COUNT, true),
    pendingCount: view.getUint32(CH_PENDING_COUNT, true),
    firstSequence: view.getBigUint64(CH_FIRST_SEQUENCE, true),
    firstRow: view.getBigInt64(CH_FIRST_ROW, true),
    textSize: view.getUint32(CH_TEXT_SIZE, true),
    timestamp: view.getBigInt64(CH_TIMESTAMP, true),
    job: jobLow === 0n && jobHigh === 0n ? null : jobHash(jobLow, jobHigh),
  };
}

function jobHash(low: bigint, high: bigint): string {
  return low.toString(16).padStart(16, "0") + high.toString(16).padStart(16, "0");
}

/** What is wrong with a chunk that must begin at `nextSequence`, or undefined. */
function faultOf(header: ChunkHeader, byteLength: number, nextSequence: number): string | undefined {
  if (header.magic !== CHUNK_MAGIC) return `its magic number is ${header.magic}, expected ${CHUNK_MAGIC}`;
  if (header.version !== CHUNK_VERSION) return `its version is ${header.version}, expected ${CHUNK_VERSION}`;
  if (header.byteLength !== byteLength) return `its header says ${header.byteLength} bytes, and it has ${byteLength}`;
  if (header.kind === CHUNK_KIND_ACCOUNTS || header.kind === CHUNK_KIND_EXPIRY) return undefined;
  if (header.kind !== CHUNK_KIND_TRANSFERS) return `its kind ${header.kind} is unknown`;
  if (header.firstSequence !== BigInt(nextSequence)) {
    return `it begins at sequence ${header.firstSequence}, expected ${nextSequence}`;
  }
  return undefined;
}

function corrupt(chunk: number, reason: string): LedgerError {
  return new LedgerError(
    "journal_corrupt",
    `the journal is damaged at chunk ${chunk}: ${reason}. Restore a copy of the file, and check the disk`,
    { details: { chunk } },
  );
}

function rangeTooSmall(row: ChunkRow, byteLength: number): LedgerError {
  return new LedgerError(
    "range_too_small",
    `chunk ${row.chunk} has ${row.data.byteLength} bytes, and the memory to read it into has ${byteLength}`,
    { details: { chunk: row.chunk, expected: row.data.byteLength, found: byteLength } },
  );
}
