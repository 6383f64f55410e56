/** Which column means what: from the user's mapping to the kernel's job configuration. */
import { isHashKind } from "../core/identifiers.js";
import * as layout from "../core/layout.js";
import type { Engine } from "../engine/engine.js";
import type { MappedColumns } from "./header.js";

/** What the parser must know to turn rows into records. */
export interface ParserConfiguration {
  readonly columns: MappedColumns;
  /** Digits after the decimal point. */
  readonly scale: number;
  readonly delimiter: string;
  /** Number of the asset of the amounts and of accounts that the job creates. */
  readonly asset: number;
  /** Flags of accounts that the job creates. */
  readonly createFlags: number;
  /** Prefix of derived ids, 16 octets. */
  readonly idPrefix: Uint8Array;
  /** An empty amount is 0. Default: it is refused. */
  readonly isAmountOptional?: boolean;
  /** The debit account of every row, where no column holds it. */
  readonly fixedDebit?: string;
}

/** Writes the configuration. Nothing may be parsing. */
export function configureParser(engine: Engine, configuration: ParserConfiguration): void {
  const { bytes, view, ids } = engine;
  const at = layout.JOB_CONFIG;
  const { format, roles, names } = configuration.columns;
  bytes.fill(0, at, at + layout.JC_MEMBERS + layout.ROLE_COUNT * layout.JC_MEMBER_SIZE);
  view.setUint32(at + layout.JC_COLUMN_COUNT, roles.length, true);
  view.setUint32(at + layout.JC_SCALE, configuration.scale, true);
  view.setUint32(at + layout.JC_ASSET, configuration.asset, true);
  view.setUint32(at + layout.JC_CREATE_FLAGS, configuration.createFlags, true);
  bytes[at + layout.JC_DELIMITER] = configuration.delimiter.charCodeAt(0);
  bytes[at + layout.JC_HAS_ID] = names.has(layout.ROLE_ID) ? 1 : 0;
  bytes[at + layout.JC_HAS_EXTRAS] = [...names.keys()].some((role) => role > layout.ROLE_AMOUNT) ? 1 : 0;
  bytes[at + layout.JC_HAS_LINKED] = names.has(layout.ROLE_LINKED) ? 1 : 0;
  bytes[at + layout.JC_AMOUNT_OPTIONAL] = configuration.isAmountOptional === true ? 1 : 0;
  bytes.set(configuration.idPrefix, at + layout.JC_ID_PREFIX);
  bytes.set(roles, at + layout.JC_ROLES);
  if (format === "ndjson") configureMembers(engine, names);
  const { fixedDebit } = configuration;
  if (fixedDebit === undefined) return;
  const kind = ids.write(fixedDebit, at + layout.JC_FIXED_DEBIT_KEY, layout.TEXT_SCRATCH);
  bytes[at + layout.JC_HAS_FIXED_DEBIT] = 1;
  bytes[at + layout.JC_FIXED_DEBIT_KIND] = kind;
  view.setUint32(at + layout.JC_FIXED_DEBIT_TEXT, isHashKind(kind) ? layout.TEXT_SCRATCH : 0, true);
}

/** Writes what the members of a JSON object are called. */
function configureMembers({ bytes, view }: Engine, names: ReadonlyMap<number, string>): void {
  bytes[layout.JOB_CONFIG + layout.JC_FORMAT] = layout.FORMAT_NDJSON;
  bytes[layout.JOB_CONFIG + layout.JC_MEMBER_COUNT] = names.size;
  let member = layout.JOB_CONFIG + layout.JC_MEMBERS;
  for (const [role, name] of names) {
    const encoded = Buffer.from(name);
    bytes[member + layout.JM_ROLE] = role;
    view.setUint16(member + layout.JM_LENGTH, encoded.length, true);
    bytes.set(encoded, member + layout.JM_NAME);
    member += layout.JC_MEMBER_SIZE;
  }
}
