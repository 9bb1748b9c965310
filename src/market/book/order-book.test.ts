// Order books: the rules of the venues, what breaks a book, what mends it, and that it is the same whatever the order of arrival.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { FLAGS, flagNames } from '../flags.ts';
import type { BookDelta, BookSnapshot } from '../records.ts';
import { OrderBook } from './order-book.ts';
import { BOOK_RULES, ConnectionSequence } from './rules.ts';
import type { BookOptions } from './state.ts';
import { MIDDLE, ModelBook, type Step, streamOf } from './test-stream.ts';

const spot = (options: Partial<BookOptions> = {}) =>
  new OrderBook({ rule: BOOK_RULES['binance-spot'], ...options });
const futures = (options: Partial<BookOptions> = {}) =>
  new OrderBook({ rule: BOOK_RULES['binance-futures'], ...options });

/** A stream in which every delta changes the best levels: bid and ask sizes tell which step it is. */
const steady = (count: number) =>
  streamOf(
    Array.from({ length: count }, (_, i) => ({
      bids: [
        [1, i + 1],
        [3 + (i % 4), i % 3],
      ],
      asks: [
        [1, i + 2],
        [2 + (i % 5), (i + 1) % 4],
      ],
    })),
  );

const level = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 9 }));
const side = fc.array(level, { maxLength: 6 });
// Few levels that come and go: what is not told again soon becomes the best one.
const few = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 1 })), {
  maxLength: 3,
});
const lively: fc.Arbitrary<Step[]> = fc.array(fc.record({ bids: few, asks: few }), {
  minLength: 10,
  maxLength: 40,
});
const steps: fc.Arbitrary<Step[]> = fc.array(fc.record({ bids: side, asks: side }), {
  minLength: 1,
  maxLength: 30,
});

const shown = (book: OrderBook) => {
  const view = book.levels(1000);
  return view && { bids: view.bids, asks: view.asks };
};

