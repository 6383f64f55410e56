/** Assets: codes, scales, and amounts as decimals in an asset's scale. */
import { invalid, typeOf } from "./checks.js";
import { LedgerError } from "./errors.js";
import { NO_ASSET } from "./layout.js";

/** A unit of account: `scale` digits after the decimal point, 0–18. */
export interface Asset {
  readonly code: string;
  readonly scale: number;
}

export const SCALE_MAX = 18;
const CODE_PATTERN = /^[A-Za-z0-9._-]{1,32}$/;
const currencies = new Set(Intl.supportedValuesOf("currency"));

/**
 * The asset that a code stands for: an ISO 4217 currency with its own scale, or `CODE:SCALE` for any other.
 * Throws `unknown_asset`, and `invalid_argument` for what is no string.
 */
export function parseAsset(text: string): Asset {
  if (typeof text !== "string") throw invalid(`an asset must be a string, not ${typeOf(text)}`);
  const colon = text.indexOf(":");
  if (colon >= 0) {
    const code = text.slice(0, colon);
    const scale = Number(text.slice(colon + 1));
    if (!CODE_PATTERN.test(code) || !/^\d{1,2}$/.test(text.slice(colon + 1)) || scale > SCALE_MAX) {
      throw new LedgerError(
        "unknown_asset",
        `'${text}' is not an asset: expected CODE:SCALE with a code of 1 to 32 letters, digits, '.', '_' or '-' and a ` +
          `scale from 0 to ${SCALE_MAX}, for example BTC:8`,
        { details: { asset: text } },
      );
    }
    return { code, scale };
  }
  if (!currencies.has(text)) {
    const hint = currencies.has(text.toUpperCase()) ? `, perhaps ${text.toUpperCase()}` : "";
    throw new LedgerError(
      "unknown_asset",
      `'${text}' is not a currency of ISO 4217${hint}; name the scale of any other asset, for example ${
        CODE_PATTERN.test(text) ? text : "POINTS"
      }:2`,
      { details: { asset: text } },
    );
  }
  const format = new Intl.NumberFormat("en", { style: "currency", currency: text });
  return { code: text, scale: format.resolvedOptions().maximumFractionDigits ?? 2 };
}

/** The assets of a ledger, numbered from 1 in the order they were registered. */
export class AssetRegistry {
  readonly #assets: Asset[] = [];
  readonly #numberByCode = new Map<string, number>();
  #unsaved = 0;

  constructor(stored: readonly Asset[]) {
    for (const asset of stored) this.#add(asset);
    this.#unsaved = this.#assets.length;
  }

  #add(asset: Asset): number {
    this.#assets.push(asset);
    this.#numberByCode.set(asset.code, this.#assets.length);
    return this.#assets.length;
  }

  /** Number of a code, 0 where it is not registered. */
  number(code: string): number {
    return this.#numberByCode.get(code) ?? 0;
  }

  /** Assets registered; their numbers are 1…count. */
  get count(): number {
    return this.#assets.length;
  }

  get(number: number): Asset {
    const asset = this.#assets[number - 1];
    if (asset === undefined) throw new LedgerError("internal", `asset number ${number} is not registered`);
    return asset;
  }

  /**
   * Registers an asset, or finds it. Throws `asset_scale_differs` where the ledger knows the code with another scale, and
   * `invalid_argument` where it has no number left.
   */
  register(asset: Asset): number {
    const known = this.number(asset.code);
    if (known === 0) {
      if (this.count + 1 < NO_ASSET) return this.#add(asset);
      throw new LedgerError(
        "invalid_argument",
        `a ledger keeps at most ${this.count} assets: '${asset.code}' is one more`,
      );
    }
    const { scale } = this.get(known);
    if (scale !== asset.scale) {
      throw new LedgerError(
        "asset_scale_differs",
        `this ledger keeps ${asset.code} with ${scale} decimal digits, not ${asset.scale}: use the ledger's scale`,
        { details: { asset: asset.code, expected: scale, found: asset.scale } },
      );
    }
    return known;
  }

  /** Assets registered since the last call: they must reach the store with the next group. */
  takeUnsaved(): Asset[] {
    const unsaved = this.#assets.slice(this.#unsaved);
    this.#unsaved = this.#assets.length;
    return unsaved;
  }

  /** The store has but the first `count` assets: the others must reach it again. */
  keepUnsaved(count: number): void {
    this.#unsaved = count;
  }
}

/** An amount in minor units as a decimal, for example 1050n at scale 2 as `10.50`. */
export function formatAmount(amount: bigint, scale: number): string {
  if (scale === 0) return amount.toString();
  const negative = amount < 0n;
  const digits = (negative ? -amount : amount).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${negative ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}
