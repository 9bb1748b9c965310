// Which sources have an instrument, by their own lists of instruments.
import type { Clock } from '../../../src/core/clock.ts';
import type { Log } from '../../../src/core/log.ts';
import type { SourceAdapter } from '../sources/port.ts';

/** Where an instrument may be looked for: a source and the name that it has there. */
export interface Place {
  readonly adapter: SourceAdapter;
  readonly symbol: string;
  readonly nativeSymbol: string;
}

interface Listing {
  /** Null when the source could not be asked. */
  readonly names: Promise<ReadonlySet<string> | null>;
  untilUs: number;
}

const HOUR_US = 3_600_000_000;
const MINUTE_US = 60_000_000;
/** Somebody waits for the answer. */
const WITHIN_MS = 5000;

/** Lists of instruments, each asked for once an hour at most and only when somebody needs to know. */
export class Listings {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lists = new WeakMap<SourceAdapter, Listing>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Returns the first `count` of the places that have their instrument. One that has no list, or cannot be asked now, counts as having it. */
  async first<P extends Place>(places: readonly P[], count: number): Promise<P[]> {
    const found: P[] = [];
    for (let at = 0; at < places.length && found.length < count; ) {
      // As many together as are still needed: no source is asked of which the answer does not matter.
      const asked = places.slice(at, at + count - found.length);
      at += asked.length;
      const has = await Promise.all(asked.map((place) => this.#has(place)));
      found.push(...asked.filter((_, i) => has[i]));
    }
    return found;
  }

  async #has({ adapter, symbol, nativeSymbol }: Place): Promise<boolean> {
    if (!adapter.instruments) return true;
    const names = await this.#namesOf(adapter);
    return names === null || names.has(symbol) || names.has(nativeSymbol);
  }

  #namesOf(adapter: SourceAdapter): Listing['names'] {
    const known = this.#lists.get(adapter);
    if (known && this.#clock.nowUs() < known.untilUs) return known.names;
    const listing: Listing = { names: this.#ask(adapter), untilUs: this.#clock.nowUs() + HOUR_US };
    this.#lists.set(adapter, listing);
    void listing.names.then((names) => {
      if (names === null) listing.untilUs = this.#clock.nowUs() + MINUTE_US;
    });
    return listing.names;
  }

  async #ask(adapter: SourceAdapter): Promise<ReadonlySet<string> | null> {
    const names = new Set<string>();
    try {
      for (const { symbol, nativeSymbol, status } of await adapter.instruments!(
        AbortSignal.timeout(WITHIN_MS),
      )) {
        if (status === 'delisted') continue;
        names.add(symbol);
        names.add(nativeSymbol);
      }
      return names;
    } catch (err) {
      this.#log.warn({ err, source: adapter.id }, 'its instruments cannot be asked for now');
      return null;
    }
  }
}
