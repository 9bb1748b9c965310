// What is wrong with the records of each series: flags by the gate, counts, examples, what was put into quarantine.
import { FLAGS, type FlagName, flagNames } from '../../../src/market/flags.ts';
import { QUARANTINE, SeriesGate } from '../../../src/market/quality/gate.ts';
import type { QualityReport } from '../../../src/market/quality/score.ts';
import type { CorporateAction, MarketKind, MarketRecord } from '../../../src/market/records.ts';
import type { Calendar } from '../../../src/market/sessions/calendar.ts';

/** Finds what is wrong with records of one series, in their order. */
export interface Gate {
  /** Returns the flags of a record, those that it came with included. */
  check(record: MarketRecord, nowUs: number): number;
  /** Takes note of a corporate action, whose jump is no fault. */
  know?(action: CorporateAction): void;
  /** Id of the calendar that it judges by; null without. */
  readonly calendar?: string | null;
  report?(
    nowUs: number,
  ): Pick<QualityReport, 'score' | 'coverage' | 'missing' | 'reasons' | 'silentUs' | 'stale'>;
}

/** A record with something wrong, as an example. */
export interface Example {
  readonly ts_event_us: number;
  readonly ts_receive_us: number;
  readonly sequence: number | null;
  readonly flags: FlagName[];
}

export interface SeriesQuality {
  readonly source: string;
  readonly symbol: string;
  readonly kind: MarketKind;
  /** Id of the calendar that gaps, sessions and silence go by; null where nobody knows when the instrument trades. */
  readonly calendar: string | null;
  readonly records: number;
  readonly flagged: number;
  readonly quarantined: number;
  readonly flags: Readonly<Partial<Record<FlagName, number>>>;
  /** In [0, 1]; null before the first record. */
  readonly score: number | null;
  readonly coverage: number;
  readonly missing: number;
  readonly reasons: QualityReport['reasons'];
  readonly silent_us: number;
  readonly stale: boolean;
  /** The newest records with a flag, newest first. */
  readonly examples: readonly Example[];
}

/** Records of a series that were put into quarantine since it was told last. */
export interface QuarantineNews {
  readonly source: string;
  readonly symbol: string;
  readonly kind: MarketKind;
  readonly count: number;
  readonly reason: string;
}

interface Series {
  readonly source: string;
  readonly symbol: string;
  readonly kind: MarketKind;
  readonly gate: Gate;
  readonly counts: Float64Array;
  readonly examples: Example[];
  records: number;
  flagged: number;
  quarantined: number;
  told: number;
  /** Flags of the quarantined since it was told last. */
  untold: number;
}

const EXAMPLES = 20;
const MAX_SERIES = 20_000;
const MAX_ACTIONS = 256;
const BITS = Object.keys(FLAGS).length;

/** Flags of all series that come in. */
export class QualityDesk {
  readonly #makeGate: (record: MarketRecord) => Gate;
  readonly #actions = new Map<string, CorporateAction[]>();
  readonly #bySource = new Map<string, Map<string, Map<MarketKind, Series>>>();
  readonly #garbage = new Map<string, number>();
  #size = 0;
  /** Series that were not followed because there are too many. */
  overflow = 0;

  constructor(makeGate: (record: MarketRecord) => Gate = (record) => gateOf(record)) {
    this.#makeGate = makeGate;
  }

