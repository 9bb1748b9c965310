// The groups of kinds that people ask for, and the kinds of records in each.
import type { MarketKind } from '../../../src/market/records.ts';
import type { Capabilities } from '../sources/port.ts';
import type { Stream } from './routing.ts';

export const ASKED = [
  'trades',
  'quotes',
  'book',
  'bars',
  'funding',
  'reference',
  'macro',
  'fundamentals',
] as const;
export type Asked = (typeof ASKED)[number];

const STREAMS: Readonly<Record<Asked, readonly Stream[]>> = {
  trades: ['trade'],
  quotes: ['quote'],
  book: ['book'],
  bars: ['bar'],
  funding: ['funding'],
  reference: ['instrument', 'corporate_action'],
  macro: ['macro'],
  fundamentals: ['fundamental'],
};

/** Returns the streams of a group. */
export function streamsOf(asked: Asked): readonly Stream[] {
  return STREAMS[asked];
}

/** Returns the kinds of a stream that a list has; a book needs the kind that its source has, snapshots or changes. */
export function kindsOf(stream: Stream, offered: readonly MarketKind[]): MarketKind[] {
  const kinds: readonly MarketKind[] = stream === 'book' ? ['book_delta', 'book_snapshot'] : [stream];
  const found = kinds.filter((kind) => offered.includes(kind));
  // Changes come with their snapshot.
  return found.includes('book_delta') ? ['book_delta'] : found;
}

/** Whether a list of capabilities has something of a group. */
export function offers(asked: Asked, list: Capabilities['live']): boolean {
  return streamsOf(asked).some((stream) => kindsOf(stream, list).length > 0);
}

/** The groups that a list of kinds has something of. */
export function askedOf(list: readonly MarketKind[]): Asked[] {
  return ASKED.filter((asked) => offers(asked, list));
}

/** A source as far as a plan needs it. */
export interface Offer {
  readonly id: string;
  readonly live: Capabilities['live'];
}
