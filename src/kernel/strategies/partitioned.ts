/**
 * The strategy `partitioned`: the engine's own stages over batches of the array, with the look-ups left out because
 * accounts are numbered. Work is claimed by partition of accounts, so a word of memory has one writer at a time.
 *
 *   fill      slices      operations become records with their slots; legs are queued by account partition
 *   classify  partitions  apply every leg that no order can refuse; mark what order decides
 *   release   partitions  take contested operations' legs back   (only if there are any)
 *   decide    one unit    execute the contested in batch order   (only if there are any)
 *   collect   slices      results go back to the operations
 *
 * An operation that depends on what it reads is contested, and so is every transfer that touches one of its accounts.
 * The stage that is open is one word, the ticket; its units are claimed by compare-and-swap, and whoever finishes the
 * last one opens the next stage. A thread that comes late finds everything claimed, and one that never comes is not
 * missed. A stage's text is the engine's wherever the engine has one.
 */
import { OK } from "../../core/codes";
import {
  AC_CONTESTED,
  ACCOUNT_PARTITIONS,
  BATCH_CAPACITY,
  CX_CONTESTED_CREDIT,
  CX_CONTESTED_DEBIT,
  CX_OUT_CONTESTED,
  CX_RESULT,
  CX_SLICES_USED,
  CX_STATE,
  NO_SLOT,
  SB_ACCOUNTS,
  SC_CREDIT_SLOT,
  SC_DEBIT_SLOT,
  SCRATCH_SIZE,
  SL_COUNT,
  SL_FORCED,
  SLICE_CAPACITY,
  SLICE_CAPACITY_LOG2,
  STATE_FRESH,
  STATE_REFUSED,
  SUPERBLOCK,
  TR_AMOUNT,
} from "../../core/layout";
import {
  BANK,
  BATCH_CLASSIFY,
  BATCH_COLLECT,
  BATCH_DECIDE,
  BATCH_FILL,
  BATCH_RELEASE,
  BATCH_SERIAL,
  BK_BATCH_COUNT,
  BK_BATCH_FIRST,
  BK_CONTEXT,
  BK_DONE,
  BK_OPERATIONS,
  BK_RUN_END,
  BK_SERIAL_LEFT,
  BK_STAGE,
  BK_TICKET,
  OP_AMOUNT,
  OP_FIRST,
  OP_KIND,
  OP_RESULT,
  OP_SECOND,
  OP_THIRD,
  OPERATION_SIZE,
  OPERATION_SIZE_LOG2,
  SERIAL_RUN,
  TICKET_FIELD_MASK,
  TICKET_PHASE_SHIFT,
  TICKET_SPINS_MAX,
  TICKET_UNITS_SHIFT,
} from "../../strategies/memory/layout";
import { accountAddress } from "../accounts";
import { isContested, recordAddress, scratchAddress, sliceCount, sliceEntry, sliceFirst } from "../context";
import { classify, decideContested, hasContested, markContested, release } from "../execute";
import { clearLegCounts, countLegs, queueLegs } from "../resolve";
import { contradiction, isDependent, paysSecond } from "./lane";
import { countOutcomes, executeInOrder, executeOperation } from "./serial";
import { sleepOn } from "./sleep";

/** Address of the batch's operation with this index. */
// @ts-ignore: decorator
@inline
function operationAddress(index: u32): usize {
  const first = load<u32>(BANK, BK_BATCH_FIRST);
  return <usize>load<u32>(BANK, BK_OPERATIONS) + (<usize>(first + index) << OPERATION_SIZE_LOG2);
}

/** Makes the operations of the array from `first` to before `end` a run, before any thread is told to join. */
export function openRun(first: u32, end: u32): void {
  store<u32>(BANK, end, BK_RUN_END);
  store<u32>(BANK, 0, BK_SERIAL_LEFT);
  openBatch(first);
}

/** Opens the stage: from here on anybody may claim its units. Alone: the stage before is over. */
function openStage(stage: u32, units: u32): void {
  store<u32>(BANK, stage, BK_STAGE);
  atomic.store<u32>(BANK, 0, BK_DONE);
  const phase = (atomic.load<u64>(BANK, BK_TICKET) >> TICKET_PHASE_SHIFT) + 1;
  atomic.store<u64>(BANK, (phase << TICKET_PHASE_SHIFT) | (<u64>units << TICKET_UNITS_SHIFT), BK_TICKET);
  atomic.notify(BANK + BK_TICKET, -1);
}