  /** Takes note of a corporate action for all series of its symbol, also those that begin later. */
  know(action: CorporateAction): void {
    const known = this.#actions.get(action.symbol) ?? [];
    this.#actions.set(action.symbol, [...known.slice(1 - MAX_ACTIONS), action]);
    for (const series of this.#all()) if (series.symbol === action.symbol) series.gate.know?.(action);
  }

  /** Returns the flags of a record. */
  check(record: MarketRecord, nowUs: number): number {
    const series = this.#seriesOf(record);
    if (!series) return record.flags;
    series.records++;
    const flags = series.gate.check(record, nowUs);
    if (flags !== 0) this.#count(series, record, flags);
    return flags;
  }

  /** Counts flags that a book found, beside those of the gate, which the record has. */
  add(record: MarketRecord, flags: number): void {
    const series = this.#seriesOf(record);
    if (!series || flags === 0) return;
    if (record.flags !== 0) series.flagged--;
    this.#count(series, record, flags & ~record.flags, flags | record.flags);
  }

  /** Counts a message that was no record. */
  malformed(source: string): void {
    this.#garbage.set(source, (this.#garbage.get(source) ?? 0) + 1);
  }

  /** Messages of a source that were no records. */
  garbageOf(source: string): number {
    return this.#garbage.get(source) ?? 0;
  }

  /** What was put into quarantine since the last call. */
  news(): QuarantineNews[] {
    const news: QuarantineNews[] = [];
    for (const series of this.#all()) {
      const count = series.quarantined - series.told;
      if (count === 0) continue;
      const { source, symbol, kind } = series;
      news.push({ source, symbol, kind, count, reason: flagNames(series.untold).join(', ') });
      series.told = series.quarantined;
      series.untold = 0;
    }
    return news;
  }

  /** All series of a symbol. */
  of(symbol: string, nowUs: number): SeriesQuality[] {
    return [...this.#all()].filter((series) => series.symbol === symbol).map((series) => view(series, nowUs));
  }

  /** Records by flag, of all series together. */
  totals(): Partial<Record<FlagName, number>> {
    const sums: Partial<Record<FlagName, number>> = {};
    for (const series of this.#all())
      for (const [name, n] of Object.entries(countsOf(series)) as [FlagName, number][])
        sums[name] = (sums[name] ?? 0) + n;
    return sums;
  }

  /** Drops the series of a symbol and kind that nobody wants any more. */
  forget(symbol: string, kinds: readonly MarketKind[]): void {
    for (const bySymbol of this.#bySource.values())
      for (const kind of kinds) if (bySymbol.get(symbol)?.delete(kind)) this.#size--;
  }

  *#all(): Generator<Series> {
    for (const bySymbol of this.#bySource.values())
      for (const byKind of bySymbol.values()) yield* byKind.values();
  }

  #seriesOf(record: MarketRecord): Series | undefined {
    const { source, symbol, kind } = record;
    return this.#bySource.get(source)?.get(symbol)?.get(kind) ?? this.#add(record);
  }

  #add(record: MarketRecord): Series | undefined {
    if (this.#size >= MAX_SERIES) {
      this.overflow++;
      return undefined;
    }
    const { source, symbol, kind } = record;
    const bySymbol = this.#bySource.get(source) ?? new Map<string, Map<MarketKind, Series>>();
    this.#bySource.set(source, bySymbol);
    const byKind = bySymbol.get(symbol) ?? new Map<MarketKind, Series>();
    bySymbol.set(symbol, byKind);
    const series: Series = {
      source,
      symbol,
      kind,
      gate: this.#makeGate(record),
      counts: new Float64Array(BITS),
      examples: [],
      records: 0,
      flagged: 0,
      quarantined: 0,
      told: 0,
      untold: 0,
    };
    for (const action of this.#actions.get(symbol) ?? []) series.gate.know?.(action);
    byKind.set(kind, series);
    this.#size++;
    return series;
  }

  #count(series: Series, record: MarketRecord, flags: number, all = flags): void {
    series.flagged++;
    // A change of a book is judged by the book, and never kept from it.
    if ((flags & QUARANTINE) !== 0 && !isOfBook(record)) {
      series.quarantined++;
      series.untold |= flags;
    }
    for (let bits = flags, i = 0; bits !== 0; bits >>>= 1, i++) if (bits & 1) series.counts[i]!++;
    series.examples.unshift({
      ts_event_us: record.tsEventUs,
      ts_receive_us: record.tsReceiveUs,
      sequence: record.sequence,
      flags: flagNames(all),
    });
    if (series.examples.length > EXAMPLES) series.examples.pop();
  }
}

function countsOf({ counts }: Series): Partial<Record<FlagName, number>> {
  const named: Partial<Record<FlagName, number>> = {};
  for (let i = 0; i < BITS; i++) if (counts[i]! > 0) named[flagNames(1 << i)[0]!] = counts[i]!;
  return named;
}

/** Of a gate that only hands on the flags that records come with. */
const UNJUDGED = { score: null, coverage: 1, missing: 0, reasons: [], silentUs: 0, stale: false };

function view(series: Series, nowUs: number): SeriesQuality {
  const { source, symbol, kind, records, flagged, quarantined, examples, gate } = series;
  const { score, coverage, missing, reasons, silentUs, stale } = gate.report?.(nowUs) ?? UNJUDGED;
  return {
    source,
    symbol,
    kind,
    calendar: gate.calendar ?? null,
    records,
    flagged,
    quarantined,
    flags: countsOf(series),
    score,
    coverage,
    missing,
    reasons,
    silent_us: silentUs,
    stale,
    examples: [...examples],
  };
}

function isOfBook({ kind }: MarketRecord): boolean {
  return kind === 'book_delta' || kind === 'book_snapshot';
}

/** The gate of the series that a record begins; `calendar` is when its instrument trades, null where that is not known. */
export function gateOf({ kind, source }: MarketRecord, calendar: Calendar | null = null): SeriesGate {
  return new SeriesGate({ kind, calendar, sequence: sequenceOf(kind, source) });
}

/** How a source numbers records of a kind: Binance counts trades by one, other numbers are only known to rise. */
export function sequenceOf(kind: MarketKind, source: string): 'contiguous' | 'rising' {
  return kind === 'trade' && source.startsWith('binance') ? 'contiguous' : 'rising';
}
