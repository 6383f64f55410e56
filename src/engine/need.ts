/** What room a batch or a call needs, exactly: asked only where the most that it could need is not there. */
import { OK } from "../core/codes.js";
import { isHashKind, isIdKind, padded, readId } from "../core/identifiers.js";
import * as layout from "../core/layout.js";
import type { NewAccount } from "../core/types.js";
import type { Engine } from "./engine.js";
import type { AccountNeed, TransferNeed } from "./room.js";

/** Different ids, and what they take as text. */
class Tally {
  readonly #ids = new Set<string>();
  #textSize = 0;

  add(id: string, kind: number, userData = 0n): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    if (isHashKind(kind)) this.#textSize += padded(kind);
    if (userData !== 0n) this.#textSize += layout.USER_DATA_SIZE;
  }

  get need(): AccountNeed {
    return { accounts: this.#ids.size, textSize: this.#textSize };
  }
}

/** What these accounts take, without those that exist. */
export function needOfAccounts(engine: Engine, accounts: readonly NewAccount[]): AccountNeed {
  const tally = new Tally();
  for (const { id, userData } of accounts) {
    const kind = engine.ids.write(id, layout.KEY_SCRATCH, layout.TEXT_SCRATCH);
    if (!isIdKind(kind)) continue;
    const slot = engine.kernel.findAccountByKey(layout.KEY_SCRATCH, kind, layout.TEXT_SCRATCH) >>> 0;
    if (slot === layout.NO_SLOT) tally.add(id, kind, userData);
  }
  return tally.need;
}

/** What a batch needs. */
export interface BatchNeed extends AccountNeed, TransferNeed {}

/**
 * What the rows of a batch need, found by parsing and resolving them on this thread; they are parsed again when the
 * batch is executed. The batch's scalars must be written, and nothing may be executing.
 *
 * Ids that were used before are not looked up: a row that will turn out to be known counts like any other.
 */
export function needOfRows(engine: Engine, context: number, slices: number): BatchNeed {
  const { kernel, view } = engine;
  const restore = keepInput(view, context, slices);
  for (let slice = 0; slice < slices; slice++) kernel.parseSlice(context, slice);
  kernel.stitchSlices(context);
  const tally = new Tally();
  let transfers = 0;
  let pendings = 0;
  for (let slice = 0; slice < slices; slice++) {
    kernel.deriveIds(context, slice);
    kernel.resolve(context, slice);
    transfers += tallySlice(engine, context, slice, tally);
    pendings += countPendings(engine, context, slice);
  }
  restore();
  return { transfers, pendings, ...tally.need };
}

function countPendings(engine: Engine, context: number, slice: number): number {
  const first = context + layout.CX_RECORDS + slice * layout.SLICE_CAPACITY * layout.RECORD_SIZE;
  const end = first + engine.sliceField(context, slice, layout.SL_COUNT) * layout.RECORD_SIZE;
  let pendings = 0;
  for (let record = first; record < end; record += layout.RECORD_SIZE) {
    if ((engine.view.getUint16(record + layout.TR_FLAGS, true) & layout.TRANSFER_PENDING) !== 0) pendings++;
  }
  return pendings;
}

/** Remembers what parsing overwrites of its own input; returns what puts it back. */
function keepInput(view: DataView, context: number, slices: number): () => void {
  const fields = [context + layout.CX_SKIPPING];
  for (let slice = 0; slice < slices; slice++) {
    const entry = context + layout.CX_SLICES + slice * layout.SLICE_ENTRY_SIZE;
    fields.push(entry + layout.SL_INPUT_START, entry + layout.SL_INPUT_END);
  }
  const kept = fields.map((field) => view.getUint32(field, true));
  return () => fields.forEach((field, i) => void view.setUint32(field, kept[i]!, true));
}

/** Adds the accounts that the slice's rows would create; returns how many rows would be recorded. */
function tallySlice(engine: Engine, context: number, slice: number, tally: Tally): number {
  const { bytes, view } = engine;
  const first = slice * layout.SLICE_CAPACITY;
  const end = first + engine.sliceField(context, slice, layout.SL_COUNT);
  let recorded = 0;
  for (let index = first; index < end; index++) {
    if (bytes[context + layout.CX_STATE + index] !== layout.STATE_FRESH) continue;
    recorded++;
    // One that is recorded as refused creates nothing.
    if (bytes[context + layout.CX_RESULT + index] !== OK) continue;
    const record = context + layout.CX_RECORDS + index * layout.RECORD_SIZE;
    const scratch = context + layout.CX_SCRATCH + index * layout.SCRATCH_SIZE;
    const add = (slotField: number, key: number, kindField: number, textField: number): void => {
      if (view.getUint32(scratch + slotField, true) !== layout.NO_SLOT) return;
      const kind = bytes[record + kindField]!;
      const text = isHashKind(kind) ? view.getUint32(record + textField, true) : 0;
      tally.add(readId(bytes, kind, record + key, text), kind);
    };
    add(layout.SC_DEBIT_SLOT, layout.TR_DEBIT, layout.TR_DEBIT_KIND, layout.TR_DEBIT_TEXT);
    add(layout.SC_CREDIT_SLOT, layout.TR_CREDIT, layout.TR_CREDIT_KIND, layout.TR_CREDIT_TEXT);
  }
  return recorded;
}
