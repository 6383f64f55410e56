/** The consistency of a bank's layout, with itself and with the engine's. Checked whenever a bank is opened. */
import * as core from "../../core/layout.js";
import { check, checkStructure } from "../../core/layout-assertions.js";
import * as layout from "./layout.js";

/** Throws where an offset of `layout.ts` is wrong. */
export function assertBankLayout(): void {
  const l = layout;
  check(l.AC_LOCK >= core.AC_KEY && l.AC_LOCK + 4 <= core.AC_KEY + 16 && l.AC_LOCK % 4 === 0, "AC_LOCK in AC_KEY");
  check(l.BANK % core.CACHE_LINE === 0 && l.BANK + l.BANK_SIZE <= core.REGIONS_START, "the bank's header");
  check(l.BANK >= core.SUPERBLOCK + core.SUPERBLOCK_SIZE, "the bank's header is behind the superblock");
  checkStructure("bank", l.BANK_SIZE, [
    ["BK_MAGIC", l.BK_MAGIC, 4],
    ["BK_VERSION", l.BK_VERSION, 4],
    ["BK_ACCOUNT_COUNT", l.BK_ACCOUNT_COUNT, 4],
    ["BK_LANES", l.BK_LANES, 4],
    ["BK_LANE_COUNT", l.BK_LANE_COUNT, 4],
    ["BK_OPERATIONS", l.BK_OPERATIONS, 4],
    ["BK_OPERATION_CAPACITY", l.BK_OPERATION_CAPACITY, 4],
    ["BK_LOCK_SPINS", l.BK_LOCK_SPINS, 4],
    ["BK_CONTEXT", l.BK_CONTEXT, 4],
    ["BK_NEXT", l.BK_NEXT, core.CACHE_LINE],
    ["BK_READY", l.BK_READY, core.CACHE_LINE],
    ["BK_TICKET", l.BK_TICKET, core.CACHE_LINE],
    ["BK_DONE", l.BK_DONE, core.CACHE_LINE],
    ["BK_STAGE", l.BK_STAGE, 4],
    ["BK_BATCH_FIRST", l.BK_BATCH_FIRST, 4],
    ["BK_BATCH_COUNT", l.BK_BATCH_COUNT, 4],
    ["BK_RUN_END", l.BK_RUN_END, 4],
    ["BK_SERIAL_LEFT", l.BK_SERIAL_LEFT, 4],
  ]);
  checkStructure("operation", l.OPERATION_SIZE, [
    ["OP_FIRST", l.OP_FIRST, 4],
    ["OP_SECOND", l.OP_SECOND, 4],
    ["OP_THIRD", l.OP_THIRD, 4],
    ["OP_KIND", l.OP_KIND, 1],
    ["OP_RESULT", l.OP_RESULT, 1],
    ["OP_AMOUNT", l.OP_AMOUNT, 8],
    ["OP_ANSWER", l.OP_ANSWER, 8],
  ]);
  check(l.OPERATION_SIZE === 1 << l.OPERATION_SIZE_LOG2, "OPERATION_SIZE_LOG2");
  checkStructure("lane", l.LANE_SIZE, [
    ["LN_STEP", l.LN_STEP, 4],
    ["LN_CONFLICTS", l.LN_CONFLICTS, 4],
    ["LN_WAITS", l.LN_WAITS, 4],
    ["LN_RESULT", l.LN_RESULT, 4],
    ["LN_AMOUNT", l.LN_AMOUNT, 8],
    ["LN_LOADED", l.LN_LOADED, 8],
    ["LN_OPERATION", l.LN_OPERATION, 4],
    ["LN_ACCOUNT_COUNT", l.LN_ACCOUNT_COUNT, 4],
    ["LN_ACCOUNTS", l.LN_ACCOUNTS, 4 * l.LN_COPY_COUNT],
    ["LN_ORDER", l.LN_ORDER, 4 * l.LN_COPY_COUNT],
    ["LN_OWN_OPERATION", l.LN_OWN_OPERATION, l.OPERATION_SIZE],
    ["LN_CHANGED", l.LN_CHANGED, 4],
    ["LN_SPINS", l.LN_SPINS, 4],
    ["LN_WORD", l.LN_WORD, 4],
    ["LN_GATE", l.LN_GATE, 4],
    ["LN_COPIES", l.LN_COPIES, l.LN_COPY_COUNT * core.ACCOUNT_SIZE],
    ["LN_READ_VERSIONS", l.LN_READ_VERSIONS, 8 * l.LN_COPY_COUNT],
    ["LN_LEG_COUNT", l.LN_LEG_COUNT, 4],
    ["LN_LEG_NEXT", l.LN_LEG_NEXT, 4],
    ["LN_LEGS", l.LN_LEGS, l.LN_LEG_CAPACITY * l.LEG_ENTRY_SIZE],
    ["LN_OK_COUNT", l.LN_OK_COUNT, 8],
    ["LN_REFUSED_COUNT", l.LN_REFUSED_COUNT, 8],
    ["LN_CONFLICT_COUNT", l.LN_CONFLICT_COUNT, 8],
    ["LN_WAIT_COUNT", l.LN_WAIT_COUNT, 8],
  ]);
  check(l.LANE_SIZE === 1 << l.LANE_SIZE_LOG2 && l.LN_COUNTERS % core.CACHE_LINE === 0, "lanes and their counters");
}
