/**
 * Every offset, size, magic number and version of the shared memory and of the journal.
 *
 * TypeScript and the AssemblyScript kernel both compile this very file, so it holds nothing but integer
 * constants: no types, no imports, no functions. `memory.ts` asserts the layout when it loads.
 *
 * Offsets are in bytes. An unsuffixed `*_SIZE` is a byte length; a `*_CAPACITY` is a count.
 */

/** Raised whenever a meaning below changes, or that of a snapshot: snapshots of another version are ignored and rebuilt from the journal. */
export const LAYOUT_VERSION = 6;
export const CACHE_LINE = 64;
export const PAGE_SIZE = 65536;

// ---------------------------------------------------------------------------------------------------------------
// Superblock: where everything lies. Written by the thread that opens the ledger before any other thread attaches,
// constant afterwards, except the counters that start at SB_ACCOUNT_COUNT.
// ---------------------------------------------------------------------------------------------------------------
export const SUPERBLOCK = 4096;
export const SUPERBLOCK_SIZE = 512;
export const SUPERBLOCK_MAGIC = 0x504c4447;
export const SB_MAGIC = 0;
export const SB_VERSION = 4;
export const SB_PAGE_COUNT = 8;
/** Two u64: the random seed of the hash tables' placement, one per ledger, so that nobody can craft colliding ids. */
export const SB_SEED_LOW = 16;
export const SB_SEED_HIGH = 24;
export const SB_ACCOUNT_CAPACITY = 32;
export const SB_ACCOUNTS = 36;
export const SB_ACCOUNTS_COLD = 96;
export const SB_ACCOUNT_INDEX = 40;
export const SB_TEXT = 48;
export const SB_TEXT_SIZE = 52;
export const SB_ID_INDEX = 56;
/** Byte length reserved for one partition of the exactly-once index. */
export const SB_ID_PARTITION_STRIDE = 60;
export const SB_CONTEXTS = 64;
export const SB_CONTEXT_COUNT = 68;
export const SB_CHUNKS = 72;
export const SB_CHUNK_COUNT = 76;
export const SB_INPUT = 80;
export const SB_INPUT_SIZE = 84;
/** Where the coordinator lets the store put journal chunks, to replay them or to compare ids with them. */
export const SB_EXCHANGE = 88;
export const SB_EXCHANGE_SIZE = 92;
export const SB_PENDING_CAPACITY = 100;
export const SB_PENDINGS = 104;
export const SB_PENDING_TEXTS = 108;
export const SB_PENDING_INDEX = 112;
export const SB_EXPIRY_QUEUE = 116;
/** u32. Written by the one thread that creates accounts (decide unit, or the coordinator between batches). */
export const SB_ACCOUNT_COUNT = 128;
/** u32. Bytes of the text region in use; same owner as SB_ACCOUNT_COUNT. */
export const SB_TEXT_USED = 132;
/** u32. Entries of the account index as a power of two; same owner. */
export const SB_ACCOUNT_INDEX_LOG2 = 136;
/** u32: pending transfers ever made. Written by the decide unit, or the coordinator between batches, as the words below. */
export const SB_PENDING_COUNT = 140;
/** The four words above are what a snapshot keeps of the superblock. */
export const SB_COUNTERS = 128;
export const SB_COUNTERS_SIZE = 16;
/** u32: entries of the index of pending transfers as a power of two. */
export const SB_PENDING_INDEX_LOG2 = 144;
/** u32: entries of the expiry queue. */
export const SB_EXPIRY_COUNT = 148;
/** u64: when the first entry of the expiry queue is due; all bits set where it is empty. */
export const SB_NEXT_EXPIRY = 152;
/** u32, atomic. Non-zero once a worker has died: whoever waits at a stage leaves. Written by the coordinator. */
export const SB_ABORT = 192;
/** 64-byte headers of the exactly-once partitions begin here. */
export const ID_PARTITION_HEADERS = 8192;
/** The settlement job's configuration. */
export const JOB_CONFIG = 16384;
/** Names of the result codes for formatted results: a length byte, then the name. Written when the memory is made. */
export const RESULT_NAMES = 32768;
export const RESULT_NAME_STRIDE = 64;
/** 16 bytes and 64 bytes: where the coordinator's thread puts one key and one id's text to look it up. */
export const KEY_SCRATCH = 49152;
export const TEXT_SCRATCH = 49216;
/** First byte that the planner may hand out. */
export const REGIONS_START = 65536;

/** u32, atomic. Workers that have attached. */
export const SB_ATTACHED = 256;
/**
 * u32, atomic: whose turn it is. Batches take turns in the order in which they are handed over, two numbers each, modulo
 * 2^32: a batch may begin once this is its CX_TURN; one more means that it waits for the coordinator to ask the journal,
 * two more that it is over. Written by whoever executes the batch's stages dedupe and end, and by the coordinator while
 * the batch waits for it.
 */
