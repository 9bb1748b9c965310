// What Yahoo Finance answers for a chart, as bars, splits and dividends.
import type { ChartResultArray } from 'yahoo-finance2/modules/chart';
import { ProviderError } from '../../../../src/core/errors.ts';
import type { BarRecord, CorporateAction } from '../../../../src/market/records.ts';
import { DAY_US, MINUTE_US, type Zone } from '../../../../src/market/sessions/days.ts';
import type { SkippedRows } from '../skipped.ts';
import { zoneNamed } from '../zones.ts';

const STAMPED = { source: 'yahoo', sequence: null, flags: 0 } as const;

/**
 * Returns the finished bars of a chart, oldest first. Prices and volumes are adjusted for splits, not for dividends. A row of prices that are
 * null is a time without trades. A chart that reaches to the present ends with a row at the time of the last trade, also long after the close:
 * of days, it is the bar of the session of that trade, beside or instead of the one at its open; of shorter bars, one that repeats a price.
 * Throws {@link ProviderError} for a time zone that is none.
 */
export function barsOf(
  symbol: string,
  intervalUs: number,
  chart: ChartResultArray,
  nowUs: number,
  skipped: SkippedRows,
): BarRecord[] {
  const { regularMarketTime, currentTradingPeriod } = chart.meta;
  const { start, end } = currentTradingPeriod.regular;
  const [startUs, endUs, lastTradeUs] = [start, end, regularMarketTime].map(
    (date) => date.getTime() * 1000,
  ) as [number, number, number];
  const zone = zoneOf(chart);
  const openMinutes = (startUs - zone.utc(zone.localDay(startUs), 0)) / MINUTE_US;
  const bars = new Map<number, BarRecord>();
  for (const { date, open, high, low, close, volume } of chart.quotes) {
    const rowUs = date.getTime() * 1000;
    if (open === null || high === null || low === null || close === null || volume === null) {
      skipped.skip('no trade');
      continue;
    }
    const isLastTrade = rowUs === lastTradeUs;
    let us = rowUs;
    // The hours of the present session may be those of the next one already.
    if (intervalUs === DAY_US && rowUs > startUs) us = startUs;
    else if (intervalUs === DAY_US && isLastTrade) us = zone.utc(zone.localDay(rowUs), openMinutes);
    const finishedUs =
      intervalUs < DAY_US ? us + intervalUs : us === startUs ? endUs : isLastTrade ? rowUs : us + DAY_US;
    if (finishedUs > nowUs) {
      skipped.skip('not finished');
      continue;
    }
    const isOpen = rowUs >= startUs && rowUs < endUs;
    if (intervalUs < DAY_US && (rowUs % MINUTE_US !== 0 || (isLastTrade && !isOpen))) {
      skipped.skip('last price, no bar');
      continue;
    }
    bars.set(us, {
      ...STAMPED,
      kind: 'bar',
      symbol,
      tsEventUs: us,
      tsReceiveUs: us,
      unit: 'time',
      interval: intervalUs,
      open,
      high,
      low,
      close,
      volume,
      trades: null,
      adjusted: ['split'],
    });
  }
  return [...bars.values()].sort((a, b) => a.tsEventUs - b.tsEventUs);
}

/**
 * Returns the splits and dividends of a chart that reaches to the present, oldest first. Yahoo divides dividends by all later splits: they are
 * multiplied back to what was paid for a share of that time, as exactly as Yahoo's decimals allow. Throws {@link ProviderError} as {@link barsOf}.
 */
export function actionsOf(symbol: string, chart: ChartResultArray, skipped: SkippedRows): CorporateAction[] {
  const actions: CorporateAction[] = [];
  const zone = zoneOf(chart);
  const splits = (chart.events?.splits ?? []).map(({ date, numerator, denominator }) => ({
    us: exDayOf(date, zone),
    ratio: numerator / denominator,
  }));
  for (const { us, ratio } of splits) {
    if (Number.isFinite(ratio) && ratio > 0) actions.push(action(symbol, us, { action: 'split', ratio }));
    else skipped.skip('no ratio');
  }
  for (const { date, amount } of chart.events?.dividends ?? []) {
    const us = exDayOf(date, zone);
    let paid = amount;
    for (const split of splits) if (split.us > us && split.ratio > 0) paid *= split.ratio;
    actions.push(action(symbol, us, { action: 'dividend', amount: paid }));
  }
  return actions.sort((a, b) => a.tsEventUs - b.tsEventUs);
}

function zoneOf({ meta }: ChartResultArray): Zone {
  const zone = zoneNamed(meta.exchangeTimezoneName);
  if (zone) return zone;
  throw new ProviderError('Expected a time zone from Yahoo Finance, was another text', 'Yahoo Finance', 200);
}

// Yahoo says the open of the ex-day: it begins at midnight UTC as that of other sources, where its session does not open before (Sydney).
function exDayOf(date: Date, zone: Zone): number {
  const openUs = date.getTime() * 1000;
  return Math.min(zone.localDay(openUs) * DAY_US, openUs);
}

function action(
  symbol: string,
  us: number,
  what: Pick<CorporateAction, 'action'> & Partial<CorporateAction>,
): CorporateAction {
  return {
    ...STAMPED,
    kind: 'corporate_action',
    symbol,
    tsEventUs: us,
    tsReceiveUs: us,
    ratio: null,
    amount: null,
    renamedTo: null,
    ...what,
  };
}
