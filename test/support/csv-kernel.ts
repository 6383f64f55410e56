/**
 * The kernel's parsers as a coordinator drives it, window by window and slice by slice, on one thread.
 *
 * Everything around the input is hostile: the bytes beside the window are quotes and line ends, and records, cold
 * lines and text arenas are full of the batches before, so that a field that is not written shows.
 */
import {
  ID_MUST_NOT_BE_EMPTY,
  ID_NOT_UTF8,
  ID_TOO_LONG,
  INVALID_AMOUNT,
  INVALID_ROW,
  OK,
} from "../../src/core/codes.js";
import { instantiateKernel } from "../../src/core/kernel.js";
import * as layout from "../../src/core/layout.js";
import type { Columns, ReadId, ReadRow } from "./csv-reference.js";

const CONTEXT = 1024 * 1024;
const INPUT = CONTEXT + 12 * 1024 * 1024;
const INPUT_SIZE = 8 * 1024 * 1024;
const SCRATCH = INPUT + INPUT_SIZE;
const memory = new WebAssembly.Memory({
  initial: (SCRATCH + layout.PAGE_SIZE) / layout.PAGE_SIZE,
  maximum: layout.PAGE_SIZE,
  shared: true,
});
const kernel = instantiateKernel(memory);
export const bytes = new Uint8Array(memory.buffer);
export const view = new DataView(memory.buffer);

const ROLES = {
  none: layout.ROLE_NONE,
  id: layout.ROLE_ID,
  debit: layout.ROLE_DEBIT,
  credit: layout.ROLE_CREDIT,
  amount: layout.ROLE_AMOUNT,
};
const STATUSES = new Map<number, ReadRow["status"]>([
  [OK, "ok"],
  [INVALID_ROW, "invalid_row"],
  [INVALID_AMOUNT, "invalid_amount"],
  [ID_MUST_NOT_BE_EMPTY, "id_must_not_be_empty"],
  [ID_TOO_LONG, "id_too_long"],
  [ID_NOT_UTF8, "id_not_utf8"],
]);

/** How a file is cut. */
export interface Cuts {
  /** Bytes of a window; more are read where they hold no complete row. Default: as much as fits. */
  readonly windowSize?: number;
  /** Which share of a window rows may begin in, 0–1. Default: all of it. */
  readonly share?: number;
  /** Where the slices are cut, 0–1 each: one slice more than cuts. Default: one slice. */
  readonly slices?: readonly number[];
  /** Whether later slices are read before earlier ones. */
  readonly backwards?: boolean;
  /** Distance of the window from an aligned address. */
  readonly shift?: number;
  /** What the neighbourhood is full of. */
  readonly around?: string;
}

/** What else the job configuration may say. */
export interface JobOptions {
  /** Where it is given, ids are derived. */
  readonly idPrefix?: Uint8Array;
  readonly fixedDebit?: { readonly key: Uint8Array; readonly kind: number; readonly text: number };
  /** 1-based number of the first row. */
  readonly firstRow?: bigint;
  /** Told of each batch: its rows, and whether it says that it is part of a chain that goes on. */
  readonly onBatch?: (rows: number, isChainOpen: boolean) => void;
}

function setWord(address: number, value: number): void {
  view.setUint32(address, value, true);
}

function word(address: number): number {
  return view.getUint32(address, true);
}

function sliceEntry(slice: number): number {
  return CONTEXT + layout.CX_SLICES + slice * layout.SLICE_ENTRY_SIZE;
}

function configure(columns: Columns, job: JobOptions): void {
  bytes.fill(0, layout.JOB_CONFIG, layout.JOB_CONFIG + layout.JC_ROLES);
  // A role that the row's number of columns does not reach must never be looked at.
  bytes.fill(layout.ROLE_AMOUNT, layout.JOB_CONFIG + layout.JC_ROLES, layout.REGIONS_START);
  setWord(layout.JOB_CONFIG + layout.JC_COLUMN_COUNT, columns.roles.length);
  setWord(layout.JOB_CONFIG + layout.JC_SCALE, columns.scale);
  bytes[layout.JOB_CONFIG + layout.JC_DELIMITER] = columns.delimiter.charCodeAt(0);
  bytes[layout.JOB_CONFIG + layout.JC_HAS_ID] = columns.roles.includes("id") ? 1 : 0;
  bytes.set(
    columns.roles.map((role) => ROLES[role]),
    layout.JOB_CONFIG + layout.JC_ROLES,
  );
  if (job.idPrefix) bytes.set(job.idPrefix, layout.JOB_CONFIG + layout.JC_ID_PREFIX);
  if (job.fixedDebit) {
    bytes[layout.JOB_CONFIG + layout.JC_HAS_FIXED_DEBIT] = 1;
    bytes.set(job.fixedDebit.key, layout.JOB_CONFIG + layout.JC_FIXED_DEBIT_KEY);
    bytes[layout.JOB_CONFIG + layout.JC_FIXED_DEBIT_KIND] = job.fixedDebit.kind;
    setWord(layout.JOB_CONFIG + layout.JC_FIXED_DEBIT_TEXT, job.fixedDebit.text);
  }
}

