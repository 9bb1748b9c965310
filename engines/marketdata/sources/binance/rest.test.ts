// History and instruments of Binance against a local venue: pages, limits, repeats.
import { describe, expect, test } from 'bun:test';
import { HistoryRig, START_US } from '../../../../test/support/market-source.ts';
import { BinanceDouble } from './double.ts';
import { binance, binanceUsdm } from './index.ts';
import { SPOT, USDM } from './venue.ts';

function rig(futures = false) {
  return new HistoryRig(
    futures ? binanceUsdm : binance,
    (nowUs) => new BinanceDouble(nowUs, futures ? USDM : SPOT),
    {
      kind: 'bar',
      symbol: 'BTC-USDT',
      fromUs: START_US - 86_400e6,
      toUs: START_US,
    },
  );
}

/** Trades of the hours before the start, `count` of them a second, ids from 1. */
function trades(count: number, seconds: number) {
  return Array.from({ length: count * seconds }, (_, n) => ({
    id: n + 1,
    time: START_US / 1000 - 7_200_000 + Math.floor(n / count) * 1000,
    price: '100.5',
    qty: '0.25',
    isBuyerMaker: n % 2 === 0,
  }));
}

describe('history of Binance', () => {
  test('bars come page by page, in order, without the one that is not over', async () => {
    const { venue, read } = rig();
    const first = START_US / 1000 - 1200 * 60_000;
    venue.history.klines = Array.from({ length: 1201 }, (_, n) => {
      const start = first + n * 60_000;
      return [start, '1', '2', '0.5', '1.5', '10', start + 59_999, '15', 7, '5', '7', '0'];
    });
    const batches = await read({});
    expect(batches.map((batch) => batch.length)).toEqual([1000, 200]);
    expect(batches.flat().map((bar) => bar.tsEventUs)).toEqual(
      Array.from({ length: 1200 }, (_, n) => (first + n * 60_000) * 1000),
    );
    expect(batches[0]![0]).toMatchObject({
      kind: 'bar',
      source: 'binance',
      close: 1.5,
      trades: 7,
      interval: 60e6,
    });
    expect(venue.requests[0]).toBe(
      `/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime=${START_US / 1000 - 86_400_000}&endTime=${START_US / 1000}&limit=1000`,
    );
  });

  test('trades begin at the first of the range, found by one request or hour by hour, and end at its last, many of one time included', async () => {
    const { venue, read } = rig();
    venue.history.trades = trades(400, 6);
    const fromUs = START_US - 7_198_000_000;
    const toUs = fromUs + 2_000_000;
    const batches = await read({ kind: 'trade', fromUs: fromUs - 3 * 3_600e6, toUs });
    const ids = batches.flat().map((trade) => trade.sequence);
    expect(ids).toEqual(Array.from({ length: 2000 }, (_, n) => n + 1));
    expect(batches.flat().at(-1)).toMatchObject({
      kind: 'trade',
      id: '2000',
      price: 1005,
      size: 25,
      side: 'buy',
    });
    expect(venue.requests.filter((path) => path.includes('aggTrades')).length).toBe(1);
    const futures = rig(true);
    futures.venue.history.trades = trades(10, 3);
    const later = await futures.read({ kind: 'trade', fromUs: fromUs - 3 * 3_600e6, toUs });
    // Two hours without a trade, the first hour with one, then the trades by their id.
    expect(futures.venue.requests.filter((path) => path.includes('startTime')).length).toBe(3);
    expect(later.flat().map((trade) => trade.sequence)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    await futures.venue.stop();
  });

  test('funding of futures', async () => {
    const { venue, read } = rig(true);
    const fundingTime = START_US / 1000 - 8 * 3_600_000;
    venue.history.funding = [{ symbol: 'BTCUSDT', fundingRate: '0.0001', fundingTime, markPrice: '68000.5' }];
    expect((await read({ kind: 'funding' })).flat()).toMatchObject([
      { kind: 'funding', rate: 0.0001, markPrice: 68000.5, tsEventUs: fundingTime * 1000 },
    ]);
  });

  test('a venue that repeats a page is noticed, and does not go on for ever', async () => {
    const { venue, read } = rig();
    venue.history.trades = trades(1000, 2);
    venue.repeats = true;
    await expect(read({ kind: 'trade', toUs: START_US })).rejects.toThrow('was the same one again');
  });

  test('waits for its weight: what the venue says is used counts', async () => {
    const { time, venue, read } = rig();
    venue.usedWeight = 6000;
    const before = time.nowUs();
    venue.history.trades = trades(1000, 2);
    await read({ kind: 'trade', fromUs: START_US - 7_200e6 });
    expect(time.nowUs() - before).toBeGreaterThan(500_000);
  });

  test('refuses what it has not, an unknown symbol, and an answer that is no list', async () => {
    const { venue, read } = rig();
    await expect(read({ kind: 'macro' })).rejects.toThrow(
      'Expected one of trade, bar for kind from Binance spot, was macro',
    );
    await expect(read({ intervalUs: 61_000_000 })).rejects.toThrow(
      'Expected an interval that Binance spot has',
    );
    venue.instead.push(() => Response.json({ code: -1121, msg: 'Invalid symbol.' }, { status: 400 }));
    expect(await read({}).catch((e: Error) => e.message)).toContain('Invalid symbol.');
    venue.instead.push(() => Response.json({}));
    expect(await read({}).catch((e: Error) => e.message)).toBe(
      'Expected an answer as Binance spot documents it, was klines: no list',
    );
  });

  test('instruments', async () => {
    const { venue, adapter } = rig(true);
    venue.symbols = [
      {
        symbol: 'BTCUSDT',
        contractType: 'PERPETUAL',
        status: 'TRADING',
        baseAsset: 'BTC',
        quoteAsset: 'USDT',
        filters: [],
      },
    ];
    expect(await adapter.instruments!(new AbortController().signal)).toMatchObject([
      { symbol: 'BTC-USDT', assetClass: 'perpetual', venue: 'binance-usdm' },
    ]);
  });
});
