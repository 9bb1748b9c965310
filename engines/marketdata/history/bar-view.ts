// Bars as a request wants them: adjusted, with gaps marked or filled, made longer; record by record, in bounded memory.
import { type Adjustment, type AdjustmentMode, adjustmentOf } from '../../../src/market/actions/adjust.ts';
import { BarResampler } from '../../../src/market/aggregate/resample.ts';
import { Repairer } from '../../../src/market/quality/repair.ts';
import type { BarRecord, CorporateAction } from '../../../src/market/records.ts';
import type { Calendar } from '../../../src/market/sessions/calendar.ts';
import { calendarById } from '../../../src/market/sessions/calendars.ts';
import { DAY_US } from '../../../src/market/sessions/days.ts';
import { type BarRange, type BarSource, barsOfStoredTrades, storedBars } from './bar-source.ts';
import type { History } from './history.ts';
import type { Batch, View } from './reader.ts';
import { FIRST_US, LAST_US, type NamedRange } from './view.ts';

/** Which bars, and what is done to them. */
export interface BarView {
  readonly symbol: string;
  /** Symbols of the instrument, of one that had several. */
  readonly names?: readonly NamedRange[] | undefined;
  readonly intervalUs: number;
  readonly source: string;
  readonly fromUs?: number | undefined;
  readonly toUs?: number | undefined;
  readonly view: View;
  readonly adjustment: AdjustmentMode;
  readonly gaps: 'none' | 'mark' | 'fill';
  readonly resampleUs?: number | undefined;
  readonly calendar?: string | undefined;
  readonly limit?: number | undefined;
  /** Takes the last `limit` bars of the range. */
  readonly newest?: boolean | undefined;
  /** Makes the bars of the stored trades. */
  readonly made?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Open at every time: what gaps go by where a request names no calendar. */
const ALWAYS = '24x7';
const BATCH_ROWS = 8192;

/** Returns the adjustment that a view asks for, by the corporate actions that are stored; those of the bars' own source come first. */
export async function adjustmentFor(history: History, view: BarView): Promise<Adjustment> {
  const { symbol, names, source, adjustment } = view;
  const actions: CorporateAction[] = [];
  if (adjustment !== 'raw') {
    for await (const batch of history.records({ kind: 'corporate_action', symbol, names }))
      actions.push(...batch);
    actions.sort((a, b) => Number(b.source === source) - Number(a.source === source));
  }
  const bars = sourceOf(history, view);
  const closes = new Map<number, BarRecord | null>();
  for (const { action, tsEventUs } of actions) {
    if (action !== 'dividend' || closes.has(tsEventUs)) continue;
    closes.set(tsEventUs, await bars.at(tsEventUs - 1));
  }
  // All ranges of a series are adjusted alike: what is in force is what its last bar knows, not that of the range.
  const last = await bars.at(LAST_US);
  return adjustmentOf(adjustment, actions, (exUs) => closes.get(exUs) ?? null, {
    asOfUs: last?.tsEventUs ?? 0,
  });
}

/** Yields the bars of a view in order. */
export async function* barsOfView(
  history: History,
  view: BarView,
  adjustment: Adjustment,
): AsyncGenerator<BarRecord> {
  const { fromUs, toUs, gaps, resampleUs } = view;
  const calendar = calendarOf(view);
  const out: BarRecord[] = [];
  const take = (bar: BarRecord) => {
    if (bar.tsEventUs >= (fromUs ?? FIRST_US) && bar.tsEventUs <= (toUs ?? LAST_US)) out.push(bar);
  };
  const resampler = resampleUs
    ? new BarResampler({ interval: resampleUs, align: calendar ? 'session' : 'epoch', calendar }, take)
    : null;
  const longer = (bar: BarRecord) => {
    if (resampler) resampler.push(bar);
    else take(bar);
  };
  const repairer =
    gaps === 'none' ? null : new Repairer<BarRecord>({ calendar: calendar ?? calendarById(ALWAYS), gaps });
  const bars = sourceOf(history, view);
  for await (const batch of bars.read({ ...(await rangeOf(bars, view)), view: view.view })) {
    for (const bar of batch) {
      // First of all: what fills a gap over an ex-day must be a price of the shares behind it.
      const adjusted = adjustment.bar(bar);
      if (repairer) repairer.push(adjusted, longer);
      else longer(adjusted);
    }
    yield* out;
    out.length = 0;
  }
  repairer?.end(longer);
  resampler?.flush();
  yield* out;
}

/**
 * The range to read, so that its bars are those that a larger range has: from the bar before it, which a gap at its beginning is told by, and to
 * the end of its last longer bar.
 */
async function rangeOf(
  bars: BarSource,
  { fromUs, toUs, gaps, resampleUs, calendar }: BarView,
): Promise<BarRange> {
  // Sessions open up to a day before the midnight that longer bars have as their time.
  const early = resampleUs !== undefined && calendar !== undefined ? DAY_US : 0;
  const from = fromUs === undefined ? undefined : fromUs - early;
  const to = toUs === undefined ? undefined : Math.min(toUs + early + (resampleUs ?? 0), LAST_US);
  if (gaps === 'none') return { fromUs: from, toUs: to };
  const before = from === undefined ? null : await bars.at(from - 1);
  const behind = to === undefined ? null : await bars.next(to + 1);
  return { fromUs: before?.tsEventUs ?? from, toUs: behind?.tsEventUs ?? to };
}

function calendarOf({ calendar }: BarView): Calendar | null {
  return calendar === undefined ? null : calendarById(calendar);
}

function sourceOf(history: History, view: BarView): BarSource {
  return view.made ? barsOfStoredTrades(history, view, calendarOf(view)) : storedBars(history, view);
}

/** Yields a page of a view as batches of columns, as its plain form is read: without what is done to bars it comes from the tables directly. */
export async function* batchesOfView(
  history: History,
  view: BarView,
  adjustment: Adjustment,
): AsyncGenerator<Batch> {
  const { symbol, names, source, intervalUs, fromUs, toUs, limit, newest, signal } = view;
  if (!view.made && view.adjustment === 'raw' && view.gaps === 'none' && view.resampleUs === undefined) {
    yield* history.batches({
      kind: 'bar',
      symbol,
      names,
      source,
      fromUs,
      toUs,
      view: view.view,
      interval: intervalUs,
      unit: 'time',
      limit,
      newest,
      signal,
    });
    return;
  }
  if (newest && limit !== undefined) {
    const bars = await newestBars(history, view, adjustment, limit);
    if (bars.length > 0) yield batchOf(bars);
    return;
  }
  let waiting: BarRecord[] = [];
  let left = limit ?? Number.POSITIVE_INFINITY;
  for await (const bar of barsOfView(history, view, adjustment)) {
    waiting.push(bar);
    if (--left <= 0) break;
    if (waiting.length < BATCH_ROWS) continue;
    yield batchOf(waiting);
    waiting = [];
  }
  if (waiting.length > 0) yield batchOf(waiting);
}

/** Returns the last bars of a view; reads as much of its end as has so many. */
async function newestBars(
  history: History,
  view: BarView,
  adjustment: Adjustment,
  limit: number,
): Promise<BarRecord[]> {
  const bars = sourceOf(history, view);
  const { fromUs = FIRST_US, toUs = LAST_US } = view;
  const [last, first] = [await bars.at(toUs), await bars.next(fromUs)];
  if (!last || !first) return [];
  for (let span = limit * (view.resampleUs ?? view.intervalUs); ; span *= 4) {
    const startUs = Math.max(fromUs, last.tsEventUs - span);
    let found: BarRecord[] = [];
    for await (const bar of barsOfView(history, { ...view, fromUs: startUs }, adjustment)) {
      found.push(bar);
      if (found.length >= 2 * limit) found = found.slice(-limit);
    }
    // Longer bars may begin before the first of those that they are made of.
    if (found.length >= limit || startUs === fromUs) return found.slice(-limit);
    if (startUs <= first.tsEventUs) span = Number.POSITIVE_INFINITY;
  }
}

function batchOf(bars: readonly BarRecord[]): Batch {
  const column = (value: (bar: BarRecord) => number | null) =>
    Float64Array.from(bars, (bar) => value(bar) ?? Number.NaN);
  return {
    rows: bars.length,
    columns: {
      ts_event_us: column((bar) => bar.tsEventUs),
      open: column((bar) => bar.open),
      high: column((bar) => bar.high),
      low: column((bar) => bar.low),
      close: column((bar) => bar.close),
      volume: column((bar) => bar.volume),
      trades: column((bar) => bar.trades),
      flags: column((bar) => bar.flags),
    },
  };
}
