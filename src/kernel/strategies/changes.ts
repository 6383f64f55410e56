/**
 * Which totals an operation changes: two bits for each role, its debits and its credits, the first role lowest. What is
 * asked of these bits is where to go on.
 */
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED } from "../../core/layout";

/** Nothing is left. */
export const NONE: u32 = 32;

// @ts-ignore: decorator
@inline
export function debitsOf(role: u32): u32 {
  return <u32>1 << (role << 1);
}

// @ts-ignore: decorator
@inline
export function creditsOf(role: u32): u32 {
  return <u32>2 << (role << 1);
}

/** The first changed total from the `total`-th on, or NONE. */
// @ts-ignore: decorator
@inline
export function nextTotal(changed: u32, total: u32): u32 {
  const left = changed >> total;
  return left == 0 ? NONE : total + <u32>ctz(left);
}

/** Offset in the account of the total that this bit stands for. */
// @ts-ignore: decorator
@inline
export function totalSide(total: u32): usize {
  return (total & 1) == 0 ? AC_DEBITS_POSTED : AC_CREDITS_POSTED;
}
