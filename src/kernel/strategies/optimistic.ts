/**
 * The protocol `optimistic`: read with versions, decide on copies, then claim what is to be written by
 * compare-and-swap of its version, and begin again where somebody was faster.
 *
 * The version word is a sequence lock: its top bit says that the account is claimed. An operation that changes anything
 * claims all its accounts, in slot order, each only from the version at which it was read; so once it holds them all,
 * everything it has decided on is as it was read (optimistic concurrency control: Kung and Robinson, ACM TODS 1981).
 * Nobody waits for an account while holding another: a claim that fails gives the earlier ones back. One that changes
 * nothing, because it only reads or is refused, claims nothing and looks at its versions once more.
 *
 * A claim fails because another operation has changed the account or holds it, and whoever holds the greatest slot of
 * all that is held can only be kept out by one that has changed something. So some operation always gets through.
 * Which one is not fair; the pauses, which grow with each conflict up to a bound, make it unlikely that one loses long.
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
  VERSION_CLAIMED_BIT,
} from "../../strategies/memory/layout";
import { nextTotal, NONE, totalSide } from "./changes";
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

const CLAIMED: u64 = <u64>1 << VERSION_CLAIMED_BIT;

// @ts-ignore: decorator
@inline
function readVersion(lane: usize, role: u32): u64 {
  return load<u64>(lane + (<usize>role << 3), LN_READ_VERSIONS);
}

/** Another was faster: gives the claims before `place` back, the last one first, then begins again. */
function giveWay(lane: usize, place: u32): u32 {
  if (place > 0) return at(GIVE_BACK, place - 1);
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
      if ((version & CLAIMED) != 0) {
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
      return at(load<u32>(lane, LN_CHANGED) != 0 ? CLAIM : VALIDATE, 0) | STEP_GAP;
    }
    case CLAIM: {
      const role = roleAt(lane, place);
      const version = readVersion(lane, role);
      if (atomic.cmpxchg<u64>(sharedOf(lane, role), version, version | CLAIMED, AC_VERSION) != version) {
        return giveWay(lane, place);
      }
      if (place + 1 < load<u32>(lane, LN_ACCOUNT_COUNT)) return at(CLAIM, place + 1);
      return at(WRITE, nextTotal(load<u32>(lane, LN_CHANGED), 0));
    }
    case GIVE_BACK: {
      const role = roleAt(lane, place);
      atomic.store<u64>(sharedOf(lane, role), readVersion(lane, role), AC_VERSION);
      return giveWay(lane, place);
    }
    case VALIDATE:
      if (atomic.load<u64>(sharedOf(lane, place), AC_VERSION) != readVersion(lane, place)) return giveWay(lane, 0);
      return place + 1 < load<u32>(lane, LN_ACCOUNT_COUNT) ? at(VALIDATE, place + 1) : STEP_DONE;
    case WRITE: {
      const side = totalSide(place);
      atomic.store<u64>(sharedOf(lane, place >> 1) + side, load<u64>(copyOf(lane, place >> 1) + side));
      const next = nextTotal(load<u32>(lane, LN_CHANGED), place + 1);
      return next != NONE ? at(WRITE, next) : at(PUBLISH, 0);
    }
    default:
      atomic.store<u64>(sharedOf(lane, place), load<u64>(copyOf(lane, place), AC_VERSION), AC_VERSION);
      return place + 1 < load<u32>(lane, LN_ACCOUNT_COUNT) ? at(PUBLISH, place + 1) : STEP_DONE;
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
