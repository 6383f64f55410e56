/** Days of the calendar, as text and as numbers. */

const MILLISECONDS_A_DAY = 86_400_000;

/** Days from 1970-01-01 to a day, which the caller has checked. */
export function dayOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / MILLISECONDS_A_DAY;
}

/** Whether a value is a day of the calendar from 0001-01-01 to 9999-12-31, as `2026-01-31`. */
export function isDate(value: unknown): boolean {
  if (typeof value !== "string" || !/^\d{4}-\d{2}-\d{2}$/.test(value) || value.startsWith("0000")) return false;
  const day = dayOf(value);
  return Number.isInteger(day) && dateOf(day) === value;
}

/** The day so many days after 1970-01-01, as `2026-01-31`. */
export function dateOf(day: number): string {
  return new Date(day * MILLISECONDS_A_DAY).toISOString().slice(0, 10);
}
