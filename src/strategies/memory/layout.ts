/**
 * Every offset and size of what a bank keeps in shared memory besides the engine's own structures.
 *
 * A bank is numbered accounts under one strategy. Its accounts are the engine's hot account records, and its memory
 * has the engine's superblock, so that the engine's kernel code works on it. Like the engine's layout, this file is
 * compiled by TypeScript and by AssemblyScript: integer constants only. `layout-assertions.ts` checks it.
 */

// ---------------------------------------------------------------------------------------------------------------
// Account: numbered accounts need no id, so the 16 bytes of the id's key are free for the lock.
// ---------------------------------------------------------------------------------------------------------------
/** u32, atomic. LOCK_*: who takes the lock by the strategy `mutex` writes it. */
export const AC_LOCK = 48;
export const LOCK_FREE = 0;
export const LOCK_HELD = 1;
/** Held, and somebody sleeps or is about to: whoever unlocks must wake one. */
export const LOCK_WAITED_FOR = 2;

// ---------------------------------------------------------------------------------------------------------------
// Bank header, where the engine's memory has its result names. Written by the thread that opens the bank before any
// other attaches, constant afterwards, except the words that say otherwise.
// ---------------------------------------------------------------------------------------------------------------
export const BANK = 32768;
export const BANK_SIZE = 512;
export const BANK_MAGIC = 0x4b4e4142;
export const BANK_LAYOUT_VERSION = 1;
export const BK_MAGIC = 0;
export const BK_VERSION = 4;
export const BK_ACCOUNT_COUNT = 8;
export const BK_LANES = 12;
export const BK_LANE_COUNT = 16;
export const BK_OPERATIONS = 20;
export const BK_OPERATION_CAPACITY = 24;
/** u32: looks at a taken lock before sleeping. On one event loop looking again is of no use. */
export const BK_LOCK_SPINS = 28;
/** u32 address of a batch context of the engine's, for the strategy `partitioned`; else 0. */
export const BK_CONTEXT = 32;
/** u32, atomic. The next operation of the array that nobody has claimed. */
export const BK_NEXT = 64;
/** u32, atomic. Threads that stand at the start. */
export const BK_READY = 128;
/**
 * u64, atomic. The stage that is open, for `partitioned`: a number that grows with every stage (32 bits), the stage's
 * units (16 bits), the next unit to claim (16 bits). No units: the run is over.
 */
export const BK_TICKET = 192;
export const TICKET_PHASE_SHIFT = 32;
export const TICKET_UNITS_SHIFT = 16;
export const TICKET_FIELD_MASK = 0xffff;
/** u32, atomic. Units of the open stage that are done. */
export const BK_DONE = 256;
/** u32s of the open stage: whoever opens it writes them before the ticket says so, and they stay until it is over. */
export const BK_STAGE = 320;
/** First operation of the batch, its count, and the operation before which the run ends. */
export const BK_BATCH_FIRST = 324;
export const BK_BATCH_COUNT = 328;
export const BK_RUN_END = 332;
/** Batches that are still to be executed serially before a parallel one is tried. */
export const BK_SERIAL_LEFT = 336;
export const BATCH_FILL = 1;
export const BATCH_CLASSIFY = 2;
export const BATCH_RELEASE = 3;
export const BATCH_DECIDE = 4;
export const BATCH_COLLECT = 5;
export const BATCH_SERIAL = 6;
/** As in the engine: where more than half of a batch was decided in order, the next ones run serially. */
export const SERIAL_RUN = 16;
/** Looks at the ticket before a thread sleeps until the stage is over; some 10 microseconds. */
export const TICKET_SPINS_MAX = 10000;

// ---------------------------------------------------------------------------------------------------------------
// Operation: what is asked for and what came of it, 32 bytes. Whoever asks writes the first part, whoever executes
// the operation its outcome.
// ---------------------------------------------------------------------------------------------------------------
export const OPERATION_SIZE = 32;
export const OPERATION_SIZE_LOG2 = 5;
/** u32 slots of the accounts, in the order that the kind says; NO_SLOT where it names fewer. */
export const OP_FIRST = 0;
export const OP_SECOND = 4;
export const OP_THIRD = 8;
export const OP_KIND = 12;
/** u8: result code. */
export const OP_RESULT = 13;
/** u64, minor units. */
export const OP_AMOUNT = 16;
/** i64: what was read or moved, as the kind says. */
export const OP_ANSWER = 24;

/**
 * Kinds. The first ones are transfers, and say who pays whom without looking at a balance. The others depend on what
 * they read: their accounts must be read and changed as one. `operation.ts` says what each does.
 */
export const OPERATION_TRANSFER = 0;
export const OPERATION_SEND_PAYMENT = 1;
export const OPERATION_DEPOSIT = 2;
export const OPERATION_TRANSACT_SAVINGS = 3;
export const OPERATION_BALANCE = 4;
export const OPERATION_WRITE_CHECK = 5;
export const OPERATION_AMALGAMATE = 6;
export const OPERATION_DEPENDENT_FROM = 4;
/** Minor units that a check costs on top where it exceeds what its writer has. */
export const OVERDRAFT_PENALTY = 1;