describe('sequence rules', () => {
  for (const [name, make] of [
    ['Binance spot', spot],
    ['Binance futures', futures],
  ] as const) {
    test(`${name}: a delta that begins before the snapshot and ends after it is taken, older ones are not`, () => {
      const { deltas, snapshots } = steady(6);
      const book = make();
      for (const delta of deltas.slice(0, 4)) expect(book.apply(delta).result).toBe('kept');
      expect(book.state).toBe('waiting');
      expect(book.top()).toBeNull();
      // Taken in the middle of the third delta: what that tells again is as it says.
      const middle: BookSnapshot = { ...snapshots[2]!, sequence: 25 };
      expect(book.apply(middle)).toMatchObject({
        result: 'applied',
        flags: 0,
        change: { from: 'waiting', to: 'live' },
      });
      expect(book.sequence).toBe(40);
      expect(shown(book)).toEqual({ bids: snapshots[4]!.bids, asks: snapshots[4]!.asks });
      expect(book.counters).toMatchObject({ snapshots: 1, covered: 2, deltas: 2, resyncs: 0 });
    });

    test(`${name}: a snapshot older than the first delta that is kept is refused, and another asked for`, () => {
      const { deltas, snapshots } = steady(6);
      const book = make();
      for (const delta of deltas.slice(3)) book.apply(delta);
      expect(book.apply(snapshots[1]!)).toMatchObject({ result: 'refused', resync: true, change: null });
      expect(book.state).toBe('waiting');
      expect(book.apply(snapshots[3]!).change?.to).toBe('live');
      expect(shown(book)).toEqual({ bids: snapshots[6]!.bids, asks: snapshots[6]!.asks });
    });

    test(`${name}: a missing delta breaks the book until a snapshot fits what came since`, () => {
      const { deltas, snapshots } = steady(8);
      const book = make();
      book.apply(snapshots[0]!);
      book.apply(deltas[0]!);
      const broken = book.apply(deltas[2]!);
      expect(broken).toMatchObject({ resync: true, change: { from: 'live', to: 'broken', reason: 'gap' } });
      expect(flagNames(broken.flags)).toEqual(['gap']);
      expect(book.top()).toBeNull();
      expect(book.levels(5)).toBeNull();
      expect(book.snapshot('BTC-USDT', 'test')).toBeNull();
      expect(book.apply(deltas[3]!)).toMatchObject({ result: 'kept', resync: false });
      expect(book.apply(snapshots[4]!).change).toMatchObject({
        from: 'broken',
        to: 'live',
        reason: 'snapshot',
      });
      book.apply(deltas[4]!);
      expect(shown(book)).toEqual({ bids: snapshots[5]!.bids, asks: snapshots[5]!.asks });
      expect(book.counters).toMatchObject({ gap: 1, resyncs: 1, snapshots: 2 });
    });

    test(`${name}: a delta that comes twice is counted and changes nothing`, () => {
      const { deltas, snapshots } = steady(3);
      const book = make();
      book.apply(snapshots[0]!);
      for (const delta of deltas) book.apply(delta);
      const again = book.apply(deltas[1]!);
      expect(again).toMatchObject({ result: 'ignored', change: null, resync: false });
      expect(flagNames(again.flags)).toEqual(['duplicate']);
      expect(shown(book)).toEqual({ bids: snapshots[3]!.bids, asks: snapshots[3]!.asks });
    });

    test(`${name}: deltas that changed places are mended where that is allowed, and nothing is served meanwhile`, () => {
      const { deltas, snapshots } = steady(5);
      const book = make({ reorder: 4 });
      book.apply(snapshots[0]!);
      expect(book.apply(deltas[1]!)).toMatchObject({
        result: 'kept',
        resync: false,
        change: { reason: 'ahead' },
      });
      expect(book.top()).toBeNull();
      const mended = book.apply(deltas[0]!);
      expect(mended).toMatchObject({ result: 'applied', change: { to: 'live', reason: 'reordered' } });
      expect(flagNames(mended.flags)).toEqual(['out_of_order']);
      expect(shown(book)).toEqual({ bids: snapshots[2]!.bids, asks: snapshots[2]!.asks });
      expect(book.counters).toMatchObject({ gap: 0, resyncs: 0, out_of_order: 1 });
    });
  }

  test('a delta that tells numbers again is the next one at Binance spot; futures go by the number before', () => {
    const { deltas, snapshots } = steady(3);
    for (const firstSequence of [5, 10, 11]) {
      const [book, other] = [spot(), futures()];
      for (const each of [book, other]) for (const record of [snapshots[0]!, deltas[0]!]) each.apply(record);
      const overlapping = { ...deltas[1]!, firstSequence };
      expect(book.apply(overlapping)).toMatchObject({ result: 'applied', flags: 0, change: null });
      expect(book.apply(deltas[2]!).result).toBe('applied');
      expect(shown(book)).toEqual({ bids: snapshots[3]!.bids, asks: snapshots[3]!.asks });
      expect(flagNames(other.apply({ ...overlapping, previousSequence: firstSequence - 2 }).flags)).toEqual([
        'gap',
      ]);
    }
    const book = spot();
    for (const record of [snapshots[0]!, deltas[0]!]) book.apply(record);
    expect(flagNames(book.apply({ ...deltas[1]!, firstSequence: 12 }).flags)).toEqual(['gap']);
  });

  test('a delta that does not come within the allowed places is lost: a gap', () => {
    const { deltas, snapshots } = steady(6);
    const book = futures({ reorder: 2 });
    book.apply(snapshots[0]!);
    expect(book.apply(deltas[1]!).change?.reason).toBe('ahead');
    expect(book.apply(deltas[2]!).resync).toBe(false);
    expect(book.apply(deltas[3]!)).toMatchObject({
      flags: FLAGS.gap.bit,
      resync: true,
      change: { reason: 'gap' },
    });
    expect(book.counters).toMatchObject({ gap: 1, resyncs: 1 });
  });

  test('Coinbase: a message that comes twice, after one of another book, breaks nothing', () => {
    const connection = new ConnectionSequence();
    const previous = (number: number, symbol: string) => {
      connection.take(number);
      return connection.previous(symbol);
    };
    expect([previous(5, 'A'), previous(6, 'B'), previous(5, 'A')]).toEqual([null, null, 5]);
    expect(previous(7, 'A')).toBe(5);
  });

  test('Coinbase: what is missing on the connection breaks each of its books once, others go on', () => {
    const { deltas, snapshots } = steady(4);
    const connection = new ConnectionSequence();
    const [a, b] = [1, 2].map(() => new OrderBook({ rule: BOOK_RULES.coinbase })) as [OrderBook, OrderBook];
    const send = (book: OrderBook, symbol: string, number: number, record: BookDelta | BookSnapshot) => {
      connection.take(number);
      const previousSequence = connection.previous(symbol);
      return book.apply({
        ...record,
        sequence: number,
        previousSequence,
        firstSequence: null,
      } as typeof record);
    };
    send(a, 'A', 0, snapshots[0]!);
    send(b, 'B', 1, snapshots[0]!);
    connection.take(2);
    expect(send(a, 'A', 3, deltas[0]!).result).toBe('applied');
    expect(send(b, 'B', 4, deltas[0]!).result).toBe('applied');
    expect(connection.take(6)).toBe(1);
    expect(send(a, 'A', 7, deltas[1]!)).toMatchObject({ flags: FLAGS.gap.bit, resync: true });
    expect(send(b, 'B', 8, deltas[1]!)).toMatchObject({ flags: FLAGS.gap.bit, resync: true });
    expect(send(a, 'A', 9, deltas[2]!)).toMatchObject({ result: 'ignored', resync: false });
    send(a, 'A', 10, snapshots[3]!);
    expect(send(a, 'A', 11, deltas[3]!).result).toBe('applied');
    expect(shown(a)).toEqual({ bids: snapshots[4]!.bids, asks: snapshots[4]!.asks });
  });

  test('a numbered venue that gives no number is not believed', () => {
    const { deltas, snapshots } = steady(2);
    const book = spot();
    expect(book.apply({ ...snapshots[0]!, sequence: null }).result).toBe('refused');
    book.apply(snapshots[0]!);
    expect(book.apply({ ...deltas[0]!, sequence: null })).toMatchObject({ result: 'refused', resync: true });
    expect(book.state).toBe('broken');
  });
});

