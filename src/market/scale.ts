// Exact prices and sizes: decimal text outside, integers of a fixed number of decimals ("ticks") inside.
import { InvariantError } from '../core/errors.ts';

/**
 * How many decimals the integers of a record have: a `price` of 6180020 with `price: 2` is 61800.20. One object is shared by all records
 * of an instrument; it says how numbers are kept, not the smallest step that the venue allows.
 */
export interface Scale {
  /** Decimals of prices, 0..15. */
  readonly price: number;
  /** Decimals of sizes, 0..15. */
  readonly size: number;
}

export const MAX_DECIMALS = 15;

const POWERS = Array.from({ length: MAX_DECIMALS + 1 }, (_, n) => 10 ** n);

/**
 * Returns plain decimal text (`-12.340`) as an integer of `decimals` decimals (-1234 for 2), or NaN where that is not exact: text that is no
 * plain number, digits beyond `decimals` other than 0, more than 2^53.
 */
export function ticksOf(text: string, decimals: number): number {
  const length = text.length;
  let at = 0;
  const negative = text.charCodeAt(0) === 45;
  if (negative) at = 1;
  let ticks = 0;
  let digits = 0;
  let left = -1;
  for (; at < length; at++) {
    const code = text.charCodeAt(at);
    if (code === 46 && left < 0) {
      left = decimals;
      continue;
    }
    const digit = code - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    digits++;
    if (left < 0) ticks = ticks * 10 + digit;
    else if (left > 0) {
      ticks = ticks * 10 + digit;
      left--;
    } else if (digit !== 0) return Number.NaN;
  }
  if (digits === 0) return Number.NaN;
  ticks *= POWERS[left < 0 ? decimals : left]!;
  if (ticks > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return negative && ticks !== 0 ? -ticks : ticks;
}

/** Texts of one number of decimals that were made lately: prices and sizes of a market come again and again. */
interface Texts {
  readonly ticks: Float64Array;
  readonly texts: string[];
}

const KEPT_TEXTS = 8192;
const SHORTEST_BELOW = 1e15;
const TEXTS: (Texts | undefined)[] = [];

/** Returns an integer of `decimals` decimals as decimal text without trailing zeros: 1230, 3 gives `1.23`. Throws InvariantError for what is no safe integer. */
export function decimalText(ticks: number, decimals: number): string {
  let made = TEXTS[decimals];
  if (made === undefined) {
    made = { ticks: new Float64Array(KEPT_TEXTS).fill(Number.NaN), texts: [] };
    for (let i = 0; i < KEPT_TEXTS; i++) made.texts.push('');
    TEXTS[decimals] = made;
  }
  const place = ticks & (KEPT_TEXTS - 1);
  if (made.ticks[place] === ticks) return made.texts[place]!;
  const text = makeText(ticks, decimals);
  made.ticks[place] = ticks;
  made.texts[place] = text;
  return text;
}

function makeText(ticks: number, decimals: number): string {
  if (!Number.isSafeInteger(ticks)) throw new InvariantError(`decimal text of ${ticks}, which is no integer`);
  // Up to 15 digits a decimal is the shortest text of the float64 next to it; what is smaller would have an exponent.
  const value = ticks / POWERS[decimals]!;
  const size = Math.abs(value);
  if (Math.abs(ticks) < SHORTEST_BELOW && (size >= 1e-6 || size === 0)) return String(value);
  if (decimals === 0) return String(ticks);
  const sign = ticks < 0 ? '-' : '';
  let digits = String(Math.abs(ticks));
  if (digits.length <= decimals) digits = digits.padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === 48) end--;
  return end === point
    ? sign + digits.slice(0, point)
    : `${sign}${digits.slice(0, point)}.${digits.slice(point, end)}`;
}

/** Returns the float64 nearest to the decimal that `ticks` stands for: one division of exact numbers rounds once. */
export function numberOf(ticks: number, decimals: number): number {
  return ticks / POWERS[decimals]!;
}

/** Returns how many decimals plain decimal text needs: 2 for `61800.200`. */
export function decimalsOf(text: string): number {
  const point = text.indexOf('.');
  if (point < 0) return 0;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  return Math.max(0, end - point - 1);
}
