// Adjusted bars against the factors of LEAN, the adjusted closes of Yahoo Finance, and the laws of returns.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type DailyRow, dailyCsv, leanDaily, leanFactors } from '../../../test/support/market-files.ts';
import { action, bar } from '../quality/test-records.ts';
import type { BarRecord, CorporateAction } from '../records.ts';
import { DAY_US } from '../sessions/days.ts';
import { adjustBars } from './adjust.ts';

const at = (date: string) => Date.parse(date) * 1000;

function bars(rows: readonly DailyRow[], adjusted: BarRecord['adjusted'] = []): BarRecord[] {
  return rows.map(({ date, open, high, low, close, volume }) => {
    return bar({ tsEventUs: at(date), interval: DAY_US, open, high, low, close, volume, adjusted });
  });
}

function splits(of: Readonly<Record<string, number>>): CorporateAction[] {
  return Object.entries(of).map(([date, ratio]) => action({ action: 'split', ratio, tsEventUs: at(date) }));
}

function dividends(of: Readonly<Record<string, number>>): CorporateAction[] {
  return Object.entries(of).map(([date, amount]) => {
    return action({ action: 'dividend', amount, tsEventUs: at(date) });
  });
}

// As the companies announced them: ex-day and cash for one share.
const AAPL_DIVIDENDS = dividends({
  '2012-08-09': 2.65,
  '2012-11-07': 2.65,
  '2013-02-07': 2.65,
  '2013-05-09': 3.05,
  '2013-08-08': 3.05,
  '2013-11-06': 3.05,
  '2014-02-06': 3.05,
  '2014-05-08': 3.29,
  '2014-08-07': 0.47,
  '2014-11-06': 0.47,
  '2015-02-05': 0.47,
  '2015-05-07': 0.52,
  '2015-08-06': 0.52,
  '2015-11-05': 0.52,
  '2016-02-04': 0.52,
  '2016-05-05': 0.57,
  '2016-08-04': 0.57,
  '2016-11-03': 0.57,
  '2017-02-09': 0.57,
  '2017-05-11': 0.63,
  '2017-08-10': 0.63,
  '2017-11-10': 0.63,
  '2018-02-09': 0.63,
  '2018-05-11': 0.73,
  '2018-08-10': 0.73,
  '2018-11-08': 0.73,
  '2019-02-08': 0.73,
  '2019-05-10': 0.77,
  '2019-08-09': 0.77,
  '2019-11-07': 0.77,
  '2020-02-07': 0.77,
  '2020-05-08': 0.82,
  '2020-08-07': 0.82,
  '2020-11-06': 0.205,
  '2021-02-05': 0.205,
});

const SPLITS = {
  aapl: splits({ '2000-06-21': 2, '2005-02-28': 2, '2014-06-09': 7, '2020-08-31': 4 }),
  ibm: splits({ '1999-05-27': 2 }),
  bac: splits({ '2004-08-30': 2 }),
  aig: splits({ '1998-08-03': 1.5, '1999-08-02': 1.25, '2000-07-31': 1.5, '2009-07-01': 1 / 20 }),
};

// A row of a factor file holds until and with its date.
function leanFactor(symbol: string, date: string) {
  return leanFactors(symbol)!.find((row) => row.date >= date)!;
}

describe('LEAN', () => {
  for (const [symbol, known] of Object.entries(SPLITS)) {
    const rows = leanDaily(symbol);
    test.skipIf(!rows)(`has the same factors for the splits of ${symbol}`, () => {
      const { adjustment } = adjustBars(bars(rows!), known, 'split');
      expect(adjustment.applied).toHaveLength(known.length);
      for (const row of rows!.filter((_, i) => i % 40 === 0)) {
        // The file has 8 decimals, of 1 / 112 in the worst case.
        const { split } = leanFactor(symbol, row.date);
        expect(Math.abs(adjustment.factor(at(row.date)) / split - 1)).toBeLessThan(1e-5);
      }
    });
  }

  const rows = leanDaily('aapl');
  test.skipIf(!rows)('has the same factors for splits and 35 dividends of aapl', () => {
    const { adjustment, bars: adjusted } = adjustBars(
      bars(rows!),
      [...SPLITS.aapl, ...AAPL_DIVIDENDS],
      'total_return',
    );
    expect(adjustment.ignored).toEqual([]);
    expect(adjustment.applied).toHaveLength(39);
    const splitToday = rows!.map((row) => row.close);
    for (let i = 0; i < rows!.length; i += 20) {
      const { price, split } = leanFactor('aapl', rows![i]!.date);
      // Factors of 7 decimals that are multiplied 39 times, of splits of 8: 1e-5.
      expect(Math.abs(adjusted[i]!.close / (splitToday[i]! * price * split) - 1)).toBeLessThan(1e-5);
    }
    expect(adjusted[0]!.adjusted).toEqual(['split', 'dividend']);
    expect(adjusted.at(-1)).toMatchObject({ close: rows!.at(-1)!.close, volume: rows!.at(-1)!.volume });
  });
});