describe('what breaks a book', () => {
  test('a crossed book is noticed with the delta that crosses it; a locked one is flagged and stays', () => {
    const { snapshots, deltas } = steady(2);
    const book = new OrderBook({ rule: BOOK_RULES.plain });
    book.apply(snapshots[0]!);
    const locked = book.apply({ ...deltas[0]!, bids: [MIDDLE + 1, 3], asks: [] });
    expect(flagNames(locked.flags)).toEqual(['locked']);
    expect(book.state).toBe('live');
    const crossed = book.apply({ ...deltas[1]!, bids: [MIDDLE + 2, 3], asks: [] });
    expect(flagNames(crossed.flags)).toEqual(['crossed']);
    expect(crossed).toMatchObject({
      result: 'refused',
      resync: true,
      change: { to: 'broken', reason: 'crossed' },
    });
    expect(book.top()).toBeNull();
  });

  test('a best quote of the same update that says otherwise', () => {
    const { snapshots, deltas, quotes } = steady(3);
    const book = spot();
    book.apply(snapshots[0]!);
    // The quote comes first, as it does on Binance.
    book.apply(quotes[1]!);
    expect(book.apply(deltas[0]!).change).toBeNull();
    expect(book.counters.agreed).toBe(1);
    book.apply(deltas[1]!);
    expect(book.apply({ ...quotes[2]!, bidSize: 1 }).change).toMatchObject({
      to: 'broken',
      reason: 'diverged',
    });
    expect(book.counters).toMatchObject({ agreed: 1, diverged: 1, resyncs: 1 });
  });

  test('levels that are no whole numbers, and snapshots with them', () => {
    const { snapshots, deltas } = steady(2);
    for (const bids of [[1.5, 1], [1, -1], [Number.NaN, 1], [2 ** 53, 1], [1]]) {
      const book = spot();
      book.apply(snapshots[0]!);
      expect(book.apply({ ...deltas[0]!, bids })).toMatchObject({
        result: 'refused',
        flags: FLAGS.malformed.bit,
      });
      expect(book.state).toBe('broken');
      expect(book.apply({ ...snapshots[1]!, bids })).toMatchObject({ result: 'refused' });
      expect(book.state).toBe('broken');
    }
  });

  test('silence makes it stale by the clock of the caller, and the next word in order mends it', () => {
    const { snapshots, deltas } = steady(3);
    const book = futures({ staleUs: 1_000_000 });
    book.apply(snapshots[0]!);
    const { lastUs } = book;
    expect(book.check(lastUs + 1_000_000)).toBeNull();
    expect(book.check(lastUs + 1_000_001)).toMatchObject({ from: 'live', to: 'stale', reason: 'silent' });
    expect(book.top()).toBeNull();
    expect(book.apply(deltas[0]!).change).toMatchObject({ from: 'stale', to: 'live', reason: 'resumed' });
    const heardUs = book.lastUs;
    expect(book.check(heardUs + 1_000_000)).toBeNull();
    expect(book.check(heardUs + 1_000_001)?.to).toBe('stale');
    expect(book.apply(deltas[2]!).change).toMatchObject({ from: 'stale', to: 'broken', reason: 'gap' });
    expect(book.counters.silent).toBe(2);
  });

  test('quotes that go on without deltas show that the book is stale', () => {
    const { snapshots, quotes } = steady(30);
    const book = futures({ staleUs: 1_000_000 });
    book.apply(snapshots[0]!);
    const changes = quotes.slice(1).map((quote) => book.apply(quote).change);
    expect(changes.filter((change) => change !== null)).toMatchObject([{ to: 'stale', reason: 'silent' }]);
  });

  test('a lost connection forgets everything', () => {
    const { snapshots } = steady(1);
    const book = new OrderBook({ rule: BOOK_RULES.plain });
    book.apply(snapshots[0]!);
    expect(book.reset(6)).toMatchObject({ from: 'live', to: 'waiting', reason: 'reset' });
    expect(book.needsSnapshot).toBe(true);
    expect(book.peek(10)?.bids).toEqual([]);
  });
});

