/** What room a call needs, exactly: asked only where the most that it could need is not there. */
import { isHashKind, isIdKind } from "../core/identifiers.js";
import * as layout from "../core/layout.js";
import type { Engine } from "./engine.js";
import type { AccountNeed } from "./room.js";

/** Different ids, and what they take as text. */
class Tally {
  readonly #ids = new Set<string>();
  #textSize = 0;

  add(id: string, kind: number): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    if (isHashKind(kind)) this.#textSize += (kind + 7) & ~7;
  }

  get need(): AccountNeed {
    return { accounts: this.#ids.size, textSize: this.#textSize };
  }
}

/** What accounts of these ids take, without those that exist. */
export function needOfIds(engine: Engine, ids: Iterable<string>): AccountNeed {
  const tally = new Tally();
  for (const id of ids) {
    const kind = engine.ids.write(id, layout.KEY_SCRATCH, layout.TEXT_SCRATCH);
    if (!isIdKind(kind)) continue;
    const slot = engine.kernel.findAccountByKey(layout.KEY_SCRATCH, kind, layout.TEXT_SCRATCH) >>> 0;
    if (slot === layout.NO_SLOT) tally.add(id, kind);
  }
  return tally.need;
}
