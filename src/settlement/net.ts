/**
 * Netting: what each account paid and received in a job, and what is left once the two are set off.
 *
 * The figures are taken from the rows' results as they are settled: a row counts if its result is `ok` and it moved
 * something, whether that was made now or by an earlier run of the job. So they are the same for a rerun, for a run that goes on after a crash, and for every mode and number of workers. Reading the journal back
 * instead would take a second pass, and would count rows that a named job's file no longer has.
 */
import { type AssetRegistry, formatAmount } from "../core/assets.js";
import { OK } from "../core/codes.js";
import * as layout from "../core/layout.js";
import type { Engine } from "../engine/engine.js";
import { BLOCK_SIZE, field } from "./csv-text.js";
import type { OutputFile } from "./output.js";

/** What one account paid and received in a job, in minor units of its asset. */
interface NetPosition {
  readonly slot: number;
  readonly paid: bigint;
  readonly received: bigint;
  /** Received less paid. */
  readonly net: bigint;
  /** Transfers of the job that the account took part in. */
  readonly transfers: number;
}

/** What netting a job comes down to. Amounts are minor units of the asset. */
export interface NetSummary {
  readonly asset: string;
  /** Accounts that a transfer of the job touched. */
  readonly accounts: number;
  /** Sum of all amounts that the job moved. */
  readonly gross: bigint;
  /** Sum of the positive net positions: what would have to be moved to the same effect. */
  readonly net: bigint;
  /** `net` ÷ `gross`, from 0 to 1; undefined where nothing was moved. */
  readonly ratio: number | undefined;
}

// Read for every row: a constant of this module costs nothing, a field of the namespace a load.
const { CX_DETAIL, CX_RECORDS, CX_RESULT, CX_SCRATCH, DETAIL_REPLAYED, RECORD_SIZE, SCRATCH_SIZE } = layout;
const { SC_CREDIT_SLOT, SC_DEBIT_SLOT, TR_AMOUNT, TR_AMOUNT_HIGH, TR_FLAGS, TR_HAS_COLD } = layout;
/** What only reserves or releases pays nobody: what is reserved counts when it is posted. */
const UNMOVING = layout.TRANSFER_PENDING | layout.TRANSFER_VOID;

/** A u128 total is three limbs of 43 bits, each in a double: it takes 1,023 more such limbs before a carry is due. */
const LIMB_BITS = 43;
const LIMB_LIMIT = 2 ** LIMB_BITS;
/** Half of the range in which doubles are exact integers. */
const CARRY_FROM = 2 ** 52;
/** Doubles of an account, one cache line: two totals of three limbs, and a count. */
const POSITION_SIZE = 8;
const RECEIVED = 3;
const TRANSFERS = 6;
const SLOTS_MIN = 1024;

/** Sums by account: 64 bytes for each, whatever the number of rows. */
export class NetPositions {
  readonly #engine: Engine;
  readonly #words: Uint32Array;
  /** Whether only rows count whose transfers an earlier run of the job had made. */
  readonly #isReplayedOnly: boolean;
  #sums = new Float64Array(SLOTS_MIN * POSITION_SIZE);

  constructor(engine: Engine, options: { readonly isReplayedOnly?: boolean } = {}) {
    this.#engine = engine;
    this.#isReplayedOnly = options.isReplayedOnly === true;
    this.#words = new Uint32Array(engine.memory.buffer);
  }

