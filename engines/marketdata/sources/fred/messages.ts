// What the FRED API answers (fred/series/observations, fred/series/vintagedates), as points of a series with their vintage.

import type { MacroPoint } from '../../../../src/market/records.ts';
import { DAY_US, parseDay, type Zone } from '../../../../src/market/sessions/days.ts';
import { finite, objectOf, type SkippedRows } from '../skipped.ts';

/** One row of observations: a value of `day` that was known from the day `vintage` on. */
export interface Observation {
  readonly day: number;
  readonly vintage: number;
  readonly value: number | null;
}

/** One page of an answer: its rows, how many rows all pages have, and how many this one had before any was left out. */
export interface Page<T> {
  readonly rows: readonly T[];
  readonly sent: number;
  readonly count: number;
}

/** Returns a page of observations, or null when the body is none. The value `.` stands for no value. */
export function observationsOf(body: unknown, skipped: SkippedRows): Page<Observation> | null {
  const page = objectOf(body);
  const sent = page?.observations;
  const count = finite(page?.count);
  if (!Array.isArray(sent) || count === null) return null;
  const rows: Observation[] = [];
  for (const each of sent) {
    const row = objectOf(each);
    const day = typeof row?.date === 'string' ? parseDay(row.date) : null;
    const vintage = typeof row?.realtime_start === 'string' ? parseDay(row.realtime_start) : null;
    const value = row?.value === '.' ? null : finite(row?.value);
    if (day === null || vintage === null) skipped.skip('no date');
    else if (value === null && row?.value !== '.') skipped.skip('no number');
    else rows.push({ day, vintage, value });
  }
  return { rows, sent: sent.length, count };
}

/** Returns a page of the days on which values of a series were published or revised, or null when the body is none. */
export function vintagesOf(body: unknown): Page<string> | null {
  const page = objectOf(body);
  const dates = page?.vintage_dates;
  const count = finite(page?.count);
  if (!Array.isArray(dates) || count === null) return null;
  if (!dates.every((date) => typeof date === 'string' && parseDay(date) !== null)) return null;
  return { rows: dates as string[], sent: dates.length, count };
}

/**
 * Returns an observation as a record. A vintage is a date without a time of day, so that the value counts as known from the end of that
 * day in the zone of the provider on: earlier, a decision could have been made without it.
 */
export function pointOf(series: string, row: Observation, zone: Zone): MacroPoint {
  const tsEventUs = row.day * DAY_US;
  return {
    kind: 'macro',
    symbol: series,
    source: 'fred',
    tsEventUs,
    tsReceiveUs: tsEventUs,
    sequence: null,
    flags: 0,
    value: row.value,
    asOfUs: zone.utc(row.vintage + 1, 0),
  };
}
