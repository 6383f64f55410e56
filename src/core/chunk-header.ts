/** The header that every journal chunk begins with, for chunks that are not written by the kernel. */
import * as layout from "./layout.js";

/** Writes the header of a chunk at `address`, all other fields of it zero. `timestamp`: nanoseconds since 1970. */
export function writeChunkHeader(
  view: DataView,
  address: number,
  kind: number,
  byteLength: number,
  recordCount: number,
  timestamp: bigint,
): void {
  for (let at = address; at < address + layout.CHUNK_HEADER_SIZE; at += 8) view.setBigUint64(at, 0n, true);
  view.setUint32(address + layout.CH_MAGIC, layout.CHUNK_MAGIC, true);
  view.setUint16(address + layout.CH_VERSION, layout.CHUNK_VERSION, true);
  view.setUint16(address + layout.CH_KIND, kind, true);
  view.setUint32(address + layout.CH_BYTE_LENGTH, byteLength, true);
  view.setUint32(address + layout.CH_RECORD_COUNT, recordCount, true);
  view.setBigUint64(address + layout.CH_TIMESTAMP, timestamp, true);
}

/** Writes the chunk that says how many pending transfers expired at this time; returns its byte length. */
export function writeExpiryChunk(view: DataView, address: number, count: number, timestamp: bigint): number {
  writeChunkHeader(view, address, layout.CHUNK_KIND_EXPIRY, layout.CHUNK_HEADER_SIZE, 0, timestamp);
  view.setUint32(address + layout.CH_ROW_COUNT, count, true);
  return layout.CHUNK_HEADER_SIZE;
}