/** Opens the batch that begins at this operation, or ends the run. */
function openBatch(first: u32): void {
  const end = load<u32>(BANK, BK_RUN_END);
  if (first >= end) return openStage(0, 0);
  const count = min<u32>(BATCH_CAPACITY, end - first);
  store<u32>(BANK, first, BK_BATCH_FIRST);
  store<u32>(BANK, count, BK_BATCH_COUNT);
  const serialLeft = load<u32>(BANK, BK_SERIAL_LEFT);
  if (serialLeft != 0) {
    store<u32>(BANK, serialLeft - 1, BK_SERIAL_LEFT);
    return openStage(BATCH_SERIAL, 1);
  }
  const slices = (count + SLICE_CAPACITY - 1) >> SLICE_CAPACITY_LOG2;
  store<u32>(load<u32>(BANK, BK_CONTEXT), slices, CX_SLICES_USED);
  openStage(BATCH_FILL, slices);
}

/** The open stage is over: opens the next one. Called by whoever finished its last unit. */
function openNext(): void {
  const context: usize = load<u32>(BANK, BK_CONTEXT);
  const slices = load<u32>(context, CX_SLICES_USED);
  switch (load<u32>(BANK, BK_STAGE)) {
    case BATCH_FILL:
      return openStage(BATCH_CLASSIFY, ACCOUNT_PARTITIONS);
    case BATCH_CLASSIFY:
      return hasContested(context) ? openStage(BATCH_RELEASE, ACCOUNT_PARTITIONS) : openStage(BATCH_COLLECT, slices);
    case BATCH_RELEASE:
      return openStage(BATCH_DECIDE, 1);
    case BATCH_DECIDE:
      if (load<u32>(context, CX_OUT_CONTESTED) * 2 > load<u32>(BANK, BK_BATCH_COUNT)) {
        store<u32>(BANK, SERIAL_RUN, BK_SERIAL_LEFT);
      }
      return openStage(BATCH_COLLECT, slices);
    default:
      return openBatch(load<u32>(BANK, BK_BATCH_FIRST) + load<u32>(BANK, BK_BATCH_COUNT));
  }
}

/** Claims and executes one unit. Returns 1 if it did, 0 where no unit is left in the open stage, -1 after the run. */
export function runUnit(lane: usize): i32 {
  const ticket = atomic.load<u64>(BANK, BK_TICKET);
  const units = <u32>(ticket >> TICKET_UNITS_SHIFT) & TICKET_FIELD_MASK;
  const unit = <u32>ticket & TICKET_FIELD_MASK;
  if (units == 0) return -1;
  if (unit >= units) return 0;
  if (atomic.cmpxchg<u64>(BANK, ticket, ticket + 1, BK_TICKET) != ticket) return 1;
  execute(lane, unit);
  const done: u32 = atomic.add<u32>(BANK, 1, BK_DONE);
  if (done + 1 == units) openNext();
  return 1;
}

/** Takes part in the run until it is over. */
export function runPartitioned(lane: usize): void {
  let spins: u32 = 0;
  while (true) {
    const outcome = runUnit(lane);
    if (outcome < 0) return;
    if (outcome > 0) {
      spins = 0;
      continue;
    }
    spins++;
    if (spins > <u32>TICKET_SPINS_MAX) sleepUntilNextStage();
  }
}

/** Sleeps while the ticket says that every unit of its stage has been claimed. */
function sleepUntilNextStage(): void {
  const seen = atomic.load<u32>(BANK, BK_TICKET);
  const units = (seen >> TICKET_UNITS_SHIFT) & TICKET_FIELD_MASK;
  if (units != 0 && (seen & TICKET_FIELD_MASK) >= units) sleepOn(BANK + BK_TICKET, seen);
}

function execute(lane: usize, unit: u32): void {
  const context: usize = load<u32>(BANK, BK_CONTEXT);
  switch (load<u32>(BANK, BK_STAGE)) {
    case BATCH_FILL:
      return fill(context, unit);
    case BATCH_CLASSIFY:
      return classifyPartition(context, unit);
    case BATCH_RELEASE:
      return release(context, unit);
    case BATCH_DECIDE:
      return decide(lane, context);
    case BATCH_COLLECT:
      return collect(lane, context, unit);
    default:
      return executeSerially(lane);
  }
}

/** Operations that depend on what they read are forced into the order of the batch. */
function hasForced(context: usize): bool {
  let forced: u32 = 0;
  for (let slice: u32 = 0, slices = load<u32>(context, CX_SLICES_USED); slice < slices; slice++) {
    forced |= load<u32>(sliceEntry(context, slice), SL_FORCED);
  }
  return forced != 0;
}

