// The live stream of Coinbase against a local venue, through its faults, in manual time.
import { describe, expect, test } from 'bun:test';
import { OrderBook } from '../../../../src/market/book/order-book.ts';
import { BOOK_RULES } from '../../../../src/market/book/rules.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { START_US, StreamRig } from '../../../../test/support/market-source.ts';
import type { Wanted } from '../port.ts';
import { CoinbaseDouble } from './double.ts';
import { coinbase } from './index.ts';

const BOOK: Wanted = { symbol: 'BTC-USD', kind: 'book_delta' };
const TRADES: Wanted = { symbol: 'BTC-USD', kind: 'trade' };

const rig = () => new StreamRig(coinbase, (nowUs) => new CoinbaseDouble(nowUs));

describe('the stream of Coinbase', () => {
  test('messages about other things do not break a book; a missing one does, and begins it anew', async () => {
    const { time, venue, sink, session, subscribed } = rig();
    session.want([BOOK, TRADES]);
    await sink.until('book_snapshot', 1);
    await subscribed('market_trades|BTC-USD');
    const book = new OrderBook({ rule: BOOK_RULES.coinbase });
    const applied = () => {
      for (const record of sink.all.splice(0))
        if (record.kind.startsWith('book')) book.apply(record as never);
      return book.state;
    };
    venue.update('BTC-USD', 'bid', '68900.50', '2');
    venue.trade('BTC-USD', 'SELL', '68901.00', '0.1');
    venue.heartbeat();
    venue.update('BTC-USD', 'offer', '68901.00', '0');
    await sink.until('book_delta', 2);
    expect([applied(), book.top()]).toMatchObject(['live', { bid: 689_005, ask: 689_015 }]);
    venue.update('BTC-USD', 'bid', '68900.75', '1', true);
    venue.update('BTC-USD', 'bid', '68900.60', '1');
    await sink.until('book_delta', 1);
    expect(applied()).toBe('broken');
    expect(sink.named('garbage')).toEqual([
      { event: 'garbage', reason: 'messages missing before this one, by sequence_num' },
    ]);
    // The snapshot is on its way already.
    session.resync('BTC-USD');
    time.advance(1000);
    await sink.until('book_snapshot', 1);
    venue.update('BTC-USD', 'bid', '68900.75', '0');
    await sink.until('book_delta', 1);
    expect([applied(), book.top()]).toMatchObject(['live', { bid: 6_890_060 }]);
    // A change that is lost while nothing more is said of the book.
    venue.update('BTC-USD', 'bid', '68900.80', '1', true);
    venue.heartbeat();
    await sink.event_('garbage', 2);
    // It began anew a second ago.
    time.advance(5000);
    venue.heartbeat();
    await sink.until('book_snapshot', 1);
    expect([applied(), book.top()]).toMatchObject(['live', { bid: 6_890_080 }]);
    const books = venue.heard.filter((said) => (said as { channel: string }).channel === 'level2');
    expect(books.map((said) => (said as { type: string }).type)).toEqual([
      'subscribe',
      'unsubscribe',
      'subscribe',
      'unsubscribe',
      'subscribe',
    ]);
    session.resync('BTC-USD');
    time.advance(5000);
    venue.heartbeat();
    await sink.until('book_snapshot', 1);
  });

  test('a message about books that cannot be read as a whole begins each of them anew', async () => {
    const { time, venue, sink, session } = rig();
    session.want([BOOK]);
    await sink.until('book_snapshot', 1);
    const updates = [{ side: 'bid', event_time: venue.iso(), price_level: '68900.50', new_quantity: '2' }];
    const nameless = { type: 'update', updates };
    venue.events('level2|BTC-USD', 'l2_data', [{ ...nameless, product_id: 'BTC-USD' }, nameless]);
    venue.update('BTC-USD', 'bid', '68900.10', '1');
    await sink.until('book_delta', 1);
    const book = new OrderBook({ rule: BOOK_RULES.coinbase });
    for (const record of sink.all.splice(0)) book.apply(record as never);
    expect([book.state, sink.named('garbage')]).toMatchObject([
      'broken',
      [{ reason: 'product_id: no name' }],
    ]);
    time.advance(1000);
    await sink.until('book_snapshot', 1);
  });

  test('what is quoted in USDC comes by the stream of USD, under the symbol that was wanted, and for both', async () => {
    const { venue, sink, session, subscribed } = rig();
    session.want([{ symbol: 'BTC-USDC', kind: 'trade' }]);
    await subscribed('market_trades|BTC-USD');
    venue.trade('BTC-USD', 'SELL', '68900.50', '0.0015');
    await sink.until('trade', 1);
    session.want([{ symbol: 'BTC-USDC', kind: 'trade' }, TRADES]);
    venue.trade('BTC-USD', 'SELL', '68900.50', '0.0015');
    await sink.until('trade', 3);
    expect(sink.of('trade').map(({ symbol, id }) => [symbol, id])).toEqual([
      ['BTC-USDC', '995098700'],
      ['BTC-USDC', '995098701'],
      ['BTC-USD', '995098701'],
    ]);
  });

  test('trades have the side of who took; after a loss only those that were missed come from the snapshot', async () => {
    const { venue, sink, session, subscribed, comeBack } = rig();
    venue.trade('BTC-USD', 'BUY', '1', '1');
    session.want([TRADES]);
    await subscribed('market_trades|BTC-USD');
    venue.trade('BTC-USD', 'SELL', '68900.50', '0.0015');
    await sink.until('trade', 1);
    expect(sink.of('trade')[0]).toMatchObject({ id: '995098701', side: 'buy', price: 689_005, size: 15 });
    // What else is wanted of the product, or no more, is nothing to its trades.
    session.want([TRADES, BOOK]);
    session.want([TRADES]);
    venue.drop();
    await sink.event_('disconnected');
    venue.trade('BTC-USD', 'BUY', '68900.00', '0.05');
    comeBack();
    await sink.until('trade', 2);
    venue.trade('BTC-USD', 'BUY', '68900.00', '0.05');
    await sink.until('trade', 3);
    expect(sink.of('trade').map(({ id, side }) => [id, side])).toEqual([
      ['995098701', 'buy'],
      ['995098702', 'sell'],
      ['995098703', 'sell'],
    ]);
  });

  test('bars of five minutes are handed on once, when the next begins or their time is over', async () => {
    const { time, venue, sink, session, subscribed } = rig();
    session.want([{ symbol: 'BTC-USD', kind: 'bar', intervalUs: 300e6 }]);
    await subscribed('candles|BTC-USD');
    venue.candle('BTC-USD', START_US, '68910');
    venue.candle('BTC-USD', START_US + 300e6, '68920');
    await sink.until('bar', 1);
    expect(sink.of('bar')[0]).toMatchObject({
      tsEventUs: START_US,
      close: 68_910,
      interval: 300e6,
      trades: null,
    });
    for (let beat = 1; beat <= 61; beat++) {
      time.advance(10_000);
      venue.heartbeat();
      await sink.event_('heartbeat', beat);
    }
    expect(sink.of('bar').slice(1)).toMatchObject([{ tsEventUs: START_US + 300e6, close: 68_920 }]);
  });

  test('a bar is over by the clock of the venue, however far ahead the one here is', async () => {
    const { time, venue, sink, session, subscribed } = rig();
    session.want([{ symbol: 'BTC-USD', kind: 'bar', intervalUs: 300e6 }]);
    await subscribed('candles|BTC-USD');
    venue.clockOffsetUs = -60e6;
    venue.candle('BTC-USD', START_US, '68910');
    for (let beat = 1; beat <= 36; beat++) {
      time.advance(10_000);
      venue.heartbeat();
      await sink.event_('heartbeat', beat);
    }
    // 300 s of the venue: over, but what is on its way may still change it.
    expect(sink.of('bar')).toEqual([]);
    venue.candle('BTC-USD', START_US, '68990');
    time.advance(10_000);
    venue.heartbeat();
    await sink.until('bar', 1);
    expect(sink.of('bar')).toMatchObject([
      { tsEventUs: START_US, tsReceiveUs: START_US + 370e6, close: 68_990 },
    ]);
  });

  test('quotes, and heartbeats with the clock of the venue, also when it jumps', async () => {
    const { time, venue, sink, session, subscribed } = rig();
    session.want([{ symbol: 'BTC-USD', kind: 'quote' }]);
    await subscribed('ticker|BTC-USD');
    const ticker = { product_id: 'BTC-USD', best_bid: '68900.00', best_bid_quantity: '1.5' };
    venue.events('ticker|BTC-USD', 'ticker', [
      {
        type: 'update',
        tickers: [{ ...ticker, best_ask: '', best_ask_quantity: '' }, { product_id: 'BTC-USD' }],
      },
    ]);
    await sink.until('quote', 1);
    const [quote] = sink.of('quote');
    expect(quote).toMatchObject({ bid: 68_900, ask: 0, askSize: 0, tsEventUs: START_US, sequence: 2 });
    expect(sink.named('garbage')).toEqual([{ event: 'garbage', reason: 'price: no decimal' }]);
    venue.clockOffsetUs = 5e6;
    venue.heartbeat();
    await sink.event_('heartbeat');
    expect(sink.named('heartbeat')[0]!.venueUs).toBe(time.nowUs() + 5e6);
  });

  test('says which product was refused, and keeps the others of the same message', async () => {
    const { time, venue, sink, session, subscribed } = rig();
    session.want([
      TRADES,
      { symbol: 'NO-PE', kind: 'trade' },
      { symbol: 'BTC-USD', kind: 'bar', intervalUs: 60e6 },
    ]);
    // Heartbeats, both products, and each alone: the last has to wait.
    await eventually(() => venue.heard.length === 3, 'three messages');
    time.advance(1000);
    await sink.event_('refused', 2);
    expect(sink.named('refused')).toMatchObject([
      { symbol: 'BTC-USD', kind: 'bar', reason: 'Coinbase has no channel of it' },
      { symbol: 'NO-PE', kind: 'trade', reason: 'failure to subscribe: unknown product NO-PE' },
    ]);
    await subscribed('market_trades|BTC-USD');
    venue.say('{"type":"error","message":"rate limit exceeded"}');
    venue.say('nonsense');
    venue.say('{"channel":"news","timestamp":"2026-04-07T14:30:00Z","sequence_num":1000,"events":[]}');
    await sink.event_('garbage', 4);
    expect(sink.named('garbage').map(({ reason }) => reason)).toContain('unknown channel');
  });

  test('comes back after silence and after a minute away, and asks for everything again', async () => {
    const { time, venue, sink, session, comeBack, away } = rig();
    session.want([BOOK]);
    await sink.until('book_snapshot', 1);
    venue.silent = true;
    time.advance(15_000);
    await sink.event_('disconnected');
    expect(sink.named('disconnected')[0]!.reason).toBe('silent for 15000 ms');
    venue.silent = false;
    await away(60_000);
    comeBack();
    await sink.until('book_snapshot', 2);
    session.want([]);
    await eventually(() => venue.sockets.size === 0, 'closed');
  });
});
