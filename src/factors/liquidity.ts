// Factors of trading activity: price impact and unusual volume.
import { defineFactor, type FactorDef } from './define.ts';
import { mean, sampleDeviation } from './window.ts';

/** The factors of this file. */
export const liquidityFactors: readonly FactorDef[] = [
  defineFactor({
    name: 'amihud_20',
    title: 'Amihud illiquidity over 20 bars',
    category: 'liquidity',
    lookback: 21,
    inputs: ['close', 'volume'],
    formula:
      'mean of |r| / (close * volume) over those of the last 20 bars that traded; simple returns r, volume in base units; NaN when none traded or a volume is missing',
    source: 'Amihud 2002, Illiquidity and stock returns, Journal of Financial Markets 5',
    compute: ({ simple, close, volume, bars }) => {
      let sum = 0;
      let traded = 0;
      for (let i = bars - 20; i < bars; i++) {
        const turnover = (close[i] as number) * (volume[i] as number);
        // A bar without a trade has no impact to measure; a missing volume (NaN) does spread.
        if (turnover === 0) continue;
        sum += Math.abs(simple[i] as number) / turnover;
        traded++;
      }
      return traded === 0 ? Number.NaN : sum / traded;
    },
  }),
  defineFactor({
    name: 'volume_z_20',
    title: 'Volume against 20 bars',
    category: 'liquidity',
    lookback: 20,
    inputs: ['volume'],
    formula:
      '(volume[t] - mean) / standard deviation (ddof 1) over the last 20 volumes, the newest included; NaN when they are all equal or one is missing',
    source: 'Gervais, Kaniel and Mingelgrin 2001, The High-Volume Return Premium, Journal of Finance 56',
    compute: ({ volume, bars }) => {
      const from = bars - 20;
      const newest = volume[bars - 1] as number;
      let varies = false;
      for (let i = from; i < bars; i++) varies ||= volume[i] !== newest;
      return varies ? (newest - mean(volume, from, bars)) / sampleDeviation(volume, from, bars) : Number.NaN;
    },
  }),
];
