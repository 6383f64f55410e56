/**
 * Deciding a batch that may hold chains, in batch order, by one thread, before its records are numbered.
 *
 * A chain is made as a whole or not at all. What is known of its legs before it is tried decides first: the first leg
 * that is refused for what it says, or for what its id was used for, breaks it. Otherwise its legs are executed in
 * order; the first that the state refuses breaks it, is recorded, and what was executed before is undone in reverse.
 * Nothing of the other legs is recorded, so their ids are taken out of the index again.
 *
 * A chain that takes several batches is one transaction of the store, which is undone where the chain breaks. So its
 * legs are decided alone, until one is refused. Those behind it are recorded, as failed, and so are those whose ids later
 * rows of their job took: until all is undone, the journal is where a leg of a later part finds that it repeats one.
 */
import {
  EXISTS,
  LINKED_EVENT_CHAIN_OPEN,
  LINKED_EVENT_FAILED,
  OK,
} from "../core/codes";
import {
  CX_DETAIL,
  CX_ORDERED_NEXT,
  CX_PLAN,
  CX_REFUSAL,
  CX_REPEATED,
  CX_RESULT,
  CX_SLICES_USED,
  CX_STATE,
  DETAIL_BROKE_CHAIN,
  DETAIL_REPLAYED,
  PLAN_LEFT,
  PLAN_PART,
  SB_ACCOUNTS,
  SC_CREDIT_SLOT,
  SC_DEBIT_SLOT,
  SC_LINK,
  SLICE_CAPACITY_LOG2,
  STATE_DUPLICATE,
  STATE_FRESH,
  STATE_KNOWN,
  STATE_PROBE_ONLY,
  SUPERBLOCK,
  TAKEN_LATER,
  TR_AMOUNT,
  TRANSFER_LINKED,
  TRANSFER_PENDING,
  TRANSFER_POST,
  TRANSFER_RESOLVES,
} from "../core/layout";
import { accountAddress } from "./accounts";
import { compareWithEarlier, refusalIsFinal, settleDuplicate } from "./confirm";
import { amountHigh, recordAddress, recordFlags, scratchAddress, sequenceAddress, sliceCount, sliceFirst } from "./context";
import { withdrawId } from "./dedupe";
import { decideRecord } from "./execute";
import { pendingAddress, queueExpiry, removeLastPending } from "./pendings";
import { undoFlagged, undoResolving } from "./rule";

/** In place of an index: none. */
const NONE: i32 = -1;

/** Index of the first record of slice `from` or of those behind it, or NONE. */
function firstIndex(context: usize, from: u32): i32 {
  const slices = load<u32>(context, CX_SLICES_USED);
  for (let slice = from; slice < slices; slice++) {
    if (sliceCount(context, slice) > 0) return sliceFirst(slice);
  }
  return NONE;
}

/** Index of the record behind `index`, or NONE. */
function indexBehind(context: usize, index: i32): i32 {
  const slice = <u32>index >> SLICE_CAPACITY_LOG2;
  if (<u32>index + 1 < sliceFirst(slice) + sliceCount(context, slice)) return index + 1;
  return firstIndex(context, slice + 1);
}

/** Whether the record is chained to the next one of the batch. */
// @ts-ignore: decorator
@inline
function isLinked(context: usize, index: i32): bool {
  return (recordFlags(recordAddress(context, index)) & TRANSFER_LINKED) != 0;
}

/** Decides the records of a slice, and the rest of a chain that begins in it. Slices come in order, one at a time. */
export function decideOrdered(context: usize, slice: u32): void {
  if ((load<u32>(context, CX_PLAN) & PLAN_PART) != 0) {
    for (let index = sliceFirst(slice), end = index + sliceCount(context, slice); index < end; index++) {
      decideLeg(context, index);
    }
    return;
  }
  const end = sliceFirst(slice) + sliceCount(context, slice);
  let index: i32 = slice == 0 ? firstIndex(context, 0) : load<i32>(context, CX_ORDERED_NEXT);
  while (index != NONE && <u32>index < end) {
    let last = index;
    while (last != NONE && isLinked(context, last)) {
      const next = indexBehind(context, last);
      if (next == NONE) break;
      last = next;
    }
    if (last == index && !isLinked(context, index)) decideAlone(context, index);
    else if (isLinked(context, last)) leaveChain(context, index, last, last, LINKED_EVENT_CHAIN_OPEN);
    else decideChain(context, index, last);
    index = indexBehind(context, last);
  }
  store<i32>(context, index, CX_ORDERED_NEXT);
}

// @ts-ignore: decorator
@inline
function mustBeExecuted(context: usize, index: i32): bool {
  return load<u8>(context + index, CX_STATE) == STATE_FRESH && load<u8>(context + index, CX_RESULT) == OK;
}

function decideAlone(context: usize, index: i32): void {
  if (!mustBeExecuted(context, index)) return;
  decideRecord(context, index);
  queueIfPending(context, index);
}

