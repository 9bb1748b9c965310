// Reads fields of a venue's messages; what is not as documented ends the message with a reason, and nothing else.

import { parseTimestampUs } from '../../../../src/core/timestamps.ts';
import type { GrowingScale } from '../../../../src/market/growing-scale.ts';
import { decimalOf } from './json.ts';

/** A message that is not what the venue documents; its text is the reason that is counted. */
export class Unreadable extends Error {}

export type Fields = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown, what = 'message'): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Unreadable(`${what}: no object`);
  return value as Fields;
}

export function listOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Unreadable(`${what}: no list`);
  return value;
}

/** Returns a name: 1 to 64 characters. */
export function nameOf(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '' || value.length > 64)
    throw new Unreadable(`${what}: no name`);
  return value;
}

/** Returns a decimal, sent as text or as a number, as plain text. */
export function decimalText(value: unknown, what: string): string {
  const text = typeof value === 'string' && PLAIN.test(value) ? value : decimalOf(value);
  if (text === null) throw new Unreadable(`${what}: no decimal`);
  return text;
}

const PLAIN = /^-?\d+(\.\d+)?$/;

/** Returns a decimal as the nearest float64, for bars and rates. */
export function numberOf(value: unknown, what: string): number {
  const number = typeof value === 'number' ? value : Number(decimalText(value, what));
  if (!Number.isFinite(number)) throw new Unreadable(`${what}: no number`);
  return number;
}

/** Returns a whole number from 0 to 2^53, sent as a number or as its digits; null for more. */
export function wholeOrNull(value: unknown, what: string): number | null {
  const number = typeof value === 'string' && /^\d{1,40}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= 0) || !Number.isInteger(number))
    throw new Unreadable(`${what}: no whole number`);
  return Number.isSafeInteger(number) ? number : null;
}

export function wholeOf(value: unknown, what: string): number {
  const number = wholeOrNull(value, what);
  if (number === null) throw new Unreadable(`${what}: more than 2^53`);
  return number;
}

/** Returns an id as text: a whole number or a name. */
export function idOf(value: unknown, what: string): string {
  return typeof value === 'number' ? String(wholeOf(value, what)) : nameOf(value, what);
}

/** Returns a time in ISO 8601 as microseconds. */
export function isoUs(value: unknown, what: string): number {
  const us = typeof value === 'string' ? parseTimestampUs(value) : null;
  if (us === null) throw new Unreadable(`${what}: no time`);
  return us;
}

/** Returns the text of an ISO time that says more than microseconds (digits other than 0 after the sixth), else undefined. */
export function finerText(value: unknown): string | undefined {
  return typeof value === 'string' && /\.\d{6}\d*[1-9]/.test(value) ? value : undefined;
}

/** Returns a price above 0 as an integer of the scale. */
export function priceOf(scale: GrowingScale, value: unknown): number {
  const ticks = scale.price(decimalText(value, 'price'));
  if (!(ticks > 0)) throw new Unreadable('price: not above 0, or not exact');
  return ticks;
}

/** Returns a size of 0 or more as an integer of the scale. */
export function sizeOf(scale: GrowingScale, value: unknown): number {
  const ticks = scale.size(decimalText(value, 'size'));
  if (!(ticks >= 0)) throw new Unreadable('size: below 0, or not exact');
  return ticks;
}

/** Returns levels as price and size by turns; `price` and `size` pick them from one level as it was sent. */
export function levelsOf(
  scale: GrowingScale,
  levels: readonly unknown[],
  price: (level: unknown) => unknown,
  size: (level: unknown) => unknown,
): number[] {
  const flat = new Array<number>(levels.length * 2);
  for (let i = 0; i < levels.length; i++) {
    flat[2 * i] = priceOf(scale, price(levels[i]));
    flat[2 * i + 1] = sizeOf(scale, size(levels[i]));
  }
  return flat;
}
