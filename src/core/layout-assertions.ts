/** The layout's own consistency: alignment, overlap, record sizes, cache lines. Checked whenever `memory.ts` loads. */
import { RESULT_CODE_LIMIT } from "./codes.js";
import * as layout from "./layout.js";

type Field = readonly [name: string, offset: number, byteLength: number];

export function check(condition: boolean, message: string): void {
  if (!condition) throw new Error(`layout.ts is inconsistent: ${message}`);
}

/** Fields lie inside the structure, aligned to their size (at most 8), without overlap. */
export function checkStructure(structure: string, byteLength: number, fields: readonly Field[]): void {
  const sorted = [...fields].sort((a, b) => a[1] - b[1]);
  let end = 0;
  let previous = "its start";
  for (const [name, offset, size] of sorted) {
    const alignment = Math.min(8, size & -size);
    check(offset % alignment === 0, `${structure}.${name} at ${offset} is not aligned to ${alignment}`);
    check(offset >= end, `${structure}.${name} at ${offset} overlaps ${previous}, which ends at ${end}`);
    end = offset + size;
    previous = name;
  }
  check(end <= byteLength, `${structure}.${previous} ends at ${end}, beyond ${byteLength}`);
}

/** Throws where an offset of `layout.ts` is wrong. */
export function assertLayout(): void {
  const l = layout;
  checkStructure("account", l.ACCOUNT_SIZE, [
    ["AC_DEBITS_POSTED", l.AC_DEBITS_POSTED, 16],
    ["AC_CREDITS_POSTED", l.AC_CREDITS_POSTED, 16],
    ["AC_VERSION", l.AC_VERSION, 8],
    ["AC_FLAGS", l.AC_FLAGS, 2],
    ["AC_ASSET", l.AC_ASSET, 2],
    ["AC_ID_KIND", l.AC_ID_KIND, 1],
    ["AC_CONTESTED", l.AC_CONTESTED, 1],
    ["AC_CODE", l.AC_CODE, 2],
    ["AC_KEY", l.AC_KEY, 16],
  ]);
  checkStructure("cold account", l.ACCOUNT_COLD_SIZE, [
    ["AO_DEBITS_PENDING", l.AO_DEBITS_PENDING, 16],
    ["AO_CREDITS_PENDING", l.AO_CREDITS_PENDING, 16],
    ["AO_OVERDRAFT_LIMIT", l.AO_OVERDRAFT_LIMIT, 16],
    ["AO_ID_TEXT", l.AO_ID_TEXT, 4],
    ["AO_METADATA", l.AO_METADATA, 4],
  ]);
  check(l.ACCOUNT_SIZE === l.CACHE_LINE && l.ACCOUNT_COLD_SIZE === l.CACHE_LINE, "an account is two cache lines");
  check(l.ACCOUNT_SIZE === 1 << l.ACCOUNT_SIZE_LOG2, "ACCOUNT_SIZE_LOG2");
  check(l.ACCOUNT_HOME_MASK === 2 ** l.ACCOUNT_HOME_BITS - 1, "ACCOUNT_HOME_MASK");
  check(
    l.ACCOUNT_CAPACITY_MAX * l.ACCOUNT_INDEX_LOAD_DIVISOR <= 2 ** l.ACCOUNT_HOME_BITS,
    "a position in the largest account index fits ACCOUNT_HOME_BITS",
  );
  checkStructure("pending transfer", l.PENDING_SIZE, [
    ["PE_KEY", l.PE_KEY, 16],
    ["PE_AMOUNT", l.PE_AMOUNT, 16],
    ["PE_EXPIRES", l.PE_EXPIRES, 8],
    ["PE_DEBIT_SLOT", l.PE_DEBIT_SLOT, 4],
    ["PE_CREDIT_SLOT", l.PE_CREDIT_SLOT, 4],
    ["PE_CODE", l.PE_CODE, 2],
    ["PE_FLAGS", l.PE_FLAGS, 2],
    ["PE_ID_KIND", l.PE_ID_KIND, 1],
    ["PE_STATUS", l.PE_STATUS, 1],
  ]);
  check(l.PENDING_SIZE === 1 << l.PENDING_SIZE_LOG2, "PENDING_SIZE_LOG2");
  check(l.PENDING_CAPACITY_MAX < l.ACCOUNT_INDEX_SLOT_MASK, "an index entry has room for every pending transfer");
  checkStructure("record", l.RECORD_SIZE, [
    ["TR_ID", l.TR_ID, 16],
    ["TR_DEBIT", l.TR_DEBIT, 16],
    ["TR_CREDIT", l.TR_CREDIT, 16],
    ["TR_AMOUNT", l.TR_AMOUNT, 8],
    ["TR_ID_KIND", l.TR_ID_KIND, 1],
    ["TR_DEBIT_KIND", l.TR_DEBIT_KIND, 1],
    ["TR_CREDIT_KIND", l.TR_CREDIT_KIND, 1],
    ["TR_STATUS", l.TR_STATUS, 1],
    ["TR_FLAGS", l.TR_FLAGS, 2],
    ["TR_CODE", l.TR_CODE, 2],
  ]);
  check(
    l.TR_DEBIT_KIND === l.TR_ID_KIND + 1 && l.TR_CREDIT_KIND === l.TR_ID_KIND + 2 && l.TR_STATUS === l.TR_ID_KIND + 3,
    "kinds and status are written as one word",
  );
  check(l.TR_CODE === l.TR_FLAGS + 2, "flags and code are written as one word");
  check(l.RECORD_SIZE === l.CACHE_LINE && l.RECORD_SIZE === 1 << l.RECORD_SIZE_LOG2, "a record is one cache line");
  const cold = (offset: number): number => offset - l.COLD_OFFSET;
  checkStructure("cold record", l.RECORD_SIZE, [
    ["TR_AMOUNT_HIGH", cold(l.TR_AMOUNT_HIGH), 8],
    ["TR_TIMEOUT", cold(l.TR_TIMEOUT), 4],
    ["TR_USER_DATA", cold(l.TR_USER_DATA), 16],
    ["TR_PENDING_ID", cold(l.TR_PENDING_ID), 16],
    ["TR_ID_TEXT", cold(l.TR_ID_TEXT), 4],
    ["TR_DEBIT_TEXT", cold(l.TR_DEBIT_TEXT), 4],
    ["TR_CREDIT_TEXT", cold(l.TR_CREDIT_TEXT), 4],
    ["TR_PENDING_KIND", cold(l.TR_PENDING_KIND), 1],
    ["TR_STATUS_ROLE", cold(l.TR_STATUS_ROLE), 1],
  ]);
  check(l.CX_COLD_RECORDS - l.CX_RECORDS === l.COLD_OFFSET, "cold records lie COLD_OFFSET behind the hot ones");
  const extra = (offset: number): number => offset - l.EXTRA_OFFSET;
  checkStructure("extra record", l.RECORD_SIZE, [
    ["TR_EXPECTED_DEBIT_VERSION", extra(l.TR_EXPECTED_DEBIT_VERSION), 8],
    ["TR_EXPECTED_CREDIT_VERSION", extra(l.TR_EXPECTED_CREDIT_VERSION), 8],
    ["TR_ASKED_AMOUNT", extra(l.TR_ASKED_AMOUNT), 16],
    ["TR_PENDING_TEXT", extra(l.TR_PENDING_TEXT), 4],
    ["TR_EFFECTIVE_DATE", extra(l.TR_EFFECTIVE_DATE), 4],
    ["TR_PENDING_MADE", extra(l.TR_PENDING_MADE), 1],
    ["TR_LEFT", extra(l.TR_LEFT), 2],
  ]);
  check(l.CX_EXTRA_RECORDS - l.CX_RECORDS === l.EXTRA_OFFSET, "extra records lie EXTRA_OFFSET behind the hot ones");
  const internal = l.TR_HAS_COLD | l.TR_HAS_TEXT | l.TR_HAS_EXPECTED | l.TR_HAS_DATE;
  check(l.TR_INTERNAL_FLAGS === internal && (internal & l.TRANSFER_FLAGS_KNOWN) === 0, "TR_INTERNAL_FLAGS");
  check((l.ACCOUNT_HAS_COLD_LIMIT & (l.ACCOUNT_FLAGS_KNOWN | l.ACCOUNT_CLOSED)) === 0, "ACCOUNT_HAS_COLD_LIMIT");
  const left = l.JR_LEFT_DEBIT | l.JR_LEFT_CREDIT | l.JR_LEFT_CODE;
  check((l.JR_BROKE_CHAIN & (l.TRANSFER_FLAGS_KNOWN | left)) === 0, "JR_BROKE_CHAIN");
  check((left & l.TRANSFER_FLAGS_KNOWN) === 0, "JR_LEFT");
  checkStructure("journal record", l.JOURNAL_RECORD_SIZE, [
    ["JR_ID", l.JR_ID, 16],
    ["JR_AMOUNT", l.JR_AMOUNT, 8],
    ["JR_DEBIT_SLOT", l.JR_DEBIT_SLOT, 4],
    ["JR_CREDIT_SLOT", l.JR_CREDIT_SLOT, 4],
    ["JR_EXTENSION", l.JR_EXTENSION, 4],
    ["JR_ROW", l.JR_ROW, 4],
    ["JR_FLAGS", l.JR_FLAGS, 2],
    ["JR_CODE", l.JR_CODE, 2],
    ["JR_RESULT", l.JR_RESULT, 1],
    ["JR_ID_KIND", l.JR_ID_KIND, 1],
  ]);
  check(l.JR_CREDIT_SLOT === l.JR_DEBIT_SLOT + 4 && l.SC_CREDIT_SLOT === l.SC_DEBIT_SLOT + 4, "slots copy as one word");
  check(l.JR_ID_KIND === l.JR_RESULT + 1 && l.JR_RESULT % 4 === 0, "result and kind are stored as one word");
  checkStructure("chunk header", l.CHUNK_HEADER_SIZE, [
    ["CH_MAGIC", l.CH_MAGIC, 4],
    ["CH_VERSION", l.CH_VERSION, 2],
    ["CH_KIND", l.CH_KIND, 2],
    ["CH_BYTE_LENGTH", l.CH_BYTE_LENGTH, 4],
    ["CH_RECORD_COUNT", l.CH_RECORD_COUNT, 4],
    ["CH_TIMESTAMP", l.CH_TIMESTAMP, 8],
    ["CH_FIRST_SEQUENCE", l.CH_FIRST_SEQUENCE, 8],
    ["CH_JOB_LOW", l.CH_JOB_LOW, 8],
    ["CH_JOB_HIGH", l.CH_JOB_HIGH, 8],
    ["CH_FIRST_ROW", l.CH_FIRST_ROW, 8],
    ["CH_ROW_COUNT", l.CH_ROW_COUNT, 4],
    ["CH_FIRST_SLOT", l.CH_FIRST_SLOT, 4],
    ["CH_PENDING_COUNT", l.CH_PENDING_COUNT, 4],
  ]);
  check(l.CHUNK_HEADER_SIZE % 8 === 0, "records behind the header are aligned to 8");
  check(
    l.CHUNK_BUFFER_SIZE >= l.CHUNK_HEADER_SIZE + l.SLICE_CAPACITY * (l.JOURNAL_RECORD_SIZE + l.EXTENSION_SIZE_MAX),
    "a full slice with every extension fits a chunk buffer",
  );
  check(
    l.CHUNK_BUFFER_SIZE >= l.CHUNK_HEADER_SIZE + l.JOURNAL_ACCOUNT_SIZE + l.KIND_TEXT_MAX + l.METADATA_SIZE_MAX,
    "an account with the longest metadata fits a chunk buffer",
  );
  check(
    l.CHUNK_HEADER_SIZE + l.SLICE_CAPACITY * l.JOURNAL_RECORD_SIZE < l.PAGE_SIZE - 256,
    "a full slice of plain transfers fits one page of the store",
  );
  checkStructure("journal account", l.JOURNAL_ACCOUNT_SIZE, [
    ["JA_KEY", l.JA_KEY, 16],
    ["JA_OVERDRAFT_LIMIT", l.JA_OVERDRAFT_LIMIT, 16],
    ["JA_USER_DATA", l.JA_USER_DATA, 16],
    ["JA_FLAGS", l.JA_FLAGS, 2],
    ["JA_ASSET", l.JA_ASSET, 2],
    ["JA_CODE", l.JA_CODE, 2],
    ["JA_ID_KIND", l.JA_ID_KIND, 1],
    ["JA_METADATA_SIZE", l.JA_METADATA_SIZE, 4],
  ]);
  const records = l.BATCH_CAPACITY;
  check(records === l.SLICE_COUNT * l.SLICE_CAPACITY && l.SLICE_CAPACITY === 1 << l.SLICE_CAPACITY_LOG2, "slices");
  check(records - 1 <= l.LEG_INDEX_MASK, "a leg's index has room for every record");
  checkStructure("context", l.CONTEXT_SIZE, [
    ["CX_STAGES", l.CX_STAGES, l.STAGE_COUNT * l.STAGE_STRIDE],
    ["CX_SCALARS", l.CX_SCALARS, l.CX_SCALARS_END - l.CX_SCALARS],
    ["CX_SLICES", l.CX_SLICES, l.SLICE_COUNT * l.SLICE_ENTRY_SIZE],
    ["CX_ACCOUNT_PARTITIONS", l.CX_ACCOUNT_PARTITIONS, l.ACCOUNT_PARTITIONS * l.PARTITION_ENTRY_SIZE],
    ["CX_ID_PARTITIONS", l.CX_ID_PARTITIONS, l.ID_PARTITIONS * l.PARTITION_ENTRY_SIZE],
    ["CX_DEBIT_STARTS", l.CX_DEBIT_STARTS, l.SLICE_COUNT * l.LEG_STARTS_STRIDE],
    ["CX_CREDIT_STARTS", l.CX_CREDIT_STARTS, l.SLICE_COUNT * l.LEG_STARTS_STRIDE],
    ["CX_ID_STARTS", l.CX_ID_STARTS, l.SLICE_COUNT * l.ID_STARTS_STRIDE],
    ["CX_STATE", l.CX_STATE, records],
    ["CX_CONTESTED_DEBIT", l.CX_CONTESTED_DEBIT, records],
    ["CX_CONTESTED_CREDIT", l.CX_CONTESTED_CREDIT, records],
    ["CX_RESULT", l.CX_RESULT, records],
    ["CX_DETAIL", l.CX_DETAIL, records],
    ["CX_SEQUENCE", l.CX_SEQUENCE, records * 4],
    ["CX_SCRATCH", l.CX_SCRATCH, records * l.SCRATCH_SIZE],
    ["CX_DEBIT_LEGS", l.CX_DEBIT_LEGS, records * l.LEG_SIZE],
    ["CX_CREDIT_LEGS", l.CX_CREDIT_LEGS, records * l.LEG_SIZE],
    ["CX_ID_QUEUE", l.CX_ID_QUEUE, records * l.ID_ENTRY_SIZE],
    ["CX_RECORDS", l.CX_RECORDS, records * l.RECORD_SIZE],
    ["CX_COLD_RECORDS", l.CX_COLD_RECORDS, records * l.RECORD_SIZE],
    ["CX_EXTRA_RECORDS", l.CX_EXTRA_RECORDS, records * l.RECORD_SIZE],
    ["CX_TEXT", l.CX_TEXT, l.SLICE_COUNT * l.TEXT_ARENA_SIZE],
    ["CX_RESULT_TEXT", l.CX_RESULT_TEXT, l.SLICE_COUNT * l.RESULT_AREA_SIZE],
  ]);
  check(l.CONTEXT_SIZE % l.CACHE_LINE === 0, "contexts begin on a cache line");
  check(
    l.PENDING_TEXT_OFFSET >= l.SLICE_CAPACITY * 3 * l.KIND_TEXT_MAX &&
      l.TEXT_ARENA_SIZE - l.PENDING_TEXT_OFFSET === l.SLICE_CAPACITY * l.KIND_TEXT_MAX,
    "a slice's text arena holds three ids a record, and a pending one's",
  );
  check(
    1 << (l.ROLE_VOID - l.ROLE_LINKED) === l.TRANSFER_VOID &&
      1 << (l.ROLE_CLOSING_CREDIT - l.ROLE_LINKED) === l.TRANSFER_CLOSING_CREDIT,
    "roles of flags lie in the order of the flags",
  );
  check(l.JC_ROLES + l.JC_COLUMNS_MAX <= l.JC_MEMBERS, "members lie behind the columns' roles");
  check(l.JM_NAME + l.MEMBER_NAME_SIZE_MAX <= l.JC_MEMBER_SIZE && l.JC_MEMBER_SIZE % 8 === 0, "a member's name fits");
  check(l.RESULT_AREA_SIZE >= l.SLICE_CAPACITY * l.RESULT_LINE_MAX, "a slice's result area holds every line");
  check(
    l.AC_ASSET === l.AC_FLAGS + 2 && l.AC_ID_KIND === l.AC_FLAGS + 4,
    "resolve reads flags, asset and kind as one word",
  );
  check(
    l.TR_DEBIT_KIND === l.TR_ID_KIND + 1 &&
      l.TR_CREDIT_KIND === l.TR_ID_KIND + 2 &&
      l.TR_FLAGS === l.TR_ID_KIND + 4 &&
      l.TR_CODE === l.TR_ID_KIND + 6,
    "kinds, flags and code of a transfer are read as one word",
  );
  check(
    l.JR_ROW === l.JR_EXTENSION + 4 &&
      l.JR_CODE === l.JR_FLAGS + 2 &&
      l.JR_RESULT === l.JR_FLAGS + 4 &&
      l.JR_ID_KIND === l.JR_FLAGS + 5,
    "encode writes extension and row as one word, flags, code, result and kind as another",
  );
  check(l.SC_CREDIT_SLOT === l.SC_DEBIT_SLOT + 4, "a record's two slots are read as one word");
  check(l.LEG_INDEX === l.LEG_SLOT + 4, "a leg's slot and index are written as one word");
  check(l.LEG_STARTS_STRIDE >= 2 * (l.ACCOUNT_PARTITIONS + 1), "LEG_STARTS_STRIDE");
  check(l.ID_STARTS_STRIDE >= 2 * (l.ID_PARTITIONS + 1), "ID_STARTS_STRIDE");
  check(l.DP_FRESH + 2 * l.SLICE_COUNT <= l.PARTITION_ENTRY_SIZE, "fresh counts fit an id partition's entry");
  check(l.ID_PARTITIONS === 1 << l.ID_PARTITIONS_LOG2, "ID_PARTITIONS_LOG2");
  check(l.ID_SEQUENCE_BITS + l.ID_HASH_BITS === 64 && l.ID_SEQUENCE_MASK === 2 ** l.ID_SEQUENCE_BITS - 1, "id entry");
  check(l.ID_BUCKET_CAPACITY === 1 << l.ID_BUCKET_CAPACITY_LOG2, "ID_BUCKET_CAPACITY_LOG2");
  check(l.ID_BUCKET_CAPACITY * l.ID_ENTRY_SIZE === l.CACHE_LINE, "a bucket of ids is a cache line");
  check(l.ACCOUNT_CAPACITY_MAX < l.ACCOUNT_INDEX_SLOT_MASK, "an index entry has room for every slot");
  checkStructure("fixed", l.REGIONS_START, [
    ["SUPERBLOCK", l.SUPERBLOCK, l.SUPERBLOCK_SIZE],
    ["ID_PARTITION_HEADERS", l.ID_PARTITION_HEADERS, l.ID_PARTITIONS * l.IP_HEADER_SIZE],
    ["JOB_CONFIG", l.JOB_CONFIG, l.JC_MEMBERS + l.ROLE_COUNT * l.JC_MEMBER_SIZE],
    ["RESULT_NAMES", l.RESULT_NAMES, RESULT_CODE_LIMIT * l.RESULT_NAME_STRIDE],
    ["KEY_SCRATCH", l.KEY_SCRATCH, 16],
    ["TEXT_SCRATCH", l.TEXT_SCRATCH, 64],
  ]);
}