export const SB_TURN = 320;
/** u32: sequence of the next transfer that is recorded. Written by stage end, and by the coordinator while nothing executes. */
export const SB_NEXT_SEQUENCE = 384;

// ---------------------------------------------------------------------------------------------------------------
// Account: 128 bytes, a hot cache line and a cold one, each in a table of its own. A plain transfer touches only the
// hot one. During a batch the owner of the account's partition writes it; nobody else does.
// ---------------------------------------------------------------------------------------------------------------
export const ACCOUNT_SIZE = 64;
export const ACCOUNT_SIZE_LOG2 = 6;
export const AC_DEBITS_POSTED = 0;
export const AC_CREDITS_POSTED = 16;
/** u64: goes up by one with each change of the account's balances. */
export const AC_VERSION = 32;
export const AC_FLAGS = 40;
/** u16: the asset's number, from 1. */
export const AC_ASSET = 42;
export const AC_ID_KIND = 44;
/** u8: non-zero while the account is contested in the batch being executed; zero between batches. */
export const AC_CONTESTED = 45;
export const AC_CODE = 46;
export const AC_KEY = 48;

export const ACCOUNT_COLD_SIZE = 64;
export const AO_DEBITS_PENDING = 0;
export const AO_CREDITS_PENDING = 16;
export const AO_OVERDRAFT_LIMIT = 32;
/** u32: offset in the text region of the id's bytes, where the kind says that the key is only a hash. */
export const AO_ID_TEXT = 48;
/** u32: one more than the number of the journal chunk that has the account's metadata, 0 where it has none. */
export const AO_METADATA = 52;
/** u32: one more than the offset in the text region of the account's user data, 0 where that is 0. */
export const AO_USER_DATA = 56;
export const USER_DATA_SIZE = 16;

export const ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS = 1;
export const ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS = 2;
export const ACCOUNT_FLAGS_KNOWN = 3;
/** A pending transfer has closed the account. */
export const ACCOUNT_CLOSED = 4;
/** Internal bit of AC_FLAGS: the account's limit is not what the hot line says alone; ask the cold one. */
export const ACCOUNT_HAS_COLD_LIMIT = 0x8000;

// ---------------------------------------------------------------------------------------------------------------
// Pending transfer: 64 bytes, kept for ever, because what was resolved once can't be resolved again. In the order in
// which they were made. Written by the decide unit of a serial plan, or the coordinator between batches.
// ---------------------------------------------------------------------------------------------------------------
export const PENDING_SIZE = 64;
export const PENDING_SIZE_LOG2 = 6;
export const PE_KEY = 0;
/** u128: what it reserves. */
export const PE_AMOUNT = 16;
/** u64: nanoseconds since 1970 from which on it has expired, 0 for never. */
export const PE_EXPIRES = 32;
export const PE_DEBIT_SLOT = 40;
export const PE_CREDIT_SLOT = 44;
export const PE_CODE = 48;
/** u16: the transfer's flags. */
export const PE_FLAGS = 50;
export const PE_ID_KIND = 52;
/** u8: PENDING_*. */
export const PE_STATUS = 53;
export const PENDING_OPEN = 0;
export const PENDING_POSTED = 1;
export const PENDING_VOIDED = 2;
export const PENDING_EXPIRED = 3;
export const PENDING_CAPACITY_MAX = 16000000;

/** Slot of an account or a pending transfer that does not exist. */
export const NO_SLOT = 0xffffffff;
/** In place of the number of an asset, where there is none; assets have lower ones. */
export const NO_ASSET = 0xffff;

// Account index: open addressing over 4-byte entries: slot + 1 in the low 24 bits (0 = empty), a fingerprint above.
// It doubles before more than a quarter of its entries are in use, so most look-ups end at the first entry.
export const ACCOUNT_INDEX_ENTRY_SIZE = 4;
export const ACCOUNT_INDEX_SLOT_MASK = 0x00ffffff;
export const ACCOUNT_INDEX_LOAD_DIVISOR = 4;
export const ACCOUNT_INDEX_INITIAL_LOG2 = 8;
export const ACCOUNT_CAPACITY_MAX = 16000000;
/** While a slice is resolved, a word holds an account's first position in the index, and fingerprint bits above it. */
export const ACCOUNT_HOME_BITS = 26;
export const ACCOUNT_HOME_MASK = 0x03ffffff;

