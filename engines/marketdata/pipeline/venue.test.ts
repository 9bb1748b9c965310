// The pipeline behind real adapters that talk to local venues: a lost update, a lost connection, garbage, on both sides of a fail-over.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HubTransport } from '../../../src/bus/hub-client.ts';
import { HubServer } from '../../../src/bus/hub-server.ts';
import { MemoryHub } from '../../../src/bus/memory.ts';
import { RedisTransport } from '../../../src/bus/redis-transport.ts';
import { topics } from '../../../src/bus/topics.ts';
import { OrderBook } from '../../../src/market/book/order-book.ts';
import { bookRuleOf } from '../../../src/market/book/rules.ts';
import type { BookDelta, BookSnapshot } from '../../../src/market/records.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../../../test/support/redis.ts';
import { BinanceDouble } from '../sources/binance/double.ts';
import { binance, binanceUsdm } from '../sources/binance/index.ts';
import { USDM } from '../sources/binance/venue.ts';
import { CoinbaseDouble } from '../sources/coinbase/double.ts';
import { coinbase } from '../sources/coinbase/index.ts';
import { KrakenDouble } from '../sources/kraken/double.ts';
import { kraken } from '../sources/kraken/index.ts';
import type { VenueDouble } from '../sources/net/venue-double.ts';
import { levelTexts } from './rows.ts';
import { Rig, SYMBOL } from './test-rig.ts';

/** Changes of a book at a local venue: a bid of 0.5 at a price, which may be lost on its way. */
const VENUES = {
  kraken: {
    factory: kraken,
    open: (nowUs: () => number) => {
      const venue = new KrakenDouble(nowUs);
      const bid = (price: number, lost = false) => venue.update('BTC/USD', 'bids', price, 0.5, lost);
      return { venue, bid };
    },
    best: 105_944.2,
    reason: 'checksum',
  },
  coinbase: {
    factory: coinbase,
    open: (nowUs: () => number) => {
      const venue = new CoinbaseDouble(nowUs);
      const bid = (price: number, lost = false) =>
        venue.update('BTC-USD', 'bid', price.toFixed(2), '0.5', lost);
      return { venue, bid };
    },
    best: 68_900,
    reason: 'gap',
  },
} as const;

