/**
 * The state digest: SHA-256 over all accounts in the order of their ids' bytes.
 *
 * Of each account: the id's byte length (one byte) and bytes, the asset's code likewise, then little-endian the four
 * totals (u128 each: debits posted, credits posted, debits pending, credits pending), the version (u64) and the flags
 * (u16). Equal digests mean equal ledgers; nothing of clocks, workers, batches or memory enters.
 */
import { createHash } from "node:crypto";
import type { AccountTable } from "./accounts.js";
import { ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS, ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS } from "./layout.js";
import type { Account } from "./types.js";

const ENTRY_SIZE_MAX = 2 + 64 + 64 + 64 + 8 + 2;
const BUFFER_SIZE = 64 * 1024;
const LOW_WORD = 0xffffffffffffffffn;

/** Digest of the accounts given, which must come in the order of their ids' bytes, in lower-case hexadecimal. */
export function digestOf(accounts: Iterable<Account>): string {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(BUFFER_SIZE);
  let length = 0;
  const writeText = (text: string): void => {
    const written = buffer.write(text, length + 1);
    buffer[length] = written;
    length += 1 + written;
  };
  const writeTotal = (total: bigint): void => {
    buffer.writeBigUInt64LE(total & LOW_WORD, length);
    buffer.writeBigUInt64LE(total >> 64n, length + 8);
    length += 16;
  };
  for (const account of accounts) {
    if (length + ENTRY_SIZE_MAX > BUFFER_SIZE) {
      hash.update(buffer.subarray(0, length));
      length = 0;
    }
    writeText(account.id);
    writeText(account.asset);
    writeTotal(account.debitsPosted);
    writeTotal(account.creditsPosted);
    writeTotal(account.debitsPending);
    writeTotal(account.creditsPending);
    buffer.writeBigUInt64LE(BigInt(account.version), length);
    const flags =
      (account.debitsMustNotExceedCredits ? ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS : 0) |
      (account.creditsMustNotExceedDebits ? ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS : 0);
    buffer.writeUInt16LE(flags, length + 8);
    length += 10;
  }
  return hash.update(buffer.subarray(0, length)).digest("hex");
}

/** Digest of the whole table. */
export function stateDigest(table: AccountTable): string {
  return digestOf(inOrder(table));
}

function* inOrder(table: AccountTable): Generator<Account> {
  for (const slot of table.slotsById()) yield table.read(slot);
}
