/**
 * The protocol `mutex`: a lock a account, taken in slot order, plain reads and writes while all are held.
 *
 * The lock word is the three-state futex of Ulrich Drepper, "Futexes Are Tricky" (2011), its second mutex: free, held,
 * held and waited for. Who finds it taken looks again for a moment, then marks it as waited for and sleeps as long as
 * it says so; who unlocks wakes one sleeper where the word says that there may be one. As everybody locks in slot
 * order, whoever holds the greatest slot of all that is held is kept out by nobody: there is no deadlock.
 */
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED, AC_VERSION } from "../../core/layout";
import {
  AC_LOCK,
  BANK,
  BK_LOCK_SPINS,
  LN_ACCOUNT_COUNT,
  LN_CHANGED,
  LN_SPINS,
  LN_WAITS,
  LN_WORD,
  LOCK_FREE,
  LOCK_HELD,
  LOCK_WAITED_FOR,
  STEP_CODE_MASK,
  STEP_DONE,
  STEP_GAP,
  STEP_PLACE_SHIFT,
  STEP_SLEEP,
  STEP_WAKE,
} from "../../strategies/memory/layout";
import { nextTotal, NONE, totalSide } from "./changes";
import { at, copyOf, countConflict, end, roleAt, sharedOf } from "./lane";
import { decide } from "./operation";

const LOCK: u32 = 1;
const LOOK: u32 = 2;
const MARK: u32 = 3;
const SLEEP: u32 = 4;
const READ_CREDITS: u32 = 5;
const READ_DEBITS: u32 = 6;
const READ_VERSION: u32 = 7;
const WRITE: u32 = 8;
const WRITE_VERSION: u32 = 9;
const UNLOCK: u32 = 10;
const FREE: u32 = 11;
const WAKE: u32 = 12;
const TRY: u32 = 13;

export const MUTEX_FIRST: u32 = LOCK;

/** The account whose lock is the `place`-th to be taken. */
// @ts-ignore: decorator
@inline
function lockAt(lane: usize, place: u32): usize {
  return sharedOf(lane, roleAt(lane, place));
}

/** The lock at this place is held: the next one, or all are. */
// @ts-ignore: decorator
@inline
function locked(lane: usize, place: u32): u32 {
  const next = place + 1;
  return next < load<u32>(lane, LN_ACCOUNT_COUNT) ? at(LOCK, next) : at(READ_CREDITS, 0);
}

/** The lock at this place is given back: the next one, or all are. */
// @ts-ignore: decorator
@inline
function unlocked(lane: usize, place: u32): u32 {
  const next = place + 1;
  return next < load<u32>(lane, LN_ACCOUNT_COUNT) ? at(UNLOCK, next) : STEP_DONE;
}

// @ts-ignore: decorator
@inline
export function mutexStep(lane: usize, step: u32): u32 {
  // A place in the order of slots while locking and unlocking, a role while reading, a total while writing.
  const place = step >> STEP_PLACE_SHIFT;
  switch (step & STEP_CODE_MASK) {
    case LOCK:
      if (atomic.cmpxchg<u32>(lockAt(lane, place), LOCK_FREE, LOCK_HELD, AC_LOCK) == LOCK_FREE) {
        return locked(lane, place);
      }
      countConflict(lane);
      store<u32>(lane, load<u32>(BANK, BK_LOCK_SPINS), LN_SPINS);
      return lookAgain(lane, place);
    case READ_CREDITS:
      store<u64>(copyOf(lane, place), load<u64>(sharedOf(lane, place), AC_CREDITS_POSTED), AC_CREDITS_POSTED);
      return at(READ_DEBITS, place);
    case READ_DEBITS:
      store<u64>(copyOf(lane, place), load<u64>(sharedOf(lane, place), AC_DEBITS_POSTED), AC_DEBITS_POSTED);
      return at(READ_VERSION, place);
    case READ_VERSION: {
      store<u64>(copyOf(lane, place), load<u64>(sharedOf(lane, place), AC_VERSION), AC_VERSION);
      if (place + 1 < load<u32>(lane, LN_ACCOUNT_COUNT)) return at(READ_CREDITS, place + 1);
      end(lane, decide(lane));
      const changed = load<u32>(lane, LN_CHANGED);
      return (changed != 0 ? at(WRITE, nextTotal(changed, 0)) : at(UNLOCK, 0)) | STEP_GAP;
    }
    case WRITE: {
      const side = totalSide(place);
      store<u64>(sharedOf(lane, place >> 1) + side, load<u64>(copyOf(lane, place >> 1) + side));
      const next = nextTotal(load<u32>(lane, LN_CHANGED), place + 1);
      return next != NONE ? at(WRITE, next) : at(WRITE_VERSION, 0);
    }
    case WRITE_VERSION:
      store<u64>(sharedOf(lane, place), load<u64>(copyOf(lane, place), AC_VERSION), AC_VERSION);
      return place + 1 < load<u32>(lane, LN_ACCOUNT_COUNT) ? at(WRITE_VERSION, place + 1) : at(UNLOCK, 0);
    case UNLOCK:
      if (atomic.sub<u32>(lockAt(lane, place), 1, AC_LOCK) == LOCK_HELD) return unlocked(lane, place);
      return at(FREE, place);
    default:
      return waitStep(lane, step);
  }
}

