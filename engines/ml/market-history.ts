// The last returns of each instrument on `market.live_data`, for assessments of portfolios that bring no history of their own.
import type { Envelope } from '../../src/bus/envelope.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { Counter, Gauge, type Registry } from '../../src/http/prom.ts';
import { ReturnHistory } from '../../src/trading/return-history.ts';

/** Returns kept of each instrument. */
export const HISTORY_BARS = 512;
/** Instruments followed at most, 8 KiB each; bars of further ones are ignored and counted. */
export const HISTORY_SYMBOLS = 1000;

type LiveBar = BodyOf<typeof topics.marketLiveData>;

/** Histories in memory: they begin again with the engine. */
export class MarketHistory extends ReturnHistory {
  constructor(registry: Registry) {
    super({ bars: HISTORY_BARS, maxSymbols: HISTORY_SYMBOLS });
    const told = () => this.status();
    new Gauge({
      name: 'nautilus_ml_history_symbols',
      help: 'Instruments whose last returns are kept',
      registers: [registry],
      collect() {
        this.set(told().symbols);
      },
    });
    new Counter({
      name: 'nautilus_ml_history_ignored_total',
      help: 'Bars of instruments beyond those whose returns are kept',
      registers: [registry],
      collect() {
        this.reset();
        this.inc(told().ignored_bars);
      },
    });
  }

  /** Takes the bars out of a batch and returns the other messages, in their order. */
  takeBars(batch: readonly Envelope[]): readonly Envelope[] {
    const others: Envelope[] = [];
    for (const message of batch) {
      if (message.topic === topics.marketLiveData.name)
        this.update(message.body as LiveBar, message.ts_event_us);
      else others.push(message);
    }
    return others;
  }

  status() {
    return { symbols: this.symbols, bars_kept: HISTORY_BARS, ignored_bars: this.ignored };
  }
}
