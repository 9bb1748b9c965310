// The order book as it was: made again of what is stored, by the rules of its venue.
import { InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { turn } from '../../../src/core/turn.ts';
import { recordedBook } from '../../../src/market/book/recorded.ts';
import type { History } from '../history/history.ts';
import { BookDesk } from '../pipeline/book-desk.ts';
import { bookOf } from '../pipeline/book-reply.ts';
import type { BookReply } from '../pipeline/schemas.ts';
import { HistorySource } from './history-source.ts';

/** Which book, and how much of it. */
export interface BookAtQuery {
  readonly source?: string | undefined;
  readonly at_us: number;
  readonly depth: number;
}

/**
 * Returns the book of a symbol after all that its venue had said by a time, and what was counted on the way from the last snapshot before. Nobody can be asked for
 * another one, so that a book that broke in between has no levels until a later snapshot or quotes prove it. Throws NotFoundError where none is stored by then,
 * InvalidOptionError where several sources have one and the query names none, the reason of `signal`.
 */
export async function bookAt(
  history: History,
  symbol: string,
  { source: asked, at_us: atUs, depth }: BookAtQuery,
  signal: AbortSignal,
): Promise<BookReply> {
  const stored = (['book_snapshot', 'book_delta'] as const).flatMap((kind) =>
    history.writer.series.find(kind, symbol, asked),
  );
  const sources = [...new Set(stored.map((series) => series.source))];
  if (sources.length > 1) {
    const expected = `one of ${sources.join(', ')}, which all have a book of this symbol`;
    throw new InvalidOptionError('Expected a source', [{ pointer: 'query/source', expected }]);
  }
  const [source] = sources;
  const said =
    source === undefined ? undefined : await rebuilt(history, symbol, source, { atUs, depth }, signal);
  if (!said) throw new NotFoundError('No book of this symbol and source is stored at or before this time');
  return said;
}

async function rebuilt(
  history: History,
  symbol: string,
  source: string,
  { atUs, depth }: { readonly atUs: number; readonly depth: number },
  signal: AbortSignal,
) {
  const books = new BookDesk({ makeBook: recordedBook, resync: () => {} });
  const snapshot = await history.recordAt({ kind: 'book_snapshot', symbol, source, atUs, signal });
  const records = HistorySource.find(history, {
    mode: 'paced',
    symbols: [symbol],
    kinds: ['book'],
    source,
    to_us: atUs,
    speed: 'max',
    paused: false,
  });
  // Without a snapshot quotes may prove what the changes tell.
  for await (const batch of records.read(snapshot && atUs, signal)) {
    for (const record of batch) {
      if (record.kind === 'quote') books.quote(record, record.tsEventUs);
      else if (record.kind === 'book_delta' || record.kind === 'book_snapshot')
        books.take(record, record.tsEventUs);
    }
    await turn();
  }
  signal.throwIfAborted();
  books.check(atUs);
  const said = books.said(source, symbol, depth);
  return said && bookOf(said, books.countsOf(source, symbol));
}