// ---------------------------------------------------------------------------------------------------------------
// Id keys. A key is 128 bits and a kind byte says how to read it:
//   1–16   the id's own bytes, zero-padded (the kind is the byte length): equal keys are equal ids
//   17–64  a 128-bit hash of the bytes (the kind is the byte length): equality is decided by the bytes
//   128    a lower-case UUID in its 36-character form, as its 16 octets: equal keys are equal ids
//   0      no id
// ---------------------------------------------------------------------------------------------------------------
export const KIND_NONE = 0;
export const KIND_INLINE_MAX = 16;
export const KIND_TEXT_MAX = 64;
export const KIND_UUID = 128;
/** Not ids: what a parser writes where a field could not be one. */
export const KIND_TOO_LONG = 254;
export const KIND_NOT_UTF8 = 255;
export const UUID_TEXT_LENGTH = 36;

// ---------------------------------------------------------------------------------------------------------------
// Exactly-once index: 64 partitions by id hash, each an open-addressing table of its own, probed by one owner at a
// time. An entry is 8 bytes: the low 28 bits are the sequence (0 = empty), the high 36 bits come from the hash
// and also give its home, so a table can double without asking the journal for a single id. A home is a bucket, a cache
// line of entries. An entry lies in the first place from its home's first on that was free: in between, none is empty.
// ---------------------------------------------------------------------------------------------------------------
export const ID_PARTITIONS = 64;
export const ID_PARTITIONS_LOG2 = 6;
export const ID_ENTRY_SIZE = 8;
export const ID_BUCKET_CAPACITY = 8;
export const ID_BUCKET_CAPACITY_LOG2 = 3;
export const ID_SEQUENCE_BITS = 28;
export const ID_SEQUENCE_MASK = 0x0fffffff;
export const ID_HASH_BITS = 36;
export const ID_INITIAL_LOG2 = 8;
/** A partition doubles before more than half of its entries are in use, as long as it has room to. */
export const ID_LOAD_NUMERATOR = 1;
export const ID_LOAD_DENOMINATOR = 2;
export const IP_HEADER_SIZE = 64;
export const IP_LOG2 = 0;
export const IP_COUNT = 4;

// ---------------------------------------------------------------------------------------------------------------
// Batch: slices of records. Slices are the unit of every stage that works by position.
// ---------------------------------------------------------------------------------------------------------------
export const SLICE_COUNT = 16;
export const SLICE_CAPACITY = 1024;
export const SLICE_CAPACITY_LOG2 = 10;
export const BATCH_CAPACITY = 16384;
export const ACCOUNT_PARTITIONS = 32;

// Transfer record as a caller or a parser writes it, by one thread, read-only afterwards: a hot cache line that says
// everything of a plain transfer, and a cold one at COLD_OFFSET behind it, valid only where TR_FLAGS has TR_HAS_COLD.
export const RECORD_SIZE = 64;
export const RECORD_SIZE_LOG2 = 6;
export const TR_ID = 0;
export const TR_DEBIT = 16;
export const TR_CREDIT = 32;
/** u64: low word of the amount in minor units of the asset. */
export const TR_AMOUNT = 48;
export const TR_ID_KIND = 56;
export const TR_DEBIT_KIND = 57;
export const TR_CREDIT_KIND = 58;
/** u8: result code that the parser already knows, 0 where the row could be read. */
export const TR_STATUS = 59;
export const TR_FLAGS = 60;
export const TR_CODE = 62;
/** Distance of a record's cold line from its hot one. */
export const COLD_OFFSET = 1048576;
/** u64: high word of the amount. */
export const TR_AMOUNT_HIGH = 1048576;
/** u32, and 4 bytes unused: seconds after which a pending transfer expires, 0 for never. */
export const TR_TIMEOUT = 1048584;
/** u32, in a row of an accounts file, which has no timeout: 1 where the row says whether the account may owe. */
export const TR_IS_LIMIT_STATED = 1048584;
export const TR_USER_DATA = 1048592;
export const TR_PENDING_ID = 1048608;
/** u128, in a row of an accounts file, which names no pending transfer: the account's overdraft limit. */
export const TR_OVERDRAFT_LIMIT = 1048608;
/** u32 addresses of the bytes of ids whose kind is 17–64. */
export const TR_ID_TEXT = 1048624;
export const TR_DEBIT_TEXT = 1048628;
export const TR_CREDIT_TEXT = 1048632;
export const TR_PENDING_KIND = 1048636;
/** u8: role (ROLE_*) of the field that TR_STATUS complains about, 0 for the row as a whole. */
export const TR_STATUS_ROLE = 1048637;