/** What carries the topics; each is closed after its test. */
const TRANSPORTS = {
  memory: async () => {
    const hub = new MemoryHub();
    return { connect: () => hub.connect(), close: async () => {} };
  },
  hub: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'venue-'));
    const socketPath = join(folder, 's');
    const hub = new HubServer({ socketPath, maxQueuedBytes: 2 ** 26 });
    hub.listen();
    return {
      connect: (name: string) => new HubTransport({ socketPath, name }),
      close: async () => {
        await hub.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
  redis: async () => {
    const redis = await TestRedis.start();
    const settings = redis.settings();
    return {
      connect: (name: string) => new RedisTransport({ settings, name }),
      close: () => redis.stop(),
    };
  },
} as const;

describe('the pipeline on local venues', () => {
  let rig: Rig;
  const venues: VenueDouble[] = [];
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await rig.stop();
    await Promise.all(venues.splice(0).map((venue) => venue.stop()));
    for (const end of ends.splice(0)) await end();
  });

  async function address(id: string, venue: VenueDouble): Promise<void> {
    const endpoints = { rest: venue.endpoint('rest')!, stream: venue.endpoint('stream')! };
    await rig.service.updateSource(id, { endpoints });
  }

  for (const [id, over] of [
    ['kraken', 'memory'],
    ['coinbase', 'memory'],
    ['kraken', 'hub'],
    ['coinbase', 'redis'],
  ] as const) {
    const name = `a change of ${id} that is lost breaks its book until a snapshot mends it, as readers over ${over} see`;
    test.skipIf(over === 'redis' && REDIS_SERVER === null)(name, async () => {
      const { factory, open, best, reason } = VENUES[id];
      const transport = await TRANSPORTS[over]();
      ends.push(async () => void (await transport.close()));
      const { venue, bid } = open(() => rig.nowUs);
      venues.push(venue);
      rig = await Rig.start([], { known: [{ id, factory }], random: () => 0 }, transport.connect);
      await eventually(() => rig.connected, 'a bus');
      await address(id, venue);
      await rig.subscribe({ kinds: ['book'], sources: [id] });
      const bodies = async () => await rig.said(topics.marketBooks);
      const tops = (state: string, price: number) =>
        eventually(async () => {
          rig.clock.advance(20_000);
          const last = (await bodies()).at(-1);
          return last?.state === state && (state !== 'live' || Number(last.bids[0]) === price);
        }, `a book that is ${state}`);
      await tops('live', best);
      const counts = () => rig.service.books.countsOf(id, SYMBOL);
      bid(best - 3, true);
      bid(best - 2);
      await eventually(async () => {
        rig.clock.advance(20_000);
        const news = (await rig.said(topics.marketSources)).filter((one) => one.event === 'book');
        return news.some((one) => one.state === 'broken' && one.reason === reason);
      }, 'a broken book');
      await eventually(() => {
        rig.clock.advance(20_000);
        return counts().snapshots === 2;
      }, 'a snapshot');
      bid(best - 1);
      await eventually(async () => {
        rig.clock.advance(20_000);
        const bids = (await bodies()).at(-1)?.bids.map(Number) ?? [];
        return [1, 2, 3].every((off) => bids[bids.indexOf(best - off) + 1] === 0.5);
      }, 'all bids, also the lost one');
      expect(counts()).toMatchObject({ resyncs: 1, [reason]: 1 });
      expect(rig.service.source(id).counts).toMatchObject({ resyncs: 1, garbage: id === 'coinbase' ? 1 : 0 });
      // The connection lives, and nothing is heard of the book.
      rig.pass(31);
      await tops('stale', 0);
      bid(best - 4);
      await tops('live', best);
      const all = await bodies();
      for (const { state, bids, asks } of all) {
        if (state === 'live') expect(Number(bids[0])).toBeLessThan(Number(asks[0]));
        else expect([bids, asks]).toEqual([[], []]);
      }
      expect(all.map(({ state }) => state).filter((state, i, list) => state !== list[i - 1])).toEqual([
        'live',
        'broken',
        'live',
        'stale',
        'live',
      ]);
      // What was stored of it makes the same book.
      await rig.service.storing.idle();
      const book = new OrderBook({ rule: bookRuleOf(id) });
      for (const record of rig.stored) book.apply(record as BookDelta | BookSnapshot);
      expect(book.state).toBe('live');
      const { scale, bids } = book.levels(3)!;
      expect(levelTexts(bids, scale)).toEqual(rig.service.books.said(id, SYMBOL)!.bids.slice(0, 6));
    });
  }

  test('a symbol is taken from the venue that lists it where no source is named', async () => {
    const spot = new BinanceDouble(() => rig.nowUs);
    spot.symbols = [
      { symbol: 'BTCUSDT', status: 'TRADING', baseAsset: 'BTC', quoteAsset: 'USDT', filters: [] },
    ];
    const other = new KrakenDouble(() => rig.nowUs);
    venues.push(spot, other);
    rig = await Rig.start([], {
      known: [
        { id: 'binance', factory: binance },
        { id: 'kraken', factory: kraken },
      ],
      random: () => 0,
    });
    await address('binance', spot);
    await address('kraken', other);
    expect((await rig.subscribe({ symbol: 'BTC-USD' })).sources).toEqual(['kraken']);
    expect((await rig.subscribe({ symbol: 'BTC-USDT' })).sources).toEqual(['binance']);
  });

  async function started() {
    const spot = new BinanceDouble(() => rig.nowUs);
    const futures = new BinanceDouble(() => rig.nowUs, USDM);
    venues.push(spot, futures);
    for (const venue of [spot, futures]) venue.book('BTCUSDT');
    rig = await Rig.start([], {
      known: [
        { id: 'binance', factory: binance },
        { id: 'binance-usdm', factory: binanceUsdm },
      ],
      random: () => 0,
    });
    await address('binance', spot);
    await address('binance-usdm', futures);
    return { spot, futures };
  }

  const subscribe = (kinds: ('trades' | 'book')[]) =>
    rig.subscribe({
      kinds,
      sources: ['binance', 'binance-usdm'],
      native_symbols: { binance: 'BTCUSDT', 'binance-usdm': 'BTCUSDT' },
      store: false,
    });

  test('mends a book after a lost update by a new snapshot, and follows the venue to the same levels', async () => {
    const { spot } = await started();
    await subscribe(['book']);
    const book = () => rig.service.books.said('binance', SYMBOL);
    const both = () => rig.service.routing.activeOf(SYMBOL, 'book') === 'binance' && book()?.state === 'live';
    await eventually(() => {
      spot.update('BTCUSDT', 'b', [['99.00', '1']]);
      rig.pass(1);
      return both();
    }, 'a live book');
    spot.update('BTCUSDT', 'b', [['99.50', '4']], true);
    spot.update('BTCUSDT', 'b', [['99.60', '5']]);
    await eventually(() => {
      spot.update('BTCUSDT', 'a', [['101.00', '7']]);
      rig.pass(1);
      return both() && book()!.bids.includes('99.5');
    }, 'the book after the gap');
    expect(rig.service.quality.totals().gap).toBeGreaterThanOrEqual(1);
    expect(book()!.bids.slice(0, 6)).toEqual(['100', '1.5', '99.6', '5', '99.5', '4']);
    const bodies = await rig.said(topics.marketBooks);
    expect(bodies.every((body) => body.state === 'live' || body.bids.length === 0)).toBe(true);
  });

  test('goes on with the other venue when one is lost, and counts what was no message', async () => {
    const { spot, futures } = await started();
    await subscribe(['trades']);
    const trade = () => {
      rig.clock.advance(1000);
      spot.trade('BTCUSDT', '100.1', '1', false);
      futures.trade('BTCUSDT', '100.2', '1', true);
    };
    const last = async () => (await rig.trades()).at(-1)?.[0];
    await eventually(async () => {
      trade();
      return (await last()) === 'binance';
    }, 'a trade of the first venue');
    spot.down = true;
    spot.drop();
    await eventually(async () => {
      trade();
      return (await last()) === 'binance-usdm';
    }, 'a trade of the second venue');
    futures.stream('btcusdt@aggTrade', { nonsense: true });
    await eventually(() => rig.service.source('binance-usdm').counts.garbage! > 0, 'garbage counted');
    expect(rig.service.routing.changes[0]).toMatchObject({ from: 'binance', to: 'binance-usdm' });
    expect(rig.service.source('binance').health).not.toBe('connected');
  });
});
