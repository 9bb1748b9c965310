// All sources of market data by their id.
import { alphavantage } from './alphavantage/index.ts';
import { binance, binanceUsdm } from './binance/index.ts';
import { edgar } from './edgar/index.ts';
import { fred } from './fred/index.ts';
import type { SourceFactory } from './port.ts';
import { yahoo } from './yahoo/index.ts';

export const SOURCES: Readonly<Record<string, SourceFactory>> = {
  alphavantage,
  binance,
  'binance-usdm': binanceUsdm,
  edgar,
  fred,
  yahoo,
};
