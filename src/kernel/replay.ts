/** Rebuilding state from the journal: the commands are executed again, by the one rule, and must end as recorded. */
import { CREDIT_ACCOUNT_NOT_FOUND, DEBIT_ACCOUNT_NOT_FOUND, INVALID_ROW, OK } from "../core/codes";
import {
  CH_FIRST_SEQUENCE,
  CH_RECORD_COUNT,
  CHUNK_HEADER_SIZE,
  EX_CREDIT_ID,
  EX_DEBIT_ID,
  JA_ASSET,
  JA_CODE,
  JA_FLAGS,
  JA_ID_KIND,
  JA_KEY,
  JA_OVERDRAFT_LIMIT,
  JOURNAL_ACCOUNT_SIZE,
  JOURNAL_RECORD_SIZE,
  JR_CREDIT_SLOT,
  JR_DEBIT_SLOT,
  JR_FLAGS,
  JR_ID,
  JR_ID_KIND,
  JR_RESULT,
  KEY_SCRATCH,
  NO_SLOT,
  SB_ACCOUNT_COUNT,
  SB_ACCOUNTS,
  SUPERBLOCK,
} from "../core/layout";
import { accountAddress, createAccount, findAccountByKey } from "./accounts";
import { insertId } from "./exactly-once";
import { hashText, isHashKind, placementHash } from "./identifiers";
import {
  journalRecordAddress,
  recordedAmountHigh,
  recordedAmountLow,
  recordedAskedAmount,
  recordedExpectedVersions,
  recordedMissingId,
} from "./journal";
import { executeBalancing, executeTransfer, movedHigh, movedLow, versionRefusal } from "./rule";

/**
 * Replays a chunk of transfers. Returns 0, or the 1-based position of the first record that ends otherwise than
 * recorded. Pairs of sequences whose ids have equal hash bits are written to `twins` (u32 count, then pairs).
 */
export function replayTransfers(chunk: usize, twins: usize, twinCapacity: u32): u32 {
  const count = load<u32>(chunk, CH_RECORD_COUNT);
  const firstSequence = <u32>load<u64>(chunk, CH_FIRST_SEQUENCE);
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const accountCount = load<u32>(SUPERBLOCK, SB_ACCOUNT_COUNT);
  for (let position: u32 = 0; position < count; position++) {
    const recorded = journalRecordAddress(chunk, position);
    const result = load<u8>(recorded, JR_RESULT);
    if (result == DEBIT_ACCOUNT_NOT_FOUND || result == CREDIT_ACCOUNT_NOT_FOUND) {
      if (!isStillMissing(chunk, recorded, result)) return position + 1;
    } else {
      const debit = load<u32>(recorded, JR_DEBIT_SLOT);
      const credit = load<u32>(recorded, JR_CREDIT_SLOT);
      if (debit >= accountCount || credit >= accountCount || debit == credit) return position + 1;
      const again = replayTransfer(chunk, recorded, accountAddress(accounts, debit), accountAddress(accounts, credit));
      if (again != result) return position + 1;
    }
    const hash = placementHash(
      load<u64>(recorded, JR_ID),
      load<u64>(recorded, JR_ID + 8),
      load<u8>(recorded, JR_ID_KIND),
    );
    const twin = insertId(hash, firstSequence + position);
    if (twin != 0) {
      const known = load<u32>(twins);
      if (known < twinCapacity) {
        store<u32>(twins + ((<usize>known) << 3), twin, 4);
        store<u32>(twins + ((<usize>known) << 3), firstSequence + position, 8);
      }
      store<u32>(twins, known + 1);
    }
  }
  return 0;
}

/** Executes a recorded transfer again, between accounts that exist. */
function replayTransfer(chunk: usize, recorded: usize, debit: usize, credit: usize): u32 {
  const expected = recordedExpectedVersions(chunk, recorded);
  if (expected != 0) {
    const refusal = versionRefusal(debit, credit, load<u64>(expected), load<u64>(expected, 8));
    if (refusal != OK) return refusal;
  }
  const low = recordedAmountLow(recorded);
  const high = recordedAmountHigh(chunk, recorded);
  const asked = recordedAskedAmount(chunk, recorded);
  if (asked == 0) return executeTransfer(debit, credit, low, high);
  const result = executeBalancing(debit, credit, load<u16>(recorded, JR_FLAGS), load<u64>(asked), load<u64>(asked, 8));
  // What it moves now must be what it moved then; no result says so, but this one can't be the recorded one.
  return result == OK && (movedLow() != low || movedHigh() != high) ? <u32>INVALID_ROW : result;
}

/** Whether the account that a rejection did not find is not there in the replay either. */
function isStillMissing(chunk: usize, recorded: usize, result: u32): bool {
  const isDebit = result == DEBIT_ACCOUNT_NOT_FOUND;
  if (load<u32>(recorded + (isDebit ? JR_DEBIT_SLOT : JR_CREDIT_SLOT)) != <u32>NO_SLOT) return false;
  const missing = recordedMissingId(chunk, recorded, isDebit ? EX_DEBIT_ID : EX_CREDIT_ID);
  if (missing == 0) return false;
  const kind = load<u32>(missing);
  if (!isHashKind(kind)) return findAccountByKey(missing + 8, kind, 0) == <u32>NO_SLOT;
  const key: usize = KEY_SCRATCH;
  hashText(missing + 8, kind, key);
  return findAccountByKey(key, kind, missing + 8) == <u32>NO_SLOT;
}

/** Replays a chunk of accounts. Returns 0, or the 1-based position of the first account that can't be created. */
export function replayAccounts(chunk: usize): u32 {
  const count = load<u32>(chunk, CH_RECORD_COUNT);
  let at = chunk + CHUNK_HEADER_SIZE;
  for (let position: u32 = 0; position < count; position++) {
    const kind = load<u8>(at, JA_ID_KIND);
    const text = at + JOURNAL_ACCOUNT_SIZE;
    if (findAccountByKey(at + JA_KEY, kind, text) != <u32>NO_SLOT) return position + 1;
    const fault = createAccount(
      at + JA_KEY,
      kind,
      text,
      load<u16>(at, JA_ASSET),
      load<u16>(at, JA_FLAGS),
      load<u16>(at, JA_CODE),
      load<u64>(at, JA_OVERDRAFT_LIMIT),
      load<u64>(at, JA_OVERDRAFT_LIMIT + 8),
    );
    if (fault != 0) return position + 1;
    at = text + (isHashKind(kind) ? (kind + 7) & ~7 : 0);
  }
  return 0;
}
