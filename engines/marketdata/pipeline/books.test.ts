// Books on their way through the pipeline: what is published, breaks that are mended, books that go stale, another source that takes over.
import { afterEach, describe, expect, test } from 'bun:test';
import { topics } from '../../../src/bus/topics.ts';
import { NotFoundError } from '../../../src/core/errors.ts';
import { OrderBook } from '../../../src/market/book/order-book.ts';
import { bookRuleOf } from '../../../src/market/book/rules.ts';
import type { BookDelta, BookSnapshot } from '../../../src/market/records.ts';
import { Rig, SYMBOL } from './test-rig.ts';
import { ScriptedSource } from './test-source.ts';

describe('books in the pipeline', () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  /** Sources whose books are numbered as those of Binance futures and spot. */
  async function two(store = false) {
    const [a, b] = [new ScriptedSource('binance'), new ScriptedSource('binance-usdm')];
    rig = await Rig.start([a, b]);
    await rig.subscribe({ sources: ['binance', 'binance-usdm'], kinds: ['book'], store });
    return { a, b };
  }

  /** Puts what was stored of a source into a new book, and returns that. */
  async function readBack(source: string) {
    await rig.service.storing.idle();
    const book = new OrderBook({ rule: bookRuleOf(source) });
    const results = rig.stored
      .filter((record) => record.source === source)
      .map((record) => book.apply(record as BookDelta | BookSnapshot).result);
    return { results, state: book.state, bids: book.levels(100)?.bids };
  }

  const bids = [10_000, 1000, 9_990, 2000];
  const asks = [10_010, 3000, 10_020, 4000];
  const change = (a: ScriptedSource, last: number, price: number, over = {}) =>
    a.delta(rig.nowUs, [price, 5000], [], {
      firstSequence: last,
      previousSequence: last - 1,
      sequence: last,
      ...over,
    });

  test('publishes the state, the best levels and what changed, in one body for a turn', async () => {
    const { a } = await two();
    expect(a.wanted).toEqual([{ symbol: SYMBOL, kind: 'book_delta' }]);
    a.say(a.snapshot(rig.nowUs, bids, asks, 10), change(a, 11, 10_001), change(a, 12, 10_002));
    const [body] = await rig.said(topics.marketBooks);
    expect(body).toMatchObject({
      symbol: SYMBOL,
      source: 'binance',
      state: 'live',
      reason: null,
      number: 1,
      sequence: 12,
      bids: ['100.02', '5', '100.01', '5', '100', '1', '99.9', '2'],
      asks: ['100.1', '3', '100.2', '4'],
    });
    expect(body!.deltas.map((d) => [d.first_sequence, d.sequence, d.bids])).toEqual([
      [11, 11, ['100.01', '5']],
      [12, 12, ['100.02', '5']],
    ]);
    expect(rig.service.book(SYMBOL, { depth: 1 })).toMatchObject({
      state: 'live',
      bids: [{ price: '100.02', size: '5' }],
      counts: { snapshots: 1, deltas: 2 },
    });
  });

  test('a snapshot that is wished for while the book is live is asked for until it comes, and then no more', async () => {
    const { a } = await two();
    const deep = Array.from({ length: 20 }, (_, i) => [10_000 - i, 1000]).flat();
    a.say(a.snapshot(rig.nowUs, deep, asks, 0));
    for (let i = 0; i < 19; i++) {
      a.say(a.delta(rig.nowUs, [10_000 - i, 0], [], { firstSequence: i + 1, sequence: i + 1 }));
    }
    expect(a.resyncs).toEqual([SYMBOL]);
    rig.pass(3);
    expect(a.resyncs).toHaveLength(3);
    expect(rig.service.book(SYMBOL, { depth: 1 })).toMatchObject({ state: 'live' });
    a.say(a.snapshot(rig.nowUs, bids, asks, 19));
    rig.pass(20);
    expect(a.resyncs).toHaveLength(3);
    expect(rig.service.book(SYMBOL, { depth: 1 })).toMatchObject({ state: 'live', bids: [{ price: '100' }] });
  });

  test('a gap breaks the book at once: nothing of it is served, a snapshot is asked for, and it goes on', async () => {
    const { a } = await two();
    a.say(a.snapshot(rig.nowUs, bids, asks, 10), change(a, 11, 10_001));
    await rig.said(topics.marketBooks);
    a.say(change(a, 12, 10_002), change(a, 14, 10_003));
    expect(a.resyncs).toEqual([SYMBOL]);
    expect(rig.service.book(SYMBOL, { depth: 5 })).toMatchObject({
      state: 'broken',
      reason: 'gap',
      bids: [],
      asks: [],
    });
    a.say(a.snapshot(rig.nowUs, bids, asks, 14), change(a, 15, 10_004));
    const bodies = await rig.said(topics.marketBooks);
    // The change before the gap goes out with what became of the book in the same turn.
    expect(bodies.map((body) => [body.state, body.reason, body.bids.length > 0, body.deltas.length])).toEqual(
      [
        ['live', null, true, 1],
        ['broken', 'gap', false, 1],
        ['live', null, true, 1],
      ],
    );
    // A number is left out where the book begins anew.
    expect(bodies.map((body) => body.number)).toEqual([1, 2, 4]);
    const news = await rig.news('book');
    expect(news.map((n) => [n.state, n.reason])).toEqual([
      ['live', 'snapshot'],
      ['broken', 'gap'],
      ['live', 'snapshot'],
    ]);
    expect(rig.service.quality.totals().gap).toBe(1);
  });

  test('asks again, ever more patiently, while no snapshot comes', async () => {
    const { a } = await two();
    a.say(a.snapshot(rig.nowUs, bids, asks, 10), change(a, 13, 10_003));
    rig.pass(60, () => a.sink!.event({ event: 'heartbeat', venueUs: null }));
    // At 0, 1, 3, 7, 15 and 31 s: the wait doubles.
    expect(a.resyncs).toHaveLength(6);
  });

  test('takes the book of another source while that of the first is broken', async () => {
    const { a, b } = await two();
    a.say(a.snapshot(rig.nowUs, bids, asks, 10));
    b.say(b.snapshot(rig.nowUs, bids, asks, 500));
    await rig.said(topics.marketBooks);
    a.say(change(a, 15, 10_003));
    expect(rig.service.routing.activeOf(SYMBOL, 'book')).toBe('binance-usdm');
    const bodies = await rig.said(topics.marketBooks);
    expect(bodies.map((body) => [body.source, body.state])).toEqual([
      ['binance', 'live'],
      ['binance-usdm', 'live'],
    ]);
    expect(rig.service.sources().routes[0]!.candidates[0]).toMatchObject({
      source: 'binance',
      trouble: 'broken: gap',
    });
  });

  test('a book of which nothing is heard is stale although its connection lives', async () => {
    const { a } = await two();
    a.say(a.snapshot(rig.nowUs, bids, asks, 10));
    rig.pass(40, () => a.sink!.event({ event: 'heartbeat', venueUs: null }));
    expect(rig.service.source('binance').health).toBe('connected');
    expect(rig.service.book(SYMBOL, { depth: 5 })).toMatchObject({ state: 'stale', bids: [] });
    expect((await rig.said(topics.marketBooks)).at(-1)).toMatchObject({ state: 'stale', bids: [] });
  });

  test('one that was stale and goes on in order is told and stored by its change alone', async () => {
    const { a } = await two(true);
    a.say(a.snapshot(rig.nowUs, bids, asks, 10));
    await rig.said(topics.marketBooks);
    rig.pass(40, () => a.sink!.event({ event: 'heartbeat', venueUs: null }));
    a.say(change(a, 11, 10_001));
    const bodies = await rig.said(topics.marketBooks);
    expect(bodies.map(({ state, number, deltas }) => [state, number, deltas.length])).toEqual([
      ['live', 1, 0],
      ['stale', 2, 0],
      ['live', 3, 1],
    ]);
    await rig.service.storing.idle();
    expect(rig.stored.map(({ kind }) => kind)).toEqual(['book_snapshot', 'book_delta']);
  });

  test('begins anew after the connection was lost', async () => {
    const { a } = await two();
    a.say(a.snapshot(rig.nowUs, bids, asks, 10));
    a.drop();
    expect(rig.service.book(SYMBOL, { depth: 5 })).toMatchObject({
      state: 'waiting',
      reason: 'disconnected',
    });
    a.sink!.event({ event: 'connected' });
    // Numbers that would follow prove nothing about what was missed meanwhile.
    a.say(change(a, 11, 10_001));
    expect(rig.service.book(SYMBOL, { depth: 5 }).state).toBe('waiting');
    a.say(a.snapshot(rig.nowUs, bids, asks, 30));
    expect(rig.service.book(SYMBOL, { depth: 5 }).state).toBe('live');
  });

  test('stores the book as it became live, with the changes that came before its snapshot', async () => {
    const { a } = await two(true);
    a.say(change(a, 9, 9_998), change(a, 10, 9_999), change(a, 11, 10_001), change(a, 12, 10_002));
    a.say(a.snapshot(rig.nowUs, bids, asks, 10));
    a.say(change(a, 13, 10_003));
    expect(await readBack('binance')).toEqual({
      results: ['applied', 'applied'],
      state: 'live',
      bids: [10_003, 5000, 10_002, 5000, 10_001, 5000, ...bids],
    });
    expect(rig.stored[0]).toMatchObject({ kind: 'book_snapshot', sequence: 12 });
    // One that comes later holds changes that were told, and those that were told since.
    a.say(change(a, 15, 10_005));
    a.say(change(a, 16, 10_006), a.snapshot(rig.nowUs, bids, asks, 15));
    expect((await readBack('binance')).bids).toEqual([10_006, 5000, ...bids]);
    expect(rig.service.sources().routes[0]!.source).toBe('binance');
  });

  test('stores and tells the whole book of a source that takes over, also of one that comes back', async () => {
    const { a, b } = await two(true);
    a.say(a.snapshot(rig.nowUs, bids, asks, 10), change(a, 11, 10_001));
    b.say(b.snapshot(rig.nowUs, bids, asks, 500), change(b, 501, 10_002), change(b, 502, 10_003));
    a.say(change(a, 13, 10_004));
    b.say(change(b, 503, 10_005));
    expect(await readBack('binance-usdm')).toMatchObject({
      results: ['applied', 'applied'],
      bids: [10_005, 5000, 10_003, 5000, 10_002, 5000, ...bids],
    });
    a.say(a.snapshot(rig.nowUs, bids, asks, 20), change(a, 21, 10_006));
    rig.pass(12, () => b.sink!.event({ event: 'heartbeat', venueUs: null }));
    expect(rig.service.routing.activeOf(SYMBOL, 'book')).toBe('binance');
    a.say(change(a, 22, 10_007));
    const read = await readBack('binance');
    expect(read).toMatchObject({
      state: 'live',
      bids: [10_007, 5000, 10_006, 5000, ...bids],
    });
    expect(read.results).not.toContain('ignored');
    const numbers = (await rig.said(topics.marketBooks)).map((body) => [
      body.source,
      body.state,
      body.number,
    ]);
    // What was missed while the other one was told shows as a number that is left out.
    expect(numbers).toEqual([
      ['binance', 'broken', 1],
      ['binance-usdm', 'live', 1],
      ['binance', 'live', 3],
      ['binance', 'live', 4],
    ]);
  });

  test('asks for the snapshot that should have come by itself, and for less and less of a book that breaks each time', async () => {
    const { a } = await two();
    let last = 10;
    rig.pass(29, () => a.say(change(a, ++last, 10_001)));
    expect(a.resyncs).toHaveLength(0);
    rig.pass(2, () => a.say(change(a, ++last, 10_001)));
    expect(a.resyncs).toHaveLength(1);
    a.resyncs.length = 0;
    // Every snapshot is followed by a hole.
    rig.pass(120, () => {
      last += 5;
      a.say(a.snapshot(rig.nowUs, bids, asks, last), change(a, last + 3, 10_001));
    });
    expect(a.resyncs.length).toBeLessThan(10);
  });

  test('forgets the book of a source that is no longer listened to, while another is', async () => {
    const { a, b } = await two();
    const { subscription_id: id } = rig.service.subscriptions()[0]!;
    await rig.subscribe({ sources: ['binance-usdm'], kinds: ['book'], store: false });
    a.say(a.snapshot(rig.nowUs, bids, asks, 10));
    b.say(b.snapshot(rig.nowUs, bids, asks, 500));
    await rig.service.unsubscribe(id);
    expect(rig.service.books.sourcesOf(SYMBOL)).toEqual(['binance-usdm']);
    expect(rig.service.routing.activeOf(SYMBOL, 'book')).toBe('binance-usdm');
  });

  test('a book has the most levels that a subscription wishes for and its source has, and begins anew with more', async () => {
    const kraken = new ScriptedSource('kraken');
    kraken.mostLevels = 25;
    rig = await Rig.start([kraken]);
    const deep = { sources: ['kraken'], kinds: ['book' as const], store: false };
    await rig.subscribe({ ...deep, book_levels: 10 });
    expect(kraken.wanted).toEqual([{ symbol: SYMBOL, kind: 'book_delta', bookLevels: 10 }]);
    const levels = (count: number) => Array.from({ length: count }, (_, i) => [10_000 - i, 1000]).flat();
    const more = () => kraken.delta(rig.nowUs, [9000, 1000], []);
    const bidsOf = () => rig.service.book(SYMBOL, { depth: 50 }).bids.length;
    kraken.say(kraken.snapshot(rig.nowUs, levels(10), asks), more());
    // The venue tells no more of what falls below the tenth.
    expect(bidsOf()).toBe(10);
    await rig.subscribe({ ...deep, book_levels: 500 });
    expect(kraken.wanted[0]!.bookLevels).toBe(500);
    expect(kraken.resyncs).toEqual([SYMBOL]);
    expect(rig.service.book(SYMBOL, { depth: 5 })).toMatchObject({
      state: 'waiting',
      reason: 'another depth',
    });
    // Few levels of a deep book: it has room for more.
    kraken.say(kraken.snapshot(rig.nowUs, levels(10), asks), more());
    expect(bidsOf()).toBe(11);
    await rig.subscribe({ ...deep, book_levels: 100 });
    expect(rig.service.book(SYMBOL, { depth: 5 }).state).toBe('live');
    const wrong = await rig.subscribe({ ...deep, kinds: ['trades'], book_levels: 50 }).catch((e) => e);
    expect(wrong.extras.errors[0].pointer).toBe('/book_levels');
  });

  test('a wish for another depth leaves a book alone whose source tells the same as before', async () => {
    const [kraken, coinbase] = [new ScriptedSource('kraken'), new ScriptedSource('coinbase')];
    kraken.mostLevels = 25;
    rig = await Rig.start([kraken, coinbase]);
    const of = { kinds: ['book' as const], sources: ['kraken', 'coinbase'], store: false };
    await rig.subscribe({ ...of, book_levels: 50 });
    kraken.say(kraken.snapshot(rig.nowUs, bids, asks));
    coinbase.say(coinbase.snapshot(rig.nowUs, bids, asks, 7));
    const states = () =>
      ['kraken', 'coinbase'].map((source) => rig.service.book(SYMBOL, { source, depth: 1 }).state);
    const { subscription_id: id } = await rig.subscribe({ ...of, book_levels: 500 });
    expect(states()).toEqual(['live', 'live']);
    // Without a wish Kraken tells ten levels.
    for (const { subscription_id } of rig.service.subscriptions())
      if (subscription_id !== id) await rig.service.unsubscribe(subscription_id);
    await rig.subscribe({ ...of, sources: ['coinbase', 'kraken'] });
    await rig.service.unsubscribe(id);
    expect(states()).toEqual(['waiting', 'live']);
    expect([kraken.resyncs, coinbase.resyncs]).toEqual([[SYMBOL], []]);
  });

  test('says so where there is no book', async () => {
    await two();
    expect(() => rig.service.book('ETH-USD', { depth: 5 })).toThrow(NotFoundError);
  });
});
