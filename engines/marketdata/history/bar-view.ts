// Bars as a request wants them: adjusted, with gaps marked or filled, made longer; record by record, in bounded memory.
import { type Adjustment, type AdjustmentMode, adjustmentOf } from '../../../src/market/actions/adjust.ts';
import { BarResampler } from '../../../src/market/aggregate/resample.ts';
import { Repairer } from '../../../src/market/quality/repair.ts';
import type { BarRecord, CorporateAction } from '../../../src/market/records.ts';
import { calendarById } from '../../../src/market/sessions/calendars.ts';
import { DAY_US } from '../../../src/market/sessions/days.ts';
import type { History } from './history.ts';
import type { Batch, ReadQuery, View } from './reader.ts';
import { FIRST_US, LAST_US } from './view.ts';

/** Which bars, and what is done to them. */
export interface BarView {
  readonly symbol: string;
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
  readonly signal?: AbortSignal | undefined;
}

/** Open at every time: what gaps go by where a request names no calendar. */
const ALWAYS = '24x7';
const BATCH_ROWS = 8192;

/** Returns the adjustment that a view asks for, by the corporate actions that are stored; those of the bars' own source come first. */
export async function adjustmentFor(history: History, view: BarView): Promise<Adjustment> {
  const { symbol, source, intervalUs, adjustment } = view;
  const actions: CorporateAction[] = [];
  if (adjustment !== 'raw') {
    for await (const batch of history.records({ kind: 'corporate_action', symbol })) actions.push(...batch);
    actions.sort((a, b) => Number(b.source === source) - Number(a.source === source));
  }
  const series = { kind: 'bar', symbol, source, interval: intervalUs, unit: 'time' } as const;
  const closes = new Map<number, BarRecord | null>();
  for (const { action, tsEventUs } of actions) {
    if (action !== 'dividend' || closes.has(tsEventUs)) continue;
    closes.set(tsEventUs, await history.recordAt({ ...series, atUs: tsEventUs - 1 }));
  }
  // All ranges of a series are adjusted alike: what is in force is what its last bar knows, not that of the range.
  const last = await history.recordAt({ ...series, atUs: LAST_US });
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
  const { symbol, source, intervalUs, fromUs, toUs, gaps, resampleUs, signal } = view;
  const calendar = view.calendar === undefined ? null : calendarById(view.calendar);
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
  const series = { kind: 'bar', symbol, source, interval: intervalUs, unit: 'time', signal } as const;
  const range = await rangeOf(history, view, series);
  for await (const batch of history.records({ ...series, ...range, view: view.view })) {
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
  history: History,
  { fromUs, toUs, gaps, resampleUs, calendar }: BarView,
  series: Omit<ReadQuery<'bar'>, 'fromUs' | 'toUs'>,
): Promise<Pick<ReadQuery, 'fromUs' | 'toUs'>> {
  // Sessions open up to a day before the midnight that longer bars have as their time.
  const early = resampleUs !== undefined && calendar !== undefined ? DAY_US : 0;
  let from = fromUs === undefined ? undefined : fromUs - early;
  let to = toUs === undefined ? undefined : Math.min(toUs + early + (resampleUs ?? 0), LAST_US);
  if (gaps === 'none') return { fromUs: from, toUs: to };
  if (from !== undefined) {
    const before = await history.recordAt({ ...series, atUs: from - 1 });
    from = before?.tsEventUs ?? from;
  }
  if (to !== undefined) {
    const query = { ...series, fromUs: to + 1, limit: 1 };
    for await (const [next] of history.records(query)) to = next!.tsEventUs;
  }
  return { fromUs: from, toUs: to };
}

/** Yields a page of a view as batches of columns, as its plain form is read: without what is done to bars it comes from the tables directly. */
export async function* batchesOfView(
  history: History,
  view: BarView,
  adjustment: Adjustment,
): AsyncGenerator<Batch> {
  const { symbol, source, intervalUs, fromUs, toUs, limit, newest, signal } = view;
  if (view.adjustment === 'raw' && view.gaps === 'none' && view.resampleUs === undefined) {
    yield* history.batches({
      kind: 'bar',
      symbol,
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
  const bars = barsOfView(history, view, adjustment);
  let waiting: BarRecord[] = [];
  let left = limit ?? Number.POSITIVE_INFINITY;
  for await (const bar of bars) {
    waiting.push(bar);
    // The newest ones are known at the end only; memory holds twice a page at most.
    if (newest && limit !== undefined) {
      if (waiting.length >= 2 * limit) waiting = waiting.slice(-limit);
      continue;
    }
    if (--left <= 0) break;
    if (waiting.length < BATCH_ROWS) continue;
    yield batchOf(waiting);
    waiting = [];
  }
  if (newest && limit !== undefined) waiting = waiting.slice(-limit);
  if (waiting.length > 0) yield batchOf(waiting);
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