/** Decides a leg of a part, and notes where it broke the chain. */
function decideLeg(context: usize, index: i32): void {
  const plan = load<u32>(context, CX_PLAN);
  const state = load<u8>(context + index, CX_STATE);
  if (state == STATE_DUPLICATE) {
    compareWithEarlier(context, index);
    store<u8>(context + index, STATE_PROBE_ONLY, CX_STATE);
  } else if (state == STATE_FRESH && refusalIsFinal(load<u8>(context + index, CX_RESULT))) {
    // A later row of the job took its id. It is journaled for legs that repeat it, and then known again: see `encode`.
    // Not where a leg of this part repeats it, which breaks the chain whatever is known of this one.
    store<u32>(scratchAddress(context, index), load<u32>(sequenceAddress(context, index)), SC_LINK);
  } else if (state == STATE_FRESH && (plan & PLAN_LEFT) != 0) {
    store<u8>(context + index, LINKED_EVENT_FAILED, CX_RESULT);
    return;
  } else if (state == STATE_FRESH && load<u32>(context, CX_REFUSAL) != OK) {
    store<u8>(context + index, load<u32>(context, CX_REFUSAL), CX_RESULT);
    store<u8>(context + index, <u8>DETAIL_BROKE_CHAIN, CX_DETAIL);
  } else {
    decideAlone(context, index);
  }
  const result = load<u8>(context + index, CX_RESULT);
  if (result != OK && result != EXISTS) store<u32>(context, plan | PLAN_LEFT, CX_PLAN);
}

/** Queues what a record has reserved to expire. */
function queueIfPending(context: usize, index: i32): void {
  if (load<u8>(context + index, CX_RESULT) != OK) return;
  if ((recordFlags(recordAddress(context, index)) & TRANSFER_PENDING) == 0) return;
  queueExpiry(load<u32>(scratchAddress(context, index), SC_LINK));
}

/**
 * Whether the outcome of a leg of the chain that begins at `first` was settled before the chain is tried; a duplicate's
 * is found out now. One that repeats a leg of the same chain repeats what would have been made.
 */
function isSettled(context: usize, first: i32, index: i32): bool {
  const state = load<u8>(context + index, CX_STATE);
  if (state == STATE_DUPLICATE) {
    if (load<u32>(scratchAddress(context, index), SC_LINK) >= <u32>first) compareWithEarlier(context, index);
    else settleDuplicate(context, index);
  }
  return state != STATE_FRESH;
}

/** Whether a settled leg says that the chain, of which it was a leg, was made before. */
function wasMade(context: usize, index: i32): bool {
  const result = load<u8>(context + index, CX_RESULT);
  if (result == OK) return load<u8>(context + index, CX_DETAIL) == DETAIL_REPLAYED;
  return result == EXISTS;
}

/** Whether the leg is a rejection that this same job recorded before. */
function isReplayed(context: usize, index: i32): bool {
  return load<u8>(context + index, CX_DETAIL) == DETAIL_REPLAYED && load<u8>(context + index, CX_RESULT) != OK;
}

// @ts-ignore: decorator
@inline
function isTakenLater(context: usize, index: i32): bool {
  return load<u8>(context + index, CX_REPEATED) == TAKEN_LATER;
}

/**
 * Whether a leg whose id a later row of the job has used since repeats a leg of its own chain. Then that is what was wrong
 * with it when the job first read it, and is made its outcome.
 */
function repeatsLeg(context: usize, first: i32, index: i32): bool {
  const sequence = load<u32>(sequenceAddress(context, index));
  for (let earlier = first; earlier != index; earlier = indexBehind(context, earlier)) {
    // What was refused for what it says had left its id unknown.
    if (!isTakenLater(context, earlier) || load<u8>(context + earlier, CX_STATE) != STATE_KNOWN) continue;
    if (load<u32>(sequenceAddress(context, earlier)) != sequence) continue;
    store<u32>(scratchAddress(context, index), earlier, SC_LINK);
    compareWithEarlier(context, index);
    store<u8>(context + index, 0, CX_DETAIL);
    store<u8>(context + index, STATE_DUPLICATE, CX_STATE);
    return true;
  }
  return false;
}

