/** Rebuilding state from the journal: the commands are executed again, by the one rule, and must end as recorded. */
import {
  CREDIT_ACCOUNT_NOT_FOUND,
  DEBIT_ACCOUNT_NOT_FOUND,
  INVALID_ROW,
  OK,
  PENDING_TRANSFER_HAS_DIFFERENT_ASSET,
  PENDING_TRANSFER_HAS_DIFFERENT_CODE,
  PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT,
  PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT,
  PENDING_TRANSFER_NOT_FOUND,
  PENDING_TRANSFER_NOT_PENDING,
} from "../core/codes";
import {
  CH_FIRST_SEQUENCE,
  CH_PENDING_COUNT,
  CH_RECORD_COUNT,
  CH_ROW_COUNT,
  CH_TIMESTAMP,
  CHUNK_HEADER_SIZE,
  EX_CREDIT_ID,
  EX_DEBIT_ID,
  JA_ASSET,
  JA_CODE,
  JA_FLAGS,
  JA_ID_KIND,
  JA_KEY,
  JA_METADATA_SIZE,
  JA_OVERDRAFT_LIMIT,
  JA_USER_DATA,
  JOURNAL_ACCOUNT_SIZE,
  JOURNAL_RECORD_SIZE,
  JR_BROKE_CHAIN,
  JR_CODE,
  JR_CREDIT_SLOT,
  JR_DEBIT_SLOT,
  JR_FLAGS,
  JR_ID,
  JR_ID_KIND,
  JR_RESULT,
  KEY_SCRATCH,
  NO_SLOT,
  PE_CODE,
  PE_CREDIT_SLOT,
  PE_DEBIT_SLOT,
  SB_ACCOUNT_COUNT,
  SB_ACCOUNTS,
  SB_PENDING_CAPACITY,
  SB_PENDING_COUNT,
  SUPERBLOCK,
  TRANSFER_BALANCING,
  TRANSFER_PENDING,
  TRANSFER_POST,
  TRANSFER_RESOLVES,
} from "../core/layout";
import { accountAddress, createAccount, findAccountByKey } from "./accounts";
import { insertId, NO_ROOM } from "./exactly-once";
import { hashText, isHashKind, placementHash } from "./identifiers";
import {
  journalRecordAddress,
  recordedAmountHigh,
  recordedAmountLow,
  recordedAskedAmount,
  recordedExpectedVersions,
  recordedIdText,
  recordedMissingId,
  recordedPendingId,
  recordedTimeout,
} from "./journal";
import { addPending, expirePendings, findPending, pendingAddress, queueExpiry } from "./pendings";
import { executeFlagged, executeResolving, executeTransfer, movedHigh, movedLow, versionRefusal } from "./rule";

/**
 * Replays a chunk of transfers. Returns 0, or the 1-based position of the first record that ends otherwise than
 * recorded. Pairs of sequences whose ids have equal hash bits are written to `twins` (u32 count, then pairs).
 */
export function replayTransfers(chunk: usize, twins: usize, twinCapacity: u32): u32 {
  const count = load<u32>(chunk, CH_RECORD_COUNT);
  const firstSequence = <u32>load<u64>(chunk, CH_FIRST_SEQUENCE);
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  const accountCount = load<u32>(SUPERBLOCK, SB_ACCOUNT_COUNT);
  const pendings = load<u32>(SUPERBLOCK, SB_PENDING_COUNT) + load<u32>(chunk, CH_PENDING_COUNT);
  // A chunk that is not what it was must not write beyond the table.
  if (pendings > load<u32>(SUPERBLOCK, SB_PENDING_CAPACITY)) return 1;
  for (let position: u32 = 0; position < count; position++) {
    const recorded = journalRecordAddress(chunk, position);
    if (!isReplayed(chunk, recorded, accounts, accountCount)) return position + 1;
    if (load<u32>(SUPERBLOCK, SB_PENDING_COUNT) > pendings) return position + 1;
    const hash = placementHash(
      load<u64>(recorded, JR_ID),
      load<u64>(recorded, JR_ID + 8),
      load<u8>(recorded, JR_ID_KIND),
    );
    const twin = insertId(hash, firstSequence + position);
    if (twin == NO_ROOM) return position + 1;
    if (twin != 0) {
      const known = load<u32>(twins);
      if (known < twinCapacity) {
        store<u32>(twins + ((<usize>known) << 3), twin, 4);
        store<u32>(twins + ((<usize>known) << 3), firstSequence + position, 8);
      }
      store<u32>(twins, known + 1);
    }
  }
  return load<u32>(SUPERBLOCK, SB_PENDING_COUNT) == pendings ? 0 : count;
}

