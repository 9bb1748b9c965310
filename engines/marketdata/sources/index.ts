// All sources of market data by their id.
import { alpaca, alpacaSip } from './alpaca/index.ts';
import { alphavantage } from './alphavantage/index.ts';
import { binance, binanceUsdm } from './binance/index.ts';
import { ccxt } from './ccxt/index.ts';
import { coinbase } from './coinbase/index.ts';
import { edgar } from './edgar/index.ts';
import { fred } from './fred/index.ts';
import { ib } from './ib/index.ts';
import { kraken } from './kraken/index.ts';
import type { SourceFactory } from './port.ts';
import { yahoo } from './yahoo/index.ts';

export const SOURCES: Readonly<Record<string, SourceFactory>> = {
  alpaca,
  'alpaca-sip': alpacaSip,
  alphavantage,
  binance,
  'binance-usdm': binanceUsdm,
  coinbase,
  edgar,
  fred,
  ib,
  kraken,
  yahoo,
};

/** Returns the source of an id: one of {@link SOURCES}, or an exchange of ccxt by its name (`ccxt:bitstamp`); undefined where there is none. */
export function sourceOf(id: string): SourceFactory | undefined {
  return Object.hasOwn(SOURCES, id) ? SOURCES[id] : (ccxt(id) ?? undefined);
}
