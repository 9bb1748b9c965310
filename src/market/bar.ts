// The bar: what a market did in one interval. Shared by feeds, indicators, factors and venues.
import { z } from 'zod';

const price = z.number().positive();

/**
 * One OHLCV bar. Prices are in quote currency, volume in the unit of its source (base or quote; the source says);
 * `ts_event_us` is the bar's own time in microseconds since the epoch, as its source labels it.
 */
export const barSchema = z.object({
  symbol: z.string().min(1).max(64),
  ts_event_us: z.int().nonnegative(),
  /** Length in microseconds: 60,000,000 for one minute. */
  interval_us: z.int().positive(),
  open: price,
  high: price,
  low: price,
  close: price,
  volume: z.number().nonnegative(),
});

export type Bar = z.infer<typeof barSchema>;

/** Returns why a bar contradicts itself (`high below low`), or null when it is consistent. */
export function barInconsistency(bar: Pick<Bar, 'open' | 'high' | 'low' | 'close'>): string | null {
  if (bar.high < bar.low) return 'high below low';
  if (bar.open > bar.high || bar.close > bar.high) return 'high below open or close';
  if (bar.open < bar.low || bar.close < bar.low) return 'low above open or close';
  return null;
}
