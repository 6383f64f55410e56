/**
 * The protocol `optimistic`: read with versions, decide on copies, then claim what is to be written by
 * compare-and-swap of its version, and begin again where somebody was faster.
 *
 * The version word is a sequence lock: its top bit says that the account is being written. Claims are made in slot
 * order, and nobody waits for one while holding another: a claim that fails gives the earlier ones back. What was read
 * and is not written is checked again after the claims, so the operation takes effect at that moment as a whole
 * (the commit protocol of Silo: Tu, Zheng, Kohler, Liskov, Madden, SOSP 2013). A refusal, too, counts only if everything
 * it was decided on is still as it was read.
 *
 * A claim fails only because another operation holds or has changed the account, and of those that hold something, the
 * one with the greatest slot is not kept out by anybody. So some operation always gets through; which one is not fair,
 * and the pauses, which grow with each conflict up to a bound, make it unlikely that one loses for long.
 */
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED, AC_VERSION } from "../../core/layout";
import {
  LN_ACCOUNT_COUNT,
  LN_CHANGED,
  LN_READ_VERSIONS,
  STEP_BACK_OFF,
  STEP_CODE_MASK,
  STEP_DONE,
  STEP_GAP,
  STEP_PLACE_SHIFT,
  VERSION_WRITING_BIT,
} from "../../strategies/memory/layout";
import { changedPlace, changedPlaceBefore, changedRole, nextTotal, NONE, totalSide, unchangedRole } from "./changes";
import { at, copyOf, countConflict, end, roleAt, sharedOf } from "./lane";
import { decide } from "./operation";

const READ_VERSION: u32 = 1;
const READ_CREDITS: u32 = 2;
const READ_DEBITS: u32 = 3;
const CLAIM: u32 = 4;
const GIVE_BACK: u32 = 5;
const VALIDATE: u32 = 6;
const WRITE: u32 = 7;
const PUBLISH: u32 = 8;

export const OPTIMISTIC_FIRST: u32 = READ_VERSION;

const WRITING: u64 = <u64>1 << VERSION_WRITING_BIT;

// @ts-ignore: decorator
@inline
function readVersion(lane: usize, role: u32): u64 {
  return load<u64>(lane + (<usize>role << 3), LN_READ_VERSIONS);
}

/** The step after all claims, or after a check: the next check of what is only read, then writing, if anything. */
// @ts-ignore: decorator
@inline
function checked(lane: usize, changed: u32, role: u32): u32 {
  const next = unchangedRole(lane, changed, role);
  if (next != NONE) return at(VALIDATE, next);
  return changed != 0 ? at(WRITE, nextTotal(changed, 0)) : STEP_DONE;
}

/** Another was faster: gives claims back, the last one before `place` first, then begins again. */
function giveWay(lane: usize, changed: u32, place: u32): u32 {
  const claimed = changedPlaceBefore(lane, changed, place);
  if (claimed != NONE) return at(GIVE_BACK, claimed);
  countConflict(lane);
  return at(READ_VERSION, 0) | STEP_BACK_OFF;
}

