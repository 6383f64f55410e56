/** Which column means what: from the user's mapping to the kernel's job configuration. */
import { isHashKind } from "../core/identifiers.js";
import * as layout from "../core/layout.js";
import type { Engine } from "../engine/engine.js";

/** What the parser must know to turn rows into records. */
export interface ParserConfiguration {
  /** Role (ROLE_*) of each column. */
  readonly roles: Uint8Array;
  /** Digits after the decimal point. */
  readonly scale: number;
  readonly delimiter: string;
  /** Number of the asset of the amounts and of accounts that the job creates. */
  readonly asset: number;
  /** Flags of accounts that the job creates. */
  readonly createFlags: number;
  /** Prefix of derived ids, 16 octets. */
  readonly idPrefix: Uint8Array;
  /** The debit account of every row, where no column holds it. */
  readonly fixedDebit?: string;
}

/** Writes the configuration. Nothing may be parsing. */
export function configureParser(engine: Engine, configuration: ParserConfiguration): void {
  const { bytes, view, ids } = engine;
  const at = layout.JOB_CONFIG;
  const { roles } = configuration;
  bytes.fill(0, at, at + layout.JC_ROLES + layout.JC_COLUMNS_MAX);
  view.setUint32(at + layout.JC_COLUMN_COUNT, roles.length, true);
  view.setUint32(at + layout.JC_SCALE, configuration.scale, true);
  view.setUint32(at + layout.JC_ASSET, configuration.asset, true);
  view.setUint32(at + layout.JC_CREATE_FLAGS, configuration.createFlags, true);
  bytes[at + layout.JC_DELIMITER] = configuration.delimiter.charCodeAt(0);
  bytes[at + layout.JC_HAS_ID] = roles.includes(layout.ROLE_ID) ? 1 : 0;
  bytes[at + layout.JC_HAS_EXTRAS] = roles.some((role) => role > layout.ROLE_AMOUNT) ? 1 : 0;
  bytes[at + layout.JC_HAS_LINKED] = roles.includes(layout.ROLE_LINKED) ? 1 : 0;
  bytes.set(configuration.idPrefix, at + layout.JC_ID_PREFIX);
  bytes.set(roles, at + layout.JC_ROLES);
  const { fixedDebit } = configuration;
  if (fixedDebit === undefined) return;
  const kind = ids.write(fixedDebit, at + layout.JC_FIXED_DEBIT_KEY, layout.TEXT_SCRATCH);
  bytes[at + layout.JC_HAS_FIXED_DEBIT] = 1;
  bytes[at + layout.JC_FIXED_DEBIT_KIND] = kind;
  view.setUint32(at + layout.JC_FIXED_DEBIT_TEXT, isHashKind(kind) ? layout.TEXT_SCRATCH : 0, true);
}
