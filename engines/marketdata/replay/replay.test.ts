// Replays of slices of real captures, at a time that is moved by hand.
import { afterEach, describe, expect, test } from 'bun:test';
import { topics } from '../../../src/bus/topics.ts';
import { OrderBook } from '../../../src/market/book/order-book.ts';
import { bookRuleOf } from '../../../src/market/book/rules.ts';
import { captureLines, capturePath, inPieces } from '../../../test/support/captures.ts';
import { FILE, Rig } from '../../../test/support/replay-rig.ts';
import { BinanceCapture } from '../files/binance-capture.ts';
import { levelTexts } from '../pipeline/rows.ts';

/** About twelve seconds of the market. */
const futures = await captureLines('futures', 3000);
const missing = capturePath('futures') === null ? ' (skipped: no ../shared/data)' : '';
const lines = futures ?? [];
const timeOf = (line: string | undefined) => Number(line?.slice(0, 16));
const startUs = timeOf(lines[0]);
const endUs = timeOf(lines.at(-1));
const SECOND = 1_000_000;

/** The book as it was at a time, built without a replay; what was received at that very time is not in it. */
async function bookAt(us: number) {
  const book = new OrderBook({ rule: bookRuleOf('binance-usdm') });
  for await (const batch of new BinanceCapture({ maxBytes: 1e9 }).records(
    inPieces(Buffer.from(lines.join('\n'))),
  ))
    for (const record of batch) if (record.tsReceiveUs < us && record.kind !== 'trade') book.apply(record);
  const view = book.levels(10)!;
  return {
    bids: levelTexts(view.bids, view.scale),
    asks: levelTexts(view.asks, view.scale),
    sequence: book.sequence,
  };
}

const messages = lines.map((line) => JSON.parse(line.slice(20))).map((m) => m.data ?? m);
const ofEvent = (event: string, before = Number.POSITIVE_INFINITY) =>
  messages.filter((m, i) => m.e === event && timeOf(lines[i]) <= before);

