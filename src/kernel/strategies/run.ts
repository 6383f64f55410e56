/**
 * Whole arrays of operations: the tight loops of worker threads.
 *
 * A loop drives the same steps as everybody else. As each step is inlined, naming the steps of the usual case lets the
 * compiler join them into straight code; where a step says that another one comes next, the loop behind follows it. So
 * the `…Usual` of a protocol is a guess that can cost time, never a second text of it.
 */
import { OK } from "../../core/codes";
import {
  BACK_OFF_SLEEP,
  BACK_OFF_SPINS_LOG2_MAX,
  BANK,
  BK_NEXT,
  BK_OPERATIONS,
  CLAIM_SIZE,
  LN_CONFLICT_COUNT,
  LN_CONFLICTS,
  LN_OK_COUNT,
  LN_REFUSED_COUNT,
  LN_RESULT,
  LN_STEP,
  LN_WAIT_COUNT,
  LN_WAITS,
  LN_WORD,
  LOCK_WAITED_FOR,
  OPERATION_SIZE,
  OPERATION_SIZE_LOG2,
  STEP_BACK_OFF,
  STEP_DONE,
  STEP_GAP,
  STEP_MASK,
  STEP_SLEEP,
  STEP_WAKE,
  STRATEGY_ATOMIC,
  STRATEGY_MUTEX,
  STRATEGY_OPTIMISTIC,
  STRATEGY_PARTITIONED,
  STRATEGY_UNSAFE,
} from "../../strategies/memory/layout";
import { atomicFirst, atomicStep, atomicUsual } from "./atomic";
import { begin, conclude } from "./lane";
import { MUTEX_FIRST, mutexStep, mutexUsual } from "./mutex";
import { OPTIMISTIC_FIRST, optimisticStep, optimisticUsual } from "./optimistic";
import { runPartitioned } from "./partitioned";
import { executeInOrder } from "./serial";
import { UNSAFE_FIRST, unsafeStep, unsafeUsual } from "./unsafe";

/** Counts and writes down what the operation in the lane came to. */
// @ts-ignore: decorator
@inline
function record(lane: usize): void {
  conclude(lane);
  const counter = lane + (load<u32>(lane, LN_RESULT) == OK ? LN_OK_COUNT : LN_REFUSED_COUNT);
  store<u64>(counter, load<u64>(counter) + 1);
  const conflicts = load<u32>(lane, LN_CONFLICTS);
  if (conflicts != 0) {
    store<u64>(lane, load<u64>(lane, LN_CONFLICT_COUNT) + conflicts, LN_CONFLICT_COUNT);
    store<u64>(lane, load<u64>(lane, LN_WAIT_COUNT) + load<u32>(lane, LN_WAITS), LN_WAIT_COUNT);
  }
}

/** Does what a step's flags ask for, and returns the step without them. */
function attend(lane: usize, next: u32): u32 {
  if ((next & STEP_WAKE) != 0) atomic.notify(load<u32>(lane, LN_WORD), 1);
  if ((next & STEP_SLEEP) != 0) atomic.wait<i32>(load<u32>(lane, LN_WORD), LOCK_WAITED_FOR, -1);
  if ((next & STEP_BACK_OFF) != 0) backOff(lane);
  return next & STEP_MASK;
}

/** A pause that doubles with each conflict of the operation, up to a bound at which the thread gives its core away. */
export function backOff(lane: usize): void {
  const conflicts = load<u32>(lane, LN_CONFLICTS);
  if (conflicts > <u32>BACK_OFF_SPINS_LOG2_MAX) {
    const step = load<i32>(lane, LN_STEP);
    // Nobody notifies this word: the sleep ends by its time.
    atomic.wait<i32>(lane + LN_STEP, step, BACK_OFF_SLEEP);
    return;
  }
  for (let looks: u32 = 1 << conflicts; looks > 0; looks--) atomic.load<u32>(lane, LN_STEP);
}

function runUnsafe(lane: usize, from: usize, to: usize): void {
  for (let operation = from; operation < to; operation += OPERATION_SIZE) {
    let next = unsafeUsual(lane, begin(lane, operation, false, UNSAFE_FIRST));
    while (next != STEP_DONE) next = unsafeStep(lane, next) & STEP_MASK;
    record(lane);
  }
}

function runAtomic(lane: usize, from: usize, to: usize): void {
  for (let operation = from; operation < to; operation += OPERATION_SIZE) {
    let next = atomicUsual(lane, begin(lane, operation, false, atomicFirst(operation)));
    while (next != STEP_DONE) {
      if (next > <u32>STEP_MASK) next = attend(lane, next);
      next = atomicStep(lane, next) & ~STEP_GAP;
    }
    record(lane);
  }
}

function runOptimistic(lane: usize, from: usize, to: usize): void {
  for (let operation = from; operation < to; operation += OPERATION_SIZE) {
    let next = optimisticUsual(lane, begin(lane, operation, true, OPTIMISTIC_FIRST));
    while (next != STEP_DONE) {
      if (next > <u32>STEP_MASK) next = attend(lane, next);
      next = optimisticStep(lane, next) & ~STEP_GAP;
    }
    record(lane);
  }
}

function runMutex(lane: usize, from: usize, to: usize): void {
  for (let operation = from; operation < to; operation += OPERATION_SIZE) {
    let next = mutexUsual(lane, begin(lane, operation, true, MUTEX_FIRST));
    while (next != STEP_DONE) {
      if (next > <u32>STEP_MASK) {
        next = attend(lane, next);
        if (next == STEP_DONE) break;
      }
      next = mutexStep(lane, next) & ~STEP_GAP;
    }
    record(lane);
  }
}

/** Executes `count` operations of the array from `first` on. */
export function runOperations(lane: usize, strategy: u32, first: u32, count: u32): void {
  const from = <usize>load<u32>(BANK, BK_OPERATIONS) + (<usize>first << OPERATION_SIZE_LOG2);
  const to = from + (<usize>count << OPERATION_SIZE_LOG2);
  switch (strategy) {
    case STRATEGY_UNSAFE:
      runUnsafe(lane, from, to);
      break;
    case STRATEGY_ATOMIC:
      runAtomic(lane, from, to);
      break;
    case STRATEGY_OPTIMISTIC:
      runOptimistic(lane, from, to);
      break;
    case STRATEGY_MUTEX:
      runMutex(lane, from, to);
      break;
    default:
      executeInOrder(lane, from, count);
  }
}

/**
 * Claims and executes operations of the array up to before `end` until none is left. `partitioned` claims in its own
 * way what {@link openRun} has told it.
 */
export function runClaimed(lane: usize, strategy: u32, end: u32): void {
  if (strategy == STRATEGY_PARTITIONED) return runPartitioned(lane);
  while (true) {
    const first: u32 = atomic.add<u32>(BANK, CLAIM_SIZE, BK_NEXT);
    if (first >= end) return;
    runOperations(lane, strategy, first, min<u32>(CLAIM_SIZE, end - first));
  }
}
