/** One step at a time: how the event loop, a single call on a worker and the explorer drive the protocols. */
import { LN_OWN_OPERATION, LN_STEP, STEP_DONE, STEP_GAP, STEP_MASK, STRATEGY_ATOMIC, STRATEGY_UNSAFE } from "../../strategies/memory/layout";
import { ATOMIC_FIRST, atomicStep } from "./atomic";
import { begin, conclude } from "./lane";
import { SERIAL_FIRST, serialStep } from "./serial";
import { UNSAFE_FIRST, unsafeStep } from "./unsafe";

/** Takes the lane's own operation over. Returns STEP_DONE where it was refused for what it says itself. */
export function beginOperation(lane: usize, strategy: u32): u32 {
  const first: u32 =
    strategy == STRATEGY_UNSAFE ? UNSAFE_FIRST : strategy == STRATEGY_ATOMIC ? ATOMIC_FIRST : SERIAL_FIRST | STEP_GAP;
  return arrive(lane, begin(lane, lane + LN_OWN_OPERATION, first));
}

/** Makes one step. Returns the step that comes next and STEP_* flags. */
export function step(lane: usize, strategy: u32): u32 {
  const now = load<u32>(lane, LN_STEP);
  switch (strategy) {
    case STRATEGY_UNSAFE:
      return arrive(lane, unsafeStep(lane, now));
    case STRATEGY_ATOMIC:
      return arrive(lane, atomicStep(lane, now));
    default:
      return arrive(lane, serialStep(lane));
  }
}

function arrive(lane: usize, next: u32): u32 {
  store<u32>(lane, next & STEP_MASK, LN_STEP);
  if (next == STEP_DONE) conclude(lane);
  return next;
}