describe.skipIf(futures === null)(`a replay of a capture${missing}`, () => {
  let rig: Rig;
  afterEach(() => rig?.stop());

  test('tells every record once, in its order, marked as a replay, and the book of the end is right', async () => {
    rig = await Rig.start(lines);
    const { replay_id } = await rig.play({ speed: 'max' });
    const reply = await rig.finish(replay_id);
    expect(reply).toMatchObject({ state: 'done', symbols: ['BTCUSDT'], error: null, position_us: endUs });
    const { trades, quotes, deltas } = rig.rows();
    expect(trades.map((t) => t.id)).toEqual(ofEvent('trade').map((m) => String(m.t)));
    expect(quotes.map((q) => q.sequence)).toEqual(ofEvent('bookTicker').map((m) => m.u));
    expect(reply.published).toMatchObject({
      trade: trades.length,
      quote: quotes.length,
      book_delta: deltas.length,
    });
    const { published, unused } = reply.records;
    expect(published + unused).toBe(lines.length);
    expect(rig.bodies(topics.marketTrades).every((body) => body.source === 'replay')).toBe(true);
    const last = rig.books().findLast((body) => body.state === 'live')!;
    expect(last).toMatchObject({ source: 'replay', ...(await bookAt(Number.POSITIVE_INFINITY)) });
    // Whoever listens is told that this book is no longer one to act on.
    expect(rig.books().at(-1)).toMatchObject({
      state: 'waiting',
      reason: 'replay ended',
      bids: [],
      asks: [],
    });
  });

  test('tells the same records in the same order at any speed', async () => {
    const said = [];
    for (const speed of [7.3, 100, 1000, 'max'] as const) {
      rig = await Rig.start(lines.slice(0, 1000));
      const { replay_id } = await rig.play({ speed });
      await rig.finish(replay_id);
      said.push(rig.rows());
      await rig.stop();
    }
    for (const other of said.slice(1)) expect(other).toEqual(said[0]!);
  });

  test('is as far as its speed says, stands while it is paused, and goes on from there at another speed', async () => {
    rig = await Rig.start(lines);
    const { replay_id } = await rig.play({ speed: 2 });
    const tradesUntil = (us: number) => ofEvent('trade', us).length;
    let reply = await rig.advance(replay_id, 1000);
    expect(reply.position_us).toBe(startUs + 2 * SECOND);
    expect(rig.rows().trades).toHaveLength(tradesUntil(startUs + 2 * SECOND));
    rig.replays.change(replay_id, { paused: true });
    reply = await rig.advance(replay_id, 3_600_000);
    expect(reply).toMatchObject({ state: 'paused', position_us: startUs + 2 * SECOND });
    expect(rig.rows().trades).toHaveLength(tradesUntil(startUs + 2 * SECOND));
    rig.replays.change(replay_id, { paused: false, speed: 10 });
    await rig.settled(replay_id);
    reply = await rig.advance(replay_id, 500);
    expect(reply).toMatchObject({ state: 'running', position_us: startUs + 7 * SECOND, speed: 10 });
    expect(rig.rows().trades).toHaveLength(tradesUntil(startUs + 7 * SECOND));
    expect(reply.lag_ms).toBe(0);
  });

  test('begins paused where it is told to, and a seek shows the book of its place, never one that is not proven', async () => {
    rig = await Rig.start(lines);
    const from = startUs + 6 * SECOND;
    const { replay_id, ...reply } = await rig.play({ from_us: from, paused: true });
    expect(reply).toMatchObject({ state: 'paused', position_us: from, records: { published: 0 } });
    expect(rig.rows()).toEqual({ trades: [], quotes: [], deltas: [] });
    expect(rig.books()).toMatchObject([{ state: 'live', ...(await bookAt(from)) }]);
    for (const to of [startUs + 9 * SECOND, startUs + 3 * SECOND, startUs + 10_000]) {
      rig.clear();
      rig.replays.change(replay_id, { seek_us: to });
      const there = await rig.settled(replay_id);
      expect(there).toMatchObject({ state: 'paused', position_us: to, records: { published: 0 } });
      const [gone, ...here] = rig.books();
      expect(gone).toMatchObject({ state: 'waiting', reason: 'seek', bids: [] });
      // So early the snapshot has not come.
      if (to < startUs + SECOND)
        expect(here.every((body) => body.state !== 'live' && body.bids.length === 0)).toBe(true);
      else expect(here).toMatchObject([{ state: 'live', ...(await bookAt(to)) }]);
    }
    // From there on it is the same replay as from the start.
    rig.clear();
    rig.replays.change(replay_id, { seek_us: startUs + 3 * SECOND, speed: 'max', paused: false });
    expect(await rig.finish(replay_id)).toMatchObject({ state: 'done' });
    const later = ofEvent('trade').length - ofEvent('trade', startUs + 3 * SECOND - 1).length;
    expect(rig.rows().trades).toHaveLength(later);
    expect(rig.books().findLast((body) => body.state === 'live')).toMatchObject(
      await bookAt(Number.POSITIVE_INFINITY),
    );
  });

  test('puts changes of a book in order that the recording has in another; it is not served meanwhile', async () => {
    const [at, next] = lines.flatMap((line, i) => (i > 1500 && line.includes('depthUpdate') ? [i] : [])) as [
      number,
      number,
    ];
    const swapped = lines.with(at, lines[next]!).with(next, lines[at]!);
    rig = await Rig.start(swapped);
    const { replay_id } = await rig.play({ speed: 'max', kinds: ['book'] });
    expect(await rig.finish(replay_id)).toMatchObject({ state: 'done', unreadable: { rejected: 0 } });
    const states = rig.bodies(topics.marketSources).filter((body) => body.event === 'book');
    expect(states.slice(1, 3)).toMatchObject([
      { state: 'broken', reason: 'ahead' },
      { state: 'live', reason: 'reordered' },
    ]);
    expect(rig.books().every((body) => body.state === 'live' || body.bids.length === 0)).toBe(true);
    expect(rig.books().findLast((body) => body.state === 'live')).toMatchObject(
      await bookAt(Number.POSITIVE_INFINITY),
    );
  });

  test('ends at its last time, and leaves out what was not asked for, counted', async () => {
    rig = await Rig.start(lines);
    const to = startUs + 4 * SECOND;
    const { replay_id } = await rig.play({ speed: 'max', to_us: to, kinds: ['trades'] });
    const reply = await rig.finish(replay_id);
    expect(reply.state).toBe('done');
    const { trades, quotes, deltas } = rig.rows();
    expect([trades.length, quotes.length, deltas.length]).toEqual([ofEvent('trade', to).length, 0, 0]);
    const inRange = lines.filter((line) => timeOf(line) <= to).length;
    expect(reply.records).toMatchObject({ published: trades.length, left: inRange - trades.length });
  });

  test('stops at once when it is cancelled, and another may follow', async () => {
    rig = await Rig.start(lines);
    const { replay_id } = await rig.play();
    await expect(rig.play()).rejects.toMatchObject({ slug: 'conflict' });
    await rig.advance(replay_id, 500);
    expect(await rig.replays.cancel(replay_id)).toMatchObject({ state: 'cancelled' });
    const { trades } = rig.rows();
    await rig.advance(replay_id, 5000);
    expect(rig.rows().trades).toHaveLength(trades.length);
    expect(() => rig.replays.change(replay_id, { paused: true })).toThrow('has ended');
    expect(await rig.play({ speed: 'max' })).toMatchObject({ error: null });
  });

  test('refuses symbols that come live, files elsewhere and other replays beside it; nothing is published', async () => {
    rig = await Rig.start(lines);
    rig.live.add('BTCUSDT');
    await expect(rig.play({ capture: FILE, symbols: ['BTCUSDT'] })).rejects.toMatchObject({
      slug: 'conflict',
    });
    const { replay_id } = await rig.play();
    expect(await rig.settled(replay_id)).toMatchObject({
      state: 'failed',
      error: { type: '/problems/conflict' },
      records: { published: 0 },
    });
    for (const capture of ['../capture', '/etc/passwd', `x/../../${FILE}`])
      await expect(rig.play({ capture })).rejects.toMatchObject({ slug: 'invalid-option' });
    await expect(rig.play({ capture: 'other' })).rejects.toMatchObject({ slug: 'not-found' });
    rig.other = 'lockstep-1';
    await expect(rig.play()).rejects.toMatchObject({ slug: 'conflict' });
    expect(rig.rows()).toEqual({ trades: [], quotes: [], deltas: [] });
  });

  test('says how late it is when it cannot keep its speed, and loses nothing by it', async () => {
    rig = await Rig.start(lines);
    const { replay_id } = await rig.play({ speed: 1 });
    // A process that stood still for five seconds.
    const reply = await rig.advance(replay_id, 5000);
    expect(reply.max_lag_ms).toBeGreaterThan(4000);
    expect(reply).toMatchObject({ lag_ms: 0, position_us: startUs + 5 * SECOND });
    expect(rig.rows().trades).toHaveLength(ofEvent('trade', startUs + 5 * SECOND).length);
  });

  test('an engine that was killed in the middle says afterwards where it was, and that its book is gone', async () => {
    rig = await Rig.start(lines);
    const { replay_id } = await rig.play({ speed: 2 });
    const { position_us, published } = await rig.advance(replay_id, 3000);
    expect(rig.books().at(-1)).toMatchObject({ state: 'live' });
    await rig.saved(replay_id);
    const next = rig.another();
    await next.load();
    const failed = next.find(replay_id)!;
    expect(failed).toMatchObject({ state: 'failed', position_us, published });
    expect(failed.error).toMatchObject({ type: '/problems/interrupted' });
    expect(next.list()).toEqual([failed]);
    expect(() => next.change(replay_id, { paused: false })).toThrow('has ended');
    expect(await next.cancel(replay_id)).toEqual(failed);
    await rig.settled(replay_id);
    expect(rig.books().at(-1)).toMatchObject({
      symbol: 'BTCUSDT',
      source: 'replay',
      state: 'waiting',
      bids: [],
    });
    // It is said for good, not only once.
    const third = rig.another();
    await third.load();
    expect(third.find(replay_id)).toEqual(failed);
  });

  test('counts lines that are no records, and a book with a missing line is not live until it is right again', async () => {
    const depth = lines.findIndex((line, i) => i > 1500 && line.includes('depthUpdate'));
    const damaged = [...lines.slice(0, depth), ...lines.slice(depth + 1), 'garbage'];
    rig = await Rig.start(damaged);
    const { replay_id } = await rig.play({ speed: 'max' });
    const reply = await rig.finish(replay_id);
    expect(reply).toMatchObject({ state: 'done', unreadable: { rejected: 1 } });
    expect(reply.records.published + reply.records.unused).toBe(lines.length - 1);
    const states = rig.bodies(topics.marketSources).filter((body) => body.event === 'book');
    expect(states[1]).toMatchObject({ state: 'broken', source: 'replay', symbol: 'BTCUSDT' });
    expect(rig.books().every((body) => body.state === 'live' || body.bids.length === 0)).toBe(true);
  });

  test('judges the records of a capture: what belongs into quarantine is counted and not told', async () => {
    const twice = lines.findIndex((line) => line.includes('"e":"trade"'));
    rig = await Rig.start([...lines.slice(0, twice + 1), ...lines.slice(twice, 1000)]);
    const { replay_id } = await rig.play({ speed: 'max', kinds: ['trades'] });
    expect((await rig.finish(replay_id)).records).toMatchObject({ quarantined: 1 });
    const ids = rig.rows().trades.map((trade) => trade.id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test('a loop of replays tells the same each time and keeps no more than the last hundred', async () => {
    rig = await Rig.start(lines.slice(0, 120));
    const first = await rig.play({ speed: 'max' });
    await rig.finish(first.replay_id);
    const once = rig.rows();
    const { published, records } = rig.replays.find(first.replay_id)!;
    expect(records.published).toBeGreaterThan(50);
    for (let i = 0; i < 110; i++) {
      rig.clear();
      const { replay_id } = await rig.play({ speed: 'max' });
      expect(await rig.finish(replay_id)).toMatchObject({ state: 'done', published, records, books: {} });
    }
    expect(rig.rows()).toEqual(once);
    expect(rig.replays.list()).toHaveLength(100);
    expect(rig.replays.find(first.replay_id)).toBeUndefined();
    expect(rig.time.waiting).toBe(0);
  });
});
