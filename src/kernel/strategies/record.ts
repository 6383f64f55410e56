/**
 * Recorded runs: each operation is stamped when it begins and when it ends, so that what came before what, and what was
 * concurrent, can be told of all threads.
 *
 * Every few operations sleep before one of their steps, each before another one. So operations meet each other at every
 * point of a protocol, and locks are waited for, even where a busy machine lets the threads run in turns only.
 */
import {
  BANK,
  BK_CLOCK,
  BK_NEXT,
  BK_OPERATIONS,
  BK_STAMPS,
  LN_STEP,
  OPERATION_SIZE_LOG2,
  RECORDED_SLEEP,
  RECORDED_SLEEP_EVERY,
  RECORDED_STEPS,
  ST_BEGAN,
  ST_ENDED,
  STAMP_SIZE_LOG2,
  STEP_DONE,
} from "../../strategies/memory/layout";
import { attend, count, runOperations } from "./run";
import { sleepFor } from "./sleep";
import { beginAt, step } from "./step";

/** Claims and executes operations of the array one by one, up to before `end`, and stamps them. */
export function runRecorded(lane: usize, strategy: u32, end: u32): void {
  while (true) {
    const index: u32 = atomic.add<u32>(BANK, 1, BK_NEXT);
    if (index >= end) return;
    const stamp = <usize>load<u32>(BANK, BK_STAMPS) + (<usize>index << STAMP_SIZE_LOG2);
    store<u32>(stamp, atomic.add<u32>(BANK, 1, BK_CLOCK), ST_BEGAN);
    if (index % RECORDED_SLEEP_EVERY == 0) executeSleeping(lane, strategy, index);
    else runOperations(lane, strategy, index, 1);
    store<u32>(stamp, atomic.add<u32>(BANK, 1, BK_CLOCK), ST_ENDED);
  }
}

/** Executes the operation step by step and sleeps before one of them, which the index tells. */
function executeSleeping(lane: usize, strategy: u32, index: u32): void {
  const operation = <usize>load<u32>(BANK, BK_OPERATIONS) + (<usize>index << OPERATION_SIZE_LOG2);
  let next = beginAt(lane, strategy, operation);
  let steps = (index / RECORDED_SLEEP_EVERY) % RECORDED_STEPS;
  while (next != STEP_DONE) {
    if (steps-- == 0) sleepFor(lane + LN_STEP, RECORDED_SLEEP);
    if (attend(lane, next) == STEP_DONE) break;
    next = step(lane, strategy);
  }
  count(lane);
}
