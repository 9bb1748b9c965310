// Recorded messages of Binance become records with the values that they hold; anything else is unreadable, with a reason.
import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { sharedData } from '../../../../test/shared-data.ts';
import { Unreadable } from '../net/fields.ts';
import { Scales } from '../scales.ts';
import { type Reading, readDepth, readInstrument, readKline, readStream, readTrade } from './messages.ts';
import { nativeSymbol, SPOT, streamName, USDM, type Venue } from './venue.ts';

const folder = sharedData('payloads/binance');

const recorded = (name: string) => JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8'));
const reading = (venue: Venue): Reading => ({
  venue,
  scales: new Scales(),
  symbolOf: (native) => `x${native}`,
});
const us = 1_700_000_000_000_000;

describe.skipIf(!folder || !existsSync(folder))('recorded messages of Binance', () => {
  test('trades: price and size as integers, the side of who took, the id of the venue', () => {
    expect(readStream(recorded('trade_stream'), reading(SPOT), us)).toEqual([
      {
        kind: 'trade',
        symbol: 'xBTCUSDT',
        source: 'binance',
        tsEventUs: 123_456_785_000,
        tsReceiveUs: us,
        sequence: 5933014,
        flags: 0,
        price: 1,
        size: 100,
        scale: { price: 3, size: 0 },
        side: 'sell',
        id: '5933014',
      },
    ]);
    expect(readStream(recorded('agg_trade_stream'), reading(USDM), us)).toMatchObject([
      { id: '5933014', source: 'binance-usdm', price: 1, tsEventUs: 123_456_785_000 },
    ]);
    const row = recorded('trades_response')[0];
    expect(readTrade(row, 'BTC-USDT', reading(SPOT))).toMatchObject({
      id: '28457',
      price: 4000001,
      scale: { price: 6 },
    });
  });

  test('books: numbers of the venue, in deltas of both markets and in snapshots', () => {
    expect(readStream(recorded('depth_update_stream'), reading(USDM), us)).toMatchObject([
      {
        kind: 'book_delta',
        firstSequence: 157,
        sequence: 160,
        previousSequence: 149,
        bids: [24, 10],
        asks: [26, 100],
        scale: { price: 4, size: 0 },
        tsEventUs: 123_456_788_000,
      },
    ]);
    expect(readDepth(recorded('depth_response'), 'BTC-USDT', reading(SPOT), us)).toMatchObject({
      kind: 'book_snapshot',
      sequence: 1027024,
      bids: [4000000, 431],
      asks: [4000002, 12],
      scale: { price: 6, size: 0 },
      tsEventUs: us,
    });
  });

  test('quotes, bars, mark prices and instruments', () => {
    expect(readStream(recorded('book_ticker_stream'), reading(USDM), us)).toMatchObject([
      { kind: 'quote', bid: 253519, bidSize: 3121, ask: 253652, askSize: 4066, sequence: 400900217 },
    ]);
    expect(readStream(recorded('kline_stream_open'), reading(SPOT), us)).toEqual([]);
    expect(readStream(recorded('kline_stream_closed'), reading(SPOT), us)).toMatchObject([
      {
        kind: 'bar',
        interval: 60_000_000,
        open: 0.001,
        high: 0.0025,
        close: 0.002,
        volume: 1000,
        trades: 100,
      },
    ]);
    expect(readStream(recorded('mark_price_stream'), reading(USDM), us)).toMatchObject([
      { kind: 'funding', rate: 0.00038167, markPrice: 11794.15, tsEventUs: 1_562_305_380_000_000 },
    ]);
    expect(readKline(recorded('klines_response')[0], 'BTC-USDT', 604_800_000_000, SPOT)).toMatchObject({
      tsEventUs: 1_499_040_000_000_000,
      high: 0.8,
      volume: 148976.11427815,
      trades: 308,
    });
    expect(readInstrument(recorded('exchange_info_response').symbols[0], SPOT, us)).toMatchObject({
      symbol: 'ETH-BTC',
      nativeSymbol: 'ETHBTC',
      status: 'trading',
      tickSize: null,
    });
  });

  test('any damage to them is unreadable or harmless, and never another kind of error', () => {
    const names = [
      'trade_stream',
      'depth_update_stream',
      'book_ticker_stream',
      'kline_stream_closed',
      'mark_price_stream',
    ];
    const messages = names.map((name) => recorded(name) as Record<string, unknown>);
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.nat(), fc.jsonValue(), (message, at, value) => {
        const key = Object.keys(message)[at % Object.keys(message).length]!;
        try {
          readStream({ ...message, [key]: value }, reading(USDM), us);
        } catch (error) {
          expect(error).toBeInstanceOf(Unreadable);
        }
      }),
    );
  });
});

describe('reading of Binance', () => {
  test('microseconds stay, milliseconds become microseconds; a scale grows with what a text needs', () => {
    const all = reading(SPOT);
    const trade = { e: 'trade', s: 'A', t: 1, p: '1.10', q: '2', T: 1_712_188_800_123_456, m: false };
    expect(readStream(trade, all, us)).toMatchObject([
      { tsEventUs: 1_712_188_800_123_456, price: 11, side: 'buy' },
    ]);
    const finer = { ...trade, p: '1.105', T: 1_712_188_800_123 };
    expect(readStream(finer, all, us)).toMatchObject([{ tsEventUs: 1_712_188_800_123_000, price: 1105 }]);
    expect(readStream(trade, all, us)).toMatchObject([{ price: 1100, scale: { price: 3 } }]);
  });

  test('instruments have their steps without trailing zeros, dated contracts their date', () => {
    const filters = [
      { filterType: 'PRICE_FILTER', tickSize: '0.10' },
      { filterType: 'LOT_SIZE', stepSize: '1.00000000' },
    ];
    const base = { baseAsset: 'BTC', quoteAsset: 'USDT', status: 'TRADING', filters };
    expect(
      readInstrument({ ...base, symbol: 'BTCUSDT_261225', contractType: 'CURRENT_QUARTER' }, USDM, us),
    ).toMatchObject({
      symbol: 'BTC-USDT_261225',
      assetClass: 'future',
      tickSize: '0.1',
      lotSize: '1',
      scale: { price: 1, size: 0 },
    });
    expect(nativeSymbol('btc-usdt_261225')).toBe('BTCUSDT_261225');
  });

  test('each kind has its stream, where the market has it', () => {
    const at = (venue: Venue, kind: string, intervalUs?: number) =>
      streamName(venue, { symbol: 'BTC-USDT', kind, intervalUs } as never, 'BTCUSDT');
    expect([at(SPOT, 'trade'), at(USDM, 'trade'), at(SPOT, 'funding'), at(SPOT, 'bar', 1_000_000)]).toEqual([
      'btcusdt@trade',
      'btcusdt@aggTrade',
      null,
      'btcusdt@kline_1s',
    ]);
    expect([at(USDM, 'bar', 1_000_000), at(USDM, 'bar', 61_000_000), at(USDM, 'macro')]).toEqual([
      null,
      null,
      null,
    ]);
  });
});