/** The lock is taken: looks again while looks are left. */
function lookAgain(lane: usize, place: u32): u32 {
  const spins = load<u32>(lane, LN_SPINS);
  if (spins == 0) return at(MARK, place);
  store<u32>(lane, spins - 1, LN_SPINS);
  return at(LOOK, place);
}

/** The steps that are only made where a lock is taken or waited for. */
function waitStep(lane: usize, step: u32): u32 {
  const place = step >> STEP_PLACE_SHIFT;
  const account = lockAt(lane, place);
  switch (step & STEP_CODE_MASK) {
    case LOOK:
      return atomic.load<u32>(account, AC_LOCK) == LOCK_FREE ? at(TRY, place) : lookAgain(lane, place);
    case TRY:
      if (atomic.cmpxchg<u32>(account, LOCK_FREE, LOCK_HELD, AC_LOCK) == LOCK_FREE) return locked(lane, place);
      return lookAgain(lane, place);
    case MARK:
      if (atomic.xchg<u32>(account, LOCK_WAITED_FOR, AC_LOCK) == LOCK_FREE) return locked(lane, place);
      return at(SLEEP, place);
    case SLEEP:
      if (atomic.load<u32>(account, AC_LOCK) != LOCK_WAITED_FOR) return at(MARK, place);
      store<u32>(lane, load<u32>(lane, LN_WAITS) + 1, LN_WAITS);
      store<u32>(lane, <u32>account + AC_LOCK, LN_WORD);
      return at(MARK, place) | STEP_SLEEP;
    case FREE:
      atomic.store<u32>(account, LOCK_FREE, AC_LOCK);
      return at(WAKE, place);
    default:
      store<u32>(lane, <u32>account + AC_LOCK, LN_WORD);
      return unlocked(lane, place) | STEP_WAKE;
  }
}

/** The steps of the usual transfer in a row: a guess for the compiler, see `run.ts`. Returns the step that comes next. */
// @ts-ignore: decorator
@inline
export function mutexUsual(lane: usize, first: u32): u32 {
  if (first != at(LOCK, 0)) return first;
  let next = mutexStep(lane, at(LOCK, 0)) & ~STEP_GAP;
  if (next != at(LOCK, 1)) return next;
  next = mutexStep(lane, at(LOCK, 1)) & ~STEP_GAP;
  if (next != at(READ_CREDITS, 0)) return next;
  next = mutexStep(lane, at(READ_CREDITS, 0)) & ~STEP_GAP;
  if (next != at(READ_DEBITS, 0)) return next;
  next = mutexStep(lane, at(READ_DEBITS, 0)) & ~STEP_GAP;
  if (next != at(READ_VERSION, 0)) return next;
  next = mutexStep(lane, at(READ_VERSION, 0)) & ~STEP_GAP;
  if (next != at(READ_CREDITS, 1)) return next;
  next = mutexStep(lane, at(READ_CREDITS, 1)) & ~STEP_GAP;
  if (next != at(READ_DEBITS, 1)) return next;
  next = mutexStep(lane, at(READ_DEBITS, 1)) & ~STEP_GAP;
  if (next != at(READ_VERSION, 1)) return next;
  next = mutexStep(lane, at(READ_VERSION, 1)) & ~STEP_GAP;
  if (next != at(WRITE, 0)) return next;
  next = mutexStep(lane, at(WRITE, 0)) & ~STEP_GAP;
  if (next != at(WRITE, 3)) return next;
  next = mutexStep(lane, at(WRITE, 3)) & ~STEP_GAP;
  if (next != at(WRITE_VERSION, 0)) return next;
  next = mutexStep(lane, at(WRITE_VERSION, 0)) & ~STEP_GAP;
  if (next != at(WRITE_VERSION, 1)) return next;
  next = mutexStep(lane, at(WRITE_VERSION, 1)) & ~STEP_GAP;
  if (next != at(UNLOCK, 0)) return next;
  next = mutexStep(lane, at(UNLOCK, 0)) & ~STEP_GAP;
  if (next != at(UNLOCK, 1)) return next;
  next = mutexStep(lane, at(UNLOCK, 1)) & ~STEP_GAP;
  return next;
}