describe('without a new snapshot', () => {
  test('a book is rebuilt from what is told again, and live only while quotes prove its best levels', () => {
    const { snapshots, deltas, quotes } = steady(12);
    const book = futures({ confirmations: 3 });
    book.apply(snapshots[0]!);
    book.apply(deltas[0]!);
    const states: string[] = [];
    for (let i = 2; i < 8; i++) {
      book.apply(quotes[i + 1]!);
      states.push(`${book.apply(deltas[i]!).change?.reason ?? '-'} ${book.state}`);
    }
    expect(states).toEqual(['gap broken', '- broken', 'confirmed live', '- live', '- live', '- live']);
    expect(book.top()).toMatchObject({ bid: MIDDLE - 1, bidSize: 8 });
    // Levels below were told again too, but nothing proves that there are no others among them.
    expect(book.levels(10)).toMatchObject({ bids: [MIDDLE - 1, 8], asks: [MIDDLE + 1, 9] });
    // The best bid goes: whether the next one that is known is the best one, nobody said.
    const gone = { ...deltas[8]!, bids: [MIDDLE - 1, 0] };
    expect(book.apply(gone).change).toMatchObject({ to: 'broken', reason: 'unproven' });
    expect(book.top()).toBeNull();
    // It comes again: every bid from there on is known.
    expect(book.apply(deltas[9]!).change).toMatchObject({ to: 'live', reason: 'confirmed' });
  });

  test('levels that were not told again keep it from being live', () => {
    const untold = streamOf(Array.from({ length: 8 }, () => ({ bids: [[3, 4]], asks: [[2, 1]] })));
    const book = futures({ confirmations: 1 });
    book.apply(untold.snapshots[0]!);
    for (let i = 1; i < 8; i++) {
      book.apply(untold.quotes[i + 1]!);
      book.apply(untold.deltas[i]!);
    }
    expect(book.state).toBe('broken');
    expect(book.counters).toMatchObject({ gap: 1, diverged: 0, agreed: 0 });
  });

  test('prices near the end of a cut snapshot ask for the next one, once, and the book goes on', () => {
    const bids = Array.from({ length: 20 }, (_, i) => [MIDDLE - 1 - i, 5]).flat();
    const { snapshots, deltas } = steady(0 + 40);
    const book = spot({ levels: 20 });
    book.apply({ ...snapshots[0]!, bids });
    const wishes: number[] = [];
    for (let i = 0; i < 19; i++) {
      const outcome = book.apply({ ...deltas[i]!, bids: [MIDDLE - 1 - i, 0], asks: [] });
      if (outcome.resync) wishes.push(i);
    }
    expect(wishes).toEqual([18]);
    expect(book).toMatchObject({ state: 'live', needsSnapshot: true });
    expect(book.counters).toMatchObject({ refreshes: 1, resyncs: 0 });
    // The snapshot is of some deltas ago by now: those since are put on it.
    book.apply({ ...deltas[19]!, bids: [MIDDLE - 50, 9], asks: [] });
    const fresh = { ...snapshots[19]!, bids: [MIDDLE - 20, 5, MIDDLE - 21, 6], sequence: 190 };
    expect(book.apply(fresh)).toMatchObject({ result: 'applied', change: null });
    expect(book.levels(5)?.bids).toEqual([MIDDLE - 20, 5, MIDDLE - 21, 6, MIDDLE - 50, 9]);
    expect(book.needsSnapshot).toBe(false);
  });

  test('deltas that wait are bounded, and what goes is counted', () => {
    const { deltas, snapshots } = steady(50);
    const book = spot({ bufferLimit: 10 });
    for (const delta of deltas.slice(0, 40)) book.apply(delta);
    expect(book.counters).toMatchObject({ kept: 40, overflow: 30 });
    expect(book.apply(snapshots[5]!)).toMatchObject({ result: 'refused', resync: true });
    expect(book.apply(snapshots[35]!).change?.to).toBe('live');
    expect(shown(book)).toEqual({ bids: snapshots[40]!.bids, asks: snapshots[40]!.asks });
  });
});

