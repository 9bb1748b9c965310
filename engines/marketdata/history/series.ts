// Numbers of series: a row says with one integer whose it is and in which scale.
import type { MarketKind } from '../../../src/market/records.ts';
import type { SeriesKey } from './tables.ts';

/** A series and whether the database knows it. */
interface Known extends SeriesKey {
  readonly id: number;
  stored: boolean;
}

/** All series by what they are. */
export class SeriesNumbers {
  readonly #byKey = new Map<string, Known>();
  readonly #byId: Known[] = [];
  #unstored: Known[] = [];

  constructor(stored: readonly (SeriesKey & { readonly id: number })[]) {
    for (const series of stored) this.#add({ ...series, stored: true });
  }

  /** Returns the number of a series, a new one for a series that has none. */
  of(key: SeriesKey): number {
    const text = keyOf(key);
    const known = this.#byKey.get(text);
    if (known) return known.id;
    const series = { ...key, id: this.#byId.length + 1, stored: false };
    this.#add(series);
    this.#unstored.push(series);
    return series.id;
  }

  get(id: number): SeriesKey {
    return this.#byId[id - 1]!;
  }

  /** Returns the series of a symbol, or of several, and kind. */
  find(
    kind: MarketKind,
    symbol: string | readonly string[],
    source?: string,
  ): (SeriesKey & { readonly id: number })[] {
    const has =
      typeof symbol === 'string'
        ? (s: SeriesKey) => s.symbol === symbol
        : (s: SeriesKey) => symbol.includes(s.symbol);
    return this.#byId.filter(
      (s) => s.kind === kind && has(s) && (source === undefined || s.source === source),
    );
  }

  /** Returns what the database does not know yet. */
  unstored(): readonly (SeriesKey & { readonly id: number })[] {
    // A copy: those that come while these are being stored are not among them.
    return [...this.#unstored];
  }

  /** Says that these are stored now. */
  stored(series: readonly (SeriesKey & { readonly id: number })[]): void {
    for (const { id } of series) this.#byId[id - 1]!.stored = true;
    this.#unstored = this.#unstored.filter((s) => !s.stored);
  }

  #add(series: Known): void {
    this.#byKey.set(keyOf(series), series);
    this.#byId[series.id - 1] = series;
  }
}

function keyOf(key: SeriesKey): string {
  return JSON.stringify([
    key.kind,
    key.symbol,
    key.source,
    key.priceDecimals,
    key.sizeDecimals,
    key.unit,
    key.interval,
    key.adjusted,
  ]);
}
