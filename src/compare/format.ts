/** Figures as people read them: three digits, units, the same in tables, charts and sentences. */

/** Below this a figure of four decimals would read as nothing. */
const SMALLEST = 0.00005;

/** Three significant digits, four decimals at most, thousands separated: `1,240`, `12.4`, `0.0124`, `< 0.0001`. */
export function significant(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) < SMALLEST) return "< 0.0001";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = Number(value.toPrecision(3));
  return rounded.toLocaleString("en-US", {
    minimumFractionDigits: Math.min(digits, 4),
    maximumFractionDigits: Math.min(digits, 4),
  });
}

/** A rate: `12.4 M/s`, `3.05 k/s`, `610/s`. */
export function rate(perSecond: number): string {
  if (perSecond >= 999_500) return `${significant(perSecond / 1e6)} M/s`;
  if (perSecond >= 999.5) return `${significant(perSecond / 1e3)} k/s`;
  return `${significant(perSecond)}/s`;
}

/** How many times as fast: `1.93×`. */
export function times(ratio: number): string {
  return `${significant(ratio)}×`;
}

/** A whole number with thousands separated. */
export function integer(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** A part of a whole, from 0 to 1: `0 %`, `< 0.01 %`, `12.3 %`. */
export function percent(share: number): string {
  if (share === 0) return "0 %";
  return share < 0.0001 ? "< 0.01 %" : `${significant(share * 100)} %`;
}

/** `1 thread`, `2 threads`. */
export function counted(count: number, noun: string): string {
  return `${integer(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