// ---------------------------------------------------------------------------------------------------------------
// Lane: one operation under way and its private copies of the accounts, 512 bytes. Only the thread that executes the
// operation touches it.
// ---------------------------------------------------------------------------------------------------------------
export const LANE_SIZE = 512;
export const LANE_SIZE_LOG2 = 9;
/** u32: the step that comes next; STEP_DONE once there is an outcome. */
export const LN_STEP = 0;
/** u32: how often the operation began again because another had been faster. */
export const LN_CONFLICTS = 4;
/** u32: how often it slept until another woke it. */
export const LN_WAITS = 8;
/** u32: result code. */
export const LN_RESULT = 12;
/** u64: what the current leg moves. */
export const LN_AMOUNT = 16;
/** u64: the word that the operation is about to change, as it read it. */
export const LN_LOADED = 24;
/** u32 address of the operation. */
export const LN_OPERATION = 32;
/** u32: accounts of the operation, 1 to 3. An account's role is its place in the operation's order. */
export const LN_ACCOUNT_COUNT = 36;
/** u32 addresses of the shared accounts by role. In a transfer the payer is the first, the payee the second. */
export const LN_ACCOUNTS = 40;
/** u32 roles in the order of their slots, for who takes something of each account that must be given back. */
export const LN_ORDER = 52;
/** The operation that a single call asks for; bulk operations stand in the array. */
export const LN_OWN_OPERATION = 64;
/** u32: totals that the operation changes: for each role a bit for its debits, then one for its credits. */
export const LN_CHANGED = 96;
/** u32: looks at a lock that are left before sleeping. */
export const LN_SPINS = 100;
/** u32 address of the word to sleep on, or on which to wake one who sleeps. */
export const LN_WORD = 104;
/** u32, atomic. GATE_*: where a worker waits between reading and writing until the coordinator lets it go on. */
export const LN_GATE = 112;
export const GATE_UNUSED = 0;
export const GATE_CLOSED = 1;
export const GATE_REACHED = 2;
export const GATE_OPEN = 3;
/** Private copies of the accounts, each laid out as an account. */
export const LN_COPIES = 128;
export const LN_COPY_COUNT = 3;
/** u64 versions by role, as they were read. */
export const LN_READ_VERSIONS = 320;
/** u32: legs that a dependent operation comes to, and which of them is next; both 0 in a transfer. */
export const LN_LEG_COUNT = 344;
export const LN_LEG_NEXT = 348;
/** u32 roles of payer and payee, u32 addresses of their shared accounts, u64 amount, u16 flags of the payer's copy. */
export const LN_LEGS = 448;
export const LN_LEG_CAPACITY = 2;
export const LEG_ENTRY_SIZE = 32;
export const LG_DEBIT_ROLE = 0;
export const LG_CREDIT_ROLE = 4;
export const LG_DEBIT = 8;
export const LG_CREDIT = 12;
export const LG_MOVES = 16;
export const LG_FLAGS = 24;
/** Counters of the thread, u64 each, on a cache line of their own. */
export const LN_COUNTERS = 384;
export const LN_COUNTERS_SIZE = 32;
export const LN_OK_COUNT = 384;
export const LN_REFUSED_COUNT = 392;
export const LN_CONFLICT_COUNT = 400;
export const LN_WAIT_COUNT = 408;

// ---------------------------------------------------------------------------------------------------------------
// Strategies by number, and steps. A step makes exactly one access to shared state and says which step comes next;
// flags say what the driver has to do first.
// ---------------------------------------------------------------------------------------------------------------
export const STRATEGY_SERIAL = 0;
export const STRATEGY_UNSAFE = 1;
export const STRATEGY_ATOMIC = 2;
export const STRATEGY_OPTIMISTIC = 3;
export const STRATEGY_MUTEX = 4;
export const STRATEGY_PARTITIONED = 5;

export const STEP_DONE = 0;
/** A step is a code, and where the protocol goes through the accounts, which of them it is at. */
export const STEP_CODE_MASK = 0x0f;
export const STEP_PLACE_SHIFT = 4;
export const STEP_MASK = 0xff;
/** The operation has read and has not yet written. */
export const STEP_GAP = 0x100;
/** Another was faster: pause before beginning again. */
export const STEP_BACK_OFF = 0x200;
/** Sleep until somebody wakes who sleeps on the word at LN_WORD, if it still says LOCK_WAITED_FOR. */
export const STEP_SLEEP = 0x400;
/** Wake one who sleeps on the word at LN_WORD. */
export const STEP_WAKE = 0x800;

/** Top bit of the version word: an operation has claimed the account (`optimistic`). */
export const VERSION_CLAIMED_BIT = 63;
/** The n-th pause of an operation takes 2^n looks at its own lane, at most 2 to this power; later ones sleep. */
export const BACK_OFF_SPINS_LOG2_MAX = 10;
/** Nanoseconds: the bound of a pause. It stays there, as often as it takes: nobody gives up. */
export const BACK_OFF_SLEEP = 50000;

/** Totals of an account stay below 2 to this power in strategies that change words on their own. */
export const TOTAL_BITS = 62;
export const BANK_ACCOUNTS_MAX = 1000000;
export const BANK_OPERATIONS_MAX = 16000000;
/** Operations of the array that a thread claims at a time. */
export const CLAIM_SIZE = 256;
