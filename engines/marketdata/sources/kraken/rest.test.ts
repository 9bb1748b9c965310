// Recorded messages of Kraken, and its history against a local venue.
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { sharedData } from '../../../../test/shared-data.ts';
import { HistoryRig, START_US } from '../../../../test/support/market-source.ts';
import type { Fields } from '../net/fields.ts';
import { parseJson } from '../net/json.ts';
import { Scales } from '../scales.ts';
import { KrakenDouble } from './double.ts';
import { kraken } from './index.ts';
import {
  readAssetPair,
  readBook,
  readOhlc,
  readOhlcRow,
  readTicker,
  readTrade,
  readTradeRow,
} from './messages.ts';

const folder = sharedData('payloads/kraken');
const recorded = (name: string) => parseJson(readFileSync(`${folder}/${name}.json`, 'utf8')) as never;
const us = START_US;

describe.skipIf(!folder)('recorded messages of Kraken', () => {
  const row = (name: string, at = 0) => (recorded(name) as { data: Fields[] }).data[at]!;
  const rows = (name: string) => (recorded(name) as { result: { XBTUSDT: unknown[] } }).result.XBTUSDT;

  test('of the stream', () => {
    const scales = new Scales();
    expect(readTrade(row('ws_trade_update', 1), 'BTC-USD', scales, us)).toMatchObject({
      side: 'sell',
      price: 1_059_105,
      size: 1246,
      scale: { price: 1, size: 7 },
      id: '10218209',
      tsEventUs: Date.UTC(2023, 9, 6, 17, 35, 56) * 1000 + 123_456,
    });
    expect(readTicker(row('ws_ticker_snapshot'), 'BTC-USD', scales, us)).toMatchObject({
      bid: 1_059_442,
      ask: 1_059_443,
    });
    const snapshot = readBook(row('ws_book_snapshot'), true, 'BTC-USD', new Scales(), us);
    expect(snapshot).toMatchObject({
      kind: 'book_snapshot',
      checksum: 2439117997,
      scale: { price: 1, size: 3 },
    });
    expect(snapshot.bids).toEqual([1_059_442, 136, 1_059_354, 24, 1_059_201, 52]);
    expect(readBook(row('ws_book_update'), false, 'BTC-USD', new Scales(), us)).toMatchObject({
      kind: 'book_delta',
      asks: [],
      checksum: 2114181697,
    });
    expect(readOhlc(row('ws_ohlc_update'), 'BTC-USD', us)).toMatchObject({
      trades: 12,
      volume: 30927.68066226,
    });
  });

  test('of REST: every row of 721 bars and 1000 trades', () => {
    const bars = rows('http_ohlc').map((each) => readOhlcRow(each, 'BTC-USDT', 60e6));
    expect([bars.length, bars[2]!.volume, bars[2]!.tsEventUs]).toEqual([
      721, 0.00032101, 1_762_777_140_000_000,
    ]);
    const trades = rows('http_trades').map((each) => readTradeRow(each, 'BTC-USDT', new Scales()));
    expect(trades.length).toBeGreaterThan(900);
    expect(trades[0]).toMatchObject({
      id: '10218208',
      price: 1_054_336,
      size: 27_625,
      side: 'buy',
      tsEventUs: 1_762_795_433_971_744,
      tsEventText: '1762795433.9717445',
    });
    const pair = (recorded('http_asset_pairs') as { result: { XBTUSDT: Fields } }).result.XBTUSDT;
    expect(readAssetPair(pair, us)).toMatchObject({
      symbol: 'BTC-USDT',
      nativeSymbol: 'BTC/USDT',
      scale: { price: 1, size: 8 },
      lotSize: '0.00000001',
    });
  });
});

function rig() {
  return new HistoryRig(kraken, (nowUs) => new KrakenDouble(nowUs), {
    kind: 'bar',
    symbol: 'BTC-USD',
    fromUs: START_US - 3600e6,
    toUs: START_US,
  });
}

describe('history of Kraken', () => {
  test('bars within its last 720, without the one that is not over; an older range is refused, not cut', async () => {
    const { venue, read } = rig();
    venue.ohlc = Array.from({ length: 61 }, (_, n) => [
      START_US / 1e6 - 3600 + n * 60,
      '1',
      '2',
      '0.5',
      '1.5',
      '1.2',
      '3',
      4,
    ]);
    const [bars] = await read({});
    expect([bars!.length, bars![0]!.tsEventUs, bars!.at(-1)!.tsEventUs]).toEqual([
      60,
      START_US - 3600e6,
      START_US - 60e6,
    ]);
    await expect(read({ fromUs: START_US - 86_400e6 })).rejects.toThrow('within the last 720 bars');
    await expect(read({ intervalUs: 7 })).rejects.toThrow('Expected an interval that Kraken has');
    await expect(read({ kind: 'quote' })).rejects.toThrow(
      'Expected one of trade, bar for kind from Kraken, was quote',
    );
  });

  test('trades page by page, in order and once, also many at one moment', async () => {
    const { venue, read } = rig();
    const at = (n: number) => START_US / 1e6 - 3000 + Math.floor(n / 3);
    venue.trades = Array.from({ length: 2500 }, (_, n) => [
      '100.5',
      '0.25',
      at(n),
      n % 2 ? 'b' : 's',
      'l',
      '',
      n + 1,
    ]);
    const batches = await read({ kind: 'trade' });
    const ids = batches.flat().map((trade) => trade.sequence);
    expect(ids).toEqual(Array.from({ length: 2500 }, (_, n) => n + 1));
    venue.repeats = true;
    await expect(read({ kind: 'trade' })).rejects.toThrow('was the same one again');
  });

  test('errors come with status 200: a limit is waited for, an unknown pair is refused', async () => {
    const { time, venue, read } = rig();
    venue.instead.push(() => Response.json({ error: ['EAPI:Rate limit exceeded'] }));
    const before = time.nowUs();
    expect(await read({})).toEqual([]);
    expect([venue.requests.length, time.nowUs() > before]).toEqual([2, true]);
    await expect(read({ symbol: 'NO-PE' })).rejects.toThrow('EQuery:Unknown asset pair');
  });

  test('instruments', async () => {
    const { venue, adapter } = rig();
    venue.list('DOGE/USD', 7, 2);
    const pairs = await adapter.instruments!(new AbortController().signal);
    expect(pairs).toMatchObject([
      { symbol: 'BTC-USD', nativeSymbol: 'BTC/USD', status: 'trading' },
      { symbol: 'DOGE-USD', lotSize: '0.01' },
    ]);
  });
});
