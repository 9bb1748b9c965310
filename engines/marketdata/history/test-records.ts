// Records for tests of the history.
import type { MarketRecord, Trade } from '../../../src/market/records.ts';

const SCALE = { price: 2, size: 8 };
const START_US = 1_723_075_200_000_000;

/** Returns `n` numbered trades of one symbol, a millisecond apart, from a time on. */
export function trades(n: number, startUs = START_US, firstId = 1000): Trade[] {
  return Array.from({ length: n }, (_, i) => ({
    kind: 'trade',
    symbol: 'BTC-USD',
    source: 'binance',
    tsEventUs: startUs + i * 1000,
    tsReceiveUs: startUs + i * 1000 + 250,
    tsEventText: undefined,
    sequence: i,
    flags: 0,
    scale: SCALE,
    price: 6_180_020 + ((i * 37) % 101),
    size: 1000 + i,
    side: i % 3 === 0 ? 'buy' : 'sell',
    id: String(firstId + i),
  }));
}

/** Returns one record of each kind. */
export function samples(): MarketRecord[] {
  const stamped = {
    symbol: 'BTC-USD',
    source: 'kraken',
    tsEventUs: START_US,
    tsReceiveUs: START_US + 7,
    tsEventText: '2024-08-08T00:00:00.000000123Z',
    tsReceiveText: '1723075200000007456',
    sequence: 2 ** 40 + 3,
    flags: 4,
  };
  const plain = { ...stamped, tsEventText: undefined, tsReceiveText: undefined, sequence: null, flags: 0 };
  return [
    { ...stamped, kind: 'trade', scale: SCALE, price: 5, size: 7, side: null, id: 'x-1' },
    { ...plain, kind: 'quote', scale: SCALE, bid: 1, bidSize: 2, ask: 3, askSize: 4 },
    {
      ...stamped,
      kind: 'book_delta',
      scale: SCALE,
      firstSequence: 12,
      previousSequence: null,
      bids: [1, 2, 3, 4],
      asks: [],
      checksum: 4_000_000_000,
    },
    { ...plain, kind: 'book_snapshot', scale: SCALE, bids: [9, 1], asks: [10, 2, 11, 3], checksum: null },
    {
      ...plain,
      kind: 'bar',
      unit: 'time',
      interval: 60e6,
      open: 1.5,
      high: 2,
      low: 1,
      close: 1.25,
      volume: 0.1,
      trades: null,
      adjusted: ['dividend', 'split'],
    },
    {
      ...plain,
      symbol: 'X',
      kind: 'bar',
      unit: 'dollar',
      interval: 1e6,
      open: 1,
      high: 1,
      low: 1,
      close: 1,
      volume: 0,
      trades: 3,
      adjusted: [],
    },
    { ...plain, kind: 'funding', rate: -0.0001, intervalUs: 8 * 3600e6, markPrice: null },
    { ...plain, symbol: 'DGS10', kind: 'macro', value: null, asOfUs: START_US },
    {
      ...plain,
      symbol: 'AAPL',
      kind: 'fundamental',
      concept: 'us-gaap/Revenues',
      unit: 'USD',
      value: 1e11,
      periodStartUs: null,
      periodEndUs: START_US,
      asOfUs: START_US + 1,
      form: '10-K',
      accession: '0000320193-24-000123',
    },
    {
      ...plain,
      symbol: 'AAPL',
      kind: 'corporate_action',
      action: 'split',
      ratio: 4,
      amount: null,
      renamedTo: null,
    },
    {
      ...plain,
      kind: 'instrument',
      nativeSymbol: 'XBT/USD',
      venue: 'kraken',
      assetClass: 'spot',
      base: 'BTC',
      quote: 'USD',
      scale: SCALE,
      tickSize: '0.1',
      lotSize: null,
      status: 'trading',
    },
  ];
}
