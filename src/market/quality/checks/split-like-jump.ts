// `split_like_jump`: overnight a price changes by the ratio of a split, and no split is known.
import type { MarketRecord } from '../../records.ts';
import { DAY_US } from '../../sessions/days.ts';
import { type Context, defineCheck, type Running, ratioSince } from '../definition.ts';

// Ratios of splits that companies choose, as steps of the logarithm of the price.
const RATIOS = [1.25, 4 / 3, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100].map(Math.log);

export default defineCheck({
  flag: 'split_like_jump',
  kinds: ['bar'],
  rule: 'From the close before to the open of another trading day the price moves by a common ratio of splits, up or down, within `tolerance` (in proportion more for ratios beyond 2); the day itself moves by less than `calm` of that jump, as days of splits do and days of crashes do not; and no split between the two is known. Continuous markets are not judged.',
  unless: ['malformed', 'bad_timestamp', 'duplicate', 'out_of_order', 'ohlc_inconsistent'],
  weight: 20,
  parameters: {
    tolerance: {
      unit: 'log return',
      min: 0.001,
      max: 0.1,
      integer: false,
      default: 0.035,
      meaning: 'how far from the ratio a jump may be',
    },
    calm: {
      unit: 'share of the jump',
      min: 0.01,
      max: 1,
      integer: false,
      default: 0.2,
      meaning: 'how far, in logarithms, the bar itself may range: more is a crash',
    },
  },
  start({ tolerance, calm }, saved) {
    let [close, us] = (saved as [number, number] | null) ?? [0, 0];
    const running: Running = {
      step(record, context) {
        if (record.kind !== 'bar') return false;
        const ratio = ratioSince(context.splits, us, record);
        const jump = close > 0 && record.open > 0 ? Math.log((record.open * ratio) / close) : 0;
        const found =
          isOvernight(record, us, context) &&
          nearRatio(Math.abs(jump), tolerance) &&
          record.low > 0 &&
          Math.log(record.high / record.low) < calm * Math.abs(jump);
        close = record.close;
        us = record.tsEventUs;
        return found;
      },
      save: () => [close, us],
    };
    return running;
  },
});

function isOvernight(record: MarketRecord, previousUs: number, { series: { calendar } }: Context): boolean {
  if (record.kind !== 'bar' || record.unit !== 'time') return false;
  if (calendar === null) return record.interval >= DAY_US;
  return !calendar.continuous && calendar.barDay(record.tsEventUs) !== calendar.barDay(previousUs);
}

function nearRatio(jump: number, tolerance: number): boolean {
  return RATIOS.some((ratio) => Math.abs(jump - ratio) <= tolerance * Math.max(1, ratio / Math.LN2));
}
