// Bars from trades: one step for streams and for columns, so that both give the same bits.
import { InvalidOptionError } from '../../core/errors.ts';
import type { Calendar } from '../sessions/calendar.ts';
import { DAY_US } from '../sessions/days.ts';
import { type AggregateBar, type BarColumns, BarList, type TradeColumns } from './columns.ts';
import { DecimalSum } from './decimal-sum.ts';
import { ImbalanceRule } from './imbalance.ts';
import { type BarSpec, type BarSpecInput, barSpecOf } from './spec.ts';
import { TimeGrid } from './time-grid.ts';

/** What does not become part of a bar. */
export interface AggregateCounts {
  /** Trades in bars, also in the one that is not finished. */
  trades: number;
  /** Trades of an interval whose bar has been handed on. */
  late: number;
  /** Trades outside of the sessions that intervals are counted from. */
  outside: number;
}

/**
 * Makes bars of trades that come in order. A trade belongs to exactly one bar: the one that reaches the threshold of its volume ends the bar it is
 * in, whole. Intervals without trades have no bar. Prices and sizes must be finite: whoever feeds it has refused others.
 */
export class TradeAggregator {
  readonly counts: AggregateCounts = { trades: 0, late: 0, outside: 0 };
  readonly spec: BarSpec;
  readonly #grid: TimeGrid | null;
  readonly #imbalance: ImbalanceRule | null;
  readonly #take: (bar: AggregateBar) => void;
  // The bar that is being made; no trades: none.
  #bar = emptyBar();
  // Its volume is here until it is handed on.
  readonly #volume = new DecimalSum();
  #endUs = Number.NEGATIVE_INFINITY;

  /** `take` gets each finished bar, a new object. `calendar` is needed for intervals of sessions. Throws InvalidOptionError. */
  constructor(input: BarSpecInput, take: (bar: AggregateBar) => void, calendar: Calendar | null = null) {
    const spec = barSpecOf(input);
    if (spec.unit === 'time' && spec.align === 'session' && calendar === null) {
      throw new InvalidOptionError('Expected a calendar for bars that are aligned to sessions', [
        { pointer: '/align', expected: 'epoch where no calendar is known', received: 'session' },
      ]);
    }
    if (spec.unit === 'time' && spec.align === 'session' && spec.interval > DAY_US) {
      throw new InvalidOptionError('Expected at most a day for bars that are aligned to sessions', [
        { pointer: '/interval', expected: `an integer from 1 to ${DAY_US}`, received: 'more' },
      ]);
    }
    this.spec = spec;
    this.#take = take;
    this.#grid = spec.unit === 'time' ? new TimeGrid(spec, calendar) : null;
    this.#imbalance = spec.unit === 'imbalance' ? new ImbalanceRule(spec) : null;
  }

  /** Takes the next trade. `side` is 1 for a buyer who took liquidity, -1 for a seller, 0 for unknown. */
  push(tsUs: number, price: number, size: number, side = 0): void {
    const grid = this.#grid;
    if (grid !== null && tsUs >= this.#endUs) {
      this.flush();
      if (!grid.find(tsUs)) {
        this.counts.outside++;
        // Times up to here have been decided upon.
        this.#endUs = tsUs;
        return;
      }
      this.#endUs = grid.endUs;
      this.#bar.tsUs = grid.startUs;
    } else if (grid !== null && (tsUs < this.#bar.tsUs || this.#bar.trades === 0)) {
      // Before the bar that is being made, or of an interval that the clock has ended.
      this.counts.late++;
      return;
    }
    const bar = this.#bar;
    if (bar.trades === 0) {
      if (grid === null) bar.tsUs = tsUs;
      bar.open = price;
      bar.high = price;
      bar.low = price;
    } else {
      if (price > bar.high) bar.high = price;
      if (price < bar.low) bar.low = price;
    }
    bar.close = price;
    bar.lastUs = tsUs;
    this.#volume.add(size);
    bar.notional += price * size;
    bar.trades++;
    this.counts.trades++;
    if (grid === null && this.#isComplete(price, size, side)) this.flush();
  }

  /** Hands the bar of time on whose interval has ended by the clock; trades of it that come later are counted as late. */
  advance(nowUs: number): void {
    if (this.#grid !== null && nowUs >= this.#endUs) this.flush();
  }

  /** Hands on the bar that is being made, if there is one, as it is. */
  flush(): void {
    if (this.#bar.trades === 0) return;
    const bar = this.#bar;
    bar.volume = this.#volume.value;
    this.#volume.reset();
    this.#bar = emptyBar();
    // Late trades of its interval are known by this.
    this.#bar.tsUs = this.#grid === null ? 0 : this.#endUs;
    this.#take(bar);
  }

  /** Returns a copy of the bar that is being made, or null. */
  current(): AggregateBar | null {
    return this.#bar.trades === 0 ? null : { ...this.#bar, volume: this.#volume.value };
  }

  #isComplete(price: number, size: number, side: number): boolean {
    const { unit, interval } = this.spec;
    if (unit === 'tick') return this.#bar.trades >= interval;
    if (unit === 'volume') return this.#volume.value >= interval;
    if (unit === 'dollar') return this.#bar.notional >= interval;
    return this.#imbalance!.step(price, size, side);
  }
}

/** Returns the bars of columns of trades, the unfinished last one too unless `partial` is false, and what was left out. */
export function barsOfTrades(
  trades: TradeColumns,
  spec: BarSpecInput,
  { calendar = null, partial = true }: { calendar?: Calendar | null; partial?: boolean } = {},
): { readonly bars: BarColumns; readonly counts: AggregateCounts } {
  const list = new BarList();
  const aggregator = new TradeAggregator(spec, (bar) => list.add(bar), calendar);
  const { tsUs, price, size, side } = trades;
  for (let i = 0; i < tsUs.length; i++) aggregator.push(tsUs[i]!, price[i]!, size[i]!, side ? side[i]! : 0);
  if (partial) aggregator.flush();
  return { bars: list.columns(), counts: aggregator.counts };
}

function emptyBar(): AggregateBar {
  return {
    tsUs: Number.NEGATIVE_INFINITY,
    lastUs: 0,
    open: 0,
    high: 0,
    low: 0,
    close: 0,
    volume: 0,
    notional: 0,
    trades: 0,
  };
}