/** Executes a recorded transfer again. Whether it ends as recorded. */
// @ts-ignore: decorator
@inline
function isReplayed(chunk: usize, recorded: usize, accounts: usize, accountCount: u32): bool {
  const result = load<u8>(recorded, JR_RESULT);
  const flags: u32 = load<u16>(recorded, JR_FLAGS);
  // What was undone when it broke a chain is not in the journal, so its reason can't be found again.
  if ((flags & JR_BROKE_CHAIN) != 0) return result != OK;
  if ((flags & TRANSFER_RESOLVES) != 0) return isResolvedAgain(chunk, recorded, accounts, accountCount);
  if (result == DEBIT_ACCOUNT_NOT_FOUND || result == CREDIT_ACCOUNT_NOT_FOUND) {
    return isStillMissing(chunk, recorded, result);
  }
  const debit = load<u32>(recorded, JR_DEBIT_SLOT);
  const credit = load<u32>(recorded, JR_CREDIT_SLOT);
  if (debit >= accountCount || credit >= accountCount || debit == credit) return false;
  return replayTransfer(chunk, recorded, accountAddress(accounts, debit), accountAddress(accounts, credit)) == result;
}

/** Executes a recorded transfer again, between accounts that exist. */
function replayTransfer(chunk: usize, recorded: usize, debit: usize, credit: usize): u32 {
  const expected = recordedExpectedVersions(chunk, recorded);
  if (expected != 0) {
    const refusal = versionRefusal(debit, credit, load<u64>(expected), load<u64>(expected, 8));
    if (refusal != OK) return refusal;
  }
  const flags: u32 = load<u16>(recorded, JR_FLAGS);
  const low = recordedAmountLow(recorded);
  const high = recordedAmountHigh(chunk, recorded);
  if ((flags & (TRANSFER_BALANCING | TRANSFER_PENDING)) == 0) return executeTransfer(debit, credit, low, high);
  const asked = recordedAskedAmount(chunk, recorded);
  if (asked == 0 && (flags & TRANSFER_BALANCING) != 0) return INVALID_ROW;
  const askedLow = asked == 0 ? low : load<u64>(asked);
  const askedHigh = asked == 0 ? high : load<u64>(asked, 8);
  const result = executeFlagged(debit, credit, flags, askedLow, askedHigh);
  if (result != OK) return result;
  // What it moves now must be what it moved then; no result says so, but this one can't be the recorded one.
  if (movedLow() != low || movedHigh() != high) return INVALID_ROW;
  if ((flags & TRANSFER_PENDING) != 0) replayPending(chunk, recorded, flags);
  return OK;
}

/** Adds a pending transfer that was made again. */
function replayPending(chunk: usize, recorded: usize, flags: u32): void {
  const slot = addPending(
    recorded + JR_ID,
    load<u8>(recorded, JR_ID_KIND),
    recordedIdText(chunk, recorded),
    load<u32>(recorded, JR_DEBIT_SLOT),
    load<u32>(recorded, JR_CREDIT_SLOT),
    movedLow(),
    movedHigh(),
    flags,
    load<u16>(recorded, JR_CODE),
    load<u64>(chunk, CH_TIMESTAMP),
    recordedTimeout(chunk, recorded),
  );
  queueExpiry(slot);
}