describe('adjusted closes of Yahoo Finance', () => {
  const cases = {
    'orcl-1995-2014': dividends({
      '2009-04-06': 0.05,
      '2009-07-13': 0.05,
      '2009-10-09': 0.05,
      '2010-01-14': 0.05,
      '2010-04-12': 0.05,
      '2010-07-12': 0.05,
      '2010-10-04': 0.05,
      '2011-01-14': 0.05,
      '2011-04-11': 0.06,
      '2011-07-11': 0.06,
      '2011-10-07': 0.06,
      '2012-01-09': 0.06,
      '2012-04-09': 0.06,
      '2012-07-11': 0.06,
      '2012-10-10': 0.06,
      '2012-12-12': 0.18,
      '2013-07-10': 0.12,
      '2013-10-04': 0.12,
      '2014-01-03': 0.12,
      '2014-04-04': 0.12,
      '2014-07-07': 0.12,
      '2014-10-06': 0.12,
    }),
    'nvda-1999-2014': dividends({
      '2012-11-20': 0.075,
      '2013-02-26': 0.075,
      '2013-05-21': 0.075,
      '2013-08-20': 0.075,
      '2013-11-19': 0.085,
      '2014-02-25': 0.085,
      '2014-05-20': 0.085,
      '2014-08-19': 0.085,
      '2014-11-19': 0.085,
    }),
    'yhoo-1996-2014': [],
  };
  for (const [name, known] of Object.entries(cases)) {
    const rows = dailyCsv(`${name}-daily-ohlcv.csv.gz`);
    test.skipIf(!rows)(`follow from the dividends of ${name}`, () => {
      // Closes of these files are adjusted for splits; their last day already has the factor of later dividends.
      const { bars: adjusted, adjustment } = adjustBars(bars(rows!, ['split']), known, 'total_return');
      expect(adjustment.applied).toHaveLength(known.length);
      const later = rows!.at(-1)!.adjusted / rows!.at(-1)!.close;
      for (const [i, row] of rows!.entries()) {
        // Six decimals of prices from 1 up, as floats of 32 bits before: 1e-5.
        expect(Math.abs((adjusted[i]!.close * later) / row.adjusted - 1)).toBeLessThan(1e-5);
      }
    });
  }
});

