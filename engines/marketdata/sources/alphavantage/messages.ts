// What Alpha Vantage answers for its time series, as bars and corporate actions, and the refusals that it sends with status 200.
import type { BarRecord, CorporateAction } from '../../../../src/market/records.ts';
import { DAY_US, parseDay, type Zone } from '../../../../src/market/sessions/days.ts';
import type { Refusal } from '../net/rest-client.ts';
import { finite, objectOf, type SkippedRows } from '../skipped.ts';
import { zoneNamed } from '../zones.ts';

const LIMITED = /per (second|minute)|call frequency/i;

/** Returns what the provider refused: it answers `Error Message`, `Note` or `Information` instead of data, with status 200. */
export function refusalOf(body: unknown): Refusal | null {
  const answer = objectOf(body);
  for (const member of ['Error Message', 'Note', 'Information']) {
    const text = answer?.[member];
    if (typeof text !== 'string') continue;
    // A limit of seconds or minutes passes while a request waits, also where the text names that of a day too; one of a day alone does not.
    return { reason: text, limited: member !== 'Error Message' && LIMITED.test(text) };
  }
  return null;
}

/** One row of a time series: its time, when it is over where it is a bar, and its members by their name without a number. */
interface Row {
  readonly us: number;
  readonly overUs: number;
  readonly cells: Readonly<Record<string, unknown>>;
}

/** Returns the rows of a time series of bars of a length, oldest first, or null when the body has none. */
function rowsOf(body: unknown, intervalUs: number, skipped: SkippedRows): Row[] | null {
  const answer = objectOf(body);
  if (!answer) return null;
  const meta = objectOf(answer['Meta Data']);
  const series = objectOf(Object.entries(answer).find(([name]) => name.startsWith('Time Series'))?.[1]);
  if (!meta || !series) return null;
  const named = Object.entries(meta).find(([name]) => name.endsWith('Time Zone'))?.[1];
  const zone =
    typeof named === 'string' ? zoneNamed(named === 'US/Eastern' ? 'America/New_York' : named) : null;
  if (!zone) return null;
  const rows: Row[] = [];
  for (const [time, value] of Object.entries(series)) {
    const us = timeUs(time, zone);
    const cells = objectOf(value);
    if (us === null || !cells) {
      skipped.skip('no time');
      continue;
    }
    // A date says nothing of the hours of its market: it is over with its day.
    const overUs = intervalUs < DAY_US ? us + intervalUs : zone.utc(us / DAY_US + 1, 0);
    rows.push({ us, overUs, cells: unnumbered(cells) });
  }
  return rows.sort((a, b) => a.us - b.us);
}

/**
 * Returns the finished bars of a daily or intraday series, oldest first, or null when the body has none. Days are at midnight UTC of their date;
 * the last row of a series is that of the running day or interval.
 */
export function barsOf(
  symbol: string,
  intervalUs: number,
  body: unknown,
  nowUs: number,
  skipped: SkippedRows,
): BarRecord[] | null {
  const bars: BarRecord[] = [];
  const rows = rowsOf(body, intervalUs, skipped);
  if (!rows) return null;
  for (const { us, overUs, cells } of rows) {
    if (overUs > nowUs) {
      skipped.skip('not finished');
      continue;
    }
    const [open, high, low, close, volume] = ['open', 'high', 'low', 'close', 'volume'].map((name) =>
      finite(cells[name]),
    );
    if (open == null || high == null || low == null || close == null || volume == null) {
      skipped.skip('no number');
      continue;
    }
    bars.push({
      kind: 'bar',
      symbol,
      source: 'alphavantage',
      tsEventUs: us,
      tsReceiveUs: us,
      sequence: null,
      flags: 0,
      unit: 'time',
      interval: intervalUs,
      open,
      high,
      low,
      close,
      volume,
      trades: null,
      adjusted: [],
    });
  }
  return bars;
}

/** Returns the splits and dividends of a daily adjusted series, oldest first, or null when the body is none. */
export function actionsOf(symbol: string, body: unknown, skipped: SkippedRows): CorporateAction[] | null {
  const rows = rowsOf(body, DAY_US, skipped);
  if (!rows) return null;
  const actions: CorporateAction[] = [];
  for (const { us, cells } of rows) {
    const amount = finite(cells['dividend amount']);
    const ratio = finite(cells['split coefficient']);
    if (amount === null || ratio === null || ratio <= 0) {
      skipped.skip('no number');
      continue;
    }
    if (ratio !== 1) actions.push(action(symbol, us, 'split', ratio, null));
    if (amount !== 0) actions.push(action(symbol, us, 'dividend', null, amount));
  }
  return actions;
}

function action(
  symbol: string,
  us: number,
  kind: 'split' | 'dividend',
  ratio: number | null,
  amount: number | null,
): CorporateAction {
  return {
    kind: 'corporate_action',
    symbol,
    source: 'alphavantage',
    tsEventUs: us,
    tsReceiveUs: us,
    sequence: null,
    flags: 0,
    action: kind,
    ratio,
    amount,
    renamedTo: null,
  };
}

/** `2024-01-05` is a date, at midnight UTC; `2024-01-05 19:55:00` a time of the zone. */
function timeUs(text: string, zone: Zone): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?: (\d{2}):(\d{2}):(\d{2}))?$/.exec(text);
  const day = match ? parseDay(match[1]!) : null;
  if (day === null) return null;
  const [hour, minute, second] = match!.slice(2).map(Number) as [number, number, number];
  if (match![2] === undefined) return day * DAY_US;
  if (hour > 23 || minute > 59 || second > 59) return null;
  return zone.utc(day, hour * 60 + minute) + second * 1_000_000;
}

/** `1. open` is `open`. */
function unnumbered(cells: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(cells).map(([name, value]) => [name.replace(/^\d+\w*\. /, ''), value]),
  );
}
