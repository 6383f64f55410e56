/** The strategy `serial`: the rule on the shared accounts themselves, by one thread, in order. Its one step is all. */
import { LN_AMOUNT, LN_CREDIT, LN_DEBIT } from "../../strategies/memory/layout";
import { executeTransfer } from "../rule";
import { end } from "./lane";

export const SERIAL_FIRST: u32 = 1;

// @ts-ignore: decorator
@inline
export function serialStep(lane: usize): u32 {
  return end(
    lane,
    executeTransfer(load<u32>(lane, LN_DEBIT), load<u32>(lane, LN_CREDIT), load<u64>(lane, LN_AMOUNT), 0),
  );
}