  /** Counts the made transfers among `count` records of an executed batch from the `first` on. */
  add(context: number, first: number, count: number): void {
    this.#makeRoom();
    const sums = this.#sums;
    const words = this.#words;
    const { bytes } = this.#engine;
    const results = context + CX_RESULT;
    // Word indexes of the record and of its scratch.
    let record = (context + CX_RECORDS + first * RECORD_SIZE) >>> 2;
    let scratch = (context + CX_SCRATCH + first * SCRATCH_SIZE) >>> 2;
    for (let index = first; index < first + count; index++, record += RECORD_SIZE / 4, scratch += SCRATCH_SIZE / 4) {
      if (bytes[results + index] !== OK) continue;
      if ((words[record + TR_FLAGS / 4]! & UNMOVING) !== 0) continue;
      if (this.#isReplayedOnly && bytes[context + CX_DETAIL + index] !== DETAIL_REPLAYED) continue;
      const word = words[record + TR_AMOUNT / 4 + 1]!;
      const low = words[record + TR_AMOUNT / 4]! + (word & 0x7ff) * 2 ** 32;
      let middle = word >>> 11;
      let high = 0;
      if ((words[record + TR_FLAGS / 4]! & TR_HAS_COLD) !== 0) {
        const third = words[record + TR_AMOUNT_HIGH / 4]!;
        middle += (third & 0x3fffff) * 2 ** 21;
        high = (third >>> 22) + words[record + TR_AMOUNT_HIGH / 4 + 1]! * 2 ** 10;
      }
      const payer = words[scratch + SC_DEBIT_SLOT / 4]! * POSITION_SIZE;
      const payee = words[scratch + SC_CREDIT_SLOT / 4]! * POSITION_SIZE;
      addTo(sums, payer, low, middle, high);
      addTo(sums, payee + RECEIVED, low, middle, high);
      sums[payer + TRANSFERS]!++;
      sums[payee + TRANSFERS]!++;
    }
  }

  /** One of the same kind, for rows of which it is not known yet whether they count. */
  fork(): NetPositions {
    return new NetPositions(this.#engine, { isReplayedOnly: this.#isReplayedOnly });
  }

  /** Counts what was counted there. */
  join(other: NetPositions): void {
    this.#makeRoom();
    const from = other.#sums;
    for (let at = 0; at < Math.min(from.length, this.#sums.length); at += POSITION_SIZE) {
      if (from[at + TRANSFERS] === 0) continue;
      for (const total of [at, at + RECEIVED]) {
        addTo(this.#sums, total, from[total]!, from[total + 1]!, from[total + 2]!);
      }
      this.#sums[at + TRANSFERS]! += from[at + TRANSFERS]!;
    }
  }

  /** A batch may have created accounts. */
  #makeRoom(): void {
    const needed = this.#engine.accounts.count * POSITION_SIZE;
    if (needed <= this.#sums.length) return;
    const sums = new Float64Array(Math.max(needed, 2 * this.#sums.length));
    sums.set(this.#sums);
    this.#sums = sums;
  }

  /** Every account that took part, the largest absolute net position first, equal ones in the order of their ids. */
  #positions(): NetPosition[] {
    const { accounts } = this.#engine;
    const sums = this.#sums;
    const positions: (NetPosition & { readonly size: number })[] = [];
    for (let slot = 0; slot < accounts.count; slot++) {
      const at = slot * POSITION_SIZE;
      const transfers = sums[at + TRANSFERS] ?? 0;
      if (transfers === 0) continue;
      const paid = total(sums, at);
      const received = total(sums, at + RECEIVED);
      const net = received - paid;
      positions.push({ slot, paid, received, net, transfers, size: Number(absolute(net)) });
    }
    const idOf = (slot: number): Buffer => Buffer.from(accounts.id(slot));
    return positions.sort(
      // Doubles decide almost every comparison, and never the wrong way.
      (a, b) =>
        b.size - a.size || compare(absolute(b.net), absolute(a.net)) || Buffer.compare(idOf(a.slot), idOf(b.slot)),
    );
  }

  /** Writes a line for every account that took part, and sums the whole up. `asset` is the number of the job's. */
  async write(file: OutputFile, assets: AssetRegistry, asset: number): Promise<NetSummary> {
    const { accounts } = this.#engine;
    const { code, scale } = assets.get(asset);
    const positions = this.#positions();
    let block = "id,asset,paid,received,net,transfers\n";
    let gross = 0n;
    let netted = 0n;
    for (const { slot, paid, received, net, transfers } of positions) {
      gross += paid;
      if (net > 0n) netted += net;
      const amounts = [paid, received, net].map((amount) => formatAmount(amount, scale));
      block += `${field(accounts.id(slot))},${code},${amounts.join(",")},${transfers}\n`;
      if (block.length >= BLOCK_SIZE) {
        await file.write(block);
        block = "";
      }
    }
    await file.write(block);
    const ratio = gross === 0n ? undefined : Number(netted) / Number(gross);
    return { asset: code, accounts: positions.length, gross, net: netted, ratio };
  }
}

/** Adds an amount to the total at `at`. The highest limb never carries: an account's totals are below 2^128. */
function addTo(sums: Float64Array, at: number, low: number, middle: number, high: number): void {
  sums[at]! += low;
  sums[at + 1]! += middle;
  sums[at + 2]! += high;
  if (sums[at]! >= CARRY_FROM) carry(sums, at);
  if (sums[at + 1]! >= CARRY_FROM) carry(sums, at + 1);
}

function carry(sums: Float64Array, at: number): void {
  const carried = Math.floor(sums[at]! / LIMB_LIMIT);
  sums[at]! -= carried * LIMB_LIMIT;
  sums[at + 1]! += carried;
}

function total(sums: Float64Array, at: number): bigint {
  const limb = (index: number): bigint => BigInt(sums[at + index]!);
  return limb(0) + (limb(1) << BigInt(LIMB_BITS)) + (limb(2) << BigInt(2 * LIMB_BITS));
}

function absolute(amount: bigint): bigint {
  return amount < 0n ? -amount : amount;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