describe('scales', () => {
  test('a delta of more decimals widens the book, one of fewer fits in; quotes compare across scales', () => {
    const { snapshots, deltas, quotes } = steady(3);
    const book = spot();
    book.apply(snapshots[0]!);
    book.apply({ ...deltas[0]!, scale: { price: 2, size: 3 }, bids: [99_995, 1500], asks: [] });
    expect(book.top()).toEqual({ bid: 99_995, bidSize: 1500, ask: 100_010, askSize: 60 });
    expect(book.scale).toEqual({ price: 2, size: 3 });
    book.apply({ ...deltas[1]!, scale: { price: 0, size: 0 }, bids: [1000, 2], asks: [] });
    expect(book.top()).toEqual({ bid: 100_000, bidSize: 2000, ask: 100_010, askSize: 60 });
    const quote = {
      ...quotes[2]!,
      scale: { price: 1, size: 4 },
      bid: 10_000,
      bidSize: 20_000,
      ask: 10_001,
      askSize: 600,
    };
    expect(book.apply(quote).change).toBeNull();
    expect(book.counters.agreed).toBe(1);
  });

  test('what would not be exact any more breaks the book instead of being rounded', () => {
    const { snapshots, deltas } = steady(1);
    const book = spot();
    book.apply({ ...snapshots[0]!, bids: [2 ** 52, 5], asks: [] });
    expect(book.apply({ ...deltas[0]!, scale: { price: 3, size: 2 } })).toMatchObject({ result: 'refused' });
    expect(book.state).toBe('broken');
  });
});

describe('any stream', () => {
  test('gives the book of a plain model after every delta', () => {
    fc.assert(
      fc.property(steps, (made) => {
        const { deltas, snapshots } = streamOf(made);
        const model = new ModelBook();
        model.apply(snapshots[0]!);
        const book = spot();
        book.apply(snapshots[0]!);
        for (const delta of deltas) {
          expect(book.apply(delta).flags).toBe(0);
          model.apply(delta);
          expect(shown(book)).toEqual(model.levels());
        }
      }),
    );
  });

  test('gives the same book in whatever order deltas and a snapshot of any moment come', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat(), fc.infiniteStream(fc.nat()), (made, moment, place, random) => {
        for (const make of [spot, futures]) {
          const { deltas, snapshots } = streamOf(made);
          const arrivals: (BookDelta | BookSnapshot)[] = [...deltas];
          // Deltas in any order before the snapshot, the rest in order after it.
          const split = place % (deltas.length + 1);
          const before = arrivals.slice(0, split);
          for (let i = before.length - 1; i > 0; i--) {
            const j = random.next().value % (i + 1);
            [before[i], before[j]] = [before[j]!, before[i]!];
          }
          const book = make();
          for (const delta of before) book.apply(delta);
          book.apply(snapshots[moment % (split + 1)]!);
          for (const delta of arrivals.slice(split)) book.apply(delta);
          const last = snapshots.at(-1)!;
          expect(book.state).toBe('live');
          expect(shown(book)).toEqual({ bids: last.bids, asks: last.asks });
        }
      }),
    );
  });

  test('is never live and wrong, whatever is lost, doubled or moved', () => {
    fc.assert(
      fc.property(
        lively,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 })), { maxLength: 4 }),
        (made, faults) => {
          const { deltas, snapshots, quotes } = streamOf(made);
          const arrivals = [...deltas];
          for (const [at, fault] of faults) {
            const place = at % Math.max(1, arrivals.length);
            if (fault === 0) arrivals.splice(place, 1);
            else if (fault === 1 && arrivals[place]) arrivals.splice(place, 0, arrivals[place]);
            else arrivals.splice(place, 2, ...arrivals.slice(place, place + 2).reverse());
          }
          const book = futures({ reorder: 1, confirmations: 1 });
          book.apply(snapshots[0]!);
          for (const delta of arrivals) {
            book.apply(delta);
            const index = book.sequence! / 10;
            // Every other quote comes: rebuilt books find their way back by them.
            if (index % 2 === 0 && quotes[index]) book.apply(quotes[index]);
            const view = book.levels(1000);
            if (view === null) continue;
            const right = snapshots[index]!;
            const top = book.top()!;
            expect([top.bid, top.bidSize]).toEqual([right.bids[0] ?? 0, right.bids[1] ?? 0]);
            expect([top.ask, top.askSize]).toEqual([right.asks[0] ?? 0, right.asks[1] ?? 0]);
            expect([view.bids, view.asks]).toEqual([
              right.bids.slice(0, view.bids.length),
              right.asks.slice(0, view.asks.length),
            ]);
          }
        },
      ),
    );
  });
});