/** Distance of a record's extra line, valid only where a flag below says so. */
export const EXTRA_OFFSET = 2097152;
/** u64 each: the versions that the accounts must have; all bits set for any. */
export const TR_EXPECTED_DEBIT_VERSION = 2097152;
export const TR_EXPECTED_CREDIT_VERSION = 2097160;
/** u128, where a TRANSFER_ASKS flag is set: the amount as asked; TR_AMOUNT becomes what was moved. decide. */
export const TR_ASKED_AMOUNT = 2097168;
/** u32 address of the bytes of a pending transfer's id whose kind is 17–64. */
export const TR_PENDING_TEXT = 2097184;
/** u8, of a record that posts or voids: 1 where the journal has what it names as a transfer that was made. confirm. */
export const TR_PENDING_MADE = 2097192;
/**
 * u16, of a record that posts or voids: with PLAN_PART, what it leaves to the pending transfer, as JR_LEFT bits; else 0.
 * resolve.
 */
export const TR_LEFT = 2097194;
/** i32, where TR_HAS_DATE is set: the effective date, in days since 1970-01-01. */
export const TR_EFFECTIVE_DATE = 2097188;

/** Internal bits of TR_FLAGS. */
export const TR_HAS_COLD = 0x8000;
/**
 * The keys have yet to be read: the kinds are byte lengths, and TR_ID holds the address (u32) of the three ids' text,
 * one behind the other. Set by the writer of a batch, cleared by the slice's owner before it resolves the slice.
 */
export const TR_HAS_TEXT = 0x4000;
/** The record expects its accounts at versions, so its outcome depends on order; its extra line is valid. */
export const TR_HAS_EXPECTED = 0x2000;
/** The record has an effective date, in its extra line. */
export const TR_HAS_DATE = 0x1000;
export const TR_INTERNAL_FLAGS = 0xf000;
/** Flags that a caller sets; the journal keeps them. */
export const TRANSFER_LINKED = 1;
export const TRANSFER_PENDING = 2;
export const TRANSFER_POST = 4;
export const TRANSFER_VOID = 8;
export const TRANSFER_BALANCING_DEBIT = 16;
export const TRANSFER_BALANCING_CREDIT = 32;
export const TRANSFER_BALANCING = 48;
export const TRANSFER_CLOSING_DEBIT = 64;
export const TRANSFER_CLOSING_CREDIT = 128;
export const TRANSFER_CLOSING = 192;
export const TRANSFER_FLAGS_KNOWN = 255;
/** Posts or voids a pending transfer. */
export const TRANSFER_RESOLVES = 12;
/** What is moved may be other than what was asked. */
export const TRANSFER_ASKS = 60;

// Scratch of a record, 16 bytes, and one byte or word arrays. Who writes what, and in which stage, stands beside each.
export const SCRATCH_SIZE = 16;
/** u32 slots: resolve (slice owner); decide when it creates the account. */
export const SC_DEBIT_SLOT = 0;
export const SC_CREDIT_SLOT = 4;
/** u32: for a duplicate the record index in this batch; for a candidate the sequence to compare with. dedupe. */
export const SC_LINK = 8;
/** u32: address of the record's entry in the exactly-once index, or of the entry that made it a candidate. dedupe. */
export const SC_ENTRY = 12;

// States of a record (u8). resolve writes them, dedupe and confirm refine them.
/** Refused by what the record itself says; never recorded, never looks its id up. */
export const STATE_REFUSED = 0;
/** Looks its id up but is refused and not recorded where the id is unknown. */
export const STATE_PROBE_ONLY = 1;
/** Its id is new: it is recorded and gets a sequence. */
export const STATE_FRESH = 2;
/** Its id appeared earlier in this batch. */
export const STATE_DUPLICATE = 3;
/** The index holds an entry that may be its id: the journal must be asked. */
export const STATE_CANDIDATE = 4;
/** Its outcome was recorded earlier: result and sequence are final. */
export const STATE_KNOWN = 5;
/** Within resolve only: as fresh, but its accounts must be searched the long way. */
export const STATE_UNSEARCHED = 6;

// Queues, dense per slice, ordered by partition: legs by account partition, 16 bytes each; ids by id partition, as entries of
// the exactly-once index that have the record's index in place of a sequence.
export const LEG_SIZE = 16;
export const LEG_SLOT = 0;
/** u32: record index, and LEG_APPLIED while classify has the leg applied. */
export const LEG_INDEX = 4;
/** u64: the amount's low word; LEG_WIDE says that the record must be asked for the high one. */
export const LEG_AMOUNT = 8;
export const LEG_APPLIED = 0x40000000;
export const LEG_WIDE = 0x20000000;
/** The leg's transfer asks for an order: its account is contested, whatever it holds. */
export const LEG_ORDERED = 0x10000000;
export const LEG_INDEX_MASK = 0x0000ffff;

