/** What the kernel exports. One small module, instantiated by every thread on the same shared memory. */
export { createAccount, findAccountByKey } from "./accounts";
export { candidateSequence, confirm, confirmResolving, nextCandidate, nextResolving } from "./confirm";
export { begin, countCandidates, dedupe, end, number } from "./dedupe";
export { encode } from "./encode";
export { classify, decideContested, decideSlice, hasContested, release } from "./execute";
export { findTransfer } from "./find";
export { readKey } from "./identifiers";
export { readKeys } from "./keys";
export { decideOrdered } from "./ordered";
export { expirePendings, findPending, rebuildPendings } from "./pendings";
export { replayAccounts, replayExpiry, replayTransfers } from "./replay";
export { resolve } from "./resolve";
export { deriveIds, parseSlice, stitchSlices } from "./slices";
