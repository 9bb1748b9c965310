// The pipeline behind real adapters that talk to local venues: a lost update, a lost connection, garbage, on both sides of a fail-over.
import { afterEach, describe, expect, test } from 'bun:test';
import { topics } from '../../../src/bus/topics.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { BinanceDouble } from '../sources/binance/double.ts';
import { binance, binanceUsdm } from '../sources/binance/index.ts';
import { USDM } from '../sources/binance/venue.ts';
import { Rig, SYMBOL } from './test-rig.ts';

describe('the pipeline on local venues', () => {
  let rig: Rig;
  const venues: BinanceDouble[] = [];
  afterEach(async () => {
    await rig.stop();
    await Promise.all(venues.splice(0).map((venue) => venue.stop()));
  });

  async function started() {
    const spot = new BinanceDouble(() => rig.nowUs);
    const futures = new BinanceDouble(() => rig.nowUs, USDM);
    venues.push(spot, futures);
    for (const venue of venues) venue.book('BTCUSDT');
    rig = await Rig.start([], {
      known: [
        { id: 'binance', factory: binance },
        { id: 'binance-usdm', factory: binanceUsdm },
      ],
      random: () => 0,
    });
    for (const [id, venue] of [
      ['binance', spot],
      ['binance-usdm', futures],
    ] as const) {
      const endpoints = { rest: venue.endpoint('rest')!, stream: venue.endpoint('stream')! };
      await rig.service.updateSource(id, { endpoints });
    }
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