// ---------------------------------------------------------------------------------------------------------------
// Batch context: one batch's records and everything the stages need. Offsets are relative to the context.
// ---------------------------------------------------------------------------------------------------------------
/** Two u32 words a stage, a cache line each: the next unit to claim (compare-and-swap) and the units done (add). */
export const CX_STAGES = 0;
export const STAGE_STRIDE = 128;
export const STAGE_NEXT = 0;
export const STAGE_DONE = 64;

export const STAGE_BEGIN = 0;
export const STAGE_PARSE = 1;
export const STAGE_STITCH = 2;
export const STAGE_RESOLVE = 3;
export const STAGE_DEDUPE = 4;
export const STAGE_CLASSIFY = 5;
export const STAGE_RELEASE = 6;
export const STAGE_DECIDE = 7;
export const STAGE_ENCODE = 8;
export const STAGE_END = 9;
export const STAGE_COUNT = 10;

/** Scalars. The coordinator writes them before the batch starts; CX_OUT_* are written by the stage named. */
export const CX_SCALARS = 1280;
export const CX_SLICES_USED = 1280;
/** u32: PLAN_* bits. */
export const CX_PLAN = 1284;
/** u64: nanoseconds since 1970, the batch's one clock reading. */
export const CX_TIMESTAMP = 1288;
/** u64, begin: sequence of the first record that gets one. */
export const CX_BASE_SEQUENCE = 1296;
/** u64: 1-based row of the first record in its job; 0 for direct calls. */
export const CX_FIRST_ROW = 1304;
/** u32: position in the ring of chunk buffers of slice 0's chunk; slice k uses the k-th after it. */
export const CX_CHUNK_FIRST = 1312;
/** u32 addresses: the bytes to parse; the parser may look up to CX_INPUT_LIMIT to finish a row. */
export const CX_INPUT_START = 1316;
export const CX_INPUT_END = 1320;
export const CX_INPUT_LIMIT = 1324;
/** u32: 1 where CX_INPUT_LIMIT is the end of the file. */
export const CX_INPUT_FINAL = 1328;
/** u32 address, stitch: the first byte that no slice consumed. */
export const CX_OUT_CONSUMED = 1332;
/** u32, stitch: records parsed. */
export const CX_OUT_COUNT = 1336;
/**
 * u32: where in its row a too-long row stands that is being skipped, 0 where none is: at CX_INPUT_START before parse,
 * at CX_OUT_CONSUMED after stitch. Only the parser reads it; the coordinator carries it from each window to the next,
 * 0 at first. After the last window it means nothing.
 */
export const CX_SKIPPING = 1340;
/** u32, decide: records decided in order. */
export const CX_OUT_CONTESTED = 1344;
/** u32, decide: LEDGER_* fault (accounts full, text full), else 0. */
export const CX_OUT_FAULT = 1348;
/** u32, confirm: 1 once the coordinator has settled every candidate. */
export const CX_CONFIRMED = 1352;
/** u64 pair: 128-bit name hash of the job the rows belong to, 0 for direct calls. */
export const CX_JOB_LOW = 1360;
export const CX_JOB_HIGH = 1368;
/** u32: asset the amounts are written in, 0 where the caller did not say. */
export const CX_ASSET = 1376;
/** u32: index of the first record that a plan in order has not decided yet. decide. */
export const CX_ORDERED_NEXT = 1380;
/** u32: the recorded result that the batch's records get instead of being executed, 0 where they are. */
export const CX_REFUSAL = 1384;
/**
 * u32, stitch: 1 where the whole batch is one chain that may go on behind it: with PLAN_PART, a part that is not the last;
 * else a chain that fits no batch.
 */
export const CX_OUT_CHAIN_OPEN = 1388;
/** u32: with PLAN_PART, the sequence from which on transfers are legs of the chain itself; else 0. */
export const CX_CHAIN_FIRST = 1392;
/** u32: the batch's turn; see SB_TURN. */
export const CX_TURN = 1396;
export const CX_SCALARS_END = 1400;

export const PLAN_SERIAL = 1;
export const PLAN_PARSE = 2;
export const PLAN_FORMAT = 4;
export const PLAN_CREATE = 8;
/** The batch may hold chains, pending transfers and what resolves them: its records are decided before they are numbered. */
export const PLAN_ORDERED = 16;
/**
 * With PLAN_ORDERED: the batch is part of a chain that is kept or not as a whole outside, so each leg is decided alone.
 * Where the batch is parsed, it ends with the chain.
 */
export const PLAN_PART = 32;
/** With PLAN_PART: a leg was refused, in this part or one before it, so no other is executed. decide sets it, too. */
export const PLAN_LEFT = 64;

export const FAULT_ACCOUNTS_FULL = 1;
export const FAULT_TEXT_FULL = 2;

