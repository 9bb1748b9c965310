// A portfolio of real closes, for tests of bodies.
import golden from '../../../../src/trading/portfolio-risk-golden.json';

/** Returns of real closes by symbol, and of an index. */
export const posted = Object.fromEntries(
  [...golden.symbols, 'INDEX'].map((symbol, j) => {
    const closes = golden.closes.map((row, i) => row[j] ?? golden.benchmark[i]!);
    return [symbol, closes.slice(1).map((close, i) => close / closes[i]! - 1)];
  }),
);
/** Their weights in the values of outside libraries. */
export const portfolio = {
  positions: golden.symbols.map((symbol, i) => ({ symbol, weight: golden.weights[i] })),
};
/** A body with known answers; `returns` are to be added. */
export const known = {
  portfolio,
  benchmark: 'INDEX',
  time_horizon: '10d',
  risk_free_rate: golden.risk_free_rate,
  risk_metrics: ['var_95', 'cvar_95', 'max_drawdown', 'sharpe_ratio', 'volatility'],
};
