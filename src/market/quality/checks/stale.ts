// `stale`: a source that repeats itself; silence is judged by the caller's clock.
import type { MarketRecord } from '../../records.ts';
import { defineCheck, type Running, type Series, type Values } from '../definition.ts';

export default defineCheck({
  flag: 'stale',
  kinds: ['quote', 'bar', 'trade', 'book_delta'],
  rule: 'A quote that says the same as the `repeats` before it, or a bar with volume and the same prices and volume. Beside that, a series is stale as a whole when its source has said nothing for more than `silence_us` of time in which its market was open; for bars, beyond the end of the next one.',
  unless: ['malformed', 'duplicate'],
  weight: 1,
  parameters: {
    repeats: {
      unit: 'records',
      min: 1,
      max: 1_000_000,
      integer: true,
      default: 50,
      defaults: { bar: 5 },
      meaning: 'how often the same may be said again',
    },
    silence_us: {
      unit: 'us',
      min: 1000,
      max: 31_557_600_000_000,
      integer: true,
      default: 60_000_000,
      defaults: { trade: 600_000_000, book_delta: 30_000_000 },
      meaning: 'how long a source may say nothing',
    },
  },
  start(values, saved) {
    return new Staleness(values, saved as Saved | null);
  },
});

interface Saved {
  readonly same: number;
  readonly heardUs: number | null;
  readonly intervalUs: number;
  readonly last: readonly number[] | null;
}

class Staleness implements Running {
  readonly #values: Values<'repeats' | 'silence_us'>;
  #same = 0;
  #heardUs = Number.NaN;
  #intervalUs = 0;
  #last: readonly number[] | null = null;
  #before: MarketRecord | null = null;

  constructor(values: Values<'repeats' | 'silence_us'>, saved: Saved | null) {
    this.#values = values;
    if (saved === null) return;
    this.#same = saved.same;
    this.#heardUs = saved.heardUs ?? Number.NaN;
    this.#intervalUs = saved.intervalUs;
    this.#last = saved.last;
  }

  step(record: MarketRecord): boolean {
    this.#heardUs = record.kind === 'bar' ? record.tsEventUs : record.tsReceiveUs;
    if (record.kind === 'bar') this.#intervalUs = record.unit === 'time' ? record.interval : 0;
    if (record.kind !== 'bar' && record.kind !== 'quote') return false;
    if (record.kind === 'bar' && record.volume === 0) return false;
    const same = this.#before
      ? saysTheSame(record, this.#before)
      : this.#last !== null && contentOf(record).every((value, i) => value === this.#last![i]);
    this.#same = same ? this.#same + 1 : 0;
    this.#before = record;
    return this.#same > this.#values.repeats;
  }

  silence(nowUs: number, { calendar }: Series): number {
    if (Number.isNaN(this.#heardUs)) return 0;
    const fromUs = this.#heardUs + (this.#intervalUs > 0 ? 2 * this.#intervalUs : 0);
    const allowed = this.#values.silence_us;
    if (nowUs - fromUs <= allowed) return 0;
    const open = calendar === null ? nowUs - fromUs : calendar.openBetween(fromUs, nowUs);
    return Math.max(0, open - allowed);
  }

  save(): Saved {
    const last = this.#before ? contentOf(this.#before) : this.#last;
    const heardUs = Number.isNaN(this.#heardUs) ? null : this.#heardUs;
    return { same: this.#same, heardUs, intervalUs: this.#intervalUs, last };
  }
}

function saysTheSame(a: MarketRecord, b: MarketRecord): boolean {
  if (a.kind === 'quote' && b.kind === 'quote') {
    return a.bid === b.bid && a.ask === b.ask && a.bidSize === b.bidSize && a.askSize === b.askSize;
  }
  if (a.kind !== 'bar' || b.kind !== 'bar') return false;
  return (
    a.close === b.close && a.volume === b.volume && a.open === b.open && a.high === b.high && a.low === b.low
  );
}

function contentOf(record: MarketRecord): number[] {
  if (record.kind === 'quote') return [record.bid, record.ask, record.bidSize, record.askSize];
  if (record.kind !== 'bar') return [];
  return [record.open, record.high, record.low, record.close, record.volume];
}
