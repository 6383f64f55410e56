/**
 * Whole arrays of operations: the tight loops of worker threads.
 *
 * A loop drives the same steps as everybody else. As each step is inlined, naming the steps that come in the usual case
 * lets the compiler join them into straight code; where a step says that another one comes next, the loop behind
 * follows it. So the names below are a guess that can cost time, never a second text of the protocol.
 */
import { OK } from "../../core/codes";
import {
  BANK,
  BK_NEXT,
  BK_OPERATIONS,
  CLAIM_SIZE,
  LN_CONFLICT_COUNT,
  LN_CONFLICTS,
  LN_OK_COUNT,
  LN_REFUSED_COUNT,
  LN_RESULT,
  OPERATION_SIZE,
  OPERATION_SIZE_LOG2,
  STEP_DONE,
  STEP_MASK,
  STRATEGY_ATOMIC,
  STRATEGY_UNSAFE,
} from "../../strategies/memory/layout";
import { ATOMIC_FIRST, atomicStep } from "./atomic";
import { begin, conclude } from "./lane";
import { SERIAL_FIRST, serialStep } from "./serial";
import { UNSAFE_FIRST, unsafeStep } from "./unsafe";

/** Counts and writes down what the operation in the lane came to. */
// @ts-ignore: decorator
@inline
function record(lane: usize): void {
  conclude(lane);
  const counter = lane + (load<u32>(lane, LN_RESULT) == OK ? LN_OK_COUNT : LN_REFUSED_COUNT);
  store<u64>(counter, load<u64>(counter) + 1);
  store<u64>(lane, load<u64>(lane, LN_CONFLICT_COUNT) + load<u32>(lane, LN_CONFLICTS), LN_CONFLICT_COUNT);
}

function runSerial(lane: usize, from: usize, to: usize): void {
  for (let operation = from; operation < to; operation += OPERATION_SIZE) {
    if (begin(lane, operation, SERIAL_FIRST) != STEP_DONE) serialStep(lane);
    record(lane);
  }
}

function runUnsafe(lane: usize, from: usize, to: usize): void {
  for (let operation = from; operation < to; operation += OPERATION_SIZE) {
    let next = begin(lane, operation, UNSAFE_FIRST);
    while (next != STEP_DONE) next = unsafeStep(lane, next) & STEP_MASK;
    record(lane);
  }
}

function runAtomic(lane: usize, from: usize, to: usize): void {
  for (let operation = from; operation < to; operation += OPERATION_SIZE) {
    let next = begin(lane, operation, ATOMIC_FIRST);
    while (next != STEP_DONE) next = atomicStep(lane, next) & STEP_MASK;
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
    default:
      runSerial(lane, from, to);
  }
}

/** Claims and executes operations of the array's first `count` until none is left. */
export function runClaimed(lane: usize, strategy: u32, count: u32): void {
  while (true) {
    const first: u32 = atomic.add<u32>(BANK, CLAIM_SIZE, BK_NEXT);
    if (first >= count) return;
    runOperations(lane, strategy, first, min<u32>(CLAIM_SIZE, count - first));
  }
}
