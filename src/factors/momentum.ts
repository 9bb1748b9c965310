// Factors of trend and reversal: how far the price went over a window.
import { compute } from '../indicators/compute.ts';
import rsi from '../indicators/rsi/def.ts';
import { defineFactor, type FactorDef, type FactorView } from './define.ts';
import { mean } from './window.ts';

/** Bars that the index of `rsi_14` runs over at most: its seed then weighs less than 3e-8. */
const RSI_BARS = 252;
const RSI_PERIOD = 14;

const jegadeesh =
  'Jegadeesh and Titman 1993, Returns to Buying Winners and Selling Losers, Journal of Finance 48';

/** The simple return from `far` bars ago to `near` bars ago. */
function change({ close, bars }: FactorView, far: number, near: number): number {
  return (close[bars - 1 - near] as number) / (close[bars - 1 - far] as number) - 1;
}

function momentum(span: number): FactorDef {
  return defineFactor({
    name: `momentum_${span}`,
    title: `Momentum over ${span} bars`,
    category: 'momentum',
    lookback: span + 1,
    inputs: ['close'],
    formula: `close[t] / close[t-${span}] - 1 (simple return)`,
    source: jegadeesh,
    compute: (view) => change(view, span, 0),
  });
}

/** The factors of this file. */
export const momentumFactors: readonly FactorDef[] = [
  momentum(20),
  momentum(60),
  momentum(120),
  defineFactor({
    name: 'momentum_252_21',
    title: 'Momentum over a year without its last month',
    category: 'momentum',
    lookback: 253,
    inputs: ['close'],
    formula:
      'close[t-21] / close[t-252] - 1 (simple return; the last 21 bars are left out, as they tend to revert)',
    source: jegadeesh,
    compute: (view) => change(view, 252, 21),
  }),
  defineFactor({
    name: 'reversal_5',
    title: 'Short-term reversal over 5 bars',
    category: 'reversal',
    lookback: 6,
    inputs: ['close'],
    formula: '-(close[t] / close[t-5] - 1) (simple return, sign turned: recent losers score high)',
    source: 'Lehmann 1990, Fads, Martingales, and Market Efficiency, Quarterly Journal of Economics 105',
    // Not `-change`: a price that did not move scores 0, not -0.
    compute: (view) => 0 - change(view, 5, 0),
  }),
  defineFactor({
    name: 'rsi_14',
    title: 'Relative strength index of 14 bars',
    category: 'momentum',
    lookback: RSI_PERIOD + 1,
    inputs: ['close'],
    formula: `the indicator rsi with period ${RSI_PERIOD}, started at the oldest of the last ${RSI_BARS} closes (or of all, when fewer); 0 to 100, 50 when the price never moved`,
    source: rsi.source,
    compute: ({ close, bars }) => {
      const recent = close.subarray(Math.max(0, bars - RSI_BARS), bars);
      return compute(rsi, { period: RSI_PERIOD }, { close: recent }).rsi.at(-1) as number;
    },
  }),
  defineFactor({
    name: 'ma_ratio_20_60',
    title: 'Moving averages of 20 over 60 bars',
    category: 'momentum',
    lookback: 60,
    inputs: ['close'],
    formula: 'mean(last 20 closes) / mean(last 60 closes) - 1',
    source: 'Brock, Lakonishok and LeBaron 1992, Simple Technical Trading Rules, Journal of Finance 47',
    compute: ({ close, bars }) => mean(close, bars - 20, bars) / mean(close, bars - 60, bars) - 1,
  }),
];
