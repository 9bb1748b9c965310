// Kraken's checksum against the books that its documentation prints, and what a wrong one does.
import { describe, expect, test } from 'bun:test';
import { type Scale, ticksOf } from '../scale.ts';
import { OrderBook } from './order-book.ts';
import { BOOK_RULES } from './rules.ts';

const record = (scale: Scale, levels: { bids: string[]; asks: string[] }, checksum: number) => {
  const ticks = (side: string[]) =>
    side.flatMap((level) => {
      const [price, size] = level.split(' ') as [string, string];
      return [ticksOf(price, scale.price), ticksOf(size, scale.size)];
    });
  return {
    symbol: 'X',
    source: 'kraken',
    tsEventUs: 1,
    tsReceiveUs: 2,
    sequence: null,
    flags: 0,
    scale,
    bids: ticks(levels.bids),
    asks: ticks(levels.asks),
    checksum,
    firstSequence: null,
    previousSequence: null,
  };
};

// https://docs.kraken.com/api/docs/guides/spot-ws-book-v2, read 2026-11: the worked example, BTC/USD of precisions 1 and 8.
const GUIDE = {
  bids: [
    '45283.5 0.10000000',
    '45283.4 1.54582015',
    '45282.1 0.10000000',
    '45281.0 0.10000000',
    '45280.3 1.54592586',
    '45279.0 0.07990000',
    '45277.6 0.03310103',
    '45277.5 0.30000000',
    '45277.3 1.54602737',
    '45276.6 0.15445238',
  ],
  asks: [
    '45285.2 0.00100000',
    '45286.4 1.54571953',
    '45286.6 1.54571109',
    '45289.6 1.54560911',
    '45290.2 0.15890660',
    '45291.8 1.54553491',
    '45294.7 0.04454749',
    '45296.1 0.35380000',
    '45297.5 0.09945542',
    '45299.5 0.18772827',
  ],
};

// https://docs.kraken.com/api/docs/websocket-v2/book, read 2026-11: snapshot and update of MATIC/USD, precisions 4 and 8.
const REFERENCE = {
  bids: [
    '0.5666 4831.75496356',
    '0.5665 6658.22734739',
    '0.5664 18724.91513344',
    '0.5663 11563.92544914',
    '0.5662 14006.65365711',
    '0.5661 17454.85679807',
    '0.566 18097.1547',
    '0.5659 33644.89175666',
    '0.5658 148.3464',
    '0.5657 606.70854372',
  ],
  asks: [
    '0.5668 4410.79769741',
    '0.5669 4655.40412487',
    '0.567 49844.89424998',
    '0.5671 24306.41678',
    '0.5672 29783.25223475',
    '0.5673 57234.71239278',
    '0.5674 45065.04744',
    '0.5675 5912.76380354',
    '0.5676 42514.92434778',
    '0.5677 36304.0847022',
  ],
};

const guideScale = { price: 1, size: 8 };
const scale = { price: 4, size: 8 };
const snapshot = { ...record(scale, REFERENCE, 2439117997), kind: 'book_snapshot' as const };
const update = {
  ...record(scale, { bids: ['0.5657 1098.3947558'], asks: [] }, 2114181697),
  kind: 'book_delta' as const,
};
const open = () => new OrderBook({ rule: BOOK_RULES.kraken });

describe("Kraken's checksum", () => {
  test('is that of the worked example of its guide', () => {
    const book = open();
    book.apply({ ...record(guideScale, GUIDE, 3310070434), kind: 'book_snapshot' });
    expect(book.state).toBe('live');
  });

  test('is that of the snapshot and of the update of its reference', () => {
    const book = open();
    expect(book.apply(snapshot).change?.to).toBe('live');
    expect(book.apply(update)).toMatchObject({ result: 'applied', change: null });
  });

  test('covers the ten best levels, whatever the depth', () => {
    const book = open();
    book.apply({ ...snapshot, bids: [...snapshot.bids, 5656, 100] });
    expect(book.state).toBe('live');
    // Eleven levels: at least the depth of 25.
    book.apply({ ...update, bids: [5655, 100], checksum: null });
    expect(book.levels(20)?.bids).toHaveLength(24);
  });

  test('that does not fit breaks the book, which waits for a snapshot', () => {
    const book = open();
    book.apply(snapshot);
    expect(book.apply({ ...update, bids: [5657, 1] })).toMatchObject({
      result: 'refused',
      resync: true,
      change: { to: 'broken', reason: 'checksum' },
    });
    expect(book.apply(update)).toMatchObject({ result: 'ignored', change: null, resync: false });
    expect(book.top()).toBeNull();
    expect(book.apply(snapshot).change?.to).toBe('live');
    expect(book.counters).toMatchObject({ checksum: 1, resyncs: 1, snapshots: 2 });
  });

  test('holds because levels below the depth are forgotten', () => {
    for (const book of [open(), new OrderBook({ rule: BOOK_RULES.kraken, levels: 10 })]) {
      book.apply(snapshot);
      book.apply({ ...update, bids: [5667, 1], checksum: null });
      expect(book.levels(20)?.bids).toHaveLength(20);
      // The new best bid goes again: what fell out does not come back by itself.
      book.apply({ ...update, bids: [5667, 0], checksum: null });
      expect(book.levels(20)?.bids).toHaveLength(18);
    }
  });
});