function latin1(address: number, length: number): string {
  return Buffer.from(bytes.slice(address, address + length)).toString("latin1");
}

/** One of a record's three ids. */
export function readId(record: number, ordinal: number): ReadId {
  const kind = bytes[record + layout.TR_ID_KIND + ordinal]!;
  const hasCold = (view.getUint16(record + layout.TR_FLAGS, true) & layout.TR_HAS_COLD) !== 0;
  const text = hasCold ? word(record + layout.TR_ID_TEXT + ordinal * 4) : 0;
  return readKeyOf(kind, record + layout.TR_ID + ordinal * 16, text);
}

/** The id of this kind whose key and text, where it has one, stand at these addresses. */
export function readKeyOf(kind: number, key: number, text: number): ReadId {
  const octets = Buffer.from(bytes.slice(key, key + 16));
  const isHash = kind > layout.KIND_INLINE_MAX && kind <= layout.KIND_TEXT_MAX;
  if (isHash) {
    // The key must be the hash of the text kept.
    kernel.readKey(text, kind, SCRATCH);
    if (!octets.equals(bytes.subarray(SCRATCH, SCRATCH + 16))) throw new Error("the key is not the text's hash");
    return { kind, text: latin1(text, kind) };
  }
  if (text !== 0) throw new Error(`an id of kind ${kind} has a text`);
  const hexadecimal = octets.toString("hex");
  if (kind === layout.KIND_UUID) {
    return { kind: "uuid", text: hexadecimal.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5") };
  }
  const length = kind <= layout.KIND_INLINE_MAX ? kind : 0;
  if (/[^0]/.test(hexadecimal.slice(length * 2))) throw new Error(`an id of kind ${kind} has the key ${hexadecimal}`);
  if (kind === layout.KIND_NONE) return { kind: "none", text: "" };
  if (kind === layout.KIND_TOO_LONG) return { kind: "too long", text: "" };
  if (kind === layout.KIND_NOT_UTF8) return { kind: "not UTF-8", text: "" };
  return { kind, text: latin1(key, length) };
}

function readRecord(record: number): ReadRow {
  const flags = view.getUint16(record + layout.TR_FLAGS, true);
  const hasCold = (flags & layout.TR_HAS_COLD) !== 0;
  if ((flags & ~layout.TR_HAS_COLD) !== 0 || view.getUint16(record + layout.TR_CODE, true) !== 0) {
    throw new Error("flags or code were not cleared");
  }
  if (hasCold) {
    const cold = Buffer.from(
      bytes.slice(record + layout.COLD_OFFSET, record + layout.COLD_OFFSET + layout.RECORD_SIZE),
    );
    // What the parser never says: timeout, extension, user data, pending id and the rest of the line.
    cold.fill(0, 0, 8);
    cold.fill(0, layout.TR_ID_TEXT - layout.COLD_OFFSET, layout.TR_CREDIT_TEXT - layout.COLD_OFFSET + 4);
    cold[layout.TR_STATUS_ROLE - layout.COLD_OFFSET] = 0;
    if (cold.some((byte) => byte !== 0)) throw new Error("the cold line was not cleared");
  }
  const role = hasCold ? bytes[record + layout.TR_STATUS_ROLE]! : 0;
  const high = hasCold ? view.getBigUint64(record + layout.TR_AMOUNT_HIGH, true) : 0n;
  return {
    status: STATUSES.get(bytes[record + layout.TR_STATUS]!)!,
    role: role === 0 ? "none" : role === layout.ROLE_ID ? "id" : "amount",
    id: readId(record, 0),
    debit: readId(record, 1),
    credit: readId(record, 2),
    amount: (high << 64n) | view.getBigUint64(record + layout.TR_AMOUNT, true),
  };
}

/** Cuts a window, and has its slices read. Returns the slices. */
function parseSlices(start: number, size: number, isFinal: boolean, cuts: Cuts): number[] {
  const limit = start + size;
  const end = isFinal && cuts.share === undefined ? limit : start + Math.ceil(size * (cuts.share ?? 1));
  const points = [...(cuts.slices ?? [])].sort((a, b) => a - b).map((cut) => start + Math.floor(cut * (end - start)));
  const bounds = [start, ...points, end];
  const slicesUsed = bounds.length - 1;
  setWord(CONTEXT + layout.CX_SLICES_USED, slicesUsed);
  setWord(CONTEXT + layout.CX_INPUT_START, start);
  setWord(CONTEXT + layout.CX_INPUT_END, end);
  setWord(CONTEXT + layout.CX_INPUT_LIMIT, limit);
  setWord(CONTEXT + layout.CX_INPUT_FINAL, isFinal ? 1 : 0);
  const slices = Array.from({ length: slicesUsed }, (_, slice) => slice);
  for (const slice of slices) {
    bytes.fill(0xaa, sliceEntry(slice), sliceEntry(slice) + layout.SLICE_ENTRY_SIZE);
    setWord(sliceEntry(slice) + layout.SL_INPUT_START, bounds[slice]!);
    setWord(sliceEntry(slice) + layout.SL_INPUT_END, bounds[slice + 1]!);
  }
  // A row has at least one byte.
  const used = Math.min(size, layout.SLICE_CAPACITY) * layout.RECORD_SIZE;
  for (const slice of slices) {
    const first = CONTEXT + layout.CX_RECORDS + slice * layout.SLICE_CAPACITY * layout.RECORD_SIZE;
    bytes.fill(0xaa, first, first + used);
    bytes.fill(0xaa, first + layout.COLD_OFFSET, first + layout.COLD_OFFSET + used);
    bytes.fill(0xaa, first + layout.EXTRA_OFFSET, first + layout.EXTRA_OFFSET + used);
  }

  for (const slice of cuts.backwards ? slices.toReversed() : slices) kernel.parseSlice(CONTEXT, slice);
  return slices;
}

/** Parses one window, and returns its rows with how many bytes were consumed. */
function parseWindow<Row>(
  start: number,
  size: number,
  isFinal: boolean,
  cuts: Cuts,
  derive: boolean,
  readRow: (record: number) => Row,
): { rows: Row[]; consumed: number } {
  const slices = parseSlices(start, size, isFinal, cuts);
  kernel.stitchSlices(CONTEXT);
  if (derive) for (const slice of slices) kernel.deriveIds(CONTEXT, slice);

  const rows: Row[] = [];
  for (const slice of slices) {
    if (word(sliceEntry(slice) + layout.SL_ROW_BASE) !== rows.length) throw new Error("the row base is wrong");
    const count = word(sliceEntry(slice) + layout.SL_COUNT);
    if (count > layout.SLICE_CAPACITY) throw new Error("more records than a slice holds");
    if (word(sliceEntry(slice) + layout.SL_TEXT_USED) > layout.TEXT_ARENA_SIZE) throw new Error("more text than fits");
    const first = CONTEXT + layout.CX_RECORDS + slice * layout.SLICE_CAPACITY * layout.RECORD_SIZE;
    for (let i = 0; i < count; i++) rows.push(readRow(first + i * layout.RECORD_SIZE));
  }
  if (word(CONTEXT + layout.CX_OUT_COUNT) !== rows.length) throw new Error("the count is wrong");
  return { rows, consumed: word(CONTEXT + layout.CX_OUT_CONSUMED) - start };
}

/** Parses a file of one character a byte, cut as `cuts` says. */
export function parse(text: string, columns: Columns, cuts: Cuts = {}, job: JobOptions = {}): ReadRow[] {
  configure(columns, job);
  return parseRecords(text, cuts, job, readRecord);
}

/** Parses a file of one character a byte, of which the job configuration has been written. */
export function parseRecords<Row>(text: string, cuts: Cuts, job: JobOptions, readRow: (record: number) => Row): Row[] {
  setWord(CONTEXT + layout.CX_SKIPPING, 0);
  const start = INPUT + 64 + (cuts.shift ?? 0);
  const windowMax = INPUT_SIZE - 256;
  const rows: Row[] = [];
  let position = 0;
  let windowSize = Math.min(cuts.windowSize ?? windowMax, windowMax);
  while (position < text.length) {
    const window = Buffer.from(text.slice(position, position + windowSize), "latin1");
    const isFinal = position + window.length === text.length;
    Buffer.from(memory.buffer, start - 64, window.length + 128).fill(cuts.around ?? 'x"\n', "latin1");
    bytes.set(window, start);
    view.setBigUint64(CONTEXT + layout.CX_FIRST_ROW, (job.firstRow ?? 1n) + BigInt(rows.length), true);
    const parsed = parseWindow(start, window.length, isFinal, cuts, job.idPrefix !== undefined, readRow);
    rows.push(...parsed.rows);
    job.onBatch?.(parsed.rows.length, word(CONTEXT + layout.CX_OUT_CHAIN_OPEN) !== 0);
    position += parsed.consumed;
    if (parsed.consumed > 0) {
      windowSize = Math.min(cuts.windowSize ?? windowMax, windowMax);
    } else {
      if (isFinal || windowSize > layout.ROW_SIZE_MAX || parsed.rows.length > 0)
        throw new Error("nothing was consumed");
      windowSize = Math.min(windowSize * 2 + 1, windowMax);
    }
  }
  return rows;
}

/**
 * Has a file's slices read, but not stitched, and returns the bytes that each says it read, as text: where no guess
 * was wrong, that is the file, in order.
 */
export function parseUnstitched(text: string, columns: Columns, cuts: Cuts): string[] {
  configure(columns, {});
  setWord(CONTEXT + layout.CX_SKIPPING, 0);
  const start = INPUT + 64;
  bytes.set(Buffer.from(text, "latin1"), start);
  return parseSlices(start, text.length, true, cuts).map((slice) => {
    const first = word(sliceEntry(slice) + layout.SL_INPUT_START);
    return latin1(first, word(sliceEntry(slice) + layout.SL_INPUT_END) - first);
  });
}
