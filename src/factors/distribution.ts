// Factors of shape: the form of the distribution of returns, and their order.
import { defineFactor, type FactorDef } from './define.ts';
import { centralMoments, FLAT, largest, mean } from './window.ts';

const joanes =
  'Joanes and Gill 1998, Comparing measures of sample skewness and kurtosis, The Statistician 47';

/** The factors of this file. */
export const distributionFactors: readonly FactorDef[] = [
  defineFactor({
    name: 'skewness_60',
    title: 'Skewness over 60 bars',
    category: 'distribution',
    lookback: 61,
    inputs: ['close'],
    formula:
      'G1 = sqrt(n (n-1)) / (n-2) * m3 / m2^1.5 over the last n = 60 log returns (central moments ddof 0, then bias-corrected); NaN when the returns are constant',
    source: joanes,
    compute: ({ log, bars }) => {
      const [m2, m3] = centralMoments(log, bars - 60, bars);
      return m2 <= FLAT ? Number.NaN : ((Math.sqrt(60 * 59) / 58) * m3) / (m2 * Math.sqrt(m2));
    },
  }),
  defineFactor({
    name: 'kurtosis_60',
    title: 'Excess kurtosis over 60 bars',
    category: 'distribution',
    lookback: 61,
    inputs: ['close'],
    formula:
      'G2 = (n-1) / ((n-2) (n-3)) * ((n+1) (m4 / m2^2 - 3) + 6) over the last n = 60 log returns (central moments ddof 0, then bias-corrected; a normal has 0); NaN when the returns are constant',
    source: joanes,
    compute: ({ log, bars }) => {
      const [m2, , m4] = centralMoments(log, bars - 60, bars);
      return m2 <= FLAT ? Number.NaN : (59 / (58 * 57)) * (61 * (m4 / (m2 * m2) - 3) + 6);
    },
  }),
  defineFactor({
    name: 'max_return_20',
    title: 'Largest return of 20 bars',
    category: 'distribution',
    lookback: 21,
    inputs: ['close'],
    formula: 'max of the last 20 simple returns',
    source: 'Bali, Cakici and Whitelaw 2011, Maxing Out, Journal of Financial Economics 99',
    compute: ({ simple, bars }) => largest(simple, bars - 20, bars),
  }),
  defineFactor({
    name: 'autocorrelation_20',
    title: 'Autocorrelation of 20 returns',
    category: 'distribution',
    lookback: 21,
    inputs: ['close'],
    formula:
      'Pearson correlation of the last 20 log returns with themselves one bar before: 19 pairs, each side about its own mean; -1 to 1, NaN when a side is constant',
    source:
      'Lo and MacKinlay 1988, Stock Market Prices Do Not Follow Random Walks, Review of Financial Studies 1',
    compute: ({ log, bars }) => {
      const from = bars - 19;
      const now = mean(log, from, bars);
      const before = mean(log, from - 1, bars - 1);
      let cross = 0;
      let nowSquares = 0;
      let beforeSquares = 0;
      for (let i = from; i < bars; i++) {
        const a = (log[i] as number) - now;
        const b = (log[i - 1] as number) - before;
        cross += a * b;
        nowSquares += a * a;
        beforeSquares += b * b;
      }
      if (nowSquares <= 19 * FLAT || beforeSquares <= 19 * FLAT) return Number.NaN;
      return Math.max(-1, Math.min(1, cross / (Math.sqrt(nowSquares) * Math.sqrt(beforeSquares))));
    },
  }),
];
