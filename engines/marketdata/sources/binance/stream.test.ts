// The live stream of Binance against a local venue, through its faults, in manual time.
import { describe, expect, test } from 'bun:test';
import { eventually } from '../../../../test/support/eventually.ts';
import { StreamRig, TestSink } from '../../../../test/support/market-source.ts';
import type { Wanted } from '../port.ts';
import { BinanceDouble } from './double.ts';
import { marketOf } from './index.ts';
import type { BinanceRest } from './rest.ts';
import { BinanceStream } from './stream.ts';
import { SPOT, USDM, type Venue } from './venue.ts';

const BOOK: Wanted = { symbol: 'BTC-USDT', kind: 'book_delta' };
const TRADES: Wanted = { symbol: 'BTC-USDT', kind: 'trade' };

function rig(futures = false, market: Venue = futures ? USDM : SPOT) {
  const made = new StreamRig(marketOf(market), (nowUs) => new BinanceDouble(nowUs, market));
  made.venue.book('BTCUSDT');
  return made;
}

describe('the stream of Binance', () => {
  test('brings trades, deltas and a snapshot that the deltas go on from', async () => {
    const { venue, sink, session, subscribed } = rig();
    session.want([TRADES, BOOK]);
    await sink.until('book_snapshot', 1);
    venue.update('BTCUSDT', 'b', [['100.05', '3']]);
    venue.trade('BTCUSDT', '100.10', '0.5', false);
    await subscribed('btcusdt@trade');
    await sink.until('trade', 1);
    const [snapshot] = sink.of('book_snapshot');
    const [delta] = sink.of('book_delta');
    expect(snapshot).toMatchObject({ symbol: 'BTC-USDT', source: 'binance', sequence: 100 });
    expect(delta).toMatchObject({
      firstSequence: 101,
      sequence: 101,
      previousSequence: null,
      bids: [10005, 30],
    });
    expect(sink.of('trade')[0]).toMatchObject({ symbol: 'BTC-USDT', side: 'buy' });
    expect(sink.named('connected')).toHaveLength(1);
    expect([...venue.sockets][0]!.data.path).toBe('/stream?timeUnit=MICROSECOND');
  });

  test('futures use one connection for books and one for the rest, and tell the number before', async () => {
    const { venue, sink, session } = rig(true);
    session.want([TRADES, BOOK, { symbol: 'BTC-USDT', kind: 'funding' }]);
    await sink.until('book_snapshot', 1);
    await eventually(
      () => venue.sockets.size === 2 && [...venue.sockets].every((s) => s.data.channels.size > 0),
      'two',
    );
    const paths = [...venue.sockets].map((s) => [s.data.path, [...s.data.channels]]).sort();
    expect(paths).toEqual([
      ['/market/stream', ['btcusdt@aggTrade', 'btcusdt@markPrice@1s']],
      ['/public/stream', ['btcusdt@depth@100ms']],
    ]);
    venue.update('BTCUSDT', 'a', [['100.10', '0']]);
    await sink.until('book_delta', 1);
    expect(sink.of('book_delta')[0]).toMatchObject({ previousSequence: 100, sequence: 101, asks: [1001, 0] });
  });

  test('comes back after a minute without the venue, subscribes again and takes a new snapshot', async () => {
    const { venue, sink, session, comeBack, away } = rig();
    session.want([TRADES, BOOK]);
    await sink.until('book_snapshot', 1);
    venue.drop();
    await sink.event_('disconnected');
    await away(60_000);
    venue.update('BTCUSDT', 'b', [['99.00', '1']], true);
    comeBack();
    await sink.until('book_snapshot', 2);
    expect(sink.of('book_snapshot')[1]).toMatchObject({ sequence: 101, bids: [1000, 15, 990, 10] });
    venue.trade('BTCUSDT', '101', '1', true);
    await sink.until('trade', 1);
    expect(sink.named('connected')).toHaveLength(2);
  });

  test('asks for a snapshot of the least depth that holds the levels wished for', async () => {
    for (const [futures, wished, asked] of [
      [false, undefined, '1000'],
      [false, 10, '100'],
      [false, 2000, '5000'],
      [true, 60, '100'],
      [true, 5000, '1000'],
    ] as const) {
      const { venue, sink, session } = rig(futures);
      session.want([{ ...BOOK, bookLevels: wished }]);
      await sink.until('book_snapshot', 1);
      expect(new URLSearchParams(venue.requests[0]!.split('?')[1]).get('limit')).toBe(asked);
    }
  });

  test('another depth is asked for at once, and a snapshot of the one before that is on its way is dropped', async () => {
    const { venue, sink, session, subscribed } = rig();
    const asked = () => venue.requests.map((path) => new URLSearchParams(path.split('?')[1]).get('limit'));
    const slow = Promise.withResolvers<void>();
    const shallow = { lastUpdateId: 90, bids: [['100.00', '1.5']], asks: [['100.10', '2']] };
    venue.instead.push(() => slow.promise.then(() => Response.json(shallow)));
    session.want([BOOK]);
    await subscribed('btcusdt@depth@100ms');
    await eventually(() => venue.requests.length === 1, 'the first request');
    session.want([{ ...BOOK, bookLevels: 5000 }]);
    slow.resolve();
    await sink.until('book_snapshot', 1);
    expect(sink.of('book_snapshot')).toMatchObject([{ sequence: 100 }]);
    // Two names of one book: the deeper wish counts, and one that changes nothing asks for nothing.
    session.want([{ ...BOOK, bookLevels: 4000 }]);
    session.want([
      { ...BOOK, bookLevels: 200 },
      { ...BOOK, symbol: 'BTCUSDT', bookLevels: 300 },
      { ...BOOK, kind: 'book_snapshot', bookLevels: 200 },
    ]);
    await sink.until('book_snapshot', 3);
    session.want([
      { ...BOOK, bookLevels: 10 },
      { ...BOOK, symbol: 'BTCUSDT', bookLevels: 900 },
    ]);
    await sink.until('book_snapshot', 5);
    expect(asked()).toEqual(['1000', '5000', '500', '1000']);
  });

  test('a loss of one connection of futures begins the books of the other anew', async () => {
    const { time, venue, sink, session } = rig(true);
    session.want([TRADES, BOOK]);
    await sink.until('book_snapshot', 1);
    await eventually(() => venue.sockets.size === 2, 'two connections');
    [...venue.sockets].find((socket) => socket.data.path === '/market/stream')!.terminate();
    await sink.event_('disconnected');
    const connected = sink.named('connected').length;
    time.advance(sink.named('disconnected')[0]!.retryMs);
    await sink.event_('connected', connected + 1);
    await sink.until('book_snapshot', 2);
  });

  test('a resync asks for one snapshot, however often it is called meanwhile', async () => {
    const { venue, sink, session } = rig();
    session.want([BOOK]);
    await sink.until('book_snapshot', 1);
    venue.update('BTCUSDT', 'b', [['99.00', '1']], true);
    session.resync('BTC-USDT');
    session.resync('BTC-USDT');
    session.resync('ETH-USDT');
    await sink.until('book_snapshot', 2);
    expect(venue.requests.filter((path) => path.includes('/depth'))).toHaveLength(2);
    expect(sink.of('book_snapshot')[1]!.sequence).toBe(101);
  });

  test('a resync without a connection asks for nothing: the snapshot comes with the stream', async () => {
    const { context } = rig();
    const depths: string[] = [];
    const depth = (native: string) => {
      depths.push(native);
      return new Promise<never>(() => {});
    };
    const session = new BinanceStream(SPOT, context, new TestSink(), { depth } as unknown as BinanceRest);
    session.want([BOOK]);
    session.resync('BTC-USDT');
    expect(depths).toEqual([]);
    await eventually(() => depths.length > 0, 'the snapshot of the confirmed stream');
    session.resync('BTC-USDT');
    expect(depths).toEqual(['BTCUSDT']);
    await session.close();
  });

  test('a slow snapshot does not keep deltas back; one that a loss overtook is dropped', async () => {
    const { venue, sink, session, subscribed, comeBack } = rig();
    const slow = Promise.withResolvers<void>();
    const body = { lastUpdateId: 100, bids: [['100.00', '1.5']], asks: [['100.10', '2']] };
    venue.instead.push(() => slow.promise.then(() => Response.json(body)));
    session.want([BOOK]);
    await subscribed('btcusdt@depth@100ms');
    await eventually(() => venue.requests.length === 1, 'the request for a snapshot');
    venue.update('BTCUSDT', 'b', [['100.05', '3']]);
    await sink.until('book_delta', 1);
    expect(sink.of('book_snapshot')).toHaveLength(0);
    venue.drop();
    await sink.event_('disconnected');
    slow.resolve();
    comeBack();
    await sink.until('book_snapshot', 1);
    expect(sink.of('book_snapshot')).toMatchObject([{ sequence: 101 }]);
  });

  test('a venue that is slow is heard in order when its messages come', async () => {
    const { venue, sink, session, subscribed } = rig();
    session.want([TRADES]);
    await subscribed('btcusdt@trade');
    venue.hold();
    for (let n = 1; n <= 3; n++) venue.trade('BTCUSDT', String(n), '1', true);
    venue.release();
    await sink.until('trade', 3);
    expect(sink.of('trade').map(({ price }) => price)).toEqual([1, 2, 3]);
  });

  test('heeds a 429 for a snapshot, tells of it, and gets it after the wait', async () => {
    const { time, venue, sink, session } = rig();
    venue.instead.push(() => new Response('slow down', { status: 429, headers: { 'retry-after': '20' } }));
    session.want([BOOK]);
    await sink.event_('rate_limited');
    expect(sink.named('rate_limited')[0]!.waitMs).toBe(20_000);
    time.advance(19_000);
    expect(sink.of('book_snapshot')).toHaveLength(0);
    time.advance(1000);
    await sink.until('book_snapshot', 1);
  });

  test('says which subscription was refused, and keeps the others of the same message', async () => {
    const { time, venue, sink, session, subscribed } = rig();
    venue.refused.add('nopeusdt@trade');
    session.want([TRADES, { symbol: 'NOPE-USDT', kind: 'trade' }, { symbol: 'BTC-USDT', kind: 'macro' }]);
    // Of the two that are then asked for alone, the second has to wait.
    await eventually(() => venue.heard.length === 2, 'two messages');
    time.advance(1000);
    await sink.event_('refused', 2);
    expect(sink.named('refused')).toEqual([
      { event: 'refused', symbol: 'BTC-USDT', kind: 'macro', reason: 'Binance spot has no stream of it' },
      {
        event: 'refused',
        symbol: 'NOPE-USDT',
        kind: 'trade',
        reason: 'Invalid request: unknown stream nopeusdt@trade',
      },
    ]);
    await subscribed('btcusdt@trade');
  });

  test('a refused stream is not asked for again on the same connection', async () => {
    const { time, venue, sink, session, subscribed } = rig();
    venue.refused.add('nopeusdt@trade');
    session.want([{ symbol: 'NOPE-USDT', kind: 'trade' }]);
    await sink.event_('refused');
    session.want([{ symbol: 'NOPE-USDT', kind: 'trade' }, TRADES]);
    await subscribed('btcusdt@trade');
    time.advance(15_000);
    await sink.event_('heartbeat');
    time.advance(15_000);
    await sink.event_('heartbeat', 2);
    const asked = venue.heard.map((said) => (said as { params?: string[] }).params ?? []);
    expect(asked).toEqual([['nopeusdt@trade'], ['btcusdt@trade'], [], []]);
  });

  test('a request that is not answered, or not even heard, is found by the list of subscriptions', async () => {
    const { time, venue, sink, session, subscribed } = rig();
    venue.unanswered = 1;
    session.want([BOOK]);
    await subscribed('btcusdt@depth@100ms');
    time.advance(15_000);
    await sink.until('book_snapshot', 1);
    venue.unheard = 1;
    session.want([BOOK, TRADES]);
    await eventually(() => venue.heard.length === 3, 'the request that is not heard');
    time.advance(15_000);
    await subscribed('btcusdt@trade');
    expect(sink.named('heartbeat')).toHaveLength(2);
  });

  test('a connection takes no more streams than the venue allows; the next one is opened for the rest', async () => {
    const { time, venue, sink, session } = rig(false, { ...SPOT, streams: 2 });
    const trades = (...symbols: string[]): Wanted[] =>
      symbols.map((base) => ({ symbol: `${base}-USDT`, kind: 'trade' }));
    const channels = () => [...venue.sockets].map((socket) => [...socket.data.channels].sort()).sort();
    const names = (...symbols: string[]) => symbols.map((base) => `${base}usdt@trade`);
    const become = (...expected: string[][]) =>
      eventually(() => Bun.deepEquals(channels(), expected), JSON.stringify(expected));
    session.want(trades('A', 'B', 'C'));
    await become(names('a', 'b'), names('c'));
    expect(sink.named('connected')).toHaveLength(1);
    session.want(trades('A', 'C', 'D'));
    time.advance(1000);
    await become(names('a', 'd'), names('c'));
    session.want(trades('A', 'D'));
    await become(names('a', 'd'));
  });

  test('leaves a connection that the venue is about to end, before it does', async () => {
    const { venue, sink, session, subscribed, comeBack } = rig();
    session.want([TRADES]);
    await subscribed('btcusdt@trade');
    venue.shutDown();
    await sink.event_('disconnected');
    comeBack();
    await sink.event_('connected', 2);
    await subscribed('btcusdt@trade');
    expect([venue.connections, sink.named('garbage')]).toEqual([2, []]);
  });

  test('a lost connection that nobody needs any more ends no longer what the others bring', async () => {
    const { venue, sink, session } = rig(true);
    session.want([TRADES, BOOK]);
    await sink.until('book_snapshot', 1);
    await sink.event_('connected');
    venue.down = true;
    [...venue.sockets].find((socket) => socket.data.path === '/market/stream')!.terminate();
    await sink.event_('disconnected');
    const { length } = sink.named('connected');
    venue.down = false;
    session.want([BOOK]);
    await sink.until('book_snapshot', 2);
    expect(sink.named('connected')).toHaveLength(length + 1);
  });

  test('a snapshot that cannot be read, or that a firewall holds back, is asked for again', async () => {
    const { time, venue, sink, session } = rig();
    venue.instead.push(
      () => new Response('<html>maintenance</html>'),
      () => new Response('blocked', { status: 403 }),
    );
    session.want([BOOK]);
    await sink.event_('garbage');
    time.advance(1000);
    await sink.event_('garbage', 2);
    time.advance(1000);
    await sink.until('book_snapshot', 1);
    expect(sink.named('refused')).toEqual([]);
  });

  test('a book of a symbol that the venue does not have is refused', async () => {
    const { sink, session } = rig(true);
    session.want([{ symbol: 'NOPE-USDT', kind: 'book_delta' }]);
    await sink.event_('refused');
    expect(sink.named('refused')[0]!.reason).toContain('Invalid symbol.');
  });

  test('counts garbage and goes on; an oversized message ends the connection', async () => {
    const { venue, sink, session, subscribed } = rig();
    session.want([TRADES]);
    await subscribed('btcusdt@trade');
    venue.say('not json');
    venue.say('[1]');
    venue.say(
      '{"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT","t":-1,"p":"1","q":"1","T":1,"m":true}}',
    );
    venue.say('{"stream":"x","data":{"e":"news","s":"BTCUSDT"}}');
    venue.trade('BTCUSDT', '101', '1', true);
    await sink.until('trade', 1);
    expect(sink.named('garbage').map((event) => event.reason)).toEqual([
      'no JSON',
      'message: no object',
      'id: no whole number',
      'unknown event',
    ]);
    venue.say(`"${'x'.repeat(17 * 2 ** 20)}"`);
    await sink.event_('disconnected');
    expect(sink.named('disconnected')[0]!.reason).toContain('a message of');
  });

  test('gives up a socket that is open and silent; asks again for streams that the venue lost', async () => {
    const { time, venue, sink, session, subscribed } = rig();
    session.want([TRADES]);
    await subscribed('btcusdt@trade');
    await eventually(() => venue.heard.length === 1, 'the subscription');
    [...venue.sockets][0]!.data.channels.clear();
    time.advance(15_000);
    await subscribed('btcusdt@trade');
    expect(sink.named('heartbeat')).toHaveLength(1);
    venue.silent = true;
    time.advance(40_000);
    await sink.event_('disconnected');
    expect(sink.named('disconnected')[0]!.reason).toBe('silent for 40000 ms');
  });

  test('follows the list of wishes: what is no longer wanted is unsubscribed, an empty list closes', async () => {
    const { venue, sink, session, subscribed } = rig();
    session.want([TRADES, BOOK]);
    await sink.until('book_snapshot', 1);
    session.want([TRADES]);
    await eventually(() => ![...venue.sockets][0]!.data.channels.has('btcusdt@depth@100ms'), 'unsubscribed');
    await subscribed('btcusdt@trade');
    session.want([]);
    await eventually(() => venue.sockets.size === 0, 'closed');
    session.want([TRADES]);
    await subscribed('btcusdt@trade');
    expect(venue.connections).toBe(2);
  });
});
