// What is wrong with the records of each series: flags by the gate, counts, examples, what was put into quarantine.
import { FLAGS, type FlagName, flagNames } from '../../../src/market/flags.ts';
import { QUARANTINE, type SavedGate } from '../../../src/market/quality/gate.ts';
import type { QualityReport } from '../../../src/market/quality/score.ts';
import type { CorporateAction, MarketKind, MarketRecord } from '../../../src/market/records.ts';
import { type Example, Examples } from './examples.ts';
import { type Gate, gateOf, type MakeGate, type SeriesKey } from './gates.ts';
import { Keyed } from './keyed.ts';

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

/** A series with what its gate remembers, as JSON. */
export interface SavedSeries extends SeriesKey {
  readonly gate: SavedGate;
  readonly records: number;
  readonly flagged: number;
  readonly quarantined: number;
  readonly flags: Readonly<Partial<Record<FlagName, number>>>;
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
  readonly examples: Examples;
  records: number;
  flagged: number;
  quarantined: number;
  told: number;
  /** Flags of the quarantined since it was told last. */
  untold: number;
  /** Records that it had when it was saved last. */
  savedRecords: number;
  /** When it was handed out to be saved last, whatever became of that. */
  handedUs: number;
}

const MAX_SERIES = 20_000;
const MAX_ACTIONS = 256;
const BITS = Object.keys(FLAGS).length;
/** A series is saved so often while it changes. */
const SAVE_US = 60_000_000;
/** Series that are saved together, so that nothing waits for long: each may be some tens of kilobytes. */
const SAVED_AT_ONCE = 4;

/** Flags of all series that come in. */
export class QualityDesk {
  readonly #makeGate: MakeGate;
  readonly #actions = new Map<string, CorporateAction[]>();
  /** By source, kind, symbol. */
  readonly #series = new Keyed<Series>();
  readonly #garbage = new Map<string, number>();
  /** Records by flag of series that were forgotten. */
  readonly #gone = new Float64Array(BITS);
  /** Whose memory was handed out to be saved. */
  readonly #handed = new WeakMap<SavedSeries, Series>();
  /** Records that no gate has judged, since there are too many series. */
  unjudged = 0;

  /** `maxSeries`: series that are followed; records of more are not judged. */
  constructor(
    makeGate: MakeGate = (series) => gateOf(series),
    readonly maxSeries = MAX_SERIES,
  ) {
    this.#makeGate = makeGate;
  }

