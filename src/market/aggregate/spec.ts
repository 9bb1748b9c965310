// What ends a bar, as a user says it.
import { z } from 'zod';
import { fieldErrors, invalidFields } from '../../core/field-errors.ts';

const DAY_US = 86_400_000_000;
const positive = z.number().positive().max(Number.MAX_VALUE);

/** Which bars are made. */
export const barSpecSchema = z.discriminatedUnion('unit', [
  z.strictObject({
    unit: z.literal('time'),
    interval: z
      .int()
      .min(1)
      .max(400 * DAY_US)
      .describe('Length in microseconds'),
    align: z
      .enum(['epoch', 'session'])
      .default('epoch')
      .describe('Whether intervals are counted from 1970-01-01 or from the open of each session'),
  }),
  z.strictObject({
    unit: z.literal('tick'),
    interval: z.int().min(1).max(Number.MAX_SAFE_INTEGER).describe('Trades in a bar'),
  }),
  z.strictObject({ unit: z.literal('volume'), interval: positive.describe('Base units in a bar') }),
  z.strictObject({ unit: z.literal('dollar'), interval: positive.describe('Quote units in a bar') }),
  z.strictObject({
    unit: z.literal('imbalance'),
    interval: positive.describe('Imbalance at which the first bar ends, in units of its measure'),
    measure: z
      .enum(['tick', 'volume', 'dollar'])
      .default('tick')
      .describe('What is signed and summed: trades, base units, quote units'),
    expected_trades: z
      .int()
      .min(1)
      .max(1e9)
      .default(1000)
      .describe('Trades that the first bar is expected to have'),
    bars_span: z
      .int()
      .min(1)
      .max(1e6)
      .default(20)
      .describe('Span of the moving average of trades in a bar, in bars'),
    trades_span: z
      .int()
      .min(1)
      .max(1e9)
      .default(10_000)
      .describe('Span of the moving average of the signed measure, in trades'),
    growth: z
      .number()
      .min(1)
      .max(1000)
      .default(4)
      .describe('The threshold stays within the interval divided and multiplied by it'),
  }),
]);

export type BarSpecInput = z.input<typeof barSpecSchema>;
export type BarSpec = z.output<typeof barSpecSchema>;

/** Returns the bars that are asked for with their defaults. Throws InvalidOptionError with the fields that are wrong. */
export function barSpecOf(input: BarSpecInput): BarSpec {
  const read = barSpecSchema.safeParse(input);
  if (read.success) return read.data;
  throw invalidFields(fieldErrors(read.error.issues, '', input), 'the bars');
}
