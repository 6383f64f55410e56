/** The compiled kernel: loading the module once, instantiating it for a thread. */
import { readFileSync } from "node:fs";
import { builtFile } from "./built.js";

/** What the kernel exports. Addresses and counts are unsigned 32-bit; read them back through `>>> 0`. */
export interface Kernel {
  readKey(text: number, length: number, key: number): number;
  findAccountByKey(key: number, kind: number, text: number): number;
  findTransfer(key: number, kind: number, skipped: number): number;
  createAccount(key: number, kind: number, text: number, asset: number, flags: number, code: number): number;
  parseSlice(context: number, slice: number): void;
  stitchSlices(context: number): void;
  deriveIds(context: number, slice: number): void;
  readKeys(context: number, slice: number): void;
  resolve(context: number, slice: number): bigint;
  dedupe(context: number, partition: number): bigint;
  countCandidates(context: number): number;
  nextCandidate(context: number, index: number): number;
  candidateSequence(context: number, index: number): number;
  confirm(context: number, index: number, chunk: number): number;
  number(context: number, slice: number): void;
  classify(context: number, partition: number): bigint;
  hasContested(context: number): number;
  release(context: number, partition: number): void;
  decideContested(context: number): void;
  decideSlice(context: number, slice: number): bigint;
  encode(context: number, slice: number): void;
  replayTransfers(chunk: number, twins: number, twinCapacity: number): number;
  replayAccounts(chunk: number): number;
}

let compiled: WebAssembly.Module | undefined;

/** Instantiates the kernel on `memory` for the calling thread. The module is compiled once a thread. */
export function instantiateKernel(memory: WebAssembly.Memory): Kernel {
  compiled ??= new WebAssembly.Module(readFileSync(builtFile("kernel.wasm")));
  const imports = {
    env: {
      memory,
      abort: (): never => {
        throw new Error("the kernel aborted: a bug");
      },
    },
  };
  return new WebAssembly.Instance(compiled, imports).exports as unknown as Kernel;
}
