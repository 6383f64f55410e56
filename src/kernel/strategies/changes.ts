/**
 * Which totals an operation changes: two bits for each role, its debits and its credits, the first role lowest. What is
 * asked of these bits is where to go on.
 */
import { AC_CREDITS_POSTED, AC_DEBITS_POSTED } from "../../core/layout";
import { LN_ACCOUNT_COUNT } from "../../strategies/memory/layout";
import { roleAt } from "./lane";

/** Nothing is left. */
export const NONE: u32 = 32;

const DEBIT_BITS: u32 = 0b010101;

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

// @ts-ignore: decorator
@inline
function isChanged(changed: u32, role: u32): bool {
  return ((changed >> (role << 1)) & 3) != 0;
}

/** The first changed role from `role` on, or NONE. */
// @ts-ignore: decorator
@inline
export function changedRole(changed: u32, role: u32): u32 {
  const left = ((changed | (changed >> 1)) & DEBIT_BITS) >> (role << 1);
  return left == 0 ? NONE : role + (<u32>ctz(left) >> 1);
}

/** The first role from `role` on that is only read, or NONE. */
export function unchangedRole(lane: usize, changed: u32, role: u32): u32 {
  for (const count = load<u32>(lane, LN_ACCOUNT_COUNT); role < count; role++) {
    if (!isChanged(changed, role)) return role;
  }
  return NONE;
}

/** In the order of slots: the first place from `place` on whose account is changed, or NONE. */
// @ts-ignore: decorator
@inline
export function changedPlace(lane: usize, changed: u32, place: u32): u32 {
  for (const count = load<u32>(lane, LN_ACCOUNT_COUNT); place < count; place++) {
    if (isChanged(changed, roleAt(lane, place))) return place;
  }
  return NONE;
}

/** In the order of slots: the last place before `place` whose account is changed, or NONE. */
export function changedPlaceBefore(lane: usize, changed: u32, place: u32): u32 {
  while (place > 0) {
    place--;
    if (isChanged(changed, roleAt(lane, place))) return place;
  }
  return NONE;
}
