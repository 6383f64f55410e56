/**
 * The snapshot's tables: an image of memory regions, in pieces.
 *
 * A piece's checksum vouches for its bytes, for its place, and for the description of the image that it is a piece of.
 *
 * The next image is written before the former one is deleted, in the caller's transaction. Its pages come from what
 * the image before that left free, so the file holds at most two images and stops growing, and the rollback journal
 * has next to nothing to save.
 */
import { createHash } from "node:crypto";
import type { Database, Statement } from "better-sqlite3";
import { LedgerError } from "../core/errors.js";
import { messageOf } from "./sqlite-errors.js";
import { prepare } from "./sqlite-held.js";
import type { MemoryRange, SnapshotDescription } from "./store.js";

/** Bytes of a region that a row holds at most. */
const PIECE_SIZE = 4 * 1024 * 1024;

interface PieceRow {
  readonly piece: number;
  readonly region: string;
  readonly position: number;
  readonly checksum: Buffer;
  readonly data: Buffer;
}

export type NamedRange = MemoryRange & { readonly name: string };

export class SqliteSnapshot {
  readonly #seed: string;
  readonly #selectDescription: Statement<[], Omit<SnapshotDescription, "regions"> & { readonly regions: string }>;
  readonly #upsertDescription: Statement<unknown[]>;
  readonly #selectNextPiece: Statement<[number], PieceRow>;
  readonly #selectLastPiece: Statement<[], number>;
  readonly #insertPiece: Statement<unknown[]>;
  readonly #deletePieces: Statement<[number]>;

  /** `seed`: the ledger's own, as text: with another one nothing would be found where the image has it. */
  constructor(database: Database, seed: string) {
    this.#seed = seed;
    this.#selectDescription = prepare(
      database,
      `SELECT layout_version AS layoutVersion, chunk_count AS chunkCount, transfer_count AS transferCount,
         account_count AS accountCount, digest, regions FROM snapshot`,
    );
    this.#upsertDescription = prepare(database, "INSERT OR REPLACE INTO snapshot VALUES (1, ?, ?, ?, ?, ?, ?)");
    this.#selectNextPiece = prepare(
      database,
      "SELECT piece, region, position, checksum, data FROM snapshot_pieces WHERE piece > ? ORDER BY piece LIMIT 1",
    );
    this.#selectLastPiece = prepare<[], number>(database, "SELECT ifnull(max(piece), 0) FROM snapshot_pieces").pluck();
    this.#insertPiece = prepare(database, "INSERT INTO snapshot_pieces VALUES (?, ?, ?, ?, ?)");
    this.#deletePieces = prepare(database, "DELETE FROM snapshot_pieces WHERE piece <= ?");
  }

  /** The snapshot there is, if any, or what is wrong with one that can't be described. */
  describe(): { readonly snapshot: SnapshotDescription | undefined; readonly snapshotDamage: string | undefined } {
    try {
      const row = this.#selectDescription.get();
      if (row === undefined) return { snapshot: undefined, snapshotDamage: undefined };
      const regions: unknown = JSON.parse(row.regions);
      if (!Array.isArray(regions) || regions.some((region) => typeof region !== "object" || region === null)) {
        return { snapshot: undefined, snapshotDamage: "its description lists no regions" };
      }
      return { snapshot: { ...row, regions }, snapshotDamage: undefined };
    } catch (error) {
      return { snapshot: undefined, snapshotDamage: `its description can't be read (${messageOf(error)})` };
    }
  }

  /** Replaces the snapshot. The caller has a transaction open. */
  write(memory: SharedArrayBuffer, description: SnapshotDescription, ranges: readonly NamedRange[]): void {
    const lastOfFormer = this.#selectLastPiece.get() ?? 0;
    const image = textOf(description, this.#seed);
    let piece = lastOfFormer;
    for (const { name, address, byteLength } of ranges) {
      for (let position = 0; position < byteLength; position += PIECE_SIZE) {
        const data = new Uint8Array(memory, address + position, Math.min(PIECE_SIZE, byteLength - position));
        this.#insertPiece.run(++piece, name, position, checksumOf(image, name, position, data), data);
      }
    }
    this.#deletePieces.run(lastOfFormer);
    this.#upsertDescription.run(
      description.layoutVersion,
      description.chunkCount,
      description.transferCount,
      description.accountCount,
      description.digest,
      JSON.stringify(description.regions),
    );
  }

  /**
   * Copies the regions named into memory. Throws `snapshot_corrupt` where one of them is not there in full or not as
   * it was written; the ranges are then undefined, and the journal still has everything.
   */
  read(memory: SharedArrayBuffer, ranges: readonly NamedRange[]): void {
    try {
      this.#read(memory, ranges);
    } catch (cause) {
      if (cause instanceof LedgerError) throw cause;
      throw corrupt(undefined, messageOf(cause), cause);
    }
  }

  #read(memory: SharedArrayBuffer, ranges: readonly NamedRange[]): void {
    const { snapshot } = this.describe();
    if (snapshot === undefined) throw corrupt(undefined, "it has no description");
    const image = textOf(snapshot, this.#seed);
    const missing = new Map(ranges.map(({ name, byteLength }) => [name, byteLength]));
    const wanted = new Map(ranges.map((range) => [range.name, range]));
    let last = 0;
    for (let row = this.#selectNextPiece.get(0); row !== undefined; row = this.#selectNextPiece.get(last)) {
      const { piece, region, position, checksum, data } = row;
      // In a damaged page, the next one may be any: looking on from there might never end.
      if (piece <= last) throw corrupt(region, "its pieces are out of order");
      last = piece;
      const range = wanted.get(region);
      if (range === undefined) continue;
      if (position + data.byteLength > range.byteLength) {
        throw corrupt(region, `it is longer than the ${range.byteLength} bytes asked for`);
      }
      if (!checksumOf(image, region, position, data).equals(checksum)) {
        throw corrupt(region, `the checksum at byte ${position} does not match`);
      }
      new Uint8Array(memory, range.address + position, data.byteLength).set(data);
      missing.set(region, missing.get(region)! - data.byteLength);
    }
    for (const [region, byteLength] of missing) {
      if (byteLength !== 0) throw corrupt(region, `${byteLength} bytes of it are missing`);
    }
  }
}

/** What an image is of, as a text. */
export function textOf(description: SnapshotDescription, seed: string): string {
  const { layoutVersion, chunkCount, transferCount, accountCount, digest, regions } = description;
  return JSON.stringify([seed, layoutVersion, chunkCount, transferCount, accountCount, digest, regions]);
}

/** The checksum of a piece of the image. */
export function checksumOf(image: string, region: string, position: number, data: Uint8Array): Buffer {
  return createHash("sha256").update(`${image}\n${region}\n${position}\n`).update(data).digest();
}

function corrupt(region: string | undefined, reason: string, cause?: unknown): LedgerError {
  const what = region === undefined ? "the snapshot" : `the snapshot's region '${region}'`;
  return new LedgerError(
    "snapshot_corrupt",
    `${what} can't be used: ${reason}. The journal has everything: replay it instead`,
    { cause, details: { region } },
  );
}
