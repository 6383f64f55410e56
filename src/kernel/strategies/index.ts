/**
 * What the module of the strategies exports. It is a module of its own, so that the engine's kernel holds nothing
 * that could be unsafe.
 */
export { openRun, runUnit } from "./partitioned";
export { backOff, runClaimed, runOperations } from "./run";
export { beginOperation, step } from "./step";
