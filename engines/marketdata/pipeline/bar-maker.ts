// Bars made of the trades that are published.
import { TradeAggregator } from '../../../src/market/aggregate/aggregator.ts';
import type { AggregateBar } from '../../../src/market/aggregate/columns.ts';
import type { BarRecord, Trade } from '../../../src/market/records.ts';
import { numberOf } from '../../../src/market/scale.ts';
import type { PlannedBars } from './plan.ts';

/** A bar of time waits so long for trades of its interval that are still under way. */
const GRACE_US = 1_000_000;

interface Maker {
  readonly key: string;
  readonly aggregator: TradeAggregator;
  /** Source of the newest trade: the bar is said to come from there. */
  source: string;
}

/** Makes the bars of a plan. */
export class BarMaker {
  readonly #take: (bar: BarRecord, store: boolean) => void;
  readonly #nowUs: () => number;
  #makers = new Map<string, Maker[]>();

  constructor(take: (bar: BarRecord, store: boolean) => void, nowUs: () => number) {
    this.#take = take;
    this.#nowUs = nowUs;
  }

  /** Makes other bars from now on; those that stay go on where they are. */
  set(bars: readonly PlannedBars[]): void {
    const known = this.#makers;
    this.#makers = new Map();
    for (const planned of bars) {
      const { symbol } = planned;
      const key = JSON.stringify(planned);
      const maker = known.get(symbol)?.find((m) => m.key === key) ?? this.#make(planned, key);
      this.#makers.set(symbol, [...(this.#makers.get(symbol) ?? []), maker]);
    }
  }

  /** Takes the next trade that is published. */
  trade({ symbol, source, tsEventUs, price, size, side, scale }: Trade): void {
    const makers = this.#makers.get(symbol);
    if (!makers) return;
    const sign = side === 'buy' ? 1 : side === 'sell' ? -1 : 0;
    for (const maker of makers) {
      // A bar that this trade ends is of those before it, where there are any: the first trade may fill a bar alone.
      maker.source ||= source;
      maker.aggregator.push(tsEventUs, numberOf(price, scale.price), numberOf(size, scale.size), sign);
      maker.source = source;
    }
  }

  /** Ends the bars of time whose interval is over. */
  advance(nowUs: number): void {
    for (const makers of this.#makers.values())
      for (const { aggregator } of makers) aggregator.advance(nowUs - GRACE_US);
  }

  #make({ symbol, bars, store }: PlannedBars, key: string): Maker {
    // Others follow from where they begin: those of two subscriptions would make one series of which each part has another history. They are made of
    // the stored trades whenever somebody asks for them.
    const kept = store && bars.unit === 'time';
    const maker: Maker = {
      key,
      source: '',
      aggregator: new TradeAggregator(bars, (bar) => {
        this.#take(this.#record(symbol, maker, bar), kept);
      }),
    };
    return maker;
  }

  #record(symbol: string, { source, aggregator }: Maker, bar: AggregateBar): BarRecord {
    const { unit, interval } = aggregator.spec;
    const { tsUs, open, high, low, close, volume, trades } = bar;
    return {
      kind: 'bar',
      symbol,
      source,
      tsEventUs: tsUs,
      tsReceiveUs: this.#nowUs(),
      sequence: null,
      flags: 0,
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
