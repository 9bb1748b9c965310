// Factors of common risk: how a symbol moves with the panel, and what is left of it without.
import { defineFactor, type FactorDef, type FactorView } from './define.ts';
import { FLAT, mean } from './window.ts';

const SPAN = 60;

/** Least-squares line of the last 60 simple returns on the panel's: slope and squared residuals. */
function regression({ simple, market, bars }: FactorView): { beta: number; residuals: number } {
  const from = bars - SPAN;
  const own = mean(simple, from, bars);
  const all = mean(market, from, bars);
  let cross = 0;
  let squares = 0;
  for (let i = from; i < bars; i++) {
    const x = (market[i] as number) - all;
    cross += x * ((simple[i] as number) - own);
    squares += x * x;
  }
  if (squares <= SPAN * FLAT) return { beta: Number.NaN, residuals: Number.NaN };
  const beta = cross / squares;
  // A pass of its own: the short cut by differences of sums cancels when the line fits well.
  let residuals = 0;
  for (let i = from; i < bars; i++) {
    residuals += ((simple[i] as number) - own - beta * ((market[i] as number) - all)) ** 2;
  }
  return { beta, residuals };
}

/** The factors of this file. */
export const marketFactors: readonly FactorDef[] = [
  defineFactor({
    name: 'beta_60',
    title: 'Beta over 60 bars',
    category: 'market',
    lookback: SPAN + 1,
    inputs: ['close', 'market'],
    formula:
      'cov(r, m) / var(m) over the last 60 simple returns r; m is the equal-weight mean of the simple returns of all symbols of the panel at the same time, the symbol itself included; NaN when m is constant',
    source: 'Sharpe 1964, Capital Asset Prices, Journal of Finance 19',
    compute: (view) => regression(view).beta,
  }),
  defineFactor({
    name: 'idiosyncratic_volatility_60',
    title: 'Idiosyncratic volatility over 60 bars',
    category: 'market',
    lookback: SPAN + 1,
    inputs: ['close', 'market'],
    formula:
      'sqrt(sum(e^2) / 58) with e the residuals of the least-squares line r = a + b m of beta_60 (ddof 2), simple returns, per bar; NaN when m is constant',
    source:
      'Ang, Hodrick, Xing and Zhang 2006, The Cross-Section of Volatility and Expected Returns, Journal of Finance 61',
    compute: (view) => Math.sqrt(regression(view).residuals / (SPAN - 2)),
  }),
];