/** Slice table: 64 bytes a slice, written by the slice's owner of the stage. */
export const CX_SLICES = 2048;
export const SLICE_ENTRY_SIZE = 64;
export const SL_COUNT = 0;
/** u32: records in the slices before this one. */
export const SL_ROW_BASE = 4;
/** u32 addresses: bytes of this slice; the parser moves both to the row boundaries it found. */
export const SL_INPUT_START = 12;
export const SL_INPUT_END = 16;
/** u32: bytes in use of the slice's text arena. */
export const SL_TEXT_USED = 20;
/** u32: byte length of the slice's journal chunk, 0 where nothing was recorded. encode. */
export const SL_CHUNK_SIZE = 24;
/** u32: byte length of the slice's formatted results. encode. */
export const SL_RESULT_TEXT_SIZE = 28;
/** u32: records that must be decided in order whatever their accounts hold. resolve. */
export const SL_FORCED = 32;
/** u32: rows whose outcome this same job recorded before. encode. */
export const SL_REPLAYED = 36;
/** u32: the slice's records ended because its capacity was reached. parse. */
export const SL_FULL = 40;

/** Account partition table: 64 bytes a partition, written by the partition's owner. */
export const CX_ACCOUNT_PARTITIONS = 3072;
export const PARTITION_ENTRY_SIZE = 64;
export const AP_CONTESTED = 0;

/** Id partition table: 64 bytes a partition, written by the partition's owner. */
export const CX_ID_PARTITIONS = 5120;
export const DP_CANDIDATES = 0;
/** u16 a slice: records of the slice whose id is in this partition and new. */
export const DP_FRESH = 8;

/** Queue directories: a u16 start a slice and partition, one more as the end. */
export const CX_DEBIT_STARTS = 9216;
export const CX_CREDIT_STARTS = 10304;
export const LEG_STARTS_STRIDE = 68;
export const CX_ID_STARTS = 11392;
export const ID_STARTS_STRIDE = 132;

/** Byte arrays by record index. */
export const CX_STATE = 16384;
export const CX_CONTESTED_DEBIT = 32768;
export const CX_CONTESTED_CREDIT = 49152;
/**
 * u8: the same bytes in a plan in order: 1 where a later record of the batch has the same id (dedupe), TAKEN_LATER where a
 * leg's id was unknown when this same job first read it, and used by a later row of the job since (confirm).
 */
export const CX_REPEATED = 49152;
export const TAKEN_LATER = 2;
export const CX_RESULT = 65536;
/** u8: DETAIL_*, or with `id_already_failed` the result recorded then. */
export const CX_DETAIL = 81920;
/** The outcome is what this same job recorded before. */
export const DETAIL_REPLAYED = 255;
/** The rejection broke a chain, of which earlier transfers were undone: it can't be found again by executing it. */
export const DETAIL_BROKE_CHAIN = 254;
/**
 * u32 by record index: the sequence, 0 for none; a sequence is at least 1. Before resolve, in a job with a linked column,
 * the address of the row's first byte: parse, for stitch.
 */
export const CX_SEQUENCE = 98304;
export const CX_SCRATCH = 163840;
export const CX_DEBIT_LEGS = 425984;
export const CX_CREDIT_LEGS = 688128;
export const CX_ID_QUEUE = 950272;
export const CX_RECORDS = 1081344;
export const CX_COLD_RECORDS = 2129920;
export const CX_EXTRA_RECORDS = 3178496;
/**
 * Text arenas: ids of kinds 17–64, one arena a slice. From PENDING_TEXT_OFFSET on, each record has 64 bytes of its own for
 * the id of the pending transfer that it names.
 */
export const CX_TEXT = 4227072;
export const TEXT_ARENA_SIZE = 262144;
export const PENDING_TEXT_OFFSET = 196608;
/** Formatted results: one area a slice; a line takes at most RESULT_LINE_MAX bytes, with what is written behind it. */
export const CX_RESULT_TEXT = 8421376;
export const RESULT_LINE_MAX = 240;
export const RESULT_AREA_SIZE = 245760;
export const CONTEXT_SIZE = 12353536;

