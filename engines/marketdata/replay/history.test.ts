// Replays of stored history: a slice of a real capture that was stored before.
import { afterEach, describe, expect, spyOn, test } from 'bun:test';
import { topics } from '../../../src/bus/topics.ts';
import { InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { OrderBook } from '../../../src/market/book/order-book.ts';
import { bookRuleOf } from '../../../src/market/book/rules.ts';
import type { BarRecord, MarketRecord } from '../../../src/market/records.ts';
import { captureLines, capturePath, inPieces } from '../../../test/support/captures.ts';
import { Rig } from '../../../test/support/replay-rig.ts';
import { BinanceCapture } from '../files/binance-capture.ts';
import { levelTexts } from '../pipeline/rows.ts';
import { bookAt as storedBookAt } from './book-at.ts';
import { ReplayStore } from './replay-store.ts';

const lines = await captureLines('futures', 2000);
const missing = capturePath('futures') === null ? ' (skipped: no ../shared/data)' : '';
const records: MarketRecord[] = [];
for await (const batch of new BinanceCapture({ maxBytes: 1e9 }).records(
  inPieces(Buffer.from((lines ?? []).join('\n'))),
))
  records.push(...batch);
const times = records.map((record) => record.tsEventUs).sort((a, b) => a - b);
const SYMBOLS = ['BTCUSDT'];

function bookAt(us: number) {
  const book = new OrderBook({ rule: bookRuleOf('binance-usdm') });
  for (const record of records)
    if (record.tsEventUs < us && (record.kind === 'book_delta' || record.kind === 'book_snapshot'))
      book.apply(record);
  const view = book.levels(10)!;
  return {
    sequence: book.sequence,
    bids: levelTexts(view.bids, view.scale),
    asks: levelTexts(view.asks, view.scale),
  };
}

const bar = (symbol: string, interval: number, tsEventUs: number, source = 'file'): BarRecord => ({
  kind: 'bar',
  symbol,
  source,
  tsEventUs,
  tsReceiveUs: tsEventUs,
  sequence: null,
  flags: 0,
  unit: 'time',
  interval,
  open: 1,
  high: 2,
  low: 1,
  close: 2,
  volume: 3,
  trades: null,
  adjusted: [],
});

describe('a replay of history', () => {
  let rig: Rig;
  afterEach(() => rig?.stop());

  test.skipIf(lines === null)(
    `tells every kind in the order of event times; a seek has the book of its place${missing}`,
    async () => {
      rig = await Rig.start([]);
      await (await rig.history()).put(records);
      const { replay_id } = await rig.play({ symbols: SYMBOLS, speed: 'max' });
      expect(await rig.finish(replay_id)).toMatchObject({
        state: 'done',
        error: null,
        position_us: times.at(-1),
      });
      const { trades, quotes, deltas } = rig.rows();
      const byTime = records.toSorted((a, b) => a.tsEventUs - b.tsEventUs);
      const ids = byTime.flatMap((record) => (record.kind === 'trade' ? [record.id] : []));
      expect(trades.map((trade) => trade.id)).toEqual(ids);
      expect(quotes).toHaveLength(records.filter((record) => record.kind === 'quote').length);
      expect(deltas.length).toBeGreaterThan(100);
      const last = bookAt(Number.POSITIVE_INFINITY);
      expect(rig.books().findLast((body) => body.state === 'live')).toMatchObject({
        source: 'replay',
        ...last,
      });

      const middle = times[1500]!;
      rig.clear();
      const second = await rig.play({ symbols: SYMBOLS, kinds: ['book'], from_us: middle, paused: true });
      expect(second).toMatchObject({ state: 'paused', position_us: middle, records: { published: 0 } });
      expect(rig.books()).toMatchObject([{ state: 'live', ...bookAt(middle) }]);
      rig.replays.change(second.replay_id, { speed: 'max', paused: false });
      expect(await rig.finish(second.replay_id)).toMatchObject({ state: 'done' });
      expect(rig.books().findLast((body) => body.state === 'live')).toMatchObject(last);
      expect(rig.rows()).toMatchObject({ trades: [], quotes: [] });
      const history = await rig.history();
      const { signal } = new AbortController();
      const stored = (at_us: number, source?: string) =>
        storedBookAt(history, 'BTCUSDT', { at_us, source, depth: 10 }, signal);
      const flat = (levels: readonly { price: string; size: string }[]) =>
        levels.flatMap(({ price, size }) => [price, size]);
      const { bids, asks, ...said } = await stored(middle - 1);
      expect({ ...said, bids: flat(bids), asks: flat(asks) }).toMatchObject({
        state: 'live',
        reason: null,
        counts: { snapshots: 1, gap: 0 },
        ...bookAt(middle),
      });
      expect((await stored(times[0]!)).state).toBe('waiting');
      // After what was recorded nobody knows the book.
      const later = await stored(times.at(-1)! + 60_000_000);
      expect(later).toMatchObject({ state: 'stale', reason: 'silent', bids: [], asks: [] });
      await expect(stored(times[0]! - 1)).rejects.toThrow(NotFoundError);
      const snapshot = records.find((record) => record.kind === 'book_snapshot')!;
      await history.put([{ ...snapshot, source: 'kraken' }]);
      await expect(stored(middle)).rejects.toThrow(InvalidOptionError);
      expect(await stored(middle, 'kraken')).toMatchObject({ source: 'kraken' });
    },
  );

  test.skipIf(lines === null)(
    `puts changes of a book in order whose venue's clock went back${missing}`,
    async () => {
      rig = await Rig.start([]);
      const books = records.filter(({ kind }) => kind === 'book_delta' || kind === 'book_snapshot');
      const at = Math.floor(books.length / 2);
      const [one, next] = [books[at]!, books[at + 1]!];
      expect(one.tsEventUs).toBeLessThan(next.tsEventUs);
      const clockWentBack = books
        .with(at, { ...one, tsEventUs: next.tsEventUs })
        .with(at + 1, { ...next, tsEventUs: one.tsEventUs });
      await (await rig.history()).put(clockWentBack);
      const { replay_id } = await rig.play({ symbols: SYMBOLS, kinds: ['book'], speed: 'max' });
      expect(await rig.finish(replay_id)).toMatchObject({ state: 'done', error: null });
      const states = rig.bodies(topics.marketSources).filter((body) => body.event === 'book');
      expect(states.map((body) => body.reason)).toEqual(['snapshot', 'ahead', 'reordered', 'replay ended']);
      expect(rig.books().findLast((body) => body.state === 'live')).toMatchObject(
        bookAt(Number.POSITIVE_INFINITY),
      );
    },
  );

  test('tells bars of several symbols in step, at its speed', async () => {
    rig = await Rig.start([]);
    const minute = 60_000_000;
    const of = (symbol: string) =>
      Array.from({ length: 10 }, (_, i) => bar(symbol, minute, (i + 1) * minute));
    await (await rig.history()).put([...of('A'), ...of('B')]);
    const { replay_id } = await rig.play({ symbols: ['A', 'B'], speed: 60 });
    await rig.advance(replay_id, 3000);
    const told = rig
      .bodies(topics.marketLiveData)
      .map((body) => `${body.symbol}${body.ts_event_us / minute}`);
    expect(told).toEqual(['A1', 'B1', 'A2', 'B2', 'A3', 'B3', 'A4', 'B4']);
    expect(rig.bodies(topics.marketLiveData).every((body) => body.source === 'replay')).toBe(true);
  });

  test('is cancelled, and waited for, also while its start is being stored', async () => {
    rig = await Rig.start([]);
    await (await rig.history()).put([bar('A', 60_000_000, 60_000_000)]);
    const { begin } = ReplayStore.prototype;
    const [reached, stored] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = spyOn(ReplayStore.prototype, 'begin').mockImplementation(async function (
      this: ReplayStore<never>,
      reply,
    ) {
      reached.resolve();
      await stored.promise;
      return begin.call(this, reply as () => never);
    });
    const started = rig.replays.start({ mode: 'paced', symbols: ['A'], speed: 1, paused: true });
    await reached.promise;
    slow.mockRestore();
    const cancelled = rig.replays.cancel(rig.replays.active!);
    let isIdle = false;
    const idle = rig.replays.stop().then(() => {
      isIdle = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isIdle).toBe(false);
    stored.resolve();
    expect(await cancelled).toMatchObject({ state: 'cancelled' });
    await Promise.all([started, idle]);
    expect(rig.replays.active).toBeUndefined();
  });

  test('tells nothing before it could be known: bars at their end, points of a series with their vintage', async () => {
    rig = await Rig.start([]);
    const hour = 3_600_000_000;
    const point = (dateUs: number, value: number, asOfUs: number): MarketRecord => ({
      kind: 'macro',
      symbol: 'GDP',
      source: 'fred',
      tsEventUs: dateUs,
      tsReceiveUs: dateUs,
      sequence: null,
      flags: 0,
      value,
      asOfUs,
    });
    // The second quarter is told before the first is revised; a quarter before the range is told within it.
    const points = [point(0, 1, 50 * hour), point(0, 2, 56 * hour), point(30 * hour, 3, 54 * hour)];
    const bars = [51, 52, 53, 54].map((at) => bar('GDP', hour, at * hour, 'fred'));
    await (await rig.history()).put([...points, ...bars]);
    const told = async (range: object) => {
      rig.clear();
      const { replay_id } = await rig.play({
        symbols: ['GDP'],
        kinds: ['macro', 'bars'],
        speed: 'max',
        ...range,
      });
      await rig.finish(replay_id);
      const values = rig.bodies(topics.marketMacro).flatMap((body) => body.points.map(({ value }) => value));
      const starts = rig.bodies(topics.marketLiveData).map((body) => body.ts_event_us / hour);
      return [values, starts];
    };
    expect(await told({})).toEqual([
      [1, 3, 2],
      [51, 52, 53, 54],
    ]);
    // What is known from the 53rd to the 55th hour: of the bars, those that end then.
    expect(await told({ from_us: 53 * hour, to_us: 55 * hour })).toEqual([[3], [52, 53, 54]]);
    // Paused there, nothing of what follows is told.
    expect(await told({ to_us: 54 * hour - 1 })).toEqual([[1], [51, 52]]);
  });

  test('refuses what is not stored, and what is there twice until one is chosen', async () => {
    rig = await Rig.start([]);
    await (await rig.history()).put([
      bar('A', 60e6, 1e9),
      bar('A', 60e6, 1e9, 'yahoo'),
      bar('A', 3600e6, 1e9),
    ]);
    const refused = async (over: object) => rig.play({ symbols: ['A'], ...over }).catch((error) => error);
    expect(await refused({ symbols: ['C'] })).toMatchObject({ slug: 'not-found' });
    expect(await refused({ kinds: ['trades'] })).toMatchObject({ slug: 'not-found' });
    expect(await refused({})).toMatchObject({
      slug: 'invalid-option',
      message: expect.stringContaining('file, yahoo'),
    });
    expect(await refused({ source: 'file' })).toMatchObject({
      message: expect.stringContaining('/interval_us'),
    });
    expect(await refused({ from_us: 2, to_us: 1 })).toMatchObject({
      message: expect.stringContaining('/to_us'),
    });
    const { replay_id } = await rig.play({ symbols: ['A'], source: 'file', interval_us: 60e6, speed: 'max' });
    expect(await rig.finish(replay_id)).toMatchObject({ state: 'done', published: { bar: 1 } });
  });
});
