/** One step at a time: how the event loop, a single call on a worker and the explorer drive the protocols. */
import {
  LN_OWN_OPERATION,
  LN_STEP,
  STEP_DONE,
  STEP_GAP,
  STEP_MASK,
  STRATEGY_ATOMIC,
  STRATEGY_MUTEX,
  STRATEGY_OPTIMISTIC,
  STRATEGY_UNSAFE,
} from "../../strategies/memory/layout";
import { atomicFirst, atomicStep } from "./atomic";
import { begin, conclude } from "./lane";
import { MUTEX_FIRST, mutexStep } from "./mutex";
import { OPTIMISTIC_FIRST, optimisticStep } from "./optimistic";
import { SERIAL_FIRST, serialStep } from "./serial";
import { UNSAFE_FIRST, unsafeStep } from "./unsafe";

/** Takes the lane's own operation over. Returns STEP_DONE where it was refused for what it says itself. */
export function beginOperation(lane: usize, strategy: u32): u32 {
  const operation = lane + LN_OWN_OPERATION;
  switch (strategy) {
    case STRATEGY_UNSAFE:
      return arrive(lane, begin(lane, operation, false, UNSAFE_FIRST));
    case STRATEGY_ATOMIC:
      return arrive(lane, begin(lane, operation, false, atomicFirst(operation)));
    case STRATEGY_OPTIMISTIC:
      return arrive(lane, begin(lane, operation, true, OPTIMISTIC_FIRST));
    case STRATEGY_MUTEX:
      return arrive(lane, begin(lane, operation, true, MUTEX_FIRST));
    default:
      return arrive(lane, begin(lane, operation, false, SERIAL_FIRST | STEP_GAP));
  }
}

/** Makes one step. Returns the step that comes next and STEP_* flags. */
export function step(lane: usize, strategy: u32): u32 {
  const now = load<u32>(lane, LN_STEP);
  switch (strategy) {
    case STRATEGY_UNSAFE:
      return arrive(lane, unsafeStep(lane, now));
    case STRATEGY_ATOMIC:
      return arrive(lane, atomicStep(lane, now));
    case STRATEGY_OPTIMISTIC:
      return arrive(lane, optimisticStep(lane, now));
    case STRATEGY_MUTEX:
      return arrive(lane, mutexStep(lane, now));
    default:
      return arrive(lane, serialStep(lane));
  }
}

function arrive(lane: usize, next: u32): u32 {
  store<u32>(lane, next & STEP_MASK, LN_STEP);
  if ((next & STEP_MASK) == STEP_DONE) conclude(lane);
  return next;
}