// ---------------------------------------------------------------------------------------------------------------
// Job configuration of a settlement, at JOB_CONFIG. Written by the coordinator between batches.
// ---------------------------------------------------------------------------------------------------------------
export const JC_COLUMN_COUNT = 0;
export const JC_SCALE = 4;
export const JC_ASSET = 8;
/** u32: flags of accounts that the job creates. */
export const JC_CREATE_FLAGS = 12;
/** u8: field delimiter. */
export const JC_DELIMITER = 16;
/** u8: 1 where a column holds the transfer's id. */
export const JC_HAS_ID = 17;
/** u8: 1 where every row's debit account is the one below (opening balances). */
export const JC_HAS_FIXED_DEBIT = 18;
/** u8: 1 where a column holds anything beside id, accounts and amount. */
export const JC_HAS_EXTRAS = 19;
/** u8: 1 where a column says whether the row is linked to the next one. */
export const JC_HAS_LINKED = 20;
/** u8: FORMAT_* of the rows. */
export const JC_FORMAT = 21;
export const FORMAT_CSV = 0;
export const FORMAT_NDJSON = 1;
/** u8: 1 where an empty amount is 0. */
export const JC_AMOUNT_OPTIONAL = 23;
/** u8: entries in use of JC_MEMBERS. */
export const JC_MEMBER_COUNT = 22;
/** 16 octets: prefix of derived ids; the row number is added to its last five octets. */
export const JC_ID_PREFIX = 32;
export const JC_FIXED_DEBIT_KEY = 48;
export const JC_FIXED_DEBIT_KIND = 64;
export const JC_FIXED_DEBIT_TEXT = 68;
/** u8 a column: its role. */
export const JC_ROLES = 256;
export const JC_COLUMNS_MAX = 1024;
export const ROLE_NONE = 0;
export const ROLE_ID = 1;
export const ROLE_DEBIT = 2;
export const ROLE_CREDIT = 3;
export const ROLE_AMOUNT = 4;
export const ROLE_CODE = 5;
export const ROLE_USER_DATA = 6;
/** From here on roles lie in the order of the flags: TRANSFER_LINKED is that of this one, the next bit of the next. */
export const ROLE_LINKED = 7;
export const ROLE_PENDING = 8;
export const ROLE_POST = 9;
export const ROLE_VOID = 10;
export const ROLE_BALANCING_DEBIT = 11;
export const ROLE_BALANCING_CREDIT = 12;
export const ROLE_CLOSING_DEBIT = 13;
export const ROLE_CLOSING_CREDIT = 14;
export const ROLE_TIMEOUT = 15;
export const ROLE_EXPECTED_DEBIT_VERSION = 16;
export const ROLE_EXPECTED_CREDIT_VERSION = 17;
export const ROLE_EFFECTIVE_DATE = 18;
/** Of accounts. Whether they may owe, and be owed, stands in the fields of closing transfers, which accounts lack. */
export const ROLE_OVERDRAFT_LIMIT = 19;
export const ROLE_DEBITS_MUST_NOT_EXCEED_CREDITS = 13;
export const ROLE_CREDITS_MUST_NOT_EXCEED_DEBITS = 14;
export const ROLE_COUNT = 20;
/** Names of the members of a JSON object that have a role: u8 role, u16 byte length, then the name in UTF-8. */
export const JC_MEMBERS = 1280;
export const JC_MEMBER_SIZE = 264;
export const JM_ROLE = 0;
export const JM_LENGTH = 2;
export const JM_NAME = 4;
export const MEMBER_NAME_SIZE_MAX = 256;

/** A row of more bytes than this is refused as a whole. */
export const ROW_SIZE_MAX = 1048576;

// ---------------------------------------------------------------------------------------------------------------
// Journal chunk: header, then records, then extensions. Little-endian, identical in memory and on disk.
// ---------------------------------------------------------------------------------------------------------------
export const CHUNK_MAGIC = 0x4b434c50;
export const CHUNK_VERSION = 1;
export const CHUNK_HEADER_SIZE = 96;
export const CH_MAGIC = 0;
export const CH_VERSION = 4;
export const CH_KIND = 6;
export const CH_BYTE_LENGTH = 8;
export const CH_RECORD_COUNT = 12;
export const CH_TIMESTAMP = 16;
export const CH_FIRST_SEQUENCE = 24;
export const CH_JOB_LOW = 32;
export const CH_JOB_HIGH = 40;
/** u64: row of the slice's first record (recorded or not), 0 for direct calls. */
export const CH_FIRST_ROW = 48;
/** u32: rows of the slice, recorded or not. */
export const CH_ROW_COUNT = 56;
/** u32, in the same place: bytes of the text region that the accounts of an accounts chunk take. */
export const CH_TEXT_SIZE = 56;
/** u32: slot of the first account of an accounts chunk. */
export const CH_FIRST_SLOT = 60;
/** u32: pending transfers that were made, of the chunk's records. */
export const CH_PENDING_COUNT = 64;
export const CHUNK_KIND_TRANSFERS = 1;
export const CHUNK_KIND_ACCOUNTS = 2;
/** Pending transfers have expired: no records, CH_ROW_COUNT says how many; the first so many that are due at CH_TIMESTAMP. */
export const CHUNK_KIND_EXPIRY = 3;

