// Requests and replies of the Features engine.
import { z } from 'zod';
import { INPUTS, type InputName } from '../../src/indicators/index.ts';

const MAX_BARS = 1_000_000;
const column = z
  .array(z.number())
  .max(MAX_BARS)
  .describe(`one number per bar, oldest first; at most ${MAX_BARS} bars`);

export const nameParam = z.object({ name: z.string().min(1).max(64).describe('indicator, such as rsi') });
export const symbolParam = z.object({ symbol: z.string().min(1).max(64) });

export const indicatorRequest = z.strictObject({
  options: z.record(z.string(), z.number()).default({}).describe('as listed by GET /indicators'),
  inputs: z
    .strictObject(
      Object.fromEntries(INPUTS.map((name) => [name, column.optional()])) as Record<
        InputName,
        z.ZodOptional<typeof column>
      >,
    )
    .describe('columns that the indicator reads, all of one length'),
  dtype: z.enum(['f64', 'f32']).default('f64').describe('element type that it is computed in'),
  backend: z.enum(['auto', 'cpu', 'metal']).default('auto').describe('what computes it; metal has f32 only'),
});
export type IndicatorRequest = z.infer<typeof indicatorRequest>;

export const indicatorReply = z.object({
  indicator: z.string(),
  options: z.record(z.string(), z.number()),
  bars: z.int(),
  warmup: z.int().describe('bars before the first value'),
  outputs: z.record(z.string(), z.array(z.number().nullable())).describe('null where there is no value yet'),
  processing_time_ms: z.number(),
  hardware_used: z.string().describe('cpu or metal'),
  backend: z.string().describe('instruction set that ran it'),
});

export const indicatorList = z.object({
  indicators: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      group: z.string(),
      inputs: z.array(z.string()),
      options: z.record(z.string(), z.unknown()),
      outputs: z.record(z.string(), z.unknown()),
      source: z.string(),
    }),
  ),
});

export const featuresReply = z.object({
  symbol: z.string(),
  ts_event_us: z.int(),
  bars: z.int().describe('bars seen'),
  close: z.number(),
  features: z.record(z.string(), z.number().nullable()),
});

export const symbolsReply = z.object({ symbols: z.array(z.string()) });
