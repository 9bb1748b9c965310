// Exact decimals for cash, quantities and prices: one configured decimal.js clone, conversion, zod schemas.
import { Decimal as BaseDecimal } from 'decimal.js';
import { z } from 'zod';
import { NonFiniteInputError } from '../core/errors.ts';

/** Digits after the point that a decimal in JSON may have; a float64 price near 1e-5 needs 21. */
export const MAX_DECIMAL_PLACES = 24;
/** Digits before the point that a decimal in JSON may have. */
export const MAX_INTEGER_DIGITS = 18;

/**
 * The decimal type of the project: 100 significant digits, half-even, never exponent notation. The widest product of
 * two admitted decimals has 2 x (18 + 24) = 84 digits, so sums and products in the ledger never round; only a division
 * does, and whoever divides says to how many places.
 */
export const Decimal = BaseDecimal.clone({
  precision: 100,
  rounding: BaseDecimal.ROUND_HALF_EVEN,
  toExpNeg: -9e15,
  toExpPos: 9e15,
  defaults: true,
});
export type Decimal = BaseDecimal;

/** What `dec` takes. A number means its shortest decimal text: 0.1 is exactly one tenth. */
export type DecimalInput = string | number | Decimal;

export const ZERO: Decimal = new Decimal(0);
export const ONE: Decimal = new Decimal(1);

/** Returns `x` as a decimal. Throws NonFiniteInputError for NaN, infinities and text that is not a number. */
export function dec(x: DecimalInput): Decimal {
  if (x instanceof Decimal) {
    if (x.isFinite()) return x;
  } else if (typeof x === 'number') {
    if (Number.isFinite(x)) return new Decimal(x);
  } else if (typeof x === 'string' && decimalText.test(x)) {
    return new Decimal(x);
  }
  throw new NonFiniteInputError('Expected a finite decimal number');
}

/** Returns the canonical text: plain notation, no trailing zeros, `0` also for minus zero. */
export function text(x: Decimal): string {
  return x.toString();
}

// Hexadecimal, binary and `Infinity`, which decimal.js would take, are not prices.
const decimalText = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;
const plainText = new RegExp(`^-?\\d{1,${MAX_INTEGER_DIGITS}}(\\.\\d{1,${MAX_DECIMAL_PLACES}})?$`);

const anyDecimal = z.union([z.string().max(64), z.number()]).transform((value, context) => {
  const plain = typeof value === 'number' ? text(new Decimal(value)) : value;
  if (plainText.test(plain)) return text(new Decimal(plain));
  context.addIssue({
    code: 'custom',
    message: `Expected a plain decimal of at most ${MAX_INTEGER_DIGITS} digits before and ${MAX_DECIMAL_PLACES} after the point`,
  });
  return z.NEVER;
});

/** Takes a plain decimal string (`"0.10"`) or a finite number; gives the canonical string (`"0.1"`). */
export const decimalSchema = anyDecimal.describe('Exact decimal; a string keeps every digit');

/** `decimalSchema` that is above zero. */
export const positiveDecimalSchema = anyDecimal
  .refine((value) => value !== '0' && !value.startsWith('-'), 'Expected a decimal above 0')
  .describe('Exact decimal above 0; a string keeps every digit');

/** A decimal as it stands in replies, events and storage: always a string; nothing is converted. */
export const decimalTextSchema = z.string().regex(plainText).describe('Exact decimal as a string');
