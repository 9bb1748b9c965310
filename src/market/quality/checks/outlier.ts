// `outlier`: a price far from those before by a robust measure. A level that the following records confirm is accepted.

import { FLAGS } from '../../flags.ts';
import type { MarketRecord } from '../../records.ts';
import { DAY_US } from '../../sessions/days.ts';
import { type Context, defineCheck, type Running, ratioSince, type Values } from '../definition.ts';
import { priceOf } from '../prices.ts';
import { RobustScale } from '../robust-scale.ts';

export default defineCheck({
  flag: 'outlier',
  kinds: ['trade', 'quote', 'bar'],
  rule: 'The logarithm of the price (trade, middle of a quote, close of a bar) is further from the last accepted one than `deviations` times the scale of the returns, and than `floor`. The scale is 1.4826 times the median of the absolute returns other than 0 of the last `window` records (their MAD about 0), once there are `warmup` of them. After `confirm` flagged records in a row the next one is accepted, whatever it is; after `agree` that are near each other, the next one near them. All returns count for the scale, also those of flagged records: a market that has become fast is no outlier once it fills half of the window. The first price of a session, and one behind a jump like a split, sets the level without being judged.',
  unless: ['malformed', 'bad_timestamp', 'duplicate', 'out_of_order', 'crossed', 'ohlc_inconsistent'],
  weight: 2,
  parameters: {
    window: {
      unit: 'returns',
      min: 8,
      max: 1024,
      integer: true,
      default: 64,
      meaning: 'how many returns the scale is made of',
    },
    warmup: {
      unit: 'returns',
      min: 4,
      max: 1024,
      integer: true,
      default: 20,
      meaning: 'how many returns it wants before it judges',
    },
    deviations: {
      unit: 'scales',
      min: 3,
      max: 1000,
      integer: false,
      default: 12,
      meaning: 'how many scales away an outlier is',
    },
    floor: {
      unit: 'log return',
      min: 0,
      max: 10,
      integer: false,
      default: 0.005,
      meaning: 'what is never an outlier, however calm the market',
    },
    confirm: {
      unit: 'records',
      min: 1,
      max: 1000,
      integer: true,
      default: 8,
      meaning: 'how many flagged records in a row are accepted as the market',
    },
    agree: {
      unit: 'records',
      min: 1,
      max: 1000,
      integer: true,
      default: 3,
      defaults: { bar: 2 },
      meaning: 'how many records near each other make a new level',
    },
  },
  start(values, saved) {
    return new Outliers(values, saved as Saved | null);
  },
});

interface Saved {
  readonly level: number | null;
  readonly previous: number | null;
  readonly us: number;
  readonly flagged: number;
  readonly agreeing: number;
  readonly returns: readonly number[];
}

type OutlierValues = Values<'window' | 'warmup' | 'deviations' | 'floor' | 'confirm' | 'agree'>;

class Outliers implements Running {
  readonly #values: OutlierValues;
  readonly #scale: RobustScale;
  // Logarithms of the last accepted price and of the one before; NaN without.
  #level = Number.NaN;
  #previous = Number.NaN;
  #us = 0;
  #flagged = 0;
  #agreeing = 0;

  constructor(values: OutlierValues, saved: Saved | null) {
    this.#values = values;
    this.#scale = new RobustScale(values.window, saved?.returns ?? []);
    if (saved === null) return;
    this.#level = saved.level ?? Number.NaN;
    this.#previous = saved.previous ?? Number.NaN;
    this.#us = saved.us;
    this.#flagged = saved.flagged;
    this.#agreeing = saved.agreeing;
  }

  step(record: MarketRecord, context: Context): boolean {
    const price = priceOf(record);
    if (!(price > 0)) return false;
    const log = Math.log(price);
    if (context.splits.length > 0) {
      // The level goes on in prices of the new shares.
      const shift = Math.log(ratioSince(context.splits, this.#us, record));
      this.#level -= shift;
      this.#previous -= shift;
    }
    const found = this.#judge(log, record, context);
    this.#previous = log;
    this.#us = record.tsEventUs;
    return found;
  }

  #judge(log: number, record: MarketRecord, context: Context): boolean {
    const { confirm, agree } = this.#values;
    if (Number.isNaN(this.#level) || this.#isNewLevel(record, context)) return this.#accept(log);
    const bound = this.#bound();
    const step = log - this.#previous;
    const near = Math.abs(step) <= bound;
    const far = Math.abs(log - this.#level) > bound;
    this.#scale.add(Math.abs(step));
    if (!far) return this.#accept(log);
    this.#agreeing = near && this.#flagged > 0 ? this.#agreeing + 1 : 1;
    if (this.#flagged >= confirm || this.#agreeing > agree) return this.#accept(log);
    this.#flagged++;
    return true;
  }

  #accept(log: number): false {
    this.#level = log;
    this.#flagged = 0;
    this.#agreeing = 0;
    return false;
  }

  // Infinite until enough is known.
  #bound(): number {
    const { warmup, deviations, floor } = this.#values;
    if (this.#scale.count < warmup) return Number.POSITIVE_INFINITY;
    return Math.max(floor, deviations * this.#scale.value());
  }

  #isNewLevel(record: MarketRecord, { flags, series: { calendar } }: Context): boolean {
    if ((flags & FLAGS.split_like_jump.bit) !== 0) return true;
    if (calendar === null || calendar.continuous) return false;
    if (record.kind === 'bar' && record.interval >= DAY_US) return false;
    const session = calendar.at(record.tsEventUs);
    if (session !== calendar.at(this.#us)) return true;
    // In extended hours of another day.
    return session === null && calendar.barDay(record.tsEventUs) !== calendar.barDay(this.#us);
  }

  save(): Saved {
    const orNull = (value: number) => (Number.isNaN(value) ? null : value);
    return {
      level: orNull(this.#level),
      previous: orNull(this.#previous),
      us: this.#us,
      flagged: this.#flagged,
      agreeing: this.#agreeing,
      returns: this.#scale.save(),
    };
  }
}
