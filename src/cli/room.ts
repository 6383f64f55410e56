/** How much room a job's ledger is opened with, judging by its files, and what happens where that was too little. */
import { open, stat } from "node:fs/promises";
import { LedgerError } from "../core/errors.js";
import { type Expectations, type OpenedLedger, openLedgerFor } from "../ledger.js";
import type { LedgerOptions } from "../options.js";
import type { ExitCode } from "./output.js";
import type { SettleArguments } from "./settle.js";

const TRANSFERS_MAX = 150_000_000;
const ACCOUNTS_MAX = 12_000_000;
/** Room below this is not worth asking for less. */
const ROOM_MIN = 1_000_000;
/** Bytes of a file that its rows' length is estimated from. */
const SAMPLE_SIZE = 64 * 1024;

/** New accounts and transfers that the ledger should have room for. */
export interface Room {
  readonly accounts: number;
  readonly transfers: number;
}

/**
 * How much the files may hold: rows half as long as the first ones at most. Where that is too little, the job stops and
 * goes on when it is run again. A stream may be of any length, and gets the ledger's default.
 */
async function expectedRoom(args: SettleArguments): Promise<Room> {
  const transfers = args.transfers === "-" ? 0 : await estimateRows(args.transfers);
  const accounts = args.accounts === undefined ? 0 : await estimateRows(args.accounts);
  const created = args.createAccounts === undefined ? 0 : 2 * transfers;
  return {
    transfers: Math.min(TRANSFERS_MAX, transfers + accounts),
    accounts: Math.min(ACCOUNTS_MAX, accounts + created),
  };
}

async function estimateRows(path: string): Promise<number> {
  const stats = await stat(path);
  if (!stats.isFile()) return 0;
  const handle = await open(path, "r");
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(SAMPLE_SIZE), 0, SAMPLE_SIZE, 0);
    let lines = 1;
    for (const byte of buffer.subarray(0, bytesRead)) if (byte === 10) lines++;
    return Math.ceil((2 * stats.size * lines) / Math.max(1, bytesRead));
  } finally {
    await handle.close();
  }
}

/** Opens the ledger with that room, or with as much of it as one memory can have beside what the ledger holds. */
export async function openWithRoom(
  path: string,
  options: LedgerOptions,
  room: Room & Expectations,
): Promise<OpenedLedger> {
  try {
    return await openLedgerFor(path, options, room);
  } catch (error) {
    const isTooLarge = error instanceof LedgerError && error.code === "capacity_too_large";
    const { accounts, transfers } = room;
    if (!isTooLarge || (accounts === 0 && transfers === 0)) throw error;
    const less = (count: number): number => (count < ROOM_MIN ? 0 : Math.floor(count / 2));
    const smaller = accounts > 0 ? { accounts: less(accounts) } : { transfers: less(transfers) };
    return openWithRoom(path, options, { ...room, ...smaller });
  }
}

/**
 * Runs a job with room for what its files may hold. One that keeps nothing where the room is too small would get no
 * further by being run again: it is given twice as much, if it can be read again.
 */
export async function withEnoughRoom(args: SettleArguments, run: (room: Room) => Promise<ExitCode>): Promise<ExitCode> {
  const keepsNothing = args.atomic === true || args.dryRun === true;
  let room = await expectedRoom(args);
  let capacityBefore = 0;
  for (;;) {
    try {
      return await run(room);
    } catch (error) {
      if (!(error instanceof LedgerError) || !["accounts_full", "transfers_full"].includes(error.code)) throw error;
      const capacity = Number(error.details.capacity);
      const mayHelp = capacity > capacityBefore && (await isRegularFile(args.transfers));
      if (!keepsNothing || !mayHelp) throw howToGoOn(error, keepsNothing);
      capacityBefore = capacity;
      room = moreRoom(room);
    }
  }
}

function moreRoom({ accounts, transfers }: Room): Room {
  return {
    accounts: Math.min(ACCOUNTS_MAX, 2 * Math.max(ROOM_MIN, accounts)),
    transfers: Math.min(TRANSFERS_MAX, 2 * Math.max(ROOM_MIN, transfers)),
  };
}

async function isRegularFile(path: string): Promise<boolean> {
  return path !== "-" && (await stat(path)).isFile();
}

/** Says what helps on the command line where a job needs more room than was foreseen. */
function howToGoOn(error: LedgerError, keepsNothing: boolean): LedgerError {
  const advice = keepsNothing
    ? "and nothing of it is kept: settle a regular file, whose size says how much room it needs, or several shorter ones"
    : "what was settled is kept, and opening makes room for more: run the same command again to go on";
  return new LedgerError(
    error.code,
    `the job needs more room than the ledger was opened with; ${advice} (${error.message})`,
    { cause: error, details: error.details },
  );
}