// @ts-ignore: decorator
@inline
export function optimisticStep(lane: usize, step: u32): u32 {
  // A role while reading, checking and publishing; a place in the order of slots while claiming; a total while writing.
  const place = step >> STEP_PLACE_SHIFT;
  switch (step & STEP_CODE_MASK) {
    case READ_VERSION: {
      const version = atomic.load<u64>(sharedOf(lane, place), AC_VERSION);
      if ((version & WRITING) != 0) {
        countConflict(lane);
        return at(READ_VERSION, place) | STEP_BACK_OFF;
      }
      store<u64>(lane + (<usize>place << 3), version, LN_READ_VERSIONS);
      store<u64>(copyOf(lane, place), version, AC_VERSION);
      return at(READ_CREDITS, place);
    }
    case READ_CREDITS:
      store<u64>(copyOf(lane, place), atomic.load<u64>(sharedOf(lane, place), AC_CREDITS_POSTED), AC_CREDITS_POSTED);
      return at(READ_DEBITS, place);
    case READ_DEBITS: {
      store<u64>(copyOf(lane, place), atomic.load<u64>(sharedOf(lane, place), AC_DEBITS_POSTED), AC_DEBITS_POSTED);
      if (place + 1 < load<u32>(lane, LN_ACCOUNT_COUNT)) return at(READ_VERSION, place + 1);
      end(lane, decide(lane));
      const first = changedPlace(lane, load<u32>(lane, LN_CHANGED), 0);
      return (first != NONE ? at(CLAIM, first) : at(VALIDATE, 0)) | STEP_GAP;
    }
    case CLAIM: {
      const changed = load<u32>(lane, LN_CHANGED);
      const role = roleAt(lane, place);
      const version = readVersion(lane, role);
      if (atomic.cmpxchg<u64>(sharedOf(lane, role), version, version | WRITING, AC_VERSION) != version) {
        return giveWay(lane, changed, place);
      }
      const next = changedPlace(lane, changed, place + 1);
      return next != NONE ? at(CLAIM, next) : checked(lane, changed, 0);
    }
    case GIVE_BACK: {
      const role = roleAt(lane, place);
      atomic.store<u64>(sharedOf(lane, role), readVersion(lane, role), AC_VERSION);
      return giveWay(lane, load<u32>(lane, LN_CHANGED), place);
    }
    case VALIDATE: {
      const changed = load<u32>(lane, LN_CHANGED);
      const version = atomic.load<u64>(sharedOf(lane, place), AC_VERSION);
      if (version == readVersion(lane, place)) return checked(lane, changed, place + 1);
      return giveWay(lane, changed, load<u32>(lane, LN_ACCOUNT_COUNT));
    }
    case WRITE: {
      const changed = load<u32>(lane, LN_CHANGED);
      const side = totalSide(place);
      atomic.store<u64>(sharedOf(lane, place >> 1) + side, load<u64>(copyOf(lane, place >> 1) + side));
      const next = nextTotal(changed, place + 1);
      return next != NONE ? at(WRITE, next) : at(PUBLISH, changedRole(changed, 0));
    }
    default: {
      atomic.store<u64>(sharedOf(lane, place), load<u64>(copyOf(lane, place), AC_VERSION), AC_VERSION);
      const next = changedRole(load<u32>(lane, LN_CHANGED), place + 1);
      return next != NONE ? at(PUBLISH, next) : STEP_DONE;
    }
  }
}

/** The steps of the usual transfer in a row: a guess for the compiler, see `run.ts`. Returns the step that comes next. */
// @ts-ignore: decorator
@inline
export function optimisticUsual(lane: usize, first: u32): u32 {
  if (first != at(READ_VERSION, 0)) return first;
  let next = optimisticStep(lane, at(READ_VERSION, 0)) & ~STEP_GAP;
  if (next != at(READ_CREDITS, 0)) return next;
  next = optimisticStep(lane, at(READ_CREDITS, 0)) & ~STEP_GAP;
  if (next != at(READ_DEBITS, 0)) return next;
  next = optimisticStep(lane, at(READ_DEBITS, 0)) & ~STEP_GAP;
  if (next != at(READ_VERSION, 1)) return next;
  next = optimisticStep(lane, at(READ_VERSION, 1)) & ~STEP_GAP;
  if (next != at(READ_CREDITS, 1)) return next;
  next = optimisticStep(lane, at(READ_CREDITS, 1)) & ~STEP_GAP;
  if (next != at(READ_DEBITS, 1)) return next;
  next = optimisticStep(lane, at(READ_DEBITS, 1)) & ~STEP_GAP;
  if (next != at(CLAIM, 0)) return next;
  next = optimisticStep(lane, at(CLAIM, 0)) & ~STEP_GAP;
  if (next != at(CLAIM, 1)) return next;
  next = optimisticStep(lane, at(CLAIM, 1)) & ~STEP_GAP;
  if (next != at(WRITE, 0)) return next;
  next = optimisticStep(lane, at(WRITE, 0)) & ~STEP_GAP;
  if (next != at(WRITE, 3)) return next;
  next = optimisticStep(lane, at(WRITE, 3)) & ~STEP_GAP;
  if (next != at(PUBLISH, 0)) return next;
  next = optimisticStep(lane, at(PUBLISH, 0)) & ~STEP_GAP;
  if (next != at(PUBLISH, 1)) return next;
  next = optimisticStep(lane, at(PUBLISH, 1)) & ~STEP_GAP;
  return next;
}