function decideChain(context: usize, first: i32, last: i32): void {
  let breaker = NONE;
  let takenLater = NONE;
  let isRepeated = true;
  for (let index = first; ; index = indexBehind(context, index)) {
    const settled = isSettled(context, first, index);
    const repeats = settled && isTakenLater(context, index) && repeatsLeg(context, first, index);
    if (settled && isTakenLater(context, index) && load<u8>(context + index, CX_STATE) == STATE_KNOWN) {
      if (takenLater == NONE) takenLater = index;
    } else if (settled && (breaker == NONE || (isReplayed(context, index) && !isReplayed(context, breaker)))) {
      // What this same job recorded before broke the chain then, whatever has been done with other ids since.
      breaker = index;
    }
    if (!settled || repeats || !wasMade(context, index)) isRepeated = false;
    if (index == last) break;
  }
  if (isRepeated) return;
  // It broke the chain only if nothing else does: the chain says something else than when this job first read it.
  if (breaker == NONE) breaker = takenLater;
  if (breaker != NONE) {
    // A leg that this job made before, in a chain that said something else then.
    const result: u32 = load<u8>(context + breaker, CX_RESULT);
    leaveChain(context, first, last, breaker, result == OK ? <u32>EXISTS : result);
    return;
  }
  for (let index = first; ; index = indexBehind(context, index)) {
    // A record may have been refused by the state when it was resolved: an account that does not exist.
    if (load<u8>(context + index, CX_RESULT) == OK) decideRecord(context, index);
    if (load<u8>(context + index, CX_RESULT) != OK) {
      undoLegs(context, first, index);
      store<u8>(context + index, <u8>DETAIL_BROKE_CHAIN, CX_DETAIL);
      leaveChain(context, first, last, index, load<u8>(context + index, CX_RESULT));
      return;
    }
    if (index == last) break;
  }
  for (let index = first; ; index = indexBehind(context, index)) {
    queueIfPending(context, index);
    if (index == last) break;
  }
}

/** Undoes the legs from `first` to the one before `end`, which were executed, the last one first. */
function undoLegs(context: usize, first: i32, end: i32): void {
  const accounts: usize = load<u32>(SUPERBLOCK, SB_ACCOUNTS);
  for (let index = end - 1; index >= first; index--) {
    // Between two slices lie indices of no record.
    const slice = <u32>index >> SLICE_CAPACITY_LOG2;
    if (<u32>index >= sliceFirst(slice) + sliceCount(context, slice)) continue;
    const record = recordAddress(context, index);
    const scratch = scratchAddress(context, index);
    const flags = recordFlags(record);
    const debit = accountAddress(accounts, load<u32>(scratch, SC_DEBIT_SLOT));
    const credit = accountAddress(accounts, load<u32>(scratch, SC_CREDIT_SLOT));
    const low = load<u64>(record, TR_AMOUNT);
    const high = amountHigh(record);
    if ((flags & TRANSFER_RESOLVES) != 0) {
      const pending = pendingAddress(load<u32>(scratch, SC_LINK));
      undoResolving(pending, debit, credit, (flags & TRANSFER_POST) != 0, low, high);
    } else {
      undoFlagged(debit, credit, flags, low, high);
      if ((flags & TRANSFER_PENDING) != 0) removeLastPending();
    }
  }
}

/** Leaves a chain unmade: `breaker` with its result, the others as failed with it. */
function leaveChain(context: usize, first: i32, last: i32, breaker: i32, result: u32): void {
  for (let index = first; ; index = indexBehind(context, index)) {
    leaveLeg(context, last, index, index == breaker, result);
    if (index == last) break;
  }
}

function leaveLeg(context: usize, last: i32, index: i32, isBreaker: bool, result: u32): void {
  const state = load<u8>(context + index, CX_STATE);
  if (isBreaker) store<u8>(context + index, result, CX_RESULT);
  if (state == STATE_FRESH) {
    // The one that the state refused is recorded.
    if (isBreaker && !refusalIsFinal(result)) return;
    withdrawId(context, index, heirOf(context, index, last));
  } else if (isBreaker && result != LINKED_EVENT_CHAIN_OPEN && isKept(context, index, state)) {
    return;
  }
  if (!isBreaker) {
    store<u8>(context + index, LINKED_EVENT_FAILED, CX_RESULT);
    store<u8>(context + index, 0, CX_DETAIL);
  }
  store<u8>(context + index, STATE_PROBE_ONLY, CX_STATE);
}

/** Whether a breaker's outcome stands as it is: of a duplicate only while what it repeats is recorded. */
function isKept(context: usize, index: i32, state: u32): bool {
  if (state == STATE_KNOWN) return true;
  if (state != STATE_DUPLICATE) return false;
  const earlier = load<u32>(scratchAddress(context, index), SC_LINK);
  return load<u8>(context + earlier, CX_STATE) == STATE_FRESH;
}

/**
 * The record behind the chain that takes over the id of a leg that is not recorded: the first that repeats it and can
 * be recorded. What else repeats it, repeats that one from now on.
 */
function heirOf(context: usize, index: i32, last: i32): i32 {
  if (load<u8>(context + index, CX_REPEATED) == 0) return NONE;
  let heir = NONE;
  for (let later = indexBehind(context, last); later != NONE; later = indexBehind(context, later)) {
    const scratch = scratchAddress(context, later);
    if (load<u8>(context + later, CX_STATE) != STATE_DUPLICATE || load<u32>(scratch, SC_LINK) != <u32>index) continue;
    if (heir != NONE) {
      store<u32>(scratch, heir, SC_LINK);
      store<u8>(context + heir, 1, CX_REPEATED);
    } else if (refusalIsFinal(load<u8>(context + later, CX_RESULT))) {
      // It was refused for what it says, which counts now that its id is unknown.
      store<u8>(context + later, STATE_PROBE_ONLY, CX_STATE);
    } else {
      heir = later;
      store<u8>(context + later, STATE_FRESH, CX_STATE);
    }
  }
  return heir;
}
