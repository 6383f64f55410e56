/** What the kernel exports. One small module, instantiated by every thread on the same shared memory. */
export { createAccount, findAccountByKey } from "./accounts";
export { deriveIds, parseSlice, stitchSlices } from "./csv";
export { candidateSequence, confirm, countCandidates, dedupe, nextCandidate, number, recordedBefore } from "./dedupe";
export { classify, decideContested, decideSlice, hasContested, release } from "./execute";
export { hashText, readKey } from "./identifiers";
export { encode } from "./journal";
export { replayAccounts, replayTransfers } from "./replay";
export { resolve } from "./resolve";