export const JOURNAL_RECORD_SIZE = 48;
export const JR_ID = 0;
export const JR_AMOUNT = 16;
export const JR_DEBIT_SLOT = 24;
export const JR_CREDIT_SLOT = 28;
/** u32: offset of the record's extension from the start of the chunk, 0 for none. */
export const JR_EXTENSION = 32;
/** u32: row less the chunk's first row. */
export const JR_ROW = 36;
export const JR_FLAGS = 40;
/** Bit of JR_FLAGS beside the caller's: the rejection broke a chain. */
export const JR_BROKE_CHAIN = 0x8000;
/**
 * Bits beside them, of a leg of a chain of several batches that posts or voids: what it left to the pending transfer, which
 * has filled it in. Only legs of the same chain that repeat it are compared with what it said.
 */
export const JR_LEFT_DEBIT = 0x0100;
export const JR_LEFT_CREDIT = 0x0200;
export const JR_LEFT_CODE = 0x0400;
export const JR_CODE = 42;
export const JR_RESULT = 44;
export const JR_ID_KIND = 45;

// Extension: a u32 of EX_* bits, then the fields present, in this order, each padded to 8 bytes.
export const EX_ID_TEXT = 1;
export const EX_AMOUNT_HIGH = 2;
export const EX_USER_DATA = 4;
/** The id of an account that was not found: u64 kind, then 16 bytes of key or 64 bytes of text. */
export const EX_DEBIT_ID = 8;
export const EX_CREDIT_ID = 16;
/** Two u64: the expected versions. */
export const EX_EXPECTED = 32;
/** u128: what a balancing, posting or voiding transfer asked for; JR_AMOUNT is what it moved. */
export const EX_ASKED_AMOUNT = 64;
/** Of a transfer that posts or voids: the pending one's id, in the form of EX_DEBIT_ID. */
export const EX_PENDING_ID = 128;
/** u64: seconds. */
export const EX_TIMEOUT = 256;
/** i64: days since 1970-01-01. */
export const EX_EFFECTIVE_DATE = 512;
export const EXTENSION_SIZE_MAX = 360;

/** A buffer of the chunk ring: room for a full slice with every extension. */
export const CHUNK_BUFFER_SIZE = 417920;

// Account entry of an accounts chunk: 64 bytes, then the id's text and the metadata's, each padded to 8 bytes.
export const JOURNAL_ACCOUNT_SIZE = 64;
export const JA_KEY = 0;
export const JA_OVERDRAFT_LIMIT = 16;
export const JA_USER_DATA = 32;
export const JA_FLAGS = 48;
export const JA_ASSET = 50;
export const JA_CODE = 52;
export const JA_ID_KIND = 54;
/** u32: byte length of the metadata's text, JSON in UTF-8, behind the id's text; 0 where there is none. */
export const JA_METADATA_SIZE = 56;
export const METADATA_SIZE_MAX = 65536;

// ---------------------------------------------------------------------------------------------------------------
// History index: which transfers name an account. Derived from the journal, a run of consecutive sequences at a time;
// a run's pages are a function of its part of the journal alone. `history-run.ts` writes them, `history-page.ts` reads
// them. The kernel has nothing to do with it.
// ---------------------------------------------------------------------------------------------------------------
/** Raised whenever a meaning below changes: runs of another version are built again. */
export const HISTORY_VERSION = 2;
/** Transfers of a run, as a power of two. Its highest allowed value keeps keys below 2^53. */
export const HISTORY_RUN_LOG2 = 19;
/** A key is run, slot and position in the run, from the highest bits down. */
export const HISTORY_SLOT_LOG2 = 24;
/** In place of a slot: transfers that name an account which did not exist. Above every slot. */
export const HISTORY_SLOT_MISSING = 0xffffff;
/** A page fits one leaf of the store's. */
export const HISTORY_PAGE_SIZE = 16320;
/** 8 bytes: the beginning of the SHA-256 of everything behind them. */
export const HP_CHECKSUM = 0;
export const HP_CHECKSUM_SIZE = 8;
/** u64: the lowest key that belongs here, and the first that belongs to the page behind. */
export const HP_FIRST = 8;
export const HP_NEXT = 16;
export const HISTORY_PAGE_HEADER_SIZE = 24;
/**
 * Blocks follow, in the order of their keys. A block: the slot less that of the block before (varint), u8 count of
 * postings less one, u16 byte length of the postings, postings, then the account's net amount from the run's
 * beginning through this block (zigzag varint). A posting: the position less that of the one before, doubled, and one
 * more where the transfer left posted balances as they were: it was rejected, or only reserved or released (varint).
 */
export const HISTORY_BLOCK_POSTINGS_MAX = 128;
/** Bytes that a block never exceeds. */
export const HISTORY_BLOCK_SIZE_MAX = 560;
