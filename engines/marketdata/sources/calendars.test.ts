// When the instruments of each source trade, as far as their names tell it.
import { expect, test } from 'bun:test';
import { testContext } from '../../../test/support/provider.ts';
import { SOURCES, sourceOf } from './index.ts';

const STOCKS = 'us-equities';
const EXTENDED = 'us-equities-extended';

/** Symbols of each source with the calendar that is known of them. */
const KNOWN: Readonly<Record<string, Readonly<Record<string, string | null>>>> = {
  alpaca: { AAPL: EXTENDED, 'BRK.B': EXTENDED },
  'alpaca-sip': { AAPL: EXTENDED },
  alphavantage: { IBM: EXTENDED, 'BRK.B': EXTENDED, 'TSCO.LON': null, 'GPV.TRV': null, '600104.SHH': null },
  binance: { 'BTC-USDT': '24x7' },
  'binance-usdm': { 'BTC-USDT': '24x7' },
  'ccxt:bitstamp': { 'BTC-USD': '24x7' },
  coinbase: { 'BTC-USD': '24x7' },
  edgar: { AAPL: null },
  fred: { DGS10: null },
  ib: {
    AAPL: EXTENDED,
    'BRK.B': EXTENDED,
    'EUR-USD': null,
    'BTC-USD': null,
    'STK:ASML:AEB:EUR': null,
    'FUT:ES:CME:USD:202406': null,
  },
  kraken: { 'BTC-USD': '24x7' },
  yahoo: {
    AAPL: STOCKS,
    'BRK.B': STOCKS,
    '^GSPC': STOCKS,
    '^FTSE': null,
    'VOD.L': null,
    '7203.T': null,
    'BTC-USD': '24x7',
    'EURUSD=X': null,
    'ES=F': null,
  },
};

test('every source is asked when its instruments trade', () => {
  expect(Object.keys(KNOWN)).toEqual(expect.arrayContaining(Object.keys(SOURCES)));
  for (const [id, known] of Object.entries(KNOWN)) {
    const source = sourceOf(id)!(testContext({}));
    const found = Object.keys(known).map((symbol) => {
      const calendar = source.calendar?.(source.nativeSymbol(symbol));
      return [symbol, calendar?.id ?? null];
    });
    expect({ [id]: Object.fromEntries(found) }).toEqual({ [id]: { ...known } });
  }
});
