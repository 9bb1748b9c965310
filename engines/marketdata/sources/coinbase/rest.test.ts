// Recorded messages of Coinbase, and its history against a local venue.
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { sharedData } from '../../../../test/shared-data.ts';
import { HistoryRig, START_US } from '../../../../test/support/market-source.ts';
import type { Fields } from '../net/fields.ts';
import { parseJson } from '../net/json.ts';
import { Scales } from '../scales.ts';
import { CoinbaseDouble } from './double.ts';
import { coinbase } from './index.ts';
import { readBook, readCandle, readProduct, readTicker, readTrade, stampOf } from './messages.ts';

const folder = sharedData('payloads/coinbase');
const recorded = (name: string) => parseJson(readFileSync(`${folder}/${name}.json`, 'utf8')) as never;
const us = START_US;

describe.skipIf(!folder)('recorded messages of Coinbase', () => {
  const event = (name: string) => (recorded(name) as { events: Record<string, Fields[]>[] }).events[0]!;

  test('of the stream', () => {
    const stamp = stampOf(recorded('ws_l2_data_snapshot'), us);
    expect(stamp).toMatchObject({ sequence: 0, tsEventUs: Date.UTC(2026, 3, 7, 14, 30) * 1000 + 123_456 });
    expect(
      readBook(event('ws_l2_data_snapshot').updates!, true, 'BTC-USD', new Scales(), stamp, null),
    ).toMatchObject({
      kind: 'book_snapshot',
      bids: [689_000, 150, 688_995, 75, 688_990, 230],
      asks: [689_010, 50, 689_015, 120, 689_020, 80],
      scale: { price: 1, size: 2 },
    });
    const update = stampOf(recorded('ws_l2_data_update'), us);
    expect(
      readBook(event('ws_l2_data_update').updates!, false, 'BTC-USD', new Scales(), update, 0),
    ).toMatchObject({
      kind: 'book_delta',
      sequence: 1,
      previousSequence: 0,
      bids: [68_900, 2],
      asks: [68_901, 0],
    });
    expect(readTrade(event('ws_market_trades').trades![1]!, 'BTC-USD', new Scales(), us)).toMatchObject({
      id: '995098701',
      side: 'buy',
      price: 68_900,
      size: 5,
      scale: { price: 0, size: 2 },
    });
    expect(readTicker(event('ws_ticker').tickers![0]!, 'BTC-USD', new Scales(), stamp)).toMatchObject({
      bid: 68_900,
      bidSize: 15,
      ask: 68_901,
      askSize: 5,
    });
    expect(readCandle(event('ws_candles').candles![0]!, 'BTC-USD', 300e6, us)).toMatchObject({
      tsEventUs: 1_775_521_800_000_000,
      close: 68_920.5,
    });
  });

  test('of REST', () => {
    expect(readProduct(recorded('http_product'), us)).toMatchObject({
      symbol: 'BTC-USD',
      assetClass: 'spot',
      base: 'BTC',
      tickSize: '0.01',
      lotSize: '0.00000001',
      scale: { price: 2, size: 8 },
      status: 'trading',
    });
    const { trades } = recorded('http_ticker') as { trades: Fields[] };
    expect(readTrade(trades[0]!, 'BTC-USD', new Scales(), null)).toMatchObject({
      id: '995098663',
      price: 6_892_367,
      side: 'buy',
    });
    const { candles } = recorded('http_candles') as { candles: Fields[] };
    expect(readCandle(candles[0]!, 'BTC-USD', 3600e6, null)).toMatchObject({
      high: 66_331.99,
      volume: 355.82896243,
    });
  });
});

function rig() {
  return new HistoryRig(coinbase, (nowUs) => new CoinbaseDouble(nowUs), {
    kind: 'bar',
    symbol: 'BTC-USD',
    fromUs: START_US - 86_400e6,
    toUs: START_US,
  });
}

describe('history of Coinbase', () => {
  test('bars go on over hours without any, in order, without the one that is not over', async () => {
    const { venue, read } = rig();
    const minutes = [...Array(400).keys(), ...Array.from({ length: 41 }, (_, n) => 1400 + n)];
    venue.candles = minutes.map((n) => {
      const start = String(START_US / 1e6 - 86_400 + n * 60);
      return { start, low: '1', high: '3', open: '2', close: '2.5', volume: '7' };
    });
    const batches = await read({});
    expect(batches.flat().map((bar) => (bar.tsEventUs - START_US) / 60e6 + 1440)).toEqual(
      minutes.slice(0, -1),
    );
    expect(venue.requests).toHaveLength(5);
    venue.repeats = true;
    await expect(read({})).rejects.toThrow('was the same one again');
  });

  test('trades of busy times are asked for in smaller parts, each once', async () => {
    const { venue, read } = rig();
    const rows = Array.from({ length: 3000 }, (_, n) => ({
      trade_id: String(n + 1),
      product_id: 'BTC-USD',
      price: '100.5',
      size: '0.25',
      side: 'BUY',
      time: venue.iso(START_US - 3600e6 + Math.floor(n / 20) * 1e6),
    }));
    venue.trades.push(...rows);
    const fromUs = START_US - 7200e6;
    const ids = (await read({ kind: 'trade', fromUs })).flat().map((trade) => trade.sequence);
    expect(ids).toEqual(Array.from({ length: 3000 }, (_, n) => n + 1));
  });

  test('a second with more trades than an answer holds is an error, not a gap', async () => {
    const { venue, read } = rig();
    const time = venue.iso(START_US - 60e6);
    for (let n = 1; n <= 1001; n++)
      venue.trades.push({
        trade_id: String(n),
        product_id: 'BTC-USD',
        price: '1',
        size: '1',
        side: 'BUY',
        time,
      });
    await expect(read({ kind: 'trade', fromUs: START_US - 120e6 })).rejects.toThrow('was more than it tells');
  });

  test('refuses what it has not, and an unknown product', async () => {
    const { read } = rig();
    await expect(read({ kind: 'quote' })).rejects.toThrow(
      'Expected one of trade, bar for kind from Coinbase, was quote',
    );
    await expect(read({ intervalUs: 7 })).rejects.toThrow('Expected an interval that Coinbase has');
    await expect(read({ symbol: 'NO-PE' })).rejects.toThrow('valid product_id is required');
  });

  test.skipIf(!folder)('instruments', async () => {
    const { venue, adapter } = rig();
    venue.products = (recorded('http_products') as { products: unknown[] }).products;
    const products = await adapter.instruments!(new AbortController().signal);
    expect(products.map(({ symbol, status }) => [symbol, status])).toEqual([
      ['BTC-USD', 'trading'],
      ['BTC-USDC', 'trading'],
    ]);
  });
});
