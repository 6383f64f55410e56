/** The compiled kernel: loading the module once, instantiating it for a thread. */
import { readFileSync } from "node:fs";
import { builtFile } from "./built.js";

/** What the kernel exports. Addresses and counts are unsigned 32-bit; read them back through `>>> 0`. */
export interface Kernel {
  readKey(text: number, length: number, key: number): number;
  findAccountByKey(key: number, kind: number, text: number): number;
  createAccount(
    key: number,
    kind: number,
    text: number,
    asset: number,
    flags: number,
    code: number,
    overdraftLow: bigint,
    overdraftHigh: bigint,
    userDataLow: bigint,
    userDataHigh: bigint,
    metadata: number,
  ): number;
  findTransfer(key: number, kind: number, skipped: number): number;
  begin(context: number): void;
  end(context: number): void;
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
  nextResolving(context: number, from: number): number;
  confirmResolving(context: number, index: number, chunk: number, sequence: number): number;
  number(context: number, slice: number): void;
  classify(context: number, partition: number): void;
  hasContested(context: number): number;
  release(context: number, partition: number): void;
  decideContested(context: number): void;
  decideSlice(context: number, slice: number): bigint;
  decideOrdered(context: number, slice: number): void;
  encode(context: number, slice: number): void;
  replayTransfers(chunk: number, twins: number, twinCapacity: number): number;
  replayAccounts(chunk: number, number: number): number;
  replayExpiry(chunk: number): number;
  expirePendings(timestamp: bigint, most: number): number;
  rebuildPendings(): void;
  findPending(key: number, kind: number, text: number): number;
}

const compiled = new Map<string, WebAssembly.Module>();

/** The kernel for every thread of the process. */
export function kernelModule(): WebAssembly.Module {
  return builtModule("kernel.wasm");
}

/** Instantiates the kernel on `memory` for the calling thread; one that has been handed the module need not read it. */
export function instantiateKernel(memory: WebAssembly.Memory, module: WebAssembly.Module = kernelModule()): Kernel {
  return instantiate(module, memory) as unknown as Kernel;
}

/** A module of the build, which a thread reads and compiles once. */
export function builtModule(file: string): WebAssembly.Module {
  let module = compiled.get(file);
  if (module === undefined) {
    module = new WebAssembly.Module(readFileSync(builtFile(file)));
    compiled.set(file, module);
  }
  return module;
}

/** Instantiates a module of the build on `memory` for the calling thread; `functions` are what it imports besides. */
export function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  functions: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const imports = {
    env: {
      ...functions,
      memory,
      abort: (): never => {
        throw new Error("the kernel aborted: a bug");
      },
    },
  };
  return new WebAssembly.Instance(module, imports).exports;
}