/** Posts or voids again as recorded. Whether it ends so. */
function isResolvedAgain(chunk: usize, recorded: usize, accounts: usize, accountCount: u32): bool {
  const result: i32 = load<u8>(recorded, JR_RESULT);
  const id = recordedPendingId(chunk, recorded);
  if (id == 0) return false;
  const slot = findPending(recordedKey(id), load<u32>(id), id + 8);
  if (slot == <u32>NO_SLOT) return result == PENDING_TRANSFER_NOT_FOUND || result == PENDING_TRANSFER_NOT_PENDING;
  const pending = pendingAddress(slot);
  const debit = load<u32>(pending, PE_DEBIT_SLOT);
  const credit = load<u32>(pending, PE_CREDIT_SLOT);
  switch (result) {
    case PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT:
      return load<u32>(recorded, JR_DEBIT_SLOT) != debit;
    case PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT:
      return load<u32>(recorded, JR_CREDIT_SLOT) != credit;
    case PENDING_TRANSFER_HAS_DIFFERENT_ASSET:
      // The asset of the job's amounts is not recorded.
      return true;
    case PENDING_TRANSFER_HAS_DIFFERENT_CODE:
      return load<u16>(recorded, JR_CODE) != load<u16>(pending, PE_CODE);
  }
  const isPost = (load<u16>(recorded, JR_FLAGS) & TRANSFER_POST) != 0;
  const asked = recordedAskedAmount(chunk, recorded);
  if (asked == 0 || debit >= accountCount || credit >= accountCount) return false;
  const again = executeResolving(
    pending,
    accountAddress(accounts, debit),
    accountAddress(accounts, credit),
    isPost,
    load<u64>(asked),
    load<u64>(asked, 8),
  );
  if (again != result) return false;
  if (again != OK) return true;
  return (
    load<u32>(recorded, JR_DEBIT_SLOT) == debit &&
    load<u32>(recorded, JR_CREDIT_SLOT) == credit &&
    load<u16>(recorded, JR_CODE) == load<u16>(pending, PE_CODE) &&
    recordedAmountLow(recorded) == movedLow() &&
    recordedAmountHigh(chunk, recorded) == movedHigh()
  );
}

/** Replays a chunk of expiry. Whether as many pending transfers expire as recorded. */
export function replayExpiry(chunk: usize): bool {
  const count = load<u32>(chunk, CH_ROW_COUNT);
  return expirePendings(load<u64>(chunk, CH_TIMESTAMP), count) == count;
}

/** Whether the account that a rejection did not find is not there in the replay either. */
function isStillMissing(chunk: usize, recorded: usize, result: u32): bool {
  const isDebit = result == DEBIT_ACCOUNT_NOT_FOUND;
  if (load<u32>(recorded + (isDebit ? JR_DEBIT_SLOT : JR_CREDIT_SLOT)) != <u32>NO_SLOT) return false;
  const missing = recordedMissingId(chunk, recorded, isDebit ? EX_DEBIT_ID : EX_CREDIT_ID);
  if (missing == 0) return false;
  return findAccountByKey(recordedKey(missing), load<u32>(missing), missing + 8) == <u32>NO_SLOT;
}

/** Address of the key of an id in an extension, which has the text alone of one whose key is a hash. */
function recordedKey(id: usize): usize {
  const kind = load<u32>(id);
  if (!isHashKind(kind)) return id + 8;
  const key: usize = KEY_SCRATCH;
  hashText(id + 8, kind, key);
  return key;
}

/**
 * Replays a chunk of accounts, that of this number in the journal. Returns 0, or the 1-based position of the first account
 * that can't be created.
 */
export function replayAccounts(chunk: usize, number: u32): u32 {
  const count = load<u32>(chunk, CH_RECORD_COUNT);
  let at = chunk + CHUNK_HEADER_SIZE;
  for (let position: u32 = 0; position < count; position++) {
    const kind = load<u8>(at, JA_ID_KIND);
    const text = at + JOURNAL_ACCOUNT_SIZE;
    const metadataSize = load<u32>(at, JA_METADATA_SIZE);
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
      load<u64>(at, JA_USER_DATA),
      load<u64>(at, JA_USER_DATA + 8),
      metadataSize == 0 ? 0 : number + 1,
    );
    if (fault != 0) return position + 1;
    at = text + (isHashKind(kind) ? (kind + 7) & ~7 : 0) + ((metadataSize + 7) & ~7);
  }
  return 0;
}
