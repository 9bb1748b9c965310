// Factors of loss from a peak.
import { defineFactor, type FactorDef } from './define.ts';
import { largest } from './window.ts';

/** The factors of this file. */
export const drawdownFactors: readonly FactorDef[] = [
  defineFactor({
    name: 'max_drawdown_120',
    title: 'Maximum drawdown over 120 bars',
    category: 'drawdown',
    lookback: 120,
    inputs: ['close'],
    formula:
      'max of 1 - close / highest close so far over the last 120 closes: a positive fraction, 0 when the price never fell',
    source: 'Magdon-Ismail and Atiya 2004, Maximum Drawdown, Risk 17',
    compute: ({ close, bars }) => {
      let peak = 0;
      let worst = 0;
      for (let i = bars - 120; i < bars; i++) {
        const price = close[i] as number;
        peak = Math.max(peak, price);
        worst = Math.max(worst, 1 - price / peak);
      }
      return worst;
    },
  }),
  defineFactor({
    name: 'distance_from_high_252',
    title: 'Distance from the high of 252 bars',
    category: 'drawdown',
    lookback: 252,
    inputs: ['close'],
    formula:
      'close[t] / highest of the last 252 closes - 1: 0 at the high, negative below (closes, not intrabar highs)',
    source: 'George and Hwang 2004, The 52-Week High and Momentum Investing, Journal of Finance 59',
    compute: ({ close, bars }) => (close[bars - 1] as number) / largest(close, bars - 252, bars) - 1,
  }),
];
