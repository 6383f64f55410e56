/** What follows the entries of a journal chunk of accounts: their ids' text and their metadata. */
import { isHashKind, padded } from "./identifiers.js";
import * as layout from "./layout.js";

/** Bytes that an account takes in a chunk at most. */
export function entrySizeMax(metadataSize: number): number {
  return layout.JOURNAL_ACCOUNT_SIZE + layout.KIND_TEXT_MAX + padded(metadataSize);
}

/** Where the metadata of the account in `slot` is in the chunk; undefined where the chunk has none of it. */
export function findMetadata(
  view: DataView,
  chunk: number,
  slot: number,
): { readonly address: number; readonly byteLength: number } | undefined {
  const first = view.getUint32(chunk + layout.CH_FIRST_SLOT, true);
  const end = first + view.getUint32(chunk + layout.CH_RECORD_COUNT, true);
  let entry = chunk + layout.CHUNK_HEADER_SIZE;
  for (let found = first; found < end; found++) {
    const kind = view.getUint8(entry + layout.JA_ID_KIND);
    const address = entry + layout.JOURNAL_ACCOUNT_SIZE + (isHashKind(kind) ? padded(kind) : 0);
    const byteLength = view.getUint32(entry + layout.JA_METADATA_SIZE, true);
    if (found === slot) return byteLength === 0 ? undefined : { address, byteLength };
    entry = address + padded(byteLength);
  }
  return undefined;
}
