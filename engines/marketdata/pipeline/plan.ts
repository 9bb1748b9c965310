// From subscriptions to what each source has to stream, and which sources each stream can come from.

import type { BarSpec } from '../../../src/market/aggregate/spec.ts';
import type { MarketKind } from '../../../src/market/records.ts';
import type { Wanted } from '../sources/port.ts';
import type { SeriesKey } from './gates.ts';
import { kindsOf, type Offer, streamsOf } from './kinds.ts';
import { type Stream, streamOf } from './routing.ts';
import { askedBy, type Subscription } from './subscription.ts';

export interface PlannedStream {
  readonly symbol: string;
  readonly stream: Stream;
  /** The best first. */
  readonly sources: readonly string[];
  readonly store: boolean;
  /** Levels that are wished for of a book; undefined where nobody said. */
  readonly bookLevels: number | undefined;
}

export interface PlannedBars {
  readonly symbol: string;
  readonly bars: BarSpec;
  readonly store: boolean;
}

export interface Plan {
  readonly streams: readonly PlannedStream[];
  readonly wanted: ReadonlyMap<string, readonly Wanted[]>;
  /** Bars to be made of trades. */
  readonly bars: readonly PlannedBars[];
}

/** Makes the plan. Of two subscriptions on one stream, the sources of the earlier one come first; a book has the most levels that one of them wishes for. */
export function planOf(subscriptions: readonly Subscription[], offers: ReadonlyMap<string, Offer>): Plan {
  const streams = new Map<string, PlannedStream & { sources: string[]; store: boolean }>();
  const levels = bookLevelsOf(subscriptions);
  const wanted = new Map<string, Map<string, Wanted>>();
  const bars = new Map<string, PlannedBars>();
  for (const subscription of subscriptions) {
    const { symbol, store } = subscription;
    for (const asked of askedBy(subscription)) {
      for (const stream of streamsOf(asked)) {
        for (const source of subscription.sources) {
          const kinds = kindsOf(stream, offers.get(source)?.live ?? []);
          if (kinds.length === 0) continue;
          const key = `${stream} ${symbol}`;
          const bookLevels = stream === 'book' ? levels.get(symbol) : undefined;
          const planned = streams.get(key) ?? { symbol, stream, sources: [], store: false, bookLevels };
          streams.set(key, planned);
          if (!planned.sources.includes(source)) planned.sources.push(source);
          planned.store ||= store;
          for (const kind of kinds) {
            const of = wanted.get(source) ?? new Map<string, Wanted>();
            wanted.set(source, of);
            of.set(`${kind} ${symbol}`, want(subscription, source, kind, bookLevels));
          }
        }
      }
    }
    if (subscription.bars) {
      const key = `${symbol} ${JSON.stringify(subscription.bars)}`;
      bars.set(key, { symbol, bars: subscription.bars, store: store || (bars.get(key)?.store ?? false) });
    }
  }
  return {
    streams: [...streams.values()],
    wanted: new Map([...wanted].map(([source, of]) => [source, [...of.values()]])),
    bars: [...bars.values()],
  };
}

/** Returns the name of the stream that a series is of, from its source alone. */
export function keyOf({ source, symbol, kind }: SeriesKey): string {
  return `${source} ${streamOf(kind)} ${symbol}`;
}

/** The streams of a plan, each of its sources for itself, as {@link keyOf} names them. */
export function keysOf({ streams }: Plan): ReadonlySet<string> {
  return new Set(
    streams.flatMap(({ stream, symbol, sources }) =>
      sources.map((source) => `${source} ${stream} ${symbol}`),
    ),
  );
}

function bookLevelsOf(subscriptions: readonly Subscription[]): Map<string, number> {
  const levels = new Map<string, number>();
  for (const { symbol, book_levels = 0 } of subscriptions)
    if (book_levels > (levels.get(symbol) ?? 0)) levels.set(symbol, book_levels);
  return levels;
}

function want(
  { symbol, native_symbols, interval_us }: Subscription,
  source: string,
  kind: MarketKind,
  bookLevels: number | undefined,
): Wanted {
  const nativeSymbol = native_symbols[source];
  return {
    symbol,
    kind,
    ...(nativeSymbol === undefined ? {} : { nativeSymbol }),
    ...(kind === 'bar' ? { intervalUs: interval_us } : {}),
    ...(bookLevels === undefined ? {} : { bookLevels }),
  };
}
