/**
 * The state digest: SHA-256 over all accounts in the order of their ids' bytes.
 *
 * Of each account: the id's byte length (one byte) and bytes, the asset's code likewise, then little-endian the four
 * totals (u128 each: debits posted, credits posted, debits pending, credits pending), the version (u64) and the flags
 * (u16). Equal digests mean equal ledgers; nothing of clocks, workers, batches or memory enters.
 */
import { createHash } from "node:crypto";
import type { AccountTable } from "./accounts.js";

/** Totals, version and flags. */
const STATE_SIZE = 64 + 8 + 2;
const ENTRY_SIZE_MAX = 2 + 64 + 64 + STATE_SIZE;
const BUFFER_SIZE = 64 * 1024;

/** Digest of the whole table in lower-case hexadecimal. Straight from memory to the hash: no account becomes an object. */
export function stateDigest(table: AccountTable): string {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(BUFFER_SIZE);
  const view = new DataView(buffer.buffer, buffer.byteOffset, BUFFER_SIZE);
  const assetCodes: Buffer[] = [];
  let length = 0;
  for (const slot of table.slotsById()) {
    if (length + ENTRY_SIZE_MAX > BUFFER_SIZE) {
      hash.update(buffer.subarray(0, length));
      length = 0;
    }
    const idLength = table.ids.copy(slot, buffer, length + 1);
    buffer[length] = idLength;
    length += 1 + idLength;
    const asset = table.asset(slot);
    assetCodes[asset] ??= Buffer.from(table.assetCode(asset));
    const code = assetCodes[asset]!;
    buffer[length] = code.length;
    buffer.set(code, length + 1);
    length += 1 + code.length;
    table.copyState(slot, view, length);
    length += STATE_SIZE;
  }
  return hash.update(buffer.subarray(0, length)).digest("hex");
}
