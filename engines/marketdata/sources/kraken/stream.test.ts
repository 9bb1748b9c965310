// The live stream of Kraken against a local venue, through its faults, in manual time; its books are checked by their checksums.
import { describe, expect, test } from 'bun:test';
import { OrderBook } from '../../../../src/market/book/order-book.ts';
import { BOOK_RULES } from '../../../../src/market/book/rules.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { START_US, StreamRig } from '../../../../test/support/market-source.ts';
import type { Wanted } from '../port.ts';
import { KrakenDouble } from './double.ts';
import { kraken } from './index.ts';

const BOOK: Wanted = { symbol: 'BTC-USD', kind: 'book_delta' };
const TRADES: Wanted = { symbol: 'BTC-USD', kind: 'trade' };
const MINUTES: Wanted = { symbol: 'BTC-USD', kind: 'bar', intervalUs: 60_000_000 };

const rig = () => new StreamRig(kraken, (nowUs) => new KrakenDouble(nowUs));

describe('the stream of Kraken', () => {
  test('takes precisions first, so that every checksum of its books is right', async () => {
    const { venue, sink, session } = rig();
    session.want([BOOK, { symbol: 'BTC-USD', kind: 'instrument' }]);
    await sink.until('book_snapshot', 1);
    venue.update('BTC/USD', 'bids', 105_944.2, 0.25);
    venue.update('BTC/USD', 'asks', 105_944.3, 0);
    venue.update('BTC/USD', 'bids', 105_943.8, 0.00000001);
    await sink.until('book_delta', 3);
    const book = new OrderBook({ rule: BOOK_RULES.kraken });
    for (const record of sink.all) if (record.kind.startsWith('book')) book.apply(record as never);
    expect([book.state, book.top()]).toMatchObject(['live', { bid: 1_059_442, ask: 1_059_453 }]);
    expect(sink.of('book_snapshot')[0]!.scale).toEqual({ price: 1, size: 8 });
    expect(sink.of('instrument')).toMatchObject([
      { symbol: 'BTC-USD', nativeSymbol: 'BTC/USD', tickSize: '0.1' },
    ]);
    venue.update('BTC/USD', 'bids', 105_940, 1, true);
    venue.update('BTC/USD', 'bids', 105_939, 1);
    await sink.until('book_delta', 4);
    expect(book.apply(sink.of('book_delta')[3]!)).toMatchObject({
      change: { to: 'broken', reason: 'checksum' },
    });
    session.resync('BTC-USD');
    await sink.until('book_snapshot', 2);
    book.apply(sink.of('book_snapshot')[1]!);
    expect(book.state).toBe('live');
    // Digits of checksums follow a precision that changes.
    venue.describe('BTC/USD', 2, 8);
    await sink.until('instrument', 2);
    session.resync('BTC-USD');
    await sink.until('book_snapshot', 3);
    expect(book.apply(sink.of('book_snapshot')[2]!).result).toBe('applied');
    venue.update('BTC/USD', 'bids', 105_940.25, 1);
    await sink.until('book_delta', 5);
    expect([book.apply(sink.of('book_delta')[4]!).result, book.state]).toEqual(['applied', 'live']);
  });

  test('a book that is wanted by another name as well goes on by that alone, with every checksum right', async () => {
    const { venue, sink, session } = rig();
    const other: Wanted = { ...BOOK, symbol: 'XBT-USD', nativeSymbol: 'BTC/USD' };
    session.want([BOOK, other]);
    await sink.until('book_snapshot', 2);
    session.want([other]);
    venue.update('BTC/USD', 'bids', 105_944, 0.25);
    await sink.until('book_delta', 1);
    const book = new OrderBook({ rule: BOOK_RULES.kraken });
    for (const record of sink.all) if (record.symbol === other.symbol) book.apply(record as never);
    expect([book.state, sink.of('book_delta')[0]!.scale]).toEqual(['live', { price: 1, size: 8 }]);
  });

  test('bars are handed on once, when the next begins or their time is over, never one that a loss cut', async () => {
    const { time, venue, sink, session, subscribed, comeBack } = rig();
    session.want([MINUTES]);
    await subscribed('ohlc|BTC/USD');
    let beats = 0;
    // Each quarter of a minute the answer to a ping: heartbeats come only where nothing else does.
    const quarters = async (count: number) => {
      for (let n = 0; n < count; n++) {
        time.advance(15_000);
        beats += 1;
        await sink.event_('heartbeat', beats);
      }
    };
    await quarters(3);
    venue.bar('BTC/USD', 1, START_US, 105_950);
    venue.bar('BTC/USD', 1, START_US + 60e6, 105_960);
    await sink.until('bar', 1);
    expect(sink.of('bar')[0]).toMatchObject({
      tsEventUs: START_US,
      close: 105_950,
      interval: 60e6,
      trades: 12,
    });
    await quarters(6);
    await sink.until('bar', 2);
    expect(sink.of('bar')[1]).toMatchObject({ tsEventUs: START_US + 60e6, close: 105_960 });
    venue.bar('BTC/USD', 1, START_US + 120e6, 105_970);
    venue.bar('BTC/USD', 1, START_US + 60e6, 1);
    venue.drop();
    await sink.event_('disconnected');
    venue.clockOffsetUs = 120e6;
    comeBack();
    await sink.until('bar', 4);
    // The snapshot of the new connection has what ended meanwhile, whole.
    expect(sink.of('bar').slice(2)).toMatchObject([
      { tsEventUs: START_US + 120e6, close: 105_938 },
      { tsEventUs: START_US + 180e6, close: 105_939 },
    ]);
  });

  test('a bar that is open when its first name is given up is handed on under the other', async () => {
    const { venue, sink, session, subscribed } = rig();
    const other: Wanted = { ...MINUTES, symbol: 'XBT-USD', nativeSymbol: 'BTC/USD' };
    session.want([MINUTES, other]);
    await subscribed('ohlc|BTC/USD');
    venue.bar('BTC/USD', 1, START_US, 105_950);
    venue.bar('BTC/USD', 1, START_US + 60e6, 105_960);
    await sink.until('bar', 2);
    session.want([other]);
    venue.bar('BTC/USD', 1, START_US + 120e6, 105_970);
    await sink.until('bar', 3);
    expect(sink.of('bar').map(({ symbol, tsEventUs }) => [symbol, tsEventUs - START_US])).toEqual([
      ['BTC-USD', 0],
      ['XBT-USD', 0],
      ['XBT-USD', 60e6],
    ]);
  });

  test('trades, also those that a loss cut off; a refused pair is told, and the others of its message come', async () => {
    const { venue, sink, session, subscribed, comeBack } = rig();
    session.want([TRADES, { symbol: 'NO-PE', kind: 'trade' }, { symbol: 'BTC-USD', kind: 'macro' }]);
    await subscribed('trade|BTC/USD');
    await sink.event_('refused', 2);
    expect(sink.named('refused')[1]).toMatchObject({
      symbol: 'NO-PE',
      reason: 'Currency pair not supported NO/PE',
    });
    venue.trade('BTC/USD', 'sell', 105_944.2, 0.00027625);
    await sink.until('trade', 1);
    expect(sink.of('trade')[0]).toMatchObject({
      id: '10218208',
      side: 'sell',
      price: 1_059_442,
      size: 27_625,
      tsEventUs: START_US,
    });
    venue.drop();
    await sink.event_('disconnected');
    venue.trade('BTC/USD', 'buy', 105_944.3, 1);
    comeBack();
    await sink.until('trade', 2);
    venue.trade('BTC/USD', 'buy', 105_944.4, 1);
    await sink.until('trade', 3);
    expect(sink.of('trade').map(({ id }) => id)).toEqual(['10218208', '10218209', '10218210']);
  });

  test('a channel that is refused says nothing of the others of its pair; an instrument wanted later is told', async () => {
    const { venue, sink, session, subscribed } = rig();
    venue.refused.add('ohlc|BTC/USD');
    session.want([TRADES, MINUTES, { ...MINUTES, intervalUs: 300_000_000 }]);
    await sink.event_('refused', 2);
    await subscribed('trade|BTC/USD');
    session.want([TRADES, { symbol: 'BTC-USD', kind: 'instrument' }]);
    await sink.until('instrument', 1);
    expect(sink.named('refused').map(({ kind }) => kind)).toEqual(['bar', 'bar']);
  });

  test('counts garbage row by row and goes on', async () => {
    const { venue, sink, session, subscribed } = rig();
    session.want([TRADES]);
    await subscribed('trade|BTC/USD');
    const good =
      '{"symbol":"BTC/USD","side":"buy","price":1.5,"qty":2,"trade_id":7,"timestamp":"2023-10-06T17:35:55.440295123Z"}';
    venue.say('nonsense');
    venue.say(`{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"up"},${good}]}`);
    venue.say('{"channel":"news","data":[{"symbol":"BTC/USD"}]}');
    venue.say('{"channel":"trade","data":7}');
    await sink.event_('garbage', 4);
    expect(sink.named('garbage').map(({ reason }) => reason)).toEqual([
      'no JSON',
      'trade_id: no name',
      'unknown channel',
      'data: no list',
    ]);
    expect(sink.of('trade')).toMatchObject([{ id: '7', tsEventText: '2023-10-06T17:35:55.440295123Z' }]);
  });

  test('comes back after a minute of silence and after being away, and asks for everything again', async () => {
    const { time, venue, sink, session, subscribed, comeBack } = rig();
    session.want([TRADES, BOOK]);
    await sink.until('book_snapshot', 1);
    venue.silent = true;
    time.advance(20_000);
    await sink.event_('disconnected');
    expect(sink.named('disconnected')[0]!.reason).toBe('silent for 20000 ms');
    venue.silent = false;
    venue.down = true;
    comeBack();
    await sink.event_('disconnected', 2);
    venue.down = false;
    comeBack();
    await sink.until('book_snapshot', 2);
    await subscribed('trade|BTC/USD');
    session.want([TRADES]);
    await eventually(
      () => ![...venue.sockets].some((s) => s.data.channels.has('book|BTC/USD')),
      'unsubscribed',
    );
    session.want([]);
    await eventually(() => venue.sockets.size === 0, 'closed');
  });

  test('a connection on which no instruments come is given up, as nothing else can be asked for on it', async () => {
    const { time, venue, sink, session, subscribed, comeBack } = rig();
    venue.refused.add('instrument|*');
    session.want([TRADES]);
    await sink.event_('garbage');
    time.advance(15_000);
    await sink.event_('disconnected');
    expect(sink.named('disconnected')[0]!.reason).toBe('no instruments came');
    venue.refused.clear();
    comeBack();
    await subscribed('trade|BTC/USD');
  });

  test('says what the venue says of its clock', async () => {
    const { time, venue, sink, session } = rig();
    session.want([TRADES]);
    venue.clockOffsetUs = -1_270_000;
    await sink.event_('connected');
    time.advance(15_000);
    await sink.event_('heartbeat');
    expect(sink.named('heartbeat')[0]!.venueUs).toBe(time.nowUs() - 1_270_000);
  });
});