describe('the laws', () => {
  const day = (index: number) => at('2024-01-01') + index * DAY_US;
  const closes = fc.array(fc.double({ min: 5, max: 500, noNaN: true }), { minLength: 3, maxLength: 30 });
  const acts = fc.array(
    fc.record({
      index: fc.integer({ min: 1, max: 29 }),
      ratio: fc.constantFrom(null, 2, 3, 1.5, 0.1),
      amount: fc.double({ min: 0.01, max: 0.4, noNaN: true }),
    }),
    { maxLength: 6 },
  );
  const unique = (all: readonly { index: number }[], index: number, i: number) =>
    all.findIndex((one) => one.index === index) === i;

  test('adjusted returns are total returns: of the price, new shares and dividend', () => {
    fc.assert(
      fc.property(closes, acts, (prices, given) => {
        const series = prices.map((close, i) => bar({ tsEventUs: day(i), interval: DAY_US, close }));
        const known = given.filter(({ index }, i) => index < prices.length && unique(given, index, i));
        const actions = known.flatMap(({ index, ratio, amount }) => [
          ...(ratio === null ? [] : [action({ action: 'split', ratio, tsEventUs: day(index) })]),
          action({ action: 'dividend', amount, tsEventUs: day(index) }),
        ]);
        const { bars: adjusted, adjustment } = adjustBars(series, actions, 'total_return');
        expect(adjustment.applied.length + adjustment.ignored.length).toBe(actions.length);
        for (let i = 1; i < prices.length; i++) {
          const act = known.find(({ index }) => index === i);
          const ratio = act?.ratio ?? 1;
          // What one old share is worth before the ex-day, without the dividend of its new shares.
          const paid = act && act.amount < prices[i - 1]! / ratio ? act.amount * ratio : 0;
          const expected = (prices[i]! * ratio) / (prices[i - 1]! - paid);
          // A product of at most 12 factors, each rounded.
          expect(adjusted[i]!.close / adjusted[i - 1]!.close / expected).toBeCloseTo(1, 10);
        }
        expect(adjusted.at(-1)!.close).toBe(prices.at(-1)!);
      }),
      { numRuns: 100 },
    );
  });

  test('of splits alone the worth of what was traded stays', () => {
    fc.assert(
      fc.property(closes, acts, (prices, given) => {
        const series = prices.map((close, i) =>
          bar({ tsEventUs: day(i), interval: DAY_US, close, volume: 100 + i }),
        );
        const actions = given.map(({ index, ratio }) =>
          action({ action: 'split', ratio, tsEventUs: day(index) }),
        );
        const { bars: adjusted } = adjustBars(series, actions, 'split');
        for (const [i, one] of adjusted.entries()) {
          expect(one.close * one.volume).toBeCloseTo(prices[i]! * (100 + i), 6);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('what is not applied', () => {
  const series = [100, 101, 102].map((close, i) => bar({ tsEventUs: at('2024-01-01') + i * DAY_US, close }));
  const of = (given: Partial<CorporateAction>) => action({ tsEventUs: at('2024-01-02'), ...given });
  const split = of({ action: 'split', ratio: 2 });
  const dividend = of({ action: 'dividend', amount: 1 });

  test.each<[string, CorporateAction[], 'raw' | 'split' | 'total_return']>([
    ['not asked for', [split], 'raw'],
    ['not asked for', [dividend], 'split'],
    ['not yet in force', [{ ...split, tsEventUs: at('2025-01-01') }], 'split'],
    ['another source says it', [split, { ...split, source: 'other' }], 'split'],
    // The same day at the open instead of midnight.
    [
      'another source says it',
      [split, { ...split, source: 'other', tsEventUs: at('2024-01-02T13:30Z') }],
      'split',
    ],
    ['no positive number', [of({ action: 'split', ratio: 0 })], 'split'],
    ['no close before it', [{ ...dividend, tsEventUs: at('2024-01-01') }], 'total_return'],
    ['not below the close before it', [of({ action: 'dividend', amount: 100 })], 'total_return'],
  ])('is told with its reason: %s', (reason, actions, mode) => {
    const { adjustment } = adjustBars(series, actions, mode);
    expect(adjustment.ignored.map((one) => one.reason as string)).toEqual([reason]);
  });

  test('bars that their source has adjusted are not adjusted again', () => {
    const given = series.map((one) => ({ ...one, adjusted: ['split' as const] }));
    const { bars: adjusted } = adjustBars(given, [split, dividend], 'total_return');
    // The dividend is for a new share, of which the close is already.
    expect(adjusted[0]).toMatchObject({ close: 99, volume: 10, adjusted: ['split', 'dividend'] });
    expect(adjustBars(given, [split], 'split').bars[0]!.close).toBe(100);
  });

  test('dividends before a later split are of a part of a share of today', () => {
    const later = { ...split, tsEventUs: at('2024-01-03') };
    const factors = (given: BarRecord[]) =>
      adjustBars(given, [dividend, later], 'total_return').adjustment.applied.map((one) => one.factor);
    // Closes of 100 as they were, and of 50 in shares of today: the same dividend.
    const ofToday = series.map((one) => ({ ...one, close: one.close / 2, adjusted: ['split' as const] }));
    expect(factors(series)).toEqual([0.99, 0.5]);
    expect(factors(ofToday)).toEqual([0.99, 0.5]);
  });
});
