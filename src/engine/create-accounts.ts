/** Creating accounts that a call asks for. */
import { entrySizeMax } from "../core/account-chunk.js";
import { ACCOUNT_ENTRIES_SIZE_MAX, ACCOUNTS_A_CHUNK } from "../core/accounts.js";
import { parseAsset } from "../core/assets.js";
import { readItems, readNewAccount } from "../core/checks.js";
import { LedgerError } from "../core/errors.js";
import * as layout from "../core/layout.js";
import { encodeMetadata, isSameJson } from "../core/metadata.js";
import type { AccountResultCode } from "../core/results.js";
import type { AccountResult, NewAccount } from "../core/types.js";
import type { Engine } from "./engine.js";
import { needOfAccounts } from "./need.js";
import { ACCOUNT_TEXT_MAX } from "./room.js";

const LOW_WORD = (1n << 64n) - 1n;
const decoder = new TextDecoder();

/** An account to create, with its metadata as text. */
interface AskedAccount {
  readonly account: NewAccount;
  readonly metadata: Uint8Array | undefined;
}

/**
 * Creates accounts, in order. Resolves with a result each once they are on disk. Throws, with nothing created, where a
 * field has the wrong type, an asset another scale, or the memory no room for those that are new.
 */
export async function createAccounts(engine: Engine, accounts: readonly NewAccount[]): Promise<AccountResult[]> {
  // The caller may change what it gave while the call waits for its turn, where nothing must fail any more.
  const own = readItems(accounts, "accounts").map(readNewAccount);
  const asked = own.map((account, index) => ({
    account,
    metadata: account.metadata === undefined ? undefined : encodeMetadata(account.metadata, `account ${index}`),
  }));
  for (const { asset } of own) assetNumber(engine, asset);
  const parts: Promise<{ results: AccountResult[]; durable: Promise<void> }>[] = [];
  // All parts are asked for at once, so that nothing called later comes between them: there is room for all or none.
  let hasRoom = false;
  for (const part of partsOf(asked)) {
    parts.push(
      engine.exclusively(() => {
        if (!hasRoom) checkRoom(engine, own);
        hasRoom = true;
        return createPart(engine, part);
      }),
    );
  }
  const created = await Promise.all(parts);
  await Promise.all(created.map(({ durable }) => durable));
  return created.flatMap(({ results }) => results);
}

/** Cuts a call into parts that fit a journal chunk each. */
function partsOf(asked: readonly AskedAccount[]): AskedAccount[][] {
  const parts: AskedAccount[][] = [];
  let size = 0;
  for (const account of asked) {
    const part = parts.at(-1);
    const own = entrySizeMax(account.metadata?.length ?? 0);
    const fits = part !== undefined && part.length < ACCOUNTS_A_CHUNK && size + own <= ACCOUNT_ENTRIES_SIZE_MAX;
    if (fits) part.push(account);
    else parts.push([account]);
    size = fits ? size + own : own;
  }
  return parts;
}

async function createPart(
  engine: Engine,
  part: readonly AskedAccount[],
): Promise<{ results: AccountResult[]; durable: Promise<void> }> {
  const before = engine.accounts.count;
  const known = new Map<number, string>();
  for (const { account } of part) {
    const slot = engine.ids.findAccount(account.id);
    const text = slot === undefined ? undefined : await engine.metadata(slot);
    if (text !== undefined) known.set(slot!, text);
  }
  const made = new Map<number, Uint8Array>();
  // From here on nothing can fail: an account in memory that the journal does not have would be lost.
  const results = part.map((asked) => ({ result: createAccount(engine, asked, known, made) }));
  const { durable } = await engine.commitAccounts(before, made);
  return { results, durable };
}

/** Throws `accounts_full` where the memory can't hold those of the accounts that are new. */
function checkRoom(engine: Engine, asked: readonly NewAccount[]): void {
  const { room } = engine;
  if (room.hasAccounts({ accounts: asked.length, textSize: asked.length * ACCOUNT_TEXT_MAX })) return;
  room.checkAccounts(needOfAccounts(engine, asked));
}

/** `known` has the text of metadata by slot; that of an account that is created is added to it, and to `made`. */
function createAccount(
  engine: Engine,
  { account, metadata }: AskedAccount,
  known: Map<number, string>,
  made: Map<number, Uint8Array>,
): AccountResultCode {
  const { kernel, ids, accounts } = engine;
  const kind = ids.write(account.id, layout.KEY_SCRATCH, layout.TEXT_SCRATCH);
  if (kind === layout.KIND_NONE) return "id_must_not_be_empty";
  if (kind === layout.KIND_TOO_LONG) return "id_too_long";
  if (kind === layout.KIND_NOT_UTF8) return "id_not_utf8";
  const flags =
    (account.debitsMustNotExceedCredits === true ? layout.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS : 0) |
    (account.creditsMustNotExceedDebits === true ? layout.ACCOUNT_CREDITS_MUST_NOT_EXCEED_DEBITS : 0);
  const code = account.code ?? 0;
  const overdraft = account.overdraftLimit ?? 0n;
  const userData = account.userData ?? 0n;
  const text = metadata === undefined ? undefined : decoder.decode(metadata);
  const asset = assetNumber(engine, account.asset);
  const slot = kernel.findAccountByKey(layout.KEY_SCRATCH, kind, layout.TEXT_SCRATCH) >>> 0;
  if (slot !== layout.NO_SLOT) {
    if ((accounts.flags(slot) & layout.ACCOUNT_FLAGS_KNOWN) !== flags) return "exists_with_different_flags";
    if (accounts.asset(slot) !== asset) return "exists_with_different_asset";
    if (accounts.code(slot) !== code) return "exists_with_different_code";
    if (accounts.userData(slot) !== userData) return "exists_with_different_user_data";
    const before = known.get(slot);
    const isSame = before === undefined || text === undefined ? before === text : isSameJson(before, text);
    if (!isSame) return "exists_with_different_metadata";
    return accounts.overdraftLimit(slot) === overdraft ? "exists" : "exists_with_different_overdraft_limit";
  }
  if (flags === layout.ACCOUNT_FLAGS_KNOWN) return "flags_are_mutually_exclusive";
  if (overdraft !== 0n && (flags & layout.ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS) === 0) {
    return "overdraft_limit_needs_a_limit";
  }
  if (asset === 0) return "asset_unknown";
  const created = accounts.count;
  const fault = kernel.createAccount(
    ...([layout.KEY_SCRATCH, kind, layout.TEXT_SCRATCH, asset, flags, code] as const),
    ...([overdraft & LOW_WORD, overdraft >> 64n, userData & LOW_WORD, userData >> 64n] as const),
    metadata === undefined ? 0 : engine.nextChunk + 1,
  );
  if (fault !== 0) {
    throw engine.fail(new LedgerError("internal", `there was room for account '${account.id}' a moment ago: a bug`));
  }
  if (metadata !== undefined && text !== undefined) {
    made.set(created, metadata);
    known.set(created, text);
  }
  return "ok";
}

/** Number of an asset by its code; a currency is registered when it is first used. 0 where it is unknown. */
function assetNumber(engine: Engine, code: string): number {
  const known = engine.assets.number(code);
  if (known !== 0) return known;
  try {
    return engine.assets.register(parseAsset(code));
  } catch (error) {
    if (error instanceof LedgerError && error.code === "unknown_asset") return 0;
    throw error;
  }
}
