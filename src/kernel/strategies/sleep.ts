/**
 * Sleeping until a word is notified, through the host's `Atomics.wait`.
 *
 * The instruction `memory.atomic.wait32` would do the same, but V8's baseline compiler loses local variables across it
 * (seen with Node 20, no longer with 22 and 24: run with `--liftoff-only`, a parameter reads as 0 after the wait). A call
 * of the host is a small part of what sleeping takes.
 */

// @ts-ignore: decorator
@external("env", "sleep")
declare function sleepInHost(address: usize, expected: i32, milliseconds: f64): void;

/** Sleeps while the word at `address` is as expected, until somebody notifies it. */
export function sleepOn(address: usize, expected: u32): void {
  sleepInHost(address, <i32>expected, Infinity);
}

/** Gives the core away for this long. Nobody may notify the word at `address`. */
export function sleepFor(address: usize, nanoseconds: u32): void {
  sleepInHost(address, load<i32>(address), <f64>nanoseconds / 1e6);
}
