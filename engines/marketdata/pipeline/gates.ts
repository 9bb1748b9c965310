// What judges the records of one series, and which such gate a series has by its kind and source.
import { type SavedGate, SeriesGate } from '../../../src/market/quality/gate.ts';
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
  /** What it remembers, for a gate that goes on after a restart. */
  save?(): SavedGate;
  /** False when it was given a memory that it cannot go on from. */
  readonly restored?: boolean;
  report?(
    nowUs: number,
  ): Pick<QualityReport, 'score' | 'coverage' | 'missing' | 'reasons' | 'silentUs' | 'stale'>;
}

/** Which series: what a gate is made for. */
export type SeriesKey = Pick<MarketRecord, 'source' | 'symbol' | 'kind'>;

/** Makes the gate of a series, at its beginning or where `saved` ended. */
export type MakeGate = (series: SeriesKey, saved?: SavedGate) => Gate;

/** The gate of a series; `calendar` is when its instrument trades, null where that is not known. */
export function gateOf(
  { kind, source }: Pick<SeriesKey, 'kind' | 'source'>,
  calendar: Calendar | null = null,
  saved: SavedGate | null = null,
): SeriesGate {
  return new SeriesGate({ kind, calendar, sequence: sequenceOf(kind, source) }, saved);
}

/** How a source numbers records of a kind: Binance counts trades by one, Coinbase all but trades by the messages of a connection; other numbers are only known to rise. */
export function sequenceOf(kind: MarketKind, source: string): 'contiguous' | 'rising' | 'connection' {
  if (source === 'coinbase' && kind !== 'trade') return 'connection';
  return kind === 'trade' && source.startsWith('binance') ? 'contiguous' : 'rising';
}