  /** Takes note of a corporate action for all series of its symbol, also those that begin later. */
  know(action: CorporateAction): void {
    const known = this.#actions.get(action.symbol) ?? [];
    this.#actions.set(action.symbol, [...known.slice(1 - MAX_ACTIONS), action]);
    for (const series of this.#series.values())
      if (series.symbol === action.symbol) series.gate.know?.(action);
  }

  /** Returns the flags of a record. */
  check(record: MarketRecord, nowUs: number): number {
    const series = this.#seriesOf(record);
    if (!series) {
      this.unjudged++;
      return record.flags;
    }
    series.records++;
    const flags = series.gate.check(record, nowUs);
    if (flags !== 0) this.#count(series, record, flags);
    return flags;
  }

  /** Counts flags that a book found, beside those of the gate, which the record has. */
  add(record: MarketRecord, flags: number): void {
    const series = this.#seriesOf(record);
    if (!series || flags === 0) return;
    if (record.flags !== 0) {
      series.flagged--;
      series.examples.takeBack();
    }
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
    for (const series of this.#series.values()) {
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
    return [...this.#series.values()]
      .filter((series) => series.symbol === symbol)
      .map((series) => view(series, nowUs));
  }

  /** Records by flag, of all series together, also of those that were forgotten. */
  totals(): Partial<Record<FlagName, number>> {
    const sums = this.#gone.slice();
    for (const { counts } of this.#series.values()) add(sums, counts);
    return named(sums);
  }

  /** Forgets series: their next record begins them anew. */
  forget(isMeant: (series: SeriesKey) => boolean): void {
    for (const series of [...this.#series.values()]) {
      if (!isMeant(series)) continue;
      add(this.#gone, series.counts);
      this.#series.delete(series.source, series.kind, series.symbol);
    }
  }

  /** Goes on with a series where it was saved; it begins anew where its gate cannot. */
  restore(saved: SavedSeries): void {
    const { gate, records, flagged, quarantined, flags } = saved;
    const series = this.#add(saved, gate);
    if (!series || series.gate.restored === false) return;
    Object.assign(series, { records, flagged, quarantined, told: quarantined, savedRecords: records });
    for (const [name, count] of Object.entries(flags) as [FlagName, number][])
      series.counts[Math.log2(FLAGS[name].bit)] = count;
  }

  /**
   * Returns series to be saved: of those that changed some that have waited for a minute; all of them with `all`. Those that `saved` is not told
   * of come again.
   */
  unsaved(nowUs: number, { all = false }: { readonly all?: boolean } = {}): SavedSeries[] {
    const { size } = this.#series;
    const most = all ? size : Math.max(SAVED_AT_ONCE, Math.ceil((size * 1e6) / SAVE_US));
    const saved: SavedSeries[] = [];
    for (const series of this.#series.values()) {
      if (saved.length >= most) break;
      const { source, symbol, kind, gate, records, flagged, quarantined } = series;
      if (records === series.savedRecords || !gate.save) continue;
      if (!all && nowUs - series.handedUs < SAVE_US) continue;
      series.handedUs = nowUs;
      const flags = named(series.counts);
      const one = { source, symbol, kind, gate: gate.save(), records, flagged, quarantined, flags };
      this.#handed.set(one, series);
      saved.push(one);
    }
    return saved;
  }

  /** Takes note of what `unsaved` returned and is stored, or need not be. */
  saved(stored: readonly SavedSeries[]): void {
    for (const one of stored) {
      const series = this.#handed.get(one);
      if (series) series.savedRecords = one.records;
    }
  }

  #seriesOf(record: MarketRecord): Series | undefined {
    return this.#series.get(record.source, record.kind, record.symbol) ?? this.#add(record);
  }

  #add(record: SeriesKey, saved?: SavedGate): Series | undefined {
    if (this.#series.size >= this.maxSeries) return undefined;
    const { source, symbol, kind } = record;
    const series: Series = {
      source,
      symbol,
      kind,
      gate: this.#makeGate(record, saved),
      counts: new Float64Array(BITS),
      examples: new Examples(),
      records: 0,
      flagged: 0,
      quarantined: 0,
      told: 0,
      untold: 0,
      savedRecords: 0,
      handedUs: 0,
    };
    for (const action of this.#actions.get(symbol) ?? []) series.gate.know?.(action);
    this.#series.set(source, kind, symbol, series);
    return series;
  }

  #count(series: Series, record: MarketRecord, flags: number, all = flags): void {
    series.flagged++;
    // A change of a book is judged by the book, and never kept from it.
    if ((flags & QUARANTINE) !== 0 && !isOfBook(record)) {
      series.quarantined++;
      series.untold |= flags;
    }
    for (let bits = flags; bits !== 0; bits &= bits - 1) series.counts[31 - Math.clz32(bits & -bits)]!++;
    series.examples.add(record, all);
  }
}

function add(sums: Float64Array, counts: Float64Array): void {
  for (let i = 0; i < BITS; i++) sums[i]! += counts[i]!;
}

/** Counts above 0 by the names of their flags. */
function named(counts: Float64Array): Partial<Record<FlagName, number>> {
  const byName: Partial<Record<FlagName, number>> = {};
  for (let i = 0; i < BITS; i++) if (counts[i]! > 0) byName[flagNames(1 << i)[0]!] = counts[i]!;
  return byName;
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
    flags: named(series.counts),
    score,
    coverage,
    missing,
    reasons,
    silent_us: silentUs,
    stale,
    examples: examples.newestFirst(),
  };
}

function isOfBook({ kind }: MarketRecord): boolean {
  return kind === 'book_delta' || kind === 'book_snapshot';
}
