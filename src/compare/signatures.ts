/** Signed instructions: the work that keeps a core busy is to verify each signature before its transfer is made. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { Random } from "./random.js";
import type { Workload } from "./workload.js";

const MESSAGE_SIZE = 24;
const SIGNATURE_SIZE = 64;
const SEED_SIZE = 32;
/** Payers share this many keys: making more takes long and verifying is the same. */
const KEYS = 16;
/** One signature in so many is of another message. */
const FORGED_EVERY = 100;
/** PKCS#8 of an Ed25519 key up to its 32 bytes (RFC 8410). */
const PRIVATE_KEY_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

/** Instructions as they go to threads: plain data in shared memory. */
export interface SignedInstructions {
  readonly messages: Uint8Array;
  readonly signatures: Uint8Array;
  readonly payers: Uint32Array;
  /** Public keys in DER. */
  readonly keys: readonly Uint8Array[];
}

/** Signs every transfer with its payer's key. Equal seeds give equal keys and signatures. */
export function signWorkload({ debits, credits, amounts }: Workload, seed: number): SignedInstructions {
  const random = new Random(seed);
  const pairs = Array.from({ length: KEYS }, () => {
    const bytes = Buffer.from(Array.from({ length: SEED_SIZE }, () => random.below(256)));
    const key = Buffer.concat([PRIVATE_KEY_HEAD, bytes]);
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  });
  const count = debits.length;
  const messages = new Uint8Array(new SharedArrayBuffer(count * MESSAGE_SIZE));
  const signatures = new Uint8Array(new SharedArrayBuffer(count * SIGNATURE_SIZE));
  const payers = new Uint32Array(new SharedArrayBuffer(count * 4));
  payers.set(debits);
  const view = new DataView(messages.buffer);
  for (let i = 0; i < count; i++) {
    const at = i * MESSAGE_SIZE;
    view.setUint32(at, debits[i]!, true);
    view.setUint32(at + 4, credits[i]!, true);
    view.setUint32(at + 8, amounts[i]!, true);
    view.setUint32(at + 12, i, true);
    signatures.set(sign(null, messages.subarray(at, at + MESSAGE_SIZE), pairs[debits[i]! % KEYS]!), i * SIGNATURE_SIZE);
    if (i % FORGED_EVERY === FORGED_EVERY - 1) view.setUint32(at + 8, amounts[i]! + 1, true);
  }
  const keys = pairs.map((pair) => new Uint8Array(createPublicKey(pair).export({ format: "der", type: "spki" })));
  return { messages, signatures, payers, keys };
}

/** Verifies instructions; every thread makes its own from the shared ones. */
export class Verifier {
  readonly #instructions: SignedInstructions;
  readonly #keys: readonly KeyObject[];

  constructor(instructions: SignedInstructions) {
    this.#instructions = instructions;
    this.#keys = instructions.keys.map((key) =>
      createPublicKey({ key: Buffer.from(key), format: "der", type: "spki" }),
    );
  }

  /** Verifies on the calling thread. */
  isGenuine(i: number): boolean {
    const { message, key, signature } = this.#parts(i);
    return verify(null, message, key, signature);
  }

  /** Has one of libuv's threads verify. */
  isGenuineElsewhere(i: number): Promise<boolean> {
    const { message, key, signature } = this.#parts(i);
    return new Promise((resolve, reject) => {
      verify(null, message, key, signature, (error, result) => (error === null ? resolve(result) : reject(error)));
    });
  }

  #parts(i: number): { message: Uint8Array; key: KeyObject; signature: Uint8Array } {
    const { messages, signatures, payers } = this.#instructions;
    return {
      message: messages.subarray(i * MESSAGE_SIZE, (i + 1) * MESSAGE_SIZE),
      key: this.#keys[payers[i]! % KEYS]!,
      signature: signatures.subarray(i * SIGNATURE_SIZE, (i + 1) * SIGNATURE_SIZE),
    };
  }
}
