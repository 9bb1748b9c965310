// Order books as replies.
import type { BookSaid } from './publisher.ts';
import type { BookReply } from './schemas.ts';

/** A book as `GET /book/{symbol}` answers it. */
export function bookOf(
  { bids, asks, ...said }: BookSaid,
  counts: Readonly<Record<string, number>>,
): BookReply {
  return { ...said, bids: pairsOf(bids), asks: pairsOf(asks), counts: { ...counts } };
}

function pairsOf(texts: readonly string[]) {
  return Array.from({ length: texts.length / 2 }, (_, i) => ({
    price: texts[2 * i]!,
    size: texts[2 * i + 1]!,
  }));
}

/** A book that is listened to, and of which nothing has come yet. */
export function unheard(source: string, symbol: string): BookSaid {
  const book = { symbol, source, state: 'waiting', reason: 'no snapshot yet', sequence: null } as const;
  return { ...book, ts_event_us: 0, ts_receive_us: 0, bids: [], asks: [] };
}
