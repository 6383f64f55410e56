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
/** u32, atomic. The next operation of the array that nobody has claimed. */
export const BK_NEXT = 64;
/** u32, atomic. Threads that stand at the start. */
export const BK_READY = 128;

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

/** Moves the amount from the first account to the second. */
export const KIND_TRANSFER = 0;

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
/** u32: result code. */
export const LN_RESULT = 8;
/** u32 address of the operation. */
export const LN_OPERATION = 12;
/** u64: what the current leg moves. */
export const LN_AMOUNT = 16;
/** u64: the word that the operation is about to change, as it read it. */
export const LN_LOADED = 24;
/** u32 addresses of the shared accounts of the leg. */
export const LN_DEBIT = 32;
export const LN_CREDIT = 36;
/** The operation that a single call asks for; bulk operations stand in the array. */
export const LN_OWN_OPERATION = 64;
/** u32, atomic. GATE_*: where a worker waits between reading and writing until the coordinator lets it go on. */
export const LN_GATE = 96;
export const GATE_UNUSED = 0;
export const GATE_CLOSED = 1;
export const GATE_REACHED = 2;
export const GATE_OPEN = 3;
/** Private copies of the accounts, each laid out as an account. */
export const LN_COPIES = 128;
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

export const STEP_DONE = 0;
export const STEP_MASK = 0xff;
/** The operation has read and has not yet written. */
export const STEP_GAP = 0x100;
/** Another was faster: pause before beginning again. */
export const STEP_BACK_OFF = 0x200;

/** Totals of an account stay below 2 to this power in strategies that change words on their own. */
export const TOTAL_BITS = 62;
export const BANK_ACCOUNTS_MAX = 1000000;
export const BANK_OPERATIONS_MAX = 16000000;
/** Operations of the array that a thread claims at a time. */
export const CLAIM_SIZE = 256;
