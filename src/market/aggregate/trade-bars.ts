// Bars as records from trades as records: the stream of one symbol.
import { FLAGS } from '../flags.ts';
import type { BarRecord, Trade } from '../records.ts';
import { numberOf } from '../scale.ts';
import type { Calendar } from '../sessions/calendar.ts';
import { type AggregateCounts, TradeAggregator } from './aggregator.ts';
import type { AggregateBar } from './columns.ts';
import type { BarSpecInput } from './spec.ts';

/** Makes bars of the trades of one source and symbol, in order; see {@link TradeAggregator}. A bar is received when its last trade is. */
export class TradeBars {
  readonly #aggregator: TradeAggregator;
  #last: Trade | null = null;
  #receivedUs = 0;

  constructor(spec: BarSpecInput, take: (bar: BarRecord) => void, calendar: Calendar | null = null) {
    this.#aggregator = new TradeAggregator(spec, (bar) => take(this.#record(bar)), calendar);
  }

  get counts(): AggregateCounts {
    return this.#aggregator.counts;
  }

  push(trade: Trade): void {
    const side = trade.side === 'buy' ? 1 : trade.side === 'sell' ? -1 : 0;
    const { price, size } = trade.scale;
    this.#last ??= trade;
    // A bar of time ends before the trade that shows its end.
    if (this.#aggregator.spec.unit !== 'time') this.#note(trade);
    this.#aggregator.push(trade.tsEventUs, numberOf(trade.price, price), numberOf(trade.size, size), side);
    this.#note(trade);
  }

  /** See {@link TradeAggregator.advance}. */
  advance(nowUs: number): void {
    this.#aggregator.advance(nowUs);
  }

  /** See {@link TradeAggregator.flush}. */
  flush(): void {
    this.#aggregator.flush();
  }

  #note(trade: Trade): void {
    this.#last = trade;
    this.#receivedUs = trade.tsReceiveUs;
  }

  #record({ tsUs, open, high, low, close, volume, trades }: AggregateBar): BarRecord {
    const { symbol, source } = this.#last!;
    const { unit, interval } = this.#aggregator.spec;
    return {
      kind: 'bar',
      symbol,
      source,
      tsEventUs: tsUs,
      tsReceiveUs: this.#receivedUs,
      sequence: null,
      flags: volume === 0 ? FLAGS.zero_volume.bit : 0,
      unit,
      interval,
      open,
      high,
      low,
      close,
      volume,
      trades,
      adjusted: [],
    };
  }
}
