// What Alpaca says of US stocks, over REST and in its stream, as records.
import { parseTimestampUs } from '../../../../src/core/timestamps.ts';
import type { BarRecord, CorporateAction, Quote, Trade } from '../../../../src/market/records.ts';
import { DAY_US, dayText, parseDay, Zone } from '../../../../src/market/sessions/days.ts';
import type { Scales } from '../scales.ts';
import { finite, objectOf, type SkippedRows } from '../skipped.ts';

/** What a record needs beside what Alpaca said. */
export interface From {
  readonly symbol: string;
  readonly source: string;
  readonly scales: Scales;
  /** Absent for history: the time of the venue then counts as that of receipt. */
  readonly receivedUs?: number;
}

/** A row in the short names of REST (`t`, `p`, `s`). The stream of the SDK has long ones, which its reader shortens. */
export type Row = Readonly<Record<string, unknown>>;

function stamped({ symbol, source, receivedUs }: From, time: unknown) {
  const tsEventUs = typeof time === 'string' ? parseTimestampUs(time) : null;
  if (tsEventUs === null) return null;
  // Nanoseconds, where there are any beyond microseconds.
  const finer = /\.\d{6}(\d+)/.exec(time as string)?.[1] ?? '';
  const text = /[1-9]/.test(finer) ? { tsEventText: time as string } : {};
  return {
    symbol,
    source,
    tsEventUs,
    tsReceiveUs: receivedUs ?? tsEventUs,
    ...text,
    sequence: null,
    flags: 0,
  };
}

/** Returns a trade, or why the row is none. */
export function tradeOf(from: From, row: Row): Trade | string {
  // `canceled` and `incorrect` trades are in the history as they were first reported.
  if (row.u === 'canceled' || row.u === 'incorrect') return 'taken back by the exchange';
  const stamp = stamped(from, row.t);
  const exact = from.scales.exact(from.symbol, [row.p], [row.s]);
  if (!stamp || !exact) return 'no time, price or size';
  return {
    ...stamp,
    kind: 'trade',
    scale: exact.scale,
    price: exact.prices[0]!,
    size: exact.sizes[0]!,
    side: null,
    id: idOf(row, stamp.tsEventUs),
  };
}

const newYork = new Zone('America/New_York');

// Exchanges number the trades of a symbol anew every day, each its own: a number is one trade with its day and exchange only.
function idOf({ i, x }: Row, tsEventUs: number): string | null {
  if (typeof i !== 'number' && typeof i !== 'string') return null;
  return `${dayText(newYork.localDay(tsEventUs))}:${typeof x === 'string' ? x : ''}:${i}`;
}

/** Returns a quote, or why the row is none. */
export function quoteOf(from: From, row: Row): Quote | string {
  const stamp = stamped(from, row.t);
  const exact = from.scales.exact(from.symbol, [row.bp, row.ap], [row.bs, row.as]);
  if (!stamp || !exact) return 'no time, price or size';
  return {
    ...stamp,
    kind: 'quote',
    scale: exact.scale,
    bid: exact.prices[0]!,
    ask: exact.prices[1]!,
    bidSize: exact.sizes[0]!,
    askSize: exact.sizes[1]!,
  };
}

/** Returns a bar as traded, or why the row is none. */
export function barOf(from: From, intervalUs: number, row: Row): BarRecord | string {
  const stamp = stamped(from, row.t);
  const [open, high, low, close, volume] = [row.o, row.h, row.l, row.c, row.v].map(finite);
  if (!stamp || open == null || high == null || low == null || close == null || volume == null)
    return 'no time or number';
  return {
    ...stamp,
    kind: 'bar',
    unit: 'time',
    interval: intervalUs,
    open,
    high,
    low,
    close,
    volume,
    trades: finite(row.n),
    adjusted: [],
  };
}

/**
 * Returns splits, dividends and renames of `native` in an answer about corporate actions, or null when the body is none. Days are at midnight
 * UTC. A rename belongs to the symbol that it ends: the answer for the new one has it as well.
 */
export function actionsOf(
  from: From,
  native: string,
  body: unknown,
  skipped: SkippedRows,
): CorporateAction[] | null {
  const all = objectOf(objectOf(body)?.corporate_actions);
  if (!all) return null;
  const actions: CorporateAction[] = [];
  const add = (
    of: unknown,
    day: unknown,
    what: Pick<CorporateAction, 'action'> & Partial<CorporateAction>,
  ) => {
    if (of !== native) return skipped.skip('of another symbol');
    const at = typeof day === 'string' ? parseDay(day) : null;
    if (at === null || [what.ratio, what.amount].some(Number.isNaN) || what.renamedTo === '')
      return skipped.skip('no day or number');
    const { symbol, source } = from;
    const tsEventUs = at * DAY_US;
    const nothing = { ratio: null, amount: null, renamedTo: null };
    const stamp = { symbol, source, tsEventUs, tsReceiveUs: tsEventUs, sequence: null, flags: 0 };
    actions.push({ ...stamp, kind: 'corporate_action', ...nothing, ...what });
  };
  const rows = (name: string) =>
    (Array.isArray(all[name]) ? all[name] : []).map((row) => objectOf(row) ?? {});
  for (const row of [...rows('forward_splits'), ...rows('reverse_splits')]) {
    const ratio = (finite(row.new_rate) ?? Number.NaN) / (finite(row.old_rate) ?? Number.NaN);
    add(row.symbol, row.ex_date, { action: 'split', ratio });
  }
  for (const row of rows('cash_dividends'))
    add(row.symbol, row.ex_date, { action: 'dividend', amount: finite(row.rate) ?? Number.NaN });
  for (const row of rows('name_changes')) {
    const renamedTo = typeof row.new_symbol === 'string' ? row.new_symbol : '';
    add(row.old_symbol, row.process_date, { action: 'rename', renamedTo });
  }
  return actions.sort((a, b) => a.tsEventUs - b.tsEventUs);
}