/** Stage fill, one slice: records, slots and queues of legs. */
function fill(context: usize, slice: u32): void {
  const first = sliceFirst(slice);
  const count = min<u32>(SLICE_CAPACITY, load<u32>(BANK, BK_BATCH_COUNT) - first);
  memory.fill(context + CX_CONTESTED_DEBIT + first, 0, SLICE_CAPACITY);
  memory.fill(context + CX_CONTESTED_CREDIT + first, 0, SLICE_CAPACITY);
  clearLegCounts(context, slice);
  let forced: u32 = 0;
  let operation = operationAddress(first);
  let scratch = scratchAddress(context, first);
  for (let i = first, end = first + count; i < end; i++) {
    const kind = load<u8>(operation, OP_KIND);
    if (isDependent(kind)) {
      forced++;
      fillDependent(context, i, operation, scratch);
    } else {
      fillTransfer(context, slice, i, operation, scratch, kind);
    }
    operation += OPERATION_SIZE;
    scratch += SCRATCH_SIZE;
  }
  store<u32>(sliceEntry(context, slice), count, SL_COUNT);
  store<u32>(sliceEntry(context, slice), forced, SL_FORCED);
  queueLegs(context, slice, first, count);
}

// @ts-ignore: decorator
@inline
function fillTransfer(context: usize, slice: u32, index: u32, operation: usize, scratch: usize, kind: u32): void {
  const first = load<u32>(operation, OP_FIRST);
  const second = load<u32>(operation, OP_SECOND);
  const amount = load<i64>(operation, OP_AMOUNT);
  const refusal = contradiction(first, second, amount);
  const isReversed = paysSecond(kind, amount);
  const debit = isReversed ? second : first;
  const credit = isReversed ? first : second;
  store<u32>(scratch, debit, SC_DEBIT_SLOT);
  store<u32>(scratch, credit, SC_CREDIT_SLOT);
  if (refusal == OK) countLegs(context, slice, debit, credit);
  store<u64>(recordAddress(context, index), amount < 0 ? -amount : amount, TR_AMOUNT);
  store<u8>(context + index, refusal == OK ? STATE_FRESH : STATE_REFUSED, CX_STATE);
  store<u8>(context + index, refusal, CX_RESULT);
}

/** It has no legs before it is decided; its accounts are contested. Every thread that marks one writes the same byte. */
function fillDependent(context: usize, index: u32, operation: usize, scratch: usize): void {
  store<u32>(scratch, NO_SLOT, SC_DEBIT_SLOT);
  store<u32>(scratch, NO_SLOT, SC_CREDIT_SLOT);
  store<u8>(context + index, STATE_FRESH, CX_STATE);
  store<u8>(context + index, OK, CX_RESULT);
  store<u8>(context + index, 1, CX_CONTESTED_DEBIT);
  setContested(operation, 1);
}

/** Marks the accounts that a dependent operation names as contested, or as not. */
function setContested(operation: usize, contested: u32): void {
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  for (let field: usize = OP_FIRST; field <= <usize>OP_THIRD; field += 4) {
    const slot = load<u32>(operation + field);
    if (slot != <u32>NO_SLOT) store<u8>(accountAddress(accounts, slot), contested, AC_CONTESTED);
  }
}

/** Stage classify, one partition. */
function classifyPartition(context: usize, partition: u32): void {
  classify(context, partition);
  // Accounts that fill has marked are no discovery of classify's.
  if (hasForced(context)) markContested(context, partition);
}

/** Stage decide: in batch order, while nobody else has work. */
function decide(lane: usize, context: usize): void {
  if (!hasForced(context)) return decideContested(context);
  const count = load<u32>(BANK, BK_BATCH_COUNT);
  let decided: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    if (load<u8>(context + i, CX_STATE) != STATE_FRESH || !isContested(context, i)) continue;
    const operation = operationAddress(i);
    if (isDependent(load<u8>(operation, OP_KIND))) setContested(operation, 0);
    store<u8>(context + i, executeOperation(lane, operation), CX_RESULT);
    decided++;
  }
  store<u32>(context, decided, CX_OUT_CONTESTED);
}

/** Stage collect, one slice: results go back to the operations and are counted. */
function collect(lane: usize, context: usize, slice: u32): void {
  const first = sliceFirst(slice);
  const count = sliceCount(context, slice);
  let ok: u32 = 0;
  let operation = operationAddress(first);
  for (let i = first, end = first + count; i < end; i++) {
    const result = load<u8>(context + i, CX_RESULT);
    store<u8>(operation, result, OP_RESULT);
    ok += <u32>(result == OK);
    operation += OPERATION_SIZE;
  }
  countOutcomes(lane, ok, count - ok);
}

/** A batch of which too much depends on order: all of it, in order, straight from the array. */
function executeSerially(lane: usize): void {
  executeInOrder(lane, operationAddress(0), load<u32>(BANK, BK_BATCH_COUNT));
}
